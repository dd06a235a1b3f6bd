// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_FILE_HPP
#define PERDURE_SNAPSHOT_FILE_HPP

#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/options.hpp>
#include <perdure/snapshot/reader.hpp>
#include <perdure/snapshot/writer.hpp>
#include <perdure/world/detail/write_behind.hpp>
#include <perdure/world/files.hpp>
#include <perdure/world/posix_files.hpp>

#include <boost/system/system_error.hpp>

#include <string>
#include <utility>

namespace perdure {

namespace detail {

// An upload that replaces one file: a temporary beside it, sync, rename, sync of the directory.
template <world_file_operations Files>
class replacing_upload {
public:
    replacing_upload(Files files, std::string path, error_code& ec)
        : files_(std::move(files)), path_(std::move(path))
    {
        for (int n = 1; n <= 100; ++n) {
            std::string name = path_ + ".tmp-" + std::to_string(n);
            file_ = files_.open(name, open_mode::create_new, ec);
            if (ec == boost::system::errc::file_exists)
                continue;
            if (!ec)
                temporary_ = std::move(name);
            return;
        }
    }
    replacing_upload(replacing_upload&& other) noexcept
        : files_(std::move(other.files_)),
          path_(std::move(other.path_)),
          temporary_(std::exchange(other.temporary_, {})),
          file_(std::move(other.file_)),
          size_(other.size_),
          write_behind_(other.write_behind_)
    {
    }
    ~replacing_upload()
    {
        if (temporary_.empty())
            return;
        error_code ignored;
        file_.close(ignored);
        files_.remove(temporary_, ignored);
    }

    void append(std::span<std::span<std::byte const> const> parts, error_code& ec)
    {
        file_.write_at(size_, parts, ec);
        for (auto const& p : parts)
            size_ += p.size();
        if (!ec)
            write_behind_.written(file_, size_);
    }

    void commit(error_code& ec)
    {
        file_.sync(sync_mode::data, ec);
        if (!ec)
            file_.close(ec);
        if (!ec)
            files_.rename(temporary_, path_, rename_mode::replace, ec);
        if (ec)
            return;
        temporary_.clear();
        auto const slash = path_.rfind('/');
        files_.sync_directory(slash == std::string::npos ? "."
                              : slash == 0               ? "/"
                                                         : path_.substr(0, slash),
                              ec);
    }

private:
    Files files_;
    std::string path_;
    std::string temporary_;
    typename Files::file file_;
    std::uint64_t size_ = 0;
    write_behind write_behind_;
};

} // namespace detail

/** Saves a value to one file, atomically and durably.
 *
 *  When it returns without an error, the file holds the new value, also after a power cut. Otherwise it holds
 *  the old value, complete, or does not exist as before; only if making the new name durable failed may it be either.
 *  Blocks. Two processes that save the same path at once both succeed, and one value stays.
 *
 *  @par Errors  errc::cannot_encode: the type threw. Else what the system reported.
 */
template <class T, class Codec = portable_codec, world_file_operations Files = posix_files<>>
    requires snapshot_codec<Codec, T>
void save(std::string const& path, T const& value, error_code& ec,
          snapshot_options const& options = {}, Codec const& codec = {}, Files files = {})
{
    check(options);
    snapshot_header h;
    h.type = options.type;
    h.schema_version = options.schema_version;
    h.log_id = options.log_id;
    h.codec = codec.id();
    h.codec_version = codec.version();
    h.creator = "perdure";
    detail::replacing_upload<Files> upload(std::move(files), path, ec);
    if (ec)
        return;
    snapshot_writer<detail::replacing_upload<Files>> writer(std::move(upload), std::move(h),
                                                            options.compression);
    error_code written;
    detail::translate_encode(
        [&] {
            chunk_sink sink([&](chunk_buffer b) {
                if (!written)
                    writer.append(b.bytes(), written);
                return b;
            });
            codec.encode(value, sink);
            sink.finish();
        },
        ec);
    if (!ec)
        ec = written;
    if (!ec)
        writer.commit(ec);
}

/// The same; throws boost::system::system_error.
template <class T>
void save(std::string const& path, T const& value, snapshot_options const& options = {})
{
    error_code ec;
    save(path, value, ec, options);
    if (ec)
        throw boost::system::system_error(ec, "perdure::save(\"" + path + "\")");
}

/** Loads a value that save wrote. Everything is verified before the type sees a byte.
 *
 *  @par Errors  condition::corruption: the file is not what was saved. errc::wrong_type: of another type or codec.
 *               errc::unsupported_version: written by a newer program. no_such_file_or_directory. Else
 *               what the system reported. The result is then a default-constructed value.
 */
template <class T, class Codec = portable_codec, world_file_operations Files = posix_files<>>
    requires snapshot_codec<Codec, T> && std::default_initializable<T>
[[nodiscard]] T load(std::string const& path, error_code& ec, snapshot_options const& options = {},
                     Codec const& codec = {}, Files files = {})
{
    check(options);
    auto file = files.open(path, open_mode::read, ec);
    if (ec)
        return T();
    auto known = options.decompressors;
    if (options.compression.decompress != nullptr)
        known.push_back(options.compression);
    auto const content = read_snapshot(file, known, ec);
    if (ec)
        return T();
    auto const& h = content.header();
    if ((!options.type.empty() && h.type != options.type) || h.codec != codec.id() ||
        content.partitions() != 1 || (options.log_id != hash128{} && h.log_id != options.log_id))
        ec = errc::wrong_type;
    else if (!codec.reads(h.codec_version))
        ec = errc::unsupported_version;
    if (ec)
        return T();
    T fresh{};
    detail::translate_decode(
        [&] {
            segmented_source source(content.bytes());
            codec.decode(source, fresh);
        },
        ec);
    if (ec)
        return T();
    return fresh;
}

/// The same; throws boost::system::system_error.
template <class T>
[[nodiscard]] T load(std::string const& path, snapshot_options const& options = {})
{
    error_code ec;
    T value = load<T>(path, ec, options);
    if (ec)
        throw boost::system::system_error(ec, "perdure::load(\"" + path + "\")");
    return value;
}

} // namespace perdure

#endif
