// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/commit_risk.hpp>

#include <cmath>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::random_numbers;
using perdure::tests::WithinRel;

TEST_CASE("commit_risk: two-phase commit waits for its coordinator", "[availability]")
{
    two_state const node(mtbf(720h), mttr(10min));
    auto const risk = two_phase_commit(node, 20ms);
    CHECK_THAT(risk.blocked.value(), WithinRel(0.02 / (720 * 3600), 1e-8));
    CHECK_THAT(risk.wait / minutes(1), WithinRel(10, 1e-14));
    CHECK_THAT(risk.expected_wait().count(), WithinRel(600 * 0.02 / (720 * 3600), 1e-8));
    // One in 130 million transactions, but with 1000 a second nearly every failure of the
    // coordinator.
    CHECK(leaves_in_doubt(rate::per_second(1000), 20ms) > 0.999999);
}

TEST_CASE("commit_risk: the protocols in their order", "[availability]")
{
    two_state const node(mtbf(720h), mttr(10min));
    auto const two = two_phase_commit(node, 20ms);
    auto const three = three_phase_commit(node, node, 3, 20ms);
    CHECK_THAT(three.blocked.value(), WithinRel(std::pow(two.blocked.value(), 4), 1e-12));
    CHECK_THAT(three.wait / minutes(1), WithinRel(2.5, 1e-14));
    CHECK(three_phase_commit(node, node, 0, 20ms).blocked == two.blocked);

    // The only acceptor of f = 0 may also be down from the start.
    auto const zero = paxos_commit(node, 0, 20ms);
    double const u = node.steady_state().value();
    CHECK_THAT(zero.blocked.value(), WithinRel(u + (1 - u) * two.blocked.value(), 1e-13));
    CHECK(zero.wait == two.wait);
    double before = zero.blocked.value();
    for (std::size_t f = 1; f <= 4; ++f) {
        auto const risk = paxos_commit(node, f, 20ms);
        CHECK(risk.blocked < before);
        CHECK_THAT(risk.wait / minutes(1), WithinRel(10. / static_cast<double>(f + 1), 1e-14));
        before = risk.blocked.value();
    }
    CHECK_THAT(paxos_commit(node, 1, 0s).blocked.value(),
               WithinRel(3 * u * u - 2 * u * u * u, 1e-13));
    static_assert(paxos_commit(two_state(mtbf(720h), mttr(600s)), 2, 1s).blocked < 1e-9);
}

TEST_CASE("commit_risk: agrees with simulated transactions", "[availability]")
{
    // Bad nodes and a long window, so that it happens often enough to count.
    two_state const node(mtbf(10h), mttr(2h));
    duration const window = 1h;
    random_numbers random(111);
    auto const exponential = [&](double mean) { return -mean * std::log1p(-random.uniform()); };
    int two = 0, three = 0, paxos = 0;
    constexpr int transactions = 100000;
    for (int i = 0; i < transactions; ++i) {
        bool const coordinator = exponential(10) < 1;
        two += coordinator ? 1 : 0;
        three += coordinator && exponential(10) < 1 && exponential(10) < 1 ? 1 : 0;
        int lost = 0;
        for (int acceptor = 0; acceptor < 5; ++acceptor) {
            lost += random.uniform() < 2 / 12. || exponential(10) < 1 ? 1 : 0;
        }
        paxos += lost > 2 ? 1 : 0;
    }
    auto const near = [](int count, probability p) {
        double const q = p.value();
        return std::abs(count / double(transactions) - q) <
               4 * std::sqrt(q * (1 - q) / transactions);
    };
    CHECK(near(two, two_phase_commit(node, window).blocked));
    CHECK(near(three, three_phase_commit(node, node, 2, window).blocked));
    CHECK(near(paxos, paxos_commit(node, 2, window).blocked));
}
