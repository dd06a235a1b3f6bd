// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Writes the first inputs of a corpus: <program> <directory of corpora>

#include "snapshot/golden.hpp"
#include "support/memory_files.hpp"
#include "wal/plain_log.hpp"
#include <perdure/placement/placement_codec.hpp>
#include <perdure/placement/placement_map.hpp>
#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/format.hpp>

#include <boost/serialization/map.hpp>
#include <boost/serialization/vector.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

using namespace perdure;

namespace {

std::filesystem::path root;

void write(std::string const& fuzzer, std::string const& name, std::vector<std::byte> const& bytes)
{
    std::filesystem::create_directories(root / fuzzer);
    std::ofstream(root / fuzzer / name, std::ios::binary)
        .write(reinterpret_cast<char const*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

// A segment without the rest of its header page and its unused end.
std::vector<std::byte> shortened(std::vector<std::byte> const& file)
{
    std::vector<std::byte> out(file.begin(), file.begin() + wal_format::header_bytes);
    auto used = file.size();
    while (used != 0 && file[used - 1] == std::byte{})
        --used;
    out.insert(out.end(), file.begin() + wal_format::page_bytes,
               file.begin() + static_cast<std::ptrdiff_t>(
                                  std::min(file.size(), std::max(used, wal_format::page_bytes) + 16)));
    return out;
}

void wal_seeds()
{
    for (int kind = 0; kind != 6; ++kind) {
        auto const disk = std::make_shared<memory_files::disk>();
        auto options = plain_log<memory_files>::defaults();
        options.segment_bytes = 8192;
        if (kind & 1)
            options.checksum = wal_format::checksum_kind::xxh3;
        {
            plain_log<memory_files> log(memory_files(disk), options);
            log.open();
            for (int i = 0; i != (kind < 2 ? 3 : 12); ++i)
                log.append({"record " + std::to_string(i), std::string(i * 40, 'x')});
            if (kind == 3)
                log.idle_seal();
            if (kind == 4)
                log.close();
        }
        if (kind == 5) { // Damage, given up: with a gap.
            disk->files.begin()->second->content[4300] ^= std::byte{1};
            plain_log<memory_files> log(memory_files(disk), options);
            log.open(recovery_mode::salvage, 9);
            log.append({"later"});
        }
        std::vector<std::vector<std::byte>> segments;
        for (auto const& [name, n] : disk->files)
            if (name.ends_with(".seg"))
                segments.push_back(shortened(n->content));
        for (unsigned choices : {0u, 3u, 7u}) {
            for (std::size_t i = 0; i != segments.size(); ++i) {
                std::vector<std::byte> frame{static_cast<std::byte>(choices)};
                frame.insert(frame.end(), segments[i].begin(), segments[i].end());
                write("wal_frame",
                      "seed-" + std::to_string(kind) + std::to_string(choices) + std::to_string(i),
                      frame);
            }
            for (unsigned mode = 0; mode != 4; ++mode) {
                std::vector<std::byte> whole{static_cast<std::byte>(choices | 4 | mode << 3)};
                for (std::size_t i = 0; i != 2; ++i) {
                    auto const n = i < segments.size() ? segments[i].size() : 0;
                    whole.push_back(static_cast<std::byte>(n));
                    whole.push_back(static_cast<std::byte>(n >> 8));
                }
                for (auto const& s : segments)
                    whole.insert(whole.end(), s.begin(), s.end());
                write("wal_segment",
                      "seed-" + std::to_string(kind) + std::to_string(choices) +
                          std::to_string(mode),
                      whole);
            }
        }
    }
}

template <class T>
std::vector<std::byte> encoded(T const& value)
{
    memory_sink sink;
    portable_codec{}.encode(value, sink);
    return sink.release();
}

void snapshot_seeds()
{
    std::map<std::string, std::vector<std::uint64_t>> const state{{"a", {1, 2, 3}}, {"b", {}}};
    auto const raw = encoded(state);
    for (unsigned n : {0u, 1u, 2u}) {
        snapshot_header h;
        h.id = 7;
        h.position = 9;
        h.type = "map";
        h.codec = 1;
        h.codec_version = 1;
        auto const header = snapshot_format::encode_header(h);
        std::vector<std::byte> file(header.begin(), header.end());
        std::vector<snapshot_chunk> chunks;
        for (unsigned i = 0; i != n; ++i) {
            auto const part = std::span(raw).subspan(i * raw.size() / n,
                                                     (i + 1) * raw.size() / n - i * raw.size() / n);
            snapshot_chunk c;
            c.offset = file.size();
            c.stored_size = c.raw_size = static_cast<std::uint32_t>(part.size());
            c.stored_crc = crc32c(part);
            c.raw_hash = xxh3_128(part.data(), part.size());
            auto const frame = snapshot_format::encode_frame(c, i, h.id);
            file.insert(file.end(), frame.begin(), frame.end());
            file.insert(file.end(), part.begin(), part.end());
            chunks.push_back(c);
        }
        auto const end = snapshot_format::encode_end(chunks, header, h.id, file.size());
        file.insert(file.end(), end.begin(), end.end());
        for (unsigned choices : {0u, 1u}) {
            auto input = file;
            input.insert(input.begin(), static_cast<std::byte>(choices));
            write("snapshot_file", "seed-" + std::to_string(n) + std::to_string(choices), input);
        }
    }
}

void archive_seeds()
{
    auto put = [](unsigned choices, std::vector<std::byte> bytes) {
        bytes.insert(bytes.begin(), static_cast<std::byte>(choices));
        write("archive", "seed-" + std::to_string(choices), bytes);
    };
    put(0, encoded(golden_types::sample()));
    put(0 | 5 << 3, encoded(golden_types::sample()));
    put(2, encoded(std::map<std::string, std::vector<std::uint64_t>>{{"a", {1}}, {"b", {2, 3}}}));
    auto const p = std::make_shared<golden_types::point>();
    put(3, encoded(std::vector<std::shared_ptr<golden_types::point>>{p, nullptr, p}));
    put(4, encoded(std::vector<bool>{true, false, true}));
    put(6, encoded(std::string("text")));
    put(1, std::vector<std::byte>(16));
    put(5, std::vector<std::byte>(16));
}

void placement_seeds()
{
    for (std::uint32_t kind = 0; kind != 4; ++kind) {
        placement_rules rules;
        rules.copies = 2 + kind % 2;
        rules.at_most_per_zone = kind == 3 ? 0 : 1;
        rules.slots = 4u << kind;
        rules.scatter_width = kind == 2 ? 4 : 0;
        placement_map map(rules);
        for (std::uint32_t n = 0; n != 2 + kind * 2; ++n)
            map.join({.name = "n" + std::to_string(n),
                      .zone = "z" + std::to_string(n % 3),
                      .rack = n % 2 ? "r" : "",
                      .host = n % 4 == 3 ? "h" + std::to_string(n) : "",
                      .weight = 1.0 + n});
        map.set_state("n1", node_state::draining);
        if (kind != 0)
            map.pin(1, {"n0", "n1"});
        auto bytes = encode_placement(map.spec());
        for (unsigned choices : {0u, 1u}) {
            auto input = bytes;
            input.insert(input.begin(), static_cast<std::byte>(choices));
            write("placement", "seed-" + std::to_string(kind) + "-" + std::to_string(choices), input);
        }
    }
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " <directory of corpora>\n";
        return 2;
    }
    root = argv[1];
    wal_seeds();
    snapshot_seeds();
    archive_seeds();
    placement_seeds();
}
