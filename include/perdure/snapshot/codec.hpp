// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_CODEC_HPP
#define PERDURE_SNAPSHOT_CODEC_HPP

#include <perdure/snapshot/archive_io.hpp>
#include <perdure/snapshot/portable_iarchive.hpp>
#include <perdure/snapshot/portable_oarchive.hpp>

#include <boost/archive/archive_exception.hpp>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

namespace perdure {

/** How a value becomes the bytes of a snapshot and back.
 *
 *  | expression                | meaning                                                                    |
 *  |---------------------------|----------------------------------------------------------------------------|
 *  | `c.id()`                  | a std::uint32_t that is recorded; 1 to 999 are perdure's, 1000 and up yours |
 *  | `c.version()`             | a std::uint32_t that is recorded: the version of what encode writes         |
 *  | `c.reads(version)`        | whether decode understands what that version wrote                          |
 *  | `c.encode(value, sink)`   | writes the value's bytes; may throw                                         |
 *  | `c.decode(source, value)` | reads all bytes into a fresh value; throws if they are not one              |
 *
 *  `decode` sees verified bytes only. It may run off the loop.
 */
template <class C, class T>
concept snapshot_codec =
    std::copy_constructible<C> && requires(C const& c, T const& in, T& out, byte_sink& sink,
                                           byte_source& source, std::uint32_t version) {
        {
            c.id()
        } -> std::convertible_to<std::uint32_t>;
        {
            c.version()
        } -> std::convertible_to<std::uint32_t>;
        {
            c.reads(version)
        } -> std::convertible_to<bool>;
        c.encode(in, sink);
        c.decode(source, out);
    };

/// The default: the portable archive, for every type that Boost.Serialization can serialize.
struct portable_codec {
    /// Bounds, the same for writing and for reading.
    archive_limits limits{};

    /// Recorded with what it writes; see snapshot_codec.
    static constexpr std::uint32_t id() noexcept { return 1; }
    /// Of what encode writes.
    static constexpr std::uint32_t version() noexcept { return 1; }
    /// Whether decode understands what version `v` wrote.
    static constexpr bool reads(std::uint32_t v) noexcept { return v == 1; }

    /// Writes the value. Throws what its `serialize` throws.
    template <class T>
    void encode(T const& value, byte_sink& sink) const
    {
        portable_oarchive ar(sink, limits);
        ar << value;
        ar.flush();
    }

    /// Reads a value that fills the source. Throws if the bytes are none.
    template <class T>
    void decode(byte_source& source, T& value) const
    {
        portable_iarchive ar(source, limits);
        ar >> value;
        if (ar.remaining() != 0)
            detail::throw_archive_error(errc::malformed, "bytes are left over behind the value");
    }
};

namespace detail {

// Copies memory into a sink and back; the ends of sinks and sources are arbitrary.
inline void copy_to(byte_sink& sink, std::span<std::byte const> bytes)
{
    std::size_t filled = 0;
    while (true) {
        auto const room = sink.exchange(filled);
        if (bytes.empty()) {
            break;
        }
        filled = std::min(room.size(), bytes.size());
        std::memcpy(room.data(), bytes.data(), filled);
        bytes = bytes.subspan(filled);
    }
}

inline void copy_from(byte_source& source, std::span<std::byte> bytes)
{
    if (source.rest() != bytes.size())
        throw_archive_error(errc::malformed, "the size is not the value's");
    while (!bytes.empty()) {
        auto const segment = source.next();
        if (segment.empty() || segment.size() > bytes.size())
            throw_archive_error(errc::truncated, "the bytes end within the value");
        std::memcpy(bytes.data(), segment.data(), segment.size());
        bytes = bytes.subspan(segment.size());
    }
}

} // namespace detail

/** The memory of a trivially copyable value as it is: fastest, and tied to platform and compiler.
 *
 *  For a pure value without pointers. What a bool or an enumeration may hold is not checked.
 */
struct raw_codec {
    /// Recorded with what it writes; see snapshot_codec.
    static constexpr std::uint32_t id() noexcept { return 2; }
    // The byte order is part of it.
    /// Of what encode writes.
    static constexpr std::uint32_t version() noexcept
    {
        return std::endian::native == std::endian::little ? 1 : 2;
    }
    /// Whether decode understands what version `v` wrote.
    static constexpr bool reads(std::uint32_t v) noexcept { return v == version(); }

    /// Writes the value. Throws what its `serialize` throws.
    template <class T>
        requires std::is_trivially_copyable_v<T>
    void encode(T const& value, byte_sink& sink) const
    {
        detail::copy_to(sink, std::as_bytes(std::span(&value, 1)));
    }

    /// Reads a value that fills the source. Throws if the bytes are none.
    template <class T>
        requires std::is_trivially_copyable_v<T>
    void decode(byte_source& source, T& value) const
    {
        detail::copy_from(source, std::as_writable_bytes(std::span(&value, 1)));
    }
};

/// Bytes that the caller has serialized already.
struct bytes_codec {
    /// Recorded with what it writes; see snapshot_codec.
    static constexpr std::uint32_t id() noexcept { return 3; }
    /// Of what encode writes.
    static constexpr std::uint32_t version() noexcept { return 1; }
    /// Whether decode understands what version `v` wrote.
    static constexpr bool reads(std::uint32_t v) noexcept { return v == 1; }

    /// Writes the value. Throws what its `serialize` throws.
    void encode(std::vector<std::byte> const& value, byte_sink& sink) const
    {
        detail::copy_to(sink, value);
    }
    /// Reads a value that fills the source. Throws if the bytes are none.
    void decode(byte_source& source, std::vector<std::byte>& value) const
    {
        value.resize(static_cast<std::size_t>(source.rest()));
        detail::copy_from(source, value);
    }
};

namespace detail {

/* Calls what encodes or decodes and turns its exceptions into an error code.
 *
 * The bytes are intact here, so whatever a type throws is errc::cannot_decode, with two exceptions that
 * another attempt or another program may cure: memory, and versions.
 */
template <class Call>
void translate_decode(Call&& call, error_code& ec) noexcept
{
    ec = {};
    try {
        call();
    } catch (boost::system::system_error const& e) {
        ec =
            e.code() == errc::unsupported_version ? errc::unsupported_version : errc::cannot_decode;
    } catch (boost::archive::archive_exception const& e) {
        ec = e.code == boost::archive::archive_exception::unsupported_class_version ||
                     e.code == boost::archive::archive_exception::unsupported_version
                 ? errc::unsupported_version
                 : errc::cannot_decode;
    } catch (std::bad_alloc const&) {
        ec = make_error_code(boost::system::errc::not_enough_memory);
    } catch (...) {
        ec = errc::cannot_decode;
    }
}

template <class Call>
void translate_encode(Call&& call, error_code& ec) noexcept
{
    ec = {};
    try {
        call();
    } catch (boost::system::system_error const& e) {
        ec = e.code();
    } catch (std::bad_alloc const&) {
        ec = make_error_code(boost::system::errc::not_enough_memory);
    } catch (...) {
        ec = errc::cannot_encode;
    }
}

} // namespace detail

} // namespace perdure

#endif
