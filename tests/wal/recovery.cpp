// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/memory_files.hpp"
#include "wal/plain_log.hpp"
#include <perdure/wal/recovery.hpp>

using namespace perdure;

namespace {

using test_log = plain_log<memory_files>;
using ranges = std::vector<position_range>;

std::string const first = "log/" + wal_format::segment_name(1);
constexpr std::size_t frame = 32 + 104, seal = 96; // Of a record of 100 bytes, and of what ends its group.

/// A log of so many groups, each of a record of 100 bytes that are not zero.
std::shared_ptr<memory_files::disk> log_of(int groups, bool idle)
{
    auto disk = std::make_shared<memory_files::disk>();
    test_log log{memory_files(disk)};
    log.open();
    for (int i = 0; i != groups; ++i)
        log.append({std::string(100, 'x')});
    if (idle)
        log.idle_seal();
    REQUIRE(!log.error);
    return disk;
}

/// Where the group of a position begins in the first segment.
std::size_t group_at(memory_files::disk const& disk, position p)
{
    auto const& b = disk.files.at(first)->content;
    for (std::size_t at = wal_format::page_bytes;; at += 8) {
        auto const h = wal_format::decode_frame(&b.at(at));
        if (h && h->type == wal_format::frame_type::record && h->at == p)
            return at;
    }
}

recovery_report report_of(memory_files::disk const& disk, recovery_mode mode)
{
    test_log log{memory_files(disk.clone())};
    auto const report = log.open(mode);
    CHECK(report.mode == mode);
    if (!log.error) { // What it says can be read can be read, and nothing else.
        error_code ec;
        std::uint64_t found = 0;
        for (auto const& [p, text] : log.read(ec)) {
            CHECK(report.recovered.contains(p));
            for (auto const& r : report.lost)
                CHECK(!r.contains(p));
            ++found;
        }
        CHECK(!ec);
        std::uint64_t lost_inside = 0;
        for (auto const& r : report.lost)
            lost_inside += report.recovered.contains(r.first) ? r.count() : 0;
        CHECK(found + lost_inside == report.recovered.count());
    }
    return report;
}

} // namespace

TEST_CASE("recovery: what was appended is read, closed or not", "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    std::vector<test_log::record> expected;
    for (int round = 0; round != 6; ++round) {
        test_log log{memory_files(disk)};
        auto const report = log.open();
        INFO("round " << round << ": " << report);
        REQUIRE(!log.error);
        CHECK(report.outcome == (round == 0   ? recovery_outcome::created
                                 : round == 3 ? recovery_outcome::clean
                                              : recovery_outcome::recovered));
        error_code ec;
        CHECK(log.read(ec) == expected);
        CHECK(!ec);
        for (int i = 0; i != 40; ++i) {
            std::string const r(static_cast<std::size_t>(i * 7 % 90), static_cast<char>('a' + i));
            expected.emplace_back(log.next(), r);
            log.append({r}, i % 3 == 0);
        }
        CHECK(log.read(ec) == expected);
        if (round == 2)
            log.close();
    }
}

TEST_CASE("recovery: before a damaged segment is cut it is copied aside, whatever the mode gives up",
          "[wal][core]")
{
    auto const mode = GENERATE(recovery_mode::point_in_time, recovery_mode::salvage);
    bool const in_head = GENERATE(true, false);
    auto disk = std::make_shared<memory_files::disk>();
    {
        test_log log{memory_files(disk)};
        log.open();
        for (int i = 0; i != (in_head ? 10 : 100); ++i)
            log.append({std::string(300, 'x')});
        log.idle_seal();
    }
    auto const name = "log/" + wal_format::segment_name(1);
    auto& bytes = disk->files.at(name)->content;
    bytes[5000] ^= std::byte{1};
    auto const damaged = bytes;
    auto const files_before = disk->files.size();
    {
        test_log log{memory_files(disk)};
        CHECK(log.open(recovery_mode::strict).outcome == recovery_outcome::refused);
        CHECK(disk->files.size() == files_before);
    }
    test_log log{memory_files(disk)};
    auto const report = log.open(mode);
    INFO(report);
    REQUIRE(!log.error);
    CHECK(report.outcome == recovery_outcome::damaged);
    REQUIRE(!report.set_aside.empty());
    CHECK(report.set_aside.front() == wal_format::segment_name(1) + ".broken");
    CHECK(disk->files.at(name + ".broken")->content == damaged);
    // Trimmed with the log, the copy stays.
    for (int i = 0; i != 100; ++i)
        log.append({std::string(300, 'y')});
    log.trim(log.next() - 5);
    CHECK(!disk->files.contains(name));
    CHECK(disk->files.at(name + ".broken")->content == damaged);
}

TEST_CASE("scenario I6: what a report counts after a cut inside the last group", "[wal][core]")
{
    auto const disk = log_of(5, false);
    auto& bytes = disk->files.at(first)->content;
    auto const begin = group_at(*disk, 5);
    auto const zero_from = [&](std::size_t n) {
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin + n), bytes.end(), std::byte{});
    };
    // Zeros that were preallocated are not counted, but for those inside a frame whose header is there.
    struct row {
        std::size_t kept, lost;
    };
    for (auto const& r :
         {row{frame + 40, frame + seal}, row{frame, frame}, row{50, frame}, row{16, 16}, row{0, 0}}) {
        zero_from(r.kept);
        for (auto const mode : {recovery_mode::tail, recovery_mode::point_in_time, recovery_mode::salvage}) {
            auto const report = report_of(*disk, mode);
            INFO(r.kept << " bytes of the group are there: " << report);
            CHECK(report.outcome ==
                  (r.kept != 0 ? recovery_outcome::torn_tail : recovery_outcome::recovered));
            CHECK(report.segments == 2); // With the one that was prepared.
            CHECK(report.bytes_lost == r.lost);
            CHECK(report.recovered == position_range{1, 4});
            CHECK(report.lost.empty());
            CHECK(report.positions_lost() == 0);
            CHECK(report.suggestion() == "nothing to do");
        }
        auto const strict = report_of(*disk, recovery_mode::strict);
        INFO(strict);
        if (r.kept == 0)
            continue;
        CHECK(strict.outcome == recovery_outcome::refused);
        CHECK(strict.positions_lost() == 0);
        CHECK(strict.suggestion() == "open in mode tail, which drops what a crash cut short");
    }
}

TEST_CASE("scenario I6: what a report counts after a file was cut inside the last group", "[wal][core]")
{
    auto const disk = log_of(5, false);
    auto& bytes = disk->files.at(first)->content;
    bytes.resize(group_at(*disk, 5) + frame + 8); // The record is whole, and no seal says that it counts.
    for (auto const mode : {recovery_mode::strict, recovery_mode::tail}) {
        auto const report = report_of(*disk, mode);
        INFO(report);
        CHECK(report.outcome == recovery_outcome::refused);
        CHECK(report.segments == 2);
        CHECK(report.bytes_lost == 8);
        CHECK(report.positions_lost() == 0); // Nothing says that it was durable.
        CHECK(report.suggestion() ==
              "restore the log from another copy, or open it in mode point_in_time or salvage");
    }
    auto const report = report_of(*disk, recovery_mode::point_in_time);
    INFO(report);
    CHECK(report.outcome == recovery_outcome::damaged);
    CHECK(report.segments == 2);
    CHECK(report.bytes_lost == frame + 8);
    CHECK(report.recovered == position_range{1, 4});
    CHECK(report.lost == ranges{{5, 5}}); // It may have been acknowledged.
    CHECK(report.positions_lost() == 1);
}

TEST_CASE("scenario I6: what a report counts after damage to a group in the middle", "[wal][core]")
{
    auto const disk = log_of(7, true);
    auto const begin = group_at(*disk, 3);
    disk->files.at(first)->content[begin + 32 + 50] ^= std::byte{1};
    for (auto const mode : {recovery_mode::strict, recovery_mode::tail, recovery_mode::salvage}) {
        auto const report = report_of(*disk, mode);
        INFO(report);
        bool const salvage = mode == recovery_mode::salvage;
        CHECK(report.outcome == (salvage ? recovery_outcome::damaged : recovery_outcome::refused));
        CHECK(report.segments == 2);
        CHECK(report.bytes_lost == frame); // Its seal is intact.
        CHECK(report.recovered == (salvage ? position_range{1, 7} : position_range{1, 2}));
        CHECK(report.lost == ranges{{3, 3}});
        CHECK(report.positions_lost() == 1);
        CHECK(report.offset == begin);
        CHECK(report.durable == 7);
        CHECK(report.suggestion() ==
              (salvage ? "fetch the lost positions from another copy"
                       : "restore the log from another copy, or open it in mode point_in_time or salvage"));
    }
    auto const report = report_of(*disk, recovery_mode::point_in_time);
    INFO(report);
    CHECK(report.bytes_lost == 5 * (frame + seal) + seal); // With the idle log's seal.
    CHECK(report.recovered == position_range{1, 2});
    CHECK(report.lost == ranges{{3, 7}});
    CHECK(report.positions_lost() == 5);
}

TEST_CASE("scenario I6: what a report counts if a segment in the middle is missing", "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    std::vector<chain_segment> chain;
    {
        test_log log{memory_files(disk)};
        log.open();
        while (log.chain.size() != 4)
            log.append({std::string(100, 'x'), "two"});
        log.idle_seal();
        chain = log.chain;
    }
    REQUIRE(disk->files.erase("log/" + wal_format::segment_name(chain[1].header.sequence)) == 1);
    auto const before = chain[0].positions.last, end = chain[3].positions.last;
    auto const gone = chain[2].link.last - before;
    for (auto const mode : {recovery_mode::strict, recovery_mode::tail, recovery_mode::salvage}) {
        auto const report = report_of(*disk, mode);
        INFO(report);
        bool const salvage = mode == recovery_mode::salvage;
        CHECK(report.outcome == (salvage ? recovery_outcome::damaged : recovery_outcome::refused));
        CHECK(report.proof == recovery_proof::lost_file);
        CHECK(report.segments == 4); // Three, and the one that was prepared.
        CHECK(report.bytes_lost == 0); // What is there is intact.
        CHECK(report.recovered == (salvage ? position_range{1, end} : position_range{1, before}));
        CHECK(report.lost == ranges{{before + 1, before + gone}});
        CHECK(report.positions_lost() == gone);
    }
    auto const report = report_of(*disk, recovery_mode::point_in_time);
    INFO(report);
    CHECK(report.bytes_lost ==
          chain[2].used_bytes + chain[3].used_bytes - 2 * wal_format::page_bytes);
    CHECK(report.recovered == position_range{1, before});
    CHECK(report.lost == ranges{{before + 1, end}});
    CHECK(report.positions_lost() == end - before);
}

TEST_CASE("scenario I6: what a report suggests for each outcome", "[wal][core]")
{
    using enum recovery_outcome;
    recovery_report r;
    for (auto const outcome : {created, clean, recovered, torn_tail, refused}) {
        INFO(to_string(outcome));
        r.outcome = outcome; // Refused without a damage: it is locked, say.
        CHECK(r.suggestion() == "nothing to do");
    }
    r.outcome = torn_tail;
    r.reason = wal_damage::payload;
    CHECK(r.suggestion() == "nothing to do");
    r.outcome = refused;
    CHECK(r.suggestion() == "open in mode tail, which drops what a crash cut short");
    CHECK(to_string(r).ends_with(r.suggestion()));
    for (auto const proof : {recovery_proof::later_seal, recovery_proof::short_file,
                             recovery_proof::lost_header, recovery_proof::lost_file}) {
        r.proof = proof;
        CHECK(r.suggestion() ==
              "restore the log from another copy, or open it in mode point_in_time or salvage");
    }
    CHECK(to_string(r).ends_with(r.suggestion()));
    r.outcome = damaged;
    CHECK(r.suggestion() == "fetch the lost positions from another copy");
    CHECK(to_string(r).ends_with(r.suggestion()));
}

TEST_CASE("recovery: another segment's header in place of one copy of a segment's header costs nothing", "[wal][core]")
{
    // A write that went astray: the other copy is intact, and one suffices.
    std::size_t const copy = GENERATE(std::size_t{0}, wal_format::header_copy);
    auto disk = std::make_shared<memory_files::disk>();
    std::size_t segments = 0;
    position last = 0;
    {
        test_log log{memory_files(disk)};
        log.open();
        while (log.chain.size() != 3)
            log.append({std::string(100, 'x')});
        segments = log.chain.size() + 1;
        last = log.next() - 1;
    }
    for (std::size_t n = 1; n <= segments; ++n) {
        auto damaged = disk->clone();
        auto const& from = disk->files.at("log/" + wal_format::segment_name(n % segments + 1))->content;
        auto& to = damaged->files.at("log/" + wal_format::segment_name(n))->content;
        std::copy_n(from.begin(), wal_format::header_bytes, to.begin() + static_cast<std::ptrdiff_t>(copy));
        for (auto const mode : {recovery_mode::strict, recovery_mode::tail, recovery_mode::point_in_time,
                                recovery_mode::salvage}) {
            auto const report = report_of(*damaged, mode);
            INFO("segment " << n << ": " << report);
            CHECK(report.outcome == recovery_outcome::recovered);
            CHECK(report.recovered == position_range{1, last});
        }
    }
}
