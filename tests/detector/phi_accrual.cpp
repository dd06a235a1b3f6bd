// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Known answers: the exact values were computed in another language, from erfc; the scenarios and
// the logistic values are those that Akka's own test suite asserts for its detector.

#include "support/catch.hpp"
#include <perdure/detector/fixed_timeout.hpp>
#include <perdure/detector/phi_accrual.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace perdure;
using namespace std::chrono_literals;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

static_assert(estimator<phi_accrual>);
static_assert(estimator<fixed_timeout>);
static_assert(!estimator<phi_accrual_options>);

namespace {

constexpr auto both = {phi_tail::exact, phi_tail::logistic};

time_point at(double ms)
{
    return time_point(std::chrono::nanoseconds(std::llround(ms * 1e6)));
}

// Feeds heartbeats and answers what Akka calls phi and available.
template <class Estimator>
struct subject {
    Estimator e;
    std::uint64_t sequence = 0;
    void heartbeat(double ms) { e.handle_heartbeat({sequence++, at(ms), 0ns, true}); }
    double phi(double ms) const { return e.level(at(ms)); }
    bool available(double ms) const
    {
        auto const deadline = e.deadline();
        bool const by_deadline = !deadline || at(ms) < *deadline;
        bool const by_level = e.level(at(ms)) < e.threshold();
        // The two questions agree, but for rounding right at the deadline.
        if (!deadline || std::chrono::abs(*deadline - at(ms)) > 2ns)
            CHECK(by_deadline == by_level);
        return by_deadline;
    }
};

phi_accrual_options akka(phi_tail tail)
{
    phi_accrual_options o;
    o.threshold = 8;
    o.window = 1000;
    o.expected_interval = 1s;
    o.min_deviation = 100ms;
    o.acceptable_pause = 0s;
    o.tail = tail;
    return o;
}

double of(double t, double mean, double deviation, phi_tail tail)
{
    return phi_of((t - mean) / deviation, tail);
}

std::string message_of(auto make)
{
    try {
        make();
    } catch (std::invalid_argument const& e) {
        return e.what();
    }
    return "nothing thrown";
}

} // namespace

TEST_CASE("phi: the exact tail has its known values", "[detector][core]")
{
    struct row {
        double z, phi;
    };
    for (auto const& [z, phi] : {row{-5, 1.2449e-7},
                                 {-1, .0750260},
                                 {0, .3010300},
                                 {1, .7995455},
                                 {2, 1.643016},
                                 {3, 2.869699},
                                 {4, 4.499335},
                                 {5, 6.542646},
                                 {6, 9.005864},
                                 {8, 15.20614},
                                 {10, 23.11805},
                                 {15, 50.43522},
                                 {20, 88.56010},
                                 {25, 137.5148},
                                 {30, 197.3092},
                                 {38, 315.5398},
                                 {40, 349.4370}}) {
        CAPTURE(z);
        CHECK_THAT(phi_of(z), WithinRel(phi, 2e-5));
    }
}

TEST_CASE("phi: both tails are finite and grow without a step from -64 to a million",
          "[detector][core]")
{
    for (auto const tail : both) {
        double last = 0;
        for (double z = -64; z < 1e6; z += z < 80 ? 0.001 : z * 0.01) {
            double const phi = phi_of(z, tail);
            if (!(std::isfinite(phi) && phi >= last && (z > 80 || phi - last < 0.1 + 1e-3 * phi))) {
                CAPTURE(z, phi, last);
                FAIL("not monotonic, not finite, or a jump");
            }
            last = phi;
        }
        CHECK(std::isfinite(phi_of(1e6, tail)));
        CHECK(std::isfinite(phi_of(-1e6, tail)));
    }
    // Where erfc hands over to the series.
    CHECK(phi_of(std::nextafter(37, 0)) <= phi_of(37));
    CHECK_THAT(phi_of(37), WithinRel(phi_of(std::nextafter(37, 0)), 1e-12));
}

TEST_CASE("phi: the inverse is the inverse", "[detector][core]")
{
    struct row {
        double phi, exact, logistic;
    };
    for (auto const& [phi, exact, logistic] : {row{1, 1.2815516, 1.282215},
                                               {2, 2.3263479, 2.322746},
                                               {3, 3.0902323, 3.058938},
                                               {5, 4.2648908, 4.119191},
                                               {8, 5.6120012, 5.225987},
                                               {10, 6.3613409, 5.799025},
                                               {12, 7.0344838, 6.292124},
                                               {16, 8.2220822, 7.119681}}) {
        CAPTURE(phi);
        CHECK_THAT(phi_inverse(phi), WithinAbs(exact, 1e-7));
        CHECK_THAT(phi_inverse(phi, phi_tail::logistic), WithinAbs(logistic, 1e-6));
    }
    for (auto const tail : both) {
        for (double phi = 1e-6; phi < 1000; phi *= 1.1) {
            auto const z = phi_inverse(phi, tail);
            CAPTURE(phi, z);
            CHECK(phi_of(z, tail) >= phi);
            CHECK(phi_of(z - 1e-6 * (1 + std::abs(z)), tail) < phi);
        }
    }
}

TEST_CASE("phi: Akka's own expectations hold for the logistic tail", "[detector][core]")
{
    auto const tail = phi_tail::logistic;
    auto const cdf = [&](double t, double mean, double deviation) {
        return 1 - std::pow(10, -of(t, mean, deviation, tail));
    };
    for (auto const& [t, p] : {std::pair{0., .5},
                               {6., .7257},
                               {15., .9332},
                               {20., .97725},
                               {25., .99379},
                               {35., .99977}})
        CHECK_THAT(cdf(t, 0, 10), WithinAbs(p, 1e-3));
    CHECK_THAT(cdf(40, 0, 10), WithinAbs(.99997, 1e-4));
    CHECK_THAT(cdf(22, 20, 3), WithinAbs(.7475, 1e-3));
    CHECK_THAT(of(10, 0, 1, tail), WithinAbs(38, 1));
    CHECK_THAT(of(-25, 0, 1, tail), WithinAbs(0, 1e-9));
    for (auto const& [t, phi] : {std::pair{0., 0.},
                                 {500., .1},
                                 {1000., .3},
                                 {1200., 1.6},
                                 {1400., 4.7},
                                 {1600., 10.8},
                                 {1700., 15.3}})
        CHECK_THAT(of(t, 1000, 100, tail), WithinAbs(phi, .1));
    CHECK(of(1100, 1000, 500, tail) < of(1100, 1000, 100, tail));
    CHECK_THAT(of(10, 0, 1, tail), WithinAbs(37.5847, 1e-4));
    // The exact tail is another function out there.
    CHECK_THAT(of(10, 0, 1, phi_tail::exact), WithinAbs(23.1181, 1e-4));
    CHECK_THAT(of(1700, 1000, 100, phi_tail::exact), WithinAbs(11.8929, 1e-4));
}

TEST_CASE("phi_accrual: without heartbeats nothing is suspicious", "[detector][core]")
{
    subject<phi_accrual> s{phi_accrual(akka(phi_tail::exact))};
    CHECK(s.phi(0) == 0);
    CHECK(s.available(1e9));
    CHECK(!s.e.deadline());
    CHECK(s.e.samples() == 0);
}

TEST_CASE("phi_accrual: Akka's scenarios", "[detector][core]")
{
    SECTION("one heartbeat, then silence")
    {
        subject<phi_accrual> s{phi_accrual(akka(phi_tail::logistic))};
        s.heartbeat(0);
        CHECK_THAT(s.phi(1000), WithinAbs(.30103, 1e-5));
        CHECK_THAT(s.phi(2000), WithinAbs(4.73669, 1e-5));
        CHECK_THAT(s.phi(3000), WithinAbs(21.24160, 1e-5));
        subject<phi_accrual> x{phi_accrual(akka(phi_tail::exact))};
        x.heartbeat(0);
        CHECK_THAT(x.phi(1000), WithinAbs(.30103, 1e-5));
        CHECK_THAT(x.phi(2000), WithinAbs(4.49933, 1e-5));
        CHECK_THAT(x.phi(3000), WithinAbs(15.2061, 1e-4));
    }
    SECTION("quick heartbeats")
    {
        subject<phi_accrual> s{phi_accrual(akka(phi_tail::logistic))};
        s.heartbeat(0);
        CHECK_THAT(s.phi(100), WithinAbs(.0001, 1e-4));
        s.heartbeat(200);
        CHECK_THAT(s.phi(300), WithinAbs(.0315, 1e-4));
        CHECK_THAT(s.e.mean_interval().count(), WithinAbs(.73333, 1e-5));
        CHECK_THAT(s.e.interval_deviation().count(), WithinAbs(.42882, 1e-5));
    }
    for (auto const tail : both) {
        auto o = akka(tail);
        SECTION(std::string("threshold 3: missed heartbeats, ") +
                (tail == phi_tail::exact ? "exact" : "logistic"))
        {
            o.threshold = 3;
            subject<phi_accrual> s{phi_accrual(o)};
            s.heartbeat(0);
            s.heartbeat(1000);
            s.heartbeat(1100);
            CHECK(s.available(1200));
            CHECK(!s.available(8200));
            CHECK_THAT(s.phi(8200), WithinAbs(tail == phi_tail::exact ? 49.01 : 109.21, 5e-3));
        }
        SECTION(std::string("a gap that was a suspicion is not learned, ") +
                (tail == phi_tail::exact ? "exact" : "logistic"))
        {
            o.acceptable_pause = 3s;
            subject<phi_accrual> s{phi_accrual(o)};
            for (int i = 0; i != 1000; ++i)
                s.heartbeat(i * 1000.);
            CHECK(!s.available(1299000));
            s.heartbeat(1299100);
            CHECK(s.available(1300000));
            s.heartbeat(1300100);
            CHECK(!s.available(1307100));
            s.heartbeat(1307200);
            CHECK(s.available(1308100));
            s.heartbeat(1308200);
            CHECK(s.available(1309100));
            // The two intervals that the history began with are still in the first 1000 of 1002.
            CHECK_THAT(s.e.mean_interval().count(), WithinAbs(1, 1e-3));
        }
        SECTION(std::string("the acceptable pause, ") +
                (tail == phi_tail::exact ? "exact" : "logistic"))
        {
            o.acceptable_pause = 3s;
            subject<phi_accrual> s{phi_accrual(o)};
            for (int i = 0; i != 4; ++i)
                s.heartbeat(i * 1000.);
            CHECK(s.available(7000));
            CHECK_THAT(s.phi(7000), WithinAbs(.30103, 1e-5));
            s.heartbeat(8000);
            CHECK(s.available(9000));
            subject<phi_accrual> t{phi_accrual(o)};
            for (int i = 0; i != 6; ++i)
                t.heartbeat(i * 1000.);
            CHECK(t.available(5500));
            t.heartbeat(6000);
            CHECK(!t.available(11000));
        }
        SECTION(std::string("a window of 3 forgets what is older, ") +
                (tail == phi_tail::exact ? "exact" : "logistic"))
        {
            o.window = 3;
            subject<phi_accrual> s{phi_accrual(o)};
            for (double const t : {0, 100, 200, 300})
                s.heartbeat(t);
            auto const first = s.phi(400);
            for (double const t : {1000, 1500, 2000, 2500})
                s.heartbeat(t);
            CHECK_THAT(s.phi(3000), WithinAbs(first, 1e-3));
            CHECK_THAT(first, WithinAbs(.30103, 1e-5));
        }
    }
}

TEST_CASE("phi_accrual: Akka's default settings suspect after 4.5 seconds", "[detector][core]")
{
    for (auto const& [tail, expected] :
         {std::pair{phi_tail::logistic, 4522.5}, {phi_tail::exact, 4561.2}}) {
        auto o = akka(tail);
        o.acceptable_pause = 3s;
        subject<phi_accrual> s{phi_accrual(o)};
        for (int i = 0; i != 1200; ++i)
            s.heartbeat(i * 1000.);
        auto const after = *s.e.deadline() - at(1199000);
        CHECK_THAT(std::chrono::duration<double>(after).count() * 1000, WithinAbs(expected, .1));
    }
}

TEST_CASE("interval_window: mean and variance are exact", "[detector][core]")
{
    auto const fill = [](std::size_t capacity, std::vector<double> const& ms) {
        detail::interval_window w(capacity);
        for (auto const x : ms)
            w.push(std::chrono::nanoseconds(std::llround(x * 1e6)));
        return w;
    };
    auto const mean = [](auto const& w) { return w.mean() / 1e3; };
    auto const variance = [](auto const& w) { return w.variance() / 1e6; };
    auto const all = fill(20, {100, 200, 125, 340, 130});
    CHECK_THAT(mean(all), WithinAbs(179, 1e-9));
    CHECK_THAT(variance(all), WithinAbs(7584, 1e-5));
    auto w = fill(3, {100, 110, 90});
    CHECK_THAT(mean(w), WithinAbs(100, 1e-9));
    CHECK_THAT(variance(w), WithinAbs(66.6666667, 1e-6));
    w.push(140ms);
    CHECK_THAT(mean(w), WithinAbs(113.3333333, 1e-6));
    CHECK_THAT(variance(w), WithinAbs(422.2222222, 1e-6));
    w.push(80ms);
    CHECK_THAT(mean(w), WithinAbs(103.3333333, 1e-6));
    CHECK_THAT(variance(w), WithinAbs(688.8888889, 1e-6));
    CHECK(variance(fill(5, {1000})) == 0);
    CHECK(variance(fill(5, {})) == 0);
    // Constant samples for which E[x^2] - E[x]^2 in doubles is negative.
    for (auto const& [x, n] :
         {std::pair{16.7, 6}, {100.1, 6}, {333.3, 10}, {826.318, 6}, {1000.1, 6}})
        CHECK(variance(fill(100, std::vector<double>(static_cast<std::size_t>(n), x))) == 0);
    // Longest intervals in the largest window.
    detail::interval_window big(detail::interval_window::capacity_max);
    for (std::size_t i = 0; i != 2 * detail::interval_window::capacity_max; ++i)
        big.push(i % 2 == 0 ? 0h : 2h);
    CHECK_THAT(big.mean(), WithinRel(4294967295 / 2.0, 1e-12));
    CHECK_THAT(std::sqrt(big.variance()), WithinRel(4294967295 / 2.0, 1e-12));
    // A smaller window keeps the newest.
    auto shrunk = fill(4, {1, 2, 3, 4, 5, 6});
    shrunk.set_capacity(2);
    CHECK_THAT(mean(shrunk), WithinAbs(5.5, 1e-9));
    shrunk.push(8ms);
    CHECK_THAT(mean(shrunk), WithinAbs(7, 1e-9));
    shrunk.set_capacity(3);
    shrunk.push(10ms);
    CHECK_THAT(mean(shrunk), WithinAbs(8, 1e-9));
}

TEST_CASE("phi_accrual: an untimely heartbeat restarts the wait and teaches nothing",
          "[detector][core]")
{
    phi_accrual e(akka(phi_tail::exact));
    for (int i = 0; i != 10; ++i)
        e.handle_heartbeat({static_cast<std::uint64_t>(i), at(i * 1000), 0ns, true});
    auto const wait = *e.deadline() - at(9000);
    auto const samples = e.samples();
    e.handle_heartbeat({10, at(9001), 0ns, false});
    CHECK(e.samples() == samples);
    CHECK(*e.deadline() - at(9001) == wait);
}

TEST_CASE("phi_accrual: equal and reversed times do no harm", "[detector][core]")
{
    phi_accrual e(akka(phi_tail::exact));
    for (int i = 0; i != 100; ++i)
        e.handle_heartbeat({static_cast<std::uint64_t>(i), at(1000 - i % 3), 0ns, true});
    CHECK(std::isfinite(e.level(at(2000))));
    CHECK(*e.deadline() > at(1000));
    CHECK(e.level(at(0)) == 0);
}

TEST_CASE("phi_accrual: new options keep the history", "[detector][core]")
{
    auto o = akka(phi_tail::exact);
    phi_accrual e(o);
    for (int i = 0; i != 20; ++i)
        e.handle_heartbeat({static_cast<std::uint64_t>(i), at(i * 100), 0ns, true});
    auto const mean = e.mean_interval();
    auto const before = *e.deadline();
    o.threshold = 4;
    e.set_options(o);
    CHECK(e.mean_interval() == mean);
    CHECK(*e.deadline() < before);
    CHECK(e.options().threshold == 4);
    e.reset();
    CHECK(!e.deadline());
    CHECK(e.samples() == 0);
}

TEST_CASE("phi_accrual: a bad option is refused by name, value and rule", "[detector][core]")
{
    auto const refused = [](auto change) {
        auto o = akka(phi_tail::exact);
        change(o);
        return message_of([&] { phi_accrual e(o); });
    };
    using std::string;
    auto const nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(refused([](auto& o) { o.threshold = 0; }) ==
          "phi_accrual_options::threshold is 0; it must be above 0 and at most 1000");
    CHECK(refused([&](auto& o) { o.threshold = nan; }).find("threshold is nan") != string::npos);
    CHECK(refused([](auto& o) { o.window = 0; }).find("window is 0") != string::npos);
    CHECK(refused([](auto& o) { o.window = 65537; }).find("window is 65537") != string::npos);
    CHECK(refused([](auto& o) { o.min_deviation = 0s; }).find("min_deviation is 0 ns") !=
          string::npos);
    CHECK(refused([](auto& o) {
              o.expected_interval = -1s;
          }).find("expected_interval is -1000000000 ns") != string::npos);
    CHECK(refused([](auto& o) { o.acceptable_pause = -1ns; }).find("acceptable_pause is -1 ns") !=
          string::npos);
    CHECK(refused([](auto& o) {
              o.acceptable_pause = std::chrono::hours(24 * 4000);
          }).find("at most ten years") != string::npos);
    CHECK(message_of([] { fixed_timeout e({0s}); }) ==
          "fixed_timeout_options::timeout is 0 ns; it must be above 0 and at most ten years");
}

TEST_CASE("fixed_timeout: Akka's deadline scenarios", "[detector][core]")
{
    // Interval 1 s and allowance 4 s.
    SECTION("missed heartbeats")
    {
        subject<fixed_timeout> s{fixed_timeout({5s})};
        s.heartbeat(0);
        s.heartbeat(1000);
        s.heartbeat(1100);
        CHECK(s.available(1200));
        CHECK(!s.available(8200));
    }
    SECTION("back after a suspicion")
    {
        subject<fixed_timeout> s{fixed_timeout({5s})};
        for (int i = 0; i != 1000; ++i)
            s.heartbeat(i * 1000.);
        CHECK(!s.available(1299000));
        s.heartbeat(1299100);
        CHECK(s.available(1300000));
        s.heartbeat(1300100);
        CHECK(!s.available(1307100));
        s.heartbeat(1307200);
        CHECK(s.available(1308100));
        s.heartbeat(1308200);
        CHECK(s.available(1309100));
    }
    SECTION("right at the deadline")
    {
        subject<fixed_timeout> s{fixed_timeout({5s})};
        s.heartbeat(1000);
        CHECK(s.e.deadline() == at(6000));
        CHECK(s.e.level(at(6000)) == 1);
        CHECK(s.e.level(at(3500)) == .5);
        s.e.set_options({2s});
        CHECK(s.e.deadline() == at(3000));
        s.e.reset();
        CHECK(!s.e.deadline());
        CHECK(s.e.level(at(9000)) == 0);
    }
}
