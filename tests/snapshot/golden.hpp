// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_SNAPSHOT_GOLDEN_HPP
#define PERDURE_TESTS_SNAPSHOT_GOLDEN_HPP

#include <perdure/snapshot/portable_iarchive.hpp>
#include <perdure/snapshot/portable_oarchive.hpp>

#include <boost/serialization/base_object.hpp>
#include <boost/serialization/export.hpp>
#include <boost/serialization/version.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

// The values whose bytes are kept in tests/data/snapshot. Never change them: add new ones.
namespace golden_types {

struct point {
    std::int32_t x = 0;
    double y = 0;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& x& y;
    }
    bool operator==(point const&) const = default;
};

enum class colour : std::uint16_t { red = 1, blue = 0x1234 };

// Without unordered containers: the order of their elements is the library's.
struct all {
    bool flag = false;
    char c = 0;
    signed char sc = 0;
    unsigned char uc = 0;
    short s = 0;
    int i = 0;
    long l = 0;
    long long ll = 0;
    // A 32-bit std::size_t is an unsigned int, has 4 bytes on the wire, and cannot hold the sample's number.
    std::conditional_t<sizeof(std::size_t) == 8, std::size_t, unsigned long long> n = 0;
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
    std::deque<int> deque;
    std::list<std::string> list;
    std::forward_list<int> forward;
    std::array<int, 3> array{};
    std::pair<int, std::string> pair;
    std::tuple<int, char, std::string> tuple;
    std::set<std::string> set;
    std::multiset<int> multiset;
    std::map<int, std::vector<std::string>> map;
    std::multimap<int, int> multimap;
    std::unordered_map<int, int> one;
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
        ar& flag& c& sc& uc& s& i& l& ll& n& f& d& c16& wc& b& e& str& str16& wstr;
        ar& numbers& points& bits& deque& list& forward& array& pair& tuple& set;
        ar& multiset& map& multimap& one& optional& nothing& variant& bitset& complex;
        ar& duration& time;
    }
    bool operator==(all const&) const = default;
};

inline all sample()
{
    all v;
    v.flag = true;
    v.c = 'x';
    v.sc = -5;
    v.uc = 250;
    v.s = -12345;
    v.i = -2147483647;
    v.l = -7;
    v.ll = -9223372036854775807;
    v.n = 1234567890123;
    v.f = -0.5f;
    v.d = 5e-324;
    v.c16 = u'\u20ac';
    v.wc = L'\u20ac';
    v.b = std::byte{0xab};
    v.e = colour::blue;
    v.str = "text";
    v.str16 = u"\u20ac\u20ac";
    v.wstr = L"wide";
    v.numbers = {1, 2, 0xffffffffffffffff};
    v.points = {{1, 0.5}, {-2, -1e300}};
    v.bits = {true, false, true, true, false, false, false, false, true};
    v.deque = {7, 8};
    v.list = {"a", "", "c"};
    v.forward = {9, 10, 11};
    v.array = {1, 2, 3};
    v.pair = {3, "three"};
    v.tuple = {1, 't', "u"};
    v.set = {"p", "q"};
    v.multiset = {4, 4, 5};
    v.map = {{1, {"x", "y"}}, {2, {}}};
    v.multimap = {{1, 1}, {1, 2}};
    v.one = {{10, 20}};
    v.optional = "set";
    v.variant = point{5, 6};
    v.bitset[12] = v.bitset[0] = true;
    v.complex = {1.5, -2.5};
    v.duration = std::chrono::milliseconds(-1);
    v.time = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
    return v;
}

struct shape {
    virtual ~shape() = default;
    int id = 0;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& id;
    }
};
struct circle : shape {
    double radius = 0;
    template <class Archive>
    void serialize(Archive& ar, unsigned version)
    {
        ar& boost::serialization::base_object<shape>(*this);
        if (version >= 2)
            ar& radius;
    }
};

struct graph {
    std::shared_ptr<shape> first, second, third;
    std::unique_ptr<shape> alone;
    std::weak_ptr<shape> weak;
    std::shared_ptr<shape> none;
    template <class Archive>
    void serialize(Archive& ar, unsigned)
    {
        ar& first& second& third& alone& weak& none;
    }
    static graph sample()
    {
        graph g;
        auto const c = std::make_shared<circle>();
        c->id = 3;
        c->radius = 0.25;
        g.first = c;
        g.second = std::make_shared<shape>();
        g.third = c;
        g.alone = std::make_unique<circle>();
        g.alone->id = 9;
        g.weak = g.second;
        return g;
    }
    friend bool operator==(graph const& a, graph const& b)
    {
        auto const radius = [](shape const& s) {
            auto const* const c = dynamic_cast<circle const*>(&s);
            return c != nullptr ? c->radius : -1.0;
        };
        return a.first->id == b.first->id && radius(*a.first) == radius(*b.first) &&
               radius(*a.second) == radius(*b.second) && a.alone->id == b.alone->id &&
               radius(*a.alone) == radius(*b.alone) && a.first == a.third && b.first == b.third &&
               a.weak.lock() == a.second && b.weak.lock() == b.second && !a.none && !b.none;
    }
};

} // namespace golden_types

BOOST_CLASS_EXPORT_GUID(golden_types::circle, "circle")
BOOST_CLASS_VERSION(golden_types::circle, 2)

#endif
