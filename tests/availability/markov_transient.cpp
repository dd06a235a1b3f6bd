// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/cluster.hpp"
#include "availability/support.hpp"
#include <perdure/availability/markov/passage.hpp>
#include <perdure/availability/markov/transient.hpp>
#include <perdure/availability/two_state.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;
using namespace std::chrono_literals;

namespace {

// In the cluster one second stands for an hour.
auto below_minimum(explored<cluster::state> const& model, int n)
{
    return model.where([n](auto const& s) { return !cluster::minimum(s, n); });
}
/// Repairs finished per unit of time.
auto repairs(explored<cluster::state> const& model)
{
    return model.measure([](cluster::state const& s) {
        switch (s.at) {
        case cluster::repairing::left:
        case cluster::repairing::right:
            return 2.;
        case cluster::repairing::left_switch:
        case cluster::repairing::right_switch:
            return .25;
        case cluster::repairing::line:
            return .125;
        case cluster::repairing::nothing:
            break;
        }
        return 0.;
    });
}

} // namespace

TEST_CASE("markov T-J1: the cluster's first time below its minimum", "[availability]")
{
    auto const model = cluster::explore(4);
    first_passage const passage(model.chain, below_minimum(model, 4));
    auto const start = started_in(model.chain, 0);
    struct row {
        double t;
        double p;
    };
    for (auto const& r :
         {row{.2, 2.5758343311298e-9}, row{2, 2.58782174679598e-7}, row{20, 1.31264206367549e-5},
          row{200, 1.77513358269019e-4}, row{2000, 1.82210514902010e-3}}) {
        CAPTURE(r.t);
        CHECK_THAT(passage.within(start, duration(r.t)).value(), WithinRel(r.p, 2e-12));
    }
}

TEST_CASE("markov T-J2: the cluster's rewards", "[availability]")
{
    auto const model = cluster::explore(4);
    transient const x(model.chain);
    auto const start = started_in(model.chain, 0);
    auto const percent =
        model.measure([](cluster::state const& s) { return 100 * (s.left + s.right) / 8.; });
    CHECK_THAT(x.at(start, percent, 10s), WithinRel(99.8773317138932, 2e-10));
    CHECK_THAT(x.at(start, percent, 100s), WithinRel(99.8750783436119, 2e-10));
    CHECK_THAT(x.collected(start, below_minimum(model, 4), 1000s),
               WithinRel(3.66201700636712e-3, 2e-10));
    CHECK_THAT(x.collected(start, repairs(model), 1s), WithinRel(7.78715183663e-3, 2e-10));
    CHECK_THAT(x.collected(start, repairs(model), 10s), WithinRel(0.153957098124482, 2e-10));
}

TEST_CASE("markov T-J3: the cluster of two", "[availability]")
{
    auto const model = cluster::explore(2);
    auto const down = below_minimum(model, 2);
    first_passage const passage(model.chain, down);
    transient const x(model.chain);
    auto const start = started_in(model.chain, 0);
    CHECK_THAT(passage.within(start, 100s).value(), WithinRel(5.54612547044192e-5, 1e-12));
    CHECK_THAT(x.at(start, down, 100s), WithinRel(2.33978735483478e-6, 1e-12));
    // Below the minimum some time between 100 and 2000.
    auto const then = x.at(start, 100s);
    CHECK_THAT(passage.within(then, 1900s).value(), WithinRel(0.001105335651670241, 1e-6));
    CHECK_THAT(x.collected(start, repairs(model), 100s), WithinRel(0.860281505796811, 1e-10));
}

TEST_CASE("markov T-J4, T-I7: an embedded controller with rates from 30 s to a year",
          "[availability]")
{
    // Muppala, Ciardo, Trivedi 1994, as in PRISM's case study with MAX_COUNT = 2.
    struct state {
        std::uint8_t sensors, input, actuators, output, main, skipped; // 2 ok, 1 transient, 0 failed
        std::uint8_t computed, asked_in, asked_out, pad;
        bool operator==(state const&) const = default;
    };
    std::uint8_t const limit = 3;
    double const day = 24 * 60 * 60;
    auto const flag = [](bool b) { return static_cast<std::uint8_t>(b ? 1 : 0); };
    auto const model = explore(state{3, 2, 2, 2, 1, 0, 1, 1, 0, 0}, [&](state const& s, auto&& emit) {
        auto const with = [&](auto change) {
            state t = s;
            change(t);
            return t;
        };
        double const processor = 1 / (365 * day);
        bool const main_up = s.main == 1;
        bool const input_up = s.input == 2 && s.sensors >= 2;
        bool const output_up = s.output == 2 && s.actuators >= 1;
        if (s.sensors > 1) {
            emit(with([](state& t) { --t.sensors; }), s.sensors / (30 * day));
        }
        if (s.actuators > 0) {
            emit(with([](state& t) { --t.actuators; }), s.actuators / (60 * day));
        }
        if (s.input > 0 && s.sensors >= 2) {
            emit(with([](state& t) { t.input = 0; }), processor);
        }
        if (s.input == 2 && s.sensors >= 2) {
            emit(with([](state& t) { t.input = 1; }), 1 / day);
        }
        if (s.input == 1 && s.sensors >= 2) {
            emit(with([&](state& t) {
                     t.input = 2;
                     t.computed = flag(s.computed != 0 || (main_up && s.asked_out == 0));
                     t.asked_in = 1;
                     t.asked_out = flag(!output_up && (s.asked_out != 0 || main_up));
                 }),
                 1. / 30);
        }
        if (s.output > 0 && s.actuators >= 1) {
            emit(with([](state& t) { t.output = 0; }), processor);
        }
        if (s.output == 2 && s.actuators >= 1) {
            emit(with([](state& t) { t.output = 1; }), 1 / day);
        }
        if (s.output == 1 && s.actuators >= 1) {
            emit(with([&](state& t) {
                     t.output = 2;
                     t.computed = flag(s.computed != 0 || (s.asked_in != 0 && main_up));
                     t.asked_in = flag(input_up || (s.asked_in != 0 && !main_up));
                     t.asked_out = 0;
                 }),
                 1. / 30);
        }
        if (main_up) {
            emit(with([](state& t) { t.main = 0; }), processor);
        }
        emit(with([&](state& t) {
                 t.skipped = s.computed != 0
                                 ? std::uint8_t{0}
                                 : std::min(static_cast<std::uint8_t>(s.skipped + 1), limit);
                 t.computed = flag(s.asked_in != 0 && s.asked_out == 0 && main_up);
                 t.asked_in = flag(input_up || (s.asked_in != 0 && (s.asked_out != 0 || !main_up)));
                 t.asked_out =
                     flag(!output_up && (s.asked_out != 0 || (s.asked_in != 0 && main_up)));
             }),
             1. / 60);
    });
    CHECK(model.chain.size() == 3478);
    // PRISM counts 14639 transitions; 3478 states keep themselves where the timer changes nothing.
    auto const sensors = [](state const& s) { return s.input == 2 && s.sensors < 2; };
    auto const actuators = [](state const& s) { return s.output == 2 && s.actuators < 1; };
    auto const io = [&](state const& s) { return s.skipped == limit; };
    auto const is_down = [&](state const& s) {
        return sensors(s) || actuators(s) || io(s) || s.main == 0;
    };
    auto const down = model.where(is_down);
    auto const start = started_in(model.chain, 0);
    std::vector<unsigned char> ends(down.size());
    std::transform(down.begin(), down.end(), ends.begin(),
                   [](double d) { return static_cast<unsigned char>(d); });
    transient const until_down(model.chain, ends);
    CHECK_THAT(until_down.at(start, down, 10000s), WithinRel(.0019216435246119591, 1e-10));
    CHECK_THAT(until_down.at(start, model.where(actuators), 10000s),
               WithinRel(3.7079151806696567e-6, 1e-10));
    CHECK_THAT(until_down.at(start, model.where(io), 10000s),
               WithinRel(.001556839327673734, 1e-10));
    CHECK_THAT(until_down.at(start, model.where(sensors), 10000s),
               WithinRel(4.429620626755424e-5, 1e-10));
    auto const up = model.where(
        [&](state const& s) { return !is_down(s) && s.input != 1 && s.output != 1; });
    CHECK_THAT(transient(model.chain).collected(start, up, 10000s) / 3600,
               WithinRel(2.7745274082080154, 1e-10));
    // In the end the sensors have failed while their processor works: T-I7.
    CHECK_THAT(first_passage(model.chain, model.where(sensors)).ever(start).value(),
               WithinRel(6201111489217. / 6635130141055., 1e-12));
}

TEST_CASE("markov T-J5: RMarkov's chain at t = 1", "[availability]")
{
    chain_builder b;
    double const q[5][5] = {{0, 2, 3, 0, 0}, {1, 0, 3, 0, 0}, {0, 2, 0, 1, 0}, {0, 0, 1, 0, 1}, {0, 0, 1, 4, 0}};
    for (char const* name : {"1", "2", "3", "4", "5"}) {
        b.state(name);
    }
    for (chain_state i = 0; i < 5; ++i) {
        for (chain_state j = 0; j < 5; ++j) {
            b.transition(i, j, rate::per_second(q[i][j]));
        }
    }
    auto const chain = b.build();
    transient const x(chain);
    auto const start = started_in(chain, 0);
    double const at[] = {.0601138876002, .259080380873, .425333922177, .218758458482,
                         .0367133508673};
    double const spent[] = {.237325916270, .246743468949, .385701212065, .114643394074,
                            .0155860086414};
    auto const now = x.at(start, 1s);
    auto const time = x.time_spent(start, 1s);
    for (std::size_t s = 0; s < 5; ++s) {
        CHECK_THAT(now[s], WithinRel(at[s], 1e-11));
        CHECK_THAT(time[s], WithinRel(spent[s], 1e-11));
    }
    CHECK(x.at(start, 0s) == start);
    CHECK_THROWS_AS(x.at(start, -1s), std::invalid_argument);
}

TEST_CASE("markov T-J6: rewards of PRISM's four states and Storm's one", "[availability]")
{
    chain_builder b;
    for (char const* name : {"0", "1", "2", "3"}) {
        b.state(name);
    }
    b.transition(0, 1, rate::per_second(5)).transition(1, 2, rate::per_second(7));
    b.transition(2, 3, rate::per_second(11));
    auto const chain = b.build();
    // A reward of 3 for the transition from 0 is 3 * 5 a second there, and so on.
    std::vector<double> const reward{2 + 3 * 5, 5 + 7 * 7, 11, 0};
    auto const start = started_in(chain, 0);
    transient const x(chain);
    CHECK(published{"2.28944"}.agrees(x.collected(start, reward, duration(.1))));
    CHECK(published{"9.87621"}.agrees(x.collected(start, reward, duration(.5))));
    CHECK(published{"11.89005"}.agrees(x.collected(start, reward, duration(1))));
    first_passage const end(chain, started_in(chain, 3));
    CHECK_THAT(end.collected(start, reward), WithinRel(424. / 35, 1e-15));

    chain_builder one;
    one.state("here");
    one.state("gone");
    one.transition("here", "gone", rate::per_second(6));
    auto const simple = one.build();
    auto const here = started_in(simple, 0);
    CHECK_THAT(transient(simple).at(here, started_in(simple, 1), duration(.5)),
               WithinRel(.950212931632136, 1e-13));
    CHECK_THAT(transient(simple).collected(here, here, duration(.1)),
               WithinRel(0.075198060651, 1e-11));
}

TEST_CASE("markov T-J7: a million jumps are made and not given up silently", "[availability]")
{
    two_state const unit(rate::per_second(1), rate::per_second(9999));
    chain_builder b;
    b.state("up");
    b.state("down");
    b.transition("up", "down", unit.failures()).transition("down", "up", unit.repairs());
    auto const chain = b.build();
    auto const start = started_in(chain, 0);
    for (double t : {1e-5, 1e-3, 1., 100.}) {
        CAPTURE(t);
        CHECK_THAT(transient(chain).at(start, duration(t))[1],
                   WithinRel(unit.at(duration(t)).value(), 1e-10));
        CHECK_THAT(transient(chain).time_spent(start, duration(t))[1] / t,
                   WithinRel(unit.mean_until(duration(t)).value(), 1e-10));
    }
    transient_options few;
    few.operations_max = 1e6;
    CHECK_THROWS_AS(transient(chain, few).at(start, 100s), std::length_error);
}

TEST_CASE("markov: transient laws on random chains", "[availability]")
{
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        random_numbers random(seed);
        auto const n = 2 + random.below(12);
        auto const chain = explore(std::size_t{0}, [&](std::size_t s, auto&& emit) {
            random_numbers own(seed * 1000 + s);
            emit((s + 1) % n, 0.01 + own.uniform());
            emit(own.below(n), 3 * own.uniform());
        }).chain;
        transient const x(chain);
        auto const start = started_in(chain, 0);
        // Chapman and Kolmogorov: 3 s are 1 s and then 2 s.
        auto const whole = x.at(start, 3s);
        auto const parts = x.at(x.at(start, 1s), 2s);
        double sum = 0;
        for (std::size_t s = 0; s < n; ++s) {
            CHECK_THAT(parts[s], WithinRel(whole[s], 1e-12));
            sum += whole[s];
        }
        CHECK_THAT(sum, WithinRel(1., 1e-13));
        double spent = 0;
        for (double t : x.time_spent(start, 3s)) {
            spent += t;
        }
        CHECK_THAT(spent, WithinRel(3., 1e-13));
        // After long enough the long run.
        auto const pi = stationary(chain);
        auto const late = x.at(start, 2000s);
        for (std::size_t s = 0; s < n; ++s) {
            CHECK_THAT(late[s], WithinRel(pi[s], 1e-11));
        }
    }
}
