// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot/support.hpp"
#include "support/catch.hpp"
#include <perdure/snapshot/file.hpp>
#include <perdure/snapshot/lz4.hpp>
#include <perdure/snapshot/zstd.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using perdure::errc;
using perdure::error_code;

std::vector<std::string> words()
{
    std::vector<std::string> v;
    for (int i = 0; i != 60'000; ++i)
        v.push_back("the word with number " + std::to_string(i % 1000));
    return v;
}

std::vector<std::uint64_t> noise()
{
    std::vector<std::uint64_t> v(300'000);
    std::uint64_t x = 1;
    for (auto& n : v)
        n = x = (x * 6364136223846793005u + 1442695040888963407u) ^ (x >> 29);
    return v;
}

} // namespace

TEST_CASE("snapshot compression: LZ4 and Zstandard save space and give the same value back",
          "[snapshot][core]")
{
    temporary_directory const directory;
    error_code ec;
    perdure::save(directory / "plain", words());
    for (auto const& how : {perdure::lz4_compression(), perdure::zstd_compression()}) {
        perdure::snapshot_options const options{.compression = how};
        perdure::save(directory / "s", words(), options);
        CHECK(std::filesystem::file_size(directory / "s") <
              std::filesystem::file_size(directory / "plain") / 3);
        CHECK(perdure::load<std::vector<std::string>>(directory / "s", options) == words());
        // A reader that cannot decompress says so; one that is given the way can.
        CHECK(perdure::load<std::vector<std::string>>(directory / "s", ec).empty());
        CHECK(ec == errc::unsupported_version);
        CHECK(perdure::load<std::vector<std::string>>(
                  directory / "s",
                  {.decompressors = {perdure::zstd_compression(), perdure::lz4_compression()}}) ==
              words());
        // What does not shrink is stored as it is.
        perdure::save(directory / "s", noise(), options);
        CHECK(perdure::load<std::vector<std::uint64_t>>(directory / "s") == noise());
    }
}

TEST_CASE("snapshot compression: compressed snapshots as released are read, whatever the libraries write today",
          "[snapshot][format]")
{
    perdure::snapshot_options const options{
        .decompressors = {perdure::zstd_compression(), perdure::lz4_compression()}};
    for (auto const& [name, how] : {std::pair("lz4-1.0.snap", perdure::lz4_compression()),
                                    std::pair("zstd-1.0.snap", perdure::zstd_compression())}) {
        auto const path = std::string(PERDURE_TEST_DATA) + "/snapshot/" + name;
        // Makes missing files; never change one.
        if (std::getenv("PERDURE_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path))
            perdure::save(path, words(), {.compression = how});
        CHECK(perdure::load<std::vector<std::string>>(path, options) == words());
    }
}

TEST_CASE("snapshot compression: damaged stored bytes are refused, also with a matching checksum",
          "[snapshot][core]")
{
    std::vector<std::byte> raw(5000);
    for (std::size_t i = 0; i != raw.size(); ++i)
        raw[i] = static_cast<std::byte>(i / 100);
    for (auto const& how : {perdure::lz4_compression(), perdure::zstd_compression()}) {
        std::vector<std::byte> stored(4000);
        stored.resize(how.compress(raw, stored, how.level));
        REQUIRE(!stored.empty());
        std::vector<std::byte> out(raw.size());
        CHECK(how.decompress(stored, out));
        CHECK(out == raw);
        // Cut anywhere, or any byte changed: false, or bytes that the content's hash then refuses.
        for (std::size_t n = 0; n < stored.size(); ++n) {
            CHECK(!how.decompress(std::span(stored).first(n), out));
            auto changed = stored;
            changed[n] ^= std::byte{0x55};
            if (how.decompress(changed, out))
                CHECK(out != raw);
        }
        std::vector<std::byte> shorter(raw.size() - 1);
        CHECK(!how.decompress(stored, shorter));
        CHECK(how.compress(raw, std::span(stored).first(3), how.level) == 0);
    }
}
