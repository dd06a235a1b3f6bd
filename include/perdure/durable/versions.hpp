// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_VERSIONS_HPP
#define PERDURE_DURABLE_VERSIONS_HPP

#include <perdure/error.hpp>

#include <boost/system/system_error.hpp>

#include <concepts>
#include <cstdint>
#include <utility>

namespace perdure {

/** A type that came after another one: it names the version before it and is made from it.
 *
 *      struct account_v1 { std::string name; ... };
 *      struct account { // version 2
 *          using previous_version = account_v1;
 *          explicit account(account_v1&& old) : name(std::move(old.name)), limit(100) {}
 *          ...
 *      };
 *
 *  States and commands of durable states are upgraded along this chain, step by step, when they are loaded. Where
 *  the oldest type of a chain is not the first version any more, it says `static constexpr std::uint16_t oldest_version = 3;`.
 */
template <class T>
concept has_previous_version = requires { typename T::previous_version; } &&
                               std::constructible_from<T, typename T::previous_version&&>;

/// The number of a type in its chain: 1 if it names no version before it.
template <class T>
constexpr std::uint16_t version_of() noexcept
{
    if constexpr (has_previous_version<T>)
        return static_cast<std::uint16_t>(version_of<typename T::previous_version>() + 1);
    else if constexpr (requires { T::oldest_version; })
        return T::oldest_version;
    else
        return 1;
}

namespace detail {

/* Reads a value of version `version` and takes it up to T. `read(value)` reads one version's bytes
 * into a fresh object.
 *
 * Throws errc::unsupported_version for one that is newer than T, or older than the chain.
 */
template <class T, class Read>
T read_version(std::uint16_t version, Read& read)
{
    if (version == version_of<T>()) {
        T value{};
        read(value);
        return value;
    }
    if constexpr (has_previous_version<T>) {
        if (version < version_of<T>())
            return T(read_version<typename T::previous_version>(version, read));
    }
    throw boost::system::system_error(make_error_code(errc::unsupported_version),
                                      "the version is not in the type's chain of versions");
}

} // namespace detail

} // namespace perdure

#endif
