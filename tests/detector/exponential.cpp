// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/detector/exponential.hpp>

#include <cmath>
#include <numbers>
#include <string>

using namespace perdure;
using namespace std::chrono_literals;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

static_assert(estimator<exponential>);

namespace {

time_point at(double ms)
{
    return time_point(std::chrono::nanoseconds(std::llround(ms * 1e6)));
}
void hear(exponential& e, double ms, bool timely = true)
{
    e.handle_heartbeat({0, at(ms), 0ns, timely});
}
// In the unit of chitchat: without ln 10.
double natural(exponential const& e, double ms)
{
    return e.level(at(ms)) * std::numbers::ln10;
}

} // namespace

TEST_CASE("exponential: chitchat's scenarios", "[detector][core]")
{
    exponential e({8 / std::numbers::ln10, 10, 2s, 5s});
    hear(e, 0);
    hear(e, 3000);
    CHECK_THAT(natural(e, 3000), WithinAbs(0, 1e-9));
    CHECK_THAT(natural(e, 4000), WithinAbs(.4, 1e-9));
    hear(e, 9000); // a gap of 6 s is not learned
    CHECK_THAT(natural(e, 11000), WithinAbs(.8, 1e-9));

    exponential one({8 / std::numbers::ln10, 10, 5s, 0s});
    hear(one, 0);
    CHECK(at(1000) < *one.deadline());
    CHECK(at(41000) > *one.deadline());
    CHECK_THAT(natural(one, 41000), WithinAbs(8.2, 1e-9));
    CHECK(std::chrono::abs(*one.deadline() - at(40000)) <= 1us);
}

TEST_CASE("exponential: the time to a level, in mean intervals", "[detector][core]")
{
    for (auto const& [phi, means] : {std::pair{8., 18.420681}, {12., 27.631021}, {1., 2.302585}}) {
        exponential e({phi, 200, 1s, 0s});
        hear(e, 0);
        CHECK_THAT(std::chrono::duration<double>(*e.deadline() - at(0)).count(),
                   WithinRel(means, 1e-6));
        CHECK(e.level(*e.deadline()) >= phi);
        CHECK(e.level(*e.deadline() - 1us) < phi);
    }
}

TEST_CASE("exponential: a window of 10 has the mean of the newest ten", "[detector][core]")
{
    exponential e({1000, 10, 1s, 0s});
    double now = 0;
    hear(e, now); // learns the expected 1 s
    for (int i = 2; i != 10; ++i)
        hear(e, now += i * 1000);
    CHECK(e.samples() == 9);
    CHECK_THAT(natural(e, now + 5000), WithinAbs(1, 1e-9)); // mean of 1 to 9
    for (int i = 10; i != 14; ++i)
        hear(e, now += i * 1000);
    CHECK(e.samples() == 10);
    CHECK_THAT(natural(e, now + 8500), WithinAbs(1, 1e-9)); // mean of 4 to 13
}

TEST_CASE("exponential: what ended a suspicion or came untimely is not learned", "[detector][core]")
{
    exponential e({2, 10, 1s, 0s});
    hear(e, 0);
    hear(e, 1000);
    hear(e, 9000);
    CHECK(e.samples() == 2);
    hear(e, 9001, false);
    CHECK(e.samples() == 2);
    CHECK_THAT(natural(e, 10001), WithinAbs(1, 1e-9));
    e.reset();
    CHECK(!e.deadline());
    CHECK(e.level(at(1e6)) == 0);
}

TEST_CASE("exponential: arrivals at one instant do no harm", "[detector][core]")
{
    exponential e({2, 3, 1ns, 0s});
    for (int i = 0; i != 10; ++i)
        hear(e, 5);
    CHECK(std::isfinite(e.level(at(1e6))));
    CHECK(*e.deadline() > at(5));
}

TEST_CASE("exponential: a bad option is refused by name", "[detector][core]")
{
    auto const refused = [](exponential_options o) -> std::string {
        try {
            exponential e(o);
        } catch (std::invalid_argument const& e) {
            return e.what();
        }
        return "nothing thrown";
    };
    CHECK(refused({0, 10, 1s, 0s}).find("exponential_options::threshold is 0") == 0);
    CHECK(refused({1, 0, 1s, 0s}).find("exponential_options::window is 0") == 0);
    CHECK(refused({1, 10, 0s, 0s}).find("exponential_options::expected_interval") == 0);
    CHECK(refused({1, 10, 1s, -1s}).find("exponential_options::interval_max") == 0);
}
