// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_POSIX_FILES_HPP
#define PERDURE_WORLD_POSIX_FILES_HPP

#include <perdure/world/posix_calls.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <sys/types.h>
#include <utility>

namespace perdure {

namespace detail {

// perdure's own code where the caller can act on it, else the system's.
inline error_code error_of(std::int64_t negated_errno)
{
    int const number = static_cast<int>(-negated_errno);
    if (number == ENOSPC || number == EDQUOT)
        return errc::no_space;
    return {number, boost::system::system_category()};
}

// Makes the call until it is not interrupted by a signal.
template <class Call>
auto uninterrupted(Call call)
{
    auto result = call();
    while (result == -EINTR)
        result = call();
    return result;
}

template <class Result>
bool report(Result result, error_code& ec)
{
    if (result < 0) {
        ec = error_of(result);
        return false;
    }
    ec = {};
    return true;
}

} // namespace detail

/** A file of the real world; models `world_file`.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <system_calls Calls = posix_calls>
class posix_file {
public:
    posix_file() = default;
    /// Takes over an open descriptor.
    posix_file(Calls calls, int descriptor) : calls_(std::move(calls)), descriptor_(descriptor) {}
    posix_file(posix_file&& other) noexcept
        : calls_(other.calls_), descriptor_(std::exchange(other.descriptor_, -1))
    {
    }
    posix_file& operator=(posix_file&& other) noexcept
    {
        if (this != &other) {
            error_code ignored;
            close(ignored);
            calls_ = other.calls_;
            descriptor_ = std::exchange(other.descriptor_, -1);
        }
        return *this;
    }
    ~posix_file()
    {
        error_code ignored;
        close(ignored);
    }

    bool is_open() const noexcept { return descriptor_ >= 0; }
    /// The file descriptor; -1 if the file is not open. It stays this object's.
    int native_handle() const noexcept { return descriptor_; }

    void write_at(std::uint64_t offset, std::span<std::byte const> bytes, error_code& ec)
    {
        write_at(offset, std::span(&bytes, 1), ec);
    }

    void write_at(std::uint64_t offset, std::span<std::span<std::byte const> const> parts,
                  error_code& ec)
    {
        ec = {};
        // One call takes so many buffers at most; the system guarantees 1024 and 64 fit the stack
        // well.
        std::array<iovec, 64> vectors;
        std::size_t next = 0;  // the part behind those in `vectors`
        std::size_t first = 0; // what is not yet written of `vectors`
        std::size_t last = 0;
        for (;;) {
            if (first == last) {
                for (first = last = 0; last < vectors.size() && next < parts.size(); ++next)
                    if (!parts[next].empty())
                        vectors[last++] = {const_cast<std::byte*>(parts[next].data()),
                                           parts[next].size()};
                if (last == 0)
                    return;
            }
            if (offset > max_offset) {
                ec = detail::error_of(-EFBIG);
                return;
            }
            auto const written = detail::uninterrupted([&] {
                return calls_.pwritev(descriptor_, &vectors[first], static_cast<int>(last - first),
                                      static_cast<std::int64_t>(offset));
            });
            // A write of nothing would be repeated for ever.
            if (!detail::report(written == 0 ? -EIO : written, ec))
                return;
            offset += static_cast<std::uint64_t>(written);
            for (auto left = static_cast<std::size_t>(written); left > 0;) {
                std::size_t const n = std::min(left, vectors[first].iov_len);
                vectors[first].iov_base = static_cast<std::byte*>(vectors[first].iov_base) + n;
                vectors[first].iov_len -= n;
                left -= n;
                if (vectors[first].iov_len == 0)
                    ++first;
            }
        }
    }

    std::size_t read_at(std::uint64_t offset, std::span<std::byte> bytes, error_code& ec)
    {
        ec = {};
        std::size_t size = 0;
        while (size < bytes.size()) {
            if (offset + size > max_offset)
                break; // Nothing can be there.
            iovec const part{bytes.data() + size, bytes.size() - size};
            auto const read = detail::uninterrupted([&] {
                return calls_.preadv(descriptor_, &part, 1,
                                     static_cast<std::int64_t>(offset + size));
            });
            if (!detail::report(read, ec) || read == 0)
                break;
            size += static_cast<std::size_t>(read);
        }
        return size;
    }

    void sync(sync_mode mode, error_code& ec)
    {
        ec = {};
        if (mode == sync_mode::none)
            return;
        detail::report(detail::uninterrupted([&] {
                           return mode == sync_mode::data ? calls_.fdatasync(descriptor_)
                                                          : calls_.fsync(descriptor_);
                       }),
                       ec);
    }

    void start_write_back(std::uint64_t offset, std::uint64_t n)
    {
        // What fails here is reported by the sync that follows.
        if (offset <= max_offset && n <= max_offset - offset)
            calls_.start_write_back(descriptor_, static_cast<std::int64_t>(offset),
                                    static_cast<std::int64_t>(n));
    }

    std::uint64_t size(error_code& ec)
    {
        auto const n = calls_.file_size(descriptor_);
        return detail::report(n, ec) ? static_cast<std::uint64_t>(n) : 0;
    }

    void allocate(std::uint64_t offset, std::uint64_t n, error_code& ec)
    {
        ec = {};
        if (n == 0)
            return;
        if (offset > max_offset || n > max_offset - offset) {
            ec = detail::error_of(-EFBIG);
            return;
        }
        auto const result = detail::uninterrupted([&] {
            return calls_.fallocate(descriptor_, static_cast<std::int64_t>(offset),
                                    static_cast<std::int64_t>(n));
        });
        if (result == -EOPNOTSUPP)
            write_zeros_up_to(offset + n, ec);
        else
            detail::report(result, ec);
    }

    void release_unwritten(std::uint64_t from)
    {
        if (from > max_offset)
            return;
        auto const size = calls_.file_size(descriptor_);
        auto end = static_cast<std::int64_t>(from); // Behind the last data.
        calls_.drop_cached(descriptor_, end); // Zeros that were only read count as data while they are cached.
        for (;;) {
            auto const data = calls_.next_data(descriptor_, end);
            if (data == -ENXIO)
                break;
            end = data < 0 ? data : calls_.next_hole(descriptor_, data);
            if (end < 0)
                return; // Not to be known here.
        }
        if (end < size)
            calls_.punch_hole(descriptor_, end, size - end);
    }

    void truncate(std::uint64_t n, error_code& ec)
    {
        if (n > max_offset) {
            ec = detail::error_of(-EFBIG);
            return;
        }
        detail::report(detail::uninterrupted([&] {
                           return calls_.ftruncate(descriptor_, static_cast<std::int64_t>(n));
                       }),
                       ec);
    }

    void lock(error_code& ec)
    {
        auto const result = detail::uninterrupted([&] { return calls_.lock(descriptor_); });
        if (result == -EWOULDBLOCK)
            ec = errc::locked;
        else
            detail::report(result, ec);
    }

    void close(error_code& ec)
    {
        ec = {};
        if (!is_open())
            return;
        // Linux has closed the descriptor also when it was interrupted: a second close would hit a
        // stranger's.
        auto const result = calls_.close(std::exchange(descriptor_, -1));
        detail::report(result == -EINTR ? 0 : result, ec);
    }

private:
    // What the system's calls take: on 32 bits without _FILE_OFFSET_BITS=64 more would be cut off.
    static constexpr std::uint64_t max_offset = std::numeric_limits<off_t>::max();

    // What fallocate does on file systems that lack it, except that holes inside the file stay.
    void write_zeros_up_to(std::uint64_t end, error_code& ec)
    {
        static constexpr std::array<std::byte, 4096> zeros{};
        for (std::uint64_t at = size(ec); !ec && at < end;) {
            auto const n =
                static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), end - at));
            write_at(at, std::span(zeros).first(n), ec);
            at += n;
        }
    }

    [[no_unique_address]] Calls calls_{};
    int descriptor_ = -1;
};

/** The blocking file operations of the real world; models `world_file_operations`.
 *
 *  @par Thread safety  Distinct objects: safe, copies too. Shared objects: unsafe.
 */
template <system_calls Calls = posix_calls>
class posix_files {
public:
    using file = posix_file<Calls>; ///< What open() gives.

    posix_files() = default;
    /// Files of the system, reached by `calls`.
    explicit posix_files(Calls calls) : calls_(std::move(calls)) {}

    file open(std::string const& path, open_mode mode, error_code& ec)
    {
        int flags = O_CLOEXEC;
        switch (mode) {
        case open_mode::read:
            // Without O_NONBLOCK a pipe waits for a writer, for ever. Files do not heed it.
            flags |= O_RDONLY | O_NONBLOCK;
            break;
        case open_mode::read_write:
            flags |= O_RDWR;
            break;
        case open_mode::create_new:
            flags |= O_RDWR | O_CREAT | O_EXCL;
            break;
        case open_mode::create:
            flags |= O_RDWR | O_CREAT;
            break;
        }
        file opened = open_with(path, flags, ec);
        // By the size it is known whether it is a file at all.
        if (!ec && mode == open_mode::read)
            opened.size(ec);
        return ec ? file() : std::move(opened);
    }

    void rename(std::string const& from, std::string const& to, rename_mode mode, error_code& ec)
    {
        if (mode == rename_mode::replace) {
            detail::report(calls_.rename(from.c_str(), to.c_str()), ec);
            return;
        }
        int result = calls_.rename_no_replace(from.c_str(), to.c_str());
        // File systems and kernels without it. A crash in between leaves both names on the same
        // file.
        if (result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP) {
            result = calls_.link(from.c_str(), to.c_str());
            if (result >= 0)
                result = calls_.unlink(from.c_str());
        }
        detail::report(result, ec);
    }

    void remove(std::string const& path, error_code& ec)
    {
        detail::report(calls_.unlink(path.c_str()), ec);
    }

    std::vector<directory_entry> list(std::string const& path, error_code& ec)
    {
        std::vector<directory_entry> entries;
        if (!detail::report(calls_.list(path.c_str(), entries), ec))
            return {};
        std::sort(entries.begin(), entries.end(),
                  [](auto const& a, auto const& b) { return a.name < b.name; });
        return entries;
    }

    void create_directories(std::string const& path, error_code& ec)
    {
        ec = {};
        std::size_t const size = path.find_last_not_of('/') + 1;
        if (size == 0) { // "" or "/"
            detail::report(path.empty() ? -ENOENT : 0, ec);
            return;
        }
        for (std::size_t end = 0; end < size;) {
            end = std::min(path.find('/', path.find_first_not_of('/', end)), size);
            create_directory(path.substr(0, end), end == size, ec);
            if (ec)
                return;
        }
    }

    void sync_directory(std::string const& path, error_code& ec)
    {
        file directory = open_with(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, ec);
        if (!ec)
            directory.sync(sync_mode::all, ec);
        // Some file systems cannot sync a directory and say so. Their names are as durable as they
        // get.
        if (ec == boost::system::errc::invalid_argument)
            ec = {};
        if (!ec)
            directory.close(ec);
    }

private:
    file open_with(std::string const& path, int flags, error_code& ec)
    {
        int const descriptor =
            detail::uninterrupted([&] { return calls_.open(path.c_str(), flags, 0666); });
        return detail::report(descriptor, ec) ? file(calls_, descriptor) : file();
    }

    void create_directory(std::string const& path, bool is_last, error_code& ec)
    {
        std::size_t const slash = path.rfind('/');
        std::string const parent = slash == std::string::npos ? "."
                                   : slash == 0               ? "/"
                                                              : path.substr(0, slash);
        int const made = calls_.mkdir(path.c_str());
        if (made >= 0) {
            sync_directory(parent, ec);
            if (ec)
                calls_.rmdir(path.c_str()); // So that another attempt makes and syncs it again.
            return;
        }
        int const existing = calls_.is_directory(path.c_str());
        if (existing <= 0) {
            // "It exists" is no help where something is there that cannot be looked at.
            bool const hidden = made == -EEXIST && existing != -ENOENT;
            detail::report(existing == 0 ? -ENOTDIR : hidden ? existing : made, ec);
            return;
        }
        // A process that made it may have been killed before its sync.
        if (is_last) {
            sync_directory(parent, ec);
            if (ec == boost::system::errc::permission_denied)
                ec = {}; // Then it was not a process like this one.
        }
    }

    [[no_unique_address]] Calls calls_{};
};

} // namespace perdure

#endif
