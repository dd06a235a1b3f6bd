// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Dynamic fault trees and a factory whose results others print, written as chains over small states:
// spares that are shared and nested, failures that take others along, forced orders. Storm,
// DftModelCheckerTest.cpp, DftApproximationTest.cpp and LraCtmcCslModelCheckerTest.cpp.

#include "availability/support.hpp"
#include <perdure/availability/markov/explore.hpp>
#include <perdure/availability/markov/passage.hpp>
#include <perdure/availability/markov/steady.hpp>
#include <perdure/availability/phase_type.hpp>
#include <perdure/availability/structure/diagram.hpp>
#include <perdure/availability/structure/expression.hpp>
#include <perdure/availability/structure/fault_tree_of.hpp>

#include <boost/math/quadrature/gauss_kronrod.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using namespace perdure::availability;
using namespace perdure::tests;

namespace {

bool has(unsigned failed, unsigned i)
{
    return (failed >> i & 1U) != 0;
}

/// The chain of `next` from state 0, and when it first reaches `is_end`.
template <class State, class Next, class End>
struct story {
    explored<State> model;
    std::vector<double> end;

    story(State begin, Next next, End is_end)
        : model(explore(begin,
                        [&](State s, auto&& emit) {
                            if (!is_end(s)) {
                                next(s, emit);
                            }
                        })),
          end(model.where(is_end))
    {
    }
    [[nodiscard]] mtbf mean() const
    {
        return first_passage(model.chain, end).mean(started_in(model.chain, 0));
    }
    [[nodiscard]] double seconds() const { return mean().value().count(); }
    [[nodiscard]] double within(double t) const
    {
        return first_passage(model.chain, end)
            .within(started_in(model.chain, 0), duration(t))
            .value();
    }
    [[nodiscard]] double ever() const
    {
        return first_passage(model.chain, end).ever(started_in(model.chain, 0)).value();
    }
};

/// Two spare gates with their units in order of use; a unit is used by one gate at a time, and
/// fails more rarely until then.
struct two_gates {
    std::uint8_t failed = 0;
    std::array<std::uint8_t, 2> uses{}; ///< place in the gate's list; its length: the gate failed
    bool operator==(two_gates const&) const = default;
};
template <class Rates>
auto failing_units(std::array<std::vector<unsigned>, 2> lists, unsigned units, Rates rate)
{
    return [=](two_gates s, auto&& emit) {
        auto const used = [&](two_gates const& now, unsigned unit) {
            for (std::size_t g = 0; g < 2; ++g) {
                if (now.uses[g] < lists[g].size() && lists[g][now.uses[g]] == unit) {
                    return true;
                }
            }
            return false;
        };
        for (unsigned unit = 0; unit < units; ++unit) {
            if (has(s.failed, unit)) {
                continue;
            }
            two_gates after = s;
            after.failed = static_cast<std::uint8_t>(s.failed | 1U << unit);
            for (std::size_t g = 0; g < 2; ++g) {
                auto const& list = lists[g];
                auto& at = after.uses[g];
                if (at < list.size() && list[at] == unit) {
                    do {
                        ++at;
                    } while (at < list.size() &&
                             (has(after.failed, list[at]) || used(s, list[at])));
                }
            }
            emit(after, rate(unit, used(s, unit)));
        }
    };
}

} // namespace

TEST_CASE("markov T-K: spares that are shared, nested, or modules of their own", "[availability]")
{
    // spare4: B uses I, J or K; C uses M or J; both must fail. .5, waiting .3 of it.
    story const shared(two_gates{},
                       failing_units({{{0, 1, 2}, {3, 1}}}, 4,
                                     [](unsigned, bool used) { return used ? .5 : .15; }),
                       [](two_gates const& s) { return s.uses[0] == 3 && s.uses[1] == 2; });
    CHECK_THAT(shared.seconds(), WithinRel(18836. / 3887, 1e-12));

    // spare_dc: A (2) or C, B (3) or C, where C fails with 5, waiting with 2.5; and D (7), which does
    // what A's gate does.
    std::array const rates{2., 3., 5., 7.};
    story const crossed(two_gates{},
                        failing_units({{{0, 2}, {1, 2}}}, 4,
                                      [&](unsigned unit, bool used) {
                                          return rates[unit] * (unit == 2 && !used ? .5 : 1);
                                      }),
                        [](two_gates const& s) {
                            return (has(s.failed, 3) || s.uses[0] == 2) && s.uses[1] == 2;
                        });
    CHECK_THAT(crossed.seconds(), WithinRel(78311. / 182700, 1e-12));

    auto const units = [](unsigned n, auto rate) {
        return [=](unsigned f, auto&& emit) {
            for (unsigned i = 0; i < n; ++i) {
                if (!has(f, i)) {
                    emit(f | 1U << i, rate(f, i));
                }
            }
        };
    };
    // spare5: a cold spare that is itself three in series.
    story const module(0U, units(4,
                                 [](unsigned f, unsigned i) {
                                     return i == 0 || has(f, 0) ? .5 : 0.;
                                 }),
                       [](unsigned f) { return has(f, 0) && (f & 14U) != 0; });
    CHECK_THAT(module.seconds(), WithinRel(8. / 3, 1e-12));
    // spare6: one alone, or a warm pair.
    story const beside(0U, units(3,
                                 [](unsigned f, unsigned i) {
                                     return i == 2 && !has(f, 1) ? .25 : .5;
                                 }),
                       [](unsigned f) { return has(f, 0) || (f & 6U) == 6U; });
    CHECK_THAT(beside.seconds(), WithinRel(7. / 5, 1e-12));
    // spare8: I, then a spare gate over J and K, both warm until I has failed. (DFTCalc, which reads
    // nested spares in another way, has 4.33779.)
    story const nested(0U, units(3,
                                 [](unsigned f, unsigned i) {
                                     bool const used = i == 0 || (has(f, 0) && (i == 1 || has(f, 1)));
                                     return used ? .5 : .15;
                                 }),
                       [](unsigned f) { return f == 7; });
    CHECK_THAT(nested.seconds(), WithinRel(249. / 52, 1e-12));
}

TEST_CASE("markov T-K: failures that take others along, orders, exclusions", "[availability]")
{
    // pdep3: B (.4) takes C (.8) along with probability 0.3; both must fail.
    story const perhaps(0U,
                        [](unsigned f, auto&& emit) {
                            if (!has(f, 0)) {
                                emit(f | 1U, .4 * .7);
                                emit(f | 3U, .4 * .3);
                            }
                            if (!has(f, 1)) {
                                emit(f | 2U, .8);
                            }
                        },
                        [](unsigned f) { return f == 3; });
    CHECK_THAT(perhaps.seconds(), WithinRel(67. / 24, 1e-12));
    // fdep: power takes both others along, of which one suffices.
    story const power(0U, [](unsigned, auto&& emit) { emit(1U, 1.5); },
                      [](unsigned f) { return f != 0; });
    CHECK_THAT(power.seconds(), WithinRel(2. / 3, 1e-12));
    // fdep4: a unit (1) and its spare (1, waiting .5), and E (.5), which takes both along.
    story const spared(0U,
                       [](unsigned f, auto&& emit) {
                           emit(3U, .5);
                           for (unsigned i = 0; i < 2; ++i) {
                               if (!has(f, i)) {
                                   emit(f | 1U << i, i == 1 && !has(f, 0) ? .5 : 1.);
                               }
                           }
                       },
                       [](unsigned f) { return f == 3; });
    CHECK_THAT(spared.seconds(), WithinRel(1., 1e-12));
    // fdep5: B takes C and D along; all four must fail.
    story const four(0U,
                     [](unsigned f, auto&& emit) {
                         for (unsigned i = 0; i < 4; ++i) {
                             if (!has(f, i)) {
                                 emit(f | 1U << i | (i == 0 ? 6U : 0U), .5);
                             }
                         }
                     },
                     [](unsigned f) { return f == 15; });
    CHECK_THAT(four.seconds(), WithinRel(3., 1e-12));

    auto const one_after_another = [](unsigned n, std::vector<double> rates) {
        return story(0U,
                     [=](unsigned failed, auto&& emit) { emit(failed + 1, rates[failed]); },
                     [n](unsigned failed) { return failed == n; })
            .seconds();
    };
    // seq3 and seq4: three in a forced order, the last of which brings the whole down.
    CHECK_THAT(one_after_another(3, {.5, .5, .5}), WithinRel(6., 1e-12));
    // seq6: C (5e-5) may fail only after F, which A (1e-4) takes along.
    CHECK_THAT(one_after_another(2, {1e-4, 5e-5}), WithinRel(30000., 1e-12));
    // seq5: B1 before B2, and B3 before B4, but B3 must wait for B4: never.
    story const never(0U,
                      [](unsigned f, auto&& emit) {
                          for (unsigned i = 0; i < 4; ++i) {
                              if (!has(f, i) && (i != 2 || has(f, 3))) {
                                  // Bit 4: B1 came before B2. Bit 5: B3 before B4.
                                  unsigned const order = i == 1 && has(f, 0)   ? 16U
                                                         : i == 3 && has(f, 2) ? 32U
                                                                               : 0U;
                                  emit(f | 1U << i | order, i == 0 || i == 3 ? .7 : .5);
                              }
                          }
                      },
                      [](unsigned f) { return f == 63U; });
    CHECK_THROWS_AS(never.mean(), std::invalid_argument); // no state is a target
    // seq7: of fixed probabilities 0.2 and 0.4, in order, both happen.
    CHECK_THAT((event("A", probability(.2)) & event("B", probability(.4))).evaluate().yes,
               WithinRel(0.08, 1e-15));
    // mutex4: A, or B before C and D; A and C exclude each other. All of rate 1. An infinite mean.
    story const exclusive(0U,
                          [](unsigned f, auto&& emit) { // bits 0 A or P, 1 C, 2 D
                              if (!has(f, 1)) {
                                  emit(1U, 1.);     // A
                                  emit(f | 2U, 1.); // C
                              }
                              if ((f & 6U) == 0) {
                                  emit(1U, 1.); // B, in time
                              }
                              if (!has(f, 2)) {
                                  emit(f | 4U, 1.);
                              }
                          },
                          [](unsigned f) { return f == 1U; });
    CHECK(exclusive.mean().is_infinite());
    CHECK_THAT(exclusive.ever(), WithinRel(5. / 8, 1e-14));
    CHECK(published{"0.5842978146"}.agrees(exclusive.within(1)));
}

TEST_CASE("markov T-K: HECS of three computers, from its independent modules", "[availability]")
{
    // 2 of 3 computers must fail; each fails by its software and operator (.0011), both its buses
    // (cold spare), all three processors (two cold spares), or 3 of 5 memories behind two
    // interfaces. 40 dependent events, but modules of at most three phases: each module's survival at
    // t, then one computer's, then the system's.
    std::array<duration, 2> const buses{duration(1 / 2e-5), duration(1 / 1e-5)};
    std::array<duration, 3> const processors{duration(1 / .002), duration(1 / .002),
                                             duration(1 / .001)};
    auto const bus = phase_type::sequence(buses);
    auto const processor = phase_type::sequence(processors);
    auto const memory = [] {
        component const i1("i1", unavailability(.5)), i2("i2", unavailability(.5));
        component const m1("m1", unavailability(.5)), m2("m2", unavailability(.5)),
            m3("m3", unavailability(.5)), m4("m4", unavailability(.5)), m5("m5", unavailability(.5));
        return diagram(
            fault_tree_of(k_of_n(3, m1 & i1, m2 & i1, m3 & (i1 | i2), m4 & i2, m5 & i2)));
    }();
    auto const fails = [&](double t) { // one computer by t
        std::vector<chance> chances;
        for (auto const& e : memory.events()) {
            double const x = (e.name[0] == 'i' ? .0005 : .0006) * t;
            chances.push_back({-std::expm1(-x), std::exp(-x)});
        }
        double const works = std::exp(-.0011 * t) * bus.longer_than(duration(t)).value() *
                             processor.longer_than(duration(t)).value() *
                             memory.evaluate(chances).no;
        return 1 - works;
    };
    auto const system_fails = [&](double t) {
        double const p = fails(t);
        return p * p * (3 - 2 * p);
    };
    CHECK(published{"0.0410018417"}.agrees(system_fails(100)));
    double const mean = boost::math::quadrature::gauss_kronrod<double, 31>::integrate(
        [&](double t) { return 1 - system_fails(t); }, 0.,
        std::numeric_limits<double>::infinity(), 10, 1e-10);
    CHECK(published{"417.9436693"}.agrees(mean));
}

TEST_CASE("markov T-I7: kanban, four cells that hand parts on by cards", "[availability]")
{
    // Ciardo and Tilgner 1996, by PRISM's rates. Of each cell: parts in it, in work, to be done
    // again, done.
    struct cells {
        std::array<std::array<std::uint8_t, 4>, 4> of{};
        // Written out: GCC 12 forgets to make the default one of nested arrays.
        bool operator==(cells const& other) const { return of == other.of; }
    };
    enum : std::size_t { inside, work, redo, done };
    for (unsigned const cards : {1U, 2U}) {
        auto const model = explore(cells{}, [cards](cells s, auto&& emit) {
            auto const moved = [&](std::size_t cell, std::size_t from, std::size_t to) {
                cells after = s;
                --after.of[cell][from];
                ++after.of[cell][to];
                return after;
            };
            auto const enter = [](cells& to, std::size_t cell) {
                ++to.of[cell][inside];
                ++to.of[cell][work];
            };
            auto const leave = [](cells& from, std::size_t cell) {
                --from.of[cell][done];
                --from.of[cell][inside];
            };
            auto const has_room = [&](std::size_t cell) {
                return s.of[cell][inside] < cards && s.of[cell][work] < cards;
            };
            auto const has_done = [&](std::size_t cell) {
                return s.of[cell][done] > 0 && s.of[cell][inside] > 0;
            };
            double const again[] = {.36, .42, .39, .33};
            double const good[] = {.84, .98, .91, .77};
            for (std::size_t c = 0; c < 4; ++c) {
                if (s.of[c][work] > 0 && s.of[c][redo] < cards) {
                    emit(moved(c, work, redo), again[c]);
                }
                if (s.of[c][work] > 0 && s.of[c][done] < cards) {
                    emit(moved(c, work, done), good[c]);
                }
                if (s.of[c][redo] > 0 && s.of[c][work] < cards) {
                    emit(moved(c, redo, work), .3);
                }
            }
            if (has_room(0)) {
                auto after = s;
                enter(after, 0);
                emit(after, 1.);
            }
            if (has_done(0) && has_room(1) && has_room(2)) {
                auto after = s;
                leave(after, 0);
                enter(after, 1);
                enter(after, 2);
                emit(after, .4);
            }
            if (has_done(1) && has_done(2) && has_room(3)) {
                auto after = s;
                leave(after, 1);
                leave(after, 2);
                enter(after, 3);
                emit(after, .5);
            }
            if (has_done(3)) {
                auto after = s;
                leave(after, 3);
                emit(after, .9);
            }
        });
        // PRISM's log and Storm's test: states and transitions.
        CHECK(model.chain.size() == (cards == 1 ? 160 : 4600));
        CHECK(model.chain.transitions() == (cards == 1 ? 616 : 28120));
        if (cards == 1) {
            auto const input = model.where(
                [](cells const& s) { return s.of[0][inside] < 1 && s.of[0][work] < 1; });
            // Storm prints a fraction of two numbers of 198 digits; this is its double.
            CHECK_THAT(long_run(model.chain, input).value, WithinRel(0.0925846346333826, 1e-14));
        }
    }
}

TEST_CASE("markov: repairs in the order of failures, where units differ", "[availability]")
{
    // Two unlike units and one crew that repairs what failed first. redundant_system lets a crew
    // share its time among equals; an order is a state of its own.
    struct queue {
        std::uint8_t first, second; ///< 0: nobody
        bool operator==(queue const&) const = default;
    };
    double const l1 = .01, l2 = .03, m1 = 1, m2 = .2;
    auto const model = explore(queue{0, 0}, [&](queue s, auto&& emit) {
        for (std::uint8_t unit = 1; unit <= 2; ++unit) {
            if (s.first != unit && s.second != unit) {
                emit(s.first == 0 ? queue{unit, 0} : queue{s.first, unit}, unit == 1 ? l1 : l2);
            }
        }
        if (s.first != 0) {
            emit(queue{s.second, 0}, s.first == 1 ? m1 : m2);
        }
    });
    auto const both = model.where([](queue const& s) { return s.second != 0; });
    // Balance by hand, p0 = 1: x for unit 1 alone down, y for unit 2 alone; 12 is x l2 / m1, 21 is
    // y l1 / m2; x (m1 + l2) = l1 + l1 y and y (m2 + l1) = l2 + l2 x.
    double const x = l1 * (m2 + l1 + l2) / ((m1 + l2) * (m2 + l1) - l1 * l2);
    double const y = (l2 + l2 * x) / (m2 + l1);
    double const pairs = x * l2 / m1 + y * l1 / m2;
    CHECK_THAT(long_run(model.chain, both).value, WithinRel(pairs / (1 + x + y + pairs), 1e-14));
}
