// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/thrown.hpp"
#include <perdure/simulation/crash_states.hpp>
#include <perdure/simulation/disk.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace perdure::simulation;
using perdure::error_code;
using perdure::open_mode;
using perdure::rename_mode;
using perdure::test::thrown;
using states = std::set<std::string>;

std::span<std::byte const> bytes(std::string_view text)
{
    return std::as_bytes(std::span(text));
}

// A disk and a clock that moves by 1 ms per operation, so that every operation has its own time.
struct bench {
    disk d;
    duration now{};

    interval next()
    {
        d.settle(now);
        auto const begin = now;
        now += 1ms;
        return {begin, now};
    }
    disk::file_id open(std::string_view path, open_mode mode = open_mode::create)
    {
        error_code ec;
        auto const id = d.open(path, mode, next(), ec);
        REQUIRE(!ec);
        return id;
    }
    void write(disk::file_id id, std::uint64_t offset, std::string_view text)
    {
        d.write(id, offset, bytes(text), next());
    }
    void sync(disk::file_id id) { d.sync(id, next()); }
    void sync_directory(std::string_view path = "/")
    {
        error_code ec;
        d.sync_directory(path, next(), ec);
        REQUIRE(!ec);
    }
    void rename(std::string_view from, std::string_view to, rename_mode how = rename_mode::replace)
    {
        error_code ec;
        d.rename(from, to, how, next(), ec);
        REQUIRE(!ec);
    }
    void remove(std::string_view path)
    {
        error_code ec;
        d.remove(path, next(), ec);
        REQUIRE(!ec);
    }
    // A synced file with this content.
    disk::file_id file(std::string_view path, std::string_view text)
    {
        d.put(path, bytes(text));
        return open(path);
    }
    // What a power cut at `t` can leave, as "name=content name=content".
    states after_crash(duration t) const
    {
        states all;
        for_each_crash_state(d, t, [&](disk const& left) { all.insert(describe(left)); });
        return all;
    }
    states after_crash() const { return after_crash(now); }

    static std::string describe(disk const& d)
    {
        std::string text;
        for (auto const& path : d.paths()) {
            text += (text.empty() ? "" : " ") + path + "=";
            for (auto const b : d.contents(path))
                text += b == std::byte() ? '0' : static_cast<char>(b);
        }
        return text;
    }
};

std::string times(std::size_t n, char c)
{
    return std::string(n, c);
}

} // namespace

TEST_CASE("disk: what was synced stays exactly, whatever was not", "[simulation][core]")
{
    bench b;
    auto const f = b.open("f");
    b.write(f, 0, "kept");
    b.sync(f);
    b.sync_directory();
    CHECK(b.after_crash() == states{"f=kept"});
    b.write(f, 4, "more");
    for (auto const& s : b.after_crash())
        CHECK(s.starts_with("f=kept"));
}

TEST_CASE("disk: an un-synced write is lost, kept, or a size without data", "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", "");
    b.write(f, 0, "abc");
    CHECK(b.after_crash() == states{"f=", "f=000", "f=abc"});
}

TEST_CASE("disk: an overwritten page is old, new, or torn between sectors and never inside one",
          "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", times(1024, 'a'));
    b.write(f, 0, times(1024, 'b'));
    CHECK(b.after_crash() == states{"f=" + times(1024, 'a'), "f=" + times(1024, 'b'),
                                    "f=" + times(512, 'a') + times(512, 'b'),
                                    "f=" + times(512, 'b') + times(512, 'a')});
}

TEST_CASE("disk: pages reach the disk independently, so later writes may survive earlier ones",
          "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", times(4097, 'a'));
    b.write(f, 0, "b");
    b.write(f, 4096, "c");
    auto const text = [](char first, char last) {
        return "f=" + std::string(1, first) + times(4095, 'a') + last;
    };
    CHECK(b.after_crash() ==
          states{text('a', 'a'), text('a', 'c'), text('b', 'a'), text('b', 'c')});
}

TEST_CASE("disk: a page may be on the disk as any write since the last sync left it",
          "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", "0");
    b.write(f, 0, "1");
    b.sync(f);
    b.write(f, 0, "2");
    b.write(f, 0, "3");
    CHECK(b.after_crash() == states{"f=1", "f=2", "f=3"});
}

TEST_CASE("disk: operations that begin after the power cut have not happened", "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", "0"); // opened at 0 to 1 ms
    b.write(f, 0, "1");              // 1 to 2 ms
    b.sync(f);                       // 2 to 3 ms
    b.write(f, 0, "2");              // 3 to 4 ms
    b.d.settle(0ms);
    // A settled time cannot be gone back to, so each cut asks a disk that has seen everything at
    // once.
    bench c;
    auto const g = c.file("f", "0");
    c.d.write(g, 0, bytes("1"), {1ms, 2ms});
    c.d.sync(g, {2ms, 3ms});
    c.d.write(g, 0, bytes("2"), {3ms + 1ns, 4ms});
    CHECK(c.after_crash(1ms - 1ns) == states{"f=0"});
    CHECK(c.after_crash(1ms) == states{"f=0", "f=1"});       // caught half-way
    CHECK(c.after_crash(2ms) == states{"f=0", "f=1"});       // written
    CHECK(c.after_crash(3ms - 1ns) == states{"f=0", "f=1"}); // the sync has not ended
    CHECK(c.after_crash(3ms) == states{"f=1"});
    CHECK(c.after_crash(4ms) == states{"f=1", "f=2"});
    CHECK(b.after_crash() == states{"f=1", "f=2"});
}

TEST_CASE("disk: a sync covers what was written before it began", "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", "0");
    b.d.write(f, 0, bytes("1"), {5ms, 7ms});
    b.d.sync(f, {6ms, 8ms}); // by another call, while the write is under way
    CHECK(b.after_crash(9ms) == states{"f=0", "f=1"});
}

TEST_CASE("disk: a cut of a file comes with its size, and bytes behind it never return",
          "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", "abcdef");
    b.d.resize(f, 2, b.next());
    CHECK(b.after_crash() == states{"f=abcdef", "f=ab"});
    b.write(f, 4, "x"); // grows again, over zeros
    CHECK(bench::describe(b.d) == "f=ab00x");
    // Size lost: old bytes, perhaps with the later write in place. Size kept: zeros, never "cd".
    CHECK(b.after_crash() == states{"f=abcdef", "f=ab", "f=ab000", "f=ab00x", "f=ab00x0"});
    b.sync(f);
    CHECK(b.after_crash() == states{"f=ab00x"});
}

TEST_CASE("disk: a cut over whole pages gives zeros when the file grows again",
          "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", times(9000, 'a'));
    b.d.resize(f, 5000, b.next());
    b.d.resize(f, 9000, b.next());
    b.sync(f);
    CHECK(b.after_crash() == states{"f=" + times(5000, 'a') + times(4000, '0')});
}

TEST_CASE("disk: a new name is durable with its directory's sync and not with its file's",
          "[simulation][core]")
{
    bench b;
    auto const f = b.open("f");
    b.write(f, 0, "x");
    b.sync(f);
    CHECK(b.after_crash() == states{"", "f=x"});
    b.sync_directory();
    CHECK(b.after_crash() == states{"f=x"});
}

TEST_CASE("disk: a rename is atomic, and lost or kept independently of the data",
          "[simulation][core]")
{
    bench b;
    auto const old = b.file("f", "old");
    static_cast<void>(old);
    auto const f = b.file("f.tmp", "");
    b.write(f, 0, "new");
    SECTION("with the data synced it is the old file or the new one")
    {
        b.sync(f);
        b.rename("f.tmp", "f");
        CHECK(b.after_crash() == states{"f=old f.tmp=new", "f=new"});
        b.sync_directory();
        CHECK(b.after_crash() == states{"f=new"});
    }
    SECTION("without, the new name may have lost its bytes")
    {
        b.rename("f.tmp", "f");
        b.sync_directory();
        CHECK(b.after_crash() == states{"f=", "f=000", "f=new"});
    }
}

TEST_CASE("disk: names change in any order until a directory sync, so removing too early can leave "
          "nothing",
          "[simulation][core]")
{
    bench b;
    b.file("snapshot.1", "1");
    b.file("tmp", "2");
    b.rename("tmp", "snapshot.2");
    b.remove("snapshot.1");
    CHECK(b.after_crash() ==
          states{"snapshot.1=1 tmp=2", "snapshot.1=1 snapshot.2=2", "tmp=2", "snapshot.2=2"});
}

TEST_CASE("disk: a rename between directories is durable with the sync of either",
          "[simulation][core]")
{
    bench b;
    b.file("x/f", "1");
    b.d.put("y/other", bytes("o"));
    b.rename("x/f", "y/f");
    CHECK(b.after_crash() == states{"x/f=1 y/other=o", "y/f=1 y/other=o"});
    b.sync_directory("y");
    CHECK(b.after_crash() == states{"y/f=1 y/other=o"});
    b.rename("y/f", "x/g");
    b.remove("x/g");
    b.sync_directory("x");
    CHECK(b.after_crash() == states{"y/other=o"});
}

TEST_CASE("disk: a failed sync gives up pages: readers see them, later syncs do not write them",
          "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", "0");
    b.write(f, 0, "1");
    crash_report report;
    b.d.fail_sync(
        f, b.next(), [](crash_question, std::size_t) { return std::size_t(0); }, report);
    CHECK(report.pages_lost == 1);
    b.d.settle(b.now);
    CHECK(bench::describe(b.d) == "f=1");
    b.sync(f); // succeeds and proves nothing
    CHECK(b.after_crash() == states{"f=0"});
    b.write(f, 1, "2"); // the page is dirty again, and is written as a whole
    b.sync(f);
    CHECK(b.after_crash() == states{"f=12"});
}

TEST_CASE("disk: a page that a failed sync left dirty is written by the next one",
          "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", "0");
    b.write(f, 0, "1");
    crash_report report;
    b.d.fail_sync(
        f, b.next(), [](crash_question, std::size_t answers) { return answers - 1; }, report);
    CHECK(report.pages_lost == 0);
    CHECK(b.after_crash() == states{"f=0", "f=1"});
    b.sync(f);
    CHECK(b.after_crash() == states{"f=1"});
}

TEST_CASE("disk: a process that is killed loses only what it had not begun", "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", "0");
    b.d.write(f, 0, bytes("1"), {5ms, 6ms});
    b.d.write(f, 0, bytes("22"), {6ms + 1ns, 7ms});
    error_code ec;
    b.d.rename("f", "g", rename_mode::replace, {8ms, 9ms}, ec);
    disk early = b.d, later = b.d;
    early.kill(5ms);
    CHECK(bench::describe(early) == "f=1");
    later.kill(7ms);
    CHECK(bench::describe(later) == "f=22");
    b.d.kill(9ms);
    CHECK(bench::describe(b.d) == "g=22");
    // The cache outlived the process but not the power.
    CHECK(b.after_crash(10ms).contains("f=0"));
}

TEST_CASE("disk: an open file outlives its name until it is closed", "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", "text");
    b.remove("f");
    b.sync_directory();
    b.d.settle(b.now);
    std::string buffer(4, ' ');
    CHECK(b.d.read(f, 0, std::as_writable_bytes(std::span(buffer))) == 4);
    CHECK(buffer == "text");
    b.write(f, 4, "!");
    CHECK(b.d.size(f) == 5);
    b.d.close(f);
    CHECK(b.d.used() == 0);
    CHECK(b.after_crash() == states{""});
}

TEST_CASE("disk: reading is short only at the end, and holes read as zeros", "[simulation][core]")
{
    bench b;
    auto const f = b.open("f");
    b.write(f, 10000, "end");
    std::vector<std::byte> all(20000, std::byte(1));
    CHECK(b.d.read(f, 0, all) == 10003);
    CHECK(std::all_of(all.begin(), all.begin() + 10000, [](auto x) { return x == std::byte(); }));
    CHECK(std::memcmp(all.data() + 10000, "end", 3) == 0);
    CHECK(all[10003] == std::byte(1));
    CHECK(b.d.read(f, 10003, all) == 0);
    CHECK(b.d.read(f, 4095, std::span(all).first(2)) == 2);
}

TEST_CASE("disk: paths that lead nowhere are errors", "[simulation][core]")
{
    using boost::system::errc::errc_t;
    bench b;
    b.d.put("dir/f", bytes("x"));
    error_code ec;
    auto const failed = [&](errc_t expected) { return ec == expected; };
    b.d.open("none", open_mode::read, b.next(), ec);
    CHECK(failed(errc_t::no_such_file_or_directory));
    b.d.open("none/f", open_mode::create, b.next(), ec);
    CHECK(failed(errc_t::no_such_file_or_directory));
    b.d.open("dir/f/g", open_mode::create, b.next(), ec);
    CHECK(failed(errc_t::not_a_directory));
    b.d.open("dir", open_mode::read, b.next(), ec);
    CHECK(failed(errc_t::is_a_directory));
    b.d.open("dir/f", open_mode::create_new, b.next(), ec);
    CHECK(failed(errc_t::file_exists));
    b.d.rename("none", "x", rename_mode::replace, b.next(), ec);
    CHECK(failed(errc_t::no_such_file_or_directory));
    b.d.put("g", bytes("y"));
    b.d.rename("g", "dir/f", rename_mode::no_replace, b.next(), ec);
    CHECK(failed(errc_t::file_exists));
    CHECK(bench::describe(b.d) == "dir/f=x g=y");
    b.d.rename("dir", "dir/below", rename_mode::replace, b.next(), ec);
    CHECK(failed(errc_t::invalid_argument));
    b.d.rename("g", "dir", rename_mode::replace, b.next(), ec);
    CHECK(failed(errc_t::is_a_directory));
    b.d.remove("dir", b.next(), ec);
    CHECK(failed(errc_t::is_a_directory));
    b.d.remove("none", b.next(), ec);
    CHECK(failed(errc_t::no_such_file_or_directory));
    b.d.list("g", ec);
    CHECK(failed(errc_t::not_a_directory));
    CHECK_FALSE(b.d.make_directory("dir/f", b.next(), ec));
    CHECK(failed(errc_t::not_a_directory));
    CHECK_FALSE(b.d.make_directory("dir", b.next(), ec));
    CHECK_FALSE(ec);
    CHECK(b.d.open("./dir/../dir//f", open_mode::read, b.next(), ec) != 0);
    CHECK_FALSE(ec);
    auto const names = b.d.list("/", ec);
    REQUIRE(names.size() == 2);
    CHECK(names[0] == perdure::directory_entry{"dir", 0, true});
    CHECK(names[1] == perdure::directory_entry{"g", 1, false});
}

TEST_CASE("disk: a flipped bit is flipped for readers and after a crash", "[simulation][core]")
{
    bench b;
    b.file("f", "aaa");
    b.d.flip("f", 1, 1);
    CHECK(bench::describe(b.d) == "f=aca");
    CHECK(b.after_crash() == states{"f=aca"});
    CHECK(thrown([&] { b.d.flip("f", 3); }) % "'f', which has 3 bytes");
    CHECK(thrown([&] { b.d.flip("g", 0); }) % "there is no file 'g'");
    CHECK(thrown([&] { b.d.put("f/g", {}); }) % "put 'f/g'");
}

TEST_CASE("disk: a file that is written again and again without a sync takes bounded memory",
          "[simulation][core]")
{
    bench b;
    auto const f = b.file("f", "!");
    for (int i = 0; i != 10000; ++i)
        b.write(f, 0, std::string(1, static_cast<char>('"' + i % 90)));
    auto const all = b.after_crash();
    CHECK(all.size() == 17); // 16 images and what was synced
    CHECK(all.contains("f=!"));
    CHECK(all.contains("f=" + std::string(1, '"' + 9999 % 90)));
}

TEST_CASE("disk: drawn crashes are among the enumerated ones and reach all of them",
          "[simulation][core]")
{
    random_stream r(Catch::rngSeed(), "crash");
    CAPTURE(Catch::rngSeed());
    bench b;
    auto const f = b.file("f", times(700, 'a'));
    b.write(f, 100, times(800, 'b'));
    auto const g = b.open("tmp");
    b.write(g, 0, "new");
    b.sync(g);
    b.rename("tmp", "g");
    b.d.resize(f, 600, b.next());
    auto const possible = b.after_crash();
    CHECK(possible.size() > 20);
    states drawn;
    disk_options const options;
    for (int i = 0; i != 20000; ++i) {
        disk d = b.d;
        d.crash(b.now, drawn_crash(r, options));
        drawn.insert(bench::describe(d));
    }
    CHECK(drawn == possible);
}

TEST_CASE("disk: crash states agree with a naive model on random programs", "[simulation][core]")
{
    // The model: per sector the set of contents it may have, and the set of sizes; no knowledge of
    // pages or images.
    random_stream r(Catch::rngSeed(), "programs");
    CAPTURE(Catch::rngSeed());
    constexpr std::size_t sectors = 20, most = sectors * sector_size;
    for (int program = 0; program != 300; ++program) {
        bench b;
        auto const f = b.file("f", "");
        std::string seen;
        std::vector<states> sector(sectors, states{times(sector_size, '0')});
        std::set<std::size_t> sizes{0};
        for (int step = 0; step != 12; ++step) {
            if (r.chance(0.2)) {
                b.sync(f);
                b.d.settle(b.now);
                sizes = {seen.size()};
                for (std::size_t i = 0; i != sectors; ++i) {
                    auto const from = std::min(i * sector_size, seen.size());
                    auto text = seen.substr(from, sector_size);
                    text.resize(sector_size, '0');
                    sector[i] = {text};
                }
                continue;
            }
            auto const offset = r.below(most);
            std::string const text(r.below(most - offset) + 1, static_cast<char>('a' + step));
            b.write(f, offset, text);
            seen.resize(std::max(seen.size(), offset + text.size()), '0');
            seen.replace(offset, text.size(), text);
            sizes.insert(seen.size());
            for (std::size_t i = 0; i != sectors; ++i) {
                auto now = seen.substr(std::min(i * sector_size, seen.size()), sector_size);
                now.resize(sector_size, '0');
                sector[i].insert(now);
            }
        }
        disk_options const options;
        for (int i = 0; i != 20; ++i) {
            disk d = b.d;
            d.crash(b.now, drawn_crash(r, options));
            auto left = bench::describe(d).substr(2);
            REQUIRE(sizes.contains(left.size()));
            auto const size = left.size();
            left.resize(most, '0');
            for (std::size_t k = 0; k != sectors; ++k) {
                auto const text = left.substr(k * sector_size, sector_size);
                // The size cuts sectors off: compare the part that is inside.
                auto const inside =
                    std::min(sector_size, size > k * sector_size ? size - k * sector_size : 0);
                REQUIRE(std::any_of(sector[k].begin(), sector[k].end(), [&](auto const& s) {
                    return s.substr(0, inside) == text.substr(0, inside);
                }));
            }
        }
    }
}
