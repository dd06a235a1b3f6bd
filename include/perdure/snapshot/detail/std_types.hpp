// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_STD_TYPES_HPP
#define PERDURE_SNAPSHOT_DETAIL_STD_TYPES_HPP

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <concepts>
#include <cstddef>
#include <deque>
#include <forward_list>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

// Which shape a standard container has. By name and not by its members: a user's class that looks
// like a container has a serialize of its own.
namespace perdure::detail {

template <class T>
inline constexpr bool is_plain_sequence = false;
template <class T, class A>
inline constexpr bool is_plain_sequence<std::deque<T, A>> = true;
template <class T, class A>
inline constexpr bool is_plain_sequence<std::list<T, A>> = true;
template <class T, class A>
inline constexpr bool is_plain_sequence<std::forward_list<T, A>> = true;

template <class T>
concept plain_sequence = is_plain_sequence<T>;

enum class shape { other, set, map };

template <class T>
inline constexpr shape shape_of = shape::other;
template <class K, class C, class A>
inline constexpr shape shape_of<std::set<K, C, A>> = shape::set;
template <class K, class C, class A>
inline constexpr shape shape_of<std::multiset<K, C, A>> = shape::set;
template <class K, class H, class E, class A>
inline constexpr shape shape_of<std::unordered_set<K, H, E, A>> = shape::set;
template <class K, class H, class E, class A>
inline constexpr shape shape_of<std::unordered_multiset<K, H, E, A>> = shape::set;
template <class K, class V, class C, class A>
inline constexpr shape shape_of<std::map<K, V, C, A>> = shape::map;
template <class K, class V, class C, class A>
inline constexpr shape shape_of<std::multimap<K, V, C, A>> = shape::map;
template <class K, class V, class H, class E, class A>
inline constexpr shape shape_of<std::unordered_map<K, V, H, E, A>> = shape::map;
template <class K, class V, class H, class E, class A>
inline constexpr shape shape_of<std::unordered_multimap<K, V, H, E, A>> = shape::map;

template <class T>
concept set_or_map = shape_of<T> != shape::other;
// Everything that has a serialize function of its own.
template <class T>
concept other_class =
    (std::is_class_v<T> || std::is_union_v<T>)&&!plain_sequence<std::remove_const_t<T>> &&
    !set_or_map<std::remove_const_t<T>>;
template <class T>
concept map_shape = shape_of<T> == shape::map;
template <class T>
concept hashed = requires(T t, std::size_t n) {
    t.reserve(n);
    t.bucket_count();
};
template <class T>
concept unique_keys = requires(T t, typename T::value_type v) {
    {
        t.insert(v).second
    } -> std::convertible_to<bool>;
};

template <class S>
std::size_t count_of(S const& s)
{
    if constexpr (requires { s.size(); })
        return s.size();
    else
        return static_cast<std::size_t>(std::distance(s.begin(), s.end()));
}

// What a pointer may point to in an archive.
template <class T>
concept pointee = std::is_object_v<T> && !std::is_same_v<T, char> && !std::is_same_v<T, wchar_t> &&
                  !std::is_pointer_v<T> && !std::is_array_v<T>;

} // namespace perdure::detail

#endif
