// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_DETECTOR_QUALITY_HPP
#define PERDURE_AVAILABILITY_DETECTOR_QUALITY_HPP

#include <perdure/availability/history.hpp>

#include <algorithm>

namespace perdure::availability {

/** How far the events of a failure detector lie from what happened, on average.
 *
 *  Measure it, or take the figures that the detector's configurator promises (Chen, Toueg,
 *  Aguilera 2002: detection time T_D, mistake recurrence T_MR, mistake duration T_M).
 */
struct detector_quality {
    duration detection{};    ///< from the fault until the "down" event
    duration announcement{}; ///< from being back until the "up" event
    rate mistakes{};         ///< false suspicions per time of being up: 1 / T_MR
    duration mistake{};      ///< how long a false suspicion lasts: T_M
};

/** What happened, from what a detector of that quality reported.
 *
 *  Detector time is not fault time. Seen from the detector a unit fails later and returns later
 *  than it does, and false suspicions are short failures that never were: they inflate the failure
 *  rate and shrink the mean repair.
 *
 *  @par Formula    with F failures seen in the time up U: false ones m = min(F, mistakes U), real
 *                  ones F - m. Down time: minus m mistake, plus (F - m) detection, minus (repairs
 *                  - m) announcement, and at least 0; up time takes what down time loses. Means
 *                  are right on average; a single history may be off either way.
 *
 *  A false suspicion on which somebody acts (a failover) is a real outage of the service, though
 *  not of the unit: leave mistakes at 0 to keep it.
 *
 *  @throws std::invalid_argument if a duration is negative or not finite
 */
inline evidence corrected(evidence const& seen, detector_quality const& quality)
{
    for (auto t : {quality.detection, quality.announcement, quality.mistake}) {
        detail::require(t.count() >= 0 && t.count() < detail::infinity, "detector quality",
                        t.count(), "seconds must be finite and at least 0");
    }
    double const mistaken = std::min(seen.failures, quality.mistakes.in(seen.up));
    double const real = seen.failures - mistaken;
    double const repaired = std::max(0., seen.repairs - mistaken);
    duration down = seen.down - mistaken * quality.mistake + real * quality.detection -
                    repaired * quality.announcement;
    down = std::clamp(down, duration(0), seen.total());
    return {real, repaired, seen.total() - down, down};
}

} // namespace perdure::availability

#endif
