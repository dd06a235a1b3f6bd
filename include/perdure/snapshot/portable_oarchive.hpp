// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_PORTABLE_OARCHIVE_HPP
#define PERDURE_SNAPSHOT_PORTABLE_OARCHIVE_HPP

#include <perdure/snapshot/archive_io.hpp>
#include <perdure/snapshot/detail/archive_types.hpp>
#include <perdure/snapshot/detail/has_serialize.hpp>
#include <perdure/snapshot/detail/serializer_map.hpp>
#include <perdure/snapshot/detail/std_types.hpp>

#include <boost/archive/detail/common_oarchive.hpp>
#include <boost/archive/detail/register_archive.hpp>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/item_version_type.hpp>
#include <boost/serialization/library_version_type.hpp>
#include <boost/serialization/nvp.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

namespace perdure {

/** Writes a value in perdure's portable archive format (docs/formats/archive.md).
 *
 *  Models Boost.Serialization's saving archive: a type needs its `serialize` and nothing else.
 *  Little-endian, widths fixed by the type's name (`long` has 8 bytes everywhere), so that any platform
 *  reads what another wrote. `std::size_t` is another name of `unsigned long` on 64-bit platforms and of
 *  `unsigned int`, with 4 bytes, on 32-bit ones: name a width where both read. `long double` is refused at
 *  compile time.
 *
 *  Standard containers, `std::string`, `pair`, `tuple`, `array`, `optional`, `variant`, `bitset`,
 *  `complex`, `chrono` durations and the smart pointers are written by the archive itself, so their bytes do
 *  not depend on the version of Boost. Boost's own types go through Boost's headers.
 *
 *  @par Class versions  The version of a class (BOOST_CLASS_VERSION) is written with its first object.
 *  @par Tracking        Objects saved by value are never tracked, whatever their tracking level says. Objects saved
 *                       through pointers are, so that what was shared is shared again; a class with
 *                       `track_never` is written anew at each raw or unique pointer to it.
 *  @par Pointers        To an object of a derived class: the class is exported (BOOST_CLASS_EXPORT) or
 *                       registered (`ar.template register_type<derived>()`), as with any Boost archive.
 *  @par Errors          Throws `boost::system::system_error` with errc::too_large if objects lie deeper than
 *                       `depth_max`, `archive_exception` for an unregistered class, and what the sink throws.
 *  @par Thread safety   Distinct objects: safe. Shared objects: unsafe.
 */
class portable_oarchive : public boost::archive::detail::common_oarchive<portable_oarchive> {
    friend class boost::archive::detail::interface_oarchive<portable_oarchive>;
    friend class boost::archive::detail::common_oarchive<portable_oarchive>;
    friend class boost::archive::save_access;
    using base = boost::archive::detail::common_oarchive<portable_oarchive>;

public:
    /// Writes into `sink`, which outlives the archive.
    explicit portable_oarchive(byte_sink& sink, archive_limits limits = {})
        : base(boost::archive::no_header), sink_(&sink), limits_(limits)
    {
    }

    /// Hands what is still in the buffer to the sink. The destructor does not.
    void flush() { refill(); }

    /// Bytes written so far.
    std::uint64_t position() const noexcept
    {
        return before_ + static_cast<std::uint64_t>(next_ - begin_);
    }

    // -- what Boost.Serialization expects of an archive ------------------------------------------

    /// Writes bytes as they are.
    void save_binary(void const* address, std::size_t size)
    {
        put_bytes(static_cast<std::byte const*>(address), size);
    }

    /// Makes a derived class known, in the same order when saving and loading; exported classes need it not.
    template <class T>
    boost::archive::detail::basic_pointer_oserializer const* register_type(T const* = nullptr)
    {
        auto const& s = boost::serialization::singleton<boost::archive::detail::pointer_oserializer<
            portable_oarchive, T>>::get_const_instance();
        if (std::find(registered_.begin(), registered_.end(), &s) == registered_.end())
            registered_.push_back(&s);
        return &s;
    }

    // The headers of Boost containers ask for it; constant, so that their bytes do not follow Boost's releases.
    /// Which format of containers Boost's headers shall use; always the same.
    boost::serialization::library_version_type get_library_version() const
    {
        return boost::serialization::library_version_type(19);
    }

    /// Forgets the objects that were saved through pointers: later pointers to them write them anew.
    void forget_objects() { objects_.clear(); }

private:
    template <class T>
    void save_override(T const& t)
    {
        put(t);
    }

    // -- numbers ---------------------------------------------------------------------------------

    template <std::same_as<bool> T>
    void put(T v)
    {
        put_number<std::uint8_t>(v ? 1 : 0);
    }

    template <detail::wire_number T>
    void put(T v)
    {
        put_number(v);
    }

    template <class T>
        requires std::is_enum_v<T> && (!detail::wire_number<T>)
    void put(T v)
    {
        put(static_cast<std::underlying_type_t<T>>(v));
    }

    template <class T>
    void put_number(T v)
    {
        auto const wire = detail::to_wire(v);
        if (static_cast<std::size_t>(end_ - next_) >= sizeof wire) [[likely]] {
            std::memcpy(next_, &wire, sizeof wire);
            next_ += sizeof wire;
        } else {
            std::byte bytes[sizeof wire];
            std::memcpy(bytes, &wire, sizeof wire);
            put_bytes_slowly(bytes, sizeof wire);
        }
    }

    void put_count(std::size_t n) { put_number(static_cast<std::uint64_t>(n)); }

    void put_bytes(std::byte const* p, std::size_t n)
    {
        if (static_cast<std::size_t>(end_ - next_) >= n) [[likely]] {
            if (n != 0)
                std::memcpy(next_, p, n);
            next_ += n;
        } else {
            put_bytes_slowly(p, n);
        }
    }

    void put_bytes_slowly(std::byte const* p, std::size_t n)
    {
        while (n != 0) {
            if (next_ == end_)
                refill();
            std::size_t const part = std::min(n, static_cast<std::size_t>(end_ - next_));
            std::memcpy(next_, p, part);
            next_ += part;
            p += part;
            n -= part;
        }
    }

    void refill()
    {
        auto const filled = static_cast<std::size_t>(next_ - begin_);
        auto const buffer = sink_->exchange(filled);
        before_ += filled;
        begin_ = next_ = buffer.data();
        end_ = begin_ + buffer.size();
    }

    // -- sequences -------------------------------------------------------------------------------

    // `n` elements that lie behind one another in memory, without their count.
    template <class T>
    void put_array(T const* p, std::size_t n)
    {
        if constexpr (detail::wire_bulk<T>)
            put_bytes(reinterpret_cast<std::byte const*>(p), n * sizeof(T));
        else
            for (; n != 0; --n)
                put(*p++);
    }

    // Fills up to one byte per element, so that a reader may refuse a count above the bytes that remain.
    void pad_elements(std::uint64_t start, std::size_t n)
    {
        while (position() - start < n) [[unlikely]]
            put_number(std::uint8_t{0});
    }

    template <class T>
    void put_element(T const& v)
    {
        if constexpr (!std::is_default_constructible_v<T> && std::is_class_v<T>)
            boost::serialization::save_construct_data_adl(*this, &v, put_class_version<T>());
        put(v);
    }

    template <class Range>
    void put_elements(Range const& range, std::size_t n)
    {
        put_count(n);
        std::uint64_t const start = position();
        for (auto const& v : range) {
            if constexpr (detail::map_shape<Range>) {
                put_element(v.first);
                put_element(v.second);
            } else {
                put_element(v);
            }
        }
        pad_elements(start, n);
    }

    template <class T, class A>
    void put(std::vector<T, A> const& v)
    {
        if constexpr (detail::wire_bulk<T>) {
            put_count(v.size());
            put_array(v.data(), v.size());
        } else {
            put_elements(v, v.size());
        }
    }

    template <class A>
    void put(std::vector<bool, A> const& v)
    {
        put_count(v.size());
        std::uint8_t bits = 0;
        for (std::size_t i = 0; i < v.size(); ++i) {
            bits = static_cast<std::uint8_t>(bits | (v[i] ? 1u : 0u) << i % 8);
            if (i % 8 == 7)
                put_number(std::exchange(bits, std::uint8_t{0}));
        }
        if (v.size() % 8 != 0)
            put_number(bits);
    }

    template <std::size_t N>
    void put(std::bitset<N> const& v)
    {
        for (std::size_t byte = 0; byte < (N + 7) / 8; ++byte) {
            unsigned bits = 0;
            for (std::size_t i = 8 * byte; i < N && i < 8 * byte + 8; ++i)
                bits |= (v[i] ? 1u : 0u) << i % 8;
            put_number(static_cast<std::uint8_t>(bits));
        }
    }

    template <class C, class R, class A>
    void put(std::basic_string<C, R, A> const& v)
    {
        put_count(v.size());
        put_array(v.data(), v.size());
    }

    template <detail::plain_sequence S>
    void put(S const& v)
    {
        put_elements(v, detail::count_of(v));
    }

    // A map's elements are key, value, key, value: a pair has no class version of its own.
    template <detail::set_or_map S>
    void put(S const& v)
    {
        put_elements(v, v.size());
    }

    template <class T, std::size_t N>
    void put(std::array<T, N> const& v)
    {
        put_array(v.data(), N);
    }

    template <class T, std::size_t N>
    void put(T const (&v)[N])
    {
        put_array(v, N);
    }

    template <class A, class B>
    void put(std::pair<A, B> const& v)
    {
        put(v.first);
        put(v.second);
    }

    template <class... T>
    void put(std::tuple<T...> const& v)
    {
        std::apply([this](auto const&... e) { (this->put(e), ...); }, v);
    }

    template <class T>
    void put(std::complex<T> const& v)
    {
        put(v.real());
        put(v.imag());
    }

    // -- one of several --------------------------------------------------------------------------

    template <class T>
    void put(std::optional<T> const& v)
    {
        put(v.has_value());
        if (v)
            put_element(*v);
    }

    template <class... T>
    void put(std::variant<T...> const& v)
    {
        if (v.valueless_by_exception())
            detail::throw_archive_error(errc::malformed,
                                        "a variant without a value cannot be saved");
        put_number(static_cast<std::uint32_t>(v.index()));
        std::visit([this](auto const& e) { this->put_element(e); }, v);
    }

    void put(std::monostate) {}

    template <class R, class P>
    void put(std::chrono::duration<R, P> const& v)
    {
        put(v.count());
    }

    template <class C, class D>
    void put(std::chrono::time_point<C, D> const& v)
    {
        put(v.time_since_epoch());
    }

    // -- wrappers of Boost.Serialization ---------------------------------------------------------

    template <class T>
    void put(boost::serialization::nvp<T> const& v)
    {
        // A hash table's number of buckets is no part of its value, and unbounded when read back.
        if constexpr (std::is_same_v<std::remove_const_t<T>,
                                     boost::serialization::collection_size_type>)
            if (v.name() != nullptr && std::string_view(v.name()) == "bucket_count")
                return put_count(0);
        put(v.const_value());
    }

    template <class T>
    void put(boost::serialization::array_wrapper<T> const& v)
    {
        put_array(v.address(), v.count());
    }

    void put(boost::serialization::collection_size_type const& v)
    {
        put_count(static_cast<std::size_t>(v));
    }
    void put(boost::serialization::item_version_type const& v)
    {
        put_number(static_cast<std::uint32_t>(v));
    }

    // common_oarchive names these for Boost's own bookkeeping of pointers, which this archive replaces.
    void put(boost::archive::version_type const&) {}
    void put(boost::archive::object_id_type const&) {}
    void put(boost::archive::object_reference_type const&) {}
    void put(boost::archive::class_id_type const&) {}
    void put(boost::archive::class_id_reference_type const&) {}
    void put(boost::archive::class_id_optional_type const&) {}
    void put(boost::archive::class_name_type const&) {}
    void put(boost::archive::tracking_type const&) {}

    // -- objects of classes ----------------------------------------------------------------------

    struct deeper {
        portable_oarchive& ar;
        explicit deeper(portable_oarchive& a) : ar(a)
        {
            if (++ar.depth_ > ar.limits_.depth_max)
                detail::throw_archive_error(errc::too_large,
                                            "objects lie deeper in one another than depth_max");
        }
        ~deeper() { --ar.depth_; }
    };

    template <class T>
    unsigned put_class_version()
    {
        if constexpr (detail::has_class_version<T>) {
            void const* const key = detail::class_table::key<T>();
            if (!versions_.find(key, typeid(T))) {
                versions_.insert(key, typeid(T), detail::class_version_of<T>);
                put_number(static_cast<std::uint32_t>(detail::class_version_of<T>));
            }
        }
        return detail::class_version_of<T>;
    }

    template <class T>
        requires detail::other_class<T>
    void put(T const& v)
    {
        static_assert(detail::has_serialize<portable_oarchive, std::remove_const_t<T>>(),
                      "the type cannot be serialized: give it a member serialize(archive, version), "
                      "or a function of that name, as Boost.Serialization wants it");
        static_assert(detail::level_of<T> >= boost::serialization::object_serializable,
                      "the archive cannot copy a class byte by byte (implementation level "
                      "primitive_type): give it a serialize function");
        deeper const guard(*this);
        unsigned const version = put_class_version<T>();
        boost::serialization::serialize_adl(*this, const_cast<T&>(v), version);
    }

    void put(long double) = delete; // Its format differs between platforms: save a double.
    void put(std::nullptr_t) = delete;

    // -- pointers --------------------------------------------------------------------------------

    template <class P>
        requires std::is_pointer_v<P>
    void put(P p)
    {
        using object = std::remove_const_t<std::remove_pointer_t<P>>;
        static_assert(detail::pointee<object>,
                      "a pointer is saved as the object that it points to: void, functions and C "
                      "strings are none (use std::string)");
        put_pointer<object>(p, tracked<object>);
    }

    template <class T, class D>
    void put(std::unique_ptr<T, D> const& p)
    {
        put_pointer<std::remove_const_t<T>>(p.get(), tracked<std::remove_const_t<T>>);
    }

    template <class T>
    void put(std::shared_ptr<T> const& p)
    {
        put_pointer<std::remove_const_t<T>>(p.get(), true);
    }

    template <class T>
    void put(std::weak_ptr<T> const& p)
    {
        put(p.lock());
    }

    template <class T>
    static constexpr bool tracked =
        !detail::has_class_version<T> ||
        boost::serialization::tracking_level<T>::value != boost::serialization::track_never;

    using pointer_serializer = boost::archive::detail::basic_pointer_oserializer;

    template <class T>
    void put_pointer(T const* p, bool track)
    {
        using eti_type = typename boost::serialization::type_info_implementation<T>::type;
        using boost::archive::archive_exception;
        if (p == nullptr)
            return put_number(std::uint8_t{0});
        void const* object = p;
        pointer_serializer const* serializer = nullptr;
        bool derived = false;
        if constexpr (std::is_polymorphic_v<T>) {
            auto const& own = boost::serialization::singleton<eti_type>::get_const_instance();
            auto const* const actual = own.get_derived_extended_type_info(*p);
            if (actual == nullptr)
                throw archive_exception(archive_exception::unregistered_class,
                                        "a derived class is not exported or registered");
            if (*actual != own) {
                derived = true;
                object = boost::serialization::void_downcast(*actual, own, p);
                serializer = static_cast<pointer_serializer const*>(
                    boost::archive::detail::archive_serializer_map<portable_oarchive>::find(
                        *actual));
                if (object == nullptr || serializer == nullptr)
                    throw archive_exception(archive_exception::unregistered_class,
                                            actual->get_debug_info());
            }
        }
        if (serializer == nullptr) {
            if constexpr (!std::is_abstract_v<T>)
                serializer =
                    &boost::serialization::singleton<boost::archive::detail::pointer_oserializer<
                        portable_oarchive, T>>::get_const_instance();
            else
                throw archive_exception(archive_exception::unregistered_class);
        }
        put_object_at(object, *serializer, derived, track);
    }

    // kind 1: a new object; kind 2: one that was written before.
    void put_object_at(void const* object, pointer_serializer const& serializer, bool derived,
                       bool track)
    {
        if (track) {
            auto const [known, fresh] = objects_.try_emplace({object, &serializer}, object_count_);
            if (!fresh) {
                put_number(std::uint8_t{2});
                return put_number(known->second);
            }
        }
        ++object_count_;
        put_number(std::uint8_t{1});
        deeper const guard(*this);
        put_class(serializer, derived);
        serializer.save_object_ptr(*this, object);
    }

    // A class met before is named by its number; a new one by its key, its registration, or the pointer's own type.
    void put_class(pointer_serializer const& serializer, bool derived)
    {
        auto const [known, fresh] = classes_.try_emplace(
            {&serializer, derived}, static_cast<std::uint32_t>(classes_.size()));
        put_number(known->second);
        if (!fresh)
            return;
        if (!derived) {
            put_number(std::uint8_t{0});
        } else if (char const* const key = serializer.get_eti().get_key()) {
            put_number(std::uint8_t{1});
            std::string_view const name(key);
            put_count(name.size());
            put_array(name.data(), name.size());
        } else {
            auto const at = std::find(registered_.begin(), registered_.end(), &serializer);
            if (at == registered_.end())
                throw boost::archive::archive_exception(
                    boost::archive::archive_exception::unregistered_class,
                    serializer.get_eti().get_debug_info());
            put_number(std::uint8_t{2});
            put_number(static_cast<std::uint32_t>(at - registered_.begin()));
        }
        boost::archive::version_type const version = serializer.get_basic_serializer().version();
        put_number(static_cast<std::uint32_t>(version));
    }

    std::byte* begin_ = nullptr;
    std::byte* next_ = nullptr;
    std::byte* end_ = nullptr;
    std::uint64_t before_ = 0; // bytes in buffers that were handed to the sink
    byte_sink* sink_;
    archive_limits limits_;
    std::uint32_t depth_ = 0;
    std::uint32_t object_count_ = 0;
    detail::class_table versions_;
    std::vector<pointer_serializer const*> registered_;
    std::map<std::pair<pointer_serializer const*, bool>, std::uint32_t> classes_;
    std::map<std::pair<void const*, pointer_serializer const*>, std::uint32_t> objects_;
};

} // namespace perdure

BOOST_SERIALIZATION_REGISTER_ARCHIVE(perdure::portable_oarchive)

#endif
