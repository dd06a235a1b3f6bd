// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_FIXED_TIMEOUT_HPP
#define PERDURE_DETECTOR_FIXED_TIMEOUT_HPP

#include <perdure/detector/detail/require.hpp>
#include <perdure/detector/estimator.hpp>

namespace perdure {

/// The parameter of the simplest model.
struct fixed_timeout_options {
    /// The silence after which a peer is suspected. Longer than the heartbeat interval plus the
    /// longest delay that is still normal.
    std::chrono::nanoseconds timeout{std::chrono::seconds(1)};
};

/** Suspects a peer after a fixed silence.
 *
 *  Learns nothing, so it is right where the network and the load are known, and where people must
 *  be able to say without a computer when a node will be suspected.
 *
 *  @par Units          level() is the silence divided by the timeout; threshold() is 1.
 *  @par Complexity     every member is O(1) and allocates nothing.
 *  @par Models      `estimator`; see there for the expressions.
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class fixed_timeout {
public:
    using options_type = fixed_timeout_options;

    /// Throws std::invalid_argument, naming the parameter that is out of range.
    explicit fixed_timeout(fixed_timeout_options options) { set_options(options); }

    void handle_heartbeat(heartbeat_arrival const& arrival) { last_ = arrival.at; }
    void reset() { last_.reset(); }
    void set_options(fixed_timeout_options options)
    {
        detail::require_duration(options.timeout, "fixed_timeout_options::timeout");
        options_ = options;
    }

    fixed_timeout_options options() const { return options_; }
    std::optional<time_point> deadline() const
    {
        return last_ ? std::optional(*last_ + options_.timeout) : std::nullopt;
    }
    double level(time_point now) const
    {
        if (!last_ || now <= *last_)
            return 0;
        return std::chrono::duration<double>(now - *last_) /
               std::chrono::duration<double>(options_.timeout);
    }
    double threshold() const { return 1; }
    std::size_t samples() const { return last_ ? 1 : 0; }

private:
    fixed_timeout_options options_;
    std::optional<time_point> last_;
};

} // namespace perdure

#endif
