// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_LOG_READER_HPP
#define PERDURE_WAL_LOG_READER_HPP

#include <perdure/wal/recovery.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace perdure {

/** Reads a log forward from a position, as many groups at a time as a window holds.
 *
 *  The chain says what there is to read, and everything in it is verified again; what does not
 *  match is acknowledged data that was lost. Sans-I/O but for the source, which may be another
 *  object for every call.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
class log_reader {
public:
    /// From `from` to the end of `chain`. Precondition: the chain is in order.
    log_reader(std::vector<chain_segment> chain, position from, log_packing const& packing = {})
        : chain_(std::move(chain)), from_(from), next_(from), packing_(packing), unpacker_(packing)
    {
        while (at_ != chain_.size() && chain_[at_].positions.last < from_)
            ++at_;
    }

    /** Reads and verifies more. False at the end, or with an error.
     *
     *  `ec`: acknowledged_data_lost if the log cannot be read on, at next_position(); or the
     *  source's own.
     */
    template <segment_source Source>
    bool advance(Source& source, error_code& ec)
    {
        groups_.clear();
        unpacker_.forget();
        ec = {};
        while (at_ != chain_.size()) {
            auto const& segment = chain_[at_];
            if (!scanner_) {
                scanner_.emplace(segment.header);
                buffered_ = 0;
            }
            if (scanner_->offset() >= segment.used_bytes) {
                bool const newest = at_ + 1 == chain_.size();
                // Nothing was written to it yet, not even its link.
                bool const unused = newest && segment.used_bytes <= wal_format::page_bytes;
                if (!unused && scanner_->digest() != segment.digest)
                    return fail(wal_damage::link, ec);
                if (newest)
                    return false; // It may grow: see extend().
                ++at_;
                scanner_.reset();
                continue;
            }
            fill(source, segment, ec);
            if (ec)
                return false;
            std::size_t used = 0;
            bool const at_end = window_at_ + buffered_ >= segment.used_bytes;
            for (;;) {
                auto const status = scanner_->next({data_.get() + used, buffered_ - used}, at_end);
                if (status == segment_scanner::status::group) {
                    auto const& g = scanner_->group();
                    // A file of another history of this log is whole in itself, and says so here.
                    if (g.last > segment.positions.last || (g.link && *g.link != segment.link)) {
                        if (!groups_.empty())
                            break;
                        return fail(wal_damage::link, ec);
                    }
                    groups_.push_back(g);
                    if (!unpacker_.unpack(segment.header, groups_.back())) {
                        groups_.clear();
                        return fail(wal_damage::packed, ec);
                    }
                    next_ = std::max(next_, scanner_->group().last + 1);
                    used += scanner_->group().size();
                    if (scanner_->offset() >= segment.used_bytes)
                        break;
                    continue;
                }
                if (status == segment_scanner::status::more)
                    break;
                if (!groups_.empty())
                    break; // These first; the damage is found again.
                return fail(status == segment_scanner::status::damaged ? scanner_->damage()
                                                                       : wal_damage::blank,
                            ec);
            }
            if (!groups_.empty())
                return true;
            wanted_ = scanner_->wanted();
        }
        return false;
    }

    /** Goes on with a longer log: the chain as it is now, from the segment being read on.
     *
     *  Returns false, and changes nothing, if something that was read is not part of it any more.
     */
    bool extend(std::vector<chain_segment> chain)
    {
        if (at_ == chain_.size()) { // Nothing was read yet.
            *this = log_reader(std::move(chain), from_, packing_);
            return true;
        }
        std::size_t i = 0;
        while (i != chain.size() && chain[i].header.sequence != chain_[at_].header.sequence)
            ++i;
        if (i == chain.size() || (scanner_ && scanner_->offset() > chain[i].used_bytes))
            return false;
        chain_ = std::move(chain);
        at_ = i;
        return true;
    }

    /// Calls `f(position, std::span<std::byte const>)` for the records that advance() read.
    template <class F>
    void visit(F&& f) const
    {
        for (auto const& group : groups_)
            for_each_record(group, [&](position p, std::span<std::byte const> bytes) {
                if (p >= from_)
                    f(p, bytes);
            });
    }

    /// Whether visit() has something to pass.
    bool has_records() const noexcept
    {
        return std::any_of(groups_.begin(), groups_.end(), [&](group_view const& g) {
            return g.seal.records != 0 && g.last >= from_;
        });
    }

    /// The groups that advance() read. They view memory that the next advance() overwrites.
    std::vector<group_view> const& groups() const noexcept { return groups_; }

    /// Behind the last record that was read.
    position next_position() const noexcept { return next_; }
    /// What is wrong where it cannot read on, after acknowledged_data_lost.
    wal_damage damage() const noexcept { return damage_; }

private:
    static constexpr std::size_t chunk = 512 * 1024;

    bool fail(wal_damage d, error_code& ec)
    {
        damage_ = d;
        ec = errc::acknowledged_data_lost;
        return false;
    }

    // Moves the window to the scanner's offset, and makes it at least wanted_ long.
    template <class Source>
    void fill(Source& source, chain_segment const& segment, error_code& ec)
    {
        std::size_t kept = 0;
        if (buffered_ != 0 && scanner_->offset() < window_at_ + buffered_) {
            auto const skip = static_cast<std::size_t>(scanner_->offset() - window_at_);
            kept = buffered_ - skip;
            if (skip != 0)
                std::memmove(data_.get(), data_.get() + skip, kept);
        }
        auto const need = static_cast<std::size_t>(std::min<std::uint64_t>(
            wanted_ > chunk / 2 ? 2 * wanted_ : chunk, segment.used_bytes - scanner_->offset()));
        if (need > capacity_) {
            auto bigger = std::make_unique_for_overwrite<std::byte[]>(need);
            if (kept != 0)
                std::memcpy(bigger.get(), data_.get(), kept);
            data_ = std::move(bigger);
            capacity_ = need;
        }
        window_at_ = scanner_->offset();
        auto const end = std::min<std::uint64_t>(segment.used_bytes, window_at_ + need);
        buffered_ = kept;
        if (window_at_ + kept < end) {
            auto const room = static_cast<std::size_t>(end - window_at_ - kept);
            buffered_ += source.read(segment.header.sequence, window_at_ + kept,
                                     {data_.get() + kept, room}, ec);
            if (!ec && buffered_ - kept < room)
                std::memset(data_.get() + buffered_, 0, kept + room - buffered_),
                    buffered_ = kept + room;
        }
        wanted_ = 0;
    }

    std::vector<chain_segment> chain_;
    position from_;
    position next_;
    log_packing packing_;
    group_unpacker unpacker_;
    std::size_t at_ = 0;
    std::optional<segment_scanner> scanner_;
    std::vector<group_view> groups_;
    std::unique_ptr<std::byte[]> data_;
    std::size_t capacity_ = 0;
    std::size_t buffered_ = 0;
    std::size_t wanted_ = 0;
    std::uint64_t window_at_ = 0;
    wal_damage damage_ = wal_damage::none;
};

} // namespace perdure

#endif
