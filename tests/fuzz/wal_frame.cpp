// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The parsers of one segment of a log: whatever the bytes, they end, stay within their windows, and
// say the same for every way of cutting the bytes into windows.
//
// Input: one byte of choices, then a segment without the unused rest of its header page.

#include "fuzz/fuzz.hpp"
#include "fuzz/mend.hpp"
#include <perdure/wal/segment_scanner.hpp>

#include <string>
#include <vector>

using namespace perdure;

namespace {

struct reading {
    std::string log; // what was read, as text
    std::uint64_t steps = 0;
};

std::string text(std::uint64_t n)
{
    return std::to_string(n) + ' ';
}

/// Reads with windows of at most `window` bytes, or what is wanted.
reading scan(wal_format::segment_header const& header, std::span<std::byte const> file,
             std::size_t window)
{
    reading r;
    segment_scanner scanner(header);
    position next = 0;
    for (std::size_t wanted = 1;;) {
        auto const rest =
            file.subspan(std::min(static_cast<std::size_t>(scanner.offset()), file.size()));
        auto const n = std::min(rest.size(), std::max(window, wanted));
        auto const status = scanner.next(rest.first(n), n == rest.size());
        fuzz::require(++r.steps < 100'000, "the scanner ends");
        if (status == segment_scanner::status::more) {
            fuzz::require(n < rest.size(), "it wants no more than there is");
            fuzz::require(scanner.wanted() > n, "it wants more than it had");
            wanted = scanner.wanted();
            continue;
        }
        wanted = 1;
        if (status != segment_scanner::status::group) {
            r.log += text(static_cast<std::uint64_t>(status)) + text(scanner.offset());
            if (status == segment_scanner::status::damaged)
                r.log += text(static_cast<std::uint64_t>(scanner.damage()));
            return r;
        }
        auto const& g = scanner.group();
        fuzz::require(g.end() == scanner.offset() && g.end() <= file.size(), "a group lies inside");
        std::uint64_t records = 0;
        for_each_record(g, [&](position p, std::span<std::byte const> bytes) {
            fuzz::require(p >= next, "positions rise");
            next = p + 1;
            ++records;
            fuzz::require(bytes.data() >= g.frames.data() &&
                              bytes.data() + bytes.size() <= g.frames.data() + g.frames.size(),
                          "a record lies inside its group");
            r.log += text(p) + text(bytes.size());
        });
        fuzz::require(records == g.seal.records, "the seal counts the records");
        fuzz::require(g.last + 1 >= next, "the group's last position is its last");
        r.log += text(g.last) + text(g.seal.digest);
    }
}

std::string search(wal_format::segment_header const& header, std::span<std::byte const> file,
                   std::size_t window)
{
    std::string log;
    wreck_scanner scanner(header, wal_format::page_bytes);
    for (std::size_t wanted = 1, steps = 0;;) {
        auto const rest =
            file.subspan(std::min(static_cast<std::size_t>(scanner.offset()), file.size()));
        auto const n = std::min(rest.size(), std::max(window, wanted));
        auto const status = scanner.next(rest.first(n), n == rest.size());
        fuzz::require(++steps < 100'000, "the search ends");
        if (status == wreck_scanner::status::end)
            return log + text(scanner.last_used());
        wanted = 1;
        if (status == wreck_scanner::status::more) {
            fuzz::require(n < rest.size(), "it wants no more than there is");
            wanted = scanner.wanted();
            continue;
        }
        log += text(scanner.header().at) + text(scanner.payload().size());
        auto const payload = scanner.payload();
        wal_format::decode_seal(payload);
        wal_format::decode_link(payload);
        wal_format::decode_footer(payload);
        wal_format::decode_gap(payload);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size < 1 + wal_format::header_bytes)
        return 0;
    auto const choices = data[0];
    auto const in = fuzz::bytes(data + 1, size - 1);
    std::vector<std::byte> file(wal_format::page_bytes);
    std::copy_n(in.begin(), wal_format::header_bytes, file.begin());
    std::copy_n(in.begin(), wal_format::header_bytes, file.begin() + wal_format::header_copy);
    file.insert(file.end(), in.begin() + wal_format::header_bytes, in.end());
    if (choices & 1)
        fuzz::mend_segment(file, choices & 2);
    bool damaged = false;
    error_code ec;
    auto const header = wal_format::decode_header(file, damaged, ec);
    if (ec)
        return 0;
    auto const whole = scan(header, file, file.size());
    fuzz::require(whole.log == scan(header, file, 32).log, "windows of 32 bytes read the same");
    auto const found = search(header, file, file.size());
    fuzz::require(found == search(header, file, 48), "windows of 48 bytes find the same");
    return 0;
}
