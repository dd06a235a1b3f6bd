// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/cluster.hpp"
#include "availability/support.hpp"
#include <perdure/availability/markov/steady.hpp>

#include <array>
#include <cmath>
#include <string>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;
using namespace std::chrono_literals;

namespace {

/// A chain from a square of rates per second; the diagonal is ignored.
markov_chain chain_of(std::vector<std::vector<double>> const& q)
{
    chain_builder b;
    for (std::size_t i = 0; i < q.size(); ++i) {
        b.state("s" + std::to_string(i + 1));
    }
    for (std::size_t i = 0; i < q.size(); ++i) {
        for (std::size_t j = 0; j < q.size(); ++j) {
            if (i != j) {
                b.transition(static_cast<chain_state>(i), static_cast<chain_state>(j),
                             rate::per_second(q[i][j]));
            }
        }
    }
    return b.build();
}

markov_chain rmarkov()
{
    return chain_of({{-5, 2, 3, 0, 0},
                     {1, -4, 3, 0, 0},
                     {0, 2, -3, 1, 0},
                     {0, 0, 1, -2, 1},
                     {0, 0, 1, 4, -5}});
}

void check_all(std::vector<double> const& x, std::vector<double> const& expected, double tolerance)
{
    REQUIRE(x.size() == expected.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        CAPTURE(i, x[i], expected[i]);
        CHECK_THAT(x[i], WithinRel(expected[i], tolerance));
    }
}

/// Every way to solve it agrees with `expected`, and with its own bound.
void check_long_run(markov_chain const& chain, std::vector<double> const& measure, double expected,
                    double tolerance)
{
    auto const direct = long_run(chain, measure);
    CHECK(direct.sweeps == 0);
    CHECK_THAT(direct.value, WithinRel(expected, tolerance));
    CHECK(direct.relative_error() < 1e-11);
    steady_options iterate;
    iterate.direct_states_max = 0;
    auto const swept = long_run(chain, measure, iterate);
    CHECK(swept.relative_error() <= 1e-9);
    CHECK(std::abs(swept.value - direct.value) <= swept.error + direct.error);
}

} // namespace

TEST_CASE("markov T-I1: RMarkov's five states, and their derivative", "[availability]")
{
    auto const chain = rmarkov();
    std::vector<double> const pi{1. / 24, 5. / 24, 3. / 8, 5. / 16, 1. / 16};
    check_all(stationary(chain), pi, 1e-15);
    for (std::size_t s = 0; s < 5; ++s) {
        std::vector<double> in(5, 0.);
        in[s] = 1;
        check_long_run(chain, in, pi[s], 1e-14);
    }
    // Its README prints the derivative in the direction of one more on the superdiagonal.
    std::vector<double> const d{-.03125, -.114583333333, -.114583333333, .164930555556,
                                .0954861111111};
    for (std::size_t s = 0; s < 5; ++s) {
        std::vector<double> in(5, 0.);
        in[s] = 1;
        long_run_sensitivity const x(chain, in);
        double const along =
            x.along([](chain_state i, chain_state j) { return j == i + 1 ? 1. : 0.; });
        CHECK_THAT(along, WithinRel(d[s], 1e-11));
    }
}

TEST_CASE("markov T-I2, T-I3: BuTools' and QuantEcon's small chains", "[availability]")
{
    check_all(stationary(chain_of({{-.9, .5, .4}, {.9, -.9, 0}, {.3, .3, -.6}})),
              {9. / 22, 7. / 22, 6. / 22}, 1e-15);
    check_all(stationary(chain_of({{-3, 3}, {4, -4}})), {4. / 7, 3. / 7}, 1e-15);
}

TEST_CASE("markov T-I4: a stiff chain keeps the digits of its rarest state", "[availability]")
{
    // Kandori, Mailath and Rob's game of three players with p = 1/3, e = 1e-14, from QuantEcon's
    // tests: a player drawn to revise makes a mistake with a = e / 2.
    double const a = 1e-14 / 2;
    double const b = 1 - a;
    auto const pi = stationary(chain_of({{0, a, 0, 0},
                                         {b / 3, 0, 2 * b / 3, 0},
                                         {0, 2 * a / 3, 0, b / 3},
                                         {0, 0, a, 0}}));
    // A dense solver with a replaced equation misses the first two by 0.3 %.
    check_all(pi, {4.999999999999925e-15, 7.499999999999925e-29, 1.4999999999999775e-14,
                   0.99999999999998},
              1e-14);
}

TEST_CASE("markov T-I5: the workstation cluster to twelve digits", "[availability]")
{
    auto const model = cluster::explore(4);
    CHECK(model.chain.size() == 820);
    CHECK(model.chain.transitions() == 3616);
    auto const premium = model.where([](auto const& s) { return cluster::premium(s, 4); });
    auto const below = model.where([](auto const& s) { return !cluster::minimum(s, 4); });
    check_long_run(model.chain, premium, 0.9999212408513795, 1e-12);
    check_long_run(model.chain, below, 3.70112986471454e-6, 1e-12);

    // Storm's test of the cluster of two accepts 1 - 2.33965737e-6 by an absolute tolerance of 1e-6:
    // a relative error of 7e-5 on the unavailability.
    auto const two = cluster::explore(2);
    CHECK(two.chain.size() == 276);
    auto const down = two.where([](auto const& s) { return !cluster::minimum(s, 2); });
    check_long_run(two.chain, down, 2.33982336464701e-6, 1e-12);
    CHECK(std::abs(long_run(two.chain, down).value / (1 - 0.99999766034263426) - 1) > 5e-5);
}

TEST_CASE("markov T-I7: queues in the long run", "[availability]")
{
    // A tandem of two queues of 5, the first with a Coxian server (PRISM's tandem).
    struct tandem {
        std::uint32_t first, phase, second;
        bool operator==(tandem const&) const = default;
    };
    auto const model = explore(tandem{0, 1, 0}, [](tandem s, auto&& emit) {
        if (s.first < 5) {
            emit(tandem{s.first + 1, s.phase, s.second}, 20.);
        }
        if (s.first > 0) {
            if (s.second < 5) {
                emit(tandem{s.first - 1, 1, s.second + 1}, s.phase == 1 ? 1.8 : 2.);
            }
            if (s.phase == 1) {
                emit(tandem{s.first, 2, s.second}, .2);
            }
        }
        if (s.second > 0) {
            emit(tandem{s.first, s.phase, s.second - 1}, 4.);
        }
    });
    // Storm prints 0.9100373532 with a solver precision of 1e-6; the digits here are elimination's and
    // the sweeps'.
    auto const full = model.where([](tandem const& s) { return s.first == 5; });
    CHECK(std::abs(long_run(model.chain, full).value - 0.9100373532) < 1e-6);
    check_long_run(model.chain, full, 0.910037265674, 1e-11);

    // A cyclic server that polls two stations: walking past the first.
    struct polling {
        std::uint32_t at, serves, one, two;
        bool operator==(polling const&) const = default;
    };
    auto const polls = explore(polling{1, 0, 0, 0}, [](polling s, auto&& emit) {
        auto const other = 3 - s.at;
        auto const waits = s.at == 1 ? s.one : s.two;
        if (s.serves == 0) {
            emit(waits != 0 ? polling{s.at, 1, s.one, s.two} : polling{other, 0, s.one, s.two},
                 200.);
        } else {
            emit(s.at == 1 ? polling{other, 0, 0, s.two} : polling{other, 0, s.one, 0}, 1.);
        }
        if (s.one == 0) {
            emit(polling{s.at, s.serves, 1, s.two}, .5);
        }
        if (s.two == 0) {
            emit(polling{s.at, s.serves, s.one, 1}, .5);
        }
    });
    // Again 1e-6: 0.20079750055570736.
    auto const target =
        polls.where([](polling const& s) { return s.at == 1 && s.serves == 0; });
    CHECK(std::abs(long_run(polls.chain, target).value - 0.20079750055570736) < 1e-6);
    check_long_run(polls.chain, target, 0.200797708139559, 1e-13);
}

TEST_CASE("markov: laws of the long run on random chains", "[availability]")
{
    int proven = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        random_numbers random(seed);
        auto const n = 2 + random.below(40);
        double const decades = seed % 2 == 0 ? 4 : 12;
        std::vector<std::vector<double>> q(n, std::vector<double>(n, 0.));
        for (std::size_t i = 0; i < n; ++i) {
            q[i][(i + 1) % n] = std::pow(10., decades * (random.uniform() - .5)); // a ring joins all
            for (std::size_t k = 0; k < 3; ++k) {
                auto const j = random.below(n);
                q[i][j] += j == i ? 0 : std::pow(10., decades * (random.uniform() - .5));
            }
        }
        auto const chain = chain_of(q);
        auto const pi = stationary(chain);
        double sum = 0;
        for (std::size_t j = 0; j < n; ++j) {
            double in = 0;
            for (std::size_t i = 0; i < n; ++i) {
                in += pi[i] * q[i][j];
            }
            CHECK_THAT(in, WithinRel(pi[j] * chain.out_per_second(static_cast<chain_state>(j)),
                                     1e-12));
            CHECK(pi[j] > 0);
            sum += pi[j];
        }
        CHECK_THAT(sum, WithinRel(1., 1e-14));
        auto const s = random.below(n);
        auto const in = indicator(n, [s](chain_state i) { return i == s; });
        auto const direct = long_run(chain, in);
        CHECK(std::abs(direct.value - pi[s]) <= direct.error + 1e-14 * pi[s]);
        // Sweeps either prove their answer or give up; they never answer wrongly. With rates of
        // twelve decades in no order giving up is not rare.
        auto const f = in;
        detail::sweeps iteration(chain, f, 0, 1e-9, 500);
        auto const swept = iteration.run();
        proven += swept.error <= 1e-9 * swept.value ? 1 : 0;
        if (swept.error < detail::infinity) {
            CHECK(std::abs(swept.value - pi[s]) <= swept.error + 1e-14 * pi[s]);
        }
        // The derivative is what a difference of two solutions says.
        long_run_sensitivity const x(chain, in);
        auto const most = x.ranked().front();
        auto changed = q;
        double const rate = chain.per_second(most.from, most.to);
        changed[most.from][most.to] *= 1 + 1e-6;
        double const difference = (stationary(chain_of(changed))[s] - pi[s]) / (1e-6 * rate);
        if (seed % 2 == 0 && std::abs(most.derivative * rate) > 1e-3 * pi[s]) {
            CHECK_THAT(most.derivative, WithinRel(difference, 1e-3));
        }
    }
    CHECK(proven >= 10);
}

TEST_CASE("markov: an iteration that is cut short refuses to answer", "[availability]")
{
    auto const model = cluster::explore(64);
    auto const below = model.where([](auto const& s) { return !cluster::minimum(s, 64); });
    steady_options options;
    options.sweeps_max = 3;
    CHECK_THROWS_AS(long_run(model.chain, below, options), not_converged);
    CHECK(message_of<not_converged>([&] { (void)long_run(model.chain, below, options); })
              .find("151060 states") != std::string::npos);
    auto const good = long_run(model.chain, below);
    CHECK(good.sweeps > 0);
    CHECK(good.relative_error() <= 1e-9);
    CHECK_THAT(good.value, WithinRel(2.1184335141598e-6, 1e-9));
    options.sweeps_max = 20'000;
    options.relative_error = 1e-13;
    auto const better = long_run(model.chain, below, options);
    CHECK(std::abs(better.value - good.value) <= better.error + good.error);
    CHECK_THROWS_AS(stationary(model.chain), std::length_error);
}

TEST_CASE("markov: bad chains are refused by name", "[availability]")
{
    auto const message = [](auto&& f) { return message_of<std::invalid_argument>(f); };
    chain_builder b;
    auto const up = b.state("up");
    CHECK(message([&] { b.state("up"); }) == "the state 'up' is declared twice");
    CHECK(message([&] { b.state(""); }) == "a state's name is empty");
    CHECK(message([&] { b.transition("up", "down", rate::per(1h)); }) ==
          "there is no state 'down'");
    CHECK(message([&] { b.transition(up, 7, rate::per(1h)); }) ==
          "there is no state 7; there are 1");
    auto const down = b.state("down");
    b.transition(up, down, rate::per(1h));
    CHECK(message([&] { (void)stationary(b.build()); })
              .starts_with("the state 'down' is absorbing: nothing leads out of it"));
    auto const lost = b.state("lost");
    b.transition(up, lost, rate::per(1h));
    CHECK(message([&] { (void)stationary(b.build()); })
              .starts_with("the chain has two parts that it never leaves"));
    b.transition(down, lost, rate::per(1h)).transition(lost, down, rate::per(1h));
    auto const reducible = b.build();
    auto const text = message([&] { (void)stationary(reducible); });
    CHECK(text.starts_with("the chain is reducible: nothing leads back from '"));
    CHECK(text.find("' to 'up'") != std::string::npos);
    steady_options allow;
    allow.transient_states = true;
    check_all(stationary(reducible, allow), {0, .5, .5}, 1e-15);
    CHECK_THAT(long_run(reducible, indicator(3, [&](auto s) { return s == down; }), allow).value,
               WithinRel(.5, 1e-15));
    CHECK(message([&] { (void)long_run(reducible, std::vector<double>{1, 2}, allow); }) ==
          "measure has 2 values for 3 states");
    CHECK(message([&] { (void)long_run(reducible, std::vector<double>{0, 1, NAN}, allow); }) ==
          "measure of 'lost' is nan; it must be finite and at least 0");
    CHECK(message([&] {
              (void)explore(
                  0, [](int s, auto&& emit) { emit(1 - s, s == 0 ? 1. : -2.); },
                  [](int s) { return s == 0 ? "here" : "there"; });
          }) == "the rate from 'there' to 'here' is -2; it must be finite and at least 0");
    explore_options few;
    few.states_max = 100;
    CHECK_THROWS_AS(explore(0, [](int s, auto&& emit) { emit(s + 1, 1.); }, nullptr, few),
                    std::length_error);
    CHECK_THROWS_AS(chain_builder().build(), std::invalid_argument);
    CHECK_THROWS_AS(rate::per_second(INFINITY), std::invalid_argument);
}

TEST_CASE("markov: the long run of a single state and of nothing measured", "[availability]")
{
    chain_builder b;
    b.state("only");
    CHECK(stationary(b.build()) == std::vector<double>{1});
    CHECK(long_run(b.build(), std::vector<double>{2.5}).value == 2.5);
    CHECK(long_run(rmarkov(), std::vector<double>(5, 0.)).value == 0);
    CHECK_THAT(long_run(rmarkov(), std::vector<double>(5, 1.)).value, WithinRel(1., 1e-14));
}
