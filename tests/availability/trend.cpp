// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/trend.hpp>

#include <cmath>
#include <string>

using namespace perdure::availability;
using namespace std::chrono_literals;
using perdure::tests::published;
using perdure::tests::random_numbers;
using perdure::tests::WithinAbs;
using perdure::tests::WithinRel;

namespace {

std::vector<duration> seconds(std::initializer_list<double> values)
{
    std::vector<duration> result;
    for (double v : values) {
        result.emplace_back(v);
    }
    return result;
}

// MatthewReid854/reliability, docs/ROCOF.rst
auto const worsening_system =
    seconds({104, 131, 1597, 59, 4,   503, 157, 6,  118, 173, 114, 62, 101, 216, 106,
             140, 1,   102,  3,  393, 96,  232, 89, 61,  37,  293, 7,  165, 87,  99});

std::vector<duration> weibull_times(random_numbers& random, int n, double shape)
{
    std::vector<duration> times;
    for (int i = 0; i < n; ++i) {
        times.emplace_back(std::pow(-std::log1p(-random.uniform()), 1 / shape));
    }
    return times;
}

bool has(exponential_check const& check, doubt d)
{
    return std::find(check.doubts.begin(), check.doubts.end(), d) != check.doubts.end();
}

} // namespace

TEST_CASE("test_laplace and fit_power_law: a published system that gets worse", "[availability]")
{
    auto const laplace = test_laplace(worsening_system, ended::at_event);
    CHECK(published{"2.409"}.agrees(laplace.u));
    CHECK_THAT(laplace.u, WithinRel(2.409438, 1e-6));
    CHECK_THAT(laplace.p_value, WithinRel(0.01598, 1e-3));
    auto const fit = fit_power_law(worsening_system, ended::at_event, confidence::two_sided(0.95));
    CHECK_THAT(fit.shape.value, WithinRel(1.588053, 1e-6));
    CHECK_THAT(fit.intensity, WithinRel(3.70273e-5, 1e-6));
    CHECK_THAT(fit.unbiased_shape, WithinRel(1.482183, 1e-6));
    CHECK(fit.shape.lower > 1);
    CHECK(fit.shape.contains(1.588053));
}

TEST_CASE("test_laplace: an even row has no trend, and the censoring matters", "[availability]")
{
    // Failures at 1, 2, 3 of an observation until 4: their mean is the middle exactly.
    auto const even = seconds({1, 1, 1});
    CHECK(test_laplace(even, ended::at_time, 1s).u == 0);
    CHECK_THAT(test_laplace(even, ended::at_time, 1s).p_value, WithinRel(1, 1e-15));
    CHECK(test_laplace(even, ended::at_time).u > 0);
    CHECK(test_laplace(even, ended::at_event).u == 0);
    CHECK(test_laplace(seconds({1, 2, 4, 8}), ended::at_time, 16s).u < 0);
    CHECK_THROWS_AS(test_laplace(seconds({1, 2}), ended::at_event), std::invalid_argument);
    CHECK_THROWS_AS(test_laplace(seconds({1, -2, 3}), ended::at_event), std::invalid_argument);
    CHECK_THROWS_AS(test_laplace(seconds({0, 0, 0}), ended::at_event), std::invalid_argument);
}

TEST_CASE("fit_weibull: ReliaWiki's six times", "[availability]")
{
    // ReliaWiki prints 1.933 and 73.526.
    auto const times = seconds({16, 34, 53, 75, 93, 120});
    auto const fit = fit_weibull(times, confidence::two_sided(0.9));
    CHECK_THAT(fit.shape.value, WithinRel(1.932677985, 1e-9));
    CHECK_THAT(fit.scale.count(), WithinRel(73.52607419, 1e-9));
    CHECK(fit.shape.lower < fit.shape.value);
    CHECK(fit.shape.upper > fit.shape.value);
    // At both ends twice the loss of log-likelihood is the chi-squared quantile, 1.6449^2.
    auto const log_likelihood = [&](double shape) {
        double sum = 0, logs = 0;
        for (auto t : times) {
            sum += std::pow(t.count(), shape);
            logs += std::log(t.count());
        }
        return 6 * std::log(shape) - 6 * std::log(sum / 6) + shape * logs;
    };
    double const best = log_likelihood(fit.shape.value);
    CHECK_THAT(2 * (best - log_likelihood(fit.shape.lower)), WithinRel(2.705543454095, 1e-8));
    CHECK_THAT(2 * (best - log_likelihood(fit.shape.upper)), WithinRel(2.705543454095, 1e-8));
}

TEST_CASE("fit_weibull: censored times count, units do not", "[availability]")
{
    auto const times = seconds({16, 34, 53, 75, 93, 120});
    auto const running = seconds({150, 200});
    auto const sure = confidence::two_sided(0.9);
    auto const all = fit_weibull(times, sure, running);
    CHECK(all.scale > fit_weibull(times, sure).scale);
    std::vector<duration> big, big_running;
    for (auto t : times) {
        big.push_back(1e200 * t);
    }
    for (auto t : running) {
        big_running.push_back(1e200 * t);
    }
    auto const scaled = fit_weibull(big, sure, big_running);
    CHECK_THAT(scaled.shape.value, WithinRel(all.shape.value, 1e-9));
    CHECK_THAT(scaled.scale.count(), WithinRel(1e200 * all.scale.count(), 1e-9));
    CHECK_THROWS_AS(fit_weibull(seconds({5, 5, 5}), sure), std::invalid_argument);
    CHECK_THROWS_AS(fit_weibull(seconds({5, 0}), sure), std::invalid_argument);
}

TEST_CASE("fit_weibull and fit_power_law: intervals cover", "[availability]")
{
    random_numbers random(71);
    auto const sure = confidence::two_sided(0.9);
    int covered = 0, power = 0, power_by_time = 0;
    constexpr int trials = 1000;
    for (int i = 0; i < trials; ++i) {
        covered += fit_weibull(weibull_times(random, 30, 1.7), sure).shape.contains(1.7) ? 1 : 0;
        auto const gaps = weibull_times(random, 12, 1);
        power += fit_power_law(gaps, ended::at_event, sure).shape.contains(1) ? 1 : 0;
        // Cut at a time fixed beforehand.
        std::vector<duration> cut;
        double t = 0;
        for (;;) {
            double const gap = -std::log1p(-random.uniform());
            if (t + gap > 12) {
                break;
            }
            t += gap;
            cut.emplace_back(gap);
        }
        power_by_time +=
            cut.size() < 2 ||
                    fit_power_law(cut, ended::at_time, sure, duration(12 - t)).shape.contains(1)
                ? 1
                : 0;
    }
    // 0.9 with a standard deviation of 0.0095; the likelihood ratio is approximate.
    CHECK_THAT(covered / double(trials), WithinAbs(0.9, 0.035));
    CHECK_THAT(power / double(trials), WithinAbs(0.9, 0.03));
    CHECK_THAT(power_by_time / double(trials), WithinAbs(0.9, 0.03));
}

TEST_CASE("test_exponential: rejects as often as it says, and sees what is not exponential",
          "[availability]")
{
    random_numbers random(72);
    int at5 = 0, at10 = 0, regular = 0;
    constexpr int trials = 4000;
    for (int i = 0; i < trials; ++i) {
        double const p = test_exponential(weibull_times(random, 20, 1)).p_value;
        at5 += p < 0.05 ? 1 : 0;
        at10 += p < 0.1 ? 1 : 0;
        regular += i < 500 && test_exponential(weibull_times(random, 20, 3)).p_value < 0.05 ? 1 : 0;
    }
    CHECK_THAT(at5 / double(trials), WithinAbs(0.05, 0.012));
    CHECK_THAT(at10 / double(trials), WithinAbs(0.1, 0.016));
    CHECK(regular > 490);
    CHECK_THROWS_AS(test_exponential(seconds({1, 2})), std::invalid_argument);
    CHECK_THROWS_AS(test_exponential(seconds({0, 0, 0})), std::invalid_argument);
}

TEST_CASE("check_exponential: says which assumption fails", "[availability]")
{
    random_numbers random(73);
    CHECK(has(check_exponential(worsening_system, 0.95), doubt::worsening));
    auto improving = worsening_system;
    std::reverse(improving.begin(), improving.end());
    CHECK(has(check_exponential(improving, 0.95), doubt::improving));
    CHECK(has(check_exponential(weibull_times(random, 60, 3), 0.95), doubt::wears_out));
    CHECK(has(check_exponential(weibull_times(random, 60, 3), 0.95), doubt::not_exponential));
    CHECK(has(check_exponential(weibull_times(random, 60, 0.4), 0.95), doubt::fails_early));
    CHECK(check_exponential(seconds({1, 2, 3}), 0.95).doubts == std::vector{doubt::too_few});
    CHECK(check_exponential({}, 0.95).doubts == std::vector{doubt::too_few});
    // Identical times cannot be fitted, and do no harm.
    CHECK(
        has(check_exponential(seconds({5, 5, 5, 5, 5, 5, 5, 5, 5}), 0.95), doubt::not_exponential));

    // Sound data raise about one doubt of 20 in each of the three tests.
    int sound = 0;
    for (int i = 0; i < 400; ++i) {
        sound +=
            check_exponential(weibull_times(random, 25, 1), 0.95, 500ms).doubts.empty() ? 1 : 0;
    }
    CHECK(sound > 330);
    CHECK(sound < 395);
}

TEST_CASE("doubts are sentences", "[availability]")
{
    for (auto d : {doubt::too_few, doubt::worsening, doubt::improving, doubt::wears_out,
                   doubt::fails_early, doubt::not_exponential}) {
        CHECK(std::string(to_text(d)).size() > 20);
    }
}
