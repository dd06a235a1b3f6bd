// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_SLICES_HPP
#define PERDURE_SNAPSHOT_SLICES_HPP

#include <perdure/snapshot/codec.hpp>
#include <perdure/time.hpp>

#include <boost/serialization/array_wrapper.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace perdure {

/** Encodes a state a little at a time: `bool g(portable_oarchive& ar)` writes some values and says
 *  whether there are more.
 *
 *  One call should take some ten microseconds. Calls never overlap; between two of them other work runs, so either
 *  the state does not change meanwhile (*cooperative*: it is frozen, or the generator owns a copy or an immutable
 *  view), or what changes is found again by a replay that may be repeated (*fuzzy*, see basic_snapshot_store).
 */
template <class G>
concept slice_generator = std::move_constructible<G> && requires(G& g, portable_oarchive& ar) {
    {
        g(ar)
    } -> std::convertible_to<bool>;
};

/// A state that can be read back from what a generator wrote: the same values in the same order.
template <class T>
concept loads_slices = requires(T& value, portable_iarchive& ar) { value.load_slices(ar); };

/// How a snapshot is taken in slices.
struct slice_options {
    /// How long one slice on the loop may take; it ends after the call that passes this.
    std::chrono::nanoseconds budget = std::chrono::microseconds(300);
    /// Calls of the generator in one slice; 0: as many as the budget allows.
    std::uint32_t calls = 0;
    /// Chunks of 1 MiB that may be encoded and not yet written, for each generator: what bounds the memory. 1 or more.
    std::uint32_t chunks_ahead = 4;
};

/// @throws std::invalid_argument naming field, value and rule.
inline void check(slice_options const& o)
{
    if (o.chunks_ahead == 0)
        throw std::invalid_argument(
            "slice_options.chunks_ahead is 0; at least 1 is needed to save anything");
}

/** Values in slices: the bytes of a slice_generator, read by the state's `load_slices`.
 *
 *  Encodes a whole state at once too, if the state has `slices()` that gives a generator.
 */
struct slices_codec {
    /// Bounds, the same for writing and for reading.
    archive_limits limits{};

    /// Recorded with what it writes; see snapshot_codec.
    static constexpr std::uint32_t id() noexcept { return 6; }
    /// Of what encode writes.
    static constexpr std::uint32_t version() noexcept { return 1; }
    /// Whether decode understands what version `v` wrote.
    static constexpr bool reads(std::uint32_t v) noexcept { return v == 1; }

    /// Writes the slices of a value, all at once. Throws what they throw.
    template <class T>
        requires requires(T const& value) {
            {
                value.slices()
            } -> slice_generator;
        }
    void encode(T const& value, byte_sink& sink) const
    {
        portable_oarchive ar(sink, limits);
        auto generator = value.slices();
        while (generator(ar)) {
        }
        ar.flush();
    }

    /// Reads a value that fills the source. Throws if the bytes are none.
    template <loads_slices T>
    void decode(byte_source& source, T& value) const
    {
        portable_iarchive ar(source, limits);
        value.load_slices(ar);
        if (ar.remaining() != 0)
            detail::throw_archive_error(errc::malformed, "bytes are left over behind the value");
    }
};

/** Elements of a vector, a deque or the like, in slices; load_slices_of reads them.
 *
 *  Elements may change and be appended between slices, and the container may move its memory; it
 *  must not shrink below what was written.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class Sequence>
class sequence_slices {
public:
    /// @param sequence  lives as long as the generator.
    explicit sequence_slices(Sequence const& sequence, std::size_t elements_per_call = per_call)
        : sequence_(&sequence), step_(elements_per_call)
    {
    }

    bool operator()(portable_oarchive& ar)
    {
        std::size_t const n = std::min(step_, sequence_->size() - std::min(at_, sequence_->size()));
        ar << static_cast<std::uint64_t>(n);
        if (n == 0)
            return false;
        using value_type = typename Sequence::value_type;
        if constexpr (detail::wire_bulk<value_type> && requires { sequence_->data(); }) {
            ar << boost::serialization::make_array(sequence_->data() + at_, n);
        } else {
            for (std::size_t i = at_; i != at_ + n; ++i)
                ar << (*sequence_)[i];
        }
        at_ += n;
        return true;
    }

private:
    static constexpr std::size_t per_call =
        std::max<std::size_t>(16, 65536 / sizeof(typename Sequence::value_type) /
                                      (std::is_arithmetic_v<typename Sequence::value_type> ? 1 : 16));

    Sequence const* sequence_;
    std::size_t step_;
    std::size_t at_ = 0;
};

/** Elements of an ordered map or set, in slices; load_slices_of reads them.
 *
 *  Elements may be added, changed and removed between slices: the generator goes on behind the last key that it wrote.
 *
 *  @par Complexity  one search for each call of the generator.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class Ordered>
class ordered_slices {
public:
    /// @param elements  lives as long as the generator.
    explicit ordered_slices(Ordered const& elements, std::size_t elements_per_call = 64)
        : elements_(&elements), step_(elements_per_call)
    {
    }

    bool operator()(portable_oarchive& ar)
    {
        auto at = last_ ? elements_->upper_bound(*last_) : elements_->begin();
        auto end = at;
        std::uint64_t n = 0;
        for (; n != step_ && end != elements_->end(); ++n)
            ++end;
        ar << n;
        if (n == 0)
            return false;
        for (; at != end; ++at) {
            if constexpr (requires { at->second; })
                ar << at->first << at->second;
            else
                ar << *at;
        }
        --at;
        if constexpr (requires { at->second; })
            last_ = at->first;
        else
            last_ = *at;
        return true;
    }

private:
    Ordered const* elements_;
    std::size_t step_;
    std::optional<typename Ordered::key_type> last_;
};

/** Elements of any range that does not change meanwhile, in slices; load_slices_of reads them.
 *
 *  For unordered containers, which have no place to go on from after a change: use it on a copy or a view, or while
 *  nothing is written.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <class Range>
class range_slices {
public:
    /// @param range  lives as long as the generator, and does not change.
    explicit range_slices(Range const& range, std::size_t elements_per_call = 64)
        : at_(range.begin()), end_(range.end()), step_(elements_per_call)
    {
    }

    bool operator()(portable_oarchive& ar)
    {
        auto last = at_;
        std::uint64_t n = 0;
        for (; n != step_ && last != end_; ++n)
            ++last;
        ar << n;
        for (; at_ != last; ++at_) {
            if constexpr (requires { at_->second; })
                ar << at_->first << at_->second;
            else
                ar << *at_;
        }
        return n != 0;
    }

private:
    typename Range::const_iterator at_, end_;
    std::size_t step_;
};

/// One generator after another.
/// @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
template <slice_generator First, slice_generator Second>
class slices_in_turn {
public:
    /// `second` begins when `first` has ended.
    slices_in_turn(First first, Second second)
        : first_(std::move(first)), second_(std::move(second))
    {
    }
    bool operator()(portable_oarchive& ar)
    {
        if (!first_done_) {
            first_done_ = !first_(ar);
            return true;
        }
        return second_(ar);
    }

private:
    First first_;
    Second second_;
    bool first_done_ = false;
};

/// Reads what one of the generators above wrote into an empty container.
template <class Container>
void load_slices_of(portable_iarchive& ar, Container& elements)
{
    while (true) {
        std::uint64_t n = 0;
        ar >> n;
        if (n == 0)
            return;
        // An element takes a byte at least, so a count above what remains is a lie.
        if (n > ar.remaining())
            detail::throw_archive_error(errc::too_large, "a slice claims more elements than bytes");
        if constexpr (requires { typename Container::mapped_type; }) {
            for (; n != 0; --n) {
                std::pair<typename Container::key_type, typename Container::mapped_type> e{};
                ar >> e.first >> e.second;
                elements.insert(elements.end(), std::move(e));
            }
        } else if constexpr (requires { typename Container::key_type; }) {
            for (; n != 0; --n) {
                typename Container::key_type e{};
                ar >> e;
                elements.insert(elements.end(), std::move(e));
            }
        } else {
            using value_type = typename Container::value_type;
            if constexpr (detail::wire_bulk<value_type> && requires { elements.data(); }) {
                if (n > ar.remaining() / sizeof(value_type))
                    detail::throw_archive_error(errc::too_large,
                                                "a slice claims more elements than bytes");
                auto const before = elements.size();
                elements.resize(before + static_cast<std::size_t>(n));
                auto array = boost::serialization::make_array(elements.data() + before,
                                                              static_cast<std::size_t>(n));
                ar >> array;
            } else {
                for (; n != 0; --n) {
                    value_type e{};
                    ar >> e;
                    elements.push_back(std::move(e));
                }
            }
        }
    }
}

} // namespace perdure

#endif
