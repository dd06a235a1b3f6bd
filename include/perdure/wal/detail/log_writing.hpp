// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_WRITING_HPP
#define PERDURE_WAL_DETAIL_LOG_WRITING_HPP

#include <perdure/wal/detail/group_plan.hpp>
#include <perdure/wal/detail/log_files.hpp>
#include <perdure/time.hpp>
#include <perdure/wal/options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace perdure::detail {

/// The group that the baton's holder writes.
struct log_flight {
    group_builder group;
    bool sync = false;
    bool active = false;
    std::uint64_t digest = 0;
    position claimed = 0; ///< As durable, in the seal.
    position front = 1;
    position first = 1;
    position last = 0;
    std::uint32_t records = 0;
    std::uint64_t size = 0; ///< Of all that is written to the segment.
    std::size_t trims = 0;  ///< How many trims it will have done.
    std::optional<chain_segment> next; ///< If the segment changes.
    bool rotates = false;              ///< Because the one before is full.
    bool continues = false;            ///< Because the one before failed.
    time_point began;
    bool stalled = false;
    error_code cause; ///< Of the failure behind which it continues.
};

/** What of a log is written, what of that is on disk, and what the next group does to both. No input or
 *  output, and no lock: the owner has one.
 *
 *      plan() --> a job --> land() --> [enter_next(), if it changed the segment] --> accept()
 *                    \--failed--> plan_elsewhere() --> another job
 */
class log_writing {
public:
    explicit log_writing(wal_options const& options) : options_(&options) {}

    /// The log was opened.
    void open(opened_log& log)
    {
        log_ = log.log;
        sequence_max_ = log.sequence_max;
        go_on_with(std::move(log.chain));
    }
    /// The log is another one from now on: all of it is on disk.
    void go_on_with(std::vector<chain_segment> chain)
    {
        chain_ = std::move(chain);
        digest_ = chain_.back().digest;
        written_ = chain_.back().positions.last;
        proven_ = chain_.back().link.last;
        linked_ = true;
        unsynced_->clear();
        mark_durable(written_);
    }

    // -- queries

    wal_format::log_id const& id() const noexcept { return log_; }
    log_flight& flight() noexcept { return flight_; }
    log_flight const& flight() const noexcept { return flight_; }
    std::vector<chain_segment> const& chain() const noexcept { return chain_; }
    chain_segment const& active() const noexcept { return chain_.back(); }
    wal_format::segment_header const& next_header() const noexcept { return next_header_; }
    /// Whether the segment in use has its link, or anything.
    bool is_linked() const noexcept { return linked_; }
    position written() const noexcept { return written_; }
    position durable() const noexcept { return durable_; }
    /// What the last durable seal says is durable.
    position proven() const noexcept { return proven_; }
    wal_counters const& counters() const noexcept { return counters_; }

    /// What is on disk of the log, from the segment with `from` on.
    std::vector<chain_segment> durable_chain(position from) const
    {
        auto first = chain_.begin();
        while (first != chain_.end() && first->positions.last < from)
            ++first;
        std::vector<chain_segment> out(first, chain_.end());
        if (!out.empty()) {
            auto& newest = out.back();
            newest.positions.last = std::min(newest.positions.last, durable_end_.last);
            newest.used_bytes = durable_end_.offset;
            newest.digest = durable_end_.digest;
        }
        return out;
    }

    /// Of the segment in use.
    footer_bytes footer(std::uint64_t next_sequence, position front, std::uint64_t now_ms) const
    {
        auto const& active = chain_.back();
        footer_bytes out;
        write_footer(active.header,
                     {active.link.last + 1, active.positions.last, active.used_bytes, durable_,
                      active.digest, next_sequence, front, now_ms},
                     out);
        return out;
    }

    // -- a group

    /** What is to be written of flight().group: in a new segment if the one in use is full.
     *
     *  `front`: the first position that is wanted; the next segment must have been named.
     */
    group_plan plan(position front, std::uint64_t now_ms)
    {
        chain_segment& active = chain_.back();
        flight_.continues = false;
        flight_.rotates = false;
        flight_.first = flight_.group.first();
        flight_.last = flight_.group.last();
        flight_.records = flight_.group.records();
        flight_.front = front;
        flight_.claimed = durable_;
        flight_.next.reset();
        std::uint64_t digest = digest_;
        std::uint64_t const size = flight_.group.size() + group_builder::seal_size +
                                   (options_->packing.empty() ? 0 : group_packer::overhead_max);
        group_plan j;
        j.at = j.used = active.used_bytes;
        j.sync = flight_.sync;
        bool const rotate =
            linked_ && !active.positions.empty() && flight_.records != 0 &&
            active.used_bytes + size + j.footer.size() > active.header.allocated_bytes;
        flight_.rotates = rotate;
        if (rotate) {
            j.next = next_header_;
            j.footer = footer(next_header_.sequence, front, now_ms);
            j.at = wal_format::page_bytes;
            begin_next({active.header.sequence, active.used_bytes, active.positions.last,
                        active.digest, wal_format::link_reason::rotated},
                       now_ms);
            flight_.claimed = active.positions.last; // The segment before is synced first.
        }
        if (rotate || !linked_) {
            chain_segment const& fresh = rotate ? *flight_.next : active;
            j.link.begin(fresh.header, fresh.link.last + 1);
            j.link.add_link(fresh.link);
            digest = j.link.finish(fresh.link.digest, fresh.link.last, front, now_ms);
        }
        flight_.size = j.link.size();
        j.seal = {rotate ? next_header_ : active.header, digest, flight_.claimed, front, now_ms,
                  !options_->packing.empty()};
        // What was not synced is needed if a sync fails: the system may have dropped it.
        j.unsynced = unsynced_;
        j.keeps = options_->after_failure == after_failure::continue_elsewhere && !j.sync;
        j.group = std::move(flight_.group);
        return j;
    }

    /// The same group again, with all that is not durable, in a new segment, whose link cuts off the
    /// failed one behind what is.
    group_plan plan_elsewhere(error_code const& cause, write_result r, position front,
                              std::uint64_t salt, std::uint64_t now_ms)
    {
        ++counters_.failures;
        if (r.rotated) // It is in use, and failed before it held anything.
            mark_durable(std::max(durable_, flight_.next->link.last));
        // Unless the segment that was prepared can be used.
        bool fresh = r.rotated || flight_.rotates || !options_->second_directory.empty();
        chain_segment& failed = chain_.back();
        wal_format::link link;
        if (r.rotated) {
            link = flight_.next->link;
        } else if (durable_end_.offset <= wal_format::page_bytes) {
            link = failed.link;
            chain_.pop_back(); // Nothing in it is durable, not even its link.
            chain_segment const& whole = chain_.back();
            durable_end_ = {whole.used_bytes, whole.positions.last, whole.digest};
            fresh = true;
        } else {
            failed.used_bytes = durable_end_.offset;
            failed.positions.last = durable_end_.last;
            failed.digest = durable_end_.digest;
            link = {failed.header.sequence, failed.used_bytes, failed.positions.last, failed.digest,
                    wal_format::link_reason::continued};
        }
        link.reason = wal_format::link_reason::continued;
        if (fresh)
            name_next(link.sequence, salt, now_ms);
        begin_next(link, now_ms);
        flight_.continues = true;
        flight_.rotates = false;
        flight_.cause = cause;
        flight_.sync = true;
        flight_.claimed = link.last;

        group_plan j;
        j.next = next_header_;
        j.gives_up = true;
        j.sync = true;
        j.at = wal_format::page_bytes;
        j.link.begin(next_header_, link.last + 1);
        j.link.add_link(link);
        auto const digest = j.link.finish(link.digest, link.last, front, now_ms);
        flight_.size = j.link.size();
        j.seal = {next_header_, digest, link.last, front, now_ms, !options_->packing.empty()};
        j.unsynced = unsynced_;
        j.before = std::exchange(*unsynced_, {});
        j.group = std::move(r.group);
        return j;
    }

    /// The group is back from its job: takes it out of `r`.
    void land(write_result& r)
    {
        flight_.active = false;
        flight_.group = std::move(r.group);
        flight_.digest = r.digest;
        flight_.size += r.size;
    }

    /// A segment was begun: see log_flight::next.
    void enter_next()
    {
        chain_.push_back(*flight_.next);
        linked_ = false;
        digest_ = chain_.back().digest;
        ++counters_.segments;
        mark_durable(std::max(durable_, chain_.back().link.last));
    }

    /// The group was written.
    void accept(bool synced)
    {
        chain_segment& active = chain_.back();
        active.used_bytes += flight_.size;
        active.positions.last = flight_.last;
        active.digest = digest_ = flight_.digest;
        linked_ = true;
        written_ = flight_.last;
        counters_.records += flight_.records;
        counters_.groups += 1;
        counters_.bytes += flight_.size;
        if (synced) {
            ++counters_.syncs;
            mark_durable(written_);
            proven_ = std::max(proven_, flight_.claimed);
        }
    }

    // -- segments

    /// Names the segment that follows `after`, to be made.
    void name_next(std::uint64_t after, std::uint64_t salt, std::uint64_t now_ms)
    {
        next_header_ = header_of_next(after, salt, now_ms);
    }
    /// The header of a segment that follows `after`.
    wal_format::segment_header header_of_next(std::uint64_t after, std::uint64_t salt,
                                              std::uint64_t now_ms)
    {
        auto h = header_for(*options_, log_, now_ms);
        h.record_bytes_max = std::max(h.record_bytes_max, chain_.back().header.record_bytes_max);
        h.group_bytes_max = std::max(h.group_bytes_max, chain_.back().header.group_bytes_max);
        h.sequence = ++sequence_max_;
        h.after = after;
        h.salt = salt;
        // If the key cannot be used now, it cannot when the first group is written, and fails then.
        (void)describe_packing(options_->packing, h);
        return h;
    }

    /// Forgets the first `n` segments.
    void drop_front(std::ptrdiff_t n) { chain_.erase(chain_.begin(), chain_.begin() + n); }
    void count_segment() noexcept { ++counters_.segments; }

private:
    // The segment that was named follows with this link.
    void begin_next(wal_format::link const& link, std::uint64_t now_ms)
    {
        flight_.next = chain_segment{next_header_,
                                     link,
                                     {link.last + 1, link.last},
                                     wal_format::page_bytes,
                                     link.digest,
                                     now_ms};
    }

    void mark_durable(position p)
    {
        durable_ = p;
        auto const& newest = chain_.back();
        if (newest.positions.last <= p)
            durable_end_ = {newest.used_bytes, newest.positions.last, newest.digest};
    }

    wal_options const* options_;
    wal_format::log_id log_;
    std::vector<chain_segment> chain_; // The last one takes the appends.
    wal_format::segment_header next_header_;
    std::uint64_t sequence_max_ = 0;
    std::uint64_t digest_ = 0;
    bool linked_ = true; // The link of the segment in use was written.
    log_mark durable_end_; // In the segment in use.
    position written_ = 0;
    position durable_ = 0;
    position proven_ = 0;
    log_flight flight_;
    // What was written since the last sync, for a continuation. The job that writes has it.
    std::shared_ptr<std::vector<group_builder>> unsynced_ =
        std::make_shared<std::vector<group_builder>>();
    wal_counters counters_;
};

} // namespace perdure::detail

#endif
