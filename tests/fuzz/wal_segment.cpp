// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Opening a log of up to three segments, whatever their bytes: it ends, and if the log opens, what
// was read can be read again, appending works, and the next opening needs no repair.
//
// Input: one byte of choices, two bytes for the length of the first segment, two for the second;
// then the segments, each without the unused rest of its header page.

#include "fuzz/fuzz.hpp"
#include "fuzz/mend.hpp"
#include "support/memory_files.hpp"
#include "wal/plain_log.hpp"

#include <vector>

using namespace perdure;

namespace {

using log_type = plain_log<memory_files>;

void put_segment(memory_files::disk& disk, std::uint64_t sequence, std::span<std::byte const> in,
                 unsigned choices)
{
    auto const n = std::make_shared<memory_files::node>();
    auto& file = n->content;
    file.resize(wal_format::page_bytes);
    auto const header = in.first(std::min(in.size(), wal_format::header_bytes));
    std::copy(header.begin(), header.end(), file.begin());
    std::copy(header.begin(), header.end(), file.begin() + wal_format::header_copy);
    file.insert(file.end(), in.begin() + static_cast<std::ptrdiff_t>(header.size()), in.end());
    if (choices & 1)
        fuzz::mend_segment(file, choices & 2);
    if (choices & 4 && file.size() < 12288)
        file.resize(12288);
    disk.files["log/" + wal_format::segment_name(sequence)] = n;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size < 5 || size > 16384)
        return 0;
    unsigned const choices = data[0];
    std::size_t const first = data[1] + 256u * data[2];
    std::size_t const second = data[3] + 256u * data[4];
    auto in = fuzz::bytes(data + 5, size - 5);
    auto const disk = std::make_shared<memory_files::disk>();
    std::uint64_t sequence = 0;
    for (auto const n : {first, second, in.size()}) {
        auto const part = in.first(std::min(n, in.size()));
        in = in.subspan(part.size());
        if (part.empty())
            break;
        put_segment(*disk, ++sequence, part, choices);
    }
    auto const mode = static_cast<recovery_mode>((choices >> 3) & 3);
    std::vector<log_type::record> kept;
    {
        log_type log{memory_files(disk)};
        auto const report = log.open(mode, 7);
        fuzz::require(!to_string(report).empty(), "a report can be printed");
        if (log.error) {
            fuzz::require(report.outcome == recovery_outcome::refused, "a refusal says so");
            return 0;
        }
        if (log.next() > wal_format::position_limit)
            return 0; // Positions end there.
        if (log.front > log.next())
            return 0; // Forged: more was trimmed than was ever appended.
        error_code ec;
        kept = log.read(ec);
        position last = 0;
        for (auto const& [p, text] : kept) {
            fuzz::require(p > last && p < log.next(), "positions rise and are the log's");
            last = p;
        }
        if (ec)
            return 0; // In mode tail older segments are verified when they are read.
        kept.emplace_back(log.next(), "after");
        log.append({"after"});
        fuzz::require(!log.error, "appending works");
    }
    log_type again{memory_files(disk)};
    auto const report = again.open(recovery_mode::tail, 8);
    fuzz::require(!again.error, "it opens again");
    fuzz::require(report.outcome == recovery_outcome::recovered, "without another repair");
    error_code ec;
    fuzz::require(again.read(ec) == kept && !ec, "and reads the same");
    return 0;
}
