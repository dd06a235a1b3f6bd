// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "simulation/planted_store.hpp"
#include "support/catch.hpp"
#include <perdure/simulation/crash_search.hpp>

#include <string>

namespace {

namespace simulation = perdure::simulation;

/// Puts a store through its life, and every state that a power cut leaves through another.
template <planted_bug Bug>
simulation::crash_search_report search()
{
    using store = planted_store<Bug>;
    simulation::disk disk;
    std::uint64_t acknowledged = 0, begun = 0;
    simulation::crash_search search(disk, [&](simulation::disk& left) -> std::string {
        std::uint64_t found = 0;
        {
            store s{simulation::disk_files(left)};
            found = s.last();
            if (s.failed())
                return "a record that was never appended";
            if (found < acknowledged)
                return "an acknowledged record is gone";
            if (found > begun)
                return "a record that was never appended";
            s.append();
            s.append();
        }
        store again{simulation::disk_files(left)};
        return again.last() == found + 2 ? "" : "what was appended after the crash is gone";
    });
    store s(search.files());
    for (int i = 0; i != 4; ++i) {
        ++begun;
        s.append();
        acknowledged = s.last();
        if (i == 1)
            s.snapshot();
    }
    search.cut();
    INFO(search.report());
    CHECK(acknowledged == 4);
    return search.report();
}

} // namespace

TEST_CASE("crash_search: a right store survives every power cut", "[simulation][core]")
{
    auto const report = search<planted_bug::none>();
    INFO(report);
    CHECK(report.ok());
    CHECK(report.cuts > 20);
    CHECK(report.states > 100);
    CHECK(report.cuts_in_part == 0);
}

TEST_CASE("crash_search: each planted bug is found, by what it does", "[simulation][core]")
{
    using enum planted_bug;
    CHECK(search<no_directory_sync>().failure == "an acknowledged record is gone");
    CHECK(search<no_sync_before_rename>().failure == "an acknowledged record is gone");
    CHECK(search<trim_before_marker>().failure == "an acknowledged record is gone");
    CHECK(search<acknowledge_before_sync>().failure == "an acknowledged record is gone");
    CHECK(search<append_to_torn_tail>().failure == "what was appended after the crash is gone");
    CHECK(search<no_checksum>().failure == "a record that was never appended");
}

TEST_CASE("crash_search: the report says where and what was left", "[simulation][core]")
{
    auto const text = to_string(search<planted_bug::trim_before_marker>());
    INFO(text);
    CHECK(text.find("an acknowledged record is gone; the power was cut at cut") == 0);
    CHECK(text.find(", before the sync of the directory s, which left") != std::string::npos);
    auto const fine = to_string(search<planted_bug::none>());
    CHECK(fine.find("nothing found in") == 0);
}

TEST_CASE("crash_search: where there are too many states, what matters most is tried",
          "[simulation][core]")
{
    // Sixteen pages in one write: 2^128 states and more. The reader trusts the last page alone.
    simulation::disk disk;
    std::string const old(65536, 'a'), fresh(65536, 'b');
    disk.put("f", std::as_bytes(std::span(old)));
    std::size_t mixed = 0, by_page = 0;
    simulation::crash_search search(disk, [&](simulation::disk& left) -> std::string {
        auto const now = left.contents("f");
        std::size_t changed = 0;
        for (std::size_t i = 0; i != now.size(); i += simulation::sector_size)
            changed += now[i] == std::byte{'b'};
        mixed += changed != 0 && changed != 128;
        by_page += changed == 8 || changed == 120;
        return now.back() == std::byte{'b'} && now.front() == std::byte{'a'}
                   ? "the end is new and the front is not"
                   : "";
    });
    perdure::error_code ec;
    auto f = search.files().open("f", perdure::open_mode::read_write, ec);
    f.write_at(0, std::as_bytes(std::span(fresh)), ec);
    search.cut();
    CHECK(search.report().failure == "the end is new and the front is not");
    CHECK(search.report().cuts_in_part == 1);

    auto const visited = simulation::for_some_crash_states(
        disk, {}, [](simulation::disk const&, simulation::crash_report const&) {}, 10, 5);
    CHECK(!visited.all);
    CHECK(visited.states > 16u * 2 * 8);
    CHECK(visited.states < 2000);
}
