// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_POSIX_CALLS_HPP
#define PERDURE_WORLD_POSIX_CALLS_HPP

#ifndef __linux__
#error "perdure's system_world needs Linux. The cores and the simulation do not."
#endif

#include <perdure/world/files.hpp>

#include <cerrno>
#include <concepts>
#include <cstdint>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <stdio.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace perdure {

/** The system calls under a real World's files, one to one: the seam at which tests put failures
 *  and counters.
 *
 *  Each call returns what the system call returns, or the negated errno. Loops over short reads and
 *  writes and over EINTR are above this seam. A model is a cheap, copyable value; copies share what
 *  they count. Calls are made from several threads.
 *
 *  | expression                          | system call                                        |
 *  |-------------------------------------|----------------------------------------------------|
 *  | `c.open(path, flags, mode)`         | open: a descriptor                                 |
 *  | `c.close(fd)`                       | close                                              |
 *  | `c.pwritev(fd, parts, count, o)`    | pwritev: bytes written                             |
 *  | `c.preadv(fd, parts, count, o)`     | preadv: bytes read, 0 at the end                   |
 *  | `c.fdatasync(fd)`, `c.fsync(fd)`    | fdatasync, fsync                                   |
 *  | `c.start_write_back(fd, o, n)`      | sync_file_range, only SYNC_FILE_RANGE_WRITE; 0     |
 *  |                                     | where the system has no such call                  |
 *  | `c.file_size(fd)`                   | fstat: the size; -EINVAL for what is neither a     |
 *  |                                     | file nor a directory, such as a pipe               |
 *  | `c.fallocate(fd, o, n)`             | fallocate, mode 0                                  |
 *  | `c.drop_cached(fd, o)`              | posix_fadvise with DONTNEED, from `o` to the end   |
 *  | `c.next_data(fd, o)`                | lseek with SEEK_DATA: an offset; -EOPNOTSUPP where |
 *  | `c.next_hole(fd, o)`                | the system has no such call. Likewise SEEK_HOLE    |
 *  | `c.punch_hole(fd, o, n)`            | fallocate with PUNCH_HOLE and KEEP_SIZE; likewise  |
 *  | `c.ftruncate(fd, n)`                | ftruncate                                          |
 *  | `c.lock(fd)`                        | flock, exclusive, without waiting                  |
 *  | `c.rename(from, to)`                | rename                                             |
 *  | `c.rename_no_replace(from, to)`     | renameat2 with RENAME_NOREPLACE                    |
 *  | `c.link(from, to)`, `c.unlink(path)` | link, unlink                                      |
 *  | `c.mkdir(path)`, `c.rmdir(path)`    | mkdir, rmdir                                       |
 *  | `c.is_directory(path)`              | stat: 1 or 0                                       |
 *  | `c.list(path, entries)`             | opendir, readdir, fstatat: appends, in any order;  |
 *  |                                     | with size 0 what cannot be looked at               |
 */
// It would break every compound requirement into three lines.
// clang-format off
template <class C>
concept system_calls = std::copyable<C> && std::default_initializable<C> &&
    requires(C const& c, char const* path, int fd, int flags, iovec const* parts, std::int64_t n,
             std::vector<directory_entry>& entries) {
    { c.open(path, flags, mode_t{}) } -> std::same_as<int>;
    { c.close(fd) } -> std::same_as<int>;
    { c.pwritev(fd, parts, fd, n) } -> std::same_as<std::int64_t>;
    { c.preadv(fd, parts, fd, n) } -> std::same_as<std::int64_t>;
    { c.fdatasync(fd) } -> std::same_as<int>;
    { c.fsync(fd) } -> std::same_as<int>;
    { c.start_write_back(fd, n, n) } -> std::same_as<int>;
    { c.file_size(fd) } -> std::same_as<std::int64_t>;
    { c.fallocate(fd, n, n) } -> std::same_as<int>;
    { c.drop_cached(fd, n) } -> std::same_as<int>;
    { c.next_data(fd, n) } -> std::same_as<std::int64_t>;
    { c.next_hole(fd, n) } -> std::same_as<std::int64_t>;
    { c.punch_hole(fd, n, n) } -> std::same_as<int>;
    { c.ftruncate(fd, n) } -> std::same_as<int>;
    { c.lock(fd) } -> std::same_as<int>;
    { c.rename(path, path) } -> std::same_as<int>;
    { c.rename_no_replace(path, path) } -> std::same_as<int>;
    { c.link(path, path) } -> std::same_as<int>;
    { c.unlink(path) } -> std::same_as<int>;
    { c.mkdir(path) } -> std::same_as<int>;
    { c.rmdir(path) } -> std::same_as<int>;
    { c.is_directory(path) } -> std::same_as<int>;
    { c.list(path, entries) } -> std::same_as<int>;
};
// clang-format on

/// The system's own calls. See system_calls for the expressions.
struct posix_calls {
    int open(char const* path, int flags, mode_t mode) const noexcept
    {
        return result(::open(path, flags, mode));
    }
    int close(int fd) const noexcept { return result(::close(fd)); }
    std::int64_t pwritev(int fd, iovec const* parts, int count, std::int64_t o) const noexcept
    {
        return result(::pwritev(fd, parts, count, o));
    }
    std::int64_t preadv(int fd, iovec const* parts, int count, std::int64_t o) const noexcept
    {
        return result(::preadv(fd, parts, count, o));
    }
    int fdatasync(int fd) const noexcept { return result(::fdatasync(fd)); }
    int fsync(int fd) const noexcept { return result(::fsync(fd)); }
    int start_write_back([[maybe_unused]] int fd, [[maybe_unused]] std::int64_t o,
                         [[maybe_unused]] std::int64_t n) const noexcept
    {
#if defined(SYNC_FILE_RANGE_WRITE)
        return result(::sync_file_range(fd, o, n, SYNC_FILE_RANGE_WRITE));
#else
        return 0;
#endif
    }
    std::int64_t file_size(int fd) const noexcept
    {
        struct stat s;
        if (::fstat(fd, &s) != 0)
            return -std::int64_t{errno};
        return S_ISREG(s.st_mode) || S_ISDIR(s.st_mode) ? std::int64_t{s.st_size} : -EINVAL;
    }
    int fallocate(int fd, std::int64_t o, std::int64_t n) const noexcept
    {
        return result(::fallocate(fd, 0, o, n));
    }
    int drop_cached(int fd, std::int64_t o) const noexcept
    {
        return -::posix_fadvise(fd, o, 0, POSIX_FADV_DONTNEED);
    }
    std::int64_t next_data([[maybe_unused]] int fd, [[maybe_unused]] std::int64_t o) const noexcept
    {
#if defined(SEEK_DATA)
        return result(::lseek(fd, o, SEEK_DATA));
#else
        return -EOPNOTSUPP;
#endif
    }
    std::int64_t next_hole([[maybe_unused]] int fd, [[maybe_unused]] std::int64_t o) const noexcept
    {
#if defined(SEEK_HOLE)
        return result(::lseek(fd, o, SEEK_HOLE));
#else
        return -EOPNOTSUPP;
#endif
    }
    int punch_hole([[maybe_unused]] int fd, [[maybe_unused]] std::int64_t o,
                   [[maybe_unused]] std::int64_t n) const noexcept
    {
#if defined(FALLOC_FL_PUNCH_HOLE)
        return result(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, o, n));
#else
        return -EOPNOTSUPP;
#endif
    }
    int ftruncate(int fd, std::int64_t n) const noexcept { return result(::ftruncate(fd, n)); }
    int lock(int fd) const noexcept { return result(::flock(fd, LOCK_EX | LOCK_NB)); }
    int rename(char const* from, char const* to) const noexcept
    {
        return result(::rename(from, to));
    }
    int rename_no_replace(char const* from, char const* to) const noexcept
    {
        // By number, because the C library's wrapper is newer than some libraries in use.
        return result(static_cast<int>(
            ::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 1u /* RENAME_NOREPLACE */)));
    }
    int link(char const* from, char const* to) const noexcept { return result(::link(from, to)); }
    int unlink(char const* path) const noexcept { return result(::unlink(path)); }
    int mkdir(char const* path) const noexcept { return result(::mkdir(path, 0777)); }
    int rmdir(char const* path) const noexcept { return result(::rmdir(path)); }
    int is_directory(char const* path) const noexcept
    {
        struct stat s;
        return ::stat(path, &s) == 0 ? int{S_ISDIR(s.st_mode)} : -errno;
    }
    int list(char const* path, std::vector<directory_entry>& entries) const
    {
        struct closer {
            void operator()(DIR* d) const noexcept { ::closedir(d); }
        };
        std::unique_ptr<DIR, closer> const directory(::opendir(path));
        if (!directory)
            return -errno;
        for (;;) {
            errno = 0;
            dirent const* const found = ::readdir(directory.get());
            if (!found)
                return -errno;
            std::string name = found->d_name;
            if (name == "." || name == "..")
                continue;
            struct stat s{};
            if (::fstatat(::dirfd(directory.get()), name.c_str(), &s, 0) != 0) {
                if (errno == ENOENT)
                    continue; // Removed meanwhile, or a link to nothing.
                if (!is_of_the_entry(errno))
                    return -errno;
                // Who needs it is told when opening it; the others must not suffer.
                s.st_mode = found->d_type == DT_DIR ? S_IFDIR : S_IFREG;
            }
            bool const is_directory = S_ISDIR(s.st_mode);
            entries.push_back({std::move(name),
                               is_directory ? 0 : static_cast<std::uint64_t>(s.st_size),
                               is_directory});
        }
    }

private:
    // Links that lead nowhere, and what this user may not look at; not a disk that fails.
    static bool is_of_the_entry(int error) noexcept
    {
        return error == ELOOP || error == ENOTDIR || error == ENAMETOOLONG || error == EACCES ||
               error == EPERM || error == ENOTCONN;
    }

    template <class T>
    static T result(T returned) noexcept
    {
        return returned < 0 ? static_cast<T>(-errno) : returned;
    }
};

} // namespace perdure

#endif
