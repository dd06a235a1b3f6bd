// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_PORTABLE_IARCHIVE_HPP
#define PERDURE_SNAPSHOT_PORTABLE_IARCHIVE_HPP

#include <perdure/snapshot/archive_io.hpp>
#include <perdure/snapshot/detail/archive_reader.hpp>
#include <perdure/snapshot/detail/archive_types.hpp>
#include <perdure/snapshot/detail/has_serialize.hpp>
#include <perdure/snapshot/detail/loaded_objects.hpp>
#include <perdure/snapshot/detail/serializer_map.hpp>
#include <perdure/snapshot/detail/std_types.hpp>

#include <boost/archive/detail/common_iarchive.hpp>
#include <boost/archive/detail/register_archive.hpp>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/item_version_type.hpp>
#include <boost/serialization/library_version_type.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/wrapper.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace perdure {

/** Reads a value from perdure's portable archive format (docs/formats/archive.md).
 *
 *  Models Boost.Serialization's loading archive; the counterpart of portable_oarchive.
 *
 *  @par Hostile bytes  No bytes make it behave undefined for types that own through containers, `unique_ptr` and
 *                      `shared_ptr`: every count is compared with the bytes that remain before
 *                      memory is reserved, references between objects are checked for their type, an
 *                      object gets at most one owner, depth is bounded. Raw pointers that own are the exception: two
 *                      of them can be made to name one object.
 *  @par Errors         Throws `boost::system::system_error` with
 *                      errc::truncated (the bytes end too early), errc::too_large (a count exceeds the bytes
 *                      that remain, or depth), errc::malformed (a value that its type forbids), or
 *                      errc::unsupported_version (an object of a newer class version than the program knows).
 *                      The object that was loaded into is then valid and half filled: load into a fresh one.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class portable_iarchive : public boost::archive::detail::common_iarchive<portable_iarchive>,
                          private detail::archive_reader {
    friend class boost::archive::detail::interface_iarchive<portable_iarchive>;
    friend class boost::archive::detail::common_iarchive<portable_iarchive>;
    friend class boost::archive::load_access;
    using base = boost::archive::detail::common_iarchive<portable_iarchive>;

public:
    /// Reads from `source`, which outlives the archive.
    explicit portable_iarchive(byte_source& source, archive_limits limits = {})
        : base(boost::archive::no_header), detail::archive_reader(source), limits_(limits)
    {
        set_library_version(boost::serialization::library_version_type(19));
    }

    /// Bytes that were not read yet.
    using detail::archive_reader::remaining;

    // -- what Boost.Serialization expects of an archive ------------------------------------------

    /// Copies the next bytes as they are. Throws errc::truncated.
    void load_binary(void* address, std::size_t size)
    {
        get_bytes(static_cast<std::byte*>(address), size);
    }

    /// As portable_oarchive::register_type.
    template <class T>
    boost::archive::detail::basic_pointer_iserializer const* register_type(T* = nullptr)
    {
        auto const& s = boost::serialization::singleton<boost::archive::detail::pointer_iserializer<
            portable_iarchive, T>>::get_const_instance();
        if (std::find(registered_.begin(), registered_.end(), &s) == registered_.end())
            registered_.push_back(&s);
        return &s;
    }

    /// Does nothing: only objects behind pointers are tracked, and those do not move.
    void reset_object_address(void const*, void const*) noexcept {}

private:
    template <class T>
    void load_override(T& t)
    {
        get(t);
    }

    // -- numbers ---------------------------------------------------------------------------------

    template <std::same_as<bool> T>
    void get(T& v)
    {
        v = get_flag();
    }

    template <detail::wire_number T>
    void get(T& v)
    {
        v = get_number<T>();
    }

    template <class T>
        requires std::is_enum_v<T> && (!detail::wire_number<T>)
    void get(T& v)
    {
        std::underlying_type_t<T> u{};
        get(u);
        v = static_cast<T>(u);
    }

    // -- sequences -------------------------------------------------------------------------------

    template <class T>
    void get_array(T* p, std::size_t n)
    {
        if constexpr (detail::wire_bulk<T>)
            get_bytes(reinterpret_cast<std::byte*>(p), n * sizeof(T));
        else
            for (; n != 0; --n)
                get(*p++);
    }

    // Calls use(element) with a fresh element; one without a default constructor is made by load_construct_data.
    template <class T, class Use>
    void with_element(Use&& use)
    {
        if constexpr (std::is_default_constructible_v<T> || !std::is_class_v<T>) {
            T v{};
            get(v);
            use(std::move(v));
        } else {
            unsigned const version = get_class_version<T>();
            alignas(T) std::byte storage[sizeof(T)];
            T* const v = reinterpret_cast<T*>(storage);
            boost::serialization::load_construct_data_adl(*this, v, version);
            struct destroyer {
                T* v;
                ~destroyer() { v->~T(); }
            } const guard{std::launder(v)};
            get(*guard.v);
            use(std::move(*guard.v));
        }
    }

    template <class T, class A>
    void get(std::vector<T, A>& v)
    {
        v.clear();
        if constexpr (detail::wire_number<T>) {
            // Also where they are not copied as they lie: the same bytes give the same error on every machine.
            std::size_t const n = get_count(detail::wire_width<T>());
            v.resize(n);
            get_array(v.data(), n);
        } else {
            std::size_t const n = get_count();
            auto const start = remaining();
            v.reserve(reservable<T>(n));
            for (std::size_t i = 0; i < n; ++i) {
                if constexpr (std::is_default_constructible_v<T>)
                    get(v.emplace_back());
                else
                    with_element<T>([&](T&& e) { v.push_back(std::move(e)); });
            }
            skip_padding(start, n);
        }
    }

    template <class A>
    void get(std::vector<bool, A>& v)
    {
        auto const n = get_number<std::uint64_t>();
        if (n / 8 > remaining())
            detail::throw_archive_error(errc::too_large, "a count exceeds the bytes that remain");
        v.assign(static_cast<std::size_t>(n), false);
        get_bits(v.size(), [&](std::size_t i) { v[i] = true; });
    }

    template <std::size_t N>
    void get(std::bitset<N>& v)
    {
        v.reset();
        get_bits(N, [&](std::size_t i) { v[i] = true; });
    }

    template <class Set>
    void get_bits(std::size_t n, Set set)
    {
        for (std::size_t i = 0; i < n; i += 8) {
            unsigned const bits = get_number<std::uint8_t>();
            std::size_t const used = std::min<std::size_t>(8, n - i);
            if (bits >> used != 0)
                detail::throw_archive_error(errc::malformed, "a bit behind the last one is set");
            for (std::size_t b = 0; b < used; ++b)
                if ((bits >> b & 1) != 0)
                    set(i + b);
        }
    }

    template <class C, class R, class A>
    void get(std::basic_string<C, R, A>& v)
    {
        std::size_t const n = get_count(detail::wire_width<C>());
        if constexpr (sizeof(C) == 1) {
            if (auto const* const here = take(n)) [[likely]] {
                v.assign(reinterpret_cast<C const*>(here), n);
                return;
            }
        }
        v.resize(n);
        get_array(v.data(), n);
    }

    template <detail::plain_sequence S>
    void get(S& v)
    {
        using value = typename S::value_type;
        std::size_t const n = get_count();
        auto const start = remaining();
        v.clear();
        if constexpr (requires(S s) { s.before_begin(); }) {
            auto at = v.before_begin();
            for (std::size_t i = 0; i < n; ++i)
                with_element<value>([&](value&& e) { at = v.insert_after(at, std::move(e)); });
        } else {
            for (std::size_t i = 0; i < n; ++i)
                with_element<value>([&](value&& e) { v.push_back(std::move(e)); });
        }
        skip_padding(start, n);
    }

    template <detail::set_or_map S>
    void get(S& v)
    {
        using key = typename S::key_type;
        std::size_t const n = get_count();
        auto const start = remaining();
        v.clear();
        if constexpr (detail::hashed<S>)
            v.reserve(reservable<typename S::value_type>(n));
        for (std::size_t i = 0; i < n; ++i) {
            with_element<key>([&](key&& k) {
                if constexpr (!detail::map_shape<S>) {
                    v.emplace_hint(v.end(), std::move(k));
                } else {
                    using mapped = typename S::mapped_type;
                    if constexpr (detail::unique_keys<S> && std::is_default_constructible_v<mapped>)
                        get(v.try_emplace(v.end(), std::move(k))->second);
                    else
                        with_element<mapped>([&](mapped&& m) {
                            v.emplace_hint(v.end(), std::move(k), std::move(m));
                        });
                }
            });
        }
        if (v.size() != n)
            detail::throw_archive_error(errc::malformed, "a key occurs twice");
        skip_padding(start, n);
    }

    template <class T, std::size_t N>
    void get(std::array<T, N>& v)
    {
        get_array(v.data(), N);
    }

    template <class T, std::size_t N>
    void get(T (&v)[N])
    {
        get_array(v, N);
    }

    template <class A, class B>
    void get(std::pair<A, B>& v)
    {
        get(const_cast<std::remove_const_t<A>&>(
            v.first)); // Boost's headers load into pair<Key const, T>.
        get(v.second);
    }

    template <class... T>
    void get(std::tuple<T...>& v)
    {
        std::apply([this](auto&... e) { (this->get(e), ...); }, v);
    }

    template <class T>
    void get(std::complex<T>& v)
    {
        T const re = get_number<T>();
        v = {re, get_number<T>()};
    }

    // -- one of several --------------------------------------------------------------------------

    template <class T>
    void get(std::optional<T>& v)
    {
        v.reset();
        if (get_flag())
            with_element<T>([&](T&& e) { v.emplace(std::move(e)); });
    }

    template <class... T>
    void get(std::variant<T...>& v)
    {
        auto const which = get_number<std::uint32_t>();
        if (which >= sizeof...(T))
            detail::throw_archive_error(errc::malformed,
                                        "a variant has no alternative of this number");
        get_alternative(v, which, std::index_sequence_for<T...>());
    }

    template <class V, std::size_t... I>
    void get_alternative(V& v, std::uint32_t which, std::index_sequence<I...>)
    {
        ((which == I ? with_element<std::variant_alternative_t<I, V>>(
                           [&](auto&& e) { v.template emplace<I>(std::move(e)); })
                     : void()),
         ...);
    }

    void get(std::monostate&) {}

    template <class R, class P>
    void get(std::chrono::duration<R, P>& v)
    {
        R count{};
        get(count);
        v = std::chrono::duration<R, P>(count);
    }

    template <class C, class D>
    void get(std::chrono::time_point<C, D>& v)
    {
        D since{};
        get(since);
        v = std::chrono::time_point<C, D>(since);
    }

    // -- wrappers of Boost.Serialization ---------------------------------------------------------

    template <class T>
    void get(boost::serialization::nvp<T> const& v)
    {
        get(v.value());
    }
    template <class T>
    void get(boost::serialization::nvp<T>& v)
    {
        get(v.value());
    }

    template <class T>
    void get(boost::serialization::array_wrapper<T> const& v)
    {
        get_array(v.address(), v.count());
    }
    template <class T>
    void get(boost::serialization::array_wrapper<T>& v)
    {
        get_array(v.address(), v.count());
    }

    void get(boost::serialization::collection_size_type& v)
    {
        v = boost::serialization::collection_size_type(get_count());
    }
    void get(boost::serialization::item_version_type& v)
    {
        v = boost::serialization::item_version_type(get_number<std::uint32_t>());
    }

    // common_iarchive names these for Boost's own bookkeeping of pointers, which this archive replaces.
    void get(boost::archive::version_type&) {}
    void get(boost::archive::object_id_type&) {}
    void get(boost::archive::class_id_type&) {}
    void get(boost::archive::class_id_optional_type&) {}
    void get(boost::archive::class_name_type&) {}
    void get(boost::archive::tracking_type&) {}

    // -- objects of classes ----------------------------------------------------------------------

    struct deeper {
        portable_iarchive& ar;
        explicit deeper(portable_iarchive& a) : ar(a)
        {
            if (++ar.depth_ > ar.limits_.depth_max)
                detail::throw_archive_error(errc::too_large,
                                            "objects lie deeper in one another than depth_max");
        }
        ~deeper() { --ar.depth_; }
    };

    std::uint32_t get_known_version(std::uint32_t newest)
    {
        auto const version = get_number<std::uint32_t>();
        if (version > newest)
            detail::throw_archive_error(
                errc::unsupported_version,
                "an object has a newer class version than the program knows");
        return version;
    }

    template <class T>
    unsigned get_class_version()
    {
        if constexpr (detail::has_class_version<T>) {
            void const* const key = detail::class_table::key<T>();
            if (auto const* known = versions_.find(key, typeid(T)))
                return *known;
            return *versions_.insert(key, typeid(T),
                                     get_known_version(detail::class_version_of<T>));
        }
        return detail::class_version_of<T>;
    }

    template <class T>
        requires detail::other_class<T>
    void get(T& v)
    {
        using object = std::remove_const_t<T>;
        static_assert(detail::has_serialize<portable_iarchive, object>(),
                      "the type cannot be serialized: give it a member serialize(archive, version), "
                      "or a function of that name, as Boost.Serialization wants it");
        static_assert(!std::is_const_v<T> || boost::serialization::is_wrapper<object>::type::value,
                      "loading into a const object: it is no wrapper of Boost.Serialization");
        static_assert(detail::level_of<object> >= boost::serialization::object_serializable,
                      "the archive cannot copy a class byte by byte (implementation level "
                      "primitive_type): give it a serialize function");
        if (static_cast<void const*>(&v) == constructing_)
            constructing_ = nullptr;
        deeper const guard(*this);
        unsigned const version = get_class_version<object>();
        boost::serialization::serialize_adl(*this, const_cast<object&>(v), version);
    }

    void get(long double&) = delete; // Its format differs between platforms: load a double.

    // -- pointers --------------------------------------------------------------------------------

    using pointer_serializer = boost::archive::detail::basic_pointer_iserializer;

    template <class P>
        requires std::is_pointer_v<P>
    void get(P& p)
    {
        using object = std::remove_const_t<std::remove_pointer_t<P>>;
        static_assert(detail::pointee<object>,
                      "a pointer is loaded as the object that it points to: void, functions and C "
                      "strings are none (use std::string)");
        auto const id = get_object<object>();
        p = id ? as<object>(*id) : nullptr;
    }

    template <class T, class D>
    void get(std::unique_ptr<T, D>& p)
    {
        using object = std::remove_const_t<T>;
        p.reset();
        if (auto const id = get_object<object>()) {
            object* const raw = as<object>(*id);
            objects_.own_alone(*id);
            p.reset(raw);
        }
    }

    template <class T>
    void get(std::shared_ptr<T>& p)
    {
        using object = std::remove_const_t<T>;
        p.reset();
        if (auto const id = get_object<object>())
            p = objects_.template share<object>(*id, as<object>(*id));
    }

    template <class T>
    void get(std::weak_ptr<T>& p)
    {
        std::shared_ptr<T> owner;
        get(owner);
        p = owner;
    }

    template <class T>
    T* as(std::uint32_t id) const
    {
        return objects_.template as<T>(id);
    }

    // The number of the object that a pointer names, or nothing for a null pointer.
    template <class T>
    std::optional<std::uint32_t> get_object()
    {
        pointer_serializer const* own = nullptr;
        if constexpr (!std::is_abstract_v<T>)
            own = &boost::serialization::singleton<boost::archive::detail::pointer_iserializer<
                portable_iarchive, T>>::get_const_instance();
        switch (get_number<std::uint8_t>()) {
        case 0:
            return std::nullopt;
        case 1: {
            auto const id = get_new_object(own);
            try {
                as<T>(id);
            } catch (...) {
                objects_.abandon(id, true); // Of another class: nobody will own it.
                throw;
            }
            return id;
        }
        case 2: {
            auto const id = get_number<std::uint32_t>();
            if (id >= objects_.size())
                detail::throw_archive_error(errc::malformed,
                                            "a pointer names an object that was not read");
            return id;
        }
        default:
            detail::throw_archive_error(errc::malformed, "a pointer is of no known kind");
        }
    }

    std::uint32_t get_new_object(pointer_serializer const* own)
    {
        deeper const guard(*this);
        auto const [serializer, version] = get_class(own);
        void* const address = serializer->heap_allocation();
        auto const id = objects_.add(address, *serializer);
        void const* const outer = std::exchange(constructing_, address);
        try {
            serializer->load_object_ptr(*this, address, version);
        } catch (...) {
            objects_.abandon(id, constructing_ != address);
            constructing_ = outer;
            throw;
        }
        constructing_ = outer;
        objects_.loaded(id);
        return id;
    }

    std::pair<pointer_serializer const*, std::uint32_t> get_class(pointer_serializer const* own)
    {
        auto const number = get_number<std::uint32_t>();
        if (number < classes_.size())
            return classes_[number];
        if (number > classes_.size())
            detail::throw_archive_error(errc::malformed,
                                        "a pointer names a class that was not read");
        pointer_serializer const* serializer = nullptr;
        switch (get_number<std::uint8_t>()) {
        case 0:
            serializer = own;
            break;
        case 1: {
            std::string key;
            get(key);
            auto const* const type = boost::serialization::extended_type_info::find(key.c_str());
            if (type != nullptr)
                serializer = static_cast<pointer_serializer const*>(
                    boost::archive::detail::archive_serializer_map<portable_iarchive>::find(*type));
            break;
        }
        case 2: {
            auto const at = get_number<std::uint32_t>();
            if (at < registered_.size())
                serializer = registered_[at];
            break;
        }
        default:
            break;
        }
        if (serializer == nullptr)
            detail::throw_archive_error(errc::malformed,
                                        "a class is neither exported nor registered");
        boost::archive::version_type const newest = serializer->get_basic_serializer().version();
        auto const version = get_known_version(static_cast<std::uint32_t>(newest));
        classes_.emplace_back(serializer, version);
        return classes_.back();
    }

    archive_limits limits_;
    std::uint32_t depth_ = 0;
    void const* constructing_ = nullptr; // memory of a new object until its constructor has run
    detail::class_table versions_;
    detail::loaded_objects objects_;
    std::vector<pointer_serializer const*> registered_;
    std::vector<std::pair<pointer_serializer const*, std::uint32_t>> classes_;
};

} // namespace perdure

BOOST_SERIALIZATION_REGISTER_ARCHIVE(perdure::portable_iarchive)

#endif
