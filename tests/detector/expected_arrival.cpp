// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The estimators that expect an arrival: Chen's, Bertier's and the two windows. The table was
// computed by hand from the papers' formulas: interval 1000 ms, margin 200 ms, window 3.

#include "support/catch.hpp"
#include <perdure/detector/bertier.hpp>
#include <perdure/detector/chen.hpp>
#include <perdure/detector/two_window.hpp>

#include <cmath>
#include <random>
#include <string>
#include <vector>

using namespace perdure;
using namespace std::chrono_literals;
using Catch::Matchers::WithinAbs;

static_assert(estimator<chen> && estimator<bertier> && estimator<two_window>);

namespace {

time_point at(double ms)
{
    return time_point(std::chrono::nanoseconds(std::llround(ms * 1e6)));
}
double ms(time_point t)
{
    return std::chrono::duration<double, std::milli>(t.time_since_epoch()).count();
}

chen_options const chen_3{1s, 200ms, 3};
two_window_options const windows_1_3{1s, 200ms, 1, 3};
bertier_options bertier_3()
{
    bertier_options o;
    o.interval = 1s;
    o.window = 3;
    o.margin_min = 0s;
    return o;
}

struct row {
    std::uint64_t sequence;
    double arrives, expected, chen, two_window, bertier;
};
row const table[] = {
    {0, 120, 1120, 1320, 1320, 1120},      {1, 1080, 2100, 2300, 2300, 2112},
    {2, 2130, 3110, 3310, 3330, 3137.4},   {3, 3090, 4100, 4300, 4300, 4130.42},
    {5, 5200, 6140, 6340, 6400, 6218.394}, {6, 6100, 7130, 7330, 7330, 7215.6402},
};

template <class E>
void hear(E& e, std::uint64_t sequence, double when, std::chrono::nanoseconds interval = 0ns,
          bool timely = true)
{
    e.handle_heartbeat({sequence, at(when), interval, timely});
}

template <class E>
void agrees_on_level(E const& e)
{
    auto const deadline = *e.deadline();
    CHECK(e.level(deadline) == e.threshold());
    CHECK(e.level(deadline - 1us) < e.threshold());
    CHECK(e.level(deadline + 1us) > e.threshold());
    double last = 0;
    for (auto t = deadline - 3s; t < deadline + 3s; t += 10ms) {
        CHECK(e.level(t) >= last);
        last = e.level(t);
    }
}

} // namespace

TEST_CASE("chen, two_window, bertier: the table of known answers", "[detector][core]")
{
    chen c(chen_3);
    two_window w(windows_1_3);
    bertier b(bertier_3());
    CHECK(!c.deadline());
    CHECK(c.level(at(1e6)) == 0);
    CHECK(w.level(at(1e6)) == 0);
    CHECK(b.level(at(1e6)) == 0);
    // Shifting all arrivals shifts the answers by as much: the sender's clock doesn't matter.
    for (double const offset : {0., 1e7}) {
        c.reset();
        w.reset();
        b = bertier(bertier_3());
        for (auto const& r : table) {
            CAPTURE(r.sequence, offset);
            hear(c, r.sequence, r.arrives + offset);
            hear(w, r.sequence, r.arrives + offset);
            hear(b, r.sequence, r.arrives + offset);
            CHECK_THAT(ms(c.expected()), WithinAbs(r.expected + offset, 1e-5));
            CHECK_THAT(ms(*c.deadline()), WithinAbs(r.chen + offset, 1e-5));
            CHECK_THAT(ms(*w.deadline()), WithinAbs(r.two_window + offset, 1e-5));
            CHECK_THAT(ms(*b.deadline()), WithinAbs(r.bertier + offset, 1e-5));
            agrees_on_level(c);
            agrees_on_level(w);
            agrees_on_level(b);
        }
    }
    CHECK(c.samples() == 3);
}

TEST_CASE("chen: the detection time is at most mean delay + margin + interval", "[detector][core]")
{
    auto const seed = Catch::rngSeed();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> delay(10, 30); // mean 20 ms
    chen e({100ms, 50ms, 1000});
    for (std::uint64_t i = 0; i != 20000; ++i) {
        hear(e, i, static_cast<double>(i) * 100 + delay(random));
        // A crash right after sending heartbeat i.
        if (i > 1000)
            REQUIRE(ms(*e.deadline()) - static_cast<double>(i) * 100 < 20 + 50 + 100 + 1);
    }
}

TEST_CASE("chen: heartbeats that were stuck do not excuse the missing ones", "[detector][core]")
{
    // The peer died at 10 s; the last twenty heartbeats come one by one, 15 s late each.
    chen e({1s, 500ms, 32});
    for (std::uint64_t i = 0; i != 10; ++i)
        hear(e, i, static_cast<double>(i) * 1000);
    for (std::uint64_t i = 10; i != 30; ++i) {
        auto const now = 10000 + static_cast<double>(i - 9) * 15000;
        hear(e, i, now);
        CHECK(*e.deadline() <= at(now));
    }
}

TEST_CASE("chen: a peer whose machine slept is trusted again after eight heartbeats",
          "[detector][core]")
{
    chen e({1s, 500ms, 1000});
    bertier b({});
    for (std::uint64_t i = 0; i != 100; ++i) {
        hear(e, i, static_cast<double>(i) * 1000);
        hear(b, i, static_cast<double>(i) * 1000, 1s);
    }
    double const slept = 3.6e6;
    for (std::uint64_t i = 100; i != 108; ++i) {
        CHECK(*e.deadline() < at(slept + static_cast<double>(i) * 1000));
        hear(e, i, slept + static_cast<double>(i) * 1000);
        hear(b, i, slept + static_cast<double>(i) * 1000, 1s);
    }
    CHECK(*e.deadline() == at(slept + 108 * 1000 + 500));
    CHECK(*b.deadline() > at(slept + 108 * 1000));
}

TEST_CASE("chen, two_window, bertier: an untimely arrival is not learned", "[detector][core]")
{
    auto const check = [](auto e) {
        for (std::uint64_t i = 0; i != 10; ++i)
            hear(e, i, static_cast<double>(i) * 1000);
        auto const samples = e.samples();
        auto const before = *e.deadline();
        hear(e, 12, 12400, 0ns, false);
        CHECK(e.samples() == samples);
        CHECK(*e.deadline() == before + 3s); // three slots later, from the old estimate
    };
    check(chen({1s, 500ms, 32}));
    check(two_window({1s, 500ms, 4, 32}));
    auto o = bertier_3();
    o.margin_min = 500ms;
    check(bertier(o));
}

TEST_CASE("chen, two_window, bertier: a promised interval counts, and its change starts anew",
          "[detector][core]")
{
    auto const check = [](auto e, double margin) {
        hear(e, 0, 0, 100ms);
        hear(e, 1, 100, 100ms);
        CHECK(*e.deadline() == at(200 + margin));
        CHECK(e.samples() == 2);
        hear(e, 2, 700, 500ms);
        CHECK(e.samples() == 1);
        CHECK(*e.deadline() == at(1200 + margin));
    };
    check(chen({1s, 200ms, 32}), 200);
    check(two_window({1s, 200ms, 4, 32}), 200);
    auto o = bertier_3();
    o.margin_min = 200ms;
    check(bertier(o), 200);
}

TEST_CASE("chen, two_window, bertier: numbers that jump do no harm", "[detector][core]")
{
    auto const check = [](auto e) {
        auto const most = ~std::uint64_t(0);
        for (auto const sequence :
             {std::uint64_t(0), std::uint64_t(1), most / 2, most / 2 + 1, most - 1, most}) {
            hear(e, sequence, 5000);
            CHECK(std::isfinite(e.level(at(1e7))));
            CHECK(e.deadline());
        }
    };
    check(chen(chen_3));
    check(two_window(windows_1_3));
    check(bertier(bertier_3()));
}

TEST_CASE("chen, two_window, bertier: new options keep the newest of the history",
          "[detector][core]")
{
    chen c(chen_3);
    two_window w(windows_1_3);
    bertier b(bertier_3());
    for (auto const& r : table) {
        hear(c, r.sequence, r.arrives);
        hear(w, r.sequence, r.arrives);
        hear(b, r.sequence, r.arrives);
    }
    c.set_options({1s, 900ms, 1});
    CHECK(c.samples() == 1);
    CHECK(c.options().window == 1);
    CHECK_THAT(ms(*c.deadline()), WithinAbs(7130 + 900, 1e-5));
    w.set_options({1s, 900ms, 1, 2});
    CHECK(w.samples() == 2);
    CHECK_THAT(ms(*w.deadline()), WithinAbs(7130 + 900, 1e-5));
    auto o = bertier_3();
    o.margin_min = 1s;
    o.window = 2;
    b.set_options(o);
    CHECK(b.samples() == 2);
    CHECK_THAT(ms(*b.deadline()), WithinAbs(7130 + 1000, 1e-5));
    hear(c, 7, 7100);
    CHECK_THAT(ms(c.expected()), WithinAbs(8100, 1e-5));
}

TEST_CASE("chen, two_window, bertier: a bad option is refused by name", "[detector][core]")
{
    auto const refused = [](auto make) -> std::string {
        try {
            make();
        } catch (std::invalid_argument const& e) {
            return e.what();
        }
        return "nothing thrown";
    };
    auto const names = [&](auto make, char const* name) { CHECK(refused(make).find(name) == 0); };
    names([] { chen({0s, 1s, 1}); }, "chen_options::interval is 0 ns");
    names([] { chen({1s, 0s, 1}); }, "chen_options::margin is 0 ns");
    names([] { chen({1s, 1s, 0}); }, "chen_options::window is 0");
    names([] { two_window({1s, 1s, 0, 1}); }, "two_window_options::short_window is 0");
    names([] { two_window({1s, 1s, 1, 70000}); }, "two_window_options::long_window is 70000");
    names([] { two_window({1s, -1s, 1, 1}); }, "two_window_options::margin");
    names([] { two_window({-1s, 1s, 1, 1}); }, "two_window_options::interval");
    auto const with = [](auto change) {
        return [change] {
            auto o = bertier_3();
            change(o);
            bertier b(o);
        };
    };
    names(with([](auto& o) { o.interval = 0s; }), "bertier_options::interval");
    names(with([](auto& o) { o.window = 0; }), "bertier_options::window");
    names(with([](auto& o) { o.gain = 0; }), "bertier_options::gain is 0");
    names(with([](auto& o) { o.gain = std::nan(""); }), "bertier_options::gain is nan");
    names(with([](auto& o) { o.delay_weight = -1; }), "bertier_options::delay_weight is -1");
    names(with([](auto& o) { o.variation_weight = 101; }),
          "bertier_options::variation_weight is 101");
    names(with([](auto& o) { o.margin_min = -1s; }), "bertier_options::margin_min");
}
