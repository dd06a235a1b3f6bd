// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_OPTIONS_HPP
#define PERDURE_SIMULATION_OPTIONS_HPP

#include <perdure/simulation/random.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace perdure::simulation {

/// Times in the options; any std::chrono duration converts.
using duration = std::chrono::nanoseconds;

/// How the network treats messages. Probabilities are per message unless said otherwise.
struct network_options {
    /// A message takes delay_min and an exponentially distributed time with mean delay_tail; so
    /// messages overtake.
    duration delay_min = std::chrono::microseconds(100);
    /// Mean of the exponential part of a delay, on top of the least.
    duration delay_tail = std::chrono::microseconds(100);
    double loss = 0; ///< Probability that a datagram is lost.
    double duplication = 0; ///< A second copy is sent with a delay of its own.
    double corruption = 0;  ///< Some bits of a datagram are flipped.
    /// The link stands still for a time with mean clog_mean; later messages wait behind.
    double clog = 0;
    duration clog_mean = std::chrono::seconds(1); ///< Mean time that a clogged link stays so.
    std::uint64_t link_capacity =
        1000; ///< Datagrams on the way per link and direction; what exceeds it is dropped.
    std::uint64_t receive_capacity =
        250;                 ///< Datagrams waiting in a socket; what exceeds it is dropped.
    double send_refusal = 0; ///< Per try_send: takes only a part, writable again 1 ms later.

    // Streams.
    std::uint64_t stream_window = 65536; ///< Bytes written and not yet read; more waits.
    double shortened_transfer = 0;       ///< Per read or write: moves less than it could.
    duration retransmit_after =
        std::chrono::milliseconds(200); ///< For a lost segment; doubles each time.
    /// A segment or a connection request that gets nowhere for so long breaks the connection
    /// (Linux: 15 minutes).
    duration stream_timeout = std::chrono::minutes(15);
    /// Probability that the peers of a machine that lost power are told by a reset; otherwise they
    /// notice when they send.
    double reset_on_crash = 0.5;

    // Partitions that come by themselves; an interval of 0 means none.
    duration partition_interval{}; ///< Mean time from one's end to the next.
    duration partition_mean = std::chrono::seconds(5); ///< Mean time that a partition stays.
    double partition_one_way = 0.3; ///< Per partition: messages still pass in one direction.

    friend bool operator==(network_options const&, network_options const&) = default;
};

/// How disks behave, and what a power cut leaves of what was not synced.
struct disk_options {
    duration read_min = std::chrono::microseconds(20); ///< Least time of a read.
    duration read_tail = std::chrono::microseconds(20); ///< Mean of its exponential part.
    duration write_min = std::chrono::microseconds(10); ///< Least time of a write.
    duration write_tail = std::chrono::microseconds(10); ///< Mean of its exponential part.
    duration sync_min = std::chrono::microseconds(500); ///< Least time of a sync.
    duration sync_tail = std::chrono::microseconds(500); ///< Mean of its exponential part.
    double stall = 0; ///< Per operation: takes a time with mean stall_mean longer.
    duration stall_mean = std::chrono::seconds(1); ///< Mean time that a stalled operation takes more.

    double read_error = 0;  ///< Per read: fails with EIO.
    double write_error = 0; ///< Per write: fails with EIO after an unknown part.
    double sync_error =
        0; ///< Per sync: fails with EIO, and some of the un-synced pages will never be written.
    std::uint64_t capacity = std::uint64_t(1) << 40; ///< Bytes of file contents before "no space".

    // What a power cut does with what was not synced; synced data always stays.
    double page_lost = 0.5; ///< Per 4096-byte page: as after the last sync.
    double page_torn =
        0.3; ///< Per page: each 512-byte sector is old or new. Otherwise the page is kept.
    double name_lost = 0.5; ///< Per creation, rename or removal whose directory was not synced.
    double size_lost = 0.5; ///< Per file: its size is an older one, cutting off written pages. Kept
                            ///< without its pages it reads as zeros.

    friend bool operator==(disk_options const&, disk_options const&) = default;
};

/// What happens to processes and clocks by itself; an interval of 0 means never.
struct process_options {
    duration crash_interval{}; ///< Mean time from a start to a power cut, per process.
    duration restart_after =
        std::chrono::seconds(1); ///< Mean time from such a crash to the restart.
    double kill = 0; ///< Per crash: the process is killed and its machine keeps running.
    double wipe = 0; ///< Per crash: it restarts with an empty disk.
    duration freeze_interval{}; ///< Mean time between two freezes of a process.
    duration freeze_mean = std::chrono::seconds(1); ///< Mean length of a freeze.
    std::uint64_t drift_ppm =
        0; ///< Each clock runs fast or slow by up to so many microseconds a second.
    duration clock_step_interval{}; ///< Mean time between forward jumps of a clock.
    duration clock_step_mean = std::chrono::seconds(1); ///< Mean size of a jump.

    friend bool operator==(process_options const&, process_options const&) = default;
};

/** Everything about a simulated cluster that is not its program: delays, probabilities of faults,
 *  capacities.
 *
 *  The presets below take their figures from the simulators and test benches named there.
 */
struct options {
    network_options network{}; ///< Of messages and links.
    disk_options disk{}; ///< Of every process's disk.
    process_options process{}; ///< Of processes and their clocks.
    /// So many handlers at one instant mean that the program never waits; the run then fails.
    std::uint64_t handlers_per_instant_max = 1'000'000;

    friend bool operator==(options const&, options const&) = default;
};

namespace detail {

/// The one list of fields: calls `f(name, o.field...)` for each, in order.
template <class F, class... O>
void for_each_field(F&& f, O&... o)
{
    f("network.delay_min", o.network.delay_min...);
    f("network.delay_tail", o.network.delay_tail...);
    f("network.loss", o.network.loss...);
    f("network.duplication", o.network.duplication...);
    f("network.corruption", o.network.corruption...);
    f("network.clog", o.network.clog...);
    f("network.clog_mean", o.network.clog_mean...);
    f("network.link_capacity", o.network.link_capacity...);
    f("network.receive_capacity", o.network.receive_capacity...);
    f("network.send_refusal", o.network.send_refusal...);
    f("network.stream_window", o.network.stream_window...);
    f("network.shortened_transfer", o.network.shortened_transfer...);
    f("network.retransmit_after", o.network.retransmit_after...);
    f("network.stream_timeout", o.network.stream_timeout...);
    f("network.reset_on_crash", o.network.reset_on_crash...);
    f("network.partition_interval", o.network.partition_interval...);
    f("network.partition_mean", o.network.partition_mean...);
    f("network.partition_one_way", o.network.partition_one_way...);
    f("disk.read_min", o.disk.read_min...);
    f("disk.read_tail", o.disk.read_tail...);
    f("disk.write_min", o.disk.write_min...);
    f("disk.write_tail", o.disk.write_tail...);
    f("disk.sync_min", o.disk.sync_min...);
    f("disk.sync_tail", o.disk.sync_tail...);
    f("disk.stall", o.disk.stall...);
    f("disk.stall_mean", o.disk.stall_mean...);
    f("disk.read_error", o.disk.read_error...);
    f("disk.write_error", o.disk.write_error...);
    f("disk.sync_error", o.disk.sync_error...);
    f("disk.capacity", o.disk.capacity...);
    f("disk.page_lost", o.disk.page_lost...);
    f("disk.page_torn", o.disk.page_torn...);
    f("disk.name_lost", o.disk.name_lost...);
    f("disk.size_lost", o.disk.size_lost...);
    f("process.crash_interval", o.process.crash_interval...);
    f("process.restart_after", o.process.restart_after...);
    f("process.kill", o.process.kill...);
    f("process.wipe", o.process.wipe...);
    f("process.freeze_interval", o.process.freeze_interval...);
    f("process.freeze_mean", o.process.freeze_mean...);
    f("process.drift_ppm", o.process.drift_ppm...);
    f("process.clock_step_interval", o.process.clock_step_interval...);
    f("process.clock_step_mean", o.process.clock_step_mean...);
    f("handlers_per_instant_max", o.handlers_per_instant_max...);
}

inline std::string field_text(double value)
{
    // Six digits, without a locale and without the trailing zeros of std::to_string.
    auto text = std::to_string(static_cast<long long>(value * 1e6 + 0.5));
    text.insert(0, text.size() < 7 ? 7 - text.size() : 0, '0');
    text.insert(text.size() - 6, ".");
    while (text.back() == '0')
        text.pop_back();
    if (text.back() == '.')
        text.pop_back();
    return text;
}
inline std::string field_text(std::uint64_t value)
{
    return std::to_string(value);
}
inline std::string field_text(duration value)
{
    auto const ns = value.count();
    if (ns == 0)
        return "0";
    if (ns % 1'000'000'000 == 0)
        return std::to_string(ns / 1'000'000'000) + "s";
    if (ns % 1'000'000 == 0)
        return std::to_string(ns / 1'000'000) + "ms";
    if (ns % 1000 == 0)
        return std::to_string(ns / 1000) + "us";
    return std::to_string(ns) + "ns";
}

inline void check_field(std::string const& name, double value)
{
    if (!(value >= 0 && value <= 1))
        throw std::invalid_argument("simulation options: " + name + " is " + std::to_string(value) +
                                    "; a probability is between 0 and 1");
}
inline void check_field(std::string const& name, duration value)
{
    using namespace std::chrono_literals;
    if (value < 0s || value > 24h * 366)
        throw std::invalid_argument("simulation options: " + name + " is " + field_text(value) +
                                    "; allowed are 0 to one year");
}
inline void check_field(std::string const&, std::uint64_t) {}

} // namespace detail

/// "name=value" for each field that differs from the default, separated by blanks; "defaults" if
/// none does.
inline std::string to_string(options const& o)
{
    std::string text;
    options const defaults;
    detail::for_each_field(
        [&](char const* name, auto const& value, auto const& usual) {
            if (value != usual)
                text +=
                    (text.empty() ? "" : " ") + std::string(name) + "=" + detail::field_text(value);
        },
        o, defaults);
    return text.empty() ? "defaults" : text;
}

/// Throws std::invalid_argument naming field, value and rule.
inline void validate(options const& o)
{
    detail::for_each_field(
        [](char const* name, auto const& value) { detail::check_field(name, value); }, o);
    auto const require = [](bool rule, std::string const& text) {
        if (!rule)
            throw std::invalid_argument("simulation options: " + text);
    };
    require(o.disk.page_lost + o.disk.page_torn <= 1,
            "disk.page_lost + disk.page_torn is " +
                detail::field_text(o.disk.page_lost + o.disk.page_torn) +
                "; the two exclude each other, so the sum is at most 1");
    require(o.process.drift_ppm <= 500'000, "process.drift_ppm is " +
                                                std::to_string(o.process.drift_ppm) +
                                                "; at most 500000 is allowed");
    require(o.network.stream_window > 0,
            "network.stream_window is 0; a stream needs at least one byte");
    require(o.network.retransmit_after.count() > 0,
            "network.retransmit_after is 0; it must be positive");
    require(o.handlers_per_instant_max > 0, "handlers_per_instant_max is 0; it must be positive");
}

/// A quiet local network and healthy disks: nothing fails, and only a crash loses what was not
/// synced.
inline options calm()
{
    return {};
}

/** A bad network, everything else healthy.
 *
 *  Jepsen's packet faults: 50 ms of delay, and 20 % each of loss, duplication and corruption
 *  [jepsen-io/jepsen, net.clj].
 */
inline options lossy()
{
    options o;
    o.network.delay_min = std::chrono::milliseconds(40);
    o.network.delay_tail = std::chrono::milliseconds(10);
    o.network.loss = o.network.duplication = o.network.corruption = 0.2;
    return o;
}

/** All faults at once, as much as a correct service has to survive.
 *
 *  Network and partitions: the upper ends of TigerBeetle's swarm (one-way delay 30 ms at least, 100
 *  ms in the mean; loss 30 %, duplicates 50 %, links of 20 messages, clogs of 5 s) [tigerbeetle,
 *  vopr.zig]. Crash to restart 10 to 1 as there, and 30 % wiped disks only on request: a single
 *  copy cannot survive them. A connection breaks now and then and transfers are shortened as in
 *  FoundationDB. Disk errors are rarer than TigerBeetle's 10 %, which assume that replicas repair
 *  each other. Clock drift: 200 ppm, which Spanner takes for the worst [Corbett et al., OSDI 2012,
 *  section 3].
 */
inline options hostile()
{
    using namespace std::chrono_literals;
    options o;
    o.network.delay_min = 30ms;
    o.network.delay_tail = 70ms;
    o.network.loss = 0.3;
    o.network.duplication = 0.5;
    o.network.corruption = 0.01;
    o.network.clog = 0.02;
    o.network.clog_mean = 5s;
    o.network.link_capacity = 20;
    o.network.receive_capacity = 20;
    o.network.send_refusal = 0.05;
    o.network.stream_window = 4096;
    o.network.shortened_transfer = 0.25;
    o.network.stream_timeout = 30s;
    o.network.partition_interval = 20s;
    o.network.partition_mean = 5s;
    o.disk.read_tail = 10ms;
    o.disk.write_tail = 10ms;
    o.disk.sync_tail = 30ms;
    o.disk.stall = 0.001;
    o.disk.stall_mean = 3s;
    o.disk.read_error = 0.0001;
    o.disk.write_error = 0.0005;
    o.disk.sync_error = 0.0005;
    o.process.crash_interval = 30s;
    o.process.restart_after = 3s;
    o.process.kill = 0.3;
    o.process.freeze_interval = 60s;
    o.process.freeze_mean = 3s;
    o.process.drift_ppm = 200;
    o.process.clock_step_interval = 300s;
    o.process.clock_step_mean = 1s;
    return o;
}

namespace detail {

inline double draw_field(random_stream& r, double low, double high)
{
    constexpr std::int64_t steps = 1'000'000;
    auto const a = static_cast<std::int64_t>(low * steps),
               b = static_cast<std::int64_t>(high * steps);
    return static_cast<double>(a <= b ? r.between(a, b) : r.between(b, a)) / steps;
}
inline duration draw_field(random_stream& r, duration low, duration high)
{
    // Whole microseconds, so that a report stays readable.
    auto const a = low.count() / 1000, b = high.count() / 1000;
    return std::chrono::microseconds(a <= b ? r.between(a, b) : r.between(b, a));
}
inline std::uint64_t draw_field(random_stream& r, std::uint64_t low, std::uint64_t high)
{
    return low <= high ? low + r.below(high - low + 1) : high + r.below(low - high + 1);
}

} // namespace detail

/** Options drawn for one seed, each field evenly between its values in `from` and `to`.
 *
 *  A fault that never comes and one that comes all the time hide different bugs, and so do
 *  combinations; drawing everything anew per seed visits them all ("swarm testing" [Groce et al.,
 *  ISSTA 2012]). One field in four keeps its value from `from`, so that faults are also missing
 *  altogether. An interval that is 0 in `from` is either 0 or at least its value in `to`.
 */
inline options swarm(std::uint64_t seed, options from = calm(), options to = hostile())
{
    random_stream r(seed, "swarm");
    options drawn = from;
    detail::for_each_field(
        [&](std::string const& name, auto& value, auto const& low, auto const& high) {
            auto const stays = r.below(4) == 0;
            auto const result = detail::draw_field(r, low, high);
            if (stays || low == high)
                return;
            value = result;
            if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, duration>)
                if (name.ends_with("_interval") && low == duration())
                    value = high + result;
        },
        drawn, from, to);
    return drawn;
}

} // namespace perdure::simulation

#endif
