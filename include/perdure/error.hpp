// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_ERROR_HPP
#define PERDURE_ERROR_HPP

#include <perdure/config.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>
#include <boost/version.hpp>

#include <string>
#include <type_traits>

#if BOOST_VERSION < 108100
#error "perdure needs Boost 1.81 or newer; Debian 12 has it as libboost1.81-dev"
#endif

namespace perdure {

using boost::system::error_code;

/** Operating errors of perdure: what went wrong in the world, never a bug of the caller.
 *
 *  Programmer errors are assertions, bad configuration is an exception from a constructor, and
 *  an expected outcome is part of a return type. Each enumerator says what state it leaves.
 *  The values are stable: they are printed, logged and sent.
 */
enum class errc {
    // -- bytes that cannot be believed -----------------------------------------------------------

    /// The bytes do not begin with the format's magic. Nothing was read beyond them.
    bad_magic = 1,
    /// The format's major version is newer than this library reads. Nothing was changed.
    unsupported_version = 2,
    /// A checksum does not match its bytes. Nothing behind it was believed; the bytes stay where they are.
    checksum_mismatch = 3,
    /// The bytes end before the message, frame or file does. Nothing was believed.
    truncated = 4,
    /// A field holds a value that its format forbids. Nothing was believed.
    malformed = 5,
    /// A length exceeds the configured or remaining bound. Nothing was allocated.
    too_large = 6,

    // -- log -----------------------------------------------------------------------------------

    /// A group that was acknowledged as durable cannot be read back. The log was not opened and not changed.
    acknowledged_data_lost = 20,
    /// An earlier write or sync failed, so this log object takes no more. What was durable stays so; reopen to continue.
    log_failed = 21,
    /// The position was trimmed or was never written. The log is unchanged.
    position_out_of_range = 22,
    /// Another process or object has the store open. Nothing was touched.
    locked = 23,
    /// A segment that the chain names is missing or belongs to another log. The log was not opened and not changed.
    segment_missing = 24,
    /// The record exceeds the configured limit. The log is unchanged and usable.
    record_too_large = 25,
    /// The store is not open: not yet, not any more, or it is closing. The operation had no effect.
    closed = 26,
    /// There is no space for the write. The log takes no more until space is freed; acknowledged data is kept.
    no_space = 27,

    /// Records that were read are not part of the log any more: its end was cut off on request. The log is usable.
    log_truncated = 28,
    /// Records are encrypted and there is no key for them, or a wrong one. The log was not opened and not changed.
    wrong_key = 29,
    /// Records are compressed in a way that this program was not given. The log was not opened and not changed.
    codec_missing = 30,
    /// The store is open or being opened already, by this object. The second opening had no effect.
    already_open = 31,

    // -- snapshots -----------------------------------------------------------------------------

    /// The store holds no snapshot. The caller starts from nothing.
    no_snapshot = 40,
    /// Snapshots exist and none can be loaded; they are kept aside. The caller decides whether to start from nothing.
    no_good_snapshot = 41,
    /// The serialised bytes were intact but the user's type rejected them. The object loaded into was discarded.
    cannot_decode = 42,
    /// Snapshot or log were written as another type, or by another codec. Nothing was loaded.
    wrong_type = 43,
    /// The user's type could not be serialised: it threw. Nothing was written.
    cannot_encode = 44,
    /// The snapshot's positions count in another log than the one that was named. Nothing was loaded.
    wrong_log = 45,

    // -- durable state ---------------------------------------------------------------------------

    /// The command, or a later one of its client, was applied earlier, and the result is no longer kept. It was not applied again.
    result_forgotten = 50,
    /// The client is not known (any more), and this is not its first command. It was not applied.
    session_expired = 51,

    // -- distributed ----------------------------------------------------------------------------

    /// The sender's epoch is older than the receiver's. The message had no effect.
    stale_epoch = 60,
    /// Too few replicas answered in time. The operation may have happened on some of them.
    quorum_lost = 61,
    /// No answer came in time. The operation may or may not have happened.
    timed_out = 62,
    /// The message is of another cluster. It had no effect.
    wrong_cluster = 63,
    /// The queue or buffer is full. The operation had no effect; try again later.
    overloaded = 64,
    /// The message's authentication tag is missing or of no accepted key. It had no effect.
    not_authentic = 65,
};

/// What a caller can decide on: `if (ec == condition::corruption) ...`.
enum class condition {
    /// Bytes are not what was written. Trying again does not help; another copy may.
    corruption = 1,
    /// The same call may succeed later.
    transient = 2,
    /// The peers disagree about who may do this. Refresh the view of the cluster, then decide anew.
    protocol = 3,
};

boost::system::error_category const& category() noexcept;
boost::system::error_category const& condition_category() noexcept;

/// For boost::system: makes an error_code of an enumerator.
inline error_code make_error_code(errc e) noexcept
{
    return {static_cast<int>(e), category()};
}

/// For boost::system: makes an error_condition of an enumerator.
inline boost::system::error_condition make_error_condition(condition c) noexcept
{
    return {static_cast<int>(c), condition_category()};
}

namespace detail {

// The ids make copies of the categories in several shared libraries compare equal.
class perdure_category final : public boost::system::error_category {
public:
    constexpr perdure_category() noexcept : error_category(0x9d1c3f0b6a52e847ULL) {}
    char const* name() const noexcept override { return "perdure"; }
    std::string message(int value) const override { return message(value, nullptr, 0); }
    char const* message(int value, char*, std::size_t) const noexcept override
    {
        switch (static_cast<errc>(value)) {
        case errc::bad_magic: return "the bytes are not of this format";
        case errc::unsupported_version: return "the format is newer than this library reads";
        case errc::checksum_mismatch: return "a checksum does not match its bytes";
        case errc::truncated: return "the bytes end too early";
        case errc::malformed: return "a field holds a value that its format forbids";
        case errc::too_large: return "a length exceeds its bound";
        case errc::acknowledged_data_lost: return "acknowledged data cannot be read back";
        case errc::log_failed: return "the log failed earlier and takes no more";
        case errc::position_out_of_range: return "the position is not in the log";
        case errc::locked: return "the store is open elsewhere";
        case errc::segment_missing: return "a segment of the log is missing";
        case errc::record_too_large: return "the record exceeds the configured limit";
        case errc::closed: return "the store is not open";
        case errc::no_space: return "there is no space left for the log";
        case errc::log_truncated: return "the end of the log was cut off";
        case errc::wrong_key: return "the log is encrypted with another key";
        case errc::codec_missing: return "the log is compressed in a way that this program cannot read";
        case errc::already_open: return "the store is open already";
        case errc::no_snapshot: return "there is no snapshot";
        case errc::no_good_snapshot: return "no snapshot can be loaded";
        case errc::cannot_decode: return "the type rejected its serialised bytes";
        case errc::wrong_type: return "what is stored is of another type";
        case errc::cannot_encode: return "the type could not be serialised";
        case errc::wrong_log: return "the snapshot belongs to another log";
        case errc::result_forgotten: return "the client's command or a later one was applied earlier, and its result is not kept";
        case errc::session_expired: return "the client is not known, and this is not its first command";
        case errc::stale_epoch: return "the epoch is stale";
        case errc::quorum_lost: return "too few replicas answered";
        case errc::timed_out: return "no answer came in time";
        case errc::wrong_cluster: return "the message is of another cluster";
        case errc::overloaded: return "the queue is full";
        case errc::not_authentic: return "the message is signed by no accepted key";
        }
        return "unknown error of perdure";
    }
};

class perdure_conditions final : public boost::system::error_category {
public:
    constexpr perdure_conditions() noexcept : error_category(0x41e7b98c25d03f6aULL) {}
    char const* name() const noexcept override { return "perdure.condition"; }
    std::string message(int value) const override
    {
        switch (static_cast<condition>(value)) {
        case condition::corruption: return "corruption";
        case condition::transient: return "transient failure";
        case condition::protocol: return "protocol violation";
        }
        return "unknown condition of perdure";
    }
    bool equivalent(error_code const& ec, int value) const noexcept override
    {
        if (ec.category() != perdure::category())
            return false;
        switch (static_cast<errc>(ec.value())) {
        case errc::bad_magic:
        case errc::checksum_mismatch:
        case errc::truncated:
        case errc::malformed:
        case errc::too_large:
        case errc::acknowledged_data_lost:
        case errc::segment_missing:
        case errc::no_good_snapshot:
        case errc::cannot_decode: return value == static_cast<int>(condition::corruption);
        case errc::locked:
        case errc::no_space:
        case errc::quorum_lost:
        case errc::timed_out:
        case errc::overloaded: return value == static_cast<int>(condition::transient);
        case errc::stale_epoch:
        case errc::wrong_cluster:
        case errc::not_authentic: return value == static_cast<int>(condition::protocol);
        default: return false;
        }
    }
};

inline constexpr perdure_category category_instance;
inline constexpr perdure_conditions conditions_instance;

} // namespace detail

/// The category of errc.
inline boost::system::error_category const& category() noexcept
{
    return detail::category_instance;
}

/// The category of condition.
inline boost::system::error_category const& condition_category() noexcept
{
    return detail::conditions_instance;
}

} // namespace perdure

/// @cond
template <>
struct boost::system::is_error_code_enum<perdure::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<perdure::condition> : std::true_type {};
/// @endcond

#endif
