// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BYTES_CODEC_HPP
#define PERDURE_BYTES_CODEC_HPP

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

// Little-endian, fixed-width integers in byte buffers: the alphabet of every format of perdure.

namespace perdure {

/// The bytes of a text, without a terminating zero.
inline std::span<std::byte const> as_bytes(std::string_view text) noexcept
{
    return {reinterpret_cast<std::byte const*>(text.data()), text.size()};
}

/// Bytes as text; they need not be characters.
inline std::string_view as_text(std::span<std::byte const> bytes) noexcept
{
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

/// Reads an integer from sizeof(Integer) bytes at `from`, which need not be aligned.
template <std::integral Integer>
inline Integer load_little(std::byte const* from) noexcept
{
    Integer value;
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(&value, from, sizeof value);
    } else {
        std::make_unsigned_t<Integer> bits = 0;
        for (std::size_t i = 0; i != sizeof(Integer); ++i)
            bits = static_cast<decltype(bits)>(bits |
                                               (static_cast<decltype(bits)>(from[i]) << (8 * i)));
        value = static_cast<Integer>(bits);
    }
    return value;
}

/// Writes an integer to sizeof(Integer) bytes at `to`, which need not be aligned.
template <std::integral Integer>
inline void store_little(std::byte* to, Integer value) noexcept
{
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(to, &value, sizeof value);
    } else {
        auto const bits = static_cast<std::make_unsigned_t<Integer>>(value);
        for (std::size_t i = 0; i != sizeof(Integer); ++i)
            to[i] = static_cast<std::byte>(bits >> (8 * i));
    }
}

/** Reads fields from the front of a buffer and never beyond it.
 *
 *  A read that does not fit returns zero or an empty range and makes the reader fail; from then on
 *  every read does. So a message is decoded straight through and judged once, by `ok()` or
 *  `finished()`. It never throws, allocates nothing, and what it returns views the buffer.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class byte_reader {
public:
    /// Reads `bytes` from the front; they must outlive the reader.
    explicit byte_reader(std::span<std::byte const> bytes) noexcept : rest_(bytes) {}

    /// The next integer, little-endian; 0 and failed() from here on if fewer bytes remain.
    std::uint8_t u8() noexcept { return integer<std::uint8_t>(); }
    /// As u8().
    std::uint16_t u16() noexcept { return integer<std::uint16_t>(); }
    /// As u8().
    std::uint32_t u32() noexcept { return integer<std::uint32_t>(); }
    /// As u8().
    std::uint64_t u64() noexcept { return integer<std::uint64_t>(); }
    /// As u8(), in two's complement.
    std::int64_t i64() noexcept { return integer<std::int64_t>(); }
    /// As u8(): an IEEE 754 double of eight bytes, whatever its bits say.
    double f64() noexcept { return std::bit_cast<double>(u64()); }

    /// A byte that must be 0 or 1.
    bool boolean() noexcept
    {
        auto const value = u8();
        if (value > 1)
            fail();
        return value == 1;
    }

    /// The next `n` bytes.
    std::span<std::byte const> bytes(std::size_t n) noexcept
    {
        if (n > rest_.size() || failed_) {
            fail();
            return {};
        }
        auto const front = rest_.first(n);
        rest_ = rest_.subspan(n);
        return front;
    }

    /// A 32-bit length, at most `size_max`, and that many bytes.
    std::span<std::byte const> sized_bytes(std::size_t size_max) noexcept
    {
        auto const n = u32();
        if (n > size_max) {
            fail();
            return {};
        }
        return bytes(n);
    }
    /// As sized_bytes(), as text. The bytes are not checked to be UTF-8.
    std::string_view sized_text(std::size_t size_max) noexcept
    {
        return as_text(sized_bytes(size_max));
    }

    /// Passes over `n` bytes; fails if fewer remain.
    void skip(std::size_t n) noexcept { bytes(n); }

    /// Makes the reader fail: a field holds a value that its format forbids.
    void fail() noexcept
    {
        failed_ = true;
        rest_ = {};
    }

    /// No read has failed so far.
    bool ok() const noexcept { return !failed_; }
    /// Everything was read and nothing failed.
    bool finished() const noexcept { return !failed_ && rest_.empty(); }
    /// How many bytes have not been read.
    std::size_t remaining() const noexcept { return rest_.size(); }

private:
    template <class Integer>
    Integer integer() noexcept
    {
        if (rest_.size() < sizeof(Integer)) {
            fail();
            return 0;
        }
        auto const value = load_little<Integer>(rest_.data());
        rest_ = rest_.subspan(sizeof(Integer));
        return value;
    }

    std::span<std::byte const> rest_;
    bool failed_ = false;
};

namespace detail {

// What both writers offer; Derived::put(data, size) takes the bytes.
template <class Derived>
class byte_writer_base {
public:
    void u8(std::uint8_t v) { integer(v); }
    void u16(std::uint16_t v) { integer(v); }
    void u32(std::uint32_t v) { integer(v); }
    void u64(std::uint64_t v) { integer(v); }
    void i64(std::int64_t v) { integer(v); }
    void f64(double v) { integer(std::bit_cast<std::uint64_t>(v)); }
    void boolean(bool v) { integer(static_cast<std::uint8_t>(v)); }
    void bytes(std::span<std::byte const> v)
    {
        if (!v.empty())
            self().put(v.data(), v.size());
    }
    /// A 32-bit length and the bytes. Precondition: they are shorter than 4 GiB.
    void sized_bytes(std::span<std::byte const> v)
    {
        u32(static_cast<std::uint32_t>(v.size()));
        bytes(v);
    }
    void sized_text(std::string_view v) { sized_bytes(as_bytes(v)); }
    void zeros(std::size_t n)
    {
        for (; n >= 8; n -= 8)
            u64(0);
        for (; n != 0; --n)
            u8(0);
    }

private:
    template <class Integer>
    void integer(Integer value)
    {
        std::byte raw[sizeof(Integer)];
        store_little(raw, value);
        self().put(raw, sizeof raw);
    }
    Derived& self() noexcept { return static_cast<Derived&>(*this); }
};

} // namespace detail

/// Appends fields to a growing buffer that the caller owns.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class byte_writer : public detail::byte_writer_base<byte_writer> {
public:
    /// Appends to `to`, which must outlive the writer.
    explicit byte_writer(std::vector<std::byte>& to) noexcept : to_(&to) {}
    /// The size of the buffer, including what was in it before.
    std::size_t size() const noexcept { return to_->size(); }

private:
    friend class detail::byte_writer_base<byte_writer>;
    void put(std::byte const* data, std::size_t n) { to_->insert(to_->end(), data, data + n); }
    std::vector<std::byte>* to_;
};

/// Writes fields into a buffer of fixed size; what does not fit is not written and makes it fail.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
class span_writer : public detail::byte_writer_base<span_writer> {
public:
    /// Writes into `to` from its front; it must outlive the writer.
    explicit span_writer(std::span<std::byte> to) noexcept : to_(to) {}
    /// Whether all that was given had room.
    bool ok() const noexcept { return !failed_; }
    /// Bytes written so far.
    std::size_t size() const noexcept { return size_; }
    /// What has been written so far.
    std::span<std::byte const> written() const noexcept { return to_.first(size_); }

private:
    friend class detail::byte_writer_base<span_writer>;
    void put(std::byte const* data, std::size_t n) noexcept
    {
        failed_ = failed_ || n > to_.size() - size_;
        if (failed_)
            return;
        std::memcpy(to_.data() + size_, data, n);
        size_ += n;
    }
    std::span<std::byte> to_;
    std::size_t size_ = 0;
    bool failed_ = false;
};

} // namespace perdure

#endif
