// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/composition.hpp>
#include <perdure/availability/markov/passage.hpp>
#include <perdure/availability/markov/redundant.hpp>
#include <perdure/availability/markov/steady.hpp>
#include <perdure/availability/posterior.hpp>
#include <perdure/availability/propagate.hpp>
#include <perdure/availability/repair_crews.hpp>

#include <cmath>
#include <span>
#include <string>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;
using namespace std::chrono_literals;

namespace {

double down_of(redundant_system const& s)
{
    return long_run(s.chain(), s.down()).value;
}
two_state unit(double l, double m)
{
    return two_state(rate::per_hour(l), rate::per_hour(m));
}

} // namespace

TEST_CASE("redundant_system T-D2: shared repair", "[availability]")
{
    struct row {
        unsigned n, k, crews;
        double u;
    };
    for (auto const& r : {row{2, 1, 1, 1.960399921584003e-4}, row{2, 1, 2, 9.802960494069208e-5},
                          row{3, 2, 1, 5.880035629522824e-4}, row{3, 2, 3, 2.92147634526221e-4},
                          row{5, 3, 1, 5.81829263371797e-5}, row{5, 3, 5, 9.562325307016584e-6}}) {
        CAPTURE(r.n, r.k, r.crews);
        redundant_system const s({{"node", r.n, r.k, unit(1e-3, .1)}}, {r.crews});
        CHECK(s.chain().size() == r.n + 1);
        CHECK_THAT(down_of(s), WithinRel(r.u, 1e-13));
        CHECK_THAT(down_of(s), WithinRel(k_of_n_with_crews(r.k, r.n, unit(1e-3, .1), r.crews).value(),
                                         1e-13));
    }
}

TEST_CASE("redundant_system: as many crews as units make the groups independent", "[availability]")
{
    redundant_system const s({{"server", 4, 3, unit(1e-3, .1)}, {"switch", 2, 1, unit(1e-4, .05)}},
                             {6});
    auto const expected = series({k_of_n(3, 4, unit(1e-3, .1).steady_state()),
                                  k_of_n(1, 2, unit(1e-4, .05).steady_state())});
    CHECK_THAT(down_of(s), WithinRel(expected.value(), 1e-12));
    CHECK(s.chain().name(0) == "4 of 4 server up, 2 of 2 switch up");
    // The same question by the numbers of units.
    auto const measure =
        s.where([](std::span<unsigned const> up) { return up[0] < 3 || up[1] < 1; });
    CHECK(measure == s.down());
}

TEST_CASE("redundant_system: cold, warm and hot standby", "[availability]")
{
    auto const mttf = [](double standby) {
        redundant_system const s({{"unit", 2, 1, unit(.5, 0), standby}}, {0});
        return first_passage(s.chain(), s.down()).mean(s.all_up()).in(1h);
    };
    CHECK_THAT(mttf(0), WithinRel(4., 1e-14));
    CHECK_THAT(mttf(.3), WithinRel(46. / 13, 1e-14)); // T-K
    CHECK_THAT(mttf(1), WithinRel(3., 1e-14));
    // Cold with repair and one crew: pi_j by hand, rates l, l up and m, m down.
    redundant_system const cold({{"unit", 2, 1, unit(1e-3, .1), 0}}, {1});
    double const r = 1e-2;
    CHECK_THAT(down_of(cold), WithinRel(r * r / (1 + r + r * r), 1e-14));
    // A take-over that fails one time in ten: two states more.
    redundant_system const imperfect({{"unit", 2, 1, unit(1e-3, .1), 0, 0, .9}}, {1});
    CHECK(down_of(imperfect) > down_of(cold));
    first_passage const end(imperfect.chain(), imperfect.down());
    // One failure in use in 1000 h, a tenth of which are not taken over, and else a second failure
    // before the repair with 1 / 101: T = 1000 + 0.9 (1000 / 101 + 100 / 101 T).
    CHECK_THAT(end.mean(imperfect.all_up()).in(1h),
               WithinRel((1000 + .9 * 1000 / 101) / (1 - .9 * 100 / 101), 1e-13));
}

TEST_CASE("redundant_system: priorities", "[availability]")
{
    auto const both = [](int first, int second) {
        redundant_system const s({{"a", 2, 1, unit(1e-2, .1), 1, first},
                                  {"b", 2, 1, unit(1e-2, .1), 1, second}},
                                 {1});
        auto const a = s.where([](std::span<unsigned const> up) { return up[0] == 0; });
        auto const b = s.where([](std::span<unsigned const> up) { return up[1] == 0; });
        return std::pair(long_run(s.chain(), a).value, long_run(s.chain(), b).value);
    };
    auto const [a, b] = both(1, 0);
    // The preferred group sees no other: a machine-repair model of its own.
    CHECK_THAT(a, WithinRel(k_of_n_with_crews(1, 2, unit(1e-2, .1), 1).value(), 1e-12));
    CHECK(b > a);
    auto const [c, d] = both(0, 0);
    CHECK_THAT(c, WithinRel(d, 1e-12));
    CHECK(a < c);
    CHECK(d < b);
}

TEST_CASE("redundant_system: units that rest while the system is down", "[availability]")
{
    crew_options rest{1, false};
    redundant_system const s({{"unit", 2, 2, unit(1e-2, .1)}}, rest);
    CHECK(s.chain().size() == 2);
    CHECK_THAT(down_of(s), WithinRel(.2 / 1.2, 1e-14));
}

TEST_CASE("redundant_system: measured rates carry their intervals through the chain",
          "[availability]")
{
    // Two nodes and one crew; 8 failures in 8000 h, 8 repairs in 80 h.
    std::vector<rate_posterior> const inputs{{8, hours(8000)}, {8, hours(80)}};
    auto const answer = propagate(
        [](std::span<rate const> r) {
            redundant_system const s({{"node", 2, 1, two_state(r[0], r[1])}}, {1});
            return long_run(s.chain(), s.down()).down();
        },
        std::span<rate_posterior const>(inputs), {400, 7});
    auto const u = answer.interval(confidence::two_sided(.9));
    CHECK(u.contains(unavailability(1.960399921584003e-4)));
    // Twice the square of the ratio of the rates: its logarithm spreads by about 1.65 * 2 * sqrt(2 / 8.5).
    double const spread = std::log(u.upper.value() / u.lower.value()) / 2;
    CHECK(spread > 1.2);
    CHECK(spread < 2.0);
}

TEST_CASE("redundant_system: bad input names the group", "[availability]")
{
    auto const message = [](redundant_group g) {
        return message_of<std::invalid_argument>([&] { redundant_system s({g}); });
    };
    auto const u = unit(1e-3, .1);
    CHECK(message({"db", 0, 1, u}) == "group 'db': units is 0; at least one is needed");
    CHECK(message({"db", 3, 4, u}) == "group 'db': needed is 4; it must lie between 1 and 3");
    CHECK(message({"db", 3, 2, u, 1.5}) ==
          "group 'db': standby is 1.5; it must lie between 0 (cold) and 1 (hot)");
    CHECK(message({"db", 3, 2, u, 1, 0, NAN}) ==
          "group 'db': takes_over is nan; it is a probability, between 0 and 1");
    CHECK(message_of<std::invalid_argument>([] { redundant_system s({}); }) ==
          "a system without groups");
    // Nothing is ever repaired: the long run is refused, by name.
    redundant_system const stuck({{"db", 3, 2, u}}, {0});
    CHECK(message_of<std::invalid_argument>([&] { (void)down_of(stuck); }) ==
          "the state '0 of 3 db up' is absorbing: nothing leads out of it, so the chain ends there; "
          "give it a way back, or ask first_passage for the time until it");
}
