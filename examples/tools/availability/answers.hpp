// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_AVAILABILITY_ANSWERS_HPP
#define PERDURE_EXAMPLES_TOOLS_AVAILABILITY_ANSWERS_HPP

#include "model_text.hpp"
#include <perdure/availability/propagate.hpp>
#include <perdure/availability/structure/cut_sets.hpp>
#include <perdure/availability/structure/diagram.hpp>
#include <perdure/availability/structure/importance.hpp>
#include <perdure/availability/structure/system_times.hpp>
#include <perdure/availability/text.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

/// One component's part in the whole.
struct ranked_event {
    std::string name;
    double down;
    availability::importance importance;
};

struct point {
    availability::duration time;
    double down;
};

/// Everything that is printed of a model.
struct answers {
    std::string title;
    double down = 0;
    std::optional<availability::estimate<availability::unavailability>> interval;
    std::optional<availability::long_run_times> times; ///< where every component that matters has rates
    std::string sets;                            ///< how many minimal cut sets
    std::vector<availability::cut_set> worst;    ///< the most probable ones
    std::vector<std::string> worst_names;
    std::vector<ranked_event> events; ///< most critical first
    std::vector<point> curve;         ///< from everything up
    availability::duration mission{};
};

/// A learnt component's distribution, or one number.
struct uncertain_input {
    std::optional<availability::unavailability_posterior> learnt;
    double fixed = 0;
    [[nodiscard]] availability::unavailability quantile(double p) const
    {
        return learnt ? learnt->quantile(p) : availability::unavailability(fixed);
    }
};

inline answers answer(std::string title, availability::fault_tree const& tree,
                      availability::duration mission, model const* text)
{
    using namespace availability;
    answers a;
    a.title = std::move(title);
    a.mission = mission;
    diagram const built(tree);
    a.down = built.evaluate().yes;
    auto const sets = cut_sets::minimal(built);
    a.sets = sets.count().str();
    a.worst = sets.most_probable(10);
    for (auto const& set : a.worst) {
        a.worst_names.push_back(sets.names(set));
    }
    auto const x = importances(built);
    for (std::size_t i = 0; i < x.size(); ++i) {
        a.events.push_back({tree.events()[i].name, tree.events()[i].happens.yes, x[i]});
    }
    std::stable_sort(a.events.begin(), a.events.end(), [](auto const& l, auto const& r) {
        return l.importance.criticality > r.importance.criticality;
    });
    try {
        a.times = long_run_of(built);
    } catch (std::invalid_argument const&) {
        // a component without rates: no frequency
    }
    // The curve: components with rates start up, the others are as they are.
    std::vector<chance> now(tree.events().size()), scratch;
    for (int i = 0; i <= 200; ++i) {
        duration const t = mission * (i / 200.);
        for (std::size_t e = 0; e < now.size(); ++e) {
            auto const& event = tree.events()[e];
            now[e] = event.happens;
            if (event.failures == event.failures && event.repairs == event.repairs) {
                two_state const unit(rate::per_hour(event.failures), rate::per_hour(event.repairs));
                now[e] = chance(unit.at(t).value());
            }
        }
        a.curve.push_back({t, built.evaluate(now, scratch).yes});
    }
    if (text != nullptr) {
        std::vector<uncertain_input> inputs(tree.events().size());
        bool any = false;
        for (std::size_t e = 0; e < inputs.size(); ++e) {
            inputs[e].fixed = tree.events()[e].happens.yes;
            for (auto const& c : text->components) {
                if (c.name == tree.events()[e].name && c.learnt) {
                    inputs[e].learnt = c.learnt;
                    any = true;
                }
            }
        }
        if (any) {
            auto const whole = propagate(
                [&](std::span<unavailability const> u) {
                    for (std::size_t e = 0; e < u.size(); ++e) {
                        now[e] = chance(u[e].value());
                    }
                    return unavailability(std::min(built.evaluate(now, scratch).yes, 1.));
                },
                std::span<uncertain_input const>(inputs));
            a.interval = whole.interval(confidence::two_sided(0.9));
        }
    }
    return a;
}

namespace detail {

inline std::string short_number(double x, char const* format = "%.4g")
{
    char text[64];
    std::snprintf(text, sizeof text, format, x);
    return text;
}

/// For JSON, which has no infinity and no bytes below 32 in strings.
inline std::string json_number(double x)
{
    return std::isfinite(x) ? short_number(x, "%.17g") : "null";
}
inline std::string json_text(std::string_view text)
{
    std::string out = "\"";
    for (char const c : text) {
        auto const code = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (code < 32 || code == 127) {
            out += "\\u00" + std::string(1, "0123456789abcdef"[code >> 4]) +
                   "0123456789abcdef"[code & 15];
        } else {
            out += c;
        }
    }
    return out + '"';
}
/// What a terminal may show of a name.
inline std::string plain(std::string_view text)
{
    std::string out;
    for (char const c : text) {
        out += static_cast<unsigned char>(c) < 32 || c == 127 ? '?' : c;
    }
    return out;
}

} // namespace detail

inline void print_table(answers const& a, std::ostream& out)
{
    using detail::short_number;
    using namespace availability;
    unavailability const u(std::min(a.down, 1.));
    out << detail::plain(a.title) << "\n\n";
    out << "unavailability   " << short_number(a.down, "%.6g") << "\n";
    out << "availability     " << to_text(u) << ", " << short_number(u.nines(), "%.2f")
        << " nines\n";
    if (a.interval) {
        out << "                 " << to_text(*a.interval) << ", from the components' data\n";
    }
    out << "down             " << to_text(u.downtime(sre_calendar.year)) << " a year, "
        << to_text(u.downtime(sre_calendar.month)) << " in 30 days\n";
    if (a.times && a.times->failures > 0) {
        out << "fails            every " << to_text(duration(hours(a.times->between_failures())))
            << ", for " << to_text(duration(hours(a.times->mean_down))) << " on average\n";
    }
    out << "minimal cut sets " << a.sets << "\n";
    if (!a.worst.empty()) {
        out << "\nmost probable causes\n";
        for (std::size_t i = 0; i < a.worst.size(); ++i) {
            out << "  " << short_number(a.worst[i].probability, "%-10.3g") << " "
                << (a.worst_names[i].empty() ? "(always)" : detail::plain(a.worst_names[i]))
                << "\n";
        }
    }
    if (!a.events.empty()) {
        std::size_t width = 9;
        for (auto const& e : a.events) {
            width = std::max(width, std::min<std::size_t>(e.name.size(), 40));
        }
        out << "\n" << std::string("component") + std::string(width - 9, ' ')
            << "  down        share of U  Birnbaum    if down (x U)  if never down (U / x)\n";
        for (std::size_t i = 0; i < a.events.size() && i < 20; ++i) {
            auto const& e = a.events[i];
            auto name = detail::plain(e.name).substr(0, 40);
            name.resize(width, ' ');
            out << name << "  " << short_number(e.down, "%-10.3g") << "  "
                << short_number(100 * e.importance.criticality, "%8.2f %%") << "  "
                << short_number(e.importance.birnbaum, "%-10.3g") << "  "
                << short_number(e.importance.achievement_worth, "%-13.4g") << "  "
                << short_number(e.importance.reduction_worth, "%.4g") << "\n";
        }
    }
}

inline void print_json(answers const& a, std::ostream& out)
{
    using detail::json_number;
    using detail::json_text;
    out << "{\n  \"model\": " << json_text(a.title)
        << ",\n  \"unavailability\": " << json_number(a.down);
    if (a.interval) {
        out << ",\n  \"interval\": {\"sure\": " << json_number(a.interval->sure.level())
            << ", \"lower\": " << json_number(a.interval->lower.value())
            << ", \"median\": " << json_number(a.interval->value.value())
            << ", \"upper\": " << json_number(a.interval->upper.value()) << "}";
    }
    if (a.times) {
        out << ",\n  \"failures_per_hour\": " << json_number(a.times->failures)
            << ",\n  \"mean_up_hours\": " << json_number(a.times->mean_up)
            << ",\n  \"mean_down_hours\": " << json_number(a.times->mean_down);
    }
    out << ",\n  \"minimal_cut_sets\": " << a.sets << ",\n  \"most_probable\": [";
    for (std::size_t i = 0; i < a.worst.size(); ++i) {
        out << (i == 0 ? "\n" : ",\n") << "    {\"events\": " << json_text(a.worst_names[i])
            << ", \"probability\": " << json_number(a.worst[i].probability) << "}";
    }
    out << "\n  ],\n  \"components\": [";
    for (std::size_t i = 0; i < a.events.size(); ++i) {
        auto const& e = a.events[i];
        out << (i == 0 ? "\n" : ",\n") << "    {\"name\": " << json_text(e.name)
            << ", \"down\": " << json_number(e.down)
            << ", \"birnbaum\": " << json_number(e.importance.birnbaum)
            << ", \"criticality\": " << json_number(e.importance.criticality)
            << ", \"diagnostic\": " << json_number(e.importance.diagnostic)
            << ", \"achievement_worth\": " << json_number(e.importance.achievement_worth)
            << ", \"reduction_worth\": " << json_number(e.importance.reduction_worth) << "}";
    }
    out << "\n  ],\n  \"curve\": [";
    for (std::size_t i = 0; i < a.curve.size(); ++i) {
        out << (i == 0 ? "" : ", ") << "[" << json_number(a.curve[i].time / availability::hours(1))
            << ", " << json_number(a.curve[i].down) << "]";
    }
    out << "]\n}\n";
}

} // namespace tool

#endif
