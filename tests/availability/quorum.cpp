// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/quorum.hpp>

#include <bit>
#include <cmath>
#include <functional>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

namespace {

/// P(not works(set of units that are up)) by enumeration.
double enumerate(std::vector<unavailability> const& units,
                 std::function<bool(unsigned)> const& works)
{
    double down = 0;
    for (unsigned up = 0; up < 1U << units.size(); ++up) {
        if (!works(up)) {
            double p = 1;
            for (std::size_t i = 0; i < units.size(); ++i) {
                double const u = units[i].value();
                p *= (up >> i & 1) != 0 ? 1 - u : u;
            }
            down += p;
        }
    }
    return down;
}

} // namespace

TEST_CASE("majority_of: closed forms, and what correlation does to them", "[availability]")
{
    CHECK_THAT(majority_of(3, unavailability(0.01)).independent.value(), WithinRel(2.98e-4, 1e-13));
    CHECK_THAT(majority_of(5, unavailability(0.01)).independent.value(),
               WithinRel(9.8506e-6, 1e-13));
    CHECK_THAT(majority_of(7, unavailability(1e-3)).independent.value(),
               WithinRel(3.491606998e-11, 1e-9));
    auto const five = majority_of(5, unavailability(0.01));
    // u = 0.01: the common cause alone is 1e-4 at 1 %, ten times the independent answer.
    double const own = 0.0099;
    double const rest = 10 * std::pow(own, 3) * std::pow(1 - own, 2) +
                        5 * std::pow(own, 4) * (1 - own) + std::pow(own, 5);
    CHECK_THAT(five.beta_1_percent.value(), WithinRel(1e-4 + rest * (1 - 1e-4), 1e-12));
    CHECK(five.beta_10_percent > 1e-3);
    // Seven nodes are hardly better than five then.
    auto const seven = majority_of(7, unavailability(0.01));
    CHECK(seven.beta_10_percent.value() > 0.99 * five.beta_10_percent.value());
    CHECK(seven.independent.value() < 0.05 * five.independent.value());
    // An even number of nodes is worse than one less.
    CHECK(majority_of(4, unavailability(0.01)).independent >
          majority_of(3, unavailability(0.01)).independent);
    CHECK(majority(1) == 1);
    CHECK(majority(4) == 3);
}

TEST_CASE("redundant_k_of_n: different units share the common cause of the best", "[availability]")
{
    std::vector<unavailability> const units = {unavailability(0.01), unavailability(0.02),
                                               unavailability(0.03)};
    auto const r = redundant_k_of_n(2, units);
    CHECK(r.independent == k_of_n(2, units));
    CHECK(r.beta_1_percent > r.independent);
    CHECK(r.beta_10_percent.value() > 1e-3);
    std::vector<unavailability> const same(3, unavailability(0.01));
    CHECK_THAT(
        redundant_k_of_n(2, same).beta_10_percent.value(),
        WithinRel(redundant_k_of_n(2, 3, unavailability(0.01)).beta_10_percent.value(), 1e-13));
}

TEST_CASE("flexible_quorums: must intersect", "[availability]")
{
    auto const q = flexible_quorums(5, 2, 4, unavailability(0.01));
    CHECK(q.read.independent == k_of_n(2, 5, unavailability(0.01)));
    CHECK(q.write.independent == k_of_n(4, 5, unavailability(0.01)));
    CHECK(q.read.independent < q.write.independent);
    CHECK(message_of<std::invalid_argument>([] {
              flexible_quorums(5, 2, 3, unavailability(0.1));
          }).find("r is 2; r + w must exceed n") == 0);
    CHECK(message_of<std::invalid_argument>([] {
              flexible_quorums(4, 3, 2, unavailability(0.1));
          }).find("w is 2; 2 w must exceed n") == 0);
    CHECK_THROWS_AS(flexible_quorums(3, 4, 2, unavailability(0.1)), std::invalid_argument);
}

TEST_CASE("grid_quorums: agree with enumeration", "[availability]")
{
    for (double u : {1e-4, 0.05, 0.5, 0.9}) {
        for (unsigned rows = 1; rows <= 4; ++rows) {
            for (unsigned columns = 1; columns <= 3; ++columns) {
                std::vector<unavailability> const units(rows * columns, unavailability(u));
                unsigned const column = (1U << rows) - 1;
                auto const read = [&](unsigned up) {
                    for (unsigned c = 0; c < columns; ++c) {
                        if ((up >> (c * rows) & column) == 0) {
                            return false;
                        }
                    }
                    return true;
                };
                auto const write = [&](unsigned up) {
                    bool whole = false;
                    for (unsigned c = 0; c < columns; ++c) {
                        whole = whole || (up >> (c * rows) & column) == column;
                    }
                    return whole && read(up);
                };
                CAPTURE(u, rows, columns);
                auto const q = grid_quorums(rows, columns, unavailability(u));
                CHECK_THAT(q.read.independent.value(), WithinRel(enumerate(units, read), 1e-12));
                CHECK_THAT(q.write.independent.value(), WithinRel(enumerate(units, write), 1e-12));
            }
        }
    }
    CHECK(grid_quorums(2, 2, unavailability(1)).write.independent == 1);
    CHECK(grid_quorums(2, 2, unavailability(0)).write.independent == 0);
    CHECK_THROWS_AS(grid_quorums(0, 2, unavailability(0.1)), std::invalid_argument);
}

TEST_CASE("weighted_votes: agrees with enumeration", "[availability]")
{
    random_numbers random(101);
    for (int i = 0; i < 100; ++i) {
        std::vector<unavailability> units;
        std::vector<unsigned> votes;
        unsigned all = 0;
        for (std::size_t n = 1 + random.below(8); n > 0; --n) {
            units.emplace_back(std::pow(random.uniform(), 6));
            votes.push_back(static_cast<unsigned>(random.below(5)));
            all += votes.back();
        }
        auto const needed = random.below(all + 1);
        CAPTURE(i, all, needed);
        double const exact = enumerate(units, [&](unsigned up) {
            unsigned sum = 0;
            for (std::size_t j = 0; j < units.size(); ++j) {
                sum += (up >> j & 1) != 0 ? votes[j] : 0;
            }
            return sum >= needed;
        });
        REQUIRE_THAT(weighted_votes(units, votes, needed).value(), WithinRel(exact, 1e-11));
    }
    std::vector<unavailability> const two(2, unavailability(0.1));
    std::vector<unsigned> const votes = {1, 2};
    CHECK(message_of<std::invalid_argument>([&] {
              weighted_votes(two, votes, 4);
          }).find("needed is 4") == 0);
    CHECK(message_of<std::invalid_argument>([&] {
              weighted_votes(two, std::vector<unsigned>{1}, 1);
          }) == "votes has 1 entries; it must have one for each of the 2 units");
    CHECK_THROWS_AS(weighted_votes(two, std::vector<unsigned>{4000000000U, 1}, 1),
                    std::invalid_argument);
}

TEST_CASE("with_witnesses: a witness votes and keeps nothing", "[availability]")
{
    unavailability const u(0.01);
    std::vector<unavailability> const one(1, u), two(2, u), three(3, u);
    // Two replicas and a witness are as available as three replicas.
    CHECK_THAT(with_witnesses(two, one).value(), WithinRel(k_of_n(2, three).value(), 1e-14));
    // With more witnesses than replicas they may have a majority, and nothing to serve.
    std::vector<unavailability> const all(5, u);
    double const exact = enumerate(all, [](unsigned up) {
        return std::popcount(up) >= 3 && (up & 3) != 0; // units 0 and 1 keep data
    });
    CHECK_THAT(with_witnesses(two, three).value(), WithinRel(exact, 1e-12));
    CHECK_THROWS_AS(with_witnesses({}, three), std::invalid_argument);
}

TEST_CASE("leader_based: elections dominate where repair is fast", "[availability]")
{
    two_state const node(mtbf(720h), mttr(1min));
    auto const three = leader_based(3, node, 10s);
    double const electing = 10 / (720 * 3600 + 10.);
    CHECK_THAT(three.independent.value(),
               WithinRel(electing + (1 - electing) *
                                        majority_of(3, unavailability(node)).independent.value(),
                         1e-13));
    CHECK(three.independent.value() < 1.01 * electing);
    CHECK(leader_based(3, node, 0s).independent ==
          majority_of(3, unavailability(node)).independent);
    CHECK_THROWS_AS(leader_based(3, node, -1s), std::invalid_argument);
}
