// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_STRUCTURE_DETAIL_EXTRACT_SETS_HPP
#define PERDURE_AVAILABILITY_STRUCTURE_DETAIL_EXTRACT_SETS_HPP

#include <perdure/availability/structure/detail/compiled_tree.hpp>
#include <perdure/availability/structure/detail/set_family.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace perdure::availability::detail {

inline constexpr std::uint32_t any_order = std::numeric_limits<std::uint32_t>::max();

/// The cut sets of every module, over the module's inputs, in one list of nodes.
struct set_collection {
    /// Sets of `high` with `member` added, and sets of `low`. Nodes 0 and 1 are no set and the empty set.
    struct node {
        literal member; ///< 2 * slot + 1 where the slot must not be so
        std::uint32_t high;
        std::uint32_t low;
    };
    std::uint32_t events = 0;
    std::vector<node> nodes{{0, 0, 0}, {0, 0, 0}};
    std::vector<std::uint32_t>
        roots; ///< of unit u: the sets that make it so at 2 u, not so at 2 u + 1
    std::uint32_t top = 0;

    /// The sets that a member stands for, where it is a unit.
    [[nodiscard]] std::uint32_t root(literal member) const { return roots[member - 2 * events]; }
    [[nodiscard]] bool is_event(literal member) const { return item_of(member) < events; }
};

/** Finds the minimal cut sets (positive members only) or the prime implicants of a compiled tree.
 *
 *  @par Sources    Rauzy, "New algorithms for fault trees analysis", Reliability Engineering and System Safety 40, 1993
 *                  (minimal solutions of a diagram); Coudert and Madre, "Fault tree analysis: 10^20 prime implicants and
 *                  beyond", 1993. Departure: per module; a limit of the order is carried down, so that what exceeds it is
 *                  never built.
 */
class set_extractor {
public:
    using family = set_families::family;
    using edge = std::uint32_t;

    set_extractor(compiled_tree const& tree, bool implicants, std::uint32_t order_max,
                  std::size_t nodes_max)
        : tree_(tree), implicants_(implicants), order_max_(order_max), nodes_max_(nodes_max)
    {
    }

    set_collection run()
    {
        result_.events = tree_.events;
        if (tree_.constant) {
            result_.top = *tree_.constant ? set_families::empty_set : set_families::none;
            return std::move(result_);
        }
        least_order_.assign(2 * std::size_t{tree_.slots()}, 1);
        find_needed();
        level_.resize(tree_.slots());
        for (std::uint32_t i = 0; i < tree_.units.size(); ++i) {
            auto const& u = tree_.units[i];
            auto const inputs = tree_.inputs_of(u);
            for (std::uint32_t k = 0; k < inputs.size(); ++k) {
                level_[inputs[k]] = k;
            }
            for (std::uint32_t sign = 0; sign < 2; ++sign) {
                literal const unit = positive(tree_.events + i) | sign;
                result_.roots.push_back(needed_[unit] ? of_unit(u, sign, unit) : 0);
            }
        }
        result_.top = of_top();
        return std::move(result_);
    }

private:
    /// Implicants may need a unit negated; cut sets never do: a unit that can be not so is not so without any event.
    void find_needed()
    {
        needed_.assign(2 * std::size_t{tree_.slots()}, false);
        needed_[tree_.top] = true;
        for (std::uint32_t i = static_cast<std::uint32_t>(tree_.units.size()); i-- > 0;) {
            auto const& u = tree_.units[i];
            literal const unit = positive(tree_.events + i);
            for (auto const slot : tree_.inputs_of(u)) {
                if (!u.monotone) {
                    needed_[positive(slot)] = needed_[positive(slot) | 1] = true;
                } else {
                    needed_[positive(slot)] = needed_[positive(slot)] || needed_[unit];
                    needed_[positive(slot) | 1] = needed_[positive(slot) | 1] || needed_[unit | 1];
                }
            }
        }
    }

    std::uint32_t of_top()
    {
        auto const slot = item_of(tree_.top);
        literal const sign = tree_.top & 1;
        if (sign != 0 && !implicants_) {
            // Not of something monotone, or of something that is not so when nothing happened, needs no event. Of a unit
            // that is so when nothing happened, its own complement has been extracted.
            return slot < tree_.events ? set_families::empty_set : result_.root(tree_.top);
        }
        if (slot >= tree_.events) {
            return result_.root(tree_.top);
        }
        result_.nodes.push_back({tree_.top, set_families::empty_set, set_families::none});
        return static_cast<std::uint32_t>(result_.nodes.size() - 1);
    }

    std::uint32_t of_unit(compiled_tree::unit const& u, std::uint32_t sign, literal unit)
    {
        set_families families(nodes_max_);
        families_ = &families;
        unit_ = &u;
        family found = set_families::none;
        if (u.kind != compiled_tree::unit_kind::diagram) {
            found = plain(u, sign);
        } else if (implicants_ && !u.monotone) {
            found = implicants(u.threshold ^ sign);
        } else if (implicants_ && sign != 0) {
            found = path_sets(u.threshold);
        } else {
            known_.assign(order_max_ == any_order ? 2 * (u.last_step - u.first_step) : 0, unknown);
            known_within_.clear();
            found = minimal(u.threshold ^ sign, order_max_);
        }
        return keep(families, found, unit);
    }

    /// A monotone gate whose inputs are its levels. Not so: the dual gate of inputs that are not so.
    family plain(compiled_tree::unit const& u, std::uint32_t sign)
    {
        if (sign != 0 && !implicants_) {
            return set_families::empty_set;
        }
        auto const inputs = tree_.inputs_of(u);
        auto const n = static_cast<std::uint32_t>(inputs.size());
        auto need = u.kind == compiled_tree::unit_kind::all_of   ? n
                    : u.kind == compiled_tree::unit_kind::any_of ? 1
                                                                 : u.threshold;
        if (sign != 0) {
            need = n - need + 1;
        }
        // enough[j]: j of the inputs from the present one on.
        std::vector<family> enough(need + 1, set_families::none);
        enough[0] = set_families::empty_set;
        for (std::uint32_t k = n; k-- > 0;) {
            // Only rows that the first input can still lead to.
            for (auto j = need; j >= 1 && j + k >= need; --j) {
                enough[j] = families_->make(2 * k + sign, enough[j - 1], enough[j]);
            }
        }
        return enough[need];
    }

    /// f's cofactors at its first variable, and its level.
    struct parts {
        std::uint32_t level;
        edge high;
        edge low;
        std::uint32_t slot;
    };
    [[nodiscard]] parts split(edge f) const
    {
        auto const& s = tree_.steps[f >> 1];
        return {level_[s.slot], s.high ^ (f & 1), s.low ^ (f & 1), s.slot};
    }

    family minimal(edge f, std::uint32_t order)
    {
        if (f <= 1) {
            return f == 0 ? set_families::empty_set : set_families::none;
        }
        auto const at = f - 2 * unit_->first_step;
        auto const key = std::uint64_t{f} << 32 | order;
        if (order_max_ == any_order) {
            if (known_[at] != unknown) {
                return known_[at];
            }
        } else if (auto const place = known_within_.find(key); place != known_within_.end()) {
            return place->second;
        }
        auto const p = split(f);
        family const low = minimal(p.low, order);
        family high = set_families::none;
        auto const least = least_order_[positive(p.slot)];
        if (order == any_order || least <= order) {
            auto const rest = order == any_order ? any_order : order - least;
            high = families_->without(minimal(p.high, rest), low);
        }
        family const result = families_->make(2 * p.level, high, low);
        if (order_max_ == any_order) {
            known_[at] = result;
        } else {
            known_within_.emplace(key, result);
        }
        return result;
    }

    /// What must not happen so that a monotone diagram is not so: the minimal cut sets of its dual, members negated.
    family path_sets(edge f)
    {
        if (f <= 1) {
            return f == 0 ? set_families::none : set_families::empty_set;
        }
        if (known_paths_unit_ != unit_) {
            known_paths_unit_ = unit_;
            known_paths_.clear();
        }
        if (auto const place = known_paths_.find(f); place != known_paths_.end()) {
            return place->second;
        }
        auto const p = split(f);
        family const high = path_sets(p.high);
        family const low = families_->without(path_sets(p.low), high);
        family const result = families_->make(2 * p.level + 1, low, high);
        known_paths_.emplace(f, result);
        return result;
    }

    family implicants(edge f)
    {
        decision_diagram d(nodes_max_);
        // Steps become nodes again, children first.
        std::vector<edge> edges(unit_->last_step - unit_->first_step);
        auto const along = [&](edge e) {
            return e <= 1 ? e : edges[(e >> 1) - unit_->first_step] ^ (e & 1);
        };
        for (auto i = unit_->first_step; i < unit_->last_step; ++i) {
            auto const& s = tree_.steps[i];
            edges[i - unit_->first_step] = d.make(level_[s.slot], along(s.high), along(s.low));
        }
        std::unordered_map<edge, family> known;
        return implicants(d, along(f), known);
    }
    family implicants(decision_diagram& d, edge f, std::unordered_map<edge, family>& known)
    {
        if (f <= 1) {
            return f == 0 ? set_families::empty_set : set_families::none;
        }
        if (auto const place = known.find(f); place != known.end()) {
            return place->second;
        }
        auto const n = d.nodes()[f >> 1];
        edge const high = n.high ^ (f & 1);
        edge const low = n.low ^ (f & 1);
        edge const whatever = d.both(high, low);
        if (d.exceeded()) {
            throw std::length_error("the prime implicants need more than " +
                                    std::to_string(nodes_max_) + " nodes (nodes_max)");
        }
        family const free = implicants(d, whatever, known);
        family const so = families_->difference(implicants(d, high, known), free);
        family const not_so = families_->difference(implicants(d, low, known), free);
        family const result =
            families_->make(2 * n.level, so, families_->make(2 * n.level + 1, not_so, free));
        known.emplace(f, result);
        return result;
    }

    std::uint32_t keep(set_families const& families, family root, literal unit)
    {
        if (root <= 1) {
            least_order_[unit] = root == 0 ? any_order : 0;
            return root;
        }
        auto const& nodes = families.nodes();
        auto const inputs = tree_.inputs_of(*unit_);
        std::vector<std::uint32_t> place(root + 1);
        place[root] = 1;
        for (auto i = root; i > 1; --i) {
            if (place[i] != 0) {
                place[nodes[i].high] = place[nodes[i].low] = 1;
            }
        }
        place[0] = 0;
        place[1] = 1;
        std::vector<std::uint32_t> order(root + 1, 0); // least number of events in a set
        order[0] = any_order;
        for (family i = 2; i <= root; ++i) {
            if (place[i] == 0) {
                continue;
            }
            auto const& n = nodes[i];
            place[i] = static_cast<std::uint32_t>(result_.nodes.size());
            literal const member = positive(inputs[n.level >> 1]) | (n.level & 1);
            result_.nodes.push_back({member, place[n.high], place[n.low]});
            auto const with =
                order[n.high] == any_order ? any_order : order[n.high] + least_order_[member];
            order[i] = std::min(with, order[n.low]);
        }
        least_order_[unit] = order[root];
        return place[root];
    }

    static constexpr family unknown = 0xffffffff;

    compiled_tree const& tree_;
    bool implicants_;
    std::uint32_t order_max_;
    std::size_t nodes_max_;
    set_collection result_;
    std::vector<bool> needed_;
    std::vector<std::uint32_t> least_order_; ///< of a member's sets
    std::vector<std::uint32_t> level_;       ///< of a slot within its unit

    set_families* families_ = nullptr;
    compiled_tree::unit const* unit_ = nullptr;
    std::vector<family> known_;
    std::unordered_map<std::uint64_t, family> known_within_;
    compiled_tree::unit const* known_paths_unit_ = nullptr;
    std::unordered_map<edge, family> known_paths_;
};

} // namespace perdure::availability::detail

#endif
