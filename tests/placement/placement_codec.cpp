// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "placement/seal.hpp"
#include "placement/support.hpp"
#include <perdure/placement/epoch_fence.hpp>
#include <perdure/placement/placement_codec.hpp>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

using namespace placement_test;
using perdure::decode_placement;
using perdure::encode_placement;
using perdure::placement_fault;
using bytes = std::vector<std::byte>;

namespace {

std::string const data = PERDURE_TEST_DATA;

std::string read(std::string const& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The map of the worked example in docs/formats/placement.md.
placement_map example()
{
    placement_rules rules;
    rules.copies = 2;
    rules.at_most_per_zone = 1;
    rules.slots = 16;
    placement_map map(rules);
    map.join({.name = "ann", .zone = "east", .rack = {}, .host = {}, .weight = 1});
    map.join({.name = "bob", .zone = "west", .rack = {}, .host = {}, .weight = 2});
    map.join({.name = "cid", .zone = "west", .rack = "r1", .host = "h1", .weight = 1});
    map.set_state("cid", node_state::draining);
    map.pin(5, {"cid", "ann"});
    return map;
}

/// A file is written only if it is missing and PERDURE_WRITE_GOLDEN is set, and never changed.
void check_golden(std::string const& name, std::string const& actual)
{
    auto const path = data + "/placement/" + name;
    if (!std::ifstream(path) && std::getenv("PERDURE_WRITE_GOLDEN"))
        std::ofstream(path, std::ios::binary) << actual;
    INFO(path);
    CHECK(read(path) == actual);
}

} // namespace

TEST_CASE("placement_codec: the example of the document", "[placement][format]")
{
    auto const encoded = encode_placement(example().spec());
    check_golden("example-1.0.placement", std::string(perdure::as_text(encoded)));

    // The document's dump is of this file.
    std::istringstream document(read(data + "/../../docs/formats/placement.md"));
    std::string dumped;
    for (std::string line; std::getline(document, line);) {
        if (line.size() < 10 || line.compare(0, 4, "    ") != 0 ||
            line.find_first_not_of("0123456789abcdef", 4) != 8 || line.compare(8, 2, "  ") != 0)
            continue;
        auto const end = line.find("  ", 10);
        for (std::size_t i = 10; i < std::min(end, line.size()); ++i)
            if (line[i] != ' ') {
                dumped += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
                ++i;
            }
    }
    CHECK(dumped == perdure::as_text(encoded));

    auto const decoded = decode_placement(encoded);
    REQUIRE(decoded);
    CHECK(*decoded.spec == example().spec());
    CHECK(placement_map(*decoded.spec) == example());
}

TEST_CASE("placement_map: where slots lie never changes", "[placement][format]")
{
    auto const text = [](placement_rules const& rules, std::vector<cluster_node> const& nodes) {
        placement_map const map(rules, nodes);
        std::string t;
        for (std::uint32_t s = 0; s != map.slots(); ++s) {
            for (auto const& n : names(map, s))
                t += n + " ";
            t.back() = '\n';
        }
        return t + "fingerprint " + std::to_string(map.fingerprint()) + "\n";
    };
    placement_rules rules;
    rules.slots = 1024;
    rules.at_most_per_zone = 1;
    check_golden("equal.txt", text(rules, cluster(24, 4, 2)));
    auto nodes = cluster(24, 4, 2);
    for (std::size_t i = 0; i != nodes.size(); ++i)
        nodes[i].weight = 0.1 * static_cast<double>(1 + i);
    rules.seed = 77;
    check_golden("weighted.txt", text(rules, nodes));
    check_golden("relaxed.txt", text(rules, cluster(6, 2, 2)));
    rules.scatter_width = 4;
    check_golden("scatter.txt", text(rules, nodes));
}

TEST_CASE("placement_codec: any map comes back", "[placement][format]")
{
    seed_range const seeds(200);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        auto rules = random_rules(random);
        rules.slots = 2u << random.below(6);
        placement_map map(rules);
        for (std::uint32_t i = 0, n = random.below(12); i != n; ++i)
            map.join(
                random_node(random, std::string(1 + random.below(8), 'a') + std::to_string(i), 3));
        for (std::uint32_t i = 0; i != 3 && !map.empty(); ++i)
            map.pin(random.below(map.slots()),
                    {map.node(map.indexes()[random.below(map.size())]).name});
        auto const encoded = encode_placement(map.spec());
        auto const decoded = decode_placement(encoded);
        INFO(decoded.message);
        REQUIRE(decoded);
        CHECK(*decoded.spec == map.spec());
        CHECK(placement_map(*decoded.spec) == map);
        CHECK(encode_placement(*decoded.spec) == encoded);
    }
}

TEST_CASE("placement_codec: every damage of one byte and every cut is found", "[placement][format]")
{
    auto const whole = encode_placement(example().spec());
    std::set<placement_fault> found;
    for (std::size_t i = 0; i != whole.size(); ++i)
        for (unsigned change = 1; change != 256; ++change) {
            auto damaged = whole;
            damaged[i] ^= static_cast<std::byte>(change);
            auto const d = decode_placement(damaged);
            CAPTURE(i, change);
            REQUIRE_FALSE(d);
            found.insert(d.fault);
        }
    CHECK(found.contains(placement_fault::bad_magic));
    CHECK(found.contains(placement_fault::checksum_mismatch));
    for (std::size_t size = 0; size != whole.size(); ++size) {
        auto const d = decode_placement(std::span(whole).first(size));
        CAPTURE(size);
        REQUIRE(d.fault == placement_fault::truncated);
        REQUIRE(d.message.find("placement at byte ") == 0);
    }
    auto longer = whole;
    longer.push_back({});
    CHECK(decode_placement(longer).fault == placement_fault::malformed);
}

// Bytes whose checksums are right may say anything. What is accepted must make a map.
TEST_CASE("placement_codec: hostile bytes with good checksums", "[placement][format]")
{
    auto const whole = encode_placement(example().spec());
    std::size_t refused = 0, accepted = 0;
    auto const judge = [&](bytes b) {
        seal(b);
        auto const d = decode_placement(b, {1 << 20, 1 << 16});
        if (!d) {
            ++refused;
            REQUIRE_FALSE(d.message.empty());
            return;
        }
        ++accepted;
        auto spec = *d.spec;
        spec.fingerprint.reset();
        placement_map const map(spec);
        REQUIRE(map.spec().nodes == spec.nodes);
    };
    // Every byte to every value, and every field of 32 bits to the values at its borders.
    for (std::size_t i = 0; i != whole.size(); ++i) {
        for (unsigned value = 0; value != 256; ++value) {
            auto b = whole;
            b[i] = static_cast<std::byte>(value);
            judge(std::move(b));
        }
        for (std::uint32_t value : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu, 0xfffffff4u})
            if (i + 4 <= whole.size()) {
                auto b = whole;
                perdure::store_little(b.data() + i, value);
                judge(std::move(b));
            }
    }
    seed_range const seeds(2000);
    for (auto seed = seeds.first; seed != seeds.first + seeds.count; ++seed) {
        INFO(replay(seed));
        generator random(seed);
        auto b = whole;
        for (auto n = 1 + random.below(6); n != 0; --n) {
            auto const i = random.below(b.size());
            if (auto const what = random.below(4); what == 0)
                b.erase(b.begin() + i);
            else if (what == 1)
                b.insert(b.begin() + i, static_cast<std::byte>(random()));
            else
                b[i] = static_cast<std::byte>(random());
        }
        if (b.size() >= 32 && random.below(2) == 0)
            perdure::store_little(b.data() + 24, static_cast<std::uint32_t>(b.size()));
        judge(std::move(b));
    }
    CHECK(refused > 1000);
    CHECK(accepted > 1000);
}

TEST_CASE("placement_codec: newer versions", "[placement][format]")
{
    auto const spec = example().spec();
    auto const whole = encode_placement(spec);
    auto b = whole;
    b[8] = std::byte{2};
    seal(b);
    CHECK(decode_placement(b).fault == placement_fault::unsupported_version);

    // A newer minor version appends a field to the rules: skipped.
    b = whole;
    b[10] = std::byte{1};
    b.insert(b.begin() + 40 + 33, {std::byte{7}, std::byte{7}});
    b[36] = std::byte{35};
    b[24] = static_cast<std::byte>(static_cast<unsigned>(b[24]) + 2);
    seal(b);
    auto const d = decode_placement(b);
    INFO(d.message);
    REQUIRE(d);
    CHECK(*d.spec == spec);
    b[10] = std::byte{0}; // in version 1.0 there is no such field
    seal(b);
    CHECK(decode_placement(b).fault == placement_fault::malformed);

    // A section that is unknown: skipped if its first letter is small, else refused.
    for (char const* tag : {"zone", "ZONE"}) {
        b = whole;
        perdure::byte_writer w(b);
        w.bytes(perdure::as_bytes(tag));
        w.sized_text("xyz");
        w.u32(0);
        b[12] = std::byte{5};
        b[24] = static_cast<std::byte>(static_cast<unsigned>(b[24]) + 15);
        seal(b);
        CHECK(decode_placement(b).fault ==
              (tag[0] == 'z' ? placement_fault::none : placement_fault::unsupported_version));
    }
    CHECK(decode_placement(whole, {10, 1000}).fault == placement_fault::too_large);
    CHECK(decode_placement(whole, {1000, 47}).fault == placement_fault::too_large);
    CHECK(decode_placement(whole, {1000, 48}));

    // A few bytes that ask for ten million copysets; as many nodes with fewer helpers are welcome.
    perdure::placement_spec wide;
    wide.rules.scatter_width = 65535;
    for (int i = 1000; i != 2000; ++i)
        wide.nodes.push_back({.name = "n" + std::to_string(i), .zone = {}, .rack = {}, .host = {}});
    CHECK(decode_placement(encode_placement(wide)).fault == placement_fault::too_large);
    wide.rules.scatter_width = 12;
    CHECK(decode_placement(encode_placement(wide)));

    auto unsorted = spec;
    std::swap(unsorted.nodes[0], unsorted.nodes[1]);
    CHECK_THROWS_AS(encode_placement(unsorted), std::invalid_argument);
    auto unknown = spec;
    unknown.pins[0].owners[0] = "dan";
    CHECK_THROWS_AS(encode_placement(unknown), std::invalid_argument);
}

TEST_CASE("epoch_fence: older epochs are refused", "[placement]")
{
    perdure::epoch_fence fence(3);
    CHECK(fence.judge(2) == perdure::fenced::stale);
    CHECK(fence.judge(3) == perdure::fenced::current);
    CHECK(fence.judge(4) == perdure::fenced::ahead);
    CHECK(fence.advance(5));
    CHECK_FALSE(fence.advance(5));
    CHECK_FALSE(fence.advance(4));
    CHECK(fence.judge(4) == perdure::fenced::stale);
    CHECK(fence.newest() == 5);
}
