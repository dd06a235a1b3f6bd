// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_SERIALIZER_MAP_HPP
#define PERDURE_SNAPSHOT_DETAIL_SERIALIZER_MAP_HPP

#include <boost/archive/detail/archive_serializer_map.hpp>
#include <boost/archive/detail/basic_serializer_map.hpp>
#include <boost/serialization/singleton.hpp>

namespace perdure {
class portable_oarchive;
class portable_iarchive;

namespace detail {
// The exported classes of one archive. Boost's own definition lies in a file without a guard, so
// a program with two archives of its own could not include it twice.
template <class Archive>
class exported_classes : public boost::archive::detail::basic_serializer_map {};
template <class Archive>
using exported_classes_of = boost::serialization::singleton<exported_classes<Archive>>;
} // namespace detail
} // namespace perdure

namespace boost::archive::detail {

template <>
inline bool archive_serializer_map<perdure::portable_oarchive>::insert(basic_serializer const* s)
{
    return perdure::detail::exported_classes_of<perdure::portable_oarchive>::get_mutable_instance()
        .insert(s);
}
template <>
inline void archive_serializer_map<perdure::portable_oarchive>::erase(basic_serializer const* s)
{
    if (!perdure::detail::exported_classes_of<perdure::portable_oarchive>::is_destroyed())
        perdure::detail::exported_classes_of<perdure::portable_oarchive>::get_mutable_instance()
            .erase(s);
}
template <>
inline basic_serializer const* archive_serializer_map<perdure::portable_oarchive>::find(
    serialization::extended_type_info const& type)
{
    return perdure::detail::exported_classes_of<perdure::portable_oarchive>::get_const_instance()
        .find(type);
}

template <>
inline bool archive_serializer_map<perdure::portable_iarchive>::insert(basic_serializer const* s)
{
    return perdure::detail::exported_classes_of<perdure::portable_iarchive>::get_mutable_instance()
        .insert(s);
}
template <>
inline void archive_serializer_map<perdure::portable_iarchive>::erase(basic_serializer const* s)
{
    if (!perdure::detail::exported_classes_of<perdure::portable_iarchive>::is_destroyed())
        perdure::detail::exported_classes_of<perdure::portable_iarchive>::get_mutable_instance()
            .erase(s);
}
template <>
inline basic_serializer const* archive_serializer_map<perdure::portable_iarchive>::find(
    serialization::extended_type_info const& type)
{
    return perdure::detail::exported_classes_of<perdure::portable_iarchive>::get_const_instance()
        .find(type);
}

} // namespace boost::archive::detail

#endif
