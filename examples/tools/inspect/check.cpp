// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Runs perdure-inspect on logs that are whole, torn, damaged, in use and not there, and checks what it
// prints, how it ends, and what it leaves alone: check PATH-OF-PERDURE-INSPECT

#include "checking.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace inspect_check;
using namespace std::string_literals;

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

/// Backups while snapshots come and go, and the log with them.
void busy()
{
    for (bool const incremental : {false, true}) {
        std::string const name = incremental ? "busy-shared" : "busy";
        std::vector<std::pair<std::uint64_t, std::uint64_t>> held;
        {
            busy_state const state(name, incremental);
            for (int i = 0; i != 20; ++i) {
                auto const from = state.acknowledged();
                expect("backup " + name + ' ' + name + "-backup" + std::to_string(i), 0);
                expect("verify " + name, 0);
                held.emplace_back(from, state.acknowledged() + 1);
            }
        }
        for (std::size_t i = 0; i != held.size(); ++i) {
            auto const backup = name + "-backup" + std::to_string(i);
            auto const r = expect("verify " + backup, 0);
            if (r.code == 0) {
                auto const value = value_in<wide>(backup);
                check(held[i].first <= value && value <= held[i].second,
                      backup + " holds what was acknowledged before, and nothing from after", r);
            }
            fs::remove_all(root / backup);
        }
    }
}

void stores()
{
    make_store("store", 3);
    expect("verify store", 0);
    auto r = expect("backup store store-backup --json", 0);
    check(r.says("\"copied\":2,\"left_out\":0"), "both generations are copied", r);
    // An unfinished one is none, and packs that no snapshot needs are not copied.
    std::ofstream(root / "store/.tmp-1-snapshot-00000000000000000009.snap") << "begun";
    std::ofstream(root / "store/snapshot-00000000000000000009.pack") << "nobody's";
    r = expect("backup store store-again --json", 0);
    check(r.says("\"copied\":2,\"left_out\":0"), "what is being written is not counted", r);
    check(contents(root / "store-again") == contents(root / "store-backup"), "only what is needed", r);
    // Files may have 4 KiB: the error of a copy is the one that is reported.
    r = expect("backup store store-full", 3, "trap '' XFSZ; ulimit -f 8;");
    check(r.says("too large") && !fs::exists(root / "store-full"), "a failed copy is reported", r);

    // A damaged one is left out, and that is said.
    flip(root / "store-backup/snapshot-00000000000000000003.snap", 300);
    r = expect("backup store-backup store-part --json", 2);
    check(r.says("\"copied\":1,\"left_out\":1") && r.says("00000003.snap"), "it is named", r);
    expect("verify store-part", 0);
    // A pack that is not there is a loss, as long as a snapshot needs it.
    remove_last(root / "store-again", ".pack");
    expect("verify store-again", 2);
    flip(root / "store-part/snapshot-00000000000000000001.pack", 20);
    expect("verify store-part", 2);
}

/// What is intact and cannot be read by this tool is not called damaged.
void unknown()
{
    make_log("secret", 20, true, true);
    auto const before = contents(root / "secret");
    for (std::string const command : {"verify", "stat", "dump", "tail", "repair", "repair --apply"}) {
        auto const r = expect(command + " secret", 3);
        check(r.says("key") || command == "stat", "the reason is said", r);
    }
    expect("backup secret secret-backup", 3);
    check(contents(root / "secret") == before && !fs::exists(root / "secret.copy1"), "it is left alone",
          {});

    make_log("newer", 20, true);
    for (std::size_t const copy : {std::size_t{0}, perdure::wal_format::header_copy})
        patch(root / "newer/wal-00000000000000000001.seg", copy, perdure::wal_format::header_bytes, 8,
              9);
    auto r = expect("verify newer", 3);
    check(r.says("newer than this"), "a newer log is called so", r);
    expect("backup newer newer-backup", 3);

    make_store("newer-store", 3);
    patch(root / "newer-store/snapshot-00000000000000000003.snap", 0,
          perdure::snapshot_format::header_size, 8, 9);
    r = expect("verify newer-store", 3);
    check(r.says("newer than this"), "a newer snapshot is called so", r);
    r = expect("backup newer-store newer-store-backup", 3);
    check(!fs::exists(root / "newer-store-backup"), "an older one is no backup of it", r);
    // What is damaged is so whatever else cannot be read.
    flip(root / "newer-store/snapshot-00000000000000000002.snap", 300);
    expect("verify newer-store", 2);
}

/// What is written behind an end that was read before is no sign of a loss.
void appending()
{
    busy_log const log("appending");
    for (int i = 0; i != 5; ++i) {
        expect("verify appending", 0);
        expect("backup appending appending-backup" + std::to_string(i), 0);
    }
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
    stores();
    busy();
    appending();
    unknown();
    torn();
    damaged();
    fs::remove_all(root);
    std::cout << (failures == 0 ? "all as promised\n"s
                                : std::to_string(failures) + " checks failed\n");
    return failures != 0;
}
