// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_INCREMENTAL_WRITER_HPP
#define PERDURE_SNAPSHOT_INCREMENTAL_WRITER_HPP

#include <perdure/snapshot/backend.hpp>
#include <perdure/snapshot/chunker.hpp>
#include <perdure/snapshot/compression.hpp>
#include <perdure/snapshot/detail/chunk_compressor.hpp>
#include <perdure/snapshot/format.hpp>
#include <perdure/snapshot/report.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace perdure {

/// How snapshots share what did not change. See docs/formats/snapshot.md.
struct incremental_options {
    bool enabled = false; ///< Otherwise each snapshot stands alone.
    /// Where chunks end.
    chunking how = chunking::content_defined;

    /** Wanted raw bytes of a chunk, a power of two from 4 KiB to 256 KiB.
     *
     *  A change costs the chunks that it touches; each chunk costs 48 bytes in every snapshot.
     */
    std::uint32_t chunk_size = 8u << 10;

    /** Every so many ids a snapshot shares nothing with older ones; 0: never.
     *
     *  A shared chunk that rots is lost to all snapshots that share it. This bounds how many those are.
     */
    std::uint32_t full_every = 0;
};

/// The chunks that the next snapshot may share, and where they are.
struct shared_chunks {
    /// What a chunk is: equal keys are equal bytes.
    struct key {
        /// Of its bytes.
        hash128 hash;
        std::uint32_t size = 0;
        friend bool operator==(key const&, key const&) = default;
    };
    /// For hash tables.
    struct key_hash {
        std::size_t operator()(key const& k) const noexcept
        {
            return static_cast<std::size_t>(k.hash.low);
        }
    };
    /// Where each chunk is.
    std::unordered_map<key, snapshot_chunk, key_hash> chunks{};
    std::set<std::uint64_t> packs{};  ///< Which hold them.
    std::set<std::uint64_t> sparse{}; ///< Packs of which less than half is in use.

    /// Notes where a chunk is; if it is known, its first place stays.
    void add(snapshot_chunk const& c)
    {
        chunks.try_emplace({c.raw_hash, c.raw_size}, c);
        packs.insert(c.pack);
    }
    /// Where a chunk is; null if nowhere.
    snapshot_chunk const* find(hash128 const& hash, std::uint32_t size) const
    {
        auto const at = chunks.find({hash, size});
        return at == chunks.end() ? nullptr : &at->second;
    }
};

/// What saving wrote and shared, in all.
struct snapshot_counters {
    std::uint64_t snapshots = 0;     ///< Published.
    std::uint64_t bytes_written = 0; ///< Of published snapshots, with their packs.
    /// Not found in older packs.
    std::uint64_t chunks_written = 0;
    std::uint64_t chunks_shared = 0; ///< Found in older packs.
    /// No snapshot needed them any more.
    std::uint64_t packs_removed = 0;
    friend bool operator==(snapshot_counters const&, snapshot_counters const&) = default;
};

/** Writes one snapshot whose chunks are in packs, and into a new pack those that are in none yet.
 *
 *  The pack is published before the snapshot that needs it. Where an old pack has become sparse, some of its chunks
 *  are written anew, at most as many bytes as are new anyway, so that it can go one day.
 *
 *  Blocking. The first error stays; every later call returns it and does nothing.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <snapshot_backend Backend>
class incremental_writer {
public:
    /// @param backend  outlives the writer.
    incremental_writer(Backend& backend, std::string name, std::string pack_name,
                       snapshot_header header, compressor how, incremental_options options,
                       std::shared_ptr<shared_chunks const> base)
        : backend_(&backend),
          name_(std::move(name)),
          pack_name_(std::move(pack_name)),
          header_(std::move(header)),
          compressor_(how),
          options_(options),
          base_(std::move(base)),
          next_(std::make_shared<shared_chunks>())
    {
        header_.flags |= snapshot_format::flag_shared;
    }

    /// Adds raw bytes to a partition. The first error stays.
    void append(std::span<std::byte const> raw, error_code& ec, std::uint16_t partition = 0)
    {
        if (!failed_) {
            auto& c =
                chunkers_.try_emplace(partition, options_.how, options_.chunk_size).first->second;
            c.add(raw, [&](std::span<std::byte const> chunk) { put(chunk, partition); });
        }
        ec = failed_;
    }

    /// In how many parts the state is encoded, 1 to partitions_max; 1 if this is not called.
    void partitions(std::uint32_t n) noexcept { partitions_ = n; }

    /// Publishes the snapshot durably, its new chunks first.
    snapshot_info commit(error_code& ec)
    {
        namespace format = snapshot_format;
        for (auto& [partition, c] : chunkers_)
            c.finish([&](std::span<std::byte const> chunk) { put(chunk, partition); });
        write_buffer();
        if (!failed_ && pack_)
            pack_->commit(failed_);
        format::footer footer;
        std::uint64_t size = 0;
        if (!failed_) {
            auto const header = format::encode_header(header_);
            auto const end = format::encode_end(chunks_, header, header_.id, header.size(),
                                                partitions_, header_.flags);
            std::array<std::span<std::byte const>, 2> const parts{header, end};
            size = header.size() + end.size();
            footer =
                format::decode_footer(std::span<std::byte const>(end).last<format::footer_size>(),
                                      size, failed_, header_.flags);
            if (!failed_) {
                auto upload = backend_->create(name_, failed_);
                if (!failed_)
                    upload.append(parts, failed_);
                if (!failed_)
                    upload.commit(failed_);
            }
        }
        ec = failed_;
        if (ec)
            return {};
        counters_.snapshots = 1;
        counters_.bytes_written = (pack_ ? pack_size_ : 0) + size;
        return describe(header_, footer, size);
    }

    /// What the next snapshot may share, once this one is published.
    std::shared_ptr<shared_chunks const> shared() const { return next_; }
    /// What this one shares: it must stay until this one is published.
    std::shared_ptr<shared_chunks const> base() const { return base_; }
    /// What it wrote and what it shared.
    snapshot_counters const& counters() const noexcept { return counters_; }

private:
    void put(std::span<std::byte const> raw, std::uint16_t partition)
    {
        if (!failed_ && chunks_.size() == UINT32_MAX)
            failed_ = errc::too_large;
        if (failed_)
            return;
        auto const hash = xxh3_128(raw.data(), raw.size());
        auto const size = static_cast<std::uint32_t>(raw.size());
        auto const* known = next_->find(hash, size);
        if (known == nullptr && base_) {
            known = base_->find(hash, size);
            if (known != nullptr && base_->sparse.contains(known->pack) &&
                moved_ + size <= fresh_) {
                moved_ += size;
                known = nullptr;
            } else if (known == nullptr) {
                fresh_ += size;
            }
        }
        snapshot_chunk c;
        if (known != nullptr) {
            c = *known;
            ++counters_.chunks_shared;
        } else {
            c.raw_size = size;
            c.raw_hash = hash;
            c.pack = header_.id;
            write(raw, c);
            ++counters_.chunks_written;
        }
        c.partition = partition;
        next_->add(c);
        chunks_.push_back(c);
    }

    void write(std::span<std::byte const> raw, snapshot_chunk& c)
    {
        if (!pack_) {
            pack_ = backend_->create(pack_name_, failed_);
            if (failed_) {
                pack_.reset();
                return;
            }
            auto const header = snapshot_format::encode_pack_header(header_.id);
            buffer_.assign(header.begin(), header.end());
            pack_size_ = header.size();
        }
        c.offset = pack_size_;
        auto const stored = compressor_.store(raw, c);
        auto const frame = snapshot_format::encode_shared_frame(c);
        buffer_.insert(buffer_.end(), frame.begin(), frame.end());
        buffer_.insert(buffer_.end(), stored.begin(), stored.end());
        pack_size_ += frame.size() + stored.size();
        if (buffer_.size() >= snapshot_format::chunk_size)
            write_buffer();
    }

    void write_buffer()
    {
        if (failed_ || buffer_.empty())
            return;
        std::array<std::span<std::byte const>, 1> const parts{buffer_};
        pack_->append(parts, failed_);
        buffer_.clear();
    }

    Backend* backend_;
    std::string name_, pack_name_;
    snapshot_header header_;
    detail::chunk_compressor compressor_;
    incremental_options options_;
    std::shared_ptr<shared_chunks const> base_;
    std::shared_ptr<shared_chunks> next_;

    std::map<std::uint16_t, chunker> chunkers_;
    std::vector<snapshot_chunk> chunks_;
    std::optional<typename Backend::upload> pack_;
    std::vector<std::byte> buffer_; // of the pack, not written yet
    std::uint64_t pack_size_ = 0;
    std::uint64_t fresh_ = 0; // raw bytes that no older pack holds
    std::uint64_t moved_ = 0; // raw bytes written anew out of sparse packs
    std::uint32_t partitions_ = 1;
    snapshot_counters counters_;
    error_code failed_;
};

} // namespace perdure

#endif
