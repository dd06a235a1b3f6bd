// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_BACKEND_HPP
#define PERDURE_SNAPSHOT_BACKEND_HPP

#include <perdure/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace perdure {

/// One object of a back end.
struct stored_object {
    std::string name;
    std::uint64_t size = 0; ///< In bytes.
    bool put_aside = false; ///< It was found bad: kept, never read again.

    friend bool operator==(stored_object const&, stored_object const&) = default;
};

/** Where snapshots are kept: a flat set of named objects that appear whole or not at all.
 *
 *  Everything blocks and is called from one thread at a time. Names consist of letters, digits, '.' and '-'.
 *
 *  | expression                | meaning                                                                   |
 *  |---------------------------|---------------------------------------------------------------------------|
 *  | `b.open(ec)`              | makes it ready and takes it for this object alone (`errc::locked`); removes what crashed uploads left; again: no effect |
 *  | `b.list(ec)`              | all objects that were published, sorted by name; also those put aside      |
 *  | `b.create(name, ec)`      | begins an object: a `typename B::upload`, invisible until it is committed  |
 *  | `u.append(parts, ec)`     | adds bytes; after an error the upload can only be destroyed                |
 *  | `u.commit(ec)`            | publishes it durably, atomically, and only if the name is free and was never put aside (`file_exists`) |
 *  | destroying an upload      | without a commit: nothing is ever visible                                  |
 *  | `b.find(name, ec)`        | a `typename B::object` to read; `no_such_file_or_directory`                |
 *  | `o.size(ec)`              | its size in bytes                                                         |
 *  | `o.read_at(o, bytes, ec)` | reads; returns the number of bytes, short only at the end                  |
 *  | `b.remove(name, ec)`      | forgets an object; no error if there is none                               |
 *  | `b.put_aside(name, ec)`   | marks an object as bad, keeping its bytes                                  |
 *
 *  If commit fails for another reason than `file_exists`, the object may or may not be there; if it is, it is whole.
 */
template <class B>
concept snapshot_backend =
    std::movable<B> && std::movable<typename B::upload> && std::movable<typename B::object> &&
    requires(B b, typename B::upload u, typename B::object o, std::string const& name,
             std::uint64_t offset, std::span<std::byte> out,
             std::span<std::span<std::byte const> const> parts, error_code& ec) {
        {
            b.open(ec)
        } -> std::same_as<void>;
        {
            b.list(ec)
        } -> std::same_as<std::vector<stored_object>>;
        {
            b.create(name, ec)
        } -> std::same_as<typename B::upload>;
        {
            u.append(parts, ec)
        } -> std::same_as<void>;
        {
            u.commit(ec)
        } -> std::same_as<void>;
        {
            b.find(name, ec)
        } -> std::same_as<typename B::object>;
        {
            o.size(ec)
        } -> std::same_as<std::uint64_t>;
        {
            o.read_at(offset, out, ec)
        } -> std::same_as<std::size_t>;
        {
            b.remove(name, ec)
        } -> std::same_as<void>;
        {
            b.put_aside(name, ec)
        } -> std::same_as<void>;
    };

} // namespace perdure

#endif
