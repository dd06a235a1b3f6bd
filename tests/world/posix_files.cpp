// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "world/posix_support.hpp"
#include <perdure/world/counting_calls.hpp>
#include <perdure/world/faulty_calls.hpp>
#include <perdure/world/posix_files.hpp>

#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>

using namespace posix_test;
namespace posix = boost::system::errc;

static_assert(system_calls<posix_calls>);
static_assert(system_calls<counting_calls>);
static_assert(system_calls<faulty_calls>);
static_assert(system_calls<intercepted_calls<detail::count_hooks, faulty_calls>>);
static_assert(!system_calls<int>);
static_assert(world_file_operations<posix_files<>>);
static_assert(world_file_operations<posix_files<faulty_calls>>);
static_assert(!std::copyable<posix_file<>>);

TEST_CASE("posix_files: the modes of open create, refuse and never truncate", "[world][core]")
{
    temporary_directory const dir;
    posix_files<> files;
    error_code ec;
    std::string const path = dir / "file";

    CHECK_FALSE(files.open(path, open_mode::read, ec).is_open());
    CHECK(ec == posix::no_such_file_or_directory);
    CHECK_FALSE(files.open(path, open_mode::read_write, ec).is_open());
    CHECK(ec == posix::no_such_file_or_directory);

    auto f = files.open(path, open_mode::create_new, ec);
    REQUIRE(f.is_open());
    CHECK(!ec);
    f.write_at(0, bytes("content"), ec);
    CHECK(!ec);
    f.close(ec);
    CHECK(!ec);
    CHECK_FALSE(f.is_open());

    CHECK_FALSE(files.open(path, open_mode::create_new, ec).is_open());
    CHECK(ec == posix::file_exists);
    for (auto mode : {open_mode::read, open_mode::read_write, open_mode::create}) {
        auto again = files.open(path, mode, ec);
        CHECK(!ec);
        CHECK(read(again) == "content");
    }
    auto only_read = files.open(path, open_mode::read, ec);
    only_read.write_at(0, bytes("x"), ec);
    CHECK(ec == posix::bad_file_descriptor);
}

TEST_CASE("posix_file: an operation on a closed file fails", "[world][core]")
{
    posix_file<> f;
    error_code ec;
    std::byte b{};
    CHECK_FALSE(f.is_open());
    f.write_at(0, std::span(&b, 1), ec);
    CHECK(ec == posix::bad_file_descriptor);
    CHECK(f.read_at(0, std::span(&b, 1), ec) == 0);
    CHECK(ec == posix::bad_file_descriptor);
    f.sync(sync_mode::data, ec);
    CHECK(ec == posix::bad_file_descriptor);
    CHECK(f.size(ec) == 0);
    CHECK(ec == posix::bad_file_descriptor);
    f.allocate(0, 1, ec);
    CHECK(ec == posix::bad_file_descriptor);
    f.truncate(0, ec);
    CHECK(ec == posix::bad_file_descriptor);
    f.lock(ec);
    CHECK(ec == posix::bad_file_descriptor);
    f.close(ec);
    CHECK(!ec);
}

TEST_CASE("posix_file: several parts are written one behind the other, however many",
          "[world][core]")
{
    temporary_directory const dir;
    error_code ec;
    auto f = posix_files<>().open(dir / "file", open_mode::create_new, ec);
    for (std::size_t count : {0u, 1u, 2u, 63u, 64u, 65u, 128u, 1000u, 3000u}) {
        std::vector<std::string> texts;
        std::vector<std::span<std::byte const>> parts;
        std::string all;
        for (std::size_t i = 0; i < count; ++i)
            texts.push_back(i % 7 == 3 ? "" : std::to_string(i) + ",");
        for (auto const& t : texts) {
            parts.push_back(bytes(t));
            all += t;
        }
        f.truncate(0, ec);
        f.write_at(5, parts, ec);
        CHECK(!ec);
        CHECK(read(f) == (all.empty() ? "" : std::string(5, '\0') + all));
    }
}

TEST_CASE("posix_file: short and interrupted transfers go on where they stopped", "[world][core]")
{
    temporary_directory const dir;
    auto const faults = std::make_shared<call_faults>();
    faulty_files files{faulty_calls({faults})};
    error_code ec;
    auto f = files.open(dir / "file", open_mode::create_new, ec);
    std::string const text = "abcdefghijklmnopqrstuvwxyz";
    std::span<std::byte const> const parts[] = {
        bytes(text).first(10), {}, bytes(text).subspan(10, 1), bytes(text).subspan(11)};
    for (std::uint64_t at_most = 1; at_most <= text.size(); ++at_most) {
        faults->shorten(system_call::pwritev, at_most, 1, 2);
        faults->fail(system_call::pwritev, EINTR, 2, 3);
        faults->shorten(system_call::preadv, at_most, 1, 2);
        faults->fail(system_call::preadv, EINTR, 2, 3);
        f.truncate(0, ec);
        f.write_at(3, parts, ec);
        CHECK(!ec);
        CHECK(read(f, 3) == text);
        CHECK(read(f, 4, 5) == "bcdef");
        CHECK(read(f, 28) == "z");
        CHECK(read(f, 29) == "");
        CHECK(read(f, 1000) == "");
    }
    CHECK(faults->calls(system_call::pwritev) > 2 * text.size());
}

TEST_CASE("posix_file: a write that transfers nothing is an error, not an endless loop",
          "[world][core]")
{
    temporary_directory const dir;
    auto const faults = std::make_shared<call_faults>();
    error_code ec;
    auto f = faulty_files(faulty_calls({faults})).open(dir / "file", open_mode::create_new, ec);
    faults->shorten(system_call::pwritev, 0, 1, call_faults::for_ever);
    f.write_at(0, bytes("x"), ec);
    CHECK(ec == posix::io_error);
}

TEST_CASE("posix_file: a part of a failed write may be there, and the error is the first one",
          "[world][core]")
{
    temporary_directory const dir;
    auto const faults = std::make_shared<call_faults>();
    error_code ec;
    auto f = faulty_files(faulty_calls({faults})).open(dir / "file", open_mode::create_new, ec);
    faults->shorten(system_call::pwritev, 4);
    faults->fail(system_call::pwritev, EIO, 2);
    f.write_at(0, bytes("12345678"), ec);
    CHECK(ec == posix::io_error);
    CHECK(read(f) == "1234");
    faults->shorten(system_call::preadv, 2);
    faults->fail(system_call::preadv, EIO, 2);
    std::byte buffer[4];
    CHECK(f.read_at(0, buffer, ec) == 2);
    CHECK(ec == posix::io_error);
}

TEST_CASE("posix_file: a full disk and a full quota are no_space", "[world][core]")
{
    temporary_directory const dir;
    auto const faults = std::make_shared<call_faults>();
    error_code ec;
    auto f = faulty_files(faulty_calls({faults})).open(dir / "file", open_mode::create_new, ec);
    for (int number : {ENOSPC, EDQUOT}) {
        faults->fail(system_call::pwritev, number);
        f.write_at(0, bytes("x"), ec);
        CHECK(ec == errc::no_space);
        faults->fail(system_call::fallocate, number);
        f.allocate(0, 10, ec);
        CHECK(ec == errc::no_space);
        faults->fail(system_call::fdatasync, number);
        f.sync(sync_mode::data, ec);
        CHECK(ec == errc::no_space);
    }
}

TEST_CASE("posix_file: a really full device is no_space", "[world][core]")
{
    error_code ec;
    auto f = posix_files<>().open("/dev/full", open_mode::read_write, ec);
    if (ec)
        SKIP("/dev/full is not here");
    f.write_at(0, bytes("x"), ec);
    CHECK(ec == errc::no_space);
}

TEST_CASE("posix_file: each mode of sync makes its own system call", "[world][core]")
{
    temporary_directory const dir;
    auto const counts = std::make_shared<call_counts>();
    error_code ec;
    auto f = posix_files<counting_calls>(counting_calls({counts}))
                 .open(dir / "file", open_mode::create_new, ec);
    f.write_at(0, bytes("1234567"), ec);
    f.sync(sync_mode::none, ec);
    CHECK(counts->syncs() == 0);
    f.sync(sync_mode::data, ec);
    CHECK(counts->of(system_call::fdatasync) == 1);
    f.sync(sync_mode::all, ec);
    CHECK(counts->of(system_call::fsync) == 1);
    CHECK(counts->syncs() == 2);
    CHECK(counts->writes() == 1);
    CHECK(counts->bytes_written() == 7);
    CHECK(read(f).size() == 7);
    CHECK(counts->bytes_read() == 7);
}

TEST_CASE("posix_file: an interrupted sync is repeated, a failed one is reported", "[world][core]")
{
    temporary_directory const dir;
    auto const faults = std::make_shared<call_faults>();
    error_code ec;
    auto f = faulty_files(faulty_calls({faults})).open(dir / "file", open_mode::create_new, ec);
    faults->fail(system_call::fdatasync, EINTR, 1, 5);
    f.sync(sync_mode::data, ec);
    CHECK(!ec);
    CHECK(faults->calls(system_call::fdatasync) == 6);
    faults->fail(system_call::fdatasync, EIO);
    f.sync(sync_mode::data, ec);
    CHECK(ec == posix::io_error);
    CHECK(faults->calls(system_call::fdatasync) == 7);
}

TEST_CASE("posix_file: allocate reserves, grows and keeps what exists", "[world][core]")
{
    auto const fallback = GENERATE(false, true);
    temporary_directory const dir;
    auto const faults = std::make_shared<call_faults>();
    if (fallback)
        faults->fail(system_call::fallocate, EOPNOTSUPP, 1, call_faults::for_ever);
    error_code ec;
    auto f = faulty_files(faulty_calls({faults})).open(dir / "file", open_mode::create_new, ec);
    f.write_at(0, bytes("old"), ec);
    f.allocate(1, 10'000, ec);
    CHECK(!ec);
    CHECK(f.size(ec) == 10'001);
    CHECK(read(f) == "old" + std::string(9'998, '\0'));
    f.allocate(0, 5, ec);
    CHECK(!ec);
    CHECK(f.size(ec) == 10'001);
    f.allocate(20'000, 0, ec);
    CHECK(!ec);
    CHECK(f.size(ec) == 10'001);
}

TEST_CASE("posix_file: what was allocated and never written is given back, and reads as before", "[world][core]")
{
    temporary_directory d;
    auto const path = d / "f";
    auto const space = [&] {
        struct stat s;
        REQUIRE(::stat(path.c_str(), &s) == 0);
        return s.st_blocks * 512;
    };
    error_code ec;
    auto f = posix_files().open(path, open_mode::create_new, ec);
    f.allocate(0, 1 << 20, ec);
    REQUIRE(!ec);
    std::vector<std::byte> const bytes(5000, std::byte{1});
    auto const at = GENERATE(0u, 300000u);
    f.write_at(at, bytes, ec);
    f.sync(sync_mode::all, ec);
    REQUIRE(!ec);
    CHECK(space() >= 1 << 20);
    std::vector<std::byte> all(1 << 20);
    CHECK(f.read_at(0, all, ec) == all.size()); // Zeros that were read are in the cache.
    f.release_unwritten(GENERATE(0u, 3000u));
    CHECK(space() <= at + 64 * 1024);
    CHECK(space() >= at + 5000); // What lies before data stays.
    CHECK(f.size(ec) == 1 << 20);
    CHECK(f.read_at(0, all, ec) == all.size());
    std::vector<std::byte> expected(1 << 20);
    std::copy(bytes.begin(), bytes.end(), expected.begin() + at);
    CHECK(all == expected);
    f.write_at(900000, bytes, ec); // It can be written there later.
    CHECK(!ec);
}

TEST_CASE("posix_file: offsets beyond what the system can address are refused", "[world][core]")
{
    temporary_directory const dir;
    error_code ec;
    auto f = posix_files<>().open(dir / "file", open_mode::create_new, ec);
    std::uint64_t const huge = std::uint64_t{1} << 63;
    f.write_at(huge, bytes("x"), ec);
    CHECK(ec == posix::file_too_large);
    f.truncate(huge, ec);
    CHECK(ec == posix::file_too_large);
    f.allocate(huge - 1, 1, ec);
    CHECK(ec);
    f.allocate(1, huge, ec);
    CHECK(ec == posix::file_too_large);
    std::byte b;
    CHECK(f.read_at(huge, std::span(&b, 1), ec) == 0);
    CHECK(!ec);
}

TEST_CASE("posix_file: truncate cuts and grows", "[world][core]")
{
    temporary_directory const dir;
    error_code ec;
    auto f = posix_files<>().open(dir / "file", open_mode::create_new, ec);
    f.write_at(0, bytes("12345"), ec);
    f.truncate(2, ec);
    CHECK(read(f) == "12");
    f.truncate(4, ec);
    CHECK(read(f) == std::string("12\0\0", 4));
}

TEST_CASE("posix_file: a lock excludes other open files of this process, until it is closed",
          "[world][core]")
{
    temporary_directory const dir;
    posix_files<> files;
    error_code ec;
    auto first = files.open(dir / "lock", open_mode::create, ec);
    auto second = files.open(dir / "lock", open_mode::create, ec);
    first.lock(ec);
    CHECK(!ec);
    first.lock(ec);
    CHECK(!ec);
    second.lock(ec);
    CHECK(ec == errc::locked);
    CHECK(ec == condition::transient);
    // Closing another open file of it does not drop the lock, as fcntl's would.
    files.open(dir / "lock", open_mode::read, ec).close(ec);
    second.lock(ec);
    CHECK(ec == errc::locked);
    auto moved = std::move(first);
    second.lock(ec);
    CHECK(ec == errc::locked);
    moved.close(ec);
    second.lock(ec);
    CHECK(!ec);
}

TEST_CASE("posix_file: a lock excludes other processes and dies with its process", "[world][core]")
{
    temporary_directory const dir;
    int to_parent[2];
    int to_child[2];
    REQUIRE((::pipe(to_parent) == 0 && ::pipe(to_child) == 0));
    pid_t const child = ::fork();
    if (child == 0) {
        error_code ec;
        auto f = posix_files<>().open(dir / "lock", open_mode::create, ec);
        f.lock(ec);
        char c = ec ? 'e' : 'l';
        if (::write(to_parent[1], &c, 1) == 1 && ::read(to_child[0], &c, 1) == 1)
            ::_exit(0); // Without closing: the end of the process releases it.
        ::_exit(1);
    }
    char c = 0;
    REQUIRE(::read(to_parent[0], &c, 1) == 1);
    CHECK(c == 'l');
    error_code ec;
    auto f = posix_files<>().open(dir / "lock", open_mode::create, ec);
    f.lock(ec);
    CHECK(ec == errc::locked);
    REQUIRE(::write(to_child[1], &c, 1) == 1);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    f.lock(ec);
    CHECK(!ec);
    for (int fd : {to_parent[0], to_parent[1], to_child[0], to_child[1]})
        ::close(fd);
}

TEST_CASE("posix_file: files are not inherited by programs that the process starts",
          "[world][core]")
{
    temporary_directory const dir;
    error_code ec;
    auto f = posix_files<>().open(dir / "file", open_mode::create, ec);
    CHECK((::fcntl(f.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("posix_file: close reports an error and is closed all the same", "[world][core]")
{
    temporary_directory const dir;
    auto const faults = std::make_shared<call_faults>();
    faulty_files files{faulty_calls({faults})};
    auto const before = open_descriptors();
    error_code ec;
    auto f = files.open(dir / "file", open_mode::create, ec);
    faults->fail(system_call::close, EIO);
    f.close(ec);
    CHECK(ec == posix::io_error);
    CHECK_FALSE(f.is_open());
    f = files.open(dir / "file", open_mode::create, ec);
    faults->fail(system_call::close, EINTR);
    f.close(ec);
    CHECK(!ec);
    CHECK(open_descriptors() == before);
}

TEST_CASE("posix_file: moving hands over the descriptor", "[world][core]")
{
    temporary_directory const dir;
    posix_files<> files;
    auto const before = open_descriptors();
    error_code ec;
    {
        auto a = files.open(dir / "a", open_mode::create, ec);
        auto b = files.open(dir / "b", open_mode::create, ec);
        a.write_at(0, bytes("a"), ec);
        b = std::move(a);
        CHECK_FALSE(a.is_open());
        CHECK(read(b) == "a");
        CHECK(open_descriptors() == before + 1);
        auto& same = b;
        b = std::move(same);
        CHECK(b.is_open());
    }
    CHECK(open_descriptors() == before);
}
