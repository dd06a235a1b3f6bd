// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// More of what other logs are tested for: bytes that are damaged, torn, stale or foreign, and what is not
// synced. See scenarios.cpp.

#include "support/catch.hpp"
#include "wal/scenario.hpp"

#include <algorithm>
#include <optional>
#include <random>

using namespace perdure;
using namespace scenario;
using enum recovery_mode;

namespace {

/// What can be wrong with a group: its bytes, or that it is of another life of the segment.
enum class defect { bytes, epoch };

/// Spoils a record of the first segment and the seal behind it.
void spoil(script& s, position p, defect d)
{
    auto const record = s.record(first, p);
    for (auto const& f : s.frames(first)) {
        if (f.at != record.at && f.at != record.at + record.header.frame_size())
            continue;
        s.change(first, [&](script::bytes& b) {
            if (d == defect::bytes) {
                b[f.at + wal_format::frame_bytes] ^= std::byte{1};
                return;
            }
            auto h = f.header;
            ++h.epoch;
            encode(h, &b[f.at]);
        });
    }
}

/// Appended, and left to the operating system.
void append_unsynced(script& s, std::string const& text)
{
    s.log().async_append(as_bytes(text), durability::os, [](error_code, position) {});
    s.run();
}

/// Power fails, and everything that was not synced is lost.
template <class Files>
void lose_unsynced(scripted_log<Files>& s)
{
    s.disk.crash({}, [](simulation::crash_question, std::size_t) { return std::size_t{0}; });
}

std::vector<std::string> segments_of(script const& s)
{
    std::vector<std::string> all;
    for (auto const& path : s.disk.paths())
        if (path.ends_with(".seg"))
            all.push_back(path);
    std::sort(all.begin(), all.end());
    return all;
}

} // namespace

// -- watermarks: pebble/record/testdata/walSync ----------------------------------------------------

TEST_CASE("scenario W6: an intact group that claims less than the bad one's position proves nothing",
          "[wal][core]")
{
    auto const kind = GENERATE(defect::bytes, defect::epoch);
    script s;
    s.open();
    s.append("durable");
    append_unsynced(s, "bad");
    append_unsynced(s, "later"); // It says that one record was durable.
    s.end();
    spoil(s, 2, kind);
    CHECK(s.opened() == numbered({"durable"}));
    CHECK(s.report.outcome == recovery_outcome::torn_tail);
    CHECK(s.report.proof == recovery_proof::none);
    // The same bytes with a claim behind them are damage.
    script synced;
    fill(synced, {"durable", "bad", "later"}, false);
    spoil(synced, 2, kind);
    CHECK(!synced.opened());
    CHECK(synced.report.proof == recovery_proof::later_seal);
}

TEST_CASE("scenario W7: frames of another life of the segment are judged as bad checksums are",
          "[wal][core]")
{
    // W1 to W5, each with both defects: which groups of five are bad, and whether that can be proven.
    struct row {
        std::vector<position> bad;
        bool idle;
        std::optional<std::size_t> kept;
    };
    row const rows[] = {
        {{}, false, 5},        // An end as it should be.
        {{5}, false, 4},       // One bad group, nothing behind it.
        {{4, 5}, false, 3},    // A bad group confirms nothing.
        {{3}, false, {}},      // An intact one does,
        {{2, 3, 4}, false, {}}, // behind several bad ones too,
        {{5}, true, {}},       // also if it holds no record.
    };
    for (auto const kind : {defect::bytes, defect::epoch})
        for (auto const& r : rows) {
            script s;
            auto const texts = some(5, 100);
            fill(s, texts, r.idle);
            for (auto const p : r.bad)
                spoil(s, p, kind);
            INFO("defect " << static_cast<int>(kind) << ", first bad "
                           << (r.bad.empty() ? 0 : r.bad.front()) << ", idle " << r.idle);
            auto const found = s.opened();
            REQUIRE(found.has_value() == r.kept.has_value());
            if (found)
                CHECK(*found == numbered({texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(*r.kept)}));
            else
                CHECK(s.error == errc::acknowledged_data_lost);
        }
}

// -- etcd -------------------------------------------------------------------------------------------

TEST_CASE("scenario E2: a new segment repeats whose log it is and says what came before",
          "[wal][core]")
{
    script s;
    fill(s, some(100, 400), false);
    auto const all = segments_of(s);
    REQUIRE(all.size() > 4);
    std::optional<wal_format::segment_header> before;
    position last = 0;
    for (std::size_t i = 0; i + 1 != all.size(); ++i) { // The newest one is only prepared.
        auto const bytes = s.disk.contents(all[i]);
        bool damaged = false;
        error_code ec;
        auto const h = wal_format::decode_header(bytes, damaged, ec);
        REQUIRE(!ec);
        CHECK(script::segment(h.sequence) == all[i]);
        auto const frames = s.frames(all[i]);
        REQUIRE(frames.front().header.type == wal_format::frame_type::link);
        auto const l = wal_format::decode_link(
            std::span(bytes).subspan(frames.front().at + wal_format::frame_bytes, wal_format::link_bytes));
        if (before) {
            CHECK(h.log == before->log);
            CHECK(h.after == before->sequence);
            CHECK(l.sequence == before->sequence);
            CHECK(l.reason == wal_format::link_reason::rotated);
        }
        CHECK(l.last == last);
        for (auto const& f : frames)
            if (f.header.type == wal_format::frame_type::record)
                last = f.header.at;
        before = h;
    }
    CHECK(last == 100);
}

TEST_CASE("scenario E5: a torn last record is refused in strict, dropped in tail, and appended after",
          "[wal][core]")
{
    script s;
    auto const texts = some(10, 100);
    fill(s, texts, false);
    auto const torn = s.record(first, 10);
    s.change(first, [&](script::bytes& b) {
        zero(b, torn.at + torn.header.frame_size() - 4, b.size());
    });
    CHECK(!s.open(strict));
    REQUIRE(s.open(tail));
    CHECK(s.report.outcome == recovery_outcome::torn_tail);
    CHECK(s.read() == numbered({texts.begin(), texts.begin() + 9}));
    for (int i = 0; i != 10; ++i)
        s.append("new");
    s.end();
    auto const found = s.opened(strict);
    REQUIRE(found);
    CHECK(found->size() == 19);
}

TEST_CASE("scenario E8: a length that goes beyond the file is judged like any other bad byte",
          "[wal][core]")
{
    for (bool const proven : {false, true}) {
        script s;
        fill(s, {"one", "two"}, proven);
        auto const f = s.record(first, 2);
        s.change(first, [&](script::bytes& b) {
            auto h = f.header; // With a good checksum of the header.
            h.size = static_cast<std::uint32_t>(b.size());
            encode(h, &b[f.at]);
        });
        auto const found = s.opened();
        CHECK(found.has_value() == !proven);
        if (found)
            CHECK(*found == numbered({"one"}));
        CHECK(!s.opened(strict));
        CHECK(s.opened(salvage) == numbered({"one"}));
    }
}

TEST_CASE("scenario E9: a record whose position leaves a gap is not believed", "[wal][core]")
{
    for (position const shift : {position{1}, position{1000}, ~position{} - 2}) {
        script s;
        fill(s, {"one", "two", "three"}, true);
        auto const f = s.record(first, 2);
        s.change(first, [&](script::bytes& b) {
            auto h = f.header;
            h.at += shift;
            encode(h, &b[f.at]);
        });
        for (auto const mode : {strict, tail})
            CHECK(!s.opened(mode));
        CHECK(s.opened(point_in_time) == numbered({"one"}));
        // Its header is intact, but not the one that the seal of its group vouches for.
        CHECK(s.opened(salvage) == records{{1, "one"}, {3, "three"}});
    }
}

TEST_CASE("scenario E14: what a reader says of an empty, cut or changed group", "[wal][core]")
{
    script s;
    fill(s, {"foo"}, false);
    auto const b = s.disk.contents(first);
    bool damaged = false;
    error_code ec;
    auto const h = wal_format::decode_header(b, damaged, ec);
    auto const last = s.last_seal(first);
    auto const groups = std::span(b).subspan(wal_format::page_bytes, last.at + last.header.frame_size() - wal_format::page_bytes);
    // Reads on through the groups until something else comes.
    auto const end_of = [&](std::span<std::byte const> bytes, bool at_end) {
        segment_scanner scanner(h);
        for (;;) {
            auto const rest = bytes.subspan(static_cast<std::size_t>(scanner.offset() - wal_format::page_bytes));
            if (auto const found = scanner.next(rest, at_end); found != segment_scanner::status::group)
                return found;
        }
    };
    using status = segment_scanner::status;
    CHECK(end_of({}, true) == status::end);
    CHECK(end_of(groups, true) == status::end);
    auto const record = s.record(first, 1).at - wal_format::page_bytes;
    for (std::size_t n = record + 1; n != groups.size(); ++n) {
        INFO("cut after " << n << " of " << groups.size() << " bytes");
        CHECK(end_of(groups.first(n), false) == status::more);
        CHECK(end_of(groups.first(n), true) == status::damaged);
    }
    // One reader whose window grows says the same.
    segment_scanner growing(h);
    std::size_t seen = 0;
    for (std::size_t n = 1; n <= groups.size(); ++n) {
        auto const from = static_cast<std::size_t>(growing.offset() - wal_format::page_bytes);
        auto const found = growing.next(groups.first(n).subspan(from), false);
        if (found == status::group)
            ++seen;
        else
            REQUIRE(found == status::more);
    }
    CHECK(seen == 2); // The link's and the record's.
    CHECK(growing.next_position() == 2);
    CHECK(growing.offset() == wal_format::page_bytes + groups.size());
    for (auto const at : {record + wal_format::frame_bytes + 2, groups.size() - 9}) {
        script::bytes changed(groups.begin(), groups.end());
        changed[at] ^= std::byte{1};
        CHECK(end_of(changed, true) == status::damaged);
    }
}

// -- braft, SQLite, backups ---------------------------------------------------------------------------

TEST_CASE("scenario BR3: garbage behind the last group of the segment in use costs no record",
          "[wal][core]")
{
    std::mt19937 random(7);
    for (bool const sealed : {false, true})
        for (std::size_t const size : {std::size_t{1}, std::size_t{100}, std::size_t{5000}}) {
            script s;
            auto const texts = some(20, 50);
            fill(s, texts, sealed);
            auto const seal = s.last_seal(first);
            s.change(first, [&](script::bytes& b) {
                for (std::size_t i = 0; i != size; ++i)
                    b[seal.at + seal.header.frame_size() + i] = static_cast<std::byte>(random() | 1);
            });
            INFO(size << " bytes, sealed " << sealed);
            CHECK(s.opened() == numbered(texts));
            CHECK(s.report.outcome == recovery_outcome::torn_tail);
            CHECK(s.report.lost.empty());
            CHECK(!s.opened(strict));
        }
}

TEST_CASE("scenario S2: after a rollback and more records a copy of the files holds what counts",
          "[wal][core]")
{
    script s;
    s.open();
    for (auto const& t : some(40, 400)) // Several segments, so that much of it was written long ago.
        s.append(t);
    s.log().async_truncate(10, [&](error_code ec) { s.error = ec; });
    s.run();
    REQUIRE(!s.error);
    auto const at = s.append("instead");
    CHECK(at == 41); // No position has two meanings.
    script copy;
    copy.disk = s.disk;
    copy.disk.kill({});
    auto expected = numbered(some(10, 400));
    expected[at] = "instead";
    CHECK(copy.opened(strict) == expected);
    CHECK(s.read() == expected);
}

TEST_CASE("scenario BK2: damage that keeps sizes is found by reading, not by opening", "[wal][core]")
{
    script s;
    s.open();
    for (auto const& t : some(60, 400))
        s.append(t);
    s.close();
    auto const at = s.record(first, 5).at;
    s.change(first, [&](script::bytes& b) { b[at + 40] ^= std::byte{1}; });
    REQUIRE(s.open()); // It was closed, and the segment is not read.
    s.read();
    CHECK(s.error == errc::acknowledged_data_lost);
    s.end();
    s.options.verify_everything = true;
    CHECK(!s.opened());
}

TEST_CASE("scenario BK3: a copy of a live log holds what was acknowledged, without what was not synced",
          "[wal][core]")
{
    script s;
    s.open();
    for (auto const& t : {"key 1", "key 2", "key 3"})
        s.append(t);
    append_unsynced(s, "not promised");
    script copy;
    copy.disk = s.disk;
    lose_unsynced(copy);
    CHECK(copy.opened() == numbered({"key 1", "key 2", "key 3"}));
}

// -- RocksDB, LevelDB: syncs ----------------------------------------------------------------------------

TEST_CASE("scenario ManualLogSync: what was left to the system is on disk once somebody waited for it",
          "[wal][core]")
{
    script s;
    s.open();
    auto const texts = some(50, 300);
    for (auto const& t : texts)
        append_unsynced(s, t);
    REQUIRE(s.log().durable_position() < 50);
    auto const half = s.disk;
    s.log().async_wait_durable(50, [&](error_code ec, position) { s.error = ec; });
    s.run();
    CHECK(!s.error);
    CHECK(s.log().durable_position() == 50);
    s.end();
    lose_unsynced(s);
    CHECK(s.opened() == numbered(texts));
    s.disk = half; // Without the wait a part is lost.
    lose_unsynced(s);
    auto const found = s.opened();
    REQUIRE(found);
    CHECK(found->size() < 50);
}

TEST_CASE("scenario FaultInjection: whatever is lost was not synced, round after round", "[wal][core]")
{
    bool const loses = GENERATE(true, false);
    bool const closes = GENERATE(true, false);
    script s;
    records expected;
    std::mt19937 random(301);
    for (int round = 0; round != 3; ++round) {
        REQUIRE(s.open());
        CHECK(s.read() == expected);
        for (auto i = 20 + random() % 200; i != 0; --i) {
            std::string const text(1000, static_cast<char>('a' + i % 26));
            append_unsynced(s, text);
            expected[s.log().next_position() - 1] = text;
        }
        s.log().async_wait_durable(s.log().next_position() - 1, [](error_code, position) {});
        s.run();
        // The segments are small, and leaving one syncs it: the records behind the sync stay in one.
        records after;
        for (unsigned i = 0; i != 8; ++i) {
            append_unsynced(s, "behind the sync");
            after[s.log().next_position() - 1] = "behind the sync";
        }
        if (closes)
            s.close();
        else
            s.end();
        if (loses)
            lose_unsynced(s);
        if (closes || !loses)
            expected.insert(after.begin(), after.end());
        auto const found = s.opened();
        REQUIRE(found);
        if (loses && !closes) {
            // A segment may have been changed in between, which synced what was before.
            CHECK(std::includes(found->begin(), found->end(), expected.begin(), expected.end()));
            expected = *found;
        }
        CHECK(*found == expected);
    }
}

TEST_CASE("scenario SequenceNumberRecovery: what is written after a repair is newer than what was lost",
          "[wal][core]")
{
    for (auto const mode : {point_in_time, salvage}) {
        script s;
        fill(s, some(10, 100), true);
        auto const at = s.record(first, 5).at;
        s.change(first, [&](script::bytes& b) { b[at + 40] ^= std::byte{1}; });
        REQUIRE(s.open(mode));
        CHECK(s.append("new") == 11);
        s.close();
        REQUIRE(s.open(strict));
        auto const found = s.read();
        CHECK(found.rbegin()->first == 11);
        CHECK(found.rbegin()->second == "new");
        CHECK(found.size() == (mode == salvage ? 10u : 5u));
    }
}

TEST_CASE("scenario EmptyWalReopen: a log without records is opened again and again, and does not grow",
          "[wal][core]")
{
    script s;
    for (int i = 0; i != 10; ++i) {
        REQUIRE(s.open(i % 2 ? strict : tail));
        CHECK(s.read() == records{});
        if (i % 3)
            s.close();
        CHECK(segments_of(s).size() <= 3);
    }
    s.open();
    CHECK(s.append("first") == 1);
}

TEST_CASE("scenario ManifestMissing: every segment names its log, and the lock file can be made anew",
          "[wal][core]")
{
    script s;
    fill(s, some(60, 400), true);
    error_code ec;
    s.disk.remove("log/" + std::string(wal_format::lock_name), {}, ec);
    REQUIRE(!ec);
    CHECK(s.opened(strict) == numbered(some(60, 400)));
    // With a segment of another log in it, it is not a longer log.
    script other;
    fill(other, some(3, 10), true);
    s.disk.put(script::segment(99), other.disk.contents(first));
    for (auto const mode : {strict, tail})
        if (auto const found = s.opened(mode))
            CHECK(*found == numbered(some(60, 400)));
}

TEST_CASE("scenario WALWithChecksumHandoff: bytes that change on their way to the disk are not believed",
          "[wal][core]")
{
    struct changing_files : simulation::disk_files {
        explicit changing_files(simulation::disk_files f) : simulation::disk_files(std::move(f)) {}
        struct file : simulation::disk_files::file {
            file() = default;
            explicit file(simulation::disk_files::file f)
                : simulation::disk_files::file(std::move(f))
            {
            }
            using simulation::disk_files::file::write_at;
            void write_at(std::uint64_t at, std::span<std::span<std::byte const> const> parts,
                          error_code& ec)
            {
                ec = {};
                for (auto const part : parts) {
                    script::bytes b(part.begin(), part.end());
                    auto const text = as_text(b);
                    if (auto const n = text.find("handed over"); n != text.npos)
                        b[n] ^= std::byte{0x20};
                    simulation::disk_files::file::write_at(at, b, ec);
                    at += b.size();
                }
            }
        };
        file open(std::string const& path, open_mode mode, error_code& ec)
        {
            return file(simulation::disk_files::open(path, mode, ec));
        }
    };
    for (bool const later : {false, true}) {
        scripted_log<changing_files> s;
        fill(s, {"good", "handed over"}, false);
        if (later) {
            s.open();
            s.append("after"); // Opening dropped the bad one, which nothing had proven.
            s.end();
        }
        CHECK(s.opened() == (later ? records{{1, "good"}, {2, "after"}} : numbered({"good"})));
        scripted_log<changing_files> sealed;
        fill(sealed, {"good", "handed over"}, true);
        CHECK(!sealed.opened());
        CHECK(sealed.error == errc::acknowledged_data_lost);
    }
}

TEST_CASE("scenario P4: nothing is acknowledged in a segment whose name a power cut can take back", "[wal][core]")
{
    struct forgetful_files : simulation::disk_files {
        forgetful_files(simulation::disk_files f, std::uint64_t* n)
            : simulation::disk_files(std::move(f)), left(n)
        {
        }
        explicit forgetful_files(simulation::disk_files f) : forgetful_files(std::move(f), nullptr) {}
        std::uint64_t* left; ///< Syncs of directories that work.
        void sync_directory(std::string const& path, error_code& ec)
        {
            if (left && *left == 0)
                ec = boost::system::errc::make_error_code(boost::system::errc::io_error);
            else
                simulation::disk_files::sync_directory(path, ec);
            if (left && *left != 0)
                --*left;
        }
    };
    std::uint64_t n = 0;
    for (bool happened = true; happened; ++n) {
        INFO(n << " syncs of the directory work");
        auto left = n;
        scripted_log<forgetful_files> s;
        s.options.segment_bytes = 8192;
        s.make_files = [&](simulation::disk& d) { return forgetful_files(simulation::disk_files(d), &left); };
        records acknowledged;
        for (int life = 0; life != 2; ++life) {
            if (!s.open())
                break;
            for (auto const& text : some(20, 700)) {
                auto const p = s.append(text);
                if (!s.error)
                    acknowledged[p] = text;
            }
            s.end();
        }
        happened = left == 0;
        left = 1000;
        lose_unsynced(s);
        REQUIRE(s.open());
        CHECK(s.read() == acknowledged);
    }
    CHECK(n > 10);
}

TEST_CASE("scenario BR6: a name is a segment's number and nothing else, so none leads elsewhere",
          "[wal][core]")
{
    for (std::uint64_t const n : {std::uint64_t{1}, std::uint64_t{99}, ~std::uint64_t{}})
        CHECK(wal_format::segment_sequence(wal_format::segment_name(n)) == n);
    auto const good = wal_format::segment_name(2);
    script s;
    fill(s, {"foo"}, true);
    auto const bytes = s.disk.contents(first);
    for (auto const& bad : {"../" + good, "a/" + good, good + ".broken", good + "/..", "x" + good,
                            std::string("wal-2.seg"), std::string("wal-../../../etc/x.seg"),
                            std::string("wal-0000000000000000000a.seg"),
                            std::string("wal-99999999999999999999.seg")}) {
        INFO(bad);
        CHECK(!wal_format::segment_sequence(bad));
        if (bad.find('/') == bad.npos)
            s.disk.put("log/" + bad, bytes);
    }
    CHECK(s.opened(strict) == numbered({"foo"}));
}
