// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_AVAILABILITY_PICTURES_HPP
#define PERDURE_EXAMPLES_TOOLS_AVAILABILITY_PICTURES_HPP

#include "canvas.hpp"
#include "charts.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <map>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tool {

namespace detail {

/// A formula with the names of formulas replaced by these, as it is drawn.
struct drawn {
    formula::kind is = formula::kind::name;
    std::string label; ///< of a component, or of a named formula
    double down = 0;   ///< of a component
    std::uint32_t threshold = 0;
    bool again = false; ///< a component that is drawn elsewhere as well
    std::vector<drawn> parts;
    double width = 0;
    double height = 0;
};

inline constexpr std::size_t drawn_max = 400;

class drawing {
public:
    explicit drawing(model const& m)
    {
        for (auto const& c : m.components) {
            down_[c.name] = c.down.yes;
        }
        root_ = expand(m.top, m, 0);
        mark(root_);
    }
    explicit drawing(availability::fault_tree const& tree)
    {
        for (auto const& e : tree.events()) {
            down_[e.name] = e.happens.yes;
        }
        root_ = expand(tree, tree.top(), 0);
        mark(root_);
    }
    drawn& root() { return root_; }

private:
    using node_kind = availability::node_kind;

    void count()
    {
        if (++count_ > drawn_max) {
            throw std::length_error("the model has more than 400 parts to draw; draw a smaller one, "
                                    "or a gate of it (--top)");
        }
    }
    drawn expand(formula const& f, model const& m, int depth)
    {
        if (depth > 400) {
            throw std::length_error("the model is nested too deeply to be drawn");
        }
        if (f.is == formula::kind::name) {
            auto const found = m.formulas.find(f.name);
            if (found != m.formulas.end()) {
                auto d = expand(found->second, m, depth + 1);
                if (d.is != formula::kind::name) {
                    d.label = f.name;
                }
                return d;
            }
            count();
            ++uses_[f.name];
            return {f.is, f.name, down_.at(f.name), 0, false, {}, 0, 0};
        }
        count();
        drawn d{f.is, {}, 0, f.threshold, false, {}, 0, 0};
        for (auto const& part : f.parts) {
            d.parts.push_back(expand(part, m, depth + 1));
        }
        return d;
    }
    drawn expand(availability::fault_tree const& tree, availability::fault_tree::node n, int depth)
    {
        if (depth > 400) {
            throw std::length_error("the tree is nested too deeply to be drawn");
        }
        count();
        drawn d;
        d.label = tree.name(n);
        switch (tree.kind(n)) {
        case node_kind::event:
            ++uses_[d.label];
            d.down = down_.at(d.label);
            return d;
        case node_kind::constant:
            d.label = tree.threshold(n) != 0 ? "true" : "false";
            d.down = tree.threshold(n) != 0 ? 1 : 0;
            return d;
        case node_kind::all_of: d.is = formula::kind::all_of; break;
        case node_kind::any_of: d.is = formula::kind::any_of; break;
        case node_kind::negation: d.is = formula::kind::negation; break;
        case node_kind::at_least:
            d.is = formula::kind::at_least;
            d.threshold = tree.threshold(n);
            break;
        case node_kind::odd:
            d.is = formula::kind::at_least;
            d.threshold = 0; // drawn as "odd"
            break;
        }
        for (auto const input : tree.inputs(n)) {
            d.parts.push_back(expand(tree, input, depth + 1));
        }
        return d;
    }
    void mark(drawn& d) const
    {
        if (d.is == formula::kind::name && uses_.contains(d.label)) {
            d.again = uses_.at(d.label) > 1;
        }
        for (auto& part : d.parts) {
            mark(part);
        }
    }

    std::map<std::string, double> down_;
    std::map<std::string, int> uses_;
    std::size_t count_ = 0;
    drawn root_;
};

/// A block diagram: what is side by side on the line must all work, of what is stacked one suffices
/// unless a number says more.
class block_diagram {
public:
    void draw(drawn& root, std::string const& title, std::ostream& out)
    {
        measure(root);
        double const width = root.width + 2 * margin + 60;
        double const height = root.height + 2 * margin + 70;
        double const y = margin + 36 + root.height / 2;
        c_.text(margin, margin + 6, title, "start", 15, ink, "font-weight='bold'");
        c_.raw("<circle cx='" + std::to_string(margin) + "' cy='" + std::to_string(y) +
               "' r='4' fill='" + line_colour + "'/>");
        place(root, margin + 30, y);
        c_.line(margin, y, margin + 30, y);
        c_.line(margin + 30 + root.width, y, width - margin, y);
        c_.raw("<circle cx='" + std::to_string(width - margin) + "' cy='" + std::to_string(y) +
               "' r='4' fill='" + line_colour + "'/>");
        if (any_again_) {
            c_.text(margin, height - 12, "dashed: the same component stands at several places",
                    "start", 11, line_colour);
        }
        c_.write(out, std::max(width, 360.), height, title);
    }

private:
    static constexpr double margin = 24;
    static constexpr double block_height = 44;
    static constexpr double gap = 18;
    static constexpr double rail = 22;

    static bool is_stack(drawn const& d)
    {
        return d.is == formula::kind::any_of || d.is == formula::kind::at_least;
    }
    static double block_width(drawn const& d)
    {
        return std::max(78., 8. * static_cast<double>(std::min<std::size_t>(d.label.size(), 26)) + 20);
    }
    static double badge(drawn const& d) { return d.is == formula::kind::at_least ? 46 : 0; }

    void measure(drawn& d)
    {
        for (auto& part : d.parts) {
            measure(part);
        }
        d.width = 0;
        d.height = 0;
        if (d.is == formula::kind::name) {
            d.width = block_width(d);
            d.height = block_height;
        } else if (d.is == formula::kind::negation) {
            d.width = d.parts[0].width + 34;
            d.height = d.parts[0].height + 26;
        } else if (is_stack(d)) {
            for (auto const& part : d.parts) {
                d.width = std::max(d.width, part.width);
                d.height += part.height + gap;
            }
            d.width += 2 * rail + badge(d);
            d.height -= gap;
        } else {
            for (auto const& part : d.parts) {
                d.width += part.width + gap;
                d.height = std::max(d.height, part.height);
            }
            d.width -= gap;
        }
        // A name above a group.
        if (d.is != formula::kind::name && !d.label.empty()) {
            d.height += 2 * label_room;
            d.width = std::max(d.width, 7.5 * static_cast<double>(d.label.size()));
        }
    }
    static constexpr double label_room = 17;

    void place(drawn const& d, double x, double y)
    {
        if (d.is != formula::kind::name && !d.label.empty()) {
            c_.text(x + (d.width - badge(d)) / 2, y - d.height / 2 + 11, shortened(d.label, 40), "middle", 11,
                    line_colour, "font-style='italic'");
        }
        switch (d.is) {
        case formula::kind::name:
            any_again_ = any_again_ || d.again;
            c_.box(x, y - block_height / 2, d.width, block_height, block_colour,
                   d.again ? "stroke-dasharray='5 3'" : "");
            c_.text(x + d.width / 2, y - 2, shortened(d.label, 26));
            c_.text(x + d.width / 2, y + 14, "down " + down_text(d.down), "middle", 10, line_colour);
            return;
        case formula::kind::negation:
            c_.box(x, y - d.parts[0].height / 2 - 10, d.width, d.parts[0].height + 20, "none",
                   "stroke-dasharray='2 3'");
            c_.text(x + 12, y - 4, "not", "middle", 10, accent);
            c_.line(x, y, x + 17, y);
            place(d.parts[0], x + 17, y);
            c_.line(x + 17 + d.parts[0].width, y, x + d.width, y);
            return;
        case formula::kind::any_of:
        case formula::kind::at_least:
            stack(d, x, y);
            return;
        case formula::kind::all_of:
            break;
        }
        double inner = -gap;
        for (auto const& part : d.parts) {
            inner += part.width + gap;
        }
        double at = x + (d.width - inner) / 2;
        c_.line(x, y, at, y);
        for (std::size_t i = 0; i < d.parts.size(); ++i) {
            if (i > 0) {
                c_.line(at, y, at + gap, y);
                at += gap;
            }
            place(d.parts[i], at, y);
            at += d.parts[i].width;
        }
        c_.line(at, y, x + d.width, y);
    }
    void stack(drawn const& d, double x, double y)
    {
        double inner = -gap;
        for (auto const& part : d.parts) {
            inner += part.height + gap;
        }
        double const left = x + rail / 2;
        double const right = x + d.width - rail / 2 - badge(d);
        double at = y - inner / 2;
        double first = 0;
        double last = 0;
        for (std::size_t i = 0; i < d.parts.size(); ++i) {
            auto const& part = d.parts[i];
            double const middle = at + part.height / 2;
            first = i == 0 ? middle : first;
            last = middle;
            double const from = left + (right - left - part.width) / 2;
            c_.line(left, middle, from, middle);
            place(part, from, middle);
            c_.line(from + part.width, middle, right, middle);
            at += part.height + gap;
        }
        c_.line(left, std::min(first, y), left, std::max(last, y));
        c_.line(right, std::min(first, y), right, std::max(last, y));
        c_.line(x, y, left, y);
        if (d.is == formula::kind::at_least) {
            c_.line(right, y, right + 6, y);
            c_.raw("<ellipse cx='" + std::to_string(right + 29) + "' cy='" + std::to_string(y) +
                   "' rx='23' ry='15' fill='" + gate_colour + "' stroke='" + line_colour + "'/>");
            c_.text(right + 29, y + 4,
                    std::to_string(d.threshold) + " of " + std::to_string(d.parts.size()), "middle",
                    11);
            c_.line(right + 52, y, x + d.width, y);
        } else {
            c_.line(right, y, x + d.width, y);
        }
    }

    canvas c_;
    bool any_again_ = false;
};

/// A fault tree: the top above, gates below, events at the bottom of their branches.
class tree_picture {
public:
    void draw(drawn& root, std::string const& title, std::ostream& out)
    {
        measure(root);
        double const width = std::max(root.width, 340.) + 2 * margin;
        double const height = depth(root) * level + 2 * margin + 40;
        c_.text(margin, margin, title, "start", 15, ink, "font-weight='bold'");
        place(root, margin + (width - 2 * margin - root.width) / 2, margin + 24);
        if (any_again_) {
            c_.text(margin, height - 12, "dashed: the same event stands at several places", "start",
                    11, line_colour);
        }
        c_.write(out, width, height, title);
    }

private:
    static constexpr double margin = 24;
    static constexpr double level = 92;
    static constexpr double gap = 14;

    static double depth(drawn const& d)
    {
        double most = 0;
        for (auto const& part : d.parts) {
            most = std::max(most, depth(part));
        }
        return most + 1;
    }
    static double own_width(drawn const& d)
    {
        return std::max(64., 7.2 * static_cast<double>(std::min<std::size_t>(d.label.size(), 22)) + 18);
    }
    void measure(drawn& d)
    {
        double parts = -gap;
        for (auto& part : d.parts) {
            measure(part);
            parts += part.width + gap;
        }
        d.width = std::max(own_width(d), parts);
    }
    static std::string sign(drawn const& d)
    {
        switch (d.is) {
        case formula::kind::all_of: return "AND";
        case formula::kind::any_of: return "OR";
        case formula::kind::negation: return "NOT";
        case formula::kind::at_least:
            return d.threshold == 0 ? "ODD"
                                    : "≥ " + std::to_string(d.threshold) + " of " +
                                          std::to_string(d.parts.size());
        case formula::kind::name: break;
        }
        return {};
    }
    void place(drawn const& d, double x, double y)
    {
        double const middle = x + d.width / 2;
        if (d.is == formula::kind::name) {
            any_again_ = any_again_ || d.again;
            double const w = own_width(d);
            c_.box(middle - w / 2, y, w, 42, block_colour,
                   d.again ? "stroke-dasharray='5 3'" : "");
            c_.text(middle, y + 18, shortened(d.label, 22), "middle", 12);
            c_.text(middle, y + 34, down_text(d.down), "middle", 10, line_colour);
            return;
        }
        double top = y;
        if (!d.label.empty()) {
            double const w = own_width(d);
            c_.box(middle - w / 2, y, w, 22, "white");
            c_.text(middle, y + 15, shortened(d.label, 22), "middle", 11);
            top += 22;
            c_.line(middle, top, middle, top + 6);
            top += 6;
        }
        gate(d, middle, top);
        double const below = top + (d.is == formula::kind::all_of ? 28 : 23); // the middle of its bottom
        double const rail = y + level - 14;
        c_.line(middle, below, middle, rail);
        double parts = -gap;
        for (auto const& part : d.parts) {
            parts += part.width + gap;
        }
        double at = x + (d.width - parts) / 2;
        double first = middle;
        double last = middle;
        for (std::size_t i = 0; i < d.parts.size(); ++i) {
            double const centre = at + d.parts[i].width / 2;
            first = std::min(first, centre);
            last = std::max(last, centre);
            c_.line(centre, rail, centre, y + level);
            place(d.parts[i], at, y + level);
            at += d.parts[i].width + gap;
        }
        c_.line(first, rail, last, rail);
    }
    /// The usual outlines: a flat bottom for AND, a curved one for OR.
    void gate(drawn const& d, double x, double y)
    {
        std::ostringstream path;
        if (d.is == formula::kind::all_of) {
            path << "M" << x - 26 << " " << y + 28 << " V" << y + 16 << " Q" << x - 26 << " " << y
                 << " " << x << " " << y << " Q" << x + 26 << " " << y << " " << x + 26 << " "
                 << y + 16 << " V" << y + 28 << " Z";
        } else {
            path << "M" << x - 28 << " " << y + 28 << " Q" << x - 26 << " " << y + 6 << " " << x
                 << " " << y << " Q" << x + 26 << " " << y + 6 << " " << x + 28 << " " << y + 28
                 << " Q" << x << " " << y + 18 << " " << x - 28 << " " << y + 28 << " Z";
        }
        c_.raw("<path d='" + path.str() + "' fill='" + gate_colour + "' stroke='" + line_colour +
               "'/>");
        c_.text(x, y + 19, sign(d), "middle", d.is == formula::kind::at_least ? 9 : 10);
    }

    canvas c_;
    bool any_again_ = false;
};

} // namespace detail

/// What must work, as blocks; what must happen, as a fault tree.
inline void draw_structure(model const& m, std::string const& title, std::ostream& out)
{
    detail::drawing d(m);
    if (d.root().is != formula::kind::name && d.root().label.empty() && !m.works) {
        d.root().label = "top";
    }
    if (m.works) {
        detail::block_diagram().draw(d.root(), title, out);
    } else {
        detail::tree_picture().draw(d.root(), title, out);
    }
}
inline void draw_structure(availability::fault_tree const& tree, std::string const& title,
                           std::ostream& out)
{
    detail::drawing d(tree);
    detail::tree_picture().draw(d.root(), title, out);
}

} // namespace tool

#endif
