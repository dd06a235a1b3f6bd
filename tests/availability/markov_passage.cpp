// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "availability/support.hpp"
#include <perdure/availability/markov/explore.hpp>
#include <perdure/availability/markov/passage.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;
using namespace std::chrono_literals;

namespace {

/// What a dynamic fault tree means, written as a chain over the bits of its failed events:
/// rates(failed, i) is the rate at which event i fails then, after(failed, i) what has failed as a
/// consequence (i itself if nothing else is said).
struct events {
    unsigned count;
    std::function<double(unsigned, unsigned)> rates;
    std::function<bool(unsigned)> fails;
    std::function<unsigned(unsigned, unsigned)> after = [](unsigned failed, unsigned i) {
        return failed | 1U << i;
    };

    [[nodiscard]] explored<unsigned> model() const
    {
        return explore(0U, [this](unsigned failed, auto&& emit) {
            if (fails(failed)) {
                return; // the end
            }
            for (unsigned i = 0; i < count; ++i) {
                if ((failed >> i & 1U) == 0) {
                    emit(after(failed, i), rates(failed, i));
                }
            }
        });
    }
    [[nodiscard]] double mean() const
    {
        auto const m = model();
        return first_passage(m.chain, m.where(fails))
            .mean(started_in(m.chain, 0))
            .value()
            .count();
    }
    [[nodiscard]] double within(double t) const
    {
        auto const m = model();
        return first_passage(m.chain, m.where(fails))
            .within(started_in(m.chain, 0), duration(t))
            .value();
    }
};

bool has(unsigned failed, unsigned i)
{
    return (failed >> i & 1U) != 0;
}
std::function<double(unsigned, unsigned)> constant(std::vector<double> rates)
{
    return [rates](unsigned, unsigned i) { return rates[i]; };
}
bool at_least_failed(unsigned failed, int k)
{
    return std::popcount(failed) >= k;
}

} // namespace

// Storm, DftModelCheckerTest.cpp: mean times to failure.
TEST_CASE("markov T-K: static gates as chains", "[availability]")
{
    CHECK_THAT((events{2, constant({.5, .5}), [](unsigned f) { return f == 3; }}).mean(),
               WithinRel(3., 1e-12));
    CHECK_THAT((events{2, constant({.5, .5}), [](unsigned f) { return f != 0; }}).mean(),
               WithinRel(1., 1e-12));
    CHECK_THAT((events{3, constant({.1, .2, .3}), [](unsigned f) { return f != 0; }}).mean(),
               WithinRel(5. / 3, 1e-12));
    CHECK_THAT(
        (events{3, constant({.3, .4, 1}), [](unsigned f) { return at_least_failed(f, 2); }}).mean(),
        WithinRel(2685. / 1547, 1e-12));
    // symmetry6: ((J1|J2) & (K1|K2) & (L1|L2)) | (M1..M4 all) | (N1..N4 all).
    std::vector<double> rates(14, .5);
    rates[8] = rates[9] = rates[12] = rates[13] = 1;
    events const symmetry{14, constant(rates), [](unsigned f) {
                              bool const first = (f & 3U) != 0 && (f & 12U) != 0 && (f & 48U) != 0;
                              return first || (f >> 6 & 15U) == 15U || (f >> 10 & 15U) == 15U;
                          }};
    CHECK_THAT(symmetry.mean(), WithinRel(2804183. / 2042040, 1e-12));
    CHECK(published{"0.3421934224"}.agrees(symmetry.within(1)));
}

TEST_CASE("markov T-K: spares", "[availability]")
{
    // A warm spare that fails at 0.3 of its rate until it is used.
    events const warm{2,
                      [](unsigned failed, unsigned i) {
                          return i == 1 && !has(failed, 0) ? .3 * .5 : .5;
                      },
                      [](unsigned f) { return f == 3; }};
    CHECK_THAT(warm.mean(), WithinRel(46. / 13, 1e-13));
    // Two, and three, units in use that share one such spare; any one without a unit fails the whole.
    for (unsigned n : {2U, 3U}) {
        events const shared{n + 1,
                            [n](unsigned failed, unsigned i) {
                                bool const idle = failed == 0;
                                return i == n && idle ? .3 * .5 : .5;
                            },
                            [](unsigned f) { return at_least_failed(f, 2); }};
        CHECK_THAT(shared.mean(), WithinRel(n == 2 ? 43. / 23 : 14. / 11, 1e-13));
    }
    // spare7: K, then J, then I are used; rates .5, 1, .5, half of them while they wait.
    events const chain{3,
                       [](unsigned failed, unsigned i) {
                           double const full[] = {.5, 1, .5};
                           bool const used =
                               i == 0 || (i == 1 ? has(failed, 0) : (failed & 3U) == 3U);
                           return full[i] * (used ? 1 : .5);
                       },
                       [](unsigned f) { return f == 7; }};
    CHECK_THAT(chain.mean(), WithinRel(551. / 150, 1e-13));
    // Two in a row, cold: (1 + t) e^-t at t = 1 survive.
    events const cold{2,
                      [](unsigned failed, unsigned i) {
                          return i == 1 && !has(failed, 0) ? 0. : 1.;
                      },
                      [](unsigned f) { return f == 3; }};
    CHECK_THAT(1 - cold.within(1), WithinRel(.735758882342885, 1e-13));
    // A motorbike: two wheels of .5 and a spare of 1, 0.1 of it until it is used. Storm's page
    // prints 0.3577681657 (tool default 1e-6); the closed form is 0.357768249954433.
    events const motorbike{3,
                           [](unsigned failed, unsigned i) {
                               return i == 2 ? (failed == 0 ? .1 : 1.) : .5;
                           },
                           [](unsigned f) { return at_least_failed(f, 2); }};
    CHECK_THAT(motorbike.within(1), WithinRel(0.357768249954433, 1e-12));
    CHECK(std::abs(motorbike.within(1) / 0.3577681657 - 1) > 1e-7);
}

TEST_CASE("markov T-K: dependent failures, sequences and exclusions", "[availability]")
{
    // fdep2: the failure of B takes C along.
    auto const takes_along = [](unsigned failed, unsigned i) {
        return failed | 1U << i | (i == 0 ? 2U : 0U);
    };
    CHECK_THAT(
        (events{2, constant({.5, .5}), [](unsigned f) { return f == 3; }, takes_along}).mean(),
        WithinRel(2., 1e-13));
    CHECK_THAT(
        (events{2, constant({.4, .8}), [](unsigned f) { return f == 3; }, takes_along}).mean(),
        WithinRel(5. / 2, 1e-13));

    // pdep, example 3.19 of Junges 2015: MA (1) takes S (0) along with probability 0.2, in pdep2 MB
    // (2) as well. The whole fails by S before MA, or by MA and MB; what MA takes along comes after
    // it. Bit 3: MA came first.
    auto const pdep = [](bool mb_too) {
        auto const over = [](unsigned f) {
            return (has(f, 0) && has(f, 1) && !has(f, 3)) || (has(f, 1) && has(f, 2));
        };
        auto const model = explore(0U, [&](unsigned f, auto&& emit) {
            if (over(f)) {
                return;
            }
            if (!has(f, 0)) {
                emit(f | 1U, .5);
            }
            if (!has(f, 1)) {
                unsigned const first = has(f, 0) ? 0U : 8U;
                emit(f | 2U | first, .5 * .8);
                emit(f | 3U | first | (mb_too ? 4U : 0U), .5 * .2);
            }
            if (!has(f, 2)) {
                emit(f | 4U, .5);
            }
        });
        return first_passage(model.chain, model.where(over))
            .mean(started_in(model.chain, 0))
            .value()
            .count();
    };
    CHECK_THAT(pdep(false), WithinRel(8. / 3, 1e-13));
    CHECK_THAT(pdep(true), WithinRel(38. / 15, 1e-13));

    // seq: one after the other; two of .5 take 4.
    events const sequence{2,
                          [](unsigned failed, unsigned i) {
                              return i == 1 && !has(failed, 0) ? 0. : .5;
                          },
                          [](unsigned f) { return f == 3; }};
    CHECK_THAT(sequence.mean(), WithinRel(4., 1e-13));
    events const three{3,
                       [](unsigned failed, unsigned i) {
                           return failed == (1U << i) - 1 ? .5 : 0.;
                       },
                       [](unsigned f) { return f == 7; }};
    CHECK_THAT(three.mean(), WithinRel(6., 1e-13));

    // mutex: B may only fail after C, which never fails; A (rate 2) is all that is left.
    events const exclusive{1, constant({2}), [](unsigned f) { return f == 1; }};
    CHECK_THAT(exclusive.mean(), WithinRel(.5, 1e-13));
    CHECK_THAT(exclusive.within(1), WithinRel(-std::expm1(-2), 1e-13));
    CHECK(published{".8646647168"}.agrees(exclusive.within(1)));

    // pand with the wrong order first never fails: an infinite mean is an answer.
    auto const pand = explore(0U, [](unsigned f, auto&& emit) {
        if (f == 0) {
            emit(1U, .5); // A, as wanted
            emit(2U, .5); // B first: never
        } else if (f == 1U) {
            emit(3U, .5);
        }
    });
    auto const target = pand.where([](unsigned f) { return f == 3; });
    first_passage const never(pand.chain, target);
    CHECK(never.mean(started_in(pand.chain, 0)).is_infinite());
    CHECK_THAT(never.ever(started_in(pand.chain, 0)).value(), WithinRel(.5, 1e-15));
    CHECK_THROWS_AS(first_passage(pand.chain, std::vector<double>(pand.chain.size(), 0.)),
                    std::invalid_argument);
}

TEST_CASE("markov T-K: HECS, two computers with spares, memories, buses and interfaces",
          "[availability]")
{
    // One of two equal computers: A1, A2 and a cold spare (bits 0 to 2), five memories (count in
    // bits 3 to 5), two buses (6, 7), hardware and software (8).
    auto const fails = [](unsigned f) {
        return (f & 7U) == 7U || (f >> 3 & 7U) >= 3U || (f >> 6 & 3U) == 3U || has(f, 8);
    };
    auto const model = explore(0U, [&](unsigned f, auto&& emit) {
        if (fails(f)) {
            return;
        }
        for (unsigned i = 0; i < 2; ++i) {
            if (!has(f, i)) {
                emit(f | 1U << i, 1e-4);
            }
        }
        if (!has(f, 2) && (f & 3U) != 0) {
            emit(f | 4U, 1e-4); // the spare, once it is used
        }
        emit(f + 8U, (5 - (f >> 3 & 7U)) * 6e-5);
        for (unsigned i = 6; i < 8; ++i) {
            if (!has(f, i)) {
                emit(f | 1U << i, 1e-6);
            }
        }
        emit(f | 256U, 5e-5 + 6e-5);
    });
    double const one = first_passage(model.chain, model.where(fails))
                           .within(started_in(model.chain, 0), 1s)
                           .value();
    // Storm compares as float, to four units of its last place.
    CHECK_THAT(1 - (1 - one) * (1 - one), WithinRel(0.00021997582, 2.4e-7));
}

TEST_CASE("markov T-D4: PRISM's single queue", "[availability]")
{
    // Arrivals 1.5, service 3, room for 3.
    auto const model = explore(0, [](int n, auto&& emit) {
        if (n < 3) {
            emit(n + 1, 1.5);
        }
        if (n > 0) {
            emit(n - 1, 3.);
        }
    });
    auto const& chain = model.chain;
    auto const full = model.where([](int n) { return n == 3; });
    auto const served = model.measure([](int n) { return n > 0 ? 3. : 0.; });
    auto const queue = model.measure([](int n) { return static_cast<double>(n); });
    CHECK_THAT(long_run(chain, full).value, WithinRel(1. / 15, 1e-14));
    CHECK_THAT(long_run(chain, served).value, WithinRel(7. / 5, 1e-14));
    CHECK_THAT(long_run(chain, queue).value, WithinRel(11. / 15, 1e-14));
    auto const start = started_in(chain, 0);
    first_passage const filled(chain, full);
    CHECK_THAT(filled.within(start, duration(7.5)).value(), WithinRel(0.6404780884740766, 1e-9));
    CHECK_THAT(filled.collected(start, served), WithinRel(8., 1e-13));
    transient const x(chain);
    CHECK_THAT(x.collected(start, served, duration(5.5)), WithinRel(7.069019518168792, 1e-9));
    CHECK_THAT(x.at(start, queue, duration(1)), WithinRel(0.5929374064162124, 1e-9));
}
