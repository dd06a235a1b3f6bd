// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_FILE_HPP
#define PERDURE_SNAPSHOT_FILE_HPP

#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/options.hpp>
#include <perdure/snapshot/reader.hpp>
#include <perdure/snapshot/writer.hpp>
#include <perdure/world/detail/temporary_file.hpp>
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
        : path_(std::move(path)),
          file_(
              std::move(files), [&](int n) { return path_ + ".tmp-" + std::to_string(n); }, ec)
    {
    }

    void append(std::span<std::span<std::byte const> const> parts, error_code& ec)
    {
        file_.append(parts, ec);
    }

    void commit(error_code& ec)
    {
        file_.finish(ec);
        if (ec)
            return;
        auto const slash = path_.rfind('/');
        file_.publish(slash == std::string::npos ? "."
                      : slash == 0               ? "/"
                                                 : path_.substr(0, slash),
                      path_, rename_mode::replace, ec);
    }

private:
    std::string path_;
    temporary_file<Files> file_;
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
 *               errc::wrong_log: of another log.
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
        content.partitions() != 1)
        ec = errc::wrong_type;
    else if (!detail::same_log(options, h))
        ec = errc::wrong_log;
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
