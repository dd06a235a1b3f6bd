// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_REHASH_CURSOR_HPP
#define PERDURE_RING_DETAIL_REHASH_CURSOR_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/ring/detail/multiply.hpp>
#include <perdure/ring/detail/seen_nodes.hpp>
#include <perdure/ring/node_index.hpp>

#include <cstddef>
#include <cstdint>

namespace perdure::detail {

/** A preference list for hashes that give one node only: attempt a looks up hash_key(a, hash).
 *
 *  Each attempt moves as little as the hash itself when nodes come and go, and so does the list. The
 *  load of a node that is down goes to all others in proportion. After 16 attempts a node, what has
 *  not come up (a node with a tiny share, or none) follows in the order of the index, from a place
 *  that the hash chooses.
 *
 *  H has size(), bound() with indexes below it, present(n), and locate(hash).
 */
template <class H>
class rehash_cursor {
public:
    rehash_cursor(H const& h, std::uint64_t hash) noexcept : h_(&h), hash_(hash) {}

    node_index next() noexcept
    {
        if (seen_.count() == h_->size())
            return no_node;
        while (attempt_ < attempts_max()) {
            auto const node = at(attempt_++);
            if (seen_.insert(node, [&](node_index n) { return before(n, attempt_ - 1); }))
                return node;
        }
        auto const bound = h_->bound();
        auto const start = reduce(hash_, bound);
        for (;;) {
            auto const node = static_cast<node_index>((start + swept_++) % bound);
            if (h_->present(node) &&
                seen_.insert(node, [&](node_index n) { return before(n, attempt_); }))
                return node;
        }
    }

private:
    std::size_t attempts_max() const noexcept { return 16 * h_->size(); }
    node_index at(std::size_t attempt) const noexcept
    {
        if constexpr (requires { h_->locate_attempt(hash_, attempt); })
            return h_->locate_attempt(hash_, attempt); // the hash has an order of its own
        else
            return h_->locate(attempt == 0 ? hash_ : hash_key(attempt, hash_));
    }
    bool before(node_index node, std::size_t attempts) const noexcept
    {
        for (std::size_t a = 0; a != attempts; ++a)
            if (at(a) == node)
                return true;
        return false;
    }

    H const* h_;
    std::uint64_t hash_;
    std::size_t attempt_ = 0, swept_ = 0;
    seen_nodes seen_;
};

} // namespace perdure::detail

#endif
