// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_FILES_HPP
#define PERDURE_WORLD_FILES_HPP

#include <perdure/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

// It would break every compound requirement into three lines.
// clang-format off
namespace perdure {

/// How a file is opened. No mode truncates: perdure never destroys bytes by opening them.
enum class open_mode : std::uint8_t {
    read,       ///< Must exist; read only.
    read_write, ///< Must exist.
    create_new, ///< Must not exist (fails with `file_exists`); read and write.
    create,     ///< Created if absent; read and write.
};

/// How far written bytes are pushed before an operation returns.
enum class sync_mode : std::uint8_t {
    none, ///< To the operating system: survives the end of the process, not of the machine.
    data, ///< To the disk: the bytes and what is needed to read them back (fdatasync).
    all,  ///< To the disk with all metadata (fsync).
};

/// Whether a rename may replace an existing file.
enum class rename_mode : std::uint8_t {
    no_replace, ///< Fails with `file_exists` and changes nothing if the target exists.
    replace,    ///< Replaces the target atomically.
};

/// One name in a directory.
struct directory_entry {
    std::string name;
    std::uint64_t size = 0; ///< In bytes; 0 for a directory.
    bool is_directory = false; ///< Links are followed.

    friend bool operator==(directory_entry const&, directory_entry const&) = default;
};

/** An open file of a World, used inside a file job (see has_files).
 *
 *  Move-only; a default-constructed or moved-from file is closed. The destructor closes and ignores
 *  errors. Every function blocks and reports by `error_code&`, which it clears on success. An
 *  operation on a closed file fails.
 *
 *      f.is_open()               whether it is open
 *      f.write_at(o, bytes, ec)  writes all of `bytes` at offset `o`, growing the file; on error
 *                                an unknown part was written
 *      f.write_at(o, parts, ec)  the same for several buffers, one behind the other
 *      f.read_at(o, bytes, ec)   reads at offset `o`; returns the number of bytes, short only at
 *                                the end of the file or with an error
 *      f.sync(mode, ec)          returns when all bytes written so far are as `mode` says; a
 *                                failure is final for this file: a second sync that succeeds
 *                                proves nothing
 *      f.start_write_back(o, n)  optional: has the device begin with what was written to
 *                                [o, o + n), so that less is left for the sync; reports nothing
 *      f.size(ec)                its size in bytes
 *      f.allocate(o, n, ec)      reserves space for [o, o + n) and grows the size to cover it,
 *                                zero-filled; bytes that exist are kept
 *      f.release_unwritten(o)    optional: gives back the space from `o` on that is behind the last
 *                                byte that was ever written; size and bytes stay as they are;
 *                                reports nothing
 *      f.truncate(n, ec)         cuts or grows it to `n` bytes
 *      f.lock(ec)                takes the exclusive advisory lock, without waiting; errc::locked
 *                                if another open file has it; released by close or the end of
 *                                the process
 *      f.close(ec)               closes it; closed also if it fails
 *
 *  A full disk or quota is errc::no_space.
 */
template <class F>
concept world_file = std::movable<F> && std::default_initializable<F> &&
                     requires(F f, F const c, std::uint64_t n, std::span<std::byte const> in,
                              std::span<std::span<std::byte const> const> parts,
                              std::span<std::byte> out, sync_mode mode, error_code& ec) {
                         { c.is_open() } -> std::same_as<bool>;
                         { f.write_at(n, in, ec) } -> std::same_as<void>;
                         { f.write_at(n, parts, ec) } -> std::same_as<void>;
                         { f.read_at(n, out, ec) } -> std::same_as<std::size_t>;
                         { f.sync(mode, ec) } -> std::same_as<void>;
                         { f.size(ec) } -> std::same_as<std::uint64_t>;
                         { f.allocate(n, n, ec) } -> std::same_as<void>;
                         { f.truncate(n, ec) } -> std::same_as<void>;
                         { f.lock(ec) } -> std::same_as<void>;
                         { f.close(ec) } -> std::same_as<void>;
                     };

/** The blocking file operations of a World: what a file job gets, and world.blocking_files().
 *
 *  Paths are relative to the process's working directory or absolute, with '/'. Names are durable
 *  only once their directory was synced.
 *
 *      fs.open(path, mode, ec)   an open file, or a closed one with `ec`
 *                                (no_such_file_or_directory, file_exists, ...)
 *      fs.rename(from, to, mode, ec)    renames atomically within a file system
 *      fs.remove(path, ec)       removes a file; no_such_file_or_directory if there is none
 *      fs.list(path, ec)         the entries, sorted by name, without "." and ".."
 *      fs.create_directories(path, ec)  makes the directory and its parents, and syncs the
 *                                directory that holds each new name, and the one that holds the
 *                                last name in any case; existing ones are fine
 *      fs.sync_directory(path, ec)      makes creations, renames and removals in it durable
 */
template <class S>
concept world_file_operations =
    world_file<typename S::file> &&
    requires(S fs, std::string const& path, open_mode mode, rename_mode how, error_code& ec) {
        { fs.open(path, mode, ec) } -> std::same_as<typename S::file>;
        { fs.rename(path, path, how, ec) } -> std::same_as<void>;
        { fs.remove(path, ec) } -> std::same_as<void>;
        { fs.list(path, ec) } -> std::same_as<std::vector<directory_entry>>;
        { fs.create_directories(path, ec) } -> std::same_as<void>;
        { fs.sync_directory(path, ec) } -> std::same_as<void>;
    };

} // namespace perdure
// clang-format on

#endif
