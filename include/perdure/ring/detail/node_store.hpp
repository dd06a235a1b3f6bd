// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_NODE_STORE_HPP
#define PERDURE_RING_DETAIL_NODE_STORE_HPP

#include <perdure/ring/detail/shared.hpp>
#include <perdure/ring/node_index.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace perdure::detail {

/** Nodes by index, in small blocks that copies of the store share.
 *
 *  A change copies one block, so a copy of the store costs one reference count per 16 nodes, and a
 *  reference to a node stays good while any copy holds it.
 */
template <class Node>
class node_store {
public:
    std::size_t capacity() const noexcept { return blocks_.size() * block_size; }
    Node const& operator[](node_index n) const noexcept
    {
        return *(*blocks_[n / block_size])[n % block_size];
    }

    /// Strong exception guarantee.
    void put(node_index n, Node node)
    {
        if (n >= capacity()) {
            auto fresh = shared<block>::make();
            (*fresh)[n % block_size].emplace(std::move(node));
            blocks_.push_back(std::move(fresh));
        } else {
            auto changed = shared<block>::make(*blocks_[n / block_size]);
            (*changed)[n % block_size].emplace(std::move(node));
            blocks_[n / block_size] = std::move(changed);
        }
    }

    void erase(node_index n)
    {
        auto changed = shared<block>::make(*blocks_[n / block_size]);
        (*changed)[n % block_size].reset();
        blocks_[n / block_size] = std::move(changed);
    }

    /// Replaces everything by the nodes 0 .. nodes.size() - 1.
    void assign(std::vector<Node> nodes)
    {
        std::vector<shared<block>> blocks;
        for (std::size_t n = 0; n < nodes.size(); n += block_size) {
            auto fresh = shared<block>::make();
            for (std::size_t i = n; i != nodes.size() && i != n + block_size; ++i)
                (*fresh)[i - n].emplace(std::move(nodes[i]));
            blocks.push_back(std::move(fresh));
        }
        blocks_ = std::move(blocks);
    }

    std::size_t memory() const noexcept
    {
        return blocks_.capacity() * sizeof(blocks_[0]) + blocks_.size() * (sizeof(block) + 16);
    }

private:
    static constexpr std::size_t block_size = 16;
    using block = std::array<std::optional<Node>, block_size>;
    std::vector<shared<block>> blocks_;
};

} // namespace perdure::detail

#endif
