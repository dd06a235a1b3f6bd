// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_HAS_SERIALIZE_HPP
#define PERDURE_SNAPSHOT_DETAIL_HAS_SERIALIZE_HPP

#include <boost/serialization/serialization.hpp>

#include <type_traits>

// Whether a type says how it is serialized, so that one sentence can say so if it does not.
namespace perdure::detail::serialize_probe {

// As general as Boost's own, which is always there and calls a member: where nobody gave a function
// for the type, the two are ambiguous.
template <class Archive, class T>
void serialize(Archive&, T&, unsigned const);

template <class Archive, class T>
concept function = requires(Archive& ar, T& v, boost::serialization::version_type version) {
    serialize(ar, v, version);
};

// The name is ambiguous in a class that inherits it twice, whether it is private or a template.
struct named {
    int serialize;
};
template <class T>
struct inherits : T, named {};

template <class T>
concept member = !requires { &inherits<T>::serialize; };

} // namespace perdure::detail::serialize_probe

namespace perdure::detail {

template <class Archive, class T>
consteval bool has_serialize()
{
    if constexpr (!std::is_class_v<T> || std::is_final_v<T>)
        return true; // Cannot be told.
    else
        return serialize_probe::function<Archive, T> || serialize_probe::member<T>;
}

} // namespace perdure::detail

#endif
