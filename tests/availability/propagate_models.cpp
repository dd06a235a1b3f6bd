// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Every family of models carries the interval of an input through to its answer. With a single
// uncertain input propagate() is quadrature, and every answer here rises or falls with the failure
// rate; so the answer's quantile must be the answer at the input's, from the other end where it
// falls.

#include "availability/support.hpp"
#include <perdure/availability.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::message_of;
using perdure::tests::WithinAbs;
using perdure::tests::WithinRel;

namespace {

/// What four failures in 1000 hours say.
rate_posterior failures()
{
    return rate_posterior(4, 1000h);
}
two_state repaired(rate failing)
{
    return two_state(failing, rate::per(3h));
}
unavailability down(rate failing)
{
    return repaired(failing).steady_state();
}

template <class Model>
void carries(bool rises, uncertain auto const& input, Model const& model)
{
    constexpr std::size_t samples = 400;
    auto const answer = propagate(model, {samples, 1}, input);
    for (double const p : {0.05, 0.5, 0.95}) {
        double const near = 0.6 / samples;
        auto const a = model(input.quantile((rises ? p : 1 - p) - near));
        auto const b = model(input.quantile((rises ? p : 1 - p) + near));
        CAPTURE(p);
        CHECK((rises ? a : b) <= answer.quantile(p));
        CHECK(answer.quantile(p) <= (rises ? b : a));
    }
    auto const e = answer.interval(confidence::two_sided(0.9));
    CHECK(e.lower < e.value);
    CHECK(e.value < e.upper);
}
template <class Model>
void rises_with_failures(Model const& model)
{
    carries(true, failures(), model);
}
template <class Model>
void falls_with_failures(Model const& model)
{
    carries(false, failures(), model);
}

} // namespace

TEST_CASE("propagate: trials and times to faults", "[availability]")
{
    rises_with_failures([](rate l) { return faults_in_time(l, 24h).at_least_one(); });
    rises_with_failures([](rate l) { return faults_in_time(l, 1000h).at_least(3); });
    falls_with_failures([](rate l) { return time_to_fault(3, l).quantile(0.9); });
    falls_with_failures([](rate l) { return mttf_of_k_of_n(2, 3, l); });
    probability_posterior const p(3, 100);
    carries(true, p, [](probability x) { return faults_in_trials(50, x).at_least(2); });
    carries(true, p, [](probability x) { return faults_in_trials(50, x).run_of(3); });
    carries(false, p, [](probability x) { return trials_to_fault(2, x).mean(); });
}

TEST_CASE("propagate: a unit, its windows and its objective", "[availability]")
{
    rises_with_failures([](rate l) { return repaired(l).steady_state(); });
    rises_with_failures([](rate l) { return repaired(l).at(2h); });
    rises_with_failures([](rate l) { return repaired(l).mean_until(2h); });
    // "Will we meet 99 % this month?" is not a number but a distribution of one.
    falls_with_failures([](rate l) { return downtime(repaired(l), 720h).meets(unavailability(0.01)); });
    rises_with_failures([](rate l) { return promise(repaired(l), 720h, 0.95); });
    rises_with_failures([](rate l) {
        return probability_of_missing(repaired(l), unavailability(0.01), 720h, {300h, 2h});
    });
    auto const lasting = phase_type::erlang(2, 3h);
    rises_with_failures([&](rate l) { return renewal_unit(l, lasting).steady_state(); });
    rises_with_failures([&](rate l) { return renewal_unit(l, lasting).at(5h); });
    rises_with_failures([](rate l) { return periodic_test(l, rate::per(3h), 100h, 100h).at(1050h); });
    rises_with_failures(
        [](rate l) { return periodic_test(l, rate::per(3h), 100h, 100h).mean_until(1000h); });
    // What burns a budget, how fast, and until when.
    rises_with_failures([](rate l) { return burn_rate(down(l), unavailability(1e-3)); });
    falls_with_failures([](rate l) {
        return time_to_exhaustion(0.5, burn_rate(down(l), unavailability(1e-3)), 720h);
    });
}

TEST_CASE("propagate: composition, quorums and protocols", "[availability]")
{
    unavailability const other(1e-3);
    rises_with_failures([&](rate l) { return series({down(l), other}); });
    rises_with_failures([&](rate l) { return parallel({down(l), other}); });
    rises_with_failures([&](rate l) { return k_of_n(2, {down(l), down(l), other}); });
    rises_with_failures([](rate l) { return k_of_n_with_crews(2, 3, repaired(l), 1); });
    rises_with_failures([](rate l) { return majority_of(5, down(l)).beta_1_percent; });
    rises_with_failures([](rate l) { return flexible_quorums(5, 2, 4, down(l)).write.independent; });
    rises_with_failures([](rate l) { return grid_quorums(3, 3, down(l)).read.beta_10_percent; });
    rises_with_failures([](rate l) {
        std::array const units{down(l), down(l), unavailability(0.01)};
        std::array<unsigned, 3> const votes{1, 1, 2};
        return weighted_votes(units, votes, 3);
    });
    rises_with_failures([](rate l) {
        std::array const replicas{down(l), down(l)};
        std::array const witness{unavailability(0.01)};
        return with_witnesses(replicas, witness);
    });
    rises_with_failures([](rate l) { return leader_based(5, repaired(l), 10s).independent; });
    rises_with_failures([](rate l) { return two_phase_commit(repaired(l), 1s).blocked; });
    rises_with_failures(
        [](rate l) { return three_phase_commit(repaired(l), repaired(l), 3, 1s).blocked; });
    rises_with_failures([](rate l) { return paxos_commit(repaired(l), 1, 1s).expected_wait(); });
}

TEST_CASE("propagate: diagrams and fault trees", "[availability]")
{
    // In an expression.
    rises_with_failures([](rate l) {
        component const a("a", repaired(l)), b("b", repaired(l)), c("c", unavailability(1e-3));
        return (k_of_n(2, a, b, c) & (a | b)).steady_state();
    });
    // On a decision diagram that is built once.
    fault_tree tree;
    auto const a = tree.add_event({"a", chance(0.1), 0.1, 0.3});
    auto const b = tree.add_event({"b", chance(0.2), 0.1, 0.3});
    auto const c = tree.add_event({"c", chance(0.3), 0.1, 0.3});
    std::array const ab{a, b}, bc{b, c};
    std::array const gates{tree.all_of(ab), tree.all_of(bc)};
    tree.set_top(tree.any_of(gates));
    diagram const d(tree);
    auto const chances = [](rate l) {
        return std::vector<chance>{chance(0.1), chance(down(l).value()), chance(0.3)};
    };
    rises_with_failures([&](rate l) { return d.evaluate(chances(l)).yes; });
    rises_with_failures([&](rate l) {
        std::vector<chance> scratch;
        return importances(d, chances(l), scratch)[0].birnbaum;
    });
    rises_with_failures([&](rate l) {
        return cut_sets::minimal(d).sum(chances(l));
    });
    // Times need the rates in the events.
    auto const pair = [](rate l) {
        component const x("x", repaired(l)), y("y", two_state(mtbf(500h), mttr(5h)));
        return diagram(fault_tree_of(x | y));
    };
    rises_with_failures([&](rate l) { return long_run_of(pair(l)).failures; });
    falls_with_failures([&](rate l) { return mean_time_to_failure(pair(l)); });
    rises_with_failures([&](rate l) { return down_without_repair(pair(l), 100).yes; });
    // Common causes.
    carries(true, probability_posterior(2, 40), [&](probability beta) {
        return beta_factor(3, 1e-3, beta.value()).back();
    });
}

TEST_CASE("propagate: Markov chains", "[availability]")
{
    auto const pair = [](rate l) { return redundant_system({{"node", 2, 1, repaired(l)}}, {1}); };
    rises_with_failures([&](rate l) {
        auto const s = pair(l);
        return long_run(s.chain(), s.down()).down();
    });
    rises_with_failures([&](rate l) {
        auto const s = pair(l);
        auto const in = transient(s.chain()).at(s.all_up(), 10h);
        double sum = 0;
        auto const is_down = s.down();
        for (std::size_t i = 0; i < in.size(); ++i) {
            sum += in[i] * is_down[i];
        }
        return unavailability(sum);
    });
    falls_with_failures([&](rate l) {
        auto const s = pair(l);
        return first_passage(s.chain(), s.down()).mean(s.all_up());
    });
    rises_with_failures([&](rate l) {
        auto const s = pair(l);
        return first_passage(s.chain(), s.down()).within(s.all_up(), 100h);
    });
}

TEST_CASE("propagate: data and their repair", "[availability]")
{
    auto const coded = [](rate l) { return data_group{6, 4, l, rate::per(24h)}; };
    falls_with_failures([&](rate l) { return mean_time_to_loss(coded(l)); });
    falls_with_failures([&](rate l) { return approximate_mean_time_to_loss(coded(l)); });
    rises_with_failures([&](rate l) { return loss_within(coded(l), 100h); });
    rises_with_failures(
        [](rate l) { return loss_by_periods(6, 4, probability_within(l, 24h), 365); });
    falls_with_failures(
        [](rate l) { return raid_mean_time_to_loss(mtbf_of(l), mttr(24h), 10, 5, 1); });
    carries(true, probability_posterior(2, 1000), [](probability p) { return any_of(p, 30); });
    interval_input<double> const copysets({300, 100, 900, confidence::two_sided(0.9)});
    carries(true, copysets, [](double n) { return copyset_loss(100, 3, 3, n); });
}

TEST_CASE("propagate: checkpoints", "[availability]")
{
    falls_with_failures([](rate l) { return optimal_interval(5min, mtbf_of(l)); });
    falls_with_failures([](rate l) { return young_interval(5min, mtbf_of(l)); });
    falls_with_failures([](rate l) { return daly_interval(5min, mtbf_of(l)); });
    falls_with_failures([](rate l) { return snapshot_interval(5min, mtbf_of(l), 0.5); });
    rises_with_failures([](rate l) { return expected_stretch(8h, 5min, 10min, mtbf_of(l)); });
    rises_with_failures([](rate l) {
        return expected_stretch({1min, 5min, 1min, 10min, l, rate::per(5000h)}, 2h, 4);
    });
    // At both ends of an interval, as optimal_interval() takes it itself.
    estimate<mtbf> const between{mtbf(700h), mtbf(400h), mtbf(1500h), confidence::two_sided(0.9)};
    auto const direct = optimal_interval(5min, between);
    auto const carried = propagate([](mtbf m) { return optimal_interval(5min, m); },
                                   interval_input<mtbf>(between))
                             .interval(between.sure);
    CHECK_THAT(carried.lower.count(), WithinRel(direct.lower.count(), 1e-3));
    CHECK_THAT(carried.value.count(), WithinRel(direct.value.count(), 1e-3));
    CHECK_THAT(carried.upper.count(), WithinRel(direct.upper.count(), 1e-3));
}

TEST_CASE("propagate: recoveries", "[availability]")
{
    // The rate of the replay, as it was measured: between 50 and 200 MB/s.
    interval_input<double> const speed({1e8, 5e7, 2e8, confidence::two_sided(0.9)});
    auto const recovery = [](double bytes_per_second) {
        return recovery_time({detection_phase(100ms, 500ms), loading_phase(1e8, bytes_per_second),
                              replaying_phase(1e9, bytes_per_second)});
    };
    carries(false, speed, [&](double s) { return recovery(s).quantile(0.99); });
    carries(false, speed, [&](double s) { return recovery(s).mean(); });
    carries(true, speed, [&](double s) { return recovery(s).within(6s); });
    interval_input<duration> const lag({10ms, 2ms, 100ms, confidence::two_sided(0.9)});
    carries(true, lag, [](duration l) {
        return at_risk_in_disk_loss(durability_class::replicated, {.replication_lag = l}, 1e6)
            .worst_bytes;
    });
}

TEST_CASE("propagate: inputs of different kinds together", "[availability]")
{
    // Independent inputs whose logarithms are normal: the product's is normal too, and its width is
    // that of both by Pythagoras.
    auto const ten = [](double value, double factor) {
        return interval_input<double>(
            {value, value / factor, value * factor, confidence::two_sided(0.9)});
    };
    auto const product = propagate([](double x, double y) { return x * y; }, {20000, 3},
                                   ten(2, std::exp(0.3)), ten(5, std::exp(0.4)))
                             .interval(confidence::two_sided(0.9));
    CHECK_THAT(product.value, WithinRel(10, 0.01));
    CHECK_THAT(product.lower, WithinRel(10 * std::exp(-0.5), 0.02));
    CHECK_THAT(product.upper, WithinRel(10 * std::exp(0.5), 0.02));
    // Each keeps its own unit; the order is that of the arguments.
    auto const answer = propagate(
        [](rate l, mttr repair, probability p) {
            return unavailability(down(l).value() * p.value() * (repair > mttr(1h) ? 1 : 0.5));
        },
        {500, 1}, failures(), interval_input<mttr>({mttr(2h), mttr(1h), mttr(9h), confidence::two_sided(0.9)}),
        probability_posterior(3, 10));
    CHECK(answer.values().size() == 500);
    CHECK(answer.values().front() < answer.values().back());
    // The same seed gives the same values, as with a span.
    std::array const one{failures(), failures()};
    auto const by_span = propagate([](std::span<rate const> r) { return (r[0] + r[1]).per_second(); },
                                   std::span<rate_posterior const>(one), {50, 4});
    auto const by_arguments = propagate([](rate x, rate y) { return (x + y).per_second(); }, {50, 4},
                                        failures(), failures());
    CHECK(by_span.values() == by_arguments.values());
    CHECK_THROWS_AS(propagate([](rate r) { return r; }, {0, 1}, failures()),
                    std::invalid_argument);
}

TEST_CASE("interval_input: gives back its interval", "[availability]")
{
    auto const sure = confidence::two_sided(0.8);
    interval_input<mtbf> const m({mtbf(700h), mtbf(400h), mtbf(1500h), sure});
    CHECK_THAT(m.quantile(0.1).in(1h), WithinRel(400, 1e-12));
    CHECK(m.quantile(0.5) == mtbf(700h));
    CHECK_THAT(m.quantile(0.9).in(1h), WithinRel(1500, 1e-12));
    interval_input<unavailability> const u(
        {unavailability(1e-12), unavailability(1e-13), unavailability(0.9), sure});
    CHECK_THAT(u.quantile(0.1).value(), WithinRel(1e-13, 1e-12));
    CHECK_THAT(u.quantile(0.9).value(), WithinRel(0.9, 1e-12));
    CHECK(u.quantile(0.92) > 0.9);
    // As wide again on the other side of its end.
    interval_input<double> const x({1, 0.5, 4, confidence::two_sided(0.6826894921370859)});
    CHECK_THAT(x.quantile(0.9772498680518208), WithinRel(16, 1e-9));
    CHECK_THAT(x.quantile(0.0227501319481792), WithinRel(0.25, 1e-9));

    auto const refused = [](double value, double lower, double upper, confidence c) {
        return message_of<std::invalid_argument>(
            [&] { interval_input<double>({value, lower, upper, c}); });
    };
    CHECK(refused(1, 0.5, 4, confidence::upper(0.9)).find("confidence") == 0);
    CHECK(refused(1, 0, 4, sure).find("lower") == 0);
    CHECK(refused(1, 2, 4, sure).find("lower") == 0);
    CHECK(refused(1, 0.5, 0.9, sure).find("upper") == 0);
    CHECK_THROWS_AS(x.quantile(0), std::invalid_argument);
    CHECK_THROWS_AS(x.quantile(1), std::invalid_argument);
}
