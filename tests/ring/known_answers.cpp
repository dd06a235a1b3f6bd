// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// What each hash promises for itself, and what others have published about it.

#include "ring/hashes.hpp"
#include "ring/support.hpp"
#include "support/catch.hpp"
#include <perdure/ring/detail/fixed_log.hpp>
#include <perdure/ring/redis_slots.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace ring_test;
using perdure::jump;
using perdure::key_hash;
using perdure::node_index;

TEST_CASE("jump: the published values", "[ring][core]")
{
    // dgryski/go-jump, lithammer/go-jump-consistent-hash, google/guava HashingTest.
    std::vector<std::uint32_t> const hundred{0,  55, 62, 8,  45, 59, 86, 97, 82, 59,
                                             73, 37, 17, 56, 86, 21, 90, 37, 38, 83};
    for (std::uint64_t key = 0; key != hundred.size(); ++key)
        CHECK(jump(key, 100) == hundred[key]);
    CHECK(jump(10863919174838991, 11) == 6);
    CHECK(jump(2016238256797177309, 11) == 3);
    CHECK(jump(1673758223894951030, 11) == 5);
    CHECK(jump(2, 100001) == 80343);
    CHECK(jump(2201, 100001) == 22152);
    CHECK(jump(2202, 100001) == 15018);
    CHECK(jump(42, 57) == 43);
    CHECK(jump(0xDEAD10CC, 666) == 361);
    CHECK(jump(256, 1024) == 520);
    CHECK(jump(~std::uint64_t{0}, 2147483647) == 699554662);
    CHECK(jump(12345678901234567, 1000000000) == 367364335);
    std::vector<std::uint32_t> const one{0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 17, 17};
    std::vector<std::uint32_t> const beef{0, 1, 2, 3, 3, 5, 5,  5,  5, 5,
                                          5, 5, 5, 5, 5, 5, 16, 16, 16};
    for (std::uint32_t n = 1; n != 20; ++n) {
        CHECK(jump(0, n) == 0);
        CHECK(jump(1, n) == one[n - 1]);
        CHECK(jump(0xdeadbeef, n) == beef[n - 1]);
    }
    CHECK(jump(7, std::uint32_t{1} << 31) < std::uint32_t{1} << 31);
    CHECK_THROWS_AS(perdure::jump_hash((std::size_t{1} << 31) + 1), std::invalid_argument);
}

TEST_CASE("jump: more buckets move keys to the new one only, and as many as they must",
          "[ring][core]")
{
    // After Guava's HashingTest.
    constexpr std::uint32_t most = 3000;
    int moved = 0;
    for (std::uint64_t k = 0; k != 200; ++k) {
        auto const key = perdure::hash_key(k);
        std::uint32_t before = 0;
        for (std::uint32_t n = 2; n != most; ++n) {
            auto const now = jump(key, n);
            if (now != before) {
                REQUIRE(now == n - 1);
                ++moved;
                before = now;
            }
        }
    }
    // 200 * (1/2 + ... + 1/2999) = 1517 expected, with a deviation of about 39.
    CHECK(std::abs(moved - 1517) < 200);
}

TEST_CASE("a weight of 0.7 beside two of 1 takes nothing from a node of weight 1 but its own share",
          "[ring][core]")
{
    // mcrouter's test of weights: every key of a host of weight 1 stays when a third one shrinks.
    perdure::hash_ring ring{"a", "b", "c"};
    perdure::weighted_rendezvous_hash rendezvous;
    for (auto const* node : {"a", "b", "c"})
        rendezvous.add(node);
    auto const ring_before = ring;
    auto const rendezvous_before = rendezvous;
    ring.set_weight("c", 0.7);
    rendezvous.set_weight("c", 0.7);
    int given = 0;
    for (int k = 0; k != 5000; ++k) {
        if (ring_before.node_for(k) != "c")
            REQUIRE(ring.node_for(k) == ring_before.node_for(k));
        if (rendezvous_before.node_for(k) != "c")
            REQUIRE(rendezvous.node_for(k) == rendezvous_before.node_for(k));
        else
            given += rendezvous.node_for(k) != "c";
    }
    // c had a third and keeps 0.7 / 2.7 of the keys: it gives 370 of 5000.
    CHECK(std::abs(given - 370) < 100);
}

TEST_CASE("choose_k: every subset is equally likely, and one more node changes one at most",
          "[ring][core]")
{
    // All 3-subsets of 6: 20, each 1500 times of 30 000; chi-square with 19 degrees of freedom is
    // below 43.8 in 999 of 1000 cases, and these keys are always the same.
    perdure::choose_k h(6);
    std::map<std::set<node_index>, int> count;
    for (int k = 0; k != 30000; ++k) {
        auto const chosen = h.indexes_for<3>(k);
        ++count[std::set<node_index>(chosen.begin(), chosen.end())];
    }
    CHECK(count.size() == 20);
    double chi = 0;
    for (auto const& [set, n] : count)
        chi += (n - 1500.0) * (n - 1500.0) / 1500;
    CHECK(chi < 43.8);

    for (std::size_t n = 3; n != 70; ++n) {
        perdure::choose_k const before(n), after(n + 1);
        int changed = 0;
        for (int k = 0; k != 2000; ++k) {
            auto const b = before.indexes_for<3>(k), a = after.indexes_for<3>(k);
            std::vector<node_index> kept;
            for (auto i : a)
                if (i != n)
                    kept.push_back(i);
            changed += kept.size() != 3;
            REQUIRE(kept.size() >= 2);
            REQUIRE(std::equal(kept.begin(), kept.end(), b.begin()));
            auto const two = after.indexes_for<2>(k);
            REQUIRE(std::equal(two.begin(), two.end(), a.begin()));
        }
        double const expected = 2000 * 3.0 / (static_cast<double>(n) + 1);
        CHECK(std::abs(changed - expected) < 6 * std::sqrt(expected) + 1);
    }
    CHECK_THROWS_AS(perdure::choose_k((std::size_t{1} << 31) + 1), std::invalid_argument);
    CHECK(perdure::choose_k(std::size_t{1} << 31).index_for(5) < std::size_t{1} << 31);
}

TEST_CASE("dx_hash: the mapping depends on the slots in use and not on how they came about",
          "[ring][core]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    generator random(seed);
    for (int round = 0; round != 20; ++round) {
        // Ten nodes in slots 0 to 9 of one that once had 200, and of one that never had more.
        auto grown = make<perdure::dx_hash>(10), plain = grown;
        for (int i = 10; i != 200; ++i)
            join(grown, i);
        std::vector<int> order;
        for (int i = 10; i != 200; ++i)
            order.push_back(i);
        for (std::size_t i = order.size(); i > 1; --i)
            std::swap(order[i - 1], order[random.below(i)]);
        for (int i : order)
            grown.remove(node_name(i));
        grown.remove(node_name(3));
        grown.remove(node_name(7));
        plain.remove(node_name(7));
        plain.remove(node_name(3));
        REQUIRE(grown.levels() == plain.levels());
        for (int k = 0; k != 1000; ++k)
            REQUIRE(grown.index_for(k) == plain.index_for(k));
    }
}

TEST_CASE("dx_hash: drawing in pairs finds what drawing one by one finds", "[ring][core]")
{
    // However few slots are in use, also beyond what the pairs look at.
    generator random(Catch::rngSeed());
    for (std::uint64_t every : {1u, 2u, 3u, 10u, 100u})
        for (int levels : {0, 1, 2, 5, 10, 31}) {
            auto const in_use = [&](std::uint32_t slot) {
                return slot == 0 || perdure::hash_key(slot) % every == 0;
            };
            for (int k = 0; k != 300; ++k) {
                auto const hash = random();
                perdure::detail::level_draws draws(hash, levels);
                std::uint32_t slot;
                do
                    slot = draws.next();
                while (!in_use(slot));
                REQUIRE(perdure::detail::level_draws::first_of_few(hash, levels, in_use) == slot);
            }
        }
}

TEST_CASE("dx_hash: those who fill in for a node that is gone share its keys evenly",
          "[ring][core]")
{
    auto const full = make<perdure::dx_hash>(16);
    auto without = full;
    without.remove(node_name(5));
    std::vector<int> taken(16);
    int moved = 0;
    for (int k = 0; k != 160000; ++k)
        if (number(full, full.index_for(k)) == 5) {
            ++moved;
            ++taken[static_cast<std::size_t>(number(without, without.index_for(k)))];
        }
    CHECK(taken[5] == 0);
    for (int i = 0; i != 16; ++i)
        if (i != 5)
            CHECK(std::abs(taken[static_cast<std::size_t>(i)] - moved / 15) < moved / 15 * 0.25);
}

TEST_CASE("level_draws: draws are uniform, independent, and those of fewer levels are among them",
          "[ring][core]")
{
    std::vector<int> pairs(64);
    for (std::uint64_t k = 0; k != 64000; ++k) {
        auto const hash = perdure::hash_key(k);
        perdure::detail::level_draws three(hash, 3), six(hash, 6);
        REQUIRE(perdure::detail::level_draws::first(hash, 3) ==
                perdure::detail::level_draws(hash, 3).next());
        auto const a = three.next(), b = three.next();
        ++pairs[a * 8 + b];
        std::uint32_t fourth = 0;
        three.next();
        fourth = three.next();
        for (int found = 0; found != 4;)
            if (auto const slot = six.next(); slot < 8) {
                ++found;
                if (found == 1)
                    REQUIRE(slot == a);
                if (found == 2)
                    REQUIRE(slot == b);
                if (found == 4)
                    REQUIRE(slot == fourth);
            }
    }
    double chi = 0;
    for (int n : pairs)
        chi += (n - 1000.0) * (n - 1000.0) / 1000;
    CHECK(chi < 103.4); // 63 degrees of freedom, 999 of 1000; the keys are always the same

    // First and third draw of 64 slots, 100 keys expected in each of 4096 cells.
    std::vector<int> cells(4096);
    for (std::uint64_t k = 0; k != 409600; ++k) {
        perdure::detail::level_draws draws(perdure::hash_key(k), 6);
        auto const first = draws.next();
        draws.next();
        ++cells[first * 64 + draws.next()];
    }
    chi = 0;
    for (int n : cells)
        chi += (n - 100.0) * (n - 100.0) / 100;
    CHECK(chi < 4380); // 4095 degrees of freedom, 999 of 1000
    CHECK(perdure::detail::level_factors[1] == 0xe220a8397b1dcdaf);
    perdure::detail::level_draws none(5, 0);
    CHECK(none.next() == 0);
    CHECK(none.next() == 0);
}

TEST_CASE("maglev: the paper's example, with and without a backend", "[ring][core]")
{
    // Table 1 of the paper: (offset, skip) = (3, 4), (0, 2), (3, 1), seven entries.
    using perdure::detail::maglev_fill;
    using table = std::vector<std::uint16_t>;
    CHECK(maglev_fill({{0, 3, 4}, {1, 0, 2}, {2, 3, 1}}, 7) == table{1, 0, 1, 0, 2, 2, 0});
    // Without the second, entry 6 changes from B0 to B2 as well: the price of Maglev.
    CHECK(maglev_fill({{0, 3, 4}, {2, 3, 1}}, 7) == table{0, 0, 0, 0, 2, 2, 2});
}

TEST_CASE("maglev: shares are exact to one turn, also with weights", "[ring][core]")
{
    auto const equal = make<perdure::maglev>(400); // as katran's CHHelpersTest
    std::vector<int> count(400);
    for (auto n : equal.entries())
        ++count[n];
    CHECK(*std::max_element(count.begin(), count.end()) -
              *std::min_element(count.begin(), count.end()) <=
          1);
    perdure::maglev weighted;
    weighted.add("one", 1);
    weighted.add("two", 2);
    std::vector<int> two(2);
    for (auto n : weighted.entries())
        ++two[n];
    CHECK(two[0] == 21846); // Envoy's documentation: 21846 and 43691 of 65537
    CHECK(two[1] == 43691);
}

TEST_CASE("maglev: order and history leave no trace; a table that cannot be is refused",
          "[ring][core]")
{
    perdure::maglev a{"x", "y", "z"}, b{"z", "w", "y"};
    b.remove("w");
    b.add("x");
    for (int k = 0; k != 1000; ++k)
        REQUIRE(a.node_for(k) == b.node_for(k));
    for (std::uint32_t size : {0u, 1u, 8u, 65536u, 16777259u})
        CHECK_THROWS_AS(perdure::maglev({.table_size = size}), std::invalid_argument);
    perdure::maglev small({.table_size = 3});
    small.add("a");
    small.add("b");
    small.add("c");
    CHECK_THROWS_AS(small.add("d"), std::invalid_argument);
    CHECK(small.size() == 3);
    std::vector<node_index> entries(small.entries().begin(), small.entries().end());
    std::sort(entries.begin(), entries.end());
    CHECK(entries == std::vector<node_index>{0, 1, 2});
}

TEST_CASE("maglev: a node with no entry in the table is still ranked", "[ring][core]")
{
    perdure::maglev h({.table_size = 7});
    for (int i = 0; i != 5; ++i)
        h.add(node_name(i), i == 0 ? 1 : 1000);
    check_lookups(h, "k");
}

TEST_CASE("rendezvous_hash: removing one of 499 moves what chance expects", "[ring][core]")
{
    // mcrouter's test: 499 hosts, 10 000 keys, 20.04 expected; it saw 14, 24 and 15.
    auto const all = make<perdure::rendezvous_hash>(499);
    for (int gone : {0, 498, 249}) {
        auto without = all;
        without.remove(node_name(gone));
        int moved = 0;
        for (int k = 0; k != 2000; ++k)
            if (all.node_for(k) != without.node_for(k)) {
                REQUIRE(all.node_for(k) == node_name(gone));
                ++moved;
            }
        CHECK(moved <= 16); // 4 expected
    }
}

TEST_CASE("fixed_log: the table of steps is what a long division and squaring give", "[ring][core]")
{
    for (std::uint64_t i = 0; i != 128; ++i) {
        INFO("step " << i);
        // 2^64 / c = 2^72 / (257 + 2 i), by long division.
        std::uint64_t quotient = 0, rest = 0;
        for (int bit = 72; bit >= 0; --bit) {
            rest = rest << 1 | (bit == 72);
            quotient = quotient << 1 | (rest >= 257 + 2 * i);
            if (rest >= 257 + 2 * i)
                rest -= 257 + 2 * i;
        }
        CHECK(perdure::detail::log_steps[i].inverse == quotient);
        // By squaring: every bit of the logarithm is whether the square has reached 2.
        std::uint64_t m = (257 + 2 * i) << 55, log = 0; // m: 1.63 bits
        for (int bit = 55; bit >= 0; --bit) {
            auto const square = perdure::detail::multiply_in_halves(m, m); // 2.126 bits
            if (square.high >> 63) {
                log |= std::uint64_t{1} << bit;
                m = square.high;
            } else {
                m = square.high << 1 | square.low >> 63;
            }
        }
        CHECK(perdure::detail::log_steps[i].log == log);
    }
}

TEST_CASE("fixed_log: the logarithm is that of the C library to 2^-48", "[ring][core]")
{
    generator random(Catch::rngSeed());
    long double worst = 0;
    for (int i = 0; i != 200000; ++i) {
        auto const x = std::max<std::uint64_t>(random() >> random.below(64), 1);
        auto const ours = static_cast<long double>(perdure::detail::negative_log2(x)) / 0x1p56L;
        worst = std::max(worst, std::abs(ours - (64 - std::log2(static_cast<long double>(x)))));
    }
    if (std::numeric_limits<long double>::digits >= 64)
        CHECK(worst < 0x1p-48L);
    auto const bits = [](std::uint64_t x) {
        return static_cast<double>(perdure::detail::negative_log2(x)) / 0x1p56;
    };
    CHECK_THAT(bits(0), Catch::Matchers::WithinAbs(64, 1e-13));
    CHECK_THAT(bits(1), Catch::Matchers::WithinAbs(64, 1e-13));
    CHECK_THAT(bits(std::uint64_t{1} << 63), Catch::Matchers::WithinAbs(1, 1e-14));
    CHECK(perdure::detail::negative_log2(~std::uint64_t{0}) == 1);
}

TEST_CASE("multiply: in halves as by the processor", "[ring][core]")
{
    generator random(Catch::rngSeed());
    for (int i = 0; i != 100000; ++i) {
        auto const a = random() >> random.below(64), b = random() >> random.below(64);
        auto const x = perdure::detail::multiply(a, b),
                   y = perdure::detail::multiply_in_halves(a, b);
        REQUIRE(x.high == y.high);
        REQUIRE(x.low == y.low);
    }
}

TEST_CASE("multi_probe_hash: 21 probes keep the peak near 1.05, as the paper says", "[ring][core]")
{
    auto const h = make<perdure::multi_probe_hash>(100);
    std::vector<int> load(100);
    for (int k = 0; k != 400000; ++k)
        ++load[h.index_for(k)];
    auto const peak = *std::max_element(load.begin(), load.end()) / 4000.0;
    CAPTURE(peak);
    CHECK(peak < 1.12); // 1.05 and the chance of 4000 keys a node
    CHECK_THROWS_AS(perdure::multi_probe_hash({.probes = 0}), std::invalid_argument);
    CHECK_THROWS_AS(perdure::multi_probe_hash({.probes = 1025}), std::invalid_argument);
    CHECK(h.memory() < 100 * 300);
}

TEST_CASE("redis_slot: the values that Redis Cluster gives", "[ring][core]")
{
    static_assert(perdure::crc16_xmodem("123456789") == 0x31C3); // the specification's check value
    CHECK(perdure::redis_slot("foo") == 12182);
    CHECK(perdure::redis_slot("bar") == 5061);
    CHECK(perdure::redis_slot("hello") == 866);
    CHECK(perdure::redis_slot("somekey") == 11058);
    CHECK(perdure::redis_slot("foo{hash_tag}") == 2515);
    CHECK(perdure::redis_slot("bar{hash_tag}") == 2515);
    CHECK(perdure::redis_slot("foo{}{bar}") == 8363); // an empty tag: the whole key
    CHECK(perdure::redis_slot("foo{{bar}}zap") == 4015);
    CHECK(perdure::redis_slot("foo{{bar}}zap") == perdure::redis_slot("{bar"));
    CHECK(perdure::redis_slot("foo{bar") == perdure::crc16_xmodem("foo{bar") % 16384);
    CHECK(perdure::redis_slot("") == 0);
    std::string all; // bytes above 127 too, where the signedness of char has broken other ports
    for (int c = 0; c != 256; ++c)
        all.push_back(static_cast<char>(c));
    CHECK(perdure::crc16_xmodem(all) == 0x7e55);
    perdure::basic_slot_table<std::string, perdure::redis_hasher> table;
    table.add("10.0.0.1:6379");
    CHECK(table.slot_of("foo{hash_tag}") == 2515);
}

namespace {
/// Applies moves, and says whether each gave a slot that its giver had.
void follow(std::vector<node_index>& owners, std::vector<perdure::slot_move> const& moves)
{
    for (auto const& m : moves) {
        REQUIRE(owners[m.slot] == m.from);
        REQUIRE(m.from != m.to);
        owners[m.slot] = m.to;
    }
}
} // namespace

TEST_CASE("slot_table: every change moves the ideal number of slots, and says which",
          "[ring][core]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    generator random(seed);
    perdure::slot_table table({.slots = 4096});
    std::vector<node_index> owners(4096, perdure::no_node);
    std::map<std::string, double> weights;
    for (int step = 0; step != 300; ++step) {
        std::map<std::string, std::size_t> had;
        for (auto const& [node, weight] : weights)
            had[node] = table.slots_of(table.index_of(node));
        auto const node = node_name(static_cast<int>(random.below(25)));
        auto const weight =
            random.below(3) == 0 ? 1.0 : 0.25 * static_cast<double>(1 + random.below(12));
        auto const epoch = table.epoch();
        std::vector<perdure::slot_move> moves;
        if (!weights.contains(node)) {
            moves = table.add(node, weight);
            weights[node] = weight;
        } else if (random.below(2) == 0) {
            moves = table.set_weight(node, weight);
            weights[node] = weight;
        } else {
            moves = table.remove(node);
            weights.erase(node);
        }
        REQUIRE(table.epoch() == epoch + 1);
        follow(owners, moves);
        double total = 0;
        for (auto const& [n, w] : weights)
            total += w;
        std::map<node_index, std::size_t> count;
        for (std::uint32_t s = 0; s != 4096; ++s) {
            REQUIRE(table.owner(s) == owners[s]);
            ++count[owners[s]];
        }
        std::size_t needed = 0, given = 0;
        for (auto const& [n, w] : weights) {
            auto const index = table.index_of(n);
            auto const has = count[index];
            REQUIRE(table.slots_of(index) == has);
            double const share = 4096 * w / total;
            REQUIRE(static_cast<double>(has) > share - 1);
            REQUIRE(static_cast<double>(has) < share + 1);
            // No table within one slot of the shares is nearer than by what must come and go.
            if (static_cast<double>(had[n]) < std::floor(share))
                needed += static_cast<std::size_t>(std::floor(share)) - had[n];
            if (static_cast<double>(had[n]) > std::ceil(share))
                given += had[n] - static_cast<std::size_t>(std::ceil(share));
        }
        for (auto const& [n, h] : had)
            if (!weights.contains(n))
                given += h;
        // Rounding may ask for up to one slot a node more than either side alone.
        if (!weights.empty())
            REQUIRE(moves.size() <= std::max(needed, given) + weights.size());
        perdure::slot_table const restored(table.assignment());
        REQUIRE((restored.assignment() == table.assignment()));
        for (auto const& [n, w] : weights)
            REQUIRE(restored.slots_of(restored.index_of(n)) == table.slots_of(table.index_of(n)));
        for (int k = 0; k != 50 && !weights.empty(); ++k)
            REQUIRE(restored.node_for(k) == table.node_for(k));
    }
}

TEST_CASE("slot_table: equal nodes differ by one slot at most, and a join takes its share exactly",
          "[ring][core]")
{
    perdure::slot_table table({.slots = 65536});
    for (int n = 1; n != 101; ++n) {
        auto const moves = table.add(node_name(n));
        CHECK(moves.size() >= 65536u / static_cast<unsigned>(n));
        CHECK(moves.size() <= 65536u / static_cast<unsigned>(n) + 1);
        std::size_t least = 65536, most = 0;
        for (int i = 1; i <= n; ++i) {
            auto const slots = table.slots_of(table.index_of(node_name(i)));
            least = std::min(least, slots);
            most = std::max(most, slots);
        }
        CHECK(most - least <= 1);
    }
}

TEST_CASE("slot_table: what is no table is refused", "[ring][core]")
{
    for (std::uint32_t slots : {0u, 1u, 3u, 1000u, 1u << 25})
        CHECK_THROWS_AS(perdure::slot_table({.slots = slots}), std::invalid_argument);
    perdure::slot_table full({.slots = 2});
    full.add("a");
    full.add("b");
    CHECK_THROWS_AS(full.add("c"), std::invalid_argument);
    auto const good = full.assignment();
    CHECK(good.epoch == 2);
    auto bad = good;
    bad.owners[1] = 2;
    CHECK_THROWS_AS(perdure::slot_table(bad), std::invalid_argument);
    bad = good;
    bad.owners.push_back(0);
    CHECK_THROWS_AS(perdure::slot_table(bad), std::invalid_argument);
    bad = good;
    bad.nodes[1].node = "a";
    CHECK_THROWS_AS(perdure::slot_table(bad), std::invalid_argument);
    bad = good;
    bad.nodes[1].weight = -1;
    CHECK_THROWS_AS(perdure::slot_table(bad), std::invalid_argument);
    CHECK(full.remove("nobody").empty());
    CHECK(full.set_weight("nobody", 2).empty());
    CHECK(full.epoch() == 2);
}
