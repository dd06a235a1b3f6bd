// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_ARCHIVE_TYPES_HPP
#define PERDURE_SNAPSHOT_DETAIL_ARCHIVE_TYPES_HPP

#include <perdure/error.hpp>

#include <boost/serialization/level.hpp>
#include <boost/serialization/version.hpp>
#include <boost/system/system_error.hpp>

#include <bit>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <typeinfo>
#include <vector>

namespace perdure::detail {

[[noreturn]] inline void throw_archive_error(errc e, char const* what)
{
    throw boost::system::system_error(make_error_code(e), what);
}

template <std::size_t Size>
struct unsigned_of_size;
template <>
struct unsigned_of_size<1> {
    using type = std::uint8_t;
};
template <>
struct unsigned_of_size<2> {
    using type = std::uint16_t;
};
template <>
struct unsigned_of_size<4> {
    using type = std::uint32_t;
};
template <>
struct unsigned_of_size<8> {
    using type = std::uint64_t;
};

static_assert(CHAR_BIT == 8 && sizeof(short) == 2 && sizeof(int) == 4 && sizeof(long long) == 8,
              "the archive format fixes the widths of short, int and long long");
static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559,
              "the archive format stores IEEE 754 numbers");

// The width of a number in the archive. It follows the type's name and not its size here, because
// long has 4 bytes on some platforms and 8 on others.
template <class T>
constexpr std::size_t wire_width() noexcept
{
    if constexpr (std::is_same_v<T, long> || std::is_same_v<T, unsigned long>)
        return 8;
    else if constexpr (std::is_same_v<T, wchar_t>)
        return 4;
    else
        return sizeof(T);
}

template <class T>
using wire_type = typename unsigned_of_size<wire_width<T>()>::type;

// Numbers that have a wire form: everything arithmetic but bool (validated) and long double (its
// format differs between platforms); std::byte as well.
template <class T>
concept wire_number =
    (std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, long double>) ||
    std::is_same_v<T, std::byte>;

// Arrays of these are copied as they lie in memory.
template <class T>
concept wire_bulk =
    wire_number<T> && wire_width<T>() == sizeof(T) && std::endian::native == std::endian::little;

template <class U>
constexpr U to_little(U v) noexcept
{
    if constexpr (std::endian::native == std::endian::little || sizeof(U) == 1) {
        return v;
    } else {
        U r = 0;
        for (std::size_t i = 0; i < sizeof(U); ++i)
            r = static_cast<U>(r << 8 | (v >> 8 * i & 0xff));
        return r;
    }
}

template <wire_number T>
wire_type<T> to_wire(T v) noexcept
{
    if constexpr (std::is_floating_point_v<T>)
        return to_little(std::bit_cast<wire_type<T>>(v));
    else if constexpr (std::is_signed_v<T>)
        // Widened with its sign, so that a 32-bit long reads back equal as a 64-bit one.
        return to_little(
            static_cast<wire_type<T>>(static_cast<std::make_signed_t<wire_type<T>>>(v)));
    else
        return to_little(static_cast<wire_type<T>>(v));
}

template <wire_number T>
T from_wire(wire_type<T> wire)
{
    wire = to_little(wire);
    if constexpr (std::is_floating_point_v<T>) {
        return std::bit_cast<T>(wire);
    } else if constexpr (sizeof(T) < sizeof(wire) && std::is_signed_v<T>) {
        auto const v = static_cast<std::make_signed_t<wire_type<T>>>(wire);
        if (v < static_cast<std::make_signed_t<wire_type<T>>>(std::numeric_limits<T>::min()) ||
            v > static_cast<std::make_signed_t<wire_type<T>>>(std::numeric_limits<T>::max()))
            throw_archive_error(errc::malformed, "a number does not fit into this platform's long");
        return static_cast<T>(v);
    } else if constexpr (sizeof(T) < sizeof(wire)) {
        if (wire > static_cast<wire_type<T>>(std::numeric_limits<T>::max()))
            throw_archive_error(errc::malformed,
                                "a number does not fit into this platform's long or wchar_t");
        return static_cast<T>(wire);
    } else {
        return static_cast<T>(wire);
    }
}

template <class T>
inline constexpr int level_of = boost::serialization::implementation_level<T>::value;

// Whether the class version goes into the archive with the first object of the class.
template <class T>
inline constexpr bool has_class_version = level_of<T> >= boost::serialization::object_class_info;

template <class T>
inline constexpr unsigned class_version_of = boost::serialization::version<T>::value;

/* Which classes an archive has met, with their versions.
 *
 * Asked once per object, so the usual case is one hash of a constant and one comparison. The key is
 * the address of a variable per class; the same class seen from two shared libraries may have two of
 * them, so a miss compares type_info before it calls the class new.
 */
class class_table {
public:
    template <class T>
    static void const* key() noexcept
    {
        static char tag; // Not const: linkers may fold equal constants into one address.
        return &tag;
    }

    // The version of a class met before, or nullptr.
    std::uint32_t const* find(void const* key, std::type_info const& type)
    {
        if (slots_.empty())
            return nullptr;
        for (std::size_t i = first_slot(key);; i = (i + 1) & (slots_.size() - 1)) {
            if (slots_[i].key == key)
                return &slots_[i].version;
            if (slots_[i].key == nullptr)
                break;
        }
        for (auto const& s : slots_)
            if (s.key != nullptr && *s.type == type)
                return insert(key, type, s.version);
        return nullptr;
    }

    std::uint32_t const* insert(void const* key, std::type_info const& type, std::uint32_t version)
    {
        if (2 * (size_ + 1) > slots_.size()) {
            std::vector<slot> old(slots_.empty() ? 16 : 2 * slots_.size());
            old.swap(slots_);
            for (auto const& s : old)
                if (s.key != nullptr)
                    place(s);
        }
        ++size_;
        return place({key, &type, version});
    }

private:
    struct slot {
        void const* key = nullptr;
        std::type_info const* type = nullptr;
        std::uint32_t version = 0;
    };

    std::size_t first_slot(void const* key) const noexcept
    {
        auto const k = reinterpret_cast<std::uintptr_t>(key);
        return static_cast<std::size_t>(k ^ k >> 7) & (slots_.size() - 1);
    }

    std::uint32_t const* place(slot const& s)
    {
        std::size_t i = first_slot(s.key);
        while (slots_[i].key != nullptr)
            i = (i + 1) & (slots_.size() - 1);
        slots_[i] = s;
        return &slots_[i].version;
    }

    std::vector<slot> slots_;
    std::size_t size_ = 0;
};

} // namespace perdure::detail

#endif
