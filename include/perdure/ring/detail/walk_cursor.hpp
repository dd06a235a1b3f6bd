// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_WALK_CURSOR_HPP
#define PERDURE_RING_DETAIL_WALK_CURSOR_HPP

#include <perdure/ring/detail/point_table.hpp>
#include <perdure/ring/detail/seen_nodes.hpp>
#include <perdure/ring/node_index.hpp>

#include <cstddef>
#include <cstdint>

namespace perdure::detail {

/// The first `nodes` distinct nodes of a circle, clockwise from a hash; so many must have points.
class walk_cursor {
public:
    template <class Source>
    walk_cursor(point_table const& table, Source const& source, std::size_t nodes,
                std::uint64_t hash) noexcept
        : table_(&table), nodes_(nodes)
    {
        if (nodes != 0)
            at_ = start_ = table.find(hash, source);
    }

    /// The next distinct node, or no_node after the last.
    node_index next() noexcept
    {
        if (seen_.count() == nodes_)
            return no_node;
        if (seen_.count() != 0)
            at_ = table_->next(at_);
        while (!seen_.insert(at_.node(), [&](node_index n) { return passed(n); }))
            at_ = table_->next(at_);
        return at_.node();
    }

private:
    bool passed(node_index n) const noexcept
    {
        for (auto p = start_; p != at_; p = table_->next(p))
            if (p.node() == n)
                return true;
        return false;
    }

    point_table const* table_;
    std::size_t nodes_;
    point_table::position at_{}, start_{};
    seen_nodes seen_;
};

/// The nodes of a circle's points one after the other, clockwise from a hash, repeated as they come.
class point_walk {
public:
    template <class Source>
    point_walk(point_table const& table, Source const& source, std::uint64_t hash) noexcept
        : table_(&table), at_(table.find(hash, source))
    {
    }
    node_index operator*() const noexcept { return at_.node(); }
    point_walk& operator++() noexcept
    {
        at_ = table_->next(at_);
        return *this;
    }

private:
    point_table const* table_;
    point_table::position at_;
};

} // namespace perdure::detail

#endif
