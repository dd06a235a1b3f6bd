// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_CHOOSE_K_HPP
#define PERDURE_RING_CHOOSE_K_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/fwd.hpp>
#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/draws_cursor.hpp>
#include <perdure/ring/detail/level_draws.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/node_index.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

namespace perdure {

/** Consistent choose k: k distinct numbers from 0 to count - 1 for a key, without any state.
 *
 *  The k numbers are uniform among all k-subsets; the first k - 1 are those for k - 1; when count
 *  grows by one, at most one of them changes, with probability k / (count + 1), to the new number;
 *  the others keep their order. So it is jump with replicas and with an order of failover.
 *
 *  @par Algorithm   The first k distinct slots of detail::level_draws, those from count on left out.
 *                   (A rival with the same promises in O(k^2) evaluations of a jump hash:
 *                   github/rust-gems, consistent-choose-k.)
 *  @par Complexity  1 to 2 draws for the first number (2^bits / count), O(k log k) draws for k.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class Hash>
class basic_choose_k : public detail::lookup<basic_choose_k<Hash>> {
public:
    /// What keys are assigned to.
    using node_type = node_index;
    /// What hashes keys, and nodes where they have names.
    using hasher_type = Hash;
    /// Gives a key's nodes one by one in its order of preference; cursor() makes it.
    using cursor_type = detail::draws_cursor<basic_choose_k>;

    /// Throws std::invalid_argument if count is above 2^31.
    explicit basic_choose_k(std::size_t count = 0, Hash hash = Hash()) : hash_(hash)
    {
        resize(count);
    }
    /// Another number of nodes. Throws std::invalid_argument if it is above 2^31.
    void resize(std::size_t count)
    {
        if (count > std::size_t{1} << detail::level_draws::levels_max)
            detail::throw_bad_option("choose_k", "the number of nodes", std::to_string(count),
                                     "it must be at most 2^31");
        count_ = count;
        levels_ = count == 0 ? 0 : static_cast<int>(std::bit_width(count - 1));
        sparse_ = detail::is_sparse(count, levels_);
    }

    std::size_t size() const noexcept { return count_; }
    /// One more than the largest index in use.
    std::size_t bound() const noexcept { return count_; }
    /// Whether an index below bound() belongs to a node.
    bool present(node_index n) const noexcept { return n < count_; }
    /// Nodes are their indexes.
    node_index node(node_index n) const noexcept { return n; }
    /// What hashes the keys.
    Hash const& hasher() const noexcept { return hash_; }

    /// The index of the node of a hash. Precondition: there are nodes.
    node_index locate(std::uint64_t hash) const noexcept
    {
        return detail::first_in_use(*this, hash);
    }
    /// The nodes in the order of a hash, for as long as nothing changes here.
    cursor_type cursor(std::uint64_t hash) const noexcept { return {*this, hash}; }

    /// Whether a drawn number is that of a node.
    bool in_use(std::uint32_t slot) const noexcept { return slot < count_; }
    /// How many bits the slots' numbers have: a lookup draws among 2^levels().
    int levels() const noexcept { return levels_; }
    /// Whether less than three quarters of the 2^levels() numbers are in use.
    bool sparse() const noexcept { return sparse_; }

private:
    std::size_t count_ = 0;
    int levels_ = 0;
    bool sparse_ = true;
    Hash hash_;
};

} // namespace perdure

#endif
