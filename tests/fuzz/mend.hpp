// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_FUZZ_MEND_HPP
#define PERDURE_TESTS_FUZZ_MEND_HPP

#include <perdure/snapshot/format.hpp>
#include <perdure/wal/format.hpp>

#include <algorithm>
#include <span>

// A fuzzer does not guess checksums. These put right ones where the format has them, so that what
// lies behind the checksums is tried too.
namespace fuzz {

/// Both copies of a segment's header, and every frame from the header page on: versions, epochs,
/// checksums, the order of positions if `chain`, and in seals what they say about their group.
inline void mend_segment(std::span<std::byte> bytes, bool chain)
{
    using namespace perdure;
    using namespace perdure::wal_format;
    if (bytes.size() < page_bytes)
        return;
    for (std::size_t const at : {std::size_t{0}, header_copy}) {
        auto const copy = bytes.subspan(at, header_bytes);
        store_little(&copy[header_bytes - 4], crc32c(copy.first(header_bytes - 4)));
    }
    bool damaged = false;
    error_code ec;
    auto const header = decode_header(bytes, damaged, ec);
    auto const epoch = header.epoch();
    std::size_t group = page_bytes;
    std::uint32_t index = 0, records = 0, headers_crc = 0;
    position next = 1, first = 1;
    std::uint64_t digest = 0;
    for (std::size_t at = page_bytes; at + frame_bytes <= bytes.size();) {
        auto* const here = &bytes[at];
        if (load_little<std::uint64_t>(here) == 0) {
            at += 8;
            continue;
        }
        std::size_t const size = load_little<std::uint32_t>(here) & 0xffff;
        auto const whole = frame_bytes + padded(size);
        if (at + whole > bytes.size())
            return;
        auto const payload = std::span(here + frame_bytes, size);
        auto const type = static_cast<frame_type>(here[4]);
        position last = next - 1;
        if (chain) {
            if (type == frame_type::link && size >= link_bytes) {
                auto const l = decode_link(payload);
                next = first = l.last + 1;
                digest = l.digest;
                last = l.last;
            } else if (type == frame_type::record) {
                last = next++;
                ++records;
            } else if (type == frame_type::gap && size >= gap_bytes) {
                store_little(payload.data(), next);
                last = std::max(decode_gap(payload).last, next);
                store_little(payload.data() + 8, last);
                next = last + 1;
                if (records == 0)
                    first = next;
            } else if (type == frame_type::seal && size >= seal_bytes) {
                auto s = decode_seal(payload);
                s.first = first;
                s.records = records;
                s.group_bytes = static_cast<std::uint32_t>(at - group);
                s.headers_crc = headers_crc;
                s.digest = chain_digest(digest, headers_crc, last);
                encode(s, payload.first<seal_bytes>());
            } else if (type == frame_type::footer && size >= footer_bytes) {
                auto f = decode_footer(payload);
                f.last = last;
                f.used_bytes = at;
                f.digest = digest;
                encode(f, payload.first<footer_bytes>());
            }
        }
        frame_header h{static_cast<std::uint32_t>(size),
                       type,
                       chain ? last : load_little<std::uint64_t>(here + 8),
                       epoch,
                       payload_checksum(header.checksum, payload),
                       chain ? index : load_little<std::uint32_t>(here + 24)};
        encode(h, here);
        std::fill(here + frame_bytes + size, here + whole, std::byte{});
        headers_crc = chain_header(headers_crc, here);
        ++index;
        at += whole;
        if (type == frame_type::seal) {
            if (chain && size >= seal_bytes)
                digest = decode_seal(payload).digest;
            group = at;
            index = records = headers_crc = 0;
            first = next;
        }
    }
}

/// A snapshot file's header, frames, index and footer.
inline void mend_snapshot(std::span<std::byte> file)
{
    using namespace perdure;
    using namespace perdure::snapshot_format;
    if (file.size() < header_size + footer_size)
        return;
    std::copy_n(reinterpret_cast<std::byte const*>(header_magic.data()), 8, file.begin());
    store_little<std::uint16_t>(&file[8], major_version);
    store_little<std::uint32_t>(&file[12], header_size);
    store_little(&file[header_size - 4], crc32c(file.first(header_size - 4)));
    auto const foot = file.last(footer_size);
    std::copy_n(reinterpret_cast<std::byte const*>(footer_magic.data()), 8, foot.begin());
    auto const count = load_little<std::uint32_t>(&foot[24]) % 8;
    auto const end = count * index_entry_size + footer_size;
    if (file.size() < header_size + end)
        return;
    auto const index = file.last(end).first(count * index_entry_size);
    std::copy_n(&file[16], 8, foot.begin() + 8); // the same id
    store_little<std::uint64_t>(&foot[16], file.size() - end);
    store_little<std::uint32_t>(&foot[24], count);
    // The frames as the index describes them.
    std::uint64_t offset = header_size, raw = 0;
    auto const id = load_little<std::uint64_t>(&file[16]);
    for (std::uint32_t i = 0; i != count; ++i) {
        auto* const e = &index[i * index_entry_size];
        snapshot_chunk c;
        c.offset = offset;
        c.stored_size = load_little<std::uint32_t>(e + 8) & 0xffff;
        c.raw_size = load_little<std::uint32_t>(e + 12);
        c.compression = static_cast<chunk_compression>(load_little<std::uint16_t>(e + 20));
        c.partition = load_little<std::uint16_t>(e + 22);
        if (c.compression == chunk_compression::none)
            c.raw_size = c.stored_size;
        if (offset + frame_size + c.stored_size > file.size() - end)
            break;
        auto const stored =
            file.subspan(static_cast<std::size_t>(offset) + frame_size, c.stored_size);
        c.stored_crc = crc32c(stored);
        c.raw_hash = xxh3_128(stored.data(), stored.size());
        auto const frame = encode_frame(c, i, id);
        std::copy(frame.begin(), frame.end(), file.begin() + static_cast<std::ptrdiff_t>(offset));
        store_little(e, c.offset);
        store_little(e + 8, c.stored_size);
        store_little(e + 12, c.raw_size);
        store_little(e + 16, c.stored_crc);
        store_little(e + 24, c.raw_hash.low);
        store_little(e + 32, c.raw_hash.high);
        raw += c.raw_size;
        offset += frame_size + c.stored_size;
    }
    store_little(&foot[32], raw);
    xxh3_stream digest;
    digest.update(file.data(), header_size);
    digest.update(index.data(), index.size());
    auto const whole = digest.digest_128();
    store_little(&foot[40], whole.low);
    store_little(&foot[48], whole.high);
    store_little(&foot[60], crc32c(foot.first(60)));
}

} // namespace fuzz

#endif
