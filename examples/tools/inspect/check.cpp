// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Runs perdure-inspect on logs that are whole, torn, damaged, in use and not there, and checks what it
// prints, how it ends, and what it leaves alone: check PATH-OF-PERDURE-INSPECT

#include <perdure/durable/durable.hpp>

#include <boost/asio/io_context.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <sys/wait.h>

namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

std::string tool;
fs::path root;
int failures = 0;

struct result {
    int code = -1;
    std::string text;
    std::size_t lines() const
    {
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }
    bool says(std::string const& part) const { return text.find(part) != text.npos; }
};

result inspect(std::string const& arguments)
{
    result r;
    auto const command = "cd '" + root.string() + "' && '" + tool + "' " + arguments + " 2>&1";
    auto* const pipe = ::popen(command.c_str(), "r");
    std::array<char, 4096> buffer;
    while (auto const n = std::fread(buffer.data(), 1, buffer.size(), pipe))
        r.text.append(buffer.data(), n);
    auto const status = ::pclose(pipe);
    r.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::cout << "perdure-inspect " << arguments << ": exit code " << r.code << '\n';
    return r;
}

void check(bool holds, std::string const& what, result const& r)
{
    if (holds)
        return;
    ++failures;
    std::cout << "FAILED: " << what << "; it printed\n" << r.text << '\n';
}

result expect(std::string const& arguments, int code)
{
    auto const r = inspect(arguments);
    check(r.code == code, arguments + " ends with " + std::to_string(code), r);
    return r;
}

/// Everything in a directory, to see that nothing was changed.
std::map<std::string, std::string> contents(fs::path const& directory)
{
    std::map<std::string, std::string> all;
    for (auto const& entry : fs::recursive_directory_iterator(directory))
        if (entry.is_regular_file()) {
            std::ifstream in(entry.path(), std::ios::binary);
            all[entry.path().lexically_relative(directory).string()] =
                std::string((std::istreambuf_iterator<char>(in)), {});
        }
    return all;
}

void flip(fs::path const& file, std::streamoff at, std::size_t n = 1)
{
    std::fstream f(file, std::ios::binary | std::ios::in | std::ios::out);
    for (std::size_t i = 0; i != n; ++i) {
        f.seekg(at + static_cast<std::streamoff>(i));
        char const c = static_cast<char>(f.get());
        f.seekp(at + static_cast<std::streamoff>(i));
        f.put(static_cast<char>(c ^ 1));
    }
}

/// A log of `n` records, one a group, in several segments, with the time 1000 + position.
void make_log(std::string const& name, int n, bool close)
{
    boost::asio::io_context io;
    perdure::wal_options o;
    o.directory = (root / name).string();
    o.segment_bytes = 16384;
    o.idle_seal_after = std::chrono::milliseconds(0);
    std::uint64_t time = 1000;
    o.unix_time_ms = [&] { return time; };
    perdure::wal log(io, o);
    log.open();
    for (int i = 1; i <= n; ++i) {
        time = 1000 + static_cast<std::uint64_t>(i);
        log.async_append(perdure::as_bytes("record " + std::to_string(i)),
                         [](perdure::error_code ec, perdure::position) {
                             failures += ec.failed();
                         });
        io.restart();
        io.run();
    }
    if (!close)
        return; // As after a crash.
    log.async_close([](perdure::error_code ec) { failures += ec.failed(); });
    io.restart();
    io.run();
}

struct counter {
    std::uint64_t value = 0;
    std::uint64_t apply(int by) { return value += static_cast<std::uint64_t>(by); }
    void serialize(auto& archive, unsigned) { archive& value; }
};

/// A durable state in use: `use` runs every 20 commands.
void make_state(std::string const& name, int n, std::function<void(int)> use = {})
{
    boost::asio::io_context io;
    perdure::durable_options o;
    o.directory = (root / name).string();
    o.log.segment_bytes = 8192;
    o.log.idle_seal_after = std::chrono::milliseconds(0);
    perdure::durable<counter, int> state(io, o);
    auto const run = [&] {
        io.restart();
        io.run();
    };
    state.async_open([](perdure::error_code ec, auto const&) { failures += ec.failed(); });
    run();
    for (int i = 1; i <= n; ++i) {
        state.async_execute(1, [](perdure::error_code ec, auto) { failures += ec.failed(); });
        run();
        if (i % 30 == 0) {
            state.async_snapshot([](perdure::error_code ec, auto) { failures += ec.failed(); });
            run();
        }
        if (use && i % 20 == 0)
            use(i);
    }
}

std::uint64_t value_in(std::string const& name)
{
    boost::asio::io_context io;
    perdure::durable_options o;
    o.directory = (root / name).string();
    perdure::durable<counter, int> state(io, o);
    state.async_open([](perdure::error_code ec, auto const&) { failures += ec.failed(); });
    io.run();
    return state.state().value;
}

void look()
{
    make_log("clean", 400, true);
    auto const before = contents(root / "clean");
    expect("verify clean", 0);
    auto r = expect("stat clean --json", 0);
    check(r.lines() >= 4 && r.says("\"kind\":\"segment\",\"sequence\":1"), "stat lists segments", r);
    r = expect("dump clean --from 11 --to 20 --json", 0);
    check(r.lines() == 10 && r.says("{\"kind\":\"record\",\"position\":11,\"written_ms\":1011,"
                                    "\"size\":9,\"text\":\"record 11\"}\n"),
          "dump prints ten records", r);
    r = expect("dump clean --from 11 --to 11 --hex", 0);
    check(r.says("7265636f7264203131"), "dump prints hexadecimal", r);
    r = expect("tail clean --last 3", 0);
    check(r.lines() == 4 && r.says("record 398") && r.says("record 400"), "tail prints three", r);
    r = expect("tail clean --last 1 --follow --seconds 0", 0);
    check(r.says("record 400"), "tail follows", r);
    check(contents(root / "clean") == before, "looking changes nothing", r);

    expect("verify nowhere", 3);
    expect("dump", 64);
    r = expect("dump clean --mode sideways", 64);
    check(r.says("strict, tail, point_in_time or salvage"), "a wrong mode is explained", r);
}

void copies()
{
    expect("restore clean early --position 150", 0);
    auto r = expect("tail early --last 1 --json", 0);
    check(r.says("\"text\":\"record 150\""), "the restored log ends at 150", r);
    expect("restore clean then --time 1123", 0);
    r = expect("tail then --last 1 --json", 0);
    check(r.says("\"text\":\"record 123\""), "the restored log ends at that time", r);
    expect("convert clean other --checksum xxh3 --segment-bytes 8192", 0);
    r = expect("dump other --json", 0);
    check(r.text == inspect("dump clean --json").text, "a conversion keeps every record", r);
    r = expect("restore clean early", 3);
    check(r.says("File exists"), "nothing is overwritten", r);

    std::uint64_t in_backup = 0;
    make_state("state", 200, [&](int i) {
        if (i != 140)
            return;
        auto const b = expect("backup state backup", 0);
        check(b.says("copied") && b.says("records"), "a backup of a state in use", b);
        expect("verify state --json", 0);
        in_backup = 140;
    });
    expect("verify backup", 0);
    r = expect("stat backup", 0);
    check(value_in("backup") == in_backup, "the backup holds what was acknowledged", r);
    check(value_in("state") == 200, "the state was not disturbed", r);
    expect("restore backup earlier --position 130", 0);
    check(value_in("earlier") == 130, "a state restored to a position", r);
    // A backup whose only good snapshot is bad is found to be one.
    for (auto const& entry : fs::directory_iterator(root / "backup/snapshots"))
        if (entry.path().extension() == ".snap")
            flip(entry.path(), 300);
    expect("verify backup", 2);
}

void torn()
{
    make_log("torn", 50, false);
    // The last group is not whole; nothing says that it was durable.
    auto const file = root / "torn/wal-00000000000000000001.seg";
    std::string const bytes = contents(root / "torn")["wal-00000000000000000001.seg"];
    auto const last = bytes.rfind("record 50");
    flip(file, static_cast<std::streamoff>(last));
    auto const before = contents(root / "torn");
    auto r = expect("verify torn --json", 1);
    check(r.says("torn tail"), "a torn tail is called so", r);
    r = expect("dump torn --json", 1);
    check(r.lines() == 49, "what stands before a torn tail is printed", r);
    expect("verify torn --mode strict", 2);
    r = expect("repair torn", 1);
    check(contents(root / "torn") == before, "a dry run changes nothing", r);
    r = expect("repair torn --mode tail --apply", 0);
    check(contents(root / "torn.copy1") == before, "the log was copied first", r);
    expect("verify torn", 0);
}

void damaged()
{
    make_log("bad", 400, true);
    flip(root / "bad/wal-00000000000000000001.seg", 4096 + 200);
    auto const before = contents(root / "bad");
    auto r = expect("verify bad --json", 2);
    check(r.says("wal-00000000000000000001.seg"), "the damaged file is named", r);
    expect("dump bad", 2);
    expect("backup bad bad-backup", 2);
    r = expect("repair bad", 2);
    check(r.says("would_be") && r.says("opened with losses"), "repair says what it would do", r);
    check(contents(root / "bad") == before, "a dry run changes nothing", r);
    {
        // In use: by this process.
        boost::asio::io_context io;
        perdure::wal_options o;
        o.directory = (root / "bad").string();
        o.mode = perdure::recovery_mode::strict;
        perdure::posix_files<> files;
        perdure::error_code ec;
        auto lock = files.open(o.directory + "/wal-lock", perdure::open_mode::read_write, ec);
        lock.lock(ec);
        r = expect("repair bad --apply", 3);
        check(r.says("in use") || r.says("open"), "a log in use is not touched", r);
    }
    r = expect("repair bad --apply", 0);
    check(contents(root / "bad.copy1") == before, "the log was copied first", r);
    expect("verify bad", 0);
    r = expect("dump bad --json", 0);
    check(r.says("\"kind\":\"gap\"") && r.says("\"text\":\"record 400\""),
          "what was lost is a gap, and all else is there", r);
    check(r.lines() >= 395, "at most the damaged group is lost", r);

    r = expect("cut bad --position 100", 0);
    check(r.says("would_drop"), "cut says what it would do", r);
    expect("cut bad --position 100 --apply", 0);
    r = expect("tail bad --last 1 --json", 0);
    check(r.says("\"text\":\"record 100\""), "the end is cut off", r);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " PATH-OF-PERDURE-INSPECT\n";
        return 2;
    }
    tool = fs::absolute(argv[1]).string();
    auto pattern = (fs::temp_directory_path() / "perdure-inspect-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
        return 3;
    root = pattern;
    look();
    copies();
    torn();
    damaged();
    fs::remove_all(root);
    std::cout << (failures == 0 ? "all as promised\n"s
                                : std::to_string(failures) + " checks failed\n");
    return failures != 0;
}
