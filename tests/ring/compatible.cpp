// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Rings that others have defined, against what their own tests have published.

#include "ring/support.hpp"
#include "support/catch.hpp"
#include <perdure/ring/envoy.hpp>
#include <perdure/ring/ketama.hpp>

#include <openssl/evp.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <new>
#include <sstream>
#include <string>
#include <vector>

namespace {
long allocations = 0;
}
void* operator new(std::size_t size)
{
    ++allocations;
    if (void* const p = std::malloc(size))
        return p;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, std::nothrow_t const&) noexcept
{
    return std::malloc(size);
}
void operator delete(void* p) noexcept
{
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept
{
    std::free(p);
}

using namespace ring_test;
using perdure::compatible_host;
using perdure::key_hash;
using perdure::node_index;
using hosts = std::vector<compatible_host>;

static_assert(perdure::consistent_hash<perdure::libketama_ring>);
static_assert(perdure::consistent_hash<perdure::libmemcached_ring>);
static_assert(perdure::consistent_hash<perdure::spymemcached_ring>);
static_assert(perdure::consistent_hash<perdure::envoy_ring>);
static_assert(perdure::consistent_hash<perdure::envoy_maglev>);

namespace {

/// libketama's own file of servers.
hosts ketama_servers(bool weighted = true)
{
    hosts h;
    std::uint64_t const weights[] = {600, 300, 200, 350, 1000, 800, 950, 100};
    for (std::size_t i = 0; i != 8; ++i)
        h.push_back({"10.0.1." + std::to_string(i + 1) + ":11211", weighted ? weights[i] : 1});
    return h;
}

hosts local(int first, int count, std::string const& prefix = "127.0.0.1:")
{
    hosts h;
    for (int i = 0; i != count; ++i)
        h.push_back({prefix + std::to_string(first + i)});
    return h;
}

std::string hex_md5(std::string const& text)
{
    unsigned char digest[16];
    unsigned size = 0;
    REQUIRE(EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) == 1);
    std::string hex;
    for (unsigned char c : digest)
        for (int half : {c >> 4, c & 15})
            hex += "0123456789abcdef"[half];
    return hex;
}

/// The lines of a file of published answers.
std::vector<std::string> answers(std::string const& name)
{
    std::ifstream file(std::string(PERDURE_TEST_DATA) + "/ring/published/" + name + ".txt");
    REQUIRE(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
        if (!line.starts_with('#'))
            lines.push_back(line);
    return lines;
}

std::string const& last_part(std::string const& host, std::string& out)
{
    return out = host.substr(host.rfind('.') + 1, 1);
}

} // namespace

TEST_CASE("libketama: its million keys hash to its test's checksum", "[ring][core][format]")
{
    perdure::libketama_ring const ring(ketama_servers());
    CHECK(ring.points_count() == 1264);
    std::vector<std::uint32_t> const counts{176, 88, 56, 104, 296, 236, 280, 28};
    for (node_index n = 0; n != 8; ++n)
        CHECK(ring.points_of(n) == counts[n]);
    auto const points = ring.points();
    CHECK(points[0].hash == std::uint64_t{762113} << 32);
    CHECK(points[1].hash == std::uint64_t{2322555} << 32);
    CHECK(points[2].hash == std::uint64_t{3967256} << 32);
    CHECK(points[0].node == 4);
    CHECK(points[1].node == 4);
    CHECK(points[2].node == 5);
    CHECK(points.back().hash == std::uint64_t{4293620028} << 32);
    CHECK(points.back().node == 4);

    // Its program prints the hash of the key, the point, and the address.
    std::string all = "\n";
    all.reserve(40000000);
    std::vector<int> load(8);
    for (int k = 0; k != 1000000; ++k) {
        auto const key = std::to_string(k);
        auto const hash = perdure::ketama_hasher{}(key);
        auto const node = ring.index_for(key);
        auto const i = std::lower_bound(points.begin(), points.end(), hash,
                                        [](auto const& p, std::uint64_t h) { return p.hash < h; });
        auto const& point = i == points.end() ? points.front() : *i;
        if (point.node != node)
            FAIL("key " << k << ": the table and the list of points disagree");
        ++load[node];
        all += std::to_string(hash >> 32) + " " + std::to_string(point.hash >> 32) + " " +
               ring.node(node) + "\n";
    }
    CHECK(hex_md5(all) == "5672b131391f5aa2b280936aec1eea74");
    double off = 0;
    for (node_index n = 0; n != 8; ++n)
        off += std::abs(load[n] / 1e6 - static_cast<double>(ring.weight(n)) / 4300);
    CHECK(off < 0.10);
}

TEST_CASE("libketama: two servers, and the hash of a key", "[ring][core][format]")
{
    CHECK(perdure::ketama_hasher{}("test") >> 32 == 3446378249);
    std::string all; // bytes above 127 too; the MD5 is e2c865db 4162bed9 63bfaa9e f6ac18f0
    for (int c = 0; c != 256; ++c)
        all.push_back(static_cast<char>(c));
    CHECK(perdure::detail::ketama_quads(all) ==
          std::array<std::uint32_t, 4>{0xdb65c8e2, 0xd9be6241, 0x9eaabf63, 0xf018acf6});
    perdure::libketama_ring const ring{{"127.0.0.1:11211", 600}, {"127.0.0.1:11212", 400}};
    CHECK(ring.points_count() == 320);
    CHECK(ring.points_of(0) == 192);
    CHECK(ring.points_of(1) == 128);
    CHECK(ring.node_for("test") == "127.0.0.1:11211");
    auto const own = ring.points(0);
    CHECK(std::count(own.begin(), own.end(), std::uint64_t{3454255383} << 32) == 1);
}

TEST_CASE("libketama: weights are what it makes of them, collateral and all", "[ring][core]")
{
    perdure::libketama_ring const before(ketama_servers());
    auto after = before;
    CHECK(after.remove("10.0.1.8:11211"));
    CHECK_FALSE(after.remove("10.0.1.8:11211"));
    int moved = 0, between = 0;
    for (int k = 0; k != 100000; ++k) {
        auto const& old = before.node_for(std::to_string(k));
        if (old != after.node_for(std::to_string(k))) {
            ++moved;
            between += old != "10.0.1.8:11211";
        }
    }
    // Measured by others too: 11.45 % move, 9.21 % of all between servers that did not change.
    CHECK(moved > 11000);
    CHECK(moved < 11900);
    CHECK(between > 8800);
    CHECK(between < 9600);

    // A share that is too small gives no points: the host is there, and last.
    hosts h;
    for (int i = 0; i != 7; ++i)
        h.push_back({"s" + std::to_string(i), 1000});
    h.push_back({"tiny", 1});
    perdure::libketama_ring const tiny(h);
    CHECK(tiny.points_of(7) == 0);
    CHECK(tiny.size() == 8);
    check_lookups(tiny, "k");
    CHECK(tiny.indexes_for<8>("k")[7] == 7);
}

TEST_CASE("libmemcached: the keys of its tests, in both key formats", "[ring][core][format]")
{
    for (bool const spy : {false, true}) {
        CAPTURE(spy);
        perdure::libmemcached_ring const ring(ketama_servers(), {.spy = spy});
        int found = 0;
        for (auto const& line : answers(spy ? "libmemcached_spy" : "libmemcached")) {
            std::size_t at = 2, length = 0;
            auto const hash = std::stoul(line.substr(at), &length);
            at += length + 1;
            at = line.find(' ', at) + 1;
            auto const key = line.substr(at);
            CAPTURE(key);
            CHECK(perdure::ketama_hasher{}(key) >> 32 == hash);
            std::string part;
            CHECK(last_part(ring.node_for(key), part) == line.substr(0, 1));
            ++found;
        }
        CHECK(found == 99);
        // Behind the last point, so the first one owns it.
        CHECK(perdure::ketama_hasher{}("VDEAAAAA") >> 32 == 0xfffcd1b5);
        CHECK(ring.index_for("VDEAAAAA") == ring.points().front().node);
    }
    // The default port is not hashed, any other is.
    perdure::libmemcached_ring const plain{{"localhost:11211"}, {"localhost:11212"}};
    CHECK(plain.points(0)[0] >> 32 == perdure::detail::ketama_quads("localhost-0")[0]);
    CHECK(plain.points(1)[5] >> 32 == perdure::detail::ketama_quads("localhost:11212-1")[1]);
    perdure::libmemcached_ring const spy({{"10.0.1.1:11211"}}, {.spy = true});
    CHECK(spy.points(0)[4] >> 32 == perdure::detail::ketama_quads("/10.0.1.1:11211-1")[0]);
    perdure::libmemcached_ring const equal({{"a:1"}, {"b:1", 7}}, {.weighted = false});
    CHECK(equal.points_of(0) == 100);
    CHECK(equal.points_of(1) == 100);
    CHECK(equal.points(1)[99] >> 32 == perdure::detail::ketama_quads("b:1-99")[0]);
}

TEST_CASE("spymemcached: the keys of its tests", "[ring][core][format]")
{
    perdure::spymemcached_ring const ring(ketama_servers(false));
    int found = 0;
    for (auto const* const name : {"spymemcached_two", "spymemcached_three"})
        for (auto const& line : answers(name)) {
            std::istringstream words(line);
            for (std::string key, server, part; words >> key >> server; ++found)
                if (last_part(ring.node_for(key), part) != server)
                    FAIL("key " << key << " is on " << part << ", not on " << server);
        }
    CHECK(found == 2841 + 400);

    auto const four = perdure::spymemcached_ring(local(10000, 4));
    CHECK(four.index_for("dustin") == 0);
    CHECK(four.index_for("noelani") == 2);
    CHECK(four.index_for("some other key") == 0);
    CHECK(four.points().back().hash >> 32 == 4294887009);
    for (auto const* key : {"V5XS8C8N", "8KR2DKR2", "L9KH6X4X"}) // behind the last point
        CHECK(four.index_for(key) == 3);
    using seven = std::array<node_index, 7>;
    CHECK(perdure::spymemcached_sequence(four, "dustin") == seven{0, 2, 1, 2, 3, 2, 0});
    CHECK(perdure::spymemcached_sequence(four, "noelani") == seven{2, 1, 1, 3, 2, 2, 3});
    auto const five = perdure::spymemcached_ring(local(10000, 5));
    CHECK(five.index_for("dustin") == 0);
    CHECK(five.index_for("noelani") == 2);
    CHECK(five.index_for("some other key") == 4);
    CHECK(five.index_for("36") == 2);
    CHECK(five.index_for("10037") == 3);
    CHECK(five.index_for("22051") == 1);
    CHECK(five.index_for("49044") == 4);

    // Weighted, in libmemcached's format: the host's name, and the port unless it is 11211.
    perdure::spymemcached_ring const weighted(
        {{"localhost/127.0.0.1:11211", 8}, {"localhost/127.0.0.1:11212", 8}},
        {.libmemcached_format = true, .weighted = true});
    CHECK(weighted.index_for("key1") == 1);
    CHECK(weighted.index_for("key2") == 0);
    CHECK(weighted.index_for("key3") == 1);
    CHECK(weighted.index_for("key4") == 1);
    // KetamaNodeKeyFormatterTest.
    perdure::spymemcached_ring const formats(
        {{"localhost/127.0.0.1:11211"}, {"/1.2.3.4:11211"}, {"localhost/127.0.0.1:11212"}});
    using perdure::detail::ketama_quads;
    CHECK(formats.points(0)[4] >> 32 == ketama_quads("localhost/127.0.0.1:11211-1")[0]);
    CHECK(formats.points(1)[4] >> 32 == ketama_quads("1.2.3.4:11211-1")[0]);
    CHECK(formats.points(2)[4] >> 32 == ketama_quads("localhost/127.0.0.1:11212-1")[0]);
    perdure::spymemcached_ring const names(formats.hosts(), {.libmemcached_format = true});
    CHECK(names.points(0)[4] >> 32 == ketama_quads("localhost-1")[0]);
    CHECK(names.points(1)[4] >> 32 == ketama_quads("1.2.3.4-1")[0]);
    CHECK(names.points(2)[4] >> 32 == ketama_quads("localhost:11212-1")[0]);
}

TEST_CASE("envoy_ring: the rings and the choices of its tests", "[ring][core][format]")
{
    using circle = std::vector<std::pair<std::uint64_t, node_index>>;
    auto const points_of = [](perdure::envoy_ring const& ring) {
        circle all;
        for (auto const& p : ring.points())
            all.push_back({p.hash, p.node});
        return all;
    };
    perdure::envoy_ring const ring(local(90, 6), {.minimum_ring_size = 12});
    CHECK(points_of(ring) == circle{{833437586790550860u, 4},
                                    {928266305478181108u, 2},
                                    {1033482794131418490u, 0},
                                    {3551244743356806947u, 5},
                                    {3851675632748031481u, 3},
                                    {5583722120771150861u, 1},
                                    {6311230543546372928u, 1},
                                    {7700377290971790572u, 3},
                                    {13144177310400110813u, 5},
                                    {13444792449719432967u, 2},
                                    {15516499411664133160u, 4},
                                    {16117243373044804889u, 0}});
    CHECK(ring.index_for(key_hash{0}) == 4);
    CHECK(ring.index_for(key_hash{~std::uint64_t{0}}) == 4);
    CHECK(ring.index_for(key_hash{3551244743356806947u}) == 5); // a point owns its own hash
    CHECK(ring.index_for(key_hash{3551244743356806948u}) == 3);
    CHECK(ring.index_for(key_hash{16117243373044804880u}) == 0);
    std::uint32_t const attempts[] = {4, 2, 0};
    for (std::uint64_t a = 0; a != 3; ++a)
        CHECK(ring.index_for_attempt(key_hash{0}, a) == attempts[a]);
    CHECK(ring.index_for_attempt(key_hash{0}, 13) == 2);
    CHECK(ring.index_for("x") == ring.index_for(key_hash{perdure::xxh64("x", 1)}));

    perdure::envoy_ring const named(local(90, 6, ""), {.minimum_ring_size = 12});
    CHECK(points_of(named) == circle{{1975508444536362413u, 5},
                                     {2376063919839173711u, 5},
                                     {2386806903309390596u, 3},
                                     {6749904478991551885u, 4},
                                     {6803900775736438537u, 3},
                                     {7225015537174310577u, 2},
                                     {8787465352164086522u, 0},
                                     {11282020843382717940u, 2},
                                     {13723418369486627818u, 1},
                                     {13776502110861797421u, 0},
                                     {14338313586354474791u, 1},
                                     {15364271037087512980u, 4}});

    auto weights = local(90, 3);
    weights[1].weight = 2;
    weights[2].weight = 3;
    perdure::envoy_ring const weighted(weights,
                                       {.minimum_ring_size = 6, .maximum_ring_size = 6});
    CHECK(points_of(weighted) == circle{{928266305478181108u, 2},
                                        {4443673547860492590u, 2},
                                        {5583722120771150861u, 1},
                                        {6311230543546372928u, 1},
                                        {13444792449719432967u, 2},
                                        {16117243373044804889u, 0}});
    // Four hosts share six points: 2, 1, 2, 1, in the order of the list.
    perdure::envoy_ring const cut(local(90, 4), {.minimum_ring_size = 6, .maximum_ring_size = 6});
    for (node_index n = 0; n != 4; ++n)
        CHECK(cut.points_of(n) == 2 - n % 2);
    // The least weight gets a whole number of points, so that a ring is larger than its minimum.
    CHECK(perdure::envoy_ring(local(90, 3)).points_count() == 1026);
    CHECK(perdure::envoy_ring(local(90, 3), {.minimum_ring_size = 1, .maximum_ring_size = 2})
              .points_count() == 2);
}

TEST_CASE("envoy_maglev: the tables and the choices of its tests", "[ring][core][format]")
{
    using table = std::vector<std::uint16_t>;
    auto const entries = [](perdure::envoy_maglev const& h) {
        return table(h.entries().begin(), h.entries().end());
    };
    perdure::envoy_maglev const h(local(90, 6), {.table_size = 7});
    CHECK(entries(h) == table{2, 4, 0, 1, 5, 0, 3});
    for (std::uint64_t k = 0; k != 21; ++k)
        CHECK(h.index_for(key_hash{k}) == h.entries()[k % 7]);
    CHECK(entries(perdure::envoy_maglev(local(90, 6, ""), {.table_size = 7})) ==
          table{2, 5, 0, 3, 4, 1, 0});
    auto shuffled = local(90, 6);
    std::swap(shuffled[0], shuffled[4]);
    std::swap(shuffled[1], shuffled[3]);
    perdure::envoy_maglev const other(shuffled, {.table_size = 7});
    for (std::uint64_t k = 0; k != 7; ++k)
        CHECK(other.node_for(key_hash{k}) == h.node_for(key_hash{k}));
    std::uint32_t const attempts[] = {1, 0, 5}; // from hash 10: ports 91, 90, 95
    for (std::uint64_t a = 0; a != 3; ++a)
        CHECK(h.index_for_attempt(key_hash{10}, a) == attempts[a]);
    perdure::envoy_maglev const two{{"one", 1}, {"two", 2}};
    CHECK(std::count(two.entries().begin(), two.entries().end(), 0) == 21846);
    perdure::envoy_maglev const least(local(90, 1), {.table_size = 2});
    CHECK(entries(least) == table{0, 0});
}

namespace {
template <class H>
H eight()
{
    return H(ketama_servers());
}
} // namespace

TEMPLATE_TEST_CASE("compatible hashes have the lookups of all hashes", "[ring][core]",
                   perdure::libketama_ring, perdure::libmemcached_ring,
                   perdure::spymemcached_ring, perdure::envoy_ring, perdure::envoy_maglev)
{
    auto const h = eight<TestType>();
    CHECK(h.index_of("10.0.1.3:11211") == 2);
    CHECK(h.index_of("10.0.1.9:11211") == perdure::no_node);
    std::vector<key_hash> keys(500);
    std::vector<node_index> out(500);
    generator random(1);
    for (auto& k : keys)
        k = {random()};
    h.indexes_for_batch(keys, out);
    for (std::size_t i = 0; i != keys.size(); ++i)
        REQUIRE(out[i] == h.index_for(keys[i]));
    for (int k = 0; k != 200; ++k)
        check_lookups(h, std::to_string(k));

    auto const before = allocations;
    std::uint64_t sum = 0;
    std::string const key = "user:1";
    sum += h.index_for("user:1") + h.index_for(key) + h.template indexes_for<3>(key)[2];
    sum += h.index_for_attempt(key, 5);
    for (auto const& node : h.ranked(key))
        sum += node.size();
    CHECK(allocations == before);
    CHECK(sum != 0);

    // However it came about, the same list gives the same ring; any change can be undone.
    TestType grown;
    CHECK(grown.empty());
    CHECK(grown.index_for("k") == perdure::no_node);
    CHECK(grown.index_for_attempt("k", 3) == perdure::no_node);
    CHECK_THROWS_AS(grown.node_for("k"), std::out_of_range);
    for (auto const& s : ketama_servers())
        grown.add(s.name, 1);
    for (auto const& s : ketama_servers())
        CHECK(grown.set_weight(s.name, s.weight));
    CHECK_FALSE(grown.set_weight("nobody:1", 2));
    grown.add("10.0.1.9:11211", 77);
    CHECK(grown.remove("10.0.1.9:11211"));
    for (auto const& k : keys)
        REQUIRE(grown.index_for(k) == h.index_for(k));
    auto const copy = grown;
    CHECK_THROWS_AS(grown.add("10.0.1.1:11211"), std::invalid_argument);
    CHECK_THROWS_AS(grown.add("10.0.1.9:11211", 0), std::invalid_argument);
    CHECK_THROWS_AS(grown.add("10.0.1.9:11211", ~std::uint64_t{0}), std::invalid_argument);
    CHECK_THROWS_AS(grown.set_weight("10.0.1.1:11211", std::uint64_t{1} << 63),
                    std::invalid_argument);
    CHECK(grown.hosts() == copy.hosts());
    for (auto const& k : keys)
        REQUIRE(grown.index_for(k) == copy.index_for(k));
}

TEST_CASE("compatible hashes: what the original does not take is refused, with a reason",
          "[ring][core]")
{
    CHECK_THROWS_WITH(
        perdure::envoy_ring(local(90, 2), {.minimum_ring_size = 20, .maximum_ring_size = 10}),
        "perdure::envoy_ring: minimum_ring_size is 20; it must be from 1 to maximum_ring_size, "
        "which is 10");
    CHECK_THROWS_AS(perdure::envoy_ring(local(90, 2), {.minimum_ring_size = 0}),
                    std::invalid_argument);
    CHECK_THROWS_AS(perdure::envoy_ring({{"a", 0xffffffff}, {"b", 1}}), std::invalid_argument);
    for (std::uint32_t size : {0u, 1u, 8u, 65536u, 5000077u})
        CHECK_THROWS_AS(perdure::envoy_maglev(local(90, 2), {.table_size = size}),
                        std::invalid_argument);
    CHECK_THROWS_AS(perdure::envoy_maglev(local(90, 8), {.table_size = 7}), std::invalid_argument);
    for (auto const* name : {"localhost", "localhost:", ":11211", "localhost:x", ""})
        CHECK_THROWS_AS(perdure::libmemcached_ring({{name}}), std::invalid_argument);
    CHECK_THROWS_AS(perdure::spymemcached_ring({{"a", 0x7fffffff}, {"b", 1}}),
                    std::invalid_argument);
    CHECK_THROWS_AS(perdure::spymemcached_ring({{"a"}}, {.repetitions = 7}),
                    std::invalid_argument);
    CHECK_THROWS_WITH(perdure::libketama_ring({{"a"}, {"a"}}),
                      "perdure::libketama_ring: host is 'a'; it is there twice");
}

TEST_CASE("compatible rings: 32-bit points that coincide belong to whom the original says",
          "[ring][core]")
{
    // Of the 1.6 million points of 10 000 hosts, n^2 / 2^33 = 298 are expected to coincide with another
    // one. libketama keeps the first, spymemcached the last.
    hosts many;
    for (int i = 0; i != 10000; ++i)
        many.push_back({"host-" + std::to_string(i) + ":1"});
    perdure::libketama_ring const first(many);
    perdure::spymemcached_ring const last(many);
    auto const points = first.points();
    REQUIRE(points.size() == 1600000);
    int coincide = 0;
    for (std::size_t i = 1; i != points.size(); ++i)
        if (points[i].hash == points[i - 1].hash && points[i].node != points[i - 1].node) {
            ++coincide;
            key_hash const key{points[i].hash};
            auto const [low, high] = std::minmax(points[i].node, points[i - 1].node);
            REQUIRE(first.index_for(key) == low);
            REQUIRE(last.index_for(key) == high);
        }
    CHECK(coincide > 230);
    CHECK(coincide < 370);
}

TEMPLATE_TEST_CASE("compatible hashes: 10 000 keys lie where they always lay",
                   "[ring][core][format]", perdure::libketama_ring, perdure::libmemcached_ring,
                   perdure::spymemcached_ring, perdure::envoy_ring, perdure::envoy_maglev)
{
    auto const name = [] {
        if constexpr (std::same_as<TestType, perdure::libketama_ring>)
            return "libketama_ring";
        else if constexpr (std::same_as<TestType, perdure::libmemcached_ring>)
            return "libmemcached_ring";
        else if constexpr (std::same_as<TestType, perdure::spymemcached_ring>)
            return "spymemcached_ring";
        else if constexpr (std::same_as<TestType, perdure::envoy_ring>)
            return "envoy_ring";
        else
            return "envoy_maglev";
    }();
    auto const h = eight<TestType>();
    check_golden(name, [&](auto const& key) { return h.index_for(key); });
}
