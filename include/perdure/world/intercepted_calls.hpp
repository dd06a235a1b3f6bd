// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_INTERCEPTED_CALLS_HPP
#define PERDURE_WORLD_INTERCEPTED_CALLS_HPP

#include <perdure/world/posix_calls.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure {

/// The calls of system_calls by name.
enum class system_call : std::uint8_t {
    open,
    close,
    pwritev,
    preadv,
    fdatasync,
    fsync,
    start_write_back,
    file_size,
    fallocate,
    drop_cached,
    next_data,
    next_hole,
    punch_hole,
    ftruncate,
    lock,
    rename,
    rename_no_replace,
    link,
    unlink,
    mkdir,
    rmdir,
    is_directory,
    list,
};

/// How many kinds of system calls there are.
inline constexpr std::size_t system_call_count = 23;

/// The enumerator's name.
constexpr std::string_view to_string(system_call c) noexcept
{
    constexpr std::string_view names[system_call_count] = {"open",
                                                           "close",
                                                           "pwritev",
                                                           "preadv",
                                                           "fdatasync",
                                                           "fsync",
                                                           "start_write_back",
                                                           "file_size",
                                                           "fallocate",
                                                           "drop_cached",
                                                           "next_data",
                                                           "next_hole",
                                                           "punch_hole",
                                                           "ftruncate",
                                                           "lock",
                                                           "rename",
                                                           "rename_no_replace",
                                                           "link",
                                                           "unlink",
                                                           "mkdir",
                                                           "rmdir",
                                                           "is_directory",
                                                           "list"};
    return names[static_cast<std::size_t>(c)];
}

/** System calls with an observer before and behind each; models system_calls.
 *
 *  `Hooks` is a copyable, default-constructible value with
 *
 *      int before(system_call, std::uint64_t& bytes)   0 to go on, or the negated errno to fail
 *                  with; of a read or write it may lower the number of
 *                  bytes, and 0 bytes are none without a call
 *      void after(system_call, std::int64_t result)    what the call returns to its caller
 *
 *  A close that is made to fail closes all the same, as the system's does.
 *
 *  @par Thread safety  As the hooks and the calls are; those of perdure may be called from any thread.
 */
template <class Hooks, system_calls Calls = posix_calls>
class intercepted_calls {
public:
    intercepted_calls() = default;
    /// Calls `hooks` around each call of `calls`.
    explicit intercepted_calls(Hooks hooks, Calls calls = Calls())
        : hooks_(std::move(hooks)), calls_(std::move(calls))
    {
    }

    int open(char const* path, int flags, mode_t mode) const
    {
        return around(system_call::open, [&] { return calls_.open(path, flags, mode); });
    }
    int close(int fd) const
    {
        int const closed = calls_.close(fd);
        return around(system_call::close, [&] { return closed; });
    }
    std::int64_t pwritev(int fd, iovec const* parts, int count, std::int64_t o) const
    {
        return transfer(system_call::pwritev, parts, count,
                        [&](iovec const* p, int n) { return calls_.pwritev(fd, p, n, o); });
    }
    std::int64_t preadv(int fd, iovec const* parts, int count, std::int64_t o) const
    {
        return transfer(system_call::preadv, parts, count,
                        [&](iovec const* p, int n) { return calls_.preadv(fd, p, n, o); });
    }
    int fdatasync(int fd) const
    {
        return around(system_call::fdatasync, [&] { return calls_.fdatasync(fd); });
    }
    int fsync(int fd) const
    {
        return around(system_call::fsync, [&] { return calls_.fsync(fd); });
    }
    int start_write_back(int fd, std::int64_t o, std::int64_t n) const
    {
        return around(system_call::start_write_back,
                      [&] { return calls_.start_write_back(fd, o, n); });
    }
    std::int64_t file_size(int fd) const
    {
        return around(system_call::file_size, [&] { return calls_.file_size(fd); });
    }
    int fallocate(int fd, std::int64_t o, std::int64_t n) const
    {
        return around(system_call::fallocate, [&] { return calls_.fallocate(fd, o, n); });
    }
    int drop_cached(int fd, std::int64_t o) const
    {
        return around(system_call::drop_cached, [&] { return calls_.drop_cached(fd, o); });
    }
    std::int64_t next_data(int fd, std::int64_t o) const
    {
        return around(system_call::next_data, [&] { return calls_.next_data(fd, o); });
    }
    std::int64_t next_hole(int fd, std::int64_t o) const
    {
        return around(system_call::next_hole, [&] { return calls_.next_hole(fd, o); });
    }
    int punch_hole(int fd, std::int64_t o, std::int64_t n) const
    {
        return around(system_call::punch_hole, [&] { return calls_.punch_hole(fd, o, n); });
    }
    int ftruncate(int fd, std::int64_t n) const
    {
        return around(system_call::ftruncate, [&] { return calls_.ftruncate(fd, n); });
    }
    int lock(int fd) const
    {
        return around(system_call::lock, [&] { return calls_.lock(fd); });
    }
    int rename(char const* from, char const* to) const
    {
        return around(system_call::rename, [&] { return calls_.rename(from, to); });
    }
    int rename_no_replace(char const* from, char const* to) const
    {
        return around(system_call::rename_no_replace,
                      [&] { return calls_.rename_no_replace(from, to); });
    }
    int link(char const* from, char const* to) const
    {
        return around(system_call::link, [&] { return calls_.link(from, to); });
    }
    int unlink(char const* path) const
    {
        return around(system_call::unlink, [&] { return calls_.unlink(path); });
    }
    int mkdir(char const* path) const
    {
        return around(system_call::mkdir, [&] { return calls_.mkdir(path); });
    }
    int rmdir(char const* path) const
    {
        return around(system_call::rmdir, [&] { return calls_.rmdir(path); });
    }
    int is_directory(char const* path) const
    {
        return around(system_call::is_directory, [&] { return calls_.is_directory(path); });
    }
    int list(char const* path, std::vector<directory_entry>& entries) const
    {
        return around(system_call::list, [&] { return calls_.list(path, entries); });
    }

private:
    template <class Call>
    auto around(system_call c, Call call) const
    {
        std::uint64_t bytes = 0;
        int const failure = hooks_.before(c, bytes);
        auto const result = failure ? static_cast<decltype(call())>(failure) : call();
        hooks_.after(c, result);
        return result;
    }

    template <class Call>
    std::int64_t transfer(system_call c, iovec const* parts, int count, Call call) const
    {
        std::uint64_t wanted = 0;
        for (int i = 0; i < count; ++i)
            wanted += parts[i].iov_len;
        std::uint64_t allowed = wanted;
        std::int64_t result = hooks_.before(c, allowed);
        if (result == 0 && allowed >= wanted)
            result = call(parts, count);
        else if (result == 0 && allowed > 0) {
            std::vector<iovec> fewer;
            for (int i = 0; allowed > 0; ++i) {
                fewer.push_back(
                    {parts[i].iov_base, std::min(parts[i].iov_len, std::size_t{allowed})});
                allowed -= fewer.back().iov_len;
            }
            result = call(fewer.data(), static_cast<int>(fewer.size()));
        }
        hooks_.after(c, result);
        return result;
    }

    [[no_unique_address]] mutable Hooks hooks_{};
    [[no_unique_address]] Calls calls_{};
};

} // namespace perdure

#endif
