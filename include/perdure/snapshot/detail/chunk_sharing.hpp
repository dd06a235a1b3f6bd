// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_CHUNK_SHARING_HPP
#define PERDURE_SNAPSHOT_DETAIL_CHUNK_SHARING_HPP

#include <perdure/snapshot/incremental_writer.hpp>
#include <perdure/snapshot/reader.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace perdure::detail {

// The packs of a back end while one snapshot is read: each is opened once and its header checked.
template <snapshot_backend Backend, class Name>
class open_packs {
public:
    open_packs(Backend& backend, Name name) : backend_(&backend), name_(std::move(name)) {}

    typename Backend::object* operator()(std::uint64_t id, error_code& ec)
    {
        ec = {};
        if (auto const at = open_.find(id); at != open_.end())
            return &at->second;
        if (open_.size() >= 64)
            open_.clear(); // Descriptors are few.
        auto object = backend_->find(name_(id), ec);
        if (ec == boost::system::errc::no_such_file_or_directory)
            ec = errc::truncated; // It was durable before the snapshot that needs it.
        if (ec)
            return nullptr;
        std::array<std::byte, snapshot_format::pack_header_size> header;
        read_exactly(object, 0, header, ec);
        if (!ec && header != snapshot_format::encode_pack_header(id))
            ec = errc::malformed;
        if (ec)
            return nullptr;
        return &open_.emplace(id, std::move(object)).first->second;
    }

private:
    Backend* backend_;
    Name name_;
    std::map<std::uint64_t, typename Backend::object> open_;
};

/* Which packs the snapshots of a store need.
 *
 * A pack goes when no snapshot that is there refers to it, no save under way may, and no snapshot
 * that was put aside can: one refers to packs up to its own id.
 */
class chunk_sharing {
public:
    /// What a store holds: sizes of packs and ids of snapshots.
    struct contents {
        std::map<std::uint64_t, std::uint64_t> packs;
        std::set<std::uint64_t> snapshots;
        std::uint64_t newest_aside = 0;
    };

    /// What a new snapshot may share: what the newest one that is there refers to. Null if that cannot be read.
    template <class Read>
    std::shared_ptr<shared_chunks const> base(contents const& all, Read read)
    {
        if (all.snapshots.empty())
            return nullptr;
        auto const newest = *all.snapshots.rbegin();
        if (!base_ || base_id_ != newest) {
            error_code ec;
            auto const chunks = read(newest, ec);
            if (ec)
                return nullptr;
            remember(newest, chunks);
        }
        auto usable = std::make_shared<shared_chunks>(*base_);
        // What is not there any more cannot be shared; what is mostly garbage should not be for long.
        std::map<std::uint64_t, std::uint64_t> live;
        std::erase_if(usable->chunks, [&](auto const& entry) {
            auto const& c = entry.second;
            auto const end = c.offset + snapshot_format::frame_size + c.stored_size;
            auto const pack = all.packs.find(c.pack);
            bool const there = pack != all.packs.end() && end <= pack->second;
            if (there)
                live[c.pack] += snapshot_format::frame_size + c.stored_size;
            return !there;
        });
        for (auto const& [pack, bytes] : live)
            if (bytes < all.packs.at(pack) / 2)
                usable->sparse.insert(pack);
        return usable;
    }

    /// A save has begun: its base stays while `base` lives.
    void pin(std::shared_ptr<shared_chunks const> const& base)
    {
        std::erase_if(pins_, [](auto const& p) { return p.expired(); });
        if (base)
            pins_.push_back(base);
    }

    void saved(std::uint64_t id, std::shared_ptr<shared_chunks const> chunks)
    {
        references_[id] = chunks->packs;
        if (base_id_ < id) {
            base_ = std::move(chunks);
            base_id_ = id;
        }
    }

    /// A snapshot is there no more.
    void forget(std::uint64_t id)
    {
        references_.erase(id);
        if (base_id_ == id) {
            base_.reset();
            base_id_ = 0;
        }
    }

    /// The packs that nobody needs. None if a snapshot's needs cannot be read: it may be repaired.
    template <class Read>
    std::vector<std::uint64_t> garbage(contents const& all, Read read)
    {
        std::set<std::uint64_t> needed;
        for (auto const id : all.snapshots) {
            auto at = references_.find(id);
            if (at == references_.end()) {
                error_code ec;
                auto const chunks = read(id, ec);
                if (ec)
                    return {};
                std::set<std::uint64_t> packs;
                for (auto const& c : chunks)
                    if (c.pack != 0)
                        packs.insert(c.pack);
                at = references_.emplace(id, std::move(packs)).first;
            }
            needed.insert(at->second.begin(), at->second.end());
        }
        for (auto const& pin : pins_)
            if (auto const base = pin.lock())
                needed.insert(base->packs.begin(), base->packs.end());
        std::vector<std::uint64_t> unneeded;
        for (auto const& [pack, size] : all.packs)
            if (pack > all.newest_aside && !needed.contains(pack))
                unneeded.push_back(pack);
        return unneeded;
    }

private:
    void remember(std::uint64_t id, std::vector<snapshot_chunk> const& chunks)
    {
        auto made = std::make_shared<shared_chunks>();
        for (auto const& c : chunks)
            if (c.pack != 0)
                made->add(c);
        references_[id] = made->packs;
        base_ = std::move(made);
        base_id_ = id;
    }

    std::shared_ptr<shared_chunks const> base_;
    std::uint64_t base_id_ = 0;
    std::map<std::uint64_t, std::set<std::uint64_t>> references_; // packs by snapshot
    std::vector<std::weak_ptr<shared_chunks const>> pins_;
};

} // namespace perdure::detail

#endif
