// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_LOADED_OBJECTS_HPP
#define PERDURE_SNAPSHOT_DETAIL_LOADED_OBJECTS_HPP

#include <perdure/snapshot/detail/archive_types.hpp>

#include <boost/archive/archive_exception.hpp>
#include <boost/archive/detail/basic_iserializer.hpp>
#include <boost/archive/detail/basic_pointer_iserializer.hpp>
#include <boost/serialization/extended_type_info_typeid.hpp>
#include <boost/serialization/singleton.hpp>
#include <boost/serialization/type_info_implementation.hpp>
#include <boost/serialization/void_cast.hpp>

#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

namespace perdure::detail {

/* The objects that an archive has read through pointers, and who owns each.
 *
 * Boost's own table trusts the bytes: two unique_ptr may be told to own one object, and a pointer
 * may be told to name an object of another type. Here both are checked.
 */
class loaded_objects {
    using serializer = boost::archive::detail::basic_pointer_iserializer;

public:
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(objects_.size()); }

    std::uint32_t add(void* address, serializer const& s)
    {
        objects_.push_back({address, &s, owner::none, true, nullptr});
        return size() - 1;
    }

    void loaded(std::uint32_t id) { objects_[id].loading = false; }

    // Loading it failed. Memory whose constructor did not run is leaked: only its class knows how to free it.
    void abandon(std::uint32_t id, bool constructed)
    {
        object& o = objects_[id];
        if (constructed && o.owned == owner::none) {
            o.owned = owner::gone;
            o.from->get_basic_serializer().destroy(o.address);
        }
    }

    // The object as a T, or an exception if it is none.
    template <class T>
    T* as(std::uint32_t id) const
    {
        object const& o = objects_[id];
        auto const& wanted = type_of<T>();
        auto const& actual = o.from->get_eti();
        if (actual == wanted)
            return static_cast<T*>(o.address);
        void* found = nullptr;
        try {
            found = const_cast<void*>(boost::serialization::void_upcast(actual, wanted, o.address));
        } catch (boost::archive::archive_exception const&) {
        }
        if (found == nullptr)
            throw_archive_error(errc::malformed, "a pointer names an object of another class");
        return static_cast<T*>(found);
    }

    void own_alone(std::uint32_t id)
    {
        object& o = objects_[id];
        if (o.owned != owner::none || o.loading)
            throw_archive_error(errc::malformed, "an object has two owners");
        o.owned = owner::alone;
    }

    template <class T>
    std::shared_ptr<T> share(std::uint32_t id, T* p)
    {
        object& o = objects_[id];
        if (o.owned == owner::shared)
            return std::shared_ptr<T>(o.shared, p);
        if (o.owned != owner::none)
            throw_archive_error(errc::malformed, "an object has two owners");
        o.owned = owner::shared;
        std::shared_ptr<T> owner;
        if (std::has_virtual_destructor_v<T> || o.from->get_eti() == type_of<T>())
            owner.reset(p); // As T, so that enable_shared_from_this works.
        else
            owner.reset(p, [from = o.from, address = o.address](T*) {
                from->get_basic_serializer().destroy(address);
            });
        o.shared = owner;
        return owner;
    }

private:
    template <class T>
    static boost::serialization::extended_type_info const& type_of()
    {
        return boost::serialization::singleton<
            typename boost::serialization::type_info_implementation<T>::type>::get_const_instance();
    }

    enum class owner : std::uint8_t { none, alone, shared, gone };

    struct object {
        void* address;
        serializer const* from;
        owner owned;
        bool loading;
        std::shared_ptr<void>
            shared; // Kept until the archive goes, so that weak pointers read first find it.
    };

    std::vector<object> objects_;
};

} // namespace perdure::detail

#endif
