// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// What concerns names rather than open files, and every operation with a failure at each of its steps.

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "world/posix_support.hpp"
#include <perdure/world/counting_calls.hpp>
#include <perdure/world/faulty_calls.hpp>
#include <perdure/world/posix_files.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

using namespace posix_test;
namespace posix = boost::system::errc;

TEST_CASE("posix_files: rename replaces, or refuses to, as it is told", "[world][core]")
{
    // The second time as on a file system without RENAME_NOREPLACE.
    int const unsupported = GENERATE(0, EINVAL, ENOSYS);
    temporary_directory const dir;
    auto const faults = std::make_shared<call_faults>();
    if (unsupported)
        faults->fail(system_call::rename_no_replace, unsupported, 1, call_faults::for_ever);
    faulty_files files{faulty_calls({faults})};
    error_code ec;
    write(dir / "from", "from");
    write(dir / "to", "to");
    files.rename(dir / "from", dir / "to", rename_mode::no_replace, ec);
    CHECK(ec == posix::file_exists);
    CHECK(read(dir / "to") == "to");
    CHECK(read(dir / "from") == "from");
    files.rename(dir / "from", dir / "new", rename_mode::no_replace, ec);
    CHECK(!ec);
    CHECK(read(dir / "new") == "from");
    CHECK_FALSE(exists(dir / "from"));
    files.rename(dir / "new", dir / "to", rename_mode::replace, ec);
    CHECK(!ec);
    CHECK(read(dir / "to") == "from");
    CHECK_FALSE(exists(dir / "new"));
    for (auto how : {rename_mode::replace, rename_mode::no_replace}) {
        files.rename(dir / "absent", dir / "x", how, ec);
        CHECK(ec == posix::no_such_file_or_directory);
    }
}

TEST_CASE("posix_files: list gives names, sizes and kinds, sorted by name", "[world][core]")
{
    temporary_directory const dir;
    posix_files<> files;
    error_code ec;
    CHECK(files.list(dir.path(), ec).empty());
    CHECK(!ec);
    write(dir / "b", "12");
    write(dir / "B", "");
    write(dir / "a10", "1");
    write(dir / "a9", "123");
    files.create_directories(dir / "directory", ec);
    CHECK(files.list(dir.path(), ec) == std::vector<directory_entry>{{"B", 0, false},
                                                                     {"a10", 1, false},
                                                                     {"a9", 3, false},
                                                                     {"b", 2, false},
                                                                     {"directory", 0, true}});
    CHECK(!ec);
    CHECK(files.list(dir / "absent", ec).empty());
    CHECK(ec == posix::no_such_file_or_directory);
    CHECK(files.list(dir / "b", ec).empty());
    CHECK(ec == posix::not_a_directory);
}

TEST_CASE("posix_files: an entry that cannot be looked at does not hide the others", "[world][core]")
{
    temporary_directory const dir;
    posix_files<> files;
    error_code ec;
    write(dir / "file", "123");
    std::filesystem::create_symlink("loop", dir / "loop");
    std::filesystem::create_symlink("file/below", dir / "through_a_file");
    std::filesystem::create_symlink("nothing", dir / "to_nothing");
    std::filesystem::create_symlink(std::string(300, 'x'), dir / "too_long");
    CHECK(files.list(dir.path(), ec) == std::vector<directory_entry>{{"file", 3, false},
                                                                     {"loop", 0, false},
                                                                     {"through_a_file", 0, false},
                                                                     {"too_long", 0, false}});
    CHECK(!ec);
    files.open(dir / "loop", open_mode::read, ec);
    CHECK(ec == posix::too_many_symbolic_link_levels);
}

TEST_CASE("posix_files: a pipe in a file's place is refused at once", "[world][core]")
{
    temporary_directory const dir;
    posix_files<> files;
    error_code ec;
    REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
    auto const before = open_descriptors();
    CHECK(!files.open(dir / "pipe", open_mode::read, ec).is_open());
    CHECK(ec == posix::invalid_argument);
    CHECK(!files.open("/dev/null", open_mode::read, ec).is_open());
    CHECK(ec == posix::invalid_argument);
    CHECK(open_descriptors() == before);
    CHECK(files.open(dir.path(), open_mode::read, ec).is_open());
    CHECK(!ec);
}

TEST_CASE("posix_files: remove removes a file and nothing else", "[world][core]")
{
    temporary_directory const dir;
    posix_files<> files;
    error_code ec;
    write(dir / "file", "");
    files.create_directories(dir / "directory", ec);
    files.remove(dir / "file", ec);
    CHECK(!ec);
    files.remove(dir / "file", ec);
    CHECK(ec == posix::no_such_file_or_directory);
    files.remove(dir / "directory", ec);
    CHECK(ec);
    CHECK(exists(dir / "directory"));
}

TEST_CASE("posix_files: create_directories makes what is missing and syncs each new name",
          "[world][core]")
{
    temporary_directory const dir;
    auto const counts = std::make_shared<call_counts>();
    posix_files<counting_calls> files{counting_calls({counts})};
    error_code ec;
    files.create_directories(dir / "a/b/c", ec);
    CHECK(!ec);
    CHECK(std::filesystem::is_directory(dir / "a/b/c"));
    CHECK(counts->of(system_call::fsync) == 3);
    files.create_directories(dir / "a/b/c", ec);
    CHECK(!ec);
    CHECK(counts->of(system_call::fsync) == 4);
    files.create_directories(dir / "a//b/./d///", ec);
    CHECK(!ec);
    CHECK(std::filesystem::is_directory(dir / "a/b/d"));
    write(dir / "file", "");
    files.create_directories(dir / "file", ec);
    CHECK(ec == posix::not_a_directory);
    files.create_directories(dir / "file/below", ec);
    CHECK(ec == posix::not_a_directory);
    std::filesystem::create_symlink("loop", dir / "loop");
    files.create_directories(dir / "loop", ec);
    CHECK(ec == posix::too_many_symbolic_link_levels);
    std::filesystem::create_symlink("nothing", dir / "to_nothing");
    files.create_directories(dir / "to_nothing", ec);
    CHECK(ec == posix::file_exists);
    files.create_directories("", ec);
    CHECK(ec == posix::no_such_file_or_directory);
    files.create_directories("/", ec);
    CHECK(!ec);
    auto const before = std::filesystem::current_path();
    std::filesystem::current_path(dir.path());
    files.create_directories("relative/path", ec);
    std::filesystem::current_path(before);
    CHECK(!ec);
    CHECK(std::filesystem::is_directory(dir / "relative/path"));
}

TEST_CASE("posix_files: a directory whose name could not be synced is not left behind",
          "[world][core]")
{
    temporary_directory const dir;
    auto const faults = std::make_shared<call_faults>();
    faulty_files files{faulty_calls({faults})};
    error_code ec;
    faults->fail(system_call::fsync, EIO, 2);
    files.create_directories(dir / "a/b/c", ec);
    CHECK(ec == posix::io_error);
    CHECK(exists(dir / "a"));
    CHECK_FALSE(exists(dir / "a/b"));
    files.create_directories(dir / "a/b/c", ec);
    CHECK(!ec);
}

TEST_CASE("posix_files: sync_directory syncs directories only", "[world][core]")
{
    temporary_directory const dir;
    auto const faults = std::make_shared<call_faults>();
    faulty_files files{faulty_calls({faults})};
    error_code ec;
    files.sync_directory(dir.path(), ec);
    CHECK(!ec);
    CHECK(faults->calls(system_call::fsync) == 1);
    files.sync_directory(dir / "absent", ec);
    CHECK(ec == posix::no_such_file_or_directory);
    write(dir / "file", "");
    files.sync_directory(dir / "file", ec);
    CHECK(ec == posix::not_a_directory);
    faults->fail(system_call::fsync, EINVAL); // A file system that cannot.
    files.sync_directory(dir.path(), ec);
    CHECK(!ec);
}

TEST_CASE("posix_files: whichever call of an operation fails, the failure is reported",
          "[world][core]")
{
    temporary_directory const dir;
    auto const nothing = [](faulty_files&, error_code&) {};
    std::string const path = dir / "file";
    write(path, "content");
    // The file that the operations on an open file use.
    faulty_files::file f;
    auto const opened = [&](faulty_files& files, error_code& ec) {
        f = files.open(path, open_mode::create, ec);
    };

    CHECK(fail_each_step(nothing, [&](auto& files, auto& ec) {
              auto opened_here = files.open(path, open_mode::create, ec);
              if (!ec)
                  opened_here.close(ec);
          }) == 2);
    CHECK(fail_each_step(opened, [&](auto&, auto& ec) { f.write_at(0, bytes("abc"), ec); }) == 1);
    CHECK(fail_each_step(opened, [&](auto&, auto& ec) {
              std::byte b[3];
              f.read_at(0, b, ec);
          }) == 1);
    CHECK(fail_each_step(opened, [&](auto&, auto& ec) { f.sync(sync_mode::data, ec); }) == 1);
    CHECK(fail_each_step(opened, [&](auto&, auto& ec) { f.sync(sync_mode::all, ec); }) == 1);
    CHECK(fail_each_step(opened, [&](auto&, auto& ec) { f.size(ec); }) == 1);
    CHECK(fail_each_step(opened, [&](auto&, auto& ec) { f.allocate(0, 100, ec); }) == 1);
    CHECK(fail_each_step(opened, [&](auto&, auto& ec) { f.truncate(50, ec); }) == 1);
    CHECK(fail_each_step(opened, [&](auto&, auto& ec) { f.lock(ec); }) == 1);
    f = {};

    auto const make_from = [&](auto&, auto&) {
        write(dir / "from", "");
        std::filesystem::remove(dir / "to");
    };
    CHECK(fail_each_step(make_from, [&](auto& files, auto& ec) {
              files.rename(dir / "from", dir / "to", rename_mode::replace, ec);
          }) == 1);
    CHECK(fail_each_step(make_from, [&](auto& files, auto& ec) {
              files.rename(dir / "from", dir / "to", rename_mode::no_replace, ec);
          }) == 1);
    CHECK(fail_each_step(make_from,
                         [&](auto& files, auto& ec) { files.remove(dir / "from", ec); }) == 1);
    CHECK(fail_each_step(nothing, [&](auto& files, auto& ec) { files.list(dir.path(), ec); }) == 1);
    CHECK(fail_each_step(
              nothing, [&](auto& files, auto& ec) { files.sync_directory(dir.path(), ec); }) == 3);
}
