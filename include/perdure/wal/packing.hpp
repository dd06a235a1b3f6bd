// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_PACKING_HPP
#define PERDURE_WAL_PACKING_HPP

#include <perdure/wal/group_builder.hpp>
#include <perdure/wal/segment_scanner.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace perdure {

/** One way to compress the records of a group, as a value: perdure's own headers need no
 *  compression library. `lz4_groups()` (wal/lz4.hpp) makes one.
 */
struct group_compressor {
    wal_format::compression_kind kind = wal_format::compression_kind::none; ///< What the format calls it.
    std::size_t bytes_min = 1024; ///< Smaller groups are stored as they are.

    /// Compresses `raw` into `out`, which is smaller; returns the size, or 0 if it does not fit.
    std::size_t (*compress)(std::span<std::byte const> raw, std::span<std::byte> out) = nullptr;
    /// Decompresses into exactly `out`; false if the bytes do not give that. Any bytes are safe.
    bool (*decompress)(std::span<std::byte const> stored, std::span<std::byte> out) = nullptr;
};

/** Encrypts and authenticates the groups of one segment.
 *
 *  A nonce is used for one group only; who makes ciphers sees to it that two segments never share a
 *  key and a nonce.
 *
 *  @par Thread safety  distinct objects are independent; one object is used by one thread at a time.
 */
class segment_cipher {
public:
    /// Of what vouches for a group.
    static constexpr std::size_t tag_bytes = wal_format::tag_bytes;
    /// What makes each encryption under one key another one.
    using nonce = std::span<std::byte const, wal_format::nonce_bytes>;

    virtual ~segment_cipher() = default;
    /// Encrypts `text` in place; `tag` will vouch for it and for `associated`. False: it cannot.
    virtual bool seal(nonce n, std::span<std::byte const> associated, std::span<std::byte> text,
                      std::span<std::byte, tag_bytes> tag) noexcept = 0;
    /// Decrypts `text` in place. False, and `text` is anything, if the tag does not vouch for it.
    virtual bool open(nonce n, std::span<std::byte const> associated, std::span<std::byte> text,
                      std::span<std::byte const, tag_bytes> tag) noexcept = 0;
};

/** Where the keys of a log come from. `aes_gcm_encryption` (wal/aes_gcm.hpp) is one.
 *
 *  @par Thread safety  may be called from several threads at a time.
 */
class log_encryption {
public:
    virtual ~log_encryption() = default;
    /// What the format calls it.
    virtual wal_format::encryption_kind kind() const noexcept = 0;
    /// The key that new segments use. Another value from now on is a rotation: old segments keep theirs.
    virtual std::uint32_t key_id() const noexcept = 0;
    /// For a segment with the header's kind and key_id; null if there is no such key.
    virtual std::unique_ptr<segment_cipher>
    cipher_for(wal_format::segment_header const& segment) const = 0;
};

/// How the records of a log are stored. Both empty: as they are.
struct log_packing {
    std::optional<group_compressor> compression; ///< None: records are not compressed.
    std::shared_ptr<log_encryption const> encryption; ///< Null: records are not encrypted.

    bool empty() const noexcept { return !compression && !encryption; }
};

namespace detail {

// The tag of nothing, under a nonce that no group uses: tells whether a key is the segment's.
inline bool make_key_check(segment_cipher& cipher, wal_format::segment_header const& h,
                           std::span<std::byte, wal_format::tag_bytes> tag) noexcept
{
    std::array<std::byte, wal_format::nonce_bytes> nonce;
    nonce.fill(std::byte{0xff});
    auto const associated = wal_format::associated_bytes(h);
    return cipher.seal(nonce, associated, {}, tag);
}

// The cipher of the segment that was used last: groups come segment by segment.
class cipher_cache {
public:
    /// Null if there is no key.
    segment_cipher* get(log_encryption const* from, wal_format::segment_header const& h)
    {
        if (!from || from->kind() != h.encryption)
            return nullptr;
        if (!cipher_ || of_ != h) {
            cipher_ = from->cipher_for(h);
            of_ = h;
        }
        return cipher_.get();
    }

private:
    wal_format::segment_header of_;
    std::unique_ptr<segment_cipher> cipher_;
};

} // namespace detail

/// Says in a new segment's header how its groups are packed. False if the key cannot be used.
inline bool describe_packing(log_packing const& packing, wal_format::segment_header& h)
{
    if (packing.compression)
        h.compression = packing.compression->kind;
    if (!packing.encryption)
        return true;
    h.encryption = packing.encryption->kind();
    h.key_id = packing.encryption->key_id();
    auto const cipher = packing.encryption->cipher_for(h);
    return cipher && detail::make_key_check(*cipher, h, h.key_check);
}

/** Packs groups: compresses their records, and encrypts them.
 *
 *  No nonce is used twice: it counts the groups that this object has packed, and every segment has a
 *  key of its own (its salt is drawn when it is made, and no segment is ever gone on with by another
 *  object). A group that could not be written and is packed again gets another nonce.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class group_packer {
public:
    group_packer() = default;
    /// Packs as the options say, with the key that each segment's header names.
    explicit group_packer(log_packing packing) : packing_(std::move(packing)) {}

    bool empty() const noexcept { return packing_.empty(); }

    /// What packing may add to a group, if it does not shrink.
    static constexpr std::size_t overhead_max = 128;

    /** Packs the group's records, unless packing makes no sense. Precondition: there is nothing else
     *  in it, and it is not finished.
     *
     *  False if the records cannot be encrypted; then the group must not be written.
     */
    bool pack(group_builder& group, wal_format::segment_header const& segment)
    {
        using namespace wal_format;
        bool const encrypted = segment.encryption != encryption_kind::none;
        if (group.records() == 0 ||
            (!encrypted && (segment.compression == compression_kind::none ||
                            group.size() < packing_.compression->bytes_min)))
            return true;
        collect(group.bytes());
        packed_header h;
        h.first = group.first();
        h.records = group.records();
        h.raw_bytes = static_cast<std::uint32_t>(raw_.size());

        std::size_t const tag = encrypted ? tag_bytes : 0;
        stored_.resize(packed_header_bytes + raw_.size() + tag);
        auto const body = std::span(stored_).subspan(packed_header_bytes, raw_.size());
        std::size_t size = 0;
        if (segment.compression != compression_kind::none &&
            raw_.size() >= packing_.compression->bytes_min) {
            // Not worth it unless an eighth is saved.
            size = packing_.compression->compress(raw_, body.first(raw_.size() - raw_.size() / 8));
            if (size != 0)
                h.compression = segment.compression;
        }
        if (size == 0) {
            if (!encrypted)
                return true;
            std::copy(raw_.begin(), raw_.end(), body.begin());
            size = raw_.size();
        }
        segment_cipher* cipher = nullptr;
        if (encrypted) {
            cipher = cipher_.get(packing_.encryption.get(), segment);
            if (!cipher)
                return false;
            h.encryption = segment.encryption;
            store_little(h.nonce.data() + 4, ++nonces_);
        }
        encode(h, std::span<std::byte, packed_header_bytes>(stored_.data(), packed_header_bytes));
        if (encrypted) {
            auto const associated = associated_bytes(segment, h);
            if (!cipher->seal(h.nonce, associated, body.first(size),
                               std::span<std::byte, tag_bytes>(body.data() + size, tag_bytes)))
                return false;
        }
        group.replace_records(std::span(stored_).first(packed_header_bytes + size + tag));
        return true;
    }

private:
    // The records without their frames.
    void collect(std::span<std::byte const> frames)
    {
        using namespace wal_format;
        std::size_t size = 0;
        auto const each = [frames](auto f) {
            for (std::size_t at = 0; at != frames.size();) {
                auto const n = load_little<std::uint32_t>(frames.data() + at);
                f(frames.subspan(at + frame_bytes, padded(n)), n);
                at += frame_bytes + padded(n);
            }
        };
        each([&](auto bytes, std::uint32_t) { size += packed_record_bytes + bytes.size(); });
        raw_.resize(size);
        auto* to = raw_.data();
        each([&](auto bytes, std::uint32_t n) {
            store_little(to, std::uint64_t{n});
            if (!bytes.empty())
                std::memcpy(to + packed_record_bytes, bytes.data(), bytes.size());
            to += packed_record_bytes + bytes.size();
        });
    }

    log_packing packing_;
    std::vector<std::byte> raw_;
    std::vector<std::byte> stored_;
    detail::cipher_cache cipher_;
    std::uint64_t nonces_ = 0;
};

/** Gives the records of packed groups back.
 *
 *  @par Thread safety  distinct objects are independent.
 */
class group_unpacker {
public:
    /// Knows no compression and no key.
    group_unpacker() = default;
    /// Knows these.
    explicit group_unpacker(log_packing packing) : packing_(std::move(packing)) {}

    /// Whether groups of that segment can be unpacked: {}, codec_missing or wrong_key.
    error_code check(wal_format::segment_header const& h) const
    {
        using namespace wal_format;
        if (h.compression != compression_kind::none &&
            (!packing_.compression || packing_.compression->kind != h.compression))
            return errc::codec_missing;
        if (h.encryption == encryption_kind::none)
            return {};
        if (!packing_.encryption || packing_.encryption->kind() != h.encryption)
            return errc::wrong_key;
        auto const cipher = packing_.encryption->cipher_for(h);
        std::array<std::byte, tag_bytes> tag{};
        if (!cipher || !detail::make_key_check(*cipher, h, tag) || tag != h.key_check)
            return errc::wrong_key;
        return {};
    }

    /** The records of a packed frame with that payload, whose checksum holds; empty if they cannot
     *  be had. They stay until forget().
     */
    std::span<std::byte const> unpack(wal_format::segment_header const& segment,
                                      std::span<std::byte const> payload)
    {
        using namespace wal_format;
        auto const h = decode_packed(payload);
        if (!h || !fits(*h, segment, payload.size()))
            return {};
        auto stored = payload.subspan(packed_header_bytes);
        if (h->encryption != encryption_kind::none) {
            auto* const cipher = cipher_.get(packing_.encryption.get(), segment);
            if (!cipher)
                return {};
            auto const tag = stored.last<tag_bytes>();
            stored = stored.first(stored.size() - tag_bytes);
            auto const text = room(stored.size());
            std::copy(stored.begin(), stored.end(), text.begin());
            if (!cipher->open(h->nonce, associated_bytes(segment, *h), text, tag))
                return {};
            stored = text;
        }
        if (h->compression != compression_kind::none) {
            if (!packing_.compression || packing_.compression->kind != h->compression)
                return {};
            // No compression is that good: a false length allocates nothing.
            if (h->raw_bytes / 256 > stored.size())
                return {};
            auto const raw = room(h->raw_bytes);
            if (!packing_.compression->decompress(stored, raw))
                return {};
            stored = raw;
        }
        return well_formed(stored, *h, segment) ? stored : std::span<std::byte const>();
    }

    /// Makes the records of a group that is packed available to for_each_record. False: it cannot.
    bool unpack(wal_format::segment_header const& segment, group_view& group)
    {
        if (group.packed.empty())
            return true;
        group.unpacked = unpack(segment, group.packed);
        return !group.unpacked.empty();
    }

    /// What was unpacked so far is not needed any more.
    void forget() noexcept { used_ = 0; }

private:
    static bool fits(wal_format::packed_header const& h,
                     wal_format::segment_header const& segment, std::size_t payload)
    {
        using namespace wal_format;
        std::size_t const tag = h.encryption != encryption_kind::none ? tag_bytes : 0;
        return payload >= packed_header_bytes + tag && h.encryption == segment.encryption &&
               h.raw_bytes <= std::max(segment.group_bytes_max, 1024u) &&
               (h.compression != compression_kind::none ||
                h.raw_bytes == payload - packed_header_bytes - tag);
    }

    // That the records fill it, so that nobody needs to check them again.
    static bool well_formed(std::span<std::byte const> raw, wal_format::packed_header const& h,
                            wal_format::segment_header const& segment)
    {
        using namespace wal_format;
        for (std::uint32_t i = 0; i != h.records; ++i) {
            if (raw.size() < packed_record_bytes)
                return false;
            auto const n = load_little<std::uint64_t>(raw.data());
            if (n > segment.record_bytes_max || raw.size() - packed_record_bytes < padded(n))
                return false;
            raw = raw.subspan(packed_record_bytes + padded(n));
        }
        return raw.empty();
    }

    // Memory is kept over forget(), so that reading on does not allocate.
    std::span<std::byte> room(std::size_t n)
    {
        if (used_ == blocks_.size())
            blocks_.emplace_back();
        auto& block = blocks_[used_++];
        if (block.capacity < n) {
            block.data = std::make_unique_for_overwrite<std::byte[]>(n);
            block.capacity = n;
        }
        return {block.data.get(), n};
    }

    struct block {
        std::unique_ptr<std::byte[]> data;
        std::size_t capacity = 0;
    };

    log_packing packing_;
    std::vector<block> blocks_;
    std::size_t used_ = 0;
    detail::cipher_cache cipher_;
};

} // namespace perdure

#endif
