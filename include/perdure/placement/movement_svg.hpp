// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_MOVEMENT_SVG_HPP
#define PERDURE_PLACEMENT_MOVEMENT_SVG_HPP

#include <perdure/placement/movement_plan.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

namespace detail {

inline std::string escaped(std::string const& text)
{
    std::string out;
    for (char c : text)
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        default:
            out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
        }
    return out;
}

class svg_text {
public:
    template <class... Values>
    void operator()(char const* format, Values... values)
    {
        if constexpr (sizeof...(values) == 0) {
            text_ += format;
        } else {
            char line[512];
            std::snprintf(line, sizeof line, format, values...);
            text_ += line;
        }
    }
    void raw(std::string const& text) { text_ += text; }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

} // namespace detail

/** A plan as a picture: on the left every node with the copies it has, on the right with those it is
 *  to have, and between them a ribbon for what is read from one node by another, as wide as it is
 *  many. Bars are coloured by zone; what a node gains is dark; ribbons of endangered copies are red.
 *
 *  For up to some fifty nodes; those that take no part are left out beyond that. A complete SVG 1.1
 *  document, the same for the same plan.
 */
inline std::string movement_svg(movement_plan const& plan)
{
    static constexpr char const* colours[] = {"#4e79a7", "#f28e2b", "#59a14f", "#b07aa1",
                                              "#76b7b2", "#edc948", "#9c755f", "#ff9da7"};
    std::vector<std::size_t> shown;
    for (std::size_t i = 0; i != plan.nodes.size(); ++i)
        if (!plan.nodes[i].name.empty())
            shown.push_back(i);
    if (shown.size() > 50)
        std::erase_if(
            shown, [&](std::size_t i) { return plan.nodes[i].in == 0 && plan.nodes[i].out == 0; });
    std::sort(shown.begin(), shown.end(), [&](std::size_t a, std::size_t b) {
        auto const& x = plan.nodes[a];
        auto const& y = plan.nodes[b];
        return x.zone != y.zone                 ? x.zone < y.zone
               : x.name.size() != y.name.size() ? x.name.size() < y.name.size()
                                                : x.name < y.name;
    });
    std::map<std::string, std::size_t> zones;
    std::size_t longest = 4;
    std::uint32_t most = 1;
    for (auto i : shown) {
        zones.try_emplace(plan.nodes[i].zone, zones.size());
        longest = std::max(longest, plan.nodes[i].name.size());
        most = std::max({most, plan.nodes[i].before, plan.nodes[i].after});
    }
    double const label = 20 + 7.0 * static_cast<double>(std::min<std::size_t>(longest, 30));
    double const bar = 180, gap = 260, top = 78, row = 30, thick = 22;
    double const left = label, right = label + bar + gap;
    double const width = right + bar + label;
    double const height = top + row * static_cast<double>(shown.size()) + 24;
    std::map<std::size_t, double> y;
    for (std::size_t k = 0; k != shown.size(); ++k)
        y[shown[k]] = top + row * static_cast<double>(k);

    detail::svg_text out;
    out("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 "
        "%.0f "
        "%.0f\" font-family=\"sans-serif\" font-size=\"12\">\n",
        width, height, width, height);
    out("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
    out("<text x=\"%.0f\" y=\"20\" font-size=\"15\" font-weight=\"bold\">epoch %llu to %llu: %zu "
        "of "
        "%llu copies move",
        16.0, static_cast<unsigned long long>(plan.epoch_before),
        static_cast<unsigned long long>(plan.epoch_after), plan.moves.size(),
        static_cast<unsigned long long>(plan.copies_wanted));
    if (plan.bytes != 0)
        out(", %s", detail::bytes_text(plan.bytes).c_str());
    out("; at least %llu must</text>\n", static_cast<unsigned long long>(plan.minimum));
    double x = 16;
    for (auto const& [zone, n] : zones) {
        out("<rect x=\"%.0f\" y=\"32\" width=\"12\" height=\"12\" fill=\"%s\"/>", x,
            colours[n % 8]);
        out("<text x=\"%.0f\" y=\"42\">", x + 17);
        out.raw(detail::escaped(zone.empty() ? "no zone" : zone) + "</text>\n");
        x += 40 + 7.0 * static_cast<double>(std::max<std::size_t>(zone.size(), 7));
    }
    out("<text x=\"%.1f\" y=\"66\" fill=\"#555\">copies before</text>\n", left);
    out("<text x=\"%.1f\" y=\"66\" fill=\"#555\" text-anchor=\"middle\">read from ... by</text>\n",
        left + bar + gap / 2);
    out("<text x=\"%.1f\" y=\"66\" fill=\"#555\">copies after</text>\n", right);

    // Ribbons first, so that bars lie over their ends.
    struct flow {
        std::size_t copies = 0, in_danger = 0;
    };
    std::map<std::pair<std::size_t, std::size_t>, flow> flows;
    for (auto const& m : plan.moves) {
        auto& f = flows[{m.from, m.to}];
        ++f.copies;
        f.in_danger += m.why < danger::misplaced;
    }
    // Between the sides of a bar, one below the other; the busiest node fills its bar.
    std::uint32_t busiest = 1;
    for (auto const& n : plan.nodes)
        busiest = std::max({busiest, n.in, n.out});
    auto const scale = thick / busiest;
    std::map<std::size_t, double> used_out, used_in;
    auto const width_of = [&](std::size_t copies) { return static_cast<double>(copies) * scale; };
    for (auto i : shown) {
        used_out[i] = (thick - width_of(plan.nodes[i].out)) / 2;
        used_in[i] = (thick - width_of(plan.nodes[i].in)) / 2;
    }
    // In the order of the rows, so that ribbons of one node do not cross.
    for (auto from : shown)
        for (auto to : shown) {
            auto const f = flows.find({from, to});
            if (f == flows.end())
                continue;
            auto const w = width_of(f->second.copies);
            auto const y0 = y[from] + used_out[from], y1 = y[to] + used_in[to];
            used_out[from] += w;
            used_in[to] += w;
            auto const x0 = left + bar, x1 = right, mid = (x0 + x1) / 2;
            out("<path d=\"M%.1f %.2fC%.1f %.2f %.1f %.2f %.1f %.2fL%.1f %.2fC%.1f %.2f %.1f %.2f "
                "%.1f %.2fZ\" fill=\"%s\" fill-opacity=\"0.5\" stroke=\"%s\" stroke-width=\"0.6\" "
                "stroke-opacity=\"0.6\"/>\n",
                x0, y0, mid, y0, mid, y1, x1, y1, x1, y1 + w, mid, y1 + w, mid, y0 + w, x0, y0 + w,
                f->second.in_danger != 0 ? "#d62728" : "#7f8fa6",
                f->second.in_danger != 0 ? "#d62728" : "#7f8fa6");
        }
    for (auto i : shown) {
        auto const& n = plan.nodes[i];
        auto const* const colour = colours[zones[n.zone] % 8];
        auto const wide = [&](std::uint32_t copies) { return bar * copies / most; };
        auto const text_y = y[i] + 15;
        out("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", left - 8, text_y);
        out.raw(detail::escaped(n.name.substr(0, 30)) + "</text>");
        out("<text x=\"%.1f\" y=\"%.1f\">", right + bar + 8, text_y);
        out.raw(detail::escaped(n.name.substr(0, 30)) + "</text>\n");
        for (auto [at, copies] : {std::pair{left, n.before}, std::pair{right, n.after}}) {
            out("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#f0f0f0\"/>", at,
                y[i], bar, thick);
            out("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\" "
                "fill-opacity=\"0.65\"/>",
                at, y[i], wide(copies), thick, colour);
            if (at == right && n.in != 0 && copies >= n.in)
                out("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>",
                    at + wide(copies) - wide(n.in), y[i], wide(n.in), thick, colour);
            out("<text x=\"%.1f\" y=\"%.1f\" fill=\"#222\">%u", at + 5, text_y, copies);
            if (at == right && n.in != 0)
                out(", %u new", n.in);
            if (at == left && !n.was_here)
                out(" (joins)");
            if (at == right && (!n.is_here || n.state != node_state::up))
                out(" (%s)", n.is_here ? to_string(n.state) : "leaves");
            out("</text>\n");
        }
    }
    out("</svg>\n");
    return out.take();
}

} // namespace perdure

#endif
