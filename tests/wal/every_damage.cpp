// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Every truncation, every changed byte, every zeroed sector and page, every swapped and doubled
// page of a log of 200 records in several segments, in four modes.
//
// Of the three further shapes of log (busy, closed, reopened after a trim) a sample of the offsets,
// unless the environment variable PERDURE_THOROUGH is set: then all, and every pair of sectors and every byte that is
// not in use, which takes minutes.

#include "support/sanitized.hpp"
#include "wal/damage_search.hpp"
#include <perdure/wal/recovery.hpp>

#include <cstdlib>
#include <iostream>
#include <random>

using namespace perdure;

namespace {

using log_type = damage_search::log_type;

// All offsets and pairs, also of bytes that mean nothing.
bool thorough()
{
    return std::getenv("PERDURE_THOROUGH") != nullptr;
}

enum class shape { idle, busy, closed, reopened };

/// A log of 200 records of mixed sizes in groups of one to four, its oldest segments trimmed.
std::unique_ptr<damage_search> make_log(shape s)
{
    auto disk = std::make_shared<memory_files::disk>();
    std::mt19937 random(5);
    auto log = std::make_unique<log_type>(memory_files(disk));
    REQUIRE(log->open().outcome == recovery_outcome::created);
    for (int i = 0; i < 200;) {
        std::vector<std::string> group;
        for (auto n = random() % 4 + 1; n != 0 && i < 200; --n, ++i) {
            auto const size = random() % 10 == 0 ? random() % 500 : random() % 60;
            group.emplace_back(size, static_cast<char>('A' + i % 50));
        }
        log->append(group);
        if (i / 100 == 1 && s == shape::reopened && log->chain.size() > 1 && log->front == 1) {
            log->trim(20);
            log.reset();
            log = std::make_unique<log_type>(memory_files(disk));
            log->open();
        }
    }
    if (s == shape::idle || s == shape::reopened)
        log->idle_seal();
    if (s == shape::closed)
        log->close();
    auto search = std::make_unique<damage_search>(disk, *log);
    return search;
}

std::string at(std::string const& what, std::string const& name, std::size_t offset)
{
    return what + " of " + name + " at " + std::to_string(offset);
}

/// `least`: openings in each mode. `due`: whether some had to succeed.
void finish(damage_search const& search, char const* what, std::uint64_t least, bool due)
{
    CHECK(search.violations() == 0);
    CHECK(search.tallies().size() == 4);
    for (auto const& [mode, tally] : search.tallies()) {
        INFO(what << ", " << to_string(mode) << ": " << tally);
        std::cout << what << ", " << to_string(mode) << ": " << tally << '\n';
        CHECK(tally.opened >= least);
        if (tally.opened < 5) // The few that a sanitizer leaves may all be alike.
            continue;
        CHECK(tally.intact > 0);
        if (mode != recovery_mode::strict) // Of whole pages none is left that strict mode may not refuse.
            CHECK((tally.due > 0) == due);
        if (mode == recovery_mode::strict || mode == recovery_mode::tail)
            CHECK(tally.refused + tally.late > 0);
        else
            CHECK(tally.lossy > 0);
    }
}

// All of a small file; of the unused rest of a segment a sample.
template <class F>
void for_each_offset(shape s, memory_files::bytes const& content, F f)
{
    // Under a sanitizer a sample suffices: it looks at the code, not at the damage.
    std::size_t const step = thorough() ? 1
                             : sanitized                     ? 37
                             : s == shape::idle              ? 1
                                                             : 13;
    std::size_t met = 0;
    std::size_t used = content.size();
    while (used != 0 && content[used - 1] == std::byte{})
        --used;
    for (std::size_t i = 0; i < content.size(); ++i) {
        bool const in_header = i < 256 || (i >= 2048 && i < 2304);
        bool const in_groups = i >= 4096 && i < used + 16;
        if ((in_header || in_groups || i % (thorough() ? 1 : 97) == 0) && ++met % step == 0)
            f(i);
    }
}

} // namespace

TEST_CASE("scenario I1, I2, I3, I4, I5, I6: every truncation", "[wal][core]")
{
    auto const s = GENERATE(shape::idle, shape::busy, shape::closed, shape::reopened);
    auto const search = make_log(s);
    for (auto const& name : search->segments())
        for_each_offset(s, search->content(name), [&](std::size_t n) {
            auto bytes = search->content(name);
            auto const size = bytes.size();
            bytes.resize(n);
            search->with(name, bytes, {{name, n, size}}, at("truncation", name, n));
        });
    finish(*search, "truncations", 700, false);
}

TEST_CASE("scenario I1, I2, I3, I4, I5, I6: every changed byte", "[wal][core]")
{
    auto const s = GENERATE(shape::idle, shape::busy, shape::closed, shape::reopened);
    auto const search = make_log(s);
    for (auto const& name : search->segments())
        for_each_offset(s, search->content(name), [&](std::size_t i) {
            for (unsigned flip : {0x01u, 0x80u, 0xffu}) {
                auto bytes = search->content(name);
                bytes[i] ^= static_cast<std::byte>(flip);
                search->with(name, bytes, {{name, i, i + 1}},
                             at("flip by " + std::to_string(flip), name, i));
            }
        });
    finish(*search, "changed bytes", 2000, true);
}

TEST_CASE("scenario I1, I2, I3, I4, I5, I6: every zeroed sector and page", "[wal][core]")
{
    auto const s = GENERATE(shape::idle, shape::busy, shape::closed, shape::reopened);
    std::size_t const unit = GENERATE(std::size_t{64}, std::size_t{512}, std::size_t{4096});
    auto const search = make_log(s);
    for (auto const& name : search->segments())
        for (std::size_t begin = 0; begin < search->content(name).size(); begin += unit) {
            auto bytes = search->content(name);
            auto const end = std::min(begin + unit, bytes.size());
            std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                      bytes.begin() + static_cast<std::ptrdiff_t>(end), std::byte{});
            search->with(name, bytes, {{name, begin, end}}, at("zeros", name, begin));
        }
    finish(*search, "zeroed blocks", 50'000 / unit, true);
}

TEST_CASE("scenario I1, I2, I3, I4, I5, I6: every two swapped and every doubled page", "[wal][core]")
{
    auto const s = GENERATE(shape::idle, shape::busy, shape::closed, shape::reopened);
    std::size_t const unit = GENERATE(std::size_t{512}, std::size_t{4096});
    auto const search = make_log(s);
    auto const names = search->segments();
    struct page {
        std::string file;
        std::size_t begin;
    };
    std::vector<page> pages;
    for (auto const& name : names)
        for (std::size_t i = 0; i + unit <= search->content(name).size(); i += unit)
            pages.push_back({name, i});
    auto copy = [&](page const& from, page const& to, memory_files::bytes& into) {
        std::copy_n(search->content(from.file).begin() + static_cast<std::ptrdiff_t>(from.begin),
                    unit, into.begin() + static_cast<std::ptrdiff_t>(to.begin));
    };
    std::size_t done = 0;
    for (auto const& a : pages)
        for (auto const& b : pages) {
            if (a.file == b.file && a.begin == b.begin)
                continue;
            if (++done % (thorough() ? 1 : sanitized ? 61 : unit == 512 ? 7 : 1) != 0)
                continue; // A sample of the many pairs.
            auto doubled = search->content(b.file);
            copy(a, b, doubled);
            search->with(b.file, doubled, {{b.file, b.begin, b.begin + unit}},
                         at("page of " + a.file + " over that", b.file, b.begin));
            if (a.file == b.file && a.begin < b.begin) {
                copy(b, a, doubled);
                search->with(a.file, doubled,
                             {{a.file, a.begin, a.begin + unit}, {b.file, b.begin, b.begin + unit}},
                             at("swap with page " + std::to_string(a.begin), b.file, b.begin));
            }
        }
    finish(*search, "swapped and doubled pages", sanitized ? 1 : 90, true);
}

TEST_CASE("scenario I1, I2, I3, I4, I5, I6: every missing file", "[wal][core]")
{
    auto const s = GENERATE(shape::idle, shape::busy, shape::closed, shape::reopened);
    auto const search = make_log(s);
    for (auto const& name : search->segments())
        search->without(name);
    finish(*search, "missing files", 5, true);
}
