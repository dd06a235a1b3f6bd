// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_RING_LOOKUP_HPP
#define PERDURE_RING_LOOKUP_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/ring/node_index.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <stdexcept>
#include <type_traits>

namespace perdure {

/** Something that assigns keys to nodes, consistently.
 *
 *  Given `h` of type `H const`, a `key` (anything H's hasher accepts, or a key_hash), an index `n`:
 *
 *  | expression                     | type, meaning                                                 |
 *  |--------------------------------|---------------------------------------------------------------|
 *  | `h.size()`, `h.empty()`        | how many nodes there are                                      |
 *  | `h.node(n)`                    | the node with index n                                         |
 *  | `h.index_for(key)`             | node_index: the key's node; no_node if there is none          |
 *  | `h.node_for(key)`              | the key's node; throws std::out_of_range if there is none     |
 *  | `h.indexes_for(key, out)`      | std::span: the first out.size() distinct nodes of ranked;     |
 *  |                                | shorter if there are fewer nodes                              |
 *  | `h.ranked(key)`                | a range over all nodes, each once, in the key's order of      |
 *  |                                | preference; its first is node_for's                           |
 *  | `h.indexes_for_batch(in, out)` | index_for of every key_hash in `in`, into `out`               |
 *
 *  No lookup allocates. Lookups of one object from several threads are safe while none changes it.
 *  Equal nodes, weights, options and hasher give equal answers in every process and release.
 */
template <class H>
concept consistent_hash = requires(H const& h, key_hash key, node_index n,
                                   std::span<node_index> out, std::span<key_hash const> in) {
    {
        h.size()
    } -> std::same_as<std::size_t>;
    {
        h.empty()
    } -> std::same_as<bool>;
    typename H::node_type;
    {
        h.node(n)
    } -> std::convertible_to<typename H::node_type>;
    {
        h.index_for(key)
    } -> std::same_as<node_index>;
    {
        h.node_for(key)
    } -> std::convertible_to<typename H::node_type>;
    {
        h.indexes_for(key, out)
    } -> std::same_as<std::span<node_index>>;
    h.ranked(key).begin();
    h.indexes_for_batch(in, out);
};

/// Up to K nodes, held in place.
template <std::size_t K>
struct node_list {
    std::array<node_index, K> indexes{}; ///< only the first `count` mean anything
    std::size_t count = 0; ///< how many there are

    std::size_t size() const noexcept { return count; }
    bool empty() const noexcept { return count == 0; }
    node_index operator[](std::size_t i) const noexcept { return indexes[i]; }
    node_index const* begin() const noexcept { return indexes.data(); }
    node_index const* end() const noexcept { return indexes.data() + count; }
};

/** The nodes in one key's order of preference, found one by one as the range is walked.
 *
 *  For failover: take the first that is up. Refers to the object that made it, which must not
 *  change while this lives. Single pass; begin() starts anew.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class H>
class ranked_nodes {
public:
    /// The order of a hash; consistent hashes make it by ranked().
    ranked_nodes(H const& h, std::uint64_t hash) noexcept : h_(&h), hash_(hash) {}

    /// An input iterator; `*i` is the node, i.index() its index.
    class iterator {
    public:
        using value_type = typename H::node_type;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        explicit iterator(ranked_nodes const& range) noexcept
            : h_(range.h_), cursor_(range.h_->cursor(range.hash_)), index_(cursor_.next())
        {
        }
        decltype(auto) operator*() const { return h_->node(index_); }
        /// The node's index.
        node_index index() const noexcept { return index_; }
        iterator& operator++() noexcept
        {
            index_ = cursor_.next();
            return *this;
        }
        void operator++(int) noexcept { ++*this; }
        friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept
        {
            return i.index_ == no_node;
        }

    private:
        H const* h_;
        typename H::cursor_type cursor_;
        node_index index_;
    };

    iterator begin() const noexcept { return iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    H const* h_;
    std::uint64_t hash_;
};

namespace detail {

/** The lookups that every consistent hash has, from a few primitives of the derived class:
 *  size(), node(n), hasher(), locate(hash) where there are nodes, and cursor(hash).
 */
template <class Derived>
class lookup {
public:
    bool empty() const noexcept { return self().size() == 0; }

    template <class Key>
    std::uint64_t hash_of(Key const& key) const noexcept
    {
        if constexpr (std::same_as<Key, key_hash>)
            return key.value;
        else
            return self().hasher()(key);
    }

    /// The index of the key's node, or no_node if there are no nodes.
    template <class Key>
    node_index index_for(Key const& key) const noexcept
    {
        return empty() ? no_node : self().locate(hash_of(key));
    }

    /// The key's node. Throws std::out_of_range if there are no nodes.
    template <class Key>
    decltype(auto) node_for(Key const& key) const
    {
        auto const index = index_for(key);
        if (index == no_node) [[unlikely]]
            throw std::out_of_range("perdure: there is no node for a key: none has been added");
        return self().node(index);
    }

    /// The key's first out.size() distinct nodes, fewer if there are fewer; the part that is
    /// filled.
    template <class Key>
    std::span<node_index> indexes_for(Key const& key, std::span<node_index> out) const noexcept
    {
        if (empty() || out.empty())
            return out.first(0);
        if constexpr (requires(std::uint64_t h) { self().locate_distinct(h, out); }) {
            return out.first(self().locate_distinct(hash_of(key), out));
        } else {
            auto cursor = self().cursor(hash_of(key));
            std::size_t count = 0;
            for (node_index n; count != out.size() && (n = cursor.next()) != no_node; ++count)
                out[count] = n;
            return out.first(count);
        }
    }

    /// The key's first K distinct nodes, by value.
    template <std::size_t K, class Key>
    node_list<K> indexes_for(Key const& key) const noexcept
    {
        node_list<K> list;
        list.count = indexes_for(key, std::span<node_index>(list.indexes)).size();
        return list;
    }

    /// All nodes in the key's order of preference.
    template <class Key>
    ranked_nodes<Derived> ranked(Key const& key) const noexcept
    {
        return {self(), hash_of(key)};
    }

    /// index_for of many keys at once. Precondition: out.size() >= hashes.size().
    void indexes_for_batch(std::span<key_hash const> hashes,
                           std::span<node_index> out) const noexcept
    {
        if (!empty()) {
            if constexpr (requires { self().locate_batch(hashes, out); })
                return self().locate_batch(hashes, out);
        }
        for (std::size_t i = 0; i != hashes.size(); ++i)
            out[i] = index_for(hashes[i]);
    }

    /// index_for of many keys at once: `keys` is any range of them. It costs less than
    /// hashing and looking up one key after the other. Precondition: out.size() >= the keys' number.
    template <class Keys>
        requires(!std::convertible_to<Keys const&, std::span<key_hash const>>)
    void indexes_for_batch(Keys const& keys, std::span<node_index> out) const noexcept
    {
        std::array<key_hash, 64> hashes;
        std::size_t count = 0, done = 0;
        for (auto const& key : keys) {
            hashes[count++] = {hash_of(key)};
            if (count == hashes.size()) {
                indexes_for_batch(std::span<key_hash const>(hashes), out.subspan(done));
                done += count;
                count = 0;
            }
        }
        indexes_for_batch(std::span<key_hash const>(hashes).first(count), out.subspan(done));
    }

private:
    Derived const& self() const noexcept { return static_cast<Derived const&>(*this); }
};

} // namespace detail
} // namespace perdure

#endif
