// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_OPTIONS_HPP
#define FAILOVER_OPTIONS_HPP

#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace failover {

inline constexpr std::string_view usage_text =
    R"(failover: a small sharded store that is killed, frozen, restarted and grown under load.

  failover [options] [DIRECTORY]

  DIRECTORY            the tree to store; default: the C and C++ headers below /usr/include
  --megabytes N        stop reading the tree after N megabytes (default 100)
  --minutes N          draw faults from exponential times for N minutes, instead of the fixed schedule
  --seed N             for those draws (default: 1)
  --data DIRECTORY     where the processes keep logs and snapshots (default: a temporary one, removed at the end)
  --keep               keep it
  --help

Exit status: 0 nothing acknowledged was lost; 1 something was lost, or a step did not come about; 2 wrong usage;
130 interrupted.
)";

struct options {
    std::filesystem::path source = "/usr/include";
    std::vector<std::string> endings = {".h", ".hpp"};
    std::uint64_t megabytes = 100;
    std::uint64_t minutes = 0;
    std::uint64_t seed = 1;
    std::filesystem::path data;
    bool keep = false;
    bool help = false;

    // A storage process is this program, run with these.
    std::uint32_t storage = 0;
    std::vector<std::string> addresses; ///< ip:port of every node, in order.
    std::string detector;               ///< ip:port.
};

namespace detail {

inline std::uint64_t parse_number(std::string_view name, std::string_view text)
{
    std::uint64_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value == 0)
        throw std::invalid_argument(std::string(name) + " is '" + std::string(text) +
                                    "'; a whole number above 0 is needed");
    return value;
}

} // namespace detail

/// Throws std::invalid_argument that says what is wrong and what is allowed.
inline options parse_options(std::vector<std::string> const& arguments)
{
    options result;
    for (std::size_t i = 0; i != arguments.size(); ++i) {
        std::string const& a = arguments[i];
        auto const value = [&]() -> std::string const& {
            if (i + 1 == arguments.size())
                throw std::invalid_argument(a + " needs a value");
            return arguments[++i];
        };
        if (a == "--help" || a == "-h")
            result.help = true;
        else if (a == "--megabytes")
            result.megabytes = detail::parse_number(a, value());
        else if (a == "--minutes")
            result.minutes = detail::parse_number(a, value());
        else if (a == "--seed")
            result.seed = detail::parse_number(a, value());
        else if (a == "--data")
            result.data = value();
        else if (a == "--keep")
            result.keep = true;
        else if (a == "--storage")
            result.storage = static_cast<std::uint32_t>(detail::parse_number(a, value()));
        else if (a == "--address")
            result.addresses.push_back(value());
        else if (a == "--detector")
            result.detector = value();
        else if (a.starts_with("-"))
            throw std::invalid_argument("unknown option '" + a + "'; --help lists them");
        else {
            result.source = a;
            result.endings.clear(); // A tree that was asked for is stored whole.
        }
    }
    if (!result.help && result.storage == 0 && !std::filesystem::is_directory(result.source))
        throw std::invalid_argument("'" + result.source.string() + "' is not a directory");
    return result;
}

} // namespace failover

#endif
