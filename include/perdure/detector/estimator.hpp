// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_ESTIMATOR_HPP
#define PERDURE_DETECTOR_ESTIMATOR_HPP

#include <perdure/time.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace perdure {

/// A heartbeat as an estimator sees it: newer than all that the estimator has seen of this boot.
struct heartbeat_arrival {
    std::uint64_t sequence =
        0;           ///< Grows by one with each sending slot of the peer; slots may be missing.
    time_point at{}; ///< When it arrived, by the observer's clock. Never decreases.
    /// The sending interval that the peer promises, or 0 if it promises none.
    std::chrono::nanoseconds interval{0};
    /// False if the arrival time says nothing about the peer, because the observer itself was late.
    bool timely = true;
};

/** An estimator judges one peer from its heartbeats: from when on is its silence suspicious?
 *
 *  All models answer the inverse question: not "is it suspicious now?", asked again and again, but
 *  "when will it be?", asked once a heartbeat. So a monitor arms one timer and polls nothing.
 *
 *  | expression                        | meaning                                                  |
 *  |-----------------------------------|----------------------------------------------------------|
 *  | `E(options)`                      | no history; throws `std::invalid_argument` for a bad one   |
 *  | `e.handle_heartbeat(a)`           | takes a heartbeat; if not timely, learns nothing from it |
 *  | `e.deadline()`                    | (1)                                                      |
 *  | `e.level(t)`                      | (2)                                                      |
 *  | `e.threshold()`                   | the level at which the peer is suspected                 |
 *  | `e.samples()`                     | how many arrivals the present estimate rests on          |
 *  | `e.reset()`                       | forgets the history; for a new boot of the peer          |
 *  | `e.options()`, `e.set_options(o)` | the parameters; changing them keeps the history          |
 *
 *  (1) The first time at which the peer is suspected if no further heartbeat comes; nothing before
 *      the first heartbeat. It is in the past if the heartbeat came too late to be news.
 *  (2) The suspicion at `t`: from 0 up, non-decreasing in `t`. It reaches `threshold()` at
 *      `deadline()`, but for rounding.
 *
 *  Estimators are values without clock and timer. Equal inputs give equal outputs, bit for bit.
 */
template <class E>
concept estimator = std::copyable<E> && std::constructible_from<E, typename E::options_type> &&
                    requires(E& e, E const& c, heartbeat_arrival const& a, time_point t,
                             typename E::options_type const& o) {
                        e.handle_heartbeat(a);
                        e.reset();
                        e.set_options(o);
                        {
                            c.options()
                        } -> std::convertible_to<typename E::options_type>;
                        {
                            c.deadline()
                        } -> std::same_as<std::optional<time_point>>;
                        {
                            c.level(t)
                        } -> std::same_as<double>;
                        {
                            c.threshold()
                        } -> std::same_as<double>;
                        {
                            c.samples()
                        } -> std::same_as<std::size_t>;
                    };

} // namespace perdure

#endif
