// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Whatever stands in a file, reading it takes no more memory than its bytes explain: a length that is
// not true allocates nothing.

#include "fuzz/mend.hpp"
#include "snapshot/golden.hpp"
#include "support/catch.hpp"
#include "support/memory_files.hpp"
#include "wal/plain_log.hpp"
#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/memory_backend.hpp>
#include <perdure/snapshot/reader.hpp>
#include <perdure/snapshot/writer.hpp>

#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <cstdlib>
#include <malloc.h>
#include <map>
#include <new>
#include <string>
#include <vector>

namespace {

std::size_t live = 0, peak = 0;

void* counted(void* p)
{
    if (p != nullptr) {
        live += malloc_usable_size(p);
        peak = std::max(peak, live);
    }
    return p;
}

void release(void* p) noexcept
{
    if (p != nullptr)
        live -= malloc_usable_size(p);
    std::free(p);
}

} // namespace

void* operator new(std::size_t size)
{
    if (void* const p = counted(std::malloc(size)))
        return p;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, std::nothrow_t const&) noexcept
{
    return counted(std::malloc(size));
}
void* operator new(std::size_t size, std::align_val_t alignment)
{
    auto const a = static_cast<std::size_t>(alignment);
    if (void* const p = counted(std::aligned_alloc(a, (size + a - 1) / a * a)))
        return p;
    throw std::bad_alloc();
}
void operator delete(void* p) noexcept
{
    release(p);
}
void operator delete(void* p, std::align_val_t) noexcept
{
    release(p);
}
void operator delete(void* p, std::size_t) noexcept
{
    release(p);
}

namespace {

using namespace perdure;

/// The most bytes that were allocated at once while `f` ran.
template <class F>
std::size_t memory_of(F&& f)
{
    auto const before = peak = live;
    f();
    return peak - before;
}

/** Reads a file, and then with each byte of it damaged: a few values, and eight bytes that are a huge length. No reading
 *  may take more than the intact one, a small multiple of the file, and `fixed`, which no byte of the file decides.
 */
template <class Read>
void check_damaged(std::vector<std::byte> const& intact, std::size_t times, std::size_t fixed,
                   Read read)
{
    auto const allowed = memory_of([&] { read(intact); }) + times * intact.size() + fixed;
    std::vector<std::byte> damaged;
    for (std::size_t at = 0; at != intact.size(); ++at)
        for (unsigned how = 0; how != 5; ++how) {
            damaged = intact;
            if (how < 3)
                damaged[at] ^= std::byte(how == 0 ? 1 : how == 1 ? 0x80 : 0xff);
            else // A length of 2^32 or 2^62 bytes.
                store_little(&damaged[std::min(at, intact.size() - 8)],
                             how == 3 ? std::uint64_t{1} << 32 : std::uint64_t{1} << 62);
            auto const taken = memory_of([&] { read(damaged); });
            INFO("byte " << at << " damaged in way " << how << ": " << taken
                         << " bytes for a file of " << intact.size());
            if (taken > allowed)
                CHECK(taken <= allowed);
        }
}

template <class T>
std::vector<std::byte> encoded(T const& value)
{
    memory_sink sink;
    portable_codec{}.encode(value, sink);
    return sink.release();
}

template <class T>
void check_archive(T const& value, std::size_t times)
{
    check_damaged(encoded(value), times, 4096, [](std::vector<std::byte> const& bytes) {
        T loaded{};
        try {
            memory_source source(bytes);
            portable_codec{}.decode(source, loaded);
        } catch (std::exception const&) {
        }
    });
}

} // namespace

TEST_CASE("archive: a damaged archive takes no more memory than its bytes explain",
          "[snapshot][core][format]")
{
    // Numbers and text take what they are; a container may take a node for each byte.
    check_archive(std::vector<std::uint64_t>(100, 7), 1);
    check_archive(std::string(500, 'x'), 1);
    check_archive(std::vector<std::string>{"a", std::string(100, 'b'), "", "c"}, 64);
    check_archive(std::map<std::string, std::vector<std::uint64_t>>{{"a", {1, 2}}, {"b", {}}}, 128);
    check_archive(golden_types::sample(), 128);
}

TEST_CASE("snapshot: a damaged file takes no more memory than its bytes explain, also when its "
          "checksums are right",
          "[snapshot][core][format]")
{
    std::map<std::string, std::vector<std::uint64_t>> const state{{"a", {1, 2, 3}}, {"b", {}}};
    auto const raw = encoded(state);
    snapshot_header h;
    h.id = 7;
    h.codec = 1;
    h.codec_version = 1;
    auto const header = snapshot_format::encode_header(h);
    std::vector<std::byte> file(header.begin(), header.end());
    snapshot_chunk c;
    c.offset = file.size();
    c.stored_size = c.raw_size = static_cast<std::uint32_t>(raw.size());
    c.stored_crc = crc32c(raw);
    c.raw_hash = xxh3_128(raw.data(), raw.size());
    auto const frame = snapshot_format::encode_frame(c, 0, h.id);
    file.insert(file.end(), frame.begin(), frame.end());
    file.insert(file.end(), raw.begin(), raw.end());
    auto const end = snapshot_format::encode_end(std::vector{c}, header, h.id, file.size());
    file.insert(file.end(), end.begin(), end.end());

    bool const mended = GENERATE(false, true);
    std::size_t decoded = 0;
    // A file may have as many empty partitions as it says.
    std::size_t const fixed = snapshot_format::partitions_max * 32;
    check_damaged(file, 128, fixed, [&](std::vector<std::byte> const& bytes) {
        auto copy = bytes;
        if (mended)
            fuzz::mend_snapshot(copy);
        memory_object object(copy);
        error_code ec;
        auto const content = read_snapshot(object, std::span<compressor const>{}, ec);
        if (ec)
            return;
        detail::translate_decode(
            [&] {
                segmented_source source(content.bytes());
                std::map<std::string, std::vector<std::uint64_t>> loaded;
                portable_codec{}.decode(source, loaded);
                ++decoded;
            },
            ec);
    });
    CHECK(decoded != 0); // The intact one, at least.
}

TEST_CASE("scenario I7: a damaged segment takes no more memory than its bytes explain, also when its "
          "checksums are right",
          "[wal][core][format]")
{
    auto const disk = std::make_shared<memory_files::disk>();
    {
        plain_log<memory_files> log{memory_files(disk)};
        log.open();
        for (int i = 0; i != 4; ++i)
            log.append({std::string(100, 'a'), "b"});
        REQUIRE(!log.error);
    }
    auto const name = "log/" + wal_format::segment_name(1);
    auto const all = disk->files.at(name)->content;
    // The header, and the groups: the rest of the page and of the file is zero.
    std::vector<std::byte> intact(all.begin(), all.begin() + 128);
    intact.insert(intact.end(), all.begin() + wal_format::page_bytes,
                  all.begin() + wal_format::page_bytes + 1400);

    bool const mended = GENERATE(false, true);
    std::size_t opened = 0;
    auto const open = [&](std::vector<std::byte> const& bytes) {
        auto const n = std::make_shared<memory_files::node>();
        n->content = all;
        std::copy(bytes.begin(), bytes.begin() + 128, n->content.begin());
        std::copy(bytes.begin(), bytes.begin() + 128, n->content.begin() + wal_format::header_copy);
        std::copy(bytes.begin() + 128, bytes.end(), n->content.begin() + wal_format::page_bytes);
        if (mended)
            fuzz::mend_segment(n->content, true);
        auto const copy = std::make_shared<memory_files::disk>();
        copy->files[name] = n;
        plain_log<memory_files> log{memory_files(copy)};
        log.open(recovery_mode::salvage, 7);
        opened += !log.error;
    };
    // Damage is searched behind with a window of fixed size, and the segment is copied aside.
    std::size_t const fixed = 512 * 1024;
    check_damaged(intact, 32, fixed, open);
    CHECK(opened != 0);
}
