// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Compressed and encrypted logs: what is read is what was appended, and no damage is believed.

#include "wal/damage_search.hpp"
#include <perdure/wal/aes_gcm.hpp>
#include <perdure/wal/lz4.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <tuple>

using namespace perdure;

namespace {

using test_log = plain_log<memory_files>;

aes_gcm_encryption::key make_key(int seed)
{
    aes_gcm_encryption::key k;
    std::mt19937 random(static_cast<unsigned>(seed));
    for (auto& b : k)
        b = static_cast<std::byte>(random());
    return k;
}

wal_options with(bool compressed, std::shared_ptr<log_encryption const> encryption)
{
    auto o = test_log::defaults();
    if (compressed)
        o.packing.compression = lz4_groups(64);
    o.packing.encryption = std::move(encryption);
    return o;
}

std::shared_ptr<aes_gcm_encryption> keys(std::uint32_t id = 1, int seed = 1)
{
    return std::make_shared<aes_gcm_encryption>(id, make_key(seed));
}

// Compressible and not, empty and long.
std::string text(std::mt19937& random)
{
    switch (random() % 4) {
    case 0:
        return {};
    case 1: {
        std::string s(random() % 300, ' ');
        for (char& c : s)
            c = static_cast<char>(random());
        return s;
    }
    default:
        return std::string(random() % 200, static_cast<char>('a' + random() % 26));
    }
}

std::vector<test_log::record> append_some(test_log& log, std::mt19937& random, int groups)
{
    std::vector<test_log::record> out;
    for (int i = 0; i != groups; ++i) {
        std::vector<std::string> group;
        for (auto n = random() % 5 + 1; n != 0; --n) {
            out.emplace_back(log.next() + group.size(), text(random));
            group.push_back(out.back().second);
        }
        log.append(group);
    }
    return out;
}

std::string hex(std::span<std::byte const> bytes)
{
    std::string out;
    for (auto const b : bytes) {
        out += "0123456789abcdef"[static_cast<unsigned>(b) >> 4];
        out += "0123456789abcdef"[static_cast<unsigned>(b) & 15];
    }
    return out;
}

std::string bytes_of(memory_files::disk const& disk)
{
    std::string all;
    for (auto const& [name, n] : disk.files)
        all += as_text(n->content);
    return all;
}

} // namespace

TEST_CASE("packing: what was appended is read, in any mixture of options", "[wal][core]")
{
    auto const seed = Catch::rngSeed();
    INFO("seed " << seed << ": run with --rng-seed " << seed);
    std::mt19937 random(static_cast<unsigned>(seed));
    auto disk = std::make_shared<memory_files::disk>();
    auto const secret = keys();
    std::vector<test_log::record> expected;
    for (int round = 0; round != 12; ++round) {
        // Reading needs both; what is written changes from round to round.
        auto options = with(true, secret);
        if (round % 3 == 0)
            options.packing.compression->bytes_min = 1 << 20; // Never compresses.
        if (round % 4 == 3)
            options.checksum = wal_format::checksum_kind::xxh3;
        test_log log(memory_files(disk), options);
        auto const report = log.open();
        INFO("round " << round << ": " << report);
        REQUIRE(!log.error);
        error_code ec;
        CHECK(log.read(ec) == expected);
        for (auto& r : append_some(log, random, 20))
            expected.push_back(r);
        CHECK(log.read(ec) == expected);
        REQUIRE(!ec);
        if (round % 2)
            log.close();
    }
}

TEST_CASE("packing: compression saves space, and only where it does is it used", "[wal][core]")
{
    std::size_t used[2];
    for (bool const compressed : {false, true}) {
        auto disk = std::make_shared<memory_files::disk>();
        test_log log(memory_files(disk), with(compressed, nullptr));
        log.open();
        for (int i = 0; i != 20; ++i)
            log.append({std::string(1000, 'x'), std::string(1000, 'y'), std::string(1000, 'z')});
        used[compressed] = 0;
        for (auto const& s : log.chain)
            used[compressed] += s.used_bytes;
        error_code ec;
        CHECK(log.read(ec).size() == 60);
    }
    CHECK(used[1] * 4 < used[0]);

    // Noise stays a plain group, which anybody reads.
    auto disk = std::make_shared<memory_files::disk>();
    std::mt19937 random(1);
    std::string noise(3000, ' ');
    for (char& c : noise)
        c = static_cast<char>(random());
    {
        test_log log(memory_files(disk), with(true, nullptr));
        log.open();
        log.append({noise});
    }
    CHECK(bytes_of(*disk).find(noise) != std::string::npos);
}

TEST_CASE("packing: without the codec a compressed log is refused and unchanged", "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    {
        test_log log(memory_files(disk), with(true, nullptr));
        log.open();
        log.append({std::string(1000, 'x')});
    }
    auto const before = bytes_of(*disk);
    auto const mode = GENERATE(recovery_mode::strict, recovery_mode::tail,
                               recovery_mode::point_in_time, recovery_mode::salvage);
    test_log log(memory_files(disk), with(false, nullptr));
    auto const report = log.open(mode);
    CHECK(log.error == errc::codec_missing);
    CHECK(report.outcome == recovery_outcome::refused);
    CHECK(!report.segment.empty());
    CHECK(bytes_of(*disk) == before);
}

TEST_CASE("packing: an encrypted log shows nothing of its records", "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    test_log log(memory_files(disk), with(GENERATE(true, false), keys()));
    log.open();
    log.append({"the password is swordfish", std::string(500, 'q')});
    auto const all = bytes_of(*disk);
    CHECK(all.find("swordfish") == std::string::npos);
    CHECK(all.find("qqqq") == std::string::npos);
    error_code ec;
    CHECK(log.read(ec).at(0).second == "the password is swordfish");
}

TEST_CASE("packing: a wrong key is refused in every mode, and changes nothing", "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    bool const closed = GENERATE(true, false);
    {
        test_log log(memory_files(disk), with(false, keys(1, 1)));
        log.open();
        log.append({"secret"});
        if (closed)
            log.close();
    }
    auto const before = bytes_of(*disk);
    for (auto const mode : {recovery_mode::strict, recovery_mode::tail,
                            recovery_mode::point_in_time, recovery_mode::salvage})
        for (auto const& wrong :
             {keys(1, 2), keys(2, 1), std::shared_ptr<aes_gcm_encryption>()}) {
            test_log log(memory_files(disk), with(false, wrong));
            auto const report = log.open(mode);
            CHECK(log.error == errc::wrong_key);
            CHECK(to_string(report).find("wal-00000000000000000001.seg needs key 1: ") !=
                  std::string::npos);
            CHECK(report.outcome == recovery_outcome::refused);
            CHECK(bytes_of(*disk) == before);
        }
    test_log log(memory_files(disk), with(false, keys(1, 1)));
    log.open();
    error_code ec;
    CHECK(log.read(ec).size() == 1);
}

TEST_CASE("packing: keys are rotated while the log is in use, and old ones are needed as long as "
          "their segments",
          "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    auto const secret = keys(1, 1);
    std::mt19937 random(3);
    std::vector<test_log::record> expected;
    {
        test_log log(memory_files(disk), with(true, secret));
        log.open();
        for (int id = 1; id <= 3; ++id) {
            if (id > 1)
                secret->rotate(static_cast<std::uint32_t>(id), make_key(id));
            for (auto& r : append_some(log, random, 40))
                expected.push_back(r);
        }
        REQUIRE(log.chain.size() > 4);
        std::set<std::uint32_t> used;
        for (auto const& s : log.chain)
            used.insert(s.header.key_id);
        CHECK(used == std::set<std::uint32_t>{1, 2, 3});
    }
    {
        auto const newest = keys(3, 3);
        test_log log(memory_files(disk), with(true, newest));
        log.open();
        CHECK(log.error == errc::wrong_key);
    }
    auto const all = keys(3, 3);
    all->add(2, make_key(2));
    all->add(1, make_key(1));
    {
        test_log log(memory_files(disk), with(true, all));
        log.open();
        REQUIRE(!log.error);
        error_code ec;
        CHECK(log.read(ec) == expected);
        // Once the oldest segments are trimmed, the first key may go.
        auto const third = std::find_if(log.chain.begin(), log.chain.end(),
                                        [](auto const& s) { return s.header.key_id == 3; });
        log.trim(third->link.last + 1);
    }
    test_log later(memory_files(disk), with(true, keys(3, 3)));
    later.open();
    CHECK(!later.error);
}

TEST_CASE("packing: a torn tail of an encrypted log is dropped and the rest is read", "[wal][core]")
{
    auto disk = std::make_shared<memory_files::disk>();
    auto const secret = keys();
    std::vector<test_log::record> expected;
    std::string last;
    std::size_t begin = 0;
    {
        test_log log(memory_files(disk), with(true, secret));
        log.open();
        std::mt19937 random(9);
        expected = append_some(log, random, 3);
        begin = log.chain.back().used_bytes;
        log.append({std::string(300, 'l')}, false);
        last = "log/" + wal_format::segment_name(log.chain.back().header.sequence);
    }
    auto const& whole = disk->files.at(last)->content;
    std::size_t end = whole.size();
    while (whole[end - 1] == std::byte{})
        --end;
    REQUIRE(begin < end);
    for (std::size_t cut = begin; cut != end; ++cut) {
        auto copy = disk->clone();
        auto& bytes = copy->files.at(last)->content;
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(cut), bytes.end(), std::byte{});
        test_log log(memory_files(copy), with(true, secret));
        auto const report = log.open();
        INFO("cut at " << cut << ": " << report);
        REQUIRE(!log.error);
        CHECK(report.outcome == (cut == begin ? recovery_outcome::recovered
                                              : recovery_outcome::torn_tail));
        error_code ec;
        CHECK(log.read(ec) == expected);
    }
}

TEST_CASE("packing: a group that was moved or changed with a good checksum is not authentic",
          "[wal][core]")
{
    // One who can write the file, and knows the format but not the key.
    wal_format::segment_header h;
    h.log = {1, 2};
    h.sequence = 3;
    h.salt = 0x1122334455667788;
    h.record_bytes_max = 1000;
    h.group_bytes_max = 100'000;
    log_packing packing{lz4_groups(64), keys()};
    REQUIRE(describe_packing(packing, h));
    group_packer packer(packing);
    group_builder group;
    group.begin(h, 10);
    group.add_record(as_bytes("first"));
    group.add_record(as_bytes(std::string_view("second, which is longer")));
    REQUIRE(packer.pack(group, h));
    auto const size = load_little<std::uint32_t>(group.bytes().data());
    std::vector<std::byte> payload(group.bytes().begin() + wal_format::frame_bytes,
                                   group.bytes().begin() + wal_format::frame_bytes + size);
    group_unpacker unpacker(packing);
    REQUIRE(!unpacker.check(h));
    std::vector<std::string> records;
    for_each_unpacked(10, unpacker.unpack(h, payload), [&](position, auto bytes) {
        records.emplace_back(as_text(bytes));
    });
    CHECK(records == std::vector<std::string>{"first", "second, which is longer"});

    for (std::size_t i = 0; i != payload.size(); ++i)
        for (unsigned flip = 1; flip != 256; flip <<= 1) {
            auto changed = payload;
            changed[i] ^= static_cast<std::byte>(flip);
            INFO("byte " << i << " by " << flip);
            CHECK(unpacker.unpack(h, changed).empty());
        }
    for (std::size_t n = 0; n != payload.size(); ++n)
        CHECK(unpacker.unpack(h, std::span(payload).first(n)).empty());
    auto other = h;
    ++other.sequence;
    CHECK(unpacker.unpack(other, payload).empty());
    other = h;
    ++other.salt;
    CHECK(unpacker.unpack(other, payload).empty());
    other = h;
    ++other.log.low;
    CHECK(unpacker.unpack(other, payload).empty());
    CHECK(!unpacker.unpack(h, payload).empty());
}

TEST_CASE("packing: an encrypted group is, byte for byte, what the document says", "[wal][core][format]")
{
    // The answers are from another implementation: Python's hmac, and AESGCM of its cryptography package.
    aes_gcm_encryption::key key;
    for (std::size_t i = 0; i != key.size(); ++i)
        key[i] = static_cast<std::byte>(i);
    wal_format::segment_header h;
    h.log = {1, 2};
    h.sequence = 3;
    h.salt = 0x1122334455667788;
    h.record_bytes_max = 1000;
    h.group_bytes_max = 100'000;
    log_packing const packing{std::nullopt, std::make_shared<aes_gcm_encryption>(9, key)};
    REQUIRE(describe_packing(packing, h));
    CHECK(hex(h.key_check) == "11fbd6718b717c6d4b5d0e69048605f3");
    group_packer packer(packing);
    group_builder group;
    group.begin(h, 10);
    group.add_record(as_bytes("first"));
    group.add_record(as_bytes("second"));
    REQUIRE(packer.pack(group, h));
    CHECK(hex(group.bytes().subspan(wal_format::frame_bytes)) ==
          "0a0000000000000002000000200000000001000000000000"
          "0100000000000000f1cad164505d5dfe099fc51046e5aa3c"
          "a4b7f6ec6dcbd3c262e82ae08178b6ece92259cd643854c5"
          "81c932b6d89503ec");
}

TEST_CASE("packing: hostile bytes are refused, and allocate no more than they can fill",
          "[wal][core]")
{
    wal_format::segment_header h;
    h.sequence = 1;
    h.compression = wal_format::compression_kind::lz4;
    h.record_bytes_max = h.group_bytes_max = wal_format::record_bytes_limit;
    group_unpacker unpacker({lz4_groups(64), nullptr});
    auto const seed = Catch::rngSeed();
    INFO("seed " << seed << ": run with --rng-seed " << seed);
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int i = 0; i != 20'000; ++i) {
        std::vector<std::byte> payload(wal_format::packed_header_bytes + random() % 100);
        for (auto& b : payload)
            b = static_cast<std::byte>(random());
        wal_format::packed_header p;
        p.records = random() % 4 + 1;
        p.raw_bytes = static_cast<std::uint32_t>(random() % 3 ? random() % 200 : random());
        p.compression = static_cast<wal_format::compression_kind>(random() % 2);
        encode(p, std::span<std::byte, 32>(payload.data(), 32));
        unpacker.forget();
        // Whatever comes out fits: for_each_unpacked stays inside.
        for_each_unpacked(1, unpacker.unpack(h, payload), [](position, auto) {});
    }
    // Half a gigabyte from forty bytes.
    std::vector<std::byte> payload(wal_format::packed_header_bytes + 8);
    wal_format::packed_header p;
    p.records = 1;
    p.raw_bytes = 1u << 29;
    p.compression = wal_format::compression_kind::lz4;
    encode(p, std::span<std::byte, 32>(payload.data(), 32));
    CHECK(unpacker.unpack(h, payload).empty());
}

TEST_CASE("packing: no nonce is used twice under one key, over crashes, failures and openings",
          "[wal][core]")
{
    // Every version of every byte that ever reached the disk counts, also what was overwritten.
    using use = std::tuple<std::uint64_t, std::uint64_t, std::uint32_t,
                           std::array<std::byte, wal_format::nonce_bytes>>;
    std::map<use, std::string> uses;
    auto const secret = keys();
    auto look = [&](memory_files::disk const& disk) {
        for (auto const& [name, node] : disk.files) {
            auto const& bytes = node->content;
            bool damaged = false;
            error_code ec;
            if (bytes.size() < wal_format::page_bytes)
                continue;
            auto const h = wal_format::decode_header(bytes, damaged, ec);
            if (ec)
                continue;
            for (std::size_t at = wal_format::page_bytes;
                 at + wal_format::frame_bytes <= bytes.size(); at += 8) {
                auto const f = wal_format::decode_frame(&bytes[at]);
                if (!f || f->type != wal_format::frame_type::packed || f->epoch != h.epoch())
                    continue;
                auto const payload =
                    std::span(bytes).subspan(at + wal_format::frame_bytes, f->size);
                auto const p = wal_format::decode_packed(payload);
                std::string const stored(as_text(payload));
                auto const [i, is_new] =
                    uses.try_emplace({h.sequence, h.salt, h.key_id, p->nonce}, stored);
                if (!is_new)
                    CHECK(i->second == stored);
            }
        }
    };
    auto const seed = Catch::rngSeed();
    INFO("seed " << seed << ": run with --rng-seed " << seed);
    std::mt19937 random(static_cast<unsigned>(seed));
    auto disk = std::make_shared<memory_files::disk>();
    for (std::uint64_t round = 1; round != 60; ++round) {
        auto options = with(true, secret);
        if (round % 2 == 0)
            options.packing.compression->bytes_min = 1 << 20; // Never compresses.
        test_log log(memory_files(disk), options);
        auto const report = log.open(recovery_mode::tail, (seed + 1) * 1000 + round);
        INFO("round " << round << ": " << report);
        REQUIRE(!log.error);
        look(*disk);
        bool appended = false; // The last thing written; nothing behind it says that it was durable.
        for (auto n = random() % 12; n != 0; --n) {
            appended = random() % 4 != 0;
            if (!appended) {
                // It could not be written: the next group comes to the same place, as after no_space.
                auto const chain = log.chain;
                log.append({text(random)}, false);
                look(*disk);
                if (log.chain.size() == chain.size())
                    log.take_back(chain);
                continue;
            }
            append_some(log, random, 1);
            look(*disk);
        }
        // Closed, or it dies here, or dies with a torn tail.
        auto const end = random() % 3;
        if (end == 0)
            log.close();
        if (end == 1 && appended)
            for (auto& [name, node] : disk->files)
                if (name == "log/" + wal_format::segment_name(log.chain.back().header.sequence))
                    for (auto i = log.chain.back().used_bytes - 40; i < node->content.size() &&
                                                                    i < log.chain.back().used_bytes;
                         ++i)
                        node->content[i] = std::byte{};
        if (random() % 5 == 0)
            secret->rotate(static_cast<std::uint32_t>(round + 1), make_key(static_cast<int>(round)));
    }
    CHECK(uses.size() > 200);
}

TEST_CASE("packing: no damage of a packed log is believed", "[wal][core]")
{
    struct variant {
        char const* name;
        wal_options options;
    };
    auto xxh3 = with(false, nullptr);
    xxh3.checksum = wal_format::checksum_kind::xxh3;
    variant const variants[] = {{"lz4", with(true, nullptr)},
                                {"aes", with(false, keys())},
                                {"lz4 and aes", with(true, keys())},
                                {"xxh3", xxh3}};
    std::size_t const thorough = std::getenv("PERDURE_THOROUGH") ? 1 : 11;
    for (auto const& v : variants) {
        auto disk = std::make_shared<memory_files::disk>();
        test_log log(memory_files(disk), v.options);
        log.open();
        std::mt19937 random(4);
        append_some(log, random, 60);
        log.idle_seal();
        damage_search search(disk, log, v.options);
        std::size_t met = 0;
        for (auto const& name : search.segments()) {
            auto const& content = search.content(name);
            std::size_t used = content.size();
            while (used != 0 && content[used - 1] == std::byte{})
                --used;
            for (std::size_t i = 0; i < used + 16 && i < content.size(); ++i) {
                if (i >= 256 && i < 4096)
                    continue;
                if (++met % thorough != 0)
                    continue;
                auto changed = content;
                changed[i] ^= static_cast<std::byte>(met % 3 == 0   ? 0x01
                                                     : met % 3 == 1 ? 0x80
                                                                    : 0xff);
                search.with(name, changed, {{name, i, i + 1}},
                            std::string(v.name) + ": flip of " + name + " at " + std::to_string(i));
                auto cut = content;
                cut.resize(i);
                search.with(name, cut, {{name, i, content.size()}},
                            std::string(v.name) + ": cut of " + name + " at " + std::to_string(i));
            }
            for (std::size_t i = 0; i < used; i += 512) {
                auto zeroed = content;
                auto const end = std::min(i + 512, content.size());
                std::fill(zeroed.begin() + static_cast<std::ptrdiff_t>(i),
                          zeroed.begin() + static_cast<std::ptrdiff_t>(end), std::byte{});
                search.with(name, zeroed, {{name, i, end}},
                            std::string(v.name) + ": zeros in " + name + " at " +
                                std::to_string(i));
            }
            search.without(name);
        }
        CHECK(search.violations() == 0);
        for (auto const& [mode, tally] : search.tallies())
            std::cout << v.name << ", " << to_string(mode) << ": " << tally << '\n';
    }
}
