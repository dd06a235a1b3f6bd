// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The table of docs/assumptions.md, made anew: each fault is done to a log of 60 acknowledged records in
// several segments, which is then opened in the four modes. A row that differs from the page fails.

#include "support/catch.hpp"
#include "wal/scripted_log.hpp"

#include <fstream>
#include <iterator>

using namespace perdure;

namespace {

using script = scripted_log<>;

constexpr int count = 60;

void fill(script& s, bool idle, bool close)
{
    s.options.verify_everything = true;
    s.open();
    for (int i = 0; i != count; ++i)
        s.append(std::to_string(i) + std::string(400, 'a'));
    if (idle)
        s.idle();
    if (close)
        s.close();
    else
        s.end();
}

/// In which words the page tells of an opening.
std::string result_of(script& s, recovery_mode mode)
{
    auto const found = s.opened(mode);
    if (!found)
        return s.error == errc::locked ? "refused: in use" : "refused";
    if (s.error)
        return "refused when read";
    std::string text(to_string(s.report.outcome));
    auto const n = static_cast<std::uint64_t>(count) - found->size();
    if (n != 0)
        text += s.report.positions_lost() == n ? ", loss told" : ", loss not told";
    return text;
}

std::string row(std::string const& fault, script& s)
{
    using enum recovery_mode;
    std::string text;
    std::string detected;
    for (auto const mode : {strict, tail, point_in_time, salvage}) {
        text += ' ' + result_of(s, mode) + " |";
        if (detected.empty() && s.report.reason != wal_damage::none)
            detected = to_string(s.report.reason);
    }
    return "| " + fault + " | " + (detected.empty() ? "-" : detected) + " |" + text;
}

} // namespace

TEST_CASE("the table of faults and results is that of the page", "[wal][core]")
{
    std::ifstream in(PERDURE_TEST_DATA "/../../docs/assumptions.md");
    std::string const page((std::istreambuf_iterator<char>(in)), {});
    REQUIRE(!page.empty());
    auto const second = script::segment(2);
    auto const with = [&](bool idle, bool close, std::string const& fault, auto damage) {
        script s;
        fill(s, idle, close);
        damage(s);
        auto const text = row(fault, s);
        INFO("the page lacks this row:\n" << text);
        CHECK(page.find(text + '\n') != std::string::npos);
    };
    auto const change = [](std::string const& name, auto f) {
        return [name, f](script& s) { s.change(name, [&](script::bytes& b) { f(s, b); }); };
    };
    auto const newest = [](script& s) {
        std::string found;
        for (auto const& path : s.disk.paths())
            if (path.ends_with(".seg") && !s.frames(path).empty())
                found = std::max(found, path);
        return found;
    };
    auto const in_newest = [&](auto f) {
        return [f, newest](script& s) {
            auto const name = newest(s);
            s.change(name, [&](script::bytes& b) { f(s, b, name); });
        };
    };
    auto const last_group_torn = in_newest([](script& s, script::bytes& b, std::string const& name) {
        auto const at = s.record(name, count).at;
        std::fill(b.begin() + static_cast<std::ptrdiff_t>(at + 100), b.end(), std::byte{});
    });

    with(false, true, "closed, nothing happened", [](script&) {});
    with(false, false, "killed, or power lost, between two appends", [](script&) {});
    with(false, false, "last group in part, no time to seal it", last_group_torn);
    with(true, false, "last group in part, after an idle moment", [&](script& s) {
        auto const name = newest(s);
        auto const at = s.record(name, count).at;
        s.change(name, [&](script::bytes& b) { b[at + 100] ^= std::byte{1}; });
    });
    with(true, false, "a bit of a record flipped", change(second, [](script& s, script::bytes& b) {
             b[s.frames(script::segment(2)).at(4).at + 40] ^= std::byte{1};
         }));
    with(true, false, "a 4 KiB page zeroed", change(second, [](script&, script::bytes& b) {
             std::fill_n(b.begin() + 8192, 4096, std::byte{});
         }));
    with(true, false, "one copy of a segment's header bad", change(second, [](script&, auto& b) {
             b[20] ^= std::byte{1};
         }));
    with(true, false, "both copies of a segment's header bad", change(second, [](script&, auto& b) {
             b[20] ^= std::byte{1};
             b[2068] ^= std::byte{1};
         }));
    with(true, false, "a segment cut short", change(second, [](script&, script::bytes& b) {
             b.resize(9000);
         }));
    with(true, false, "a segment gone", [&](script& s) {
        error_code ec;
        s.disk.remove(second, {}, ec);
    });
    with(true, false, "two pages of a segment swapped", change(second, [](script&, auto& b) {
             std::swap_ranges(b.begin() + 4096, b.begin() + 8192, b.begin() + 8192);
         }));
    with(true, false, "all segments gone", [](script& s) {
        error_code ec;
        for (auto const& path : s.disk.paths())
            if (path.ends_with(".seg"))
                s.disk.remove(path, {}, ec);
    });
    with(true, true, "closed, then a bit flipped", change(second, [](script& s, script::bytes& b) {
             b[s.frames(script::segment(2)).at(4).at + 40] ^= std::byte{1};
         }));
}
