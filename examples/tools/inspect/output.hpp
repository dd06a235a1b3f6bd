// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_INSPECT_OUTPUT_HPP
#define PERDURE_EXAMPLES_TOOLS_INSPECT_OUTPUT_HPP

#include <concepts>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace inspect {

/// A named value of the output: a number or a text.
struct field {
    std::string name;
    std::string text;
    bool number = false;

    field(std::string n, std::string_view t) : name(std::move(n)), text(t) {}
    field(std::string n, char const* t) : name(std::move(n)), text(t) {}
    field(std::string n, std::unsigned_integral auto v)
        : name(std::move(n)), text(std::to_string(v)), number(true)
    {
    }
};

inline std::string json_text(std::string_view text)
{
    std::ostringstream out;
    out << '"';
    for (char const c : text) {
        auto const u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out << '\\' << c;
        else if (u < 0x20 || u >= 0x7f) // Bytes, not characters: JSON has no others.
            out << "\\u00" << std::hex << std::setw(2) << std::setfill('0') << unsigned{u};
        else
            out << c;
    }
    out << '"';
    return std::move(out).str();
}

inline std::string hex(std::string_view bytes)
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (char const c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

/** What the tool says: JSON, one object a line, or columns for people.
 *
 *  `item` is one thing with many fields, `row` one of many things with few.
 */
class output {
public:
    explicit output(bool json) : json_(json) {}

    void item(std::string const& kind, std::vector<field> const& fields)
    {
        if (json_)
            return line(kind, fields);
        std::cout << kind << '\n';
        for (auto const& f : fields)
            if (!f.text.empty())
                std::cout << "  " << std::left << std::setw(16) << f.name << f.text << '\n';
        last_.clear();
    }
    void row(std::string const& kind, std::vector<field> const& fields)
    {
        if (json_)
            return line(kind, fields);
        auto const columns = [&](auto text_of) {
            for (std::size_t i = 0; i != fields.size(); ++i)
                if (i + 1 == fields.size())
                    std::cout << text_of(fields[i]) << '\n';
                else
                    std::cout << (fields[i].number ? std::right : std::left) << std::setw(12)
                              << text_of(fields[i]) << "  ";
        };
        if (std::exchange(last_, kind) != kind)
            columns([](field const& f) { return f.name; });
        columns([](field const& f) { return f.text; });
    }
    void flush() { std::cout << std::flush; }

private:
    static void line(std::string const& kind, std::vector<field> const& fields)
    {
        std::cout << "{\"kind\":" << json_text(kind);
        for (auto const& f : fields)
            std::cout << ',' << json_text(f.name) << ':' << (f.number ? f.text : json_text(f.text));
        std::cout << "}\n";
    }

    bool json_;
    std::string last_;
};

} // namespace inspect

#endif
