// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Reading forward and backward from every position, and what damage does to it.

#include "support/catch.hpp"
#include "support/memory_files.hpp"
#include "wal/plain_log.hpp"
#include <perdure/wal/backward_reader.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace perdure;

namespace {

using test_log = plain_log<memory_files>;
using contents = std::vector<test_log::record>;

contents read_backward(test_log& log, memory_files const& files, position from, error_code& ec,
                       std::size_t most = 1'000'000)
{
    contents out;
    backward_reader reader(log.chain, from, log.front);
    memory_files copy = files;
    detail::directory_source<memory_files> source(copy, std::string("log"));
    while (reader.advance(source, ec))
        if (!reader.visit([&](position p, std::span<std::byte const> b) {
                out.emplace_back(p, std::string(as_text(b)));
                return out.size() != most;
            }))
            break;
    return out;
}

contents fill(test_log& log, std::mt19937& random, int groups)
{
    contents out;
    for (int i = 0; i != groups; ++i) {
        std::vector<std::string> group;
        for (auto n = random() % 5; n != 0; --n) { // Some hold nothing: idle seals.
            auto const size = random() % 20 == 0 ? random() % 30'000 : random() % 300;
            group.emplace_back(size, static_cast<char>('a' + i % 26));
            out.emplace_back(log.next() + group.size() - 1, group.back());
        }
        log.append(group);
    }
    return out;
}

} // namespace

TEST_CASE("reading: backward from every position is forward turned round", "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    memory_files const files(disk);
    std::mt19937 random(11);
    contents all;
    for (int round = 0; round != 4; ++round) {
        test_log log(files);
        log.open();
        if (round == 2)
            log.trim(40);
        if (round == 3) {
            auto const given = log.next();
            log.truncate(given - 20);
            std::erase_if(all, [&](auto const& r) { return r.first > given - 20; });
        }
        for (auto& r : fill(log, random, 60))
            all.push_back(r);
        std::erase_if(all, [&](auto const& r) { return r.first < log.front; });
        error_code ec;
        REQUIRE(log.read(ec) == all);
        auto turned = all;
        std::reverse(turned.begin(), turned.end());
        for (position from = log.front; from <= log.next(); ++from) {
            auto const begin = std::find_if(turned.begin(), turned.end(),
                                            [&](auto const& r) { return r.first <= from; });
            contents const expected(begin, turned.end());
            auto const read = read_backward(log, files, from, ec);
            INFO("round " << round << ", from " << from);
            REQUIRE(!ec);
            CHECK(read == expected);
        }
        CHECK(read_backward(log, files, log.next(), ec, 3) ==
              contents(turned.begin(), turned.begin() + 3));
    }
}

TEST_CASE("reading: backward passes intact records only, and stops at the first damage",
          "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    memory_files const files(disk);
    std::mt19937 random(12);
    test_log log(files);
    log.open();
    auto const all = fill(log, random, 40);
    auto turned = all;
    std::reverse(turned.begin(), turned.end());
    std::size_t met = 0;
    for (auto const& s : log.chain) {
        auto& bytes = disk->files.at("log/" + wal_format::segment_name(s.header.sequence))->content;
        for (std::size_t i = wal_format::page_bytes; i < s.used_bytes; ++i) {
            if (++met % 23 != 0)
                continue;
            bytes[i] ^= std::byte{0x10};
            error_code ec;
            auto const read = read_backward(log, files, log.next(), ec);
            INFO("byte " << i << " of segment " << s.header.sequence);
            CHECK(ec == errc::acknowledged_data_lost);
            CHECK(read.size() <= all.size()); // The oldest segment's link holds no record.
            CHECK(std::equal(read.begin(), read.end(), turned.begin()));
            bytes[i] ^= std::byte{0x10};
        }
    }
    CHECK(met > 20'000);
}
