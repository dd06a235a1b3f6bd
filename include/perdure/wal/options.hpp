// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_OPTIONS_HPP
#define PERDURE_WAL_OPTIONS_HPP

#include <perdure/wal/event.hpp>
#include <perdure/wal/format.hpp>
#include <perdure/wal/packing.hpp>
#include <perdure/wal/recovery_report.hpp>
#include <perdure/wal/retention.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace perdure {

/// When an append is complete.
enum class durability : std::uint8_t {
    memory, ///< The log has it in memory: it may be lost with the process.
    os,     ///< The operating system has it: it survives the process, not the machine.
    disk,   ///< The disk has it.
};

/// What a log does when a write or sync fails. The file is not used again in either case.
enum class after_failure : std::uint8_t {
    stop, ///< Takes no more. What waits fails with log_failed; another object may open the log.
    /** Goes on in a new segment, in second_directory if there is one: what was not durable is kept
     *  in memory until it is, is written again there, and only then completes. Costs the memory of
     *  what was left to the operating system since the last sync, a segment at most. If the new
     *  segment fails too, it is as with stop.
     */
    continue_elsewhere,
};

/// Where a log lies, and how it is written.
struct wal_options {
    /// Where the log's files are; made if it does not exist. One log a directory.
    std::string directory;
    /// A segment's size; what a trim gives back is a multiple of it. At least 8 KiB. It is taken from the disk when a
    /// segment is begun, also by every opening; what a crash left unwritten of it, the next opening gives back where the
    /// file system can do that.
    std::uint64_t segment_bytes = 64u * 1024 * 1024;
    /// Longer records are refused. At most 1 GiB.
    std::uint32_t record_bytes_max = 16u * 1024 * 1024;
    /// What may wait to be written; further appends wait for room. At least 4 KiB, at most 1 GiB.
    std::uint32_t waiting_bytes_max = 4u * 1024 * 1024;
    /// What opening does about bytes that it cannot believe.
    recovery_mode mode = recovery_mode::tail;
    /// Opening reads every byte of the log, also after a clean close.
    bool verify_everything = false;
    /// How the checksum of records is made.
    wal_format::checksum_kind checksum = wal_format::checksum_kind::crc32c;
    /// How records are compressed and encrypted. A log reads what it wrote under other options as
    /// long as it is given the codec, and the encryption knows the keys.
    log_packing packing{};
    /// After that long without an append a last seal is written, so that the loss of the last
    /// group is provable too. Zero: never.
    std::chrono::milliseconds idle_seal_after{100};
    /// What is kept without anybody asking for it; see retention_limits.
    retention_limits retention{};
    /// What happens when a write or sync fails.
    perdure::after_failure after_failure = perdure::after_failure::stop;
    /// On another disk, for continue_elsewhere. Once segments may be there, every opening needs it.
    std::string second_directory{};
    /// After that long a write or sync that has not come back is an event. Zero: never.
    std::chrono::milliseconds stall_after{1000};
    /// Told of stalls, lack of space and failures, on the log's executor. Costs nothing if empty.
    std::function<void(wal_event const&)> on_event{};
    /** The name of what the records are, at most 63 bytes, such as "orders/2".
     *
     *  A log of which another name is known is refused with errc::wrong_type. Empty: nothing is recorded, and any log is
     *  read. A log that does not say is read too, and says it from then on.
     */
    std::string type{};
    /// Who has the log open, for the report of a second opener. Empty: the process and host.
    std::string owner{};
    /// Unix time in milliseconds, stored for people and for retention by age. Empty: not stored.
    std::function<std::uint64_t()> unix_time_ms{};
};

/// @throws std::invalid_argument that names the field, its value and the rule.
inline void validate(wal_options const& o)
{
    auto refuse = [](char const* field, std::uint64_t value, char const* rule) {
        throw std::invalid_argument("wal_options::" + std::string(field) + " is " +
                                    std::to_string(value) + "; " + rule);
    };
    if (o.directory.empty())
        throw std::invalid_argument(
            "wal_options::directory is empty; name a directory for the log");
    if (o.second_directory == o.directory)
        throw std::invalid_argument("wal_options::second_directory is the same as directory; name "
                                    "another one, or none");
    if (o.segment_bytes < 8192)
        refuse("segment_bytes", o.segment_bytes, "at least 8192");
    if (o.record_bytes_max == 0 || o.record_bytes_max > wal_format::record_bytes_limit)
        refuse("record_bytes_max", o.record_bytes_max, "from 1 to 1073741824");
    if (o.waiting_bytes_max < 4096 || o.waiting_bytes_max > wal_format::record_bytes_limit)
        refuse("waiting_bytes_max", o.waiting_bytes_max, "from 4096 to 1073741824");
    if (o.stall_after.count() < 0)
        throw std::invalid_argument("wal_options::stall_after is negative; zero or more");
    if (o.idle_seal_after.count() < 0)
        throw std::invalid_argument("wal_options::idle_seal_after is negative; zero or more");
    // Time is counted in nanoseconds.
    if (std::max(o.stall_after, o.idle_seal_after) > std::chrono::hours(24 * 366))
        throw std::invalid_argument("wal_options::stall_after or idle_seal_after is longer than a "
                                    "year; zero is never");
    if (o.retention.age_max.count() < 0)
        throw std::invalid_argument("wal_options::retention.age_max is negative; zero or more");
    if (o.retention.age_max.count() != 0 && !o.unix_time_ms)
        throw std::invalid_argument(
            "wal_options::retention.age_max is set and unix_time_ms is empty; give a clock");
    if (o.type.size() > wal_format::type_bytes_max || o.type.find('\0') != o.type.npos)
        throw std::invalid_argument("wal_options::type is '" + o.type + "' with " +
                                    std::to_string(o.type.size()) +
                                    " bytes; at most 63, none of them zero");
    if (o.owner.size() > 400)
        refuse("owner.size()", o.owner.size(), "at most 400");
}

/// What a log did since it was opened.
struct wal_counters {
    std::uint64_t records = 0;  ///< Written.
    std::uint64_t groups = 0;   ///< Written.
    std::uint64_t bytes = 0;    ///< Written, with all overhead.
    std::uint64_t syncs = 0;    ///< Of segments with records.
    std::uint64_t segments = 0; ///< Begun.
    std::uint64_t failures = 0; ///< Of writes and syncs, behind which the log went on.
    friend bool operator==(wal_counters const&, wal_counters const&) = default;
};

} // namespace perdure

#endif
