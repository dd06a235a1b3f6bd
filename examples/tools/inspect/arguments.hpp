// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_INSPECT_ARGUMENTS_HPP
#define PERDURE_EXAMPLES_TOOLS_INSPECT_ARGUMENTS_HPP

#include <perdure/wal/format.hpp>
#include <perdure/wal/recovery_report.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

// What the tool is told on its command line.
namespace inspect {

inline constexpr char usage[] = R"(perdure-inspect COMMAND DIRECTORY [OPTION...]

DIRECTORY holds a log, a snapshot store, or both as durable<> keeps them ('log' and 'snapshots').

looking, also while the log is in use:
  verify DIR             reads every byte and judges it; nothing is changed
  stat DIR               the files, what each holds and what it costs
  dump DIR               the records: --from N, --to N, --hex
  tail DIR               the last records: --last N (10), --follow, --seconds N to end by itself
  backup DIR OUT         a verified copy of a log and its snapshots in the new directory OUT
writing a new directory:
  restore BACKUP OUT     a verified copy up to --position N or --time UNIX-MILLISECONDS
  convert DIR OUT        a log with other settings: --checksum crc32c|xxh3, --segment-bytes N
changing a log that nobody has open; without --apply they say what they would do:
  repair DIR             opens it in --mode salvage (or point_in_time); the damaged files are copied first
  cut DIR                drops the records behind --position N; the files are copied first

  --json                 one JSON object a line
  --mode M               strict, tail (as a program would open it), point_in_time, salvage

Exit codes: 0 clean, 1 a torn tail that opening drops, 2 corruption, 3 the system reported an error, something is in
use, or this tool cannot read it (encrypted, or of a newer version), 64 wrong usage.
)";

struct arguments {
    std::string command;
    std::vector<std::string> paths;
    bool json = false, hex = false, follow = false, apply = false;
    std::map<std::string, std::uint64_t> numbers;
    std::optional<perdure::recovery_mode> mode;
    std::optional<perdure::wal_format::checksum_kind> checksum;

    std::uint64_t number(std::string const& name, std::uint64_t otherwise) const
    {
        auto const i = numbers.find(name);
        return i == numbers.end() ? otherwise : i->second;
    }
};

struct bad_usage {
    std::string what;
};

inline arguments parse(std::vector<std::string> const& words)
{
    arguments a;
    for (std::size_t i = 0; i != words.size(); ++i) {
        auto const& w = words[i];
        auto const value = [&]() -> std::string const& {
            if (i + 1 == words.size())
                throw bad_usage{w + " needs a value"};
            return words[++i];
        };
        if (w == "--json")
            a.json = true;
        else if (w == "--hex")
            a.hex = true;
        else if (w == "--follow")
            a.follow = true;
        else if (w == "--apply")
            a.apply = true;
        else if (w == "--mode") {
            auto const& v = value();
            if (v == "strict")
                a.mode = perdure::recovery_mode::strict;
            else if (v == "tail")
                a.mode = perdure::recovery_mode::tail;
            else if (v == "point_in_time")
                a.mode = perdure::recovery_mode::point_in_time;
            else if (v == "salvage")
                a.mode = perdure::recovery_mode::salvage;
            else
                throw bad_usage{"--mode is '" + v + "'; strict, tail, point_in_time or salvage"};
        } else if (w == "--checksum") {
            auto const& v = value();
            if (v != "crc32c" && v != "xxh3")
                throw bad_usage{"--checksum is '" + v + "'; crc32c or xxh3"};
            a.checksum = v == "xxh3" ? perdure::wal_format::checksum_kind::xxh3
                                     : perdure::wal_format::checksum_kind::crc32c;
        } else if (w == "--from" || w == "--to" || w == "--last" || w == "--seconds" ||
                   w == "--position" || w == "--time" || w == "--segment-bytes") {
            auto const& v = value();
            std::uint64_t n = 0;
            auto const [end, failure] = std::from_chars(v.data(), v.data() + v.size(), n);
            if (failure != std::errc{} || end != v.data() + v.size())
                throw bad_usage{w + " is '" + v + "'; a number"};
            a.numbers[w] = n;
        } else if (w.starts_with("--"))
            throw bad_usage{"there is no option " + w};
        else if (a.command.empty())
            a.command = w;
        else
            a.paths.push_back(w);
    }
    return a;
}

} // namespace inspect

#endif
