// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_TEMPORARY_FILE_HPP
#define PERDURE_WORLD_DETAIL_TEMPORARY_FILE_HPP

#include <perdure/world/detail/write_back.hpp>
#include <perdure/world/files.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace perdure::detail {

/** A file that is written from its start to its end under a name of its own, and then gets its place or is removed.
 *
 *  The device begins with it while it is written.
 */
template <world_file_operations Files>
class temporary_file {
public:
    temporary_file() = default;

    /// Makes the file under the first name that is free of `name(1)`, `name(2)` and so on.
    template <class Name>
    temporary_file(Files files, Name&& name, error_code& ec) : files_(std::move(files))
    {
        for (int attempt = 1; attempt <= 100; ++attempt) {
            std::string path = name(attempt);
            file_ = files_->open(path, open_mode::create_new, ec);
            if (ec == boost::system::errc::file_exists)
                continue;
            if (!ec)
                path_ = std::move(path);
            return;
        }
    }
    temporary_file(temporary_file&& other) noexcept
        : files_(std::move(other.files_)),
          path_(std::exchange(other.path_, {})),
          file_(std::move(other.file_)),
          size_(other.size_),
          write_back_(other.write_back_)
    {
    }
    temporary_file& operator=(temporary_file&& other) noexcept
    {
        if (this != &other) {
            discard();
            files_ = std::move(other.files_);
            path_ = std::exchange(other.path_, {});
            file_ = std::move(other.file_);
            size_ = other.size_;
            write_back_ = other.write_back_;
        }
        return *this;
    }
    ~temporary_file() { discard(); }

    /// Adds bytes at the end.
    void append(std::span<std::span<std::byte const> const> parts, error_code& ec)
    {
        file_.write_at(size_, parts, ec);
        for (auto const& p : parts)
            size_ += p.size();
        if (!ec)
            write_back_.reached(file_, size_);
    }

    /// Makes what was written durable and closes the file.
    void finish(error_code& ec)
    {
        file_.sync(sync_mode::data, ec);
        // Some file systems report a lost write only when it is closed.
        if (!ec)
            file_.close(ec);
    }

    /// Gives it its place, durably. Precondition: it was finished.
    void publish(std::string const& directory, std::string const& path, rename_mode how,
                 error_code& ec)
    {
        files_->rename(path_, path, how, ec);
        if (ec)
            return;
        path_.clear();
        files_->sync_directory(directory, ec);
    }

    /// The operations it was made with. Precondition: it was made with some.
    Files& files() noexcept { return *files_; }

private:
    void discard() noexcept
    {
        if (path_.empty())
            return;
        error_code ignored;
        file_.close(ignored);
        files_->remove(std::exchange(path_, {}), ignored);
    }

    std::optional<Files> files_;
    std::string path_; // empty once it has its place, or if there is no file
    typename Files::file file_;
    std::uint64_t size_ = 0;
    write_back write_back_;
};

} // namespace perdure::detail

#endif
