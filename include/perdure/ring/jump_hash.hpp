// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_JUMP_HASH_HPP
#define PERDURE_RING_JUMP_HASH_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/fwd.hpp>
#include <perdure/ring/detail/bad_option.hpp>
#include <perdure/ring/detail/rehash_cursor.hpp>
#include <perdure/ring/lookup.hpp>
#include <perdure/ring/node_index.hpp>

#include <cassert>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace perdure {

/** Jump consistent hash: a number from 0 to count - 1 for a key.
 *
 *  Moves 1 / (count + 1) of the keys when count grows by one, all of them to the new number.
 *  J. Lamping, E. Veach, A Fast, Minimal Memory, Consistent Hash Algorithm, arXiv:1406.2294.
 *  Bit for bit the published function. Precondition: 1 <= count <= 2^31. Complexity O(log count).
 */
inline std::uint32_t jump(std::uint64_t key, std::uint32_t count) noexcept
{
    // One division and one product of doubles, each rounded once: nothing that a compiler could
    // contract, as long as doubles are computed as doubles.
    static_assert(std::numeric_limits<double>::is_iec559 && FLT_EVAL_METHOD <= 1,
                  "jump needs IEEE doubles without excess precision: use -msse2 -mfpmath=sse");
    assert(count >= 1 && count <= (std::uint32_t{1} << 31));
    std::int64_t bucket = -1, next = 0;
    while (next < static_cast<std::int64_t>(count)) {
        bucket = next;
        key = key * 2862933555777941757u + 1;
        double const step = 2147483648.0 / static_cast<double>((key >> 33) + 1);
        next = static_cast<std::int64_t>(static_cast<double>(bucket + 1) * step);
    }
    return static_cast<std::uint32_t>(bucket);
}

/** jump as a consistent_hash: nodes are numbers, and only the last one may leave.
 *
 *  No memory at all. Which machine has which number must be kept somewhere, for good.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class Hash>
class basic_jump_hash : public detail::lookup<basic_jump_hash<Hash>> {
public:
    /// What keys are assigned to.
    using node_type = node_index;
    /// What hashes keys, and nodes where they have names.
    using hasher_type = Hash;
    /// Gives a key's nodes one by one in its order of preference; cursor() makes it.
    using cursor_type = detail::rehash_cursor<basic_jump_hash>;

    /// Throws std::invalid_argument if count is above 2^31.
    explicit basic_jump_hash(std::size_t count = 0, Hash hash = Hash()) : hash_(hash)
    {
        resize(count);
    }
    /// Another number of nodes. Throws std::invalid_argument if it is above 2^31.
    void resize(std::size_t count)
    {
        if (count > std::size_t{1} << 31)
            detail::throw_bad_option("jump_hash", "the number of nodes", std::to_string(count),
                                     "it must be at most 2^31");
        count_ = static_cast<std::uint32_t>(count);
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
    node_index locate(std::uint64_t hash) const noexcept { return jump(hash, count_); }
    /// The nodes in the order of a hash, for as long as nothing changes here.
    cursor_type cursor(std::uint64_t hash) const noexcept { return {*this, hash}; }

private:
    std::uint32_t count_ = 0;
    Hash hash_;
};

} // namespace perdure

#endif
