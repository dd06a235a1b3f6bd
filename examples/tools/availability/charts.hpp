// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_AVAILABILITY_CHARTS_HPP
#define PERDURE_EXAMPLES_TOOLS_AVAILABILITY_CHARTS_HPP

#include "canvas.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tool {

namespace detail {

/// 1, 2 or 5 times a power of ten, so that about `wanted` steps fit.
inline double round_step(double range, int wanted)
{
    double const rough = range / wanted;
    double const power = std::pow(10, std::floor(std::log10(rough)));
    for (double const m : {1., 2., 5.}) {
        if (m * power >= rough) {
            return m * power;
        }
    }
    return 10 * power;
}

} // namespace detail

/// The unavailability from a start with everything up, and where it settles.
inline void draw_curve(answers const& a, std::ostream& out)
{
    using namespace detail;
    canvas c;
    double const width = 720, height = 400, left = 92, right = 24, top = 52, bottom = 56;
    auto const hours = [](availability::duration t) { return t / availability::hours(1); };
    double unit = 1;
    char const* unit_name = "hours";
    if (hours(a.mission) > 96) {
        unit = 24;
        unit_name = "days";
    } else if (hours(a.mission) < 2) {
        unit = 1. / 60;
        unit_name = "minutes";
    }
    double const last = std::max(hours(a.mission) / unit, 1e-9);
    double most = a.down;
    for (auto const& p : a.curve) {
        most = std::max(most, p.down);
    }
    most = most > 0 ? most * 1.1 : 1;
    auto const x = [&](double t) { return left + (width - left - right) * t / last; };
    auto const y = [&](double u) { return height - bottom - (height - top - bottom) * u / most; };
    c.text(24, 28, a.title + ": unavailability from a start with everything up", "start", 15, ink,
           "font-weight='bold'");
    double const step = round_step(most, 5);
    for (double u = 0; u <= most; u += step) {
        c.line(left, y(u), width - right, y(u), "#e4e7eb", 1);
        c.text(left - 8, y(u) + 4, short_number(u, "%.3g"), "end", 11);
    }
    double const time_step = round_step(last, 8);
    for (double t = 0; t <= last * 1.0001; t += time_step) {
        c.line(x(t), height - bottom, x(t), height - bottom + 5);
        c.text(x(t), height - bottom + 19, short_number(t, "%.3g"), "middle", 11);
    }
    c.text((left + width - right) / 2, height - 14, unit_name, "middle", 12);
    c.line(left, y(a.down), width - right, y(a.down), accent, 1.2, "stroke-dasharray='6 4'");
    c.text(width - right - 4, y(a.down) - 6, "in the long run " + short_number(a.down, "%.3g"),
           "end", 11, accent);
    std::ostringstream points;
    for (auto const& p : a.curve) {
        points << x(hours(p.time) / unit) << "," << y(p.down) << " ";
    }
    c.raw("<polyline points='" + points.str() + "' fill='none' stroke='#2a6fb0' stroke-width='2'/>");
    c.line(left, top, left, height - bottom);
    c.line(left, height - bottom, width - right, height - bottom);
    c.write(out, width, height, a.title);
}

/// Which components the unavailability is made of.
inline void draw_importance(answers const& a, std::ostream& out)
{
    using namespace detail;
    canvas c;
    auto const rows = std::min<std::size_t>(a.events.size(), 20);
    std::size_t longest = 4;
    for (std::size_t i = 0; i < rows; ++i) {
        longest = std::max(longest, std::min<std::size_t>(a.events[i].name.size(), 28));
    }
    double const left = 32 + 8. * static_cast<double>(longest);
    double const span = 420, row = 26, top = 66;
    double const height = top + row * static_cast<double>(rows) + 44;
    double const width = left + span + 90;
    c.text(24, 26, a.title + ": which components matter", "start", 15, ink, "font-weight='bold'");
    c.text(24, 45, "share of the unavailability that goes if a component is never down", "start", 11,
           line_colour);
    for (int percent = 0; percent <= 100; percent += 20) {
        double const at = left + span * percent / 100;
        c.line(at, top - 6, at, height - 34, "#e4e7eb", 1);
        c.text(at, height - 18, std::to_string(percent) + " %", "middle", 10, line_colour);
    }
    for (std::size_t i = 0; i < rows; ++i) {
        auto const& e = a.events[i];
        double const y = top + row * static_cast<double>(i);
        double const share = std::clamp(e.importance.criticality, 0., 1.);
        c.text(left - 8, y + 15, shortened(e.name, 28), "end", 12);
        c.bar(left, y + 3, std::max(span * share, 0.5), row - 9, i == 0 ? accent : "#2a6fb0");
        c.text(left + span * share + 6, y + 15, short_number(100 * share, share < 0.995 ? "%.2g %%" : "%.3g %%"), "start", 11);
    }
    c.line(left, top - 6, left, height - 34);
    c.write(out, width, height, a.title);
}

} // namespace tool

#endif
