// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_MARKOV_REDUNDANT_HPP
#define PERDURE_AVAILABILITY_MARKOV_REDUNDANT_HPP

#include <perdure/availability/markov/explore.hpp>
#include <perdure/availability/two_state.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace perdure::availability {

/// Equal units, some of which must be up.
struct redundant_group {
    std::string name;
    unsigned units = 1;  ///< units there are, spares included; at least 1
    unsigned needed = 1; ///< units that must be up; from 1 to `units`
    /// One unit in use: its failure rate, and the repair rate of one crew on it.
    two_state unit;
    /// How fast a spare fails, relative to a unit in use: 0 cold, 1 hot, between them warm.
    double standby = 1;
    /// Groups of a higher priority are repaired first, and take a crew away from others at once.
    int priority = 0;
    /// Probability that a spare takes over when a unit in use fails. If it does not, the whole
    /// group is down until a unit is repaired.
    double takes_over = 1;
};

/// How failed units get their repair crews.
struct crew_options {
    unsigned crews = 1; ///< repairs that can go on at once, over all groups
    /// Whether units go on failing while the system as a whole is down.
    bool fails_while_down = true;
};

/** A system of groups of units and a number of repair crews, as a Markov chain: what independent
 *  components cannot say.
 *
 *  The system is down while any group has fewer units up than it needs; other rules by where().
 *  Crews serve the group of highest priority, and share themselves evenly among failed units of the
 *  same priority. Each failed unit occupies at most one crew.
 *
 *  @code
 *      redundant_system const rack({{"server", 4, 3, {mtbf(8760h), mttr(24h)}},
 *                                   {"switch", 2, 1, {mtbf(50000h), mttr(4h)}, 0, 1}},
 *                                  {.crews = 1});
 *      auto const u = long_run(rack.chain(), rack.down()).down();
 *  @endcode
 *  @throws std::invalid_argument naming the group and the field; std::length_error beyond 20
 *          million states
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class redundant_system {
public:
    /// Explores all states at once. @throws std::invalid_argument, std::length_error as above
    explicit redundant_system(std::vector<redundant_group> groups, crew_options options = {})
        : groups_(std::move(groups)), options_(options), model_(explore_all())
    {
    }

    /// Its chain, for long_run(), transient and first_passage.
    [[nodiscard]] markov_chain const& chain() const { return model_.chain; }
    /// The groups as they were given.
    [[nodiscard]] std::span<redundant_group const> groups() const { return groups_; }
    /// Everything up; the chain's state 0.
    [[nodiscard]] std::vector<double> all_up() const
    {
        std::vector<double> result(chain().size(), 0.);
        result[0] = 1;
        return result;
    }
    /// 1 where the system is down.
    [[nodiscard]] std::vector<double> down() const
    {
        return model_.where([this](std::uint64_t s) { return is_down(unpack(s)); });
    }
    /// A measure by the numbers of units that are up, in the order of the groups: 1 where
    /// `is_so(span of numbers)`.
    template <class Predicate>
    [[nodiscard]] std::vector<double> where(Predicate&& is_so) const
    {
        std::vector<unsigned> up(groups_.size());
        return model_.where([&](std::uint64_t s) {
            auto const now = unpack(s);
            for (std::size_t g = 0; g < up.size(); ++g) {
                up[g] = groups_[g].units - now[g].failed;
            }
            return static_cast<bool>(is_so(std::span<unsigned const>(up)));
        });
    }

private:
    struct group_state {
        unsigned failed;
        bool stuck; ///< a take-over failed
    };

    [[nodiscard]] std::vector<group_state> unpack(std::uint64_t s) const
    {
        return unpack(s, groups_);
    }
    static std::vector<group_state> unpack(std::uint64_t s,
                                           std::vector<redundant_group> const& groups)
    {
        std::vector<group_state> result;
        for (auto const& g : groups) {
            std::uint64_t const radix = 2 * (std::uint64_t{g.units} + 1);
            auto const digit = s % radix;
            s /= radix;
            result.push_back({static_cast<unsigned>(digit / 2), digit % 2 == 1});
        }
        return result;
    }
    [[nodiscard]] std::uint64_t pack(std::vector<group_state> const& state) const
    {
        std::uint64_t s = 0;
        for (std::size_t i = groups_.size(); i-- > 0;) {
            s = s * (2 * (std::uint64_t{groups_[i].units} + 1)) + 2 * state[i].failed +
                (state[i].stuck ? 1 : 0);
        }
        return s;
    }
    [[nodiscard]] bool is_down(std::vector<group_state> const& state) const
    {
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            if (state[g].stuck || groups_[g].units - state[g].failed < groups_[g].needed) {
                return true;
            }
        }
        return false;
    }
    void check() const
    {
        if (groups_.empty()) {
            throw std::invalid_argument("a system without groups");
        }
        double states = 1;
        for (auto const& g : groups_) {
            auto const must = [&](bool good, std::string const& rule) {
                if (!good) {
                    throw std::invalid_argument("group '" + g.name + "': " + rule);
                }
            };
            must(g.units >= 1, "units is 0; at least one is needed");
            must(g.units <= 1'000'000, "units is " + std::to_string(g.units) +
                                           "; at most 1000000 are possible");
            must(g.needed >= 1 && g.needed <= g.units,
                 "needed is " + std::to_string(g.needed) + "; it must lie between 1 and " +
                     std::to_string(g.units));
            must(detail::within(g.standby, 0, 1), "standby is " + detail::shortest(g.standby) +
                                                      "; it must lie between 0 (cold) and 1 (hot)");
            must(detail::within(g.takes_over, 0, 1),
                 "takes_over is " + detail::shortest(g.takes_over) +
                     "; it is a probability, between 0 and 1");
            states *= 2 * (static_cast<double>(g.units) + 1);
        }
        if (!(states < 9e18)) {
            throw std::length_error("the system has more than 9e18 states");
        }
    }
    [[nodiscard]] explored<std::uint64_t> explore_all() const
    {
        check();
        return explore(
            std::uint64_t{0},
            [this](std::uint64_t s, auto&& emit) {
                auto state = unpack(s);
                bool const stopped = !options_.fails_while_down && is_down(state);
                for (std::size_t g = 0; g < groups_.size(); ++g) {
                    if (!stopped) {
                        failures(state, g, emit);
                    }
                }
                repairs(state, emit);
            },
            [groups = groups_](std::uint64_t s) { return describe(unpack(s, groups), groups); });
    }
    template <class Emit>
    void failures(std::vector<group_state>& state, std::size_t g, Emit&& emit) const
    {
        auto const& group = groups_[g];
        auto const before = state[g];
        unsigned const up = group.units - before.failed;
        if (up == 0) {
            return;
        }
        unsigned const in_use = up < group.needed ? up : group.needed;
        unsigned const spare = up - in_use;
        double const l = group.unit.failures().per_second();
        bool const fails_over = spare > 0 && !before.stuck && group.takes_over < 1;
        double const used = in_use * l;
        ++state[g].failed;
        emit(pack(state), (fails_over ? used * group.takes_over : used) + spare * group.standby * l);
        if (fails_over) {
            state[g].stuck = true;
            emit(pack(state), used * (1 - group.takes_over));
        }
        state[g] = before;
    }
    template <class Emit>
    void repairs(std::vector<group_state>& state, Emit&& emit) const
    {
        // The crews that are left go from one priority to the next lower one.
        double left = options_.crews;
        bool first = true;
        int below = 0;
        while (left > 0) {
            bool any = false;
            int priority = 0;
            double waiting = 0;
            for (std::size_t g = 0; g < groups_.size(); ++g) {
                int const p = groups_[g].priority;
                if (state[g].failed == 0 || (!first && p >= below)) {
                    continue;
                }
                if (!any || p > priority) {
                    priority = p;
                    waiting = 0;
                }
                any = true;
                waiting += p == priority ? state[g].failed : 0;
            }
            if (!any) {
                return;
            }
            double const share = left < waiting ? left / waiting : 1;
            for (std::size_t g = 0; g < groups_.size(); ++g) {
                if (state[g].failed == 0 || groups_[g].priority != priority) {
                    continue;
                }
                auto const before = state[g];
                double const r =
                    share * before.failed * groups_[g].unit.repairs().per_second();
                --state[g].failed;
                state[g].stuck = false;
                emit(pack(state), r);
                state[g] = before;
            }
            left -= waiting;
            below = priority;
            first = false;
        }
    }
    static std::string describe(std::vector<group_state> const& state,
                                std::vector<redundant_group> const& groups)
    {
        std::string text;
        for (std::size_t g = 0; g < groups.size(); ++g) {
            text += (g == 0 ? "" : ", ") + std::to_string(groups[g].units - state[g].failed) +
                    " of " + std::to_string(groups[g].units) + " " + groups[g].name + " up" +
                    (state[g].stuck ? " (no take-over)" : "");
        }
        return text;
    }

    std::vector<redundant_group> groups_;
    crew_options options_;
    explored<std::uint64_t> model_;
};

} // namespace perdure::availability

#endif
