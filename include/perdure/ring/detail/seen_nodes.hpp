// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_SEEN_NODES_HPP
#define PERDURE_RING_DETAIL_SEEN_NODES_HPP

#include <perdure/ring/node_index.hpp>

#include <cstddef>
#include <cstdint>

namespace perdure::detail {

/** The nodes that a walk has yielded, in place: a short list, then a bit for each index below 1024.
 *
 *  What fits neither must be found out by walking again; that is slow, but allocates nothing.
 */
class seen_nodes {
public:
    std::size_t count() const noexcept { return count_; }

    /// Adds a node unless it is here; whether it was added. `again(node)` tells whether an earlier
    /// step of the walk yielded it, and is asked only for what this cannot hold.
    template <class Again>
    bool insert(node_index node, Again again) noexcept
    {
        if (count_ <= listed) {
            for (std::size_t i = 0; i != count_; ++i)
                if (list_[i] == node)
                    return false;
            if (count_ < listed) {
                list_[count_++] = node;
                return true;
            }
            for (auto& word : bits_)
                word = 0;
            for (auto const n : list_)
                if (n < tracked)
                    bits_[n / 64] |= bit(n);
        }
        if (node < tracked) {
            if (bits_[node / 64] & bit(node))
                return false;
            bits_[node / 64] |= bit(node);
        } else if (again(node)) {
            return false;
        }
        ++count_;
        return true;
    }

private:
    static constexpr std::size_t listed = 16;
    static constexpr node_index tracked = 1024;
    static std::uint64_t bit(node_index n) noexcept { return std::uint64_t{1} << (n % 64); }

    std::size_t count_ = 0;
    node_index list_[listed];
    std::uint64_t bits_[tracked / 64];
};

} // namespace perdure::detail

#endif
