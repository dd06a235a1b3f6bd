// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_TRACE_HPP
#define PERDURE_SIMULATION_TRACE_HPP

#include <perdure/bytes/hash.hpp>
#include <perdure/simulation/event.hpp>

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace perdure::simulation {

/// One thing that happened. `process` and `peer` are numbers of processes; 0 is the cluster itself.
struct trace_record {
    std::chrono::nanoseconds time{}; ///< Since the cluster began.
    simulation::event event{}; ///< What happened.
    std::uint32_t process = 0; ///< To which process, by its number.
    std::uint32_t peer = 0; ///< The other process of a message; else the same.
    std::uint64_t amount = 0; ///< Bytes, or what the event counts.
    std::uint64_t digest = 0; ///< Of the bytes, so that equal traces mean equal contents.
};

namespace detail {

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept
{
    return (std::rotl(hash, 27) ^ word) * 0xff51afd7ed558ccd + 1;
}

inline std::uint64_t digest(std::span<std::byte const> bytes) noexcept
{
    return xxh3_64(bytes.data(), bytes.size());
}

} // namespace detail

/** What happened in a run: a hash over everything, a count of everything, and the last few records.
 *
 *  Two runs with the same seed, options and program have the same hash; where they do not, the
 *  program depends on something outside the simulation (an address, a hash order, real time, a
 *  thread).
 */
class trace {
public:
    using listener = std::function<void(trace_record const&)>; ///< Told every record as it happens.

    /// `count` is how often it happened at once.
    void record(trace_record const& r, std::uint64_t count = 1)
    {
        counters_[r.event] += count;
        ++size_;
        hash_ = detail::mix(hash_, static_cast<std::uint64_t>(r.time.count()));
        hash_ = detail::mix(hash_, static_cast<std::uint64_t>(r.event) << 56 ^
                                       static_cast<std::uint64_t>(r.process) << 28 ^ r.peer);
        hash_ = detail::mix(hash_, r.amount);
        hash_ = detail::mix(hash_, r.digest);
        if (r.event == event::handler_ran)
            return;
        last_[last_count_++ % last_.size()] = r;
        if (listener_)
            listener_(r);
    }

    /// Of everything that happened so far, in order.
    std::uint64_t hash() const noexcept { return hash_; }
    /// How many things happened so far.
    std::uint64_t size() const noexcept { return size_; }
    /// How often each event has happened.
    simulation::counters const& counters() const noexcept { return counters_; }

    /// Calls `f` for each record but `handler_ran` as it happens; an empty function ends that.
    void listen(listener f) { listener_ = std::move(f); }

    /// The last records but `handler_ran`, oldest first, at most 32.
    std::vector<trace_record> last() const
    {
        std::vector<trace_record> records;
        auto const count = last_count_ < last_.size() ? last_count_ : last_.size();
        for (auto i = last_count_ - count; i != last_count_; ++i)
            records.push_back(last_[i % last_.size()]);
        return records;
    }

    /// The name that `process` has in lines of text.
    void name(std::uint32_t process, std::string text)
    {
        if (names_.size() <= process)
            names_.resize(process + 1);
        names_[process] = std::move(text);
    }

    /// One line: "    0.005123456 s  a: message lost to b (120)".
    std::string line(trace_record const& r) const
    {
        auto const ns = static_cast<std::uint64_t>(r.time.count());
        auto const fraction = std::to_string(ns % 1'000'000'000);
        auto text = std::to_string(ns / 1'000'000'000) + '.' +
                    std::string(9 - fraction.size(), '0') + fraction + " s";
        if (text.size() < 17)
            text.insert(0, 17 - text.size(), ' ');
        text += "  " + name(r.process) + ": " + to_string(r.event);
        if (r.peer != 0)
            text += ", with " + name(r.peer);
        if (r.amount != 0)
            text += " (" + std::to_string(r.amount) + ")";
        return text;
    }

private:
    std::string name(std::uint32_t process) const
    {
        return process < names_.size() && !names_[process].empty() ? names_[process]
                                                                   : std::to_string(process);
    }

    std::uint64_t hash_ = 0;
    std::uint64_t size_ = 0;
    simulation::counters counters_;
    std::array<trace_record, 32> last_{};
    std::size_t last_count_ = 0;
    std::vector<std::string> names_{"cluster"};
    listener listener_;
};

} // namespace perdure::simulation

#endif
