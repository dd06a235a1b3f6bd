// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_LIVE_HPP
#define PERDURE_AVAILABILITY_LIVE_HPP

#include <perdure/availability/detector_quality.hpp>
#include <perdure/availability/evidence_text.hpp>
#include <perdure/availability/live_report.hpp>
#include <perdure/availability/observed.hpp>
#include <perdure/availability/posterior.hpp>
#include <perdure/availability/propagate.hpp>
#include <perdure/availability/what_if.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::availability {

/// A part of the running system: its name, what was planned for it, and whether it is up now.
struct live_unit {
    std::string name;
    assumption before; ///< its planned rates, and how many observed failures they are worth
    bool up = true;    ///< its state when observation begins
};

/** Availability of a running system: fed by the up and down events of a failure detector, or by
 *  hand.
 *
 *  Each part's rates are learnt from its events, starting from the plan; the model turns them into
 *  the availability of the whole, with the uncertainty that the evidence leaves. Evidence can be
 *  saved and loaded, so that it survives restarts.
 *
 *  @tparam Model       unavailabilities of the parts, in the order given, to that of the whole
 *  @par Model          parts fail and are repaired independently and without memory. Check both:
 *                      check_exponential() and, for bursts, the events themselves.
 *  @par Complexity     an event: O(1), no allocation. value(): one evaluation of the model.
 *                      report(): as many evaluations and quantiles as samples,
 *                      about a tenth of a second for ten parts (benchmarks/availability).
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 *  @par Determinism    equal events and seeds give equal reports.
 */
template <system_model Model, class TimePoint = std::chrono::steady_clock::time_point>
class live {
public:
    using time_point = TimePoint; ///< when events happen; any std::chrono time_point

    /// @throws std::invalid_argument if an assumption is unusable, or a name empty, repeated, or
    ///         with a control character or space in it
    live(Model model, std::vector<live_unit> units, time_point begin, detector_quality quality = {})
        : model_(std::move(model)), quality_(quality)
    {
        for (auto& u : units) {
            detail::check_evidence_name(u.name);
            if (find(u.name)) {
                throw std::invalid_argument("the unit '" + u.name + "' is named twice");
            }
            // Throws if the assumption is unusable.
            static_cast<void>(unavailability_posterior({}, u.before));
            parts_.push_back({std::move(u.name), u.before, {}, recorder<time_point>(begin, u.up)});
        }
        static_cast<void>(corrected({}, quality));
        values_.resize(parts_.size(), unavailability(0));
    }

    // Inputs. `i` counts the units from 0; `now` never decreases.
    /// Unit `i` is down since `now`; without effect while it is down.
    void handle_down(std::size_t i, time_point now) { parts_.at(i).now.handle_down(now); }
    /// Unit `i` is up since `now`; without effect while it is up.
    void handle_up(std::size_t i, time_point now) { parts_.at(i).now.handle_up(now); }
    /// The unit is up, and its last "down" was a false suspicion (it did not restart).
    void handle_false_alarm(std::size_t i, time_point now)
    {
        parts_.at(i).now.handle_false_alarm(now);
    }

    [[nodiscard]] std::size_t size() const { return parts_.size(); }
    /// Whether unit `i` is up after the latest event.
    [[nodiscard]] bool is_up(std::size_t i) const { return parts_.at(i).now.is_up(); }
    /// What was seen of a unit in all runs, corrected for the detector.
    [[nodiscard]] evidence seen(std::size_t i, time_point now) const
    {
        auto const& p = parts_.at(i);
        return corrected(p.before_this_run + p.now.until(now), quality_);
    }
    /// What is believed of a unit's unavailability: its plan and all that was seen until `now`.
    [[nodiscard]] unavailability_posterior posterior(std::size_t i, time_point now) const
    {
        return {seen(i, now), parts_.at(i).before};
    }

    /// The whole's long-run unavailability, with the mean rates of every part.
    [[nodiscard]] unavailability value(time_point now)
    {
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            values_[i] = posterior(i, now).value();
        }
        return unavailability(model_(std::span<unavailability const>(values_)));
    }
    /// Whether the whole works with the parts that are up now.
    [[nodiscard]] bool works_now()
    {
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            values_[i] = unavailability(parts_[i].now.is_up() ? 0 : 1);
        }
        return unavailability(model_(std::span<unavailability const>(values_))) < 0.5;
    }
    /// The parts as they are believed to be, for what_if and sensitivities().
    [[nodiscard]] std::vector<named_unit> units(time_point now) const
    {
        std::vector<named_unit> result;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            result.push_back({parts_[i].name, posterior(i, now).unit()});
        }
        return result;
    }
    /// The model as it was given.
    [[nodiscard]] Model const& model() const { return model_; }

    /// Everything that is known at `now`, with intervals. @param options of the sampling behind the
    /// whole's interval; see propagate()
    [[nodiscard]] live_report report(time_point now, confidence sure,
                                     propagation_options options = {1000, 1})
    {
        std::vector<unavailability_posterior> posteriors;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            posteriors.push_back(posterior(i, now));
        }
        auto const whole = value(now);
        auto const parts = values_;
        auto const all = units(now);
        auto const important = sensitivities(model_, std::span<named_unit const>(all));
        auto const spread_of_whole =
            propagate(model_, std::span<unavailability_posterior const>(posteriors), options);
        live_report result{whole, spread_of_whole.interval(sure), {}, {}};
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            auto const data = seen(i, now);
            double share = 0;
            for (auto const& s : important) {
                share = s.name == parts_[i].name ? s.share : share;
            }
            auto const& p = posteriors[i];
            result.units.push_back(
                {parts_[i].name,
                 parts_[i].now.is_up(),
                 data,
                 estimate_mtbf(data, ended::at_time, sure),
                 estimate_mttr(data, ended::at_time, sure),
                 estimate_unavailability(data, ended::at_time, sure),
                 p.unit(),
                 {p.quantile(0.5), sure.below() > 0 ? p.quantile(sure.below()) : unavailability(0),
                  sure.above() > 0 ? p.quantile(1 - sure.above()) : unavailability(1), sure},
                 share});
        }
        if (parts_.size() <= 64) {
            result.broken_by = breaking_sets(model_, std::span<unavailability const>(parts), 2);
        }
        return result;
    }

    /// The evidence of all runs until now, uncorrected, as text (docs/formats).
    [[nodiscard]] std::string save(time_point now) const
    {
        std::vector<named_history> all;
        for (auto const& p : parts_) {
            all.push_back({p.name, p.before_this_run + p.now.until(now)});
        }
        return write_evidence(all);
    }
    /** Adds the evidence of earlier runs. Units that it doesn't name keep what they have; names
     *  unknown here are returned, and left out.
     *
     *  The time between a save and the next start counts as neither up nor down.
     *  @throws std::invalid_argument saying which line is wrong; nothing is changed then
     */
    std::vector<std::string> load(std::string_view text)
    {
        std::vector<std::string> unknown;
        for (auto const& saved : read_evidence(text)) {
            if (auto* part = find(saved.name)) {
                part->before_this_run += saved.seen;
            } else {
                unknown.push_back(saved.name);
            }
        }
        return unknown;
    }

private:
    struct part {
        std::string name;
        assumption before;
        history before_this_run;
        recorder<time_point> now;
    };
    part* find(std::string_view name)
    {
        for (auto& p : parts_) {
            if (p.name == name) {
                return &p;
            }
        }
        return nullptr;
    }

    Model model_;
    detector_quality quality_;
    std::vector<part> parts_;
    std::vector<unavailability> values_;
};

} // namespace perdure::availability

#endif
