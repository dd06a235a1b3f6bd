// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BYTES_HASH_HPP
#define PERDURE_BYTES_HASH_HPP

// Hashes that two processes may agree on: equal on every platform, compiler, byte order and
// release.
//
// This is the only header that includes xxHash. Its functions are compiled into the including unit
// (nothing to link) and in scalar mode, so that units compiled for different vector instructions
// define the same functions; for keys of up to 240 bytes xxHash has no vector code anyway.
// XXH3 is used as it has been frozen since xxHash 0.8.0.

#if !defined(XXH_INLINE_ALL) && !defined(XXH_PRIVATE_API)
#define XXH_INLINE_ALL
#define PERDURE_UNDEFINE_XXH_INLINE_ALL
#endif
#ifndef XXH_VECTOR
#define XXH_VECTOR 0 // XXH_SCALAR
#endif
#include <xxhash.h>
#ifdef PERDURE_UNDEFINE_XXH_INLINE_ALL
#undef PERDURE_UNDEFINE_XXH_INLINE_ALL
#undef XXH_INLINE_ALL
#endif
static_assert(XXH_VERSION_NUMBER >= 800, "perdure needs xxHash 0.8.0, where XXH3 became stable");

#include <perdure/bytes/detail/xxh3_short.hpp>

#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

namespace perdure {

/// XXH3, 64 bits, of `size` bytes. Neither cryptographic nor safe against keys chosen by an enemy.
inline std::uint64_t xxh3_64(void const* data, std::size_t size, std::uint64_t seed = 0) noexcept
{
#if defined(PERDURE_HAS_XXH3_SHORT)
    if (size - 9 <= 16 - 9)
        return detail::xxh3_9_to_16(data, size, seed);
    if (size - 4 <= 8 - 4)
        return detail::xxh3_4_to_8(data, size, seed);
#endif
    return XXH3_64bits_withSeed(data, size, seed);
}

/// A 128-bit value, compared as a number: `high` first.
struct hash128 {
    std::uint64_t high{}; ///< The upper 64 bits.
    std::uint64_t low{}; ///< The lower 64 bits.
    friend constexpr auto operator<=>(hash128 const&, hash128 const&) = default;
};

/// XXH3, 128 bits, of `size` bytes: for naming content, where 64 bits would collide by chance.
inline hash128 xxh3_128(void const* data, std::size_t size, std::uint64_t seed = 0) noexcept
{
    auto const h = XXH3_128bits_withSeed(data, size, seed);
    return {h.high64, h.low64};
}

/// XXH64 of `size` bytes: the older hash, for formats and rings that were built on it.
inline std::uint64_t xxh64(void const* data, std::size_t size, std::uint64_t seed = 0) noexcept
{
    return XXH64(data, size, seed);
}

/** XXH3 of bytes that arrive in pieces; the result does not depend on how they are cut.
 *
 *  About 600 bytes, no allocation. Distinct objects may be used from distinct threads.
 */
class xxh3_stream {
public:
    /// An empty input.
    explicit xxh3_stream(std::uint64_t seed = 0) noexcept { reset(seed); }
    xxh3_stream(xxh3_stream const& other) noexcept { XXH3_copyState(&state_, &other.state_); }
    xxh3_stream& operator=(xxh3_stream const& other) noexcept
    {
        if (this != &other)
            XXH3_copyState(&state_, &other.state_);
        return *this;
    }
    ~xxh3_stream() = default;

    /// Starts anew, with an empty input.
    void reset(std::uint64_t seed = 0) noexcept { XXH3_128bits_reset_withSeed(&state_, seed); }
    /// Appends `size` bytes to the input; they are not kept. O(size).
    void update(void const* data, std::size_t size) noexcept
    {
        if (size != 0)
            XXH3_128bits_update(&state_, data, size);
    }
    /// What xxh3_64 gives for everything so far. More may follow.
    std::uint64_t digest_64() const noexcept { return XXH3_64bits_digest(&state_); }
    /// What xxh3_128 gives for everything so far. More may follow.
    hash128 digest_128() const noexcept
    {
        auto const h = XXH3_128bits_digest(&state_);
        return {h.high64, h.low64};
    }

private:
    XXH3_state_t state_;
};

namespace detail {

template <class T>
concept character = std::same_as<T, char> || std::same_as<T, unsigned char> ||
                    std::same_as<T, signed char> || std::same_as<T, char8_t>;

// wchar_t and the wide characters differ between platforms, so they have no stable hash.
template <class T>
concept stable_integer = std::integral<T> && sizeof(T) <= 8 && !std::same_as<T, wchar_t> &&
                         !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <class T>
concept text_like = std::convertible_to<T const&, std::string_view>;

// std::span<std::byte const>, std::array<unsigned char, 16>, std::u8string, ...
template <class T>
concept byte_range = !text_like<T> && requires(T const& v) {
    {
        v.size()
    } -> std::convertible_to<std::size_t>;
    requires std::is_pointer_v<decltype(v.data())>;
    requires sizeof(*v.data()) == 1;
    requires std::same_as<std::remove_cvref_t<decltype(*v.data())>, std::byte> ||
                 character<std::remove_cvref_t<decltype(*v.data())>>;
};

} // namespace detail

/** The stable 64-bit hash of a key: equal in every process, on every platform, in every release.
 *
 *  - Text (whatever converts to std::string_view) and ranges of bytes: XXH3 of the bytes, without a
 *    terminating zero, so `"k"`, std::string("k") and the byte range {0x6b} agree.
 *  - Integers: XXH3 of the value widened to 64 bits (sign-extended if signed) in little-endian
 *    order, so a key may change its integer type. A `char` counts as unsigned on every platform.
 *  - Enumerations: as their underlying integer.
 *  - A type of yours: write `std::uint64_t hash_key(T const&, std::uint64_t seed)` in its
 *    namespace (a friend will do), usually by hash_fields.
 *
 *  Floating-point numbers, pointers and wide characters have no stable hash and do not compile.
 *  There is deliberately no fallback to std::hash, which may differ between two runs of a program.
 *  Complexity: O(size). Thread safety: pure.
 */
template <detail::text_like Text>
inline std::uint64_t hash_key(Text const& key, std::uint64_t seed = 0) noexcept
{
    std::string_view const text = key;
    return xxh3_64(text.data(), text.size(), seed);
}

template <detail::byte_range Bytes>
inline std::uint64_t hash_key(Bytes const& key, std::uint64_t seed = 0) noexcept
{
    return xxh3_64(key.data(), key.size(), seed);
}

template <detail::stable_integer Integer>
inline std::uint64_t hash_key(Integer key, std::uint64_t seed = 0) noexcept
{
    std::uint64_t wide;
    if constexpr (std::same_as<Integer, char>)
        wide = static_cast<unsigned char>(key);
    else if constexpr (std::is_signed_v<Integer>)
        wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(key));
    else
        wide = key;
    unsigned char bytes[8];
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(bytes, &wide, 8);
    } else {
        for (int i = 0; i != 8; ++i)
            bytes[i] = static_cast<unsigned char>(wide >> (8 * i));
    }
    return xxh3_64(bytes, sizeof bytes, seed);
}

template <class Enum>
    requires std::is_enum_v<Enum>
inline std::uint64_t hash_key(Enum key, std::uint64_t seed = 0) noexcept
{
    return hash_key(static_cast<std::underlying_type_t<Enum>>(key), seed);
}

/** A key with a stable hash.
 *
 *  | expression          | meaning                                                            |
 *  |---------------------|--------------------------------------------------------------------|
 *  | `hash_key(k, seed)` | std::uint64_t; equal keys give equal values in every process       |
 */
template <class Key>
concept hashable_key = requires(Key const& key, std::uint64_t seed) {
    {
        hash_key(key, seed)
    } -> std::same_as<std::uint64_t>;
};

/** The hash of several fields in order: each field's hash seeds the next one.
 *
 *  Field boundaries count: ("node1", "12") and ("node11", "2") differ.
 */
template <hashable_key... Fields>
inline std::uint64_t hash_fields(std::uint64_t seed, Fields const&... fields) noexcept
{
    ((seed = hash_key(fields, seed)), ...);
    return seed;
}

/** The default hasher of everything here that places keys.
 *
 *  Two processes agree if they use the same seed. Heterogeneous: any hashable_key will do.
 */
struct key_hasher {
    using is_transparent = void; ///< Standard containers look up by any key type that hashes alike.
    std::uint64_t seed = 0; ///< Another seed gives hashes that are independent of these.

    template <hashable_key Key>
    std::uint64_t operator()(Key const& key) const noexcept
    {
        return hash_key(key, seed);
    }
    friend bool operator==(key_hasher const&, key_hasher const&) = default;
};

} // namespace perdure

#endif
