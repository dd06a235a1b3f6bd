// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_PLACED_COPYSETS_HPP
#define PERDURE_PLACEMENT_PLACED_COPYSETS_HPP

#include <perdure/placement/detail/bad_value.hpp>
#include <perdure/placement/placement_map.hpp>
#include <perdure/placement/replica_ring.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/** The copysets of a placement as it is: the sets of nodes that hold all copies of something, so
 *  that data are lost if just these fail. (A. Cidon et al., Copysets, USENIX ATC 2013.)
 *
 *  @par Complexity  Making: O(slots log copysets) or O(points log copysets).
 *  @par Thread safety  Immutable.
 */
class placed_copysets {
public:
    /// Nodes that hold all copies of something, so that it is lost if they all fail.
    struct set {
        std::vector<owner_index> members; ///< in ascending order
        double share = 0;                 ///< of the slots, or of the keys
    };

    /// Of all slots, or of all points of a ring; owners are indexes of it.
    explicit placed_copysets(placement_map const& map)
    {
        index_bound_ = map.index_bound();
        for (auto i : map.indexes())
            nodes_ += may_own(map.node(i).state) || map.copies_on(i) != 0;
        for (std::uint32_t s = 0; s != map.slots(); ++s)
            add(map.owners(s), 1.0 / map.slots());
        finish();
    }
    explicit placed_copysets(replica_ring const& ring)
    {
        index_bound_ = ring.size();
        for (node_index i = 0; i != ring.size(); ++i)
            nodes_ += may_own(ring.node(i).state);
        std::array<owner_index, placement_rules::copies_max> out;
        auto const count = ring.points_count();
        for (std::size_t p = 0; p != count; ++p) {
            // The differences wrap around as the circle does.
            auto const width = count == 1 ? ~std::uint64_t{0}
                                          : ring.point(p) - ring.point(p == 0 ? count - 1 : p - 1);
            add(ring.owners_at(p, out), static_cast<double>(width) / 18446744073709551616.0);
        }
        finish();
    }

    /// Nodes that may own, or do.
    std::size_t nodes() const noexcept { return nodes_; }
    /// One more than the largest index of a member.
    std::size_t index_bound() const noexcept { return index_bound_; }
    /// How many different sets there are.
    std::size_t count() const noexcept { return sets_.size(); }
    /// Each set once, with its share of the data.
    std::vector<set> const& sets() const noexcept { return sets_; }

    /// With how many other nodes a node shares data: its helpers when it must be rebuilt.
    std::size_t scatter_width(node_index i) const noexcept { return scatter_[i]; }
    /// Over the nodes; 0 if there are none.
    double mean_scatter_width() const noexcept
    {
        double sum = 0;
        for (auto s : scatter_)
            sum += static_cast<double>(s);
        return nodes_ == 0 ? 0 : sum / static_cast<double>(nodes_);
    }
    /// Of the node with the most helpers.
    std::size_t max_scatter_width() const noexcept
    {
        return scatter_.empty() ? 0 : *std::max_element(scatter_.begin(), scatter_.end());
    }

private:
    void add(std::span<owner_index const> owners, double share)
    {
        if (owners.empty())
            return;
        std::vector<owner_index> members(owners.begin(), owners.end());
        std::sort(members.begin(), members.end());
        found_[std::move(members)] += share;
    }
    void finish()
    {
        std::vector<std::vector<bool>> with(index_bound_);
        scatter_.assign(index_bound_, 0);
        for (auto& [members, share] : found_) {
            for (auto a : members) {
                if (with[a].empty())
                    with[a].resize(index_bound_);
                for (auto b : members)
                    if (a != b && !with[a][b]) {
                        with[a][b] = true;
                        ++scatter_[a];
                    }
            }
            sets_.push_back({members, share});
        }
        found_.clear();
    }

    std::size_t nodes_ = 0, index_bound_ = 0;
    std::vector<set> sets_;
    std::vector<std::size_t> scatter_;
    std::map<std::vector<owner_index>, double> found_;
};

} // namespace perdure

#endif
