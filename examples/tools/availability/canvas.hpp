// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_AVAILABILITY_CANVAS_HPP
#define PERDURE_EXAMPLES_TOOLS_AVAILABILITY_CANVAS_HPP

#include "answers.hpp"

#include <cstddef>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>

// Pictures as SVG that any browser shows, with text as text.
namespace tool::detail {

inline constexpr char const* ink = "#1f2933";
inline constexpr char const* line_colour = "#52606d";
inline constexpr char const* block_colour = "#e6f0fa";
inline constexpr char const* gate_colour = "#fdf3d8";
inline constexpr char const* accent = "#c0392b";

inline std::string escaped(std::string_view text)
{
    std::string out;
    for (char const c : text) {
        switch (c) {
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '&': out += "&amp;"; break;
        case '"': out += "&quot;"; break;
        default: out += static_cast<unsigned char>(c) < 32 || c == 127 ? '?' : c;
        }
    }
    return out;
}

/// At most `most` characters, whole UTF-8 sequences.
inline std::string shortened(std::string_view text, std::size_t most)
{
    if (text.size() <= most) {
        return std::string(text);
    }
    auto end = most - 1;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
        --end;
    }
    return std::string(text.substr(0, end)) + "…";
}

class canvas {
public:
    void line(double x1, double y1, double x2, double y2, char const* colour = line_colour,
              double width = 1.5, char const* more = "")
    {
        body_ << "<line x1='" << x1 << "' y1='" << y1 << "' x2='" << x2 << "' y2='" << y2
              << "' stroke='" << colour << "' stroke-width='" << width << "' " << more << "/>\n";
    }
    void box(double x, double y, double w, double h, char const* fill, char const* more = "")
    {
        body_ << "<rect x='" << x << "' y='" << y << "' width='" << w << "' height='" << h
              << "' rx='4' fill='" << fill << "' stroke='" << line_colour << "' " << more << "/>\n";
    }
    void bar(double x, double y, double w, double h, char const* fill)
    {
        body_ << "<rect x='" << x << "' y='" << y << "' width='" << w << "' height='" << h
              << "' fill='" << fill << "'/>\n";
    }
    void text(double x, double y, std::string_view words, char const* anchor = "middle",
              double size = 13, char const* colour = ink, char const* more = "")
    {
        body_ << "<text x='" << x << "' y='" << y << "' text-anchor='" << anchor << "' font-size='"
              << size << "' fill='" << colour << "' " << more << ">" << escaped(words)
              << "</text>\n";
    }
    void raw(std::string const& svg) { body_ << svg << "\n"; }
    void write(std::ostream& out, double width, double height, std::string_view title) const
    {
        out << "<svg xmlns='http://www.w3.org/2000/svg' width='" << width << "' height='" << height
            << "' viewBox='0 0 " << width << " " << height
            << "' font-family='Helvetica, Arial, sans-serif'>\n<title>" << escaped(title)
            << "</title>\n<rect width='100%' height='100%' fill='white'/>\n"
            << body_.str() << "</svg>\n";
    }

private:
    std::ostringstream body_;
};

inline std::string down_text(double u)
{
    return short_number(u, "%.2g");
}

} // namespace tool::detail

#endif
