// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_DETAIL_DRAWS_CURSOR_HPP
#define PERDURE_RING_DETAIL_DRAWS_CURSOR_HPP

#include <perdure/ring/detail/level_draws.hpp>
#include <perdure/ring/detail/seen_nodes.hpp>
#include <perdure/ring/node_index.hpp>

#include <cstddef>
#include <cstdint>

namespace perdure::detail {

/// The first slot of a key's series that is in use. H has levels(), sparse(), and in_use(slot), which
/// holds for one slot at least.
template <class H>
node_index first_in_use(H const& h, std::uint64_t hash) noexcept
{
    auto const in_use = [&](std::uint32_t slot) { return h.in_use(slot); };
    if (!h.sparse()) {
        auto const slot = level_draws::first(hash, h.levels());
        if (in_use(slot)) [[likely]]
            return slot;
    }
    return level_draws::first_of_few(hash, h.levels(), in_use);
}

/// Whether so many slots are free that looking at one draw after the other costs more than looking at
/// two at once.
inline bool is_sparse(std::size_t used, int levels) noexcept
{
    return used < (std::size_t{3} << levels) / 4;
}

/// The slots in use in the order of a key's series, each once.
template <class H>
class draws_cursor {
public:
    draws_cursor(H const& h, std::uint64_t hash) noexcept
        : h_(&h), hash_(hash), draws_(hash, h.levels())
    {
    }

    node_index next() noexcept
    {
        if (seen_.count() == h_->size())
            return no_node;
        for (;;) {
            auto const slot = draws_.next();
            auto const earlier = drawn_++;
            if (h_->in_use(slot) &&
                seen_.insert(slot, [&](node_index n) { return among_first(earlier, n); }))
                return slot;
        }
    }

private:
    bool among_first(std::size_t count, node_index n) const noexcept
    {
        level_draws draws(hash_, h_->levels());
        for (std::size_t i = 0; i != count; ++i)
            if (draws.next() == n)
                return true;
        return false;
    }

    H const* h_;
    std::uint64_t hash_;
    std::size_t drawn_ = 0;
    level_draws draws_;
    seen_nodes seen_;
};

} // namespace perdure::detail

#endif
