// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/thrown.hpp"
#include <perdure/simulation/crash_states.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace perdure::simulation;
using perdure::error_code;
using perdure::open_mode;
using perdure::rename_mode;
using perdure::test::thrown;

std::span<std::byte const> bytes(std::string_view text)
{
    return std::as_bytes(std::span(text));
}

enum class step { write, sync, rename, sync_directory, acknowledge };

/* Replaces a one-line configuration file by the given steps, and looks at every state in which a
 * power cut can leave the disk after each of them. Returns what a user would report, or nothing.
 */
std::string search_for_loss(std::vector<step> const& program)
{
    disk d;
    d.put("config", bytes("old"));
    bool acknowledged = false;
    std::string loss;
    auto const look = [&] {
        for_each_crash_state(d, duration(), [&](disk const& left) {
            std::string text = "missing";
            if (left.exists("config")) {
                auto const content = left.contents("config");
                text.assign(reinterpret_cast<char const*>(content.data()), content.size());
            }
            if (acknowledged ? text != "new" : text != "new" && text != "old")
                loss =
                    acknowledged ? "acknowledged data is gone" : "neither the old data nor the new";
        });
    };
    error_code ec;
    auto const f = d.open("config.tmp", open_mode::create, {}, ec);
    for (auto const s : program) {
        switch (s) {
        case step::write:
            d.write(f, 0, bytes("new"), {});
            break;
        case step::sync:
            d.sync(f, {});
            break;
        case step::rename:
            d.rename("config.tmp", "config", rename_mode::replace, {}, ec);
            break;
        case step::sync_directory:
            d.sync_directory("/", {}, ec);
            break;
        case step::acknowledge:
            acknowledged = true;
            break;
        }
        look();
        if (!loss.empty())
            return loss;
    }
    return loss;
}

} // namespace

TEST_CASE("for_each_crash_state: a correct replacement of a file survives every power cut",
          "[simulation][core]")
{
    CHECK(search_for_loss({step::write, step::sync, step::rename, step::sync_directory,
                           step::acknowledge}) == "");
}

TEST_CASE("for_each_crash_state: each forgotten or misplaced step is found", "[simulation][core]")
{
    CHECK(search_for_loss({step::write, step::rename, step::sync_directory, step::acknowledge}) ==
          "neither the old data nor the new");
    CHECK(search_for_loss({step::write, step::sync, step::rename, step::acknowledge}) ==
          "acknowledged data is gone");
    CHECK(search_for_loss({step::write, step::sync, step::acknowledge, step::rename,
                           step::sync_directory}) == "acknowledged data is gone");
    CHECK(search_for_loss({step::write, step::rename, step::sync, step::sync_directory,
                           step::acknowledge}) == "neither the old data nor the new");
}

TEST_CASE(
    "for_each_crash_state: each state is visited once, and too many ways to crash are refused",
    "[simulation][core]")
{
    disk d;
    d.put("f", bytes(std::string(4096, 'a')));
    error_code ec;
    auto const f = d.open("f", open_mode::read_write, {}, ec);
    d.write(f, 0, bytes(std::string(4096, 'b')), {});
    std::size_t visited = 0;
    CHECK(for_each_crash_state(d, {}, [&](disk const&) { ++visited; }) == 256); // eight sectors
    CHECK(visited == 256);
    CHECK(thrown([&] {
              for_each_crash_state(
                  d, {}, [](disk const&) {}, 100);
          }) %
          "too many ways to crash");
}

TEST_CASE("disk: an observer sees every operation that changes it", "[simulation][core]")
{
    disk d;
    std::vector<duration> ends;
    d.watch([&](disk const&, interval when) { ends.push_back(when.end); });
    error_code ec;
    auto const f = d.open("f", open_mode::create, {duration(0), duration(1)}, ec);
    d.write(f, 0, bytes("x"), {duration(1), duration(2)});
    d.sync(f, {duration(2), duration(3)});
    d.resize(f, 0, {duration(3), duration(4)});
    CHECK(d.size(f) == 0);
    d.sync_directory("/", {duration(4), duration(5)}, ec);
    d.remove("f", {duration(5), duration(6)}, ec);
    CHECK(ends == std::vector{duration(1), duration(2), duration(3), duration(4), duration(5),
                              duration(6)});
}
