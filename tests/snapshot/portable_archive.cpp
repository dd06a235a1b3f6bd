// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/support.hpp"
#include "support/catch.hpp"
#include <perdure/snapshot/portable_iarchive.hpp>
#include <perdure/snapshot/portable_oarchive.hpp>

#include <boost/serialization/boost_unordered_map.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/serialization/variant.hpp>

#include <cmath>
#include <limits>
#include <random>

using namespace test;
using perdure::errc;

namespace {

struct point {
    std::int32_t x = 0;
    double y = 0;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& x& y;
    }
    friend bool operator==(point const&, point const&) = default;
};

enum class colour : std::uint16_t { red = 1, blue = 0x1234 };

struct no_default {
    int value;
    explicit no_default(int v) : value(v) {}
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& value;
    }
    friend bool operator==(no_default const&, no_default const&) = default;
};

struct empty {
    template <class Archive>
    void serialize(Archive&, unsigned)
    {
    }
    friend bool operator==(empty const&, empty const&) = default;
};

struct nested {
    std::vector<nested> children;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& children;
    }
    friend bool operator==(nested const&, nested const&) = default;
};

// Everything that the archive writes itself.
struct everything {
    bool flag = false;
    char c = 0;
    signed char sc = 0;
    unsigned char uc = 0;
    short s = 0;
    int i = 0;
    long l = 0;
    long long ll = 0;
    std::size_t n = 0;
    float f = 0;
    double d = 0;
    char16_t c16 = 0;
    wchar_t wc = 0;
    std::byte b{};
    colour e = colour::red;
    std::string str;
    std::u16string str16;
    std::wstring wstr;
    std::vector<std::uint64_t> numbers;
    std::vector<point> points;
    std::vector<bool> bits;
    std::vector<empty> nothings;
    std::vector<no_default> made;
    std::deque<int> deque;
    std::list<std::string> list;
    std::forward_list<int> forward;
    std::array<int, 3> array{};
    int c_array[2][2] = {{0, 0}, {0, 0}};
    std::pair<int, std::string> pair;
    std::tuple<int, char, std::string> tuple;
    std::set<std::string> set;
    std::multiset<int> multiset;
    std::map<int, std::vector<std::string>> map;
    std::multimap<int, int> multimap;
    std::unordered_set<int> unordered_set;
    std::unordered_map<std::string, point> unordered_map;
    std::unordered_multimap<int, int> unordered_multimap;
    std::map<std::string, no_default> map_of_made;
    std::optional<std::string> optional;
    std::optional<int> nothing;
    std::variant<std::monostate, int, std::string, point> variant;
    std::bitset<13> bitset;
    std::complex<double> complex;
    std::chrono::milliseconds duration{};
    std::chrono::sys_seconds time{};

    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& flag& c& sc& uc& s& i& l& ll& n& f& d& c16& wc& b& e;
        ar& str& str16& wstr& numbers& points& bits& nothings& made& deque& list& forward& array&
            c_array;
        ar& pair& tuple& set& multiset& map& multimap& unordered_set& unordered_map&
            unordered_multimap;
        ar& map_of_made& optional& nothing& variant& bitset& complex& duration& time;
    }

    bool operator==(everything const&) const = default;
};

everything sample()
{
    everything v;
    v.flag = true;
    v.c = 'x';
    v.sc = -5;
    v.uc = 250;
    v.s = -12345;
    v.i = std::numeric_limits<int>::min();
    v.l = -7;
    v.ll = std::numeric_limits<long long>::min();
    v.n = std::numeric_limits<std::size_t>::max();
    v.f = -0.0f;
    v.d = 5e-324;
    v.c16 = u'\u20ac';
    v.wc = L'\u20ac';
    v.b = std::byte{0xab};
    v.e = colour::blue;
    v.str = std::string("zero\0inside", 11);
    v.str16 = u"\u20ac\u20ac";
    v.wstr = L"wide";
    v.numbers = {1, 2, 0xffffffffffffffff};
    v.points = {{1, 0.5}, {-2, -1e300}};
    v.bits = {true, false, true, true, false, false, false, false, true};
    v.nothings.resize(5);
    v.made = {no_default(4), no_default(5)};
    v.deque = {7, 8};
    v.list = {"a", "", "c"};
    v.forward = {9, 10, 11};
    v.array = {1, 2, 3};
    v.c_array[1][0] = 77;
    v.pair = {3, "three"};
    v.tuple = {1, 't', "u"};
    v.set = {"p", "q"};
    v.multiset = {4, 4, 5};
    v.map = {{1, {"x", "y"}}, {2, {}}};
    v.multimap = {{1, 1}, {1, 2}};
    v.unordered_set = {10, 20, 30};
    v.unordered_map = {{"k", {1, 2}}, {"l", {3, 4}}};
    v.unordered_multimap = {{1, 1}, {1, 2}, {2, 3}};
    v.map_of_made.emplace("m", no_default(6));
    v.optional = "set";
    v.variant = point{5, 6};
    v.bitset[12] = v.bitset[0] = true;
    v.complex = {1.5, -2.5};
    v.duration = std::chrono::milliseconds(-1);
    v.time = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
    return v;
}

} // namespace

namespace boost::serialization {
template <class Archive>
void save_construct_data(Archive& ar, no_default const* v, unsigned)
{
    ar << v->value;
}
template <class Archive>
void load_construct_data(Archive& ar, no_default* v, unsigned)
{
    int value = 0;
    ar >> value;
    ::new (v) no_default(value + 1000); // serialize sets it right
}
} // namespace boost::serialization

TEST_CASE("portable_archive: every type that it writes itself comes back equal", "[snapshot][core]")
{
    auto const v = sample();
    CHECK(from_bytes<everything>(to_bytes(v)) == v);
    CHECK(from_bytes<everything>(to_bytes(everything{})) == everything{});
}

TEST_CASE("portable_archive: loading replaces what the object held", "[snapshot][core]")
{
    auto const encoded = to_bytes(everything{});
    everything target = sample();
    perdure::memory_source source(encoded);
    perdure::portable_iarchive ar(source);
    ar >> target;
    CHECK(target == everything{});
}

TEST_CASE("portable_archive: the bytes are those of the format document",
          "[snapshot][core][format]")
{
    CHECK(to_bytes(true) == hex({1}));
    CHECK(to_bytes(std::int16_t{-2}) == hex({0xfe, 0xff}));
    CHECK(to_bytes(int{0x01020304}) == hex({4, 3, 2, 1}));
    CHECK(to_bytes(long{-1}) == hex({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
    CHECK(to_bytes(1.0f) == hex({0, 0, 0x80, 0x3f}));
    CHECK(to_bytes(-2.0) == hex({0, 0, 0, 0, 0, 0, 0, 0xc0}));
    CHECK(to_bytes(L'A') == hex({0x41, 0, 0, 0}));
    CHECK(to_bytes(colour::blue) == hex({0x34, 0x12}));
    CHECK(to_bytes(std::string("hi")) == hex({2, 0, 0, 0, 0, 0, 0, 0, 'h', 'i'}));
    CHECK(to_bytes(std::vector<std::uint16_t>{1, 2}) == hex({2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0}));
    CHECK(to_bytes(std::vector<bool>{true, false, false, false, false, false, false, false,
                                     true}) == hex({9, 0, 0, 0, 0, 0, 0, 0, 1, 1}));
    CHECK(to_bytes(std::array<std::uint8_t, 3>{1, 2, 3}) == hex({1, 2, 3}));
    CHECK(to_bytes(std::map<std::uint8_t, std::uint8_t>{{1, 2}}) ==
          hex({1, 0, 0, 0, 0, 0, 0, 0, 1, 2}));
    CHECK(to_bytes(std::optional<std::uint8_t>{}) == hex({0}));
    CHECK(to_bytes(std::optional<std::uint8_t>{7}) == hex({1, 7}));
    CHECK(to_bytes(std::variant<int, std::uint8_t>{std::uint8_t{9}}) == hex({1, 0, 0, 0, 9}));
    // A class version in front of the first object only.
    CHECK(to_bytes(std::vector<point>(2)) == hex({2, 0, 0, 0, 0, 0, 0, 0, /* version */ 0,
                                                  0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                  0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                  0, 0, 0, 0, 0, 0, 0, 0, 0}));
    // Padding to one byte per element: 4 of class version, 2 of padding.
    CHECK(to_bytes(std::vector<empty>(6)) == hex({6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST_CASE("portable_archive: every truncation is an error", "[snapshot][core][format]")
{
    auto const whole = to_bytes(sample());
    for (std::size_t n = 0; n < whole.size(); ++n) {
        CAPTURE(n);
        auto const ec = error_of<everything>(std::span(whole).first(n));
        CHECK((ec == errc::truncated || ec == errc::too_large));
    }
}

TEST_CASE("portable_archive: every changed byte gives an error or another value, never more",
          "[snapshot][core][format]")
{
    auto const whole = to_bytes(sample());
    std::size_t refused = 0;
    for (std::size_t at = 0; at < whole.size(); ++at)
        for (int mask : {0x01, 0x80, 0xff}) {
            bytes changed = whole;
            changed[at] ^= static_cast<std::byte>(mask);
            try {
                from_bytes<everything>(changed);
            } catch (boost::system::system_error const& e) {
                ++refused;
                CHECK((e.code() == errc::truncated || e.code() == errc::too_large ||
                       e.code() == errc::malformed || e.code() == errc::unsupported_version));
            } catch (std::runtime_error const&) {
                ++refused; // bytes are left over
            }
        }
    CHECK(refused > whole.size() / 2);
}

TEST_CASE(
    "portable_archive: a count above the bytes that remain is refused before memory is reserved",
    "[snapshot][core]")
{
    bytes const huge = hex({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3});
    CHECK(error_of<std::string>(huge) == errc::too_large);
    CHECK(error_of<std::wstring>(huge) == errc::too_large);
    CHECK(error_of<std::vector<std::uint64_t>>(huge) == errc::too_large);
    CHECK(error_of<std::vector<point>>(huge) == errc::too_large);
    CHECK(error_of<std::vector<empty>>(huge) == errc::too_large);
    CHECK(error_of<std::vector<bool>>(huge) == errc::too_large);
    CHECK(error_of<std::deque<int>>(huge) == errc::too_large);
    CHECK(error_of<std::unordered_map<int, int>>(huge) == errc::too_large);
    CHECK(error_of<std::set<int>>(huge) == errc::too_large);
    bytes versioned = hex({0, 0, 0, 0}); // Boost's containers have a class version.
    versioned.insert(versioned.end(), huge.begin(), huge.end());
    CHECK(error_of<boost::unordered_map<int, int>>(versioned) == errc::too_large);
    // 3 numbers fit into the bytes, 4 do not.
    bytes four = hex({4, 0, 0, 0, 0, 0, 0, 0});
    four.resize(8 + 3 * 8);
    CHECK(error_of<std::vector<std::uint64_t>>(four) == errc::too_large);
}

TEST_CASE("portable_archive: values that a type forbids are malformed", "[snapshot][core]")
{
    CHECK(error_of<bool>(hex({2})) == errc::malformed);
    CHECK(error_of<std::optional<int>>(hex({2})) == errc::malformed);
    CHECK(error_of<std::variant<int, char>>(hex({2, 0, 0, 0, 1})) == errc::malformed);
    CHECK(error_of<std::vector<bool>>(hex({1, 0, 0, 0, 0, 0, 0, 0, 2})) == errc::malformed);
    CHECK(error_of<std::bitset<3>>(hex({8})) == errc::malformed);
    CHECK(error_of<std::set<std::uint8_t>>(hex({2, 0, 0, 0, 0, 0, 0, 0, 5, 5})) == errc::malformed);
    CHECK(error_of<std::map<std::uint8_t, std::uint8_t>>(
              hex({2, 0, 0, 0, 0, 0, 0, 0, 5, 1, 5, 2})) == errc::malformed);
    CHECK(error_of<std::vector<empty>>(hex({5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9})) ==
          errc::malformed);
}

TEST_CASE("portable_archive: depth is bounded, alike when saving and loading", "[snapshot][core]")
{
    nested chain;
    nested* end = &chain;
    for (int i = 1; i < 20; ++i)
        end = &end->children.emplace_back();
    CHECK(from_bytes<nested>(to_bytes(chain, {20}), {20}) == chain);
    try {
        to_bytes(chain, {19});
        FAIL("not refused");
    } catch (boost::system::system_error const& e) {
        CHECK(e.code() == errc::too_large);
    }
    CHECK(error_of<nested>(to_bytes(chain), {19}) == errc::too_large);
}

TEST_CASE("portable_archive: a value may lie across segments of any size", "[snapshot][core]")
{
    auto const v = sample();
    auto const whole = to_bytes(v);
    for (std::size_t const size : std::vector<std::size_t>{1, 2, 3, 7, 64, 1000}) {
        CAPTURE(size);
        std::vector<std::span<std::byte const>> segments;
        for (std::size_t at = 0; at < whole.size(); at += size)
            segments.push_back(std::span(whole).subspan(at, std::min(size, whole.size() - at)));
        perdure::segmented_source source(segments);
        perdure::portable_iarchive ar(source);
        everything loaded;
        ar >> loaded;
        CHECK(loaded == v);
        CHECK(ar.remaining() == 0);
    }
}

TEST_CASE("portable_archive: the buffers of the sink do not show in the bytes", "[snapshot][core]")
{
    struct tiny final : perdure::byte_sink {
        std::array<std::byte, 3> buffer;
        bytes all;
        std::span<std::byte> exchange(std::size_t filled) override
        {
            all.insert(all.end(), buffer.begin(),
                       buffer.begin() + static_cast<std::ptrdiff_t>(filled));
            return buffer;
        }
    } sink;
    auto const v = sample();
    perdure::portable_oarchive ar(sink);
    ar << v;
    ar.flush();
    CHECK(sink.all == to_bytes(v));
    CHECK(ar.position() == sink.all.size());
}

TEST_CASE("portable_archive: types of Boost go through Boost's headers", "[snapshot][core]")
{
    boost::variant<int, std::string> const variant = "text";
    CHECK((from_bytes<boost::variant<int, std::string>>(to_bytes(variant)) == variant));
    boost::optional<int> const optional = 5;
    CHECK((from_bytes<boost::optional<int>>(to_bytes(optional)) == optional));
    boost::unordered_map<int, std::string> map;
    map[1] = "one";
    map.rehash(10'000); // The number of buckets is no part of the value.
    auto const encoded = to_bytes(map);
    CHECK(encoded.size() < 100);
    CHECK((from_bytes<boost::unordered_map<int, std::string>>(encoded) == map));
}

TEST_CASE("portable_archive: random values come back equal", "[snapshot][core]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200; ++round) {
        std::unordered_map<std::string,
                           std::vector<std::variant<std::int64_t, std::string, double>>>
            v;
        for (auto n = random() % 20; n > 0; --n) {
            auto& row = v[std::string(random() % 30, static_cast<char>('a' + random() % 26))];
            for (auto m = random() % 5; m > 0; --m)
                switch (random() % 3) {
                case 0:
                    row.emplace_back(static_cast<std::int64_t>(random()));
                    break;
                case 1:
                    row.emplace_back(std::string(random() % 40, 'z'));
                    break;
                case 2:
                    row.emplace_back(static_cast<double>(random()) / 3);
                    break;
                }
        }
        CHECK(from_bytes<decltype(v)>(to_bytes(v)) == v);
    }
}
