// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// What the tests of LevelDB, RocksDB, Pebble, etcd, braft, SQLite and Redis ask of their logs, asked of
// ours. Where theirs loses records or goes on silently, the names say what ours does.

#include "support/catch.hpp"
#include "wal/scenario.hpp"

#include <random>

using namespace perdure;
using namespace scenario;
using enum recovery_mode;

// -- framing: leveldb/db/log_test.cc ---------------------------------------------------------------

TEST_CASE("scenario F1, F2: an empty log, and empty records", "[wal][core]")
{
    script s;
    fill(s, {}, false);
    CHECK(s.opened() == records{});
    fill(s, {"foo", "bar", "", "xxxx"}, false);
    CHECK(s.opened() == numbered({"foo", "bar", "", "xxxx"}));
    CHECK(s.opened() == numbered({"foo", "bar", "", "xxxx"})); // The end can be met twice.
}

TEST_CASE("scenario F3, F4, F9: many, large, and skewed random records", "[wal][core]")
{
    script s;
    s.options.segment_bytes = 1 << 20;
    std::vector<std::string> texts;
    for (int i = 0; i != 2000; ++i)
        texts.push_back(std::to_string(i) + '.');
    texts.insert(texts.end(), {"small", std::string(50'000, 'm'), std::string(100'000, 'l')});
    std::mt19937 random(301);
    for (int i = 0; i != 200; ++i)
        texts.push_back(std::string(random() % (1u << (random() % 17)), 'r'));
    fill(s, texts, false);
    CHECK(s.opened() == numbered(texts));
}

TEST_CASE("scenario F5, F6, F7: records that end at every place before a segment's end",
          "[wal][core]")
{
    for (std::size_t left = 0; left != 160; left += 4) {
        script s;
        s.options.segment_bytes = 8192;
        // The first record fills the segment but for `left` bytes; then an empty one, and one more.
        auto const room = 8192 - 4288 - 32 - 96 - 96;
        std::vector<std::string> const texts{std::string(room - left, 'x'), "", "bar"};
        fill(s, texts, false);
        INFO(left << " bytes left");
        CHECK(s.opened() == numbered(texts));
        CHECK(s.opened(strict).has_value());
    }
}

TEST_CASE("scenario F8: a log that is opened again goes on with the next position", "[wal][core]")
{
    script s;
    fill(s, {"hello"}, false);
    s.open();
    CHECK(s.append("world") == 2);
    s.end();
    CHECK(s.opened() == numbered({"hello", "world"}));
}

TEST_CASE("scenario F10: an error of reading fails the opening, except in salvage", "[wal][core]")
{
    struct failing_files : simulation::disk_files {
        explicit failing_files(simulation::disk_files f) : simulation::disk_files(std::move(f)) {}
        struct file : simulation::disk_files::file {
            file() = default;
            explicit file(simulation::disk_files::file f)
                : simulation::disk_files::file(std::move(f))
            {
            }
            bool bad = false;
            std::size_t read_at(std::uint64_t at, std::span<std::byte> to, error_code& ec)
            {
                // The sector behind the second group cannot be read.
                if (bad && at + to.size() > 4500 && at < 16384) {
                    ec = boost::system::errc::make_error_code(boost::system::errc::io_error);
                    return 0;
                }
                return simulation::disk_files::file::read_at(at, to, ec);
            }
        };
        file open(std::string const& path, open_mode mode, error_code& ec)
        {
            file f(simulation::disk_files::open(path, mode, ec));
            f.bad = path == first && mode == open_mode::read;
            return f;
        }
    };
    scripted_log<failing_files> s;
    {
        script whole;
        fill(whole, some(5, 100), true);
        s.disk = whole.disk;
    }
    for (auto const mode : {strict, tail, point_in_time}) {
        CHECK(!s.opened(mode));
        CHECK(s.error == boost::system::errc::io_error);
    }
    CHECK(s.opened(salvage).has_value());
}

TEST_CASE("scenario F11, F12: an unknown frame is an unsupported format, unless it may be skipped",
          "[wal][core]")
{
    for (auto const type : {std::uint8_t{100}, std::uint8_t{0x80 + 100}}) {
        script s;
        fill(s, {"foo"}, true);
        auto const f = s.record(first, 1);
        s.change(first, [&](script::bytes& b) {
            auto h = f.header;
            h.type = static_cast<wal_format::frame_type>(type);
            encode(h, &b[f.at]);
        });
        CHECK(!s.opened());
        // Skipped, it leaves a group that has one record less than its seal says.
        CHECK(s.error == (type == 100 ? make_error_code(errc::unsupported_version)
                                      : make_error_code(errc::acknowledged_data_lost)));
    }
}

TEST_CASE("scenario F13, F15, F19: a torn last group is dropped and reported, or refused in strict",
          "[wal][core]")
{
    // At every place from which on the last group was not written.
    std::size_t const group = 32 + 104 + 96;
    for (std::size_t cut = 1; cut < group - 8; cut += 3) { // A seal ends with zeros.
        script s;
        fill(s, {"one", std::string(100, 'b')}, false);
        auto const at = s.record(first, 2).at;
        s.change(first, [&](script::bytes& b) { zero(b, at + cut, group - cut); });
        INFO("cut at " << cut);
        CHECK(s.opened() == numbered({"one"}));
        CHECK(s.report.outcome == recovery_outcome::torn_tail);
        CHECK(s.report.bytes_lost != 0);
        CHECK(s.report.bytes_lost <= group);
        CHECK(s.report.lost.empty());
        CHECK(!s.opened(strict));
    }
}

TEST_CASE("scenario F13: a file that is shorter than it was put into use is damage, not a torn tail",
          "[wal][core]")
{
    script s;
    fill(s, {"foo"}, false);
    s.change(first, [&](script::bytes& b) { b.resize(b.size() - 4); });
    CHECK(!s.opened());
    CHECK(s.report.proof == recovery_proof::short_file);
}

TEST_CASE("scenario F14: a wrong length is noticed before it is used, and a later record proves it",
          "[wal][core]")
{
    script s;
    fill(s, {std::string(500, 'a'), "foo"}, false);
    auto const at = s.record(first, 1).at;
    s.change(first, [&](script::bytes& b) { b[at] ^= std::byte{1}; });
    CHECK(!s.opened());
    CHECK(s.error == errc::acknowledged_data_lost);
    CHECK(s.report.lost == std::vector<position_range>{{1, 1}});
    CHECK(s.opened(salvage) == records{{2, "foo"}});
    CHECK(s.opened(point_in_time) == records{});
}

TEST_CASE("scenario F16: a bad checksum of the last record is torn until it was idle, then damage",
          "[wal][core]")
{
    for (bool const sealed : {false, true}) {
        script s;
        fill(s, {"foo"}, sealed);
        auto const at = s.record(first, 1).at;
        s.change(first, [&](script::bytes& b) { b[at + 20] ^= std::byte{10}; });
        auto const found = s.opened();
        CHECK(found.has_value() == !sealed);
        CHECK(s.report.outcome ==
              (sealed ? recovery_outcome::refused : recovery_outcome::torn_tail));
    }
}

TEST_CASE("scenario F17, F18, R2: a group without its beginning, or without its end, does not exist",
          "[wal][core]")
{
    script s;
    s.open();
    s.append("before");
    s.append_group({"begin", "middle", "commit"});
    s.end();
    auto const begin = s.record(first, 2).at, end = s.last_seal(first).at;
    auto const whole = s.disk;
    s.change(first, [&](script::bytes& b) { zero(b, begin, 40); });
    CHECK(s.opened() == numbered({"before"}));
    s.disk = whole;
    s.change(first, [&](script::bytes& b) { zero(b, end, 96); });
    CHECK(s.opened() == numbered({"before"}));
    CHECK(s.report.outcome == recovery_outcome::torn_tail);
}

TEST_CASE("scenario F20: the front of one record is never joined with the end of another",
          "[wal][core]")
{
    script s;
    s.options.segment_bytes = 1 << 20;
    std::string const one(65536, '1'), two(65536, '2');
    fill(s, {one, two, "correct"}, true);
    auto const a = s.record(first, 1).at, b2 = s.record(first, 2).at;
    s.change(first, [&](script::bytes& b) {
        for (std::size_t i = a + 30'000; i != b2 + 30'000; ++i)
            b[i] = std::byte{'x'};
    });
    CHECK(!s.opened());
    CHECK(s.opened(salvage) == records{{3, "correct"}});
    CHECK(s.report.lost == std::vector<position_range>{{1, 2}});
}

TEST_CASE("scenario F21: replay from a position begins with that record, whole", "[wal][core]")
{
    script s;
    auto const texts = some(40, 300);
    fill(s, texts, false);
    s.open();
    for (position from = 1; from <= 41; ++from) {
        auto const found = s.read(from);
        REQUIRE(found.size() == 41 - from);
        for (auto const& [p, text] : found)
            CHECK(text == texts[p - 1]);
    }
    s.read(42);
    CHECK(s.error == errc::position_out_of_range);
}

TEST_CASE("scenario F24: bytes of another segment behind the end are not part of the log",
          "[wal][core]")
{
    script s;
    fill(s, {"foo", "bar"}, false);
    script other;
    other.options.segment_bytes = s.options.segment_bytes;
    other.open();
    other.open(); // Another salt.
    other.append("stale");
    other.end();
    auto const stale = other.disk.contents(other.segment(3));
    auto const end = s.last_seal(first).at + 96;
    s.change(first, [&](script::bytes& b) {
        std::copy_n(stale.begin() + 4288, 200, b.begin() + static_cast<std::ptrdiff_t>(end));
    });
    CHECK(s.opened() == numbered({"foo", "bar"}));
    CHECK(s.report.outcome == recovery_outcome::torn_tail);
}

TEST_CASE("scenario F25, E4: what is appended after a torn tail can be read, and nothing is written "
          "behind it in place",
          "[wal][core]")
{
    script s;
    fill(s, some(20, 10), false);
    auto const at = s.record(first, 20).at;
    s.change(first, [&](script::bytes& b) { zero(b, at + 16, 1000); });
    auto const before = s.disk.contents(first);
    REQUIRE(s.open());
    CHECK(s.report.outcome == recovery_outcome::torn_tail);
    for (int i = 0; i != 5; ++i)
        s.append("new " + std::to_string(i));
    s.end();
    if (s.disk.exists(first))
        CHECK(s.disk.contents(first) == before);
    auto const found = s.opened();
    REQUIRE(found);
    CHECK(found->size() == 19 + 5);
    CHECK(found->rbegin()->second == "new 4");
    CHECK(s.report.outcome == recovery_outcome::recovered);
}

// -- the chain of segments: rocksdb TrackAndVerifyWALs, etcd TestVerify, leveldb CorruptionTest ----

TEST_CASE("scenario chain, E3, BR1: a missing, empty or short segment in the middle is found",
          "[wal][core]")
{
    script s;
    auto const texts = some(60, 400);
    fill(s, texts, true);
    REQUIRE(s.disk.exists(script::segment(3)));
    auto const whole = s.disk;
    auto const middle = script::segment(2);
    for (int kind = 0; kind != 3; ++kind) {
        s.disk = whole;
        error_code ec;
        if (kind == 0)
            s.disk.remove(middle, {}, ec);
        else
            s.change(middle, [&](script::bytes& b) { b.resize(kind == 1 ? 0 : b.size() - 120); });
        INFO("kind " << kind);
        s.options.verify_everything = true;
        for (auto const mode : {strict, tail})
            CHECK(!s.opened(mode));
        CHECK(s.report.segment.find("2.seg") != std::string::npos);
        auto const pit = s.opened(point_in_time);
        REQUIRE(pit);
        CHECK(pit->size() < 60);
        CHECK(pit->begin()->second == texts[0]);
        auto const kept = s.opened(salvage);
        REQUIRE(kept);
        CHECK(kept->rbegin()->second == texts[59]);
        CHECK(s.report.positions_lost() == 60 - kept->size());
        CHECK(kept->size() >= (kind == 2 ? 59u : 20u));
    }
}

TEST_CASE("scenario chain 4, NoLogFiles: all segments gone is a lost log, not a new one",
          "[wal][core]")
{
    script s;
    fill(s, some(3, 10), true);
    error_code ec;
    for (auto const& path : s.disk.paths())
        if (path.ends_with(".seg"))
            s.disk.remove(path, {}, ec);
    CHECK(!s.opened());
    CHECK(s.error == errc::segment_missing);
}

TEST_CASE("scenario MultipleLogFiles: an old segment that comes back is not replayed", "[wal][core]")
{
    script s;
    s.open();
    for (auto const& t : some(60, 400))
        s.append(t);
    auto const old = s.disk.contents(first);
    s.log().async_trim(50, [](error_code) {});
    s.run();
    s.end();
    REQUIRE(!s.disk.exists(first));
    auto const before = s.opened();
    s.disk.put(first, old);
    CHECK(s.opened() == before);
}

TEST_CASE("scenario BR2: a closed segment with another one's bytes behind it", "[wal][core]")
{
    script s;
    fill(s, some(60, 400), true);
    auto const other = s.disk.contents(script::segment(2));
    auto const before = s.opened(strict);
    REQUIRE(before);
    s.change(first,
             [&](script::bytes& b) { b.insert(b.end(), other.begin(), other.end()); });
    CHECK(s.opened(strict) == before); // The next segment's link says where this one ends.
}

TEST_CASE("scenario BR4, S1: the kind of checksum may change between two lives", "[wal][core]")
{
    script s;
    s.options.checksum = wal_format::checksum_kind::crc32c;
    fill(s, {"crc"}, false);
    s.options.checksum = wal_format::checksum_kind::xxh3;
    s.open();
    s.append("xxh3");
    s.end();
    s.options.checksum = wal_format::checksum_kind::crc32c;
    s.open();
    s.append("crc again");
    s.end();
    CHECK(s.opened() == numbered({"crc", "xxh3", "crc again"}));
}

TEST_CASE("scenario RecoveryToleratesEmptyFutureWal, E10: a prepared segment and an unfinished one are "
          "no errors",
          "[wal][core]")
{
    script s;
    fill(s, {"foo"}, false);
    CHECK(s.disk.exists(script::segment(2))); // Prepared, not used.
    s.disk.put("log/wal-00000000000000000009.new", std::vector<std::byte>(100));
    CHECK(s.opened(strict) == numbered({"foo"}));
    CHECK(s.opened() == numbered({"foo"}));
}

TEST_CASE("scenario CorruptionTest.Recovery: two bad bytes cost two records, not 64 of 100",
          "[wal][core]")
{
    script s;
    s.options.segment_bytes = 1 << 20;
    fill(s, some(100, 1000), true);
    for (auto const at : {std::size_t{4288 + 19}, std::size_t{4288 + 32768 + 1000}})
        s.change(first, [&](script::bytes& b) { b[at] ^= std::byte{0x80}; });
    CHECK(!s.opened());
    auto const kept = s.opened(salvage);
    REQUIRE(kept);
    CHECK(kept->size() >= 98);
}

TEST_CASE("scenario PostPITRCorruptionWALsRetained: a log opened with losses keeps opening",
          "[wal][core]")
{
    script s;
    fill(s, some(60, 400), true);
    s.change(script::segment(2), [&](script::bytes& b) { b[9000] ^= std::byte{1}; });
    REQUIRE(s.open(point_in_time));
    CHECK(s.append("after") != 0);
    s.close();
    for (int i = 0; i != 3; ++i) {
        REQUIRE(s.open(tail));
        CHECK(s.report.lost.empty());
        CHECK(s.read().rbegin()->second == "after");
        s.close();
    }
}

TEST_CASE("scenario WriteOptionSyncTest: a sync of the new segment covers the old one", "[wal][core]")
{
    script s;
    s.open();
    // Left to the operating system, until the segment is full and another is begun.
    for (int i = 0; i != 30; ++i) {
        s.log().async_append(as_bytes(std::string(600, 'a')), durability::os,
                             [](error_code, position) {});
        s.run();
    }
    CHECK(s.log().durable_position() > 0); // The full segment was synced when it was left.
    auto const last = s.append("synced");
    s.end();
    // Everything that was not synced is lost.
    s.disk.crash({}, [](simulation::crash_question, std::size_t) { return std::size_t{0}; });
    auto const found = s.opened();
    REQUIRE(found);
    CHECK(found->size() == last);
}

// -- watermarks: pebble/record/testdata/walSync ----------------------------------------------------

TEST_CASE("scenario W1, W2, W3: without an intact claim behind it a bad group is a torn tail",
          "[wal][core]")
{
    script s;
    fill(s, {"one", "two", "three"}, false);
    // The last two groups are bad: a bad group confirms nothing, and the first is all that is left.
    auto const two = s.record(first, 2).at, three = s.record(first, 3).at;
    s.change(first, [&](script::bytes& b) {
        b[three + 33] ^= std::byte{1};           // The last record,
        zero(b, s.last_seal(first).at + 32, 64); // its seal,
    });
    CHECK(s.opened() == numbered({"one", "two"}));
    CHECK(s.report.outcome == recovery_outcome::torn_tail);
    s.change(first, [&](script::bytes& b) { zero(b, two, 40); }); // and the one before.
    CHECK(s.opened() == numbered({"one"}));
    CHECK(s.report.outcome == recovery_outcome::torn_tail);
}

TEST_CASE("scenario W4, W5, E7: an intact claim behind bad groups proves damage, wherever it stands",
          "[wal][core]")
{
    for (std::size_t const size : {10u, 4096u}) { // In the same block, and blocks away.
        script s;
        s.options.segment_bytes = 1 << 17;
        fill(s, some(5, size), false);
        // Records 2 to 4 are bad; the seal of the fifth group says that four were durable.
        for (position p : {2u, 3u, 4u}) {
            auto const at = s.record(first, p).at;
            s.change(first, [&](script::bytes& b) { b[at + 32] ^= std::byte{1}; });
        }
        CHECK(!s.opened());
        CHECK(s.error == errc::acknowledged_data_lost);
        CHECK(s.report.proof == recovery_proof::later_seal);
        CHECK(s.report.proof_durable == 4);
        CHECK(s.report.lost == std::vector<position_range>{{2, 4}});
    }
}

TEST_CASE("scenario W8: zeros, an impossible length, an unknown version: the same judgement",
          "[wal][core]")
{
    for (bool const proven : {false, true})
        for (int kind = 0; kind != 3; ++kind) {
            script s;
            fill(s, {"one", "two"}, proven);
            auto const at = s.record(first, 2).at;
            s.change(first, [&](script::bytes& b) {
                if (kind == 0)
                    zero(b, at, 40);
                else
                    b[at + (kind == 1 ? 3 : 7)] ^= std::byte{0x40};
            });
            INFO("kind " << kind);
            CHECK(s.opened().has_value() == !proven);
        }
}

TEST_CASE("scenario W9: the first sync already leaves a watermark", "[wal][core]")
{
    script s;
    fill(s, {"one", "two"}, false);
    auto const seal = s.last_seal(first);
    auto const b = s.disk.contents(first);
    CHECK(wal_format::decode_seal(std::span(b).subspan(seal.at + 32, 64)).durable == 1);
}

// -- etcd, Redis ------------------------------------------------------------------------------------

TEST_CASE("scenario E1: only what was written counts of a preallocated segment", "[wal][core]")
{
    script s;
    fill(s, {"foo"}, false);
    CHECK(s.disk.contents(first).size() == s.options.segment_bytes);
    CHECK(s.opened() == numbered({"foo"}));
    CHECK(s.report.bytes_lost == 0);
}

TEST_CASE("scenario E6: the end of a file lost and filled with zeros by a repair", "[wal][core]")
{
    script s;
    fill(s, some(150, 100), false);
    s.options.verify_everything = true;
    s.change(first, [&](script::bytes& b) { zero(b, 8192, b.size() - 8192); });
    CHECK(!s.opened()); // The next segment's link says what stood here.
    CHECK(s.report.proof != recovery_proof::none);
    CHECK(s.opened(point_in_time)->size() < 40);
}

TEST_CASE("scenario E13, BK: the log is read while another process has it open", "[wal][core]")
{
    script s;
    s.open();
    s.append("one");
    simulation::disk copy = s.disk; // What a reader of the same files sees.
    script reader;
    reader.disk = copy;
    reader.disk.kill({});
    CHECK(reader.opened() == numbered({"one"}));
    script second;
    second.disk = s.disk;
    CHECK(!second.open());
    CHECK(second.error == errc::locked);
}

TEST_CASE("scenario R1: an unclean end is refused in strict, and mended by opening in tail",
          "[wal][core]")
{
    script s;
    fill(s, {"one", "two"}, false);
    auto const at = s.record(first, 2).at;
    s.change(first, [&](script::bytes& b) { zero(b, at + 34, 200); });
    CHECK(!s.open(strict));
    REQUIRE(s.open(tail));
    s.end();
    REQUIRE(s.open(strict));
    CHECK(s.read() == numbered({"one"}));
}
