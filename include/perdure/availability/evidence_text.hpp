// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_EVIDENCE_TEXT_HPP
#define PERDURE_AVAILABILITY_EVIDENCE_TEXT_HPP

#include <perdure/availability/history.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Evidence as text that survives restarts: docs/formats/availability_evidence.md.
namespace perdure::availability {

/// One unit's history under its name, as the evidence format holds it.
struct named_history {
    std::string name;
    history seen; ///< its events and times so far
    friend bool operator==(named_history const&, named_history const&) = default;
};

namespace detail {

inline constexpr std::string_view evidence_title = "perdure availability evidence 1";
inline constexpr std::size_t evidence_name_max = 255;

/// Names stand between spaces: printable, without a space, and not too long.
inline void check_evidence_name(std::string_view name)
{
    bool good = !name.empty() && name.size() <= evidence_name_max;
    for (char c : name) {
        auto const byte = static_cast<unsigned char>(c);
        good = good && byte > 0x20 && byte != 0x7f;
    }
    if (!good) {
        throw std::invalid_argument(
            "the name of a unit has " + std::to_string(name.size()) +
            " characters; 1 to 255 are allowed, without spaces and control characters");
    }
}

/// FNV-1a: any change of one byte changes it.
constexpr std::uint64_t fnv1a(std::string_view text)
{
    std::uint64_t hash = 0xcbf29ce484222325;
    for (char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return hash;
}

template <class Number>
void append_number(std::string& text, Number value, auto... format)
{
    char digits[40];
    auto const end = std::to_chars(digits, digits + sizeof digits, value, format...).ptr;
    text.append(digits, end);
}

} // namespace detail

/// @throws std::invalid_argument if a name cannot be written
inline std::string write_evidence(std::span<named_history const> all)
{
    std::string text(detail::evidence_title);
    text += '\n';
    for (auto const& h : all) {
        detail::check_evidence_name(h.name);
        text += "unit " + h.name + ' ';
        detail::append_number(text, h.seen.failures);
        text += ' ';
        detail::append_number(text, h.seen.repairs);
        text += ' ';
        detail::append_number(text, h.seen.up.count()); // shortest digits that read back the same
        text += ' ';
        detail::append_number(text, h.seen.down.count());
        text += '\n';
    }
    auto const check = detail::fnv1a(text);
    text += "end ";
    detail::append_number(text, check, 16);
    text += '\n';
    return text;
}

/** Reads what write_evidence() wrote.
 *
 *  Nothing is believed before the check value at the end agrees. Lines of other kinds, which a
 *  later minor version may add, are skipped.
 *
 *  @throws std::invalid_argument saying what is wrong, where, and what is allowed. At most 2^20
 *          bytes are read.
 */
inline std::vector<named_history> read_evidence(std::string_view text)
{
    auto const refuse = [](std::size_t line, std::string const& what) {
        throw std::invalid_argument("availability evidence, line " + std::to_string(line) + ": " +
                                    what);
    };
    if (text.size() > (std::size_t{1} << 20)) {
        refuse(1, "there are " + std::to_string(text.size()) + " bytes; at most 2^20 are allowed");
    }
    // The last line checks all before it.
    auto const last = text.rfind("\nend ");
    if (last == std::string_view::npos || text.back() != '\n') {
        refuse(1, "the text is cut off: its last line must be 'end <check value>'");
    }
    auto const body = text.substr(0, last + 1);
    std::string expected = "end ";
    detail::append_number(expected, detail::fnv1a(body), 16);
    expected += '\n';
    if (text.substr(last + 1) != expected) {
        refuse(1, "the check value at the end disagrees with the text: it was changed or damaged");
    }

    std::vector<named_history> all;
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < body.size();) {
        auto const end = body.find('\n', begin);
        auto line = body.substr(begin, end - begin);
        begin = end + 1;
        ++number;
        if (number == 1) {
            if (line != detail::evidence_title) {
                refuse(1, "the title must be '" + std::string(detail::evidence_title) + "'");
            }
            continue;
        }
        if (!line.starts_with("unit ")) {
            continue;
        }
        line.remove_prefix(5);
        named_history h;
        auto const space = line.find(' ');
        h.name = std::string(line.substr(0, space));
        try {
            detail::check_evidence_name(h.name);
        } catch (std::invalid_argument const& e) {
            refuse(number, e.what());
        }
        line.remove_prefix(space == std::string_view::npos ? line.size() : space);
        auto const take = [&](auto& value, char const* what) {
            if (!line.starts_with(' ')) {
                refuse(number, std::string(what) + " are missing");
            }
            line.remove_prefix(1);
            auto const [stop, error] =
                std::from_chars(line.data(), line.data() + line.size(), value);
            if (error != std::errc{}) {
                refuse(number, std::string(what) + " are not a number in range");
            }
            line.remove_prefix(static_cast<std::size_t>(stop - line.data()));
        };
        double up = 0;
        double down = 0;
        take(h.seen.failures, "failures");
        take(h.seen.repairs, "repairs");
        take(up, "seconds up");
        take(down, "seconds down");
        if (!(up >= 0 && up < detail::infinity && down >= 0 && down < detail::infinity)) {
            refuse(number, "seconds up and down must be finite and at least 0");
        }
        h.seen.up = duration(up);
        h.seen.down = duration(down);
        all.push_back(std::move(h));
    }
    return all;
}

} // namespace perdure::availability

#endif
