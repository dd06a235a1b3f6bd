// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_RECOVERY_HPP
#define PERDURE_WAL_RECOVERY_HPP

#include <perdure/wal/detail/log_end.hpp>
#include <perdure/wal/detail/log_path.hpp>
#include <perdure/wal/recovered_log.hpp>
#include <perdure/wal/segment_survey.hpp>
#include <perdure/wal/wreck.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace perdure {

/** Decides what a log consists of, from its segments as they are.
 *
 *  The newest segment whose link can be read decides: from it the links lead back, and say how many
 *  bytes of each segment count. The newest segment is read to its end, and there it is judged
 *  whether a crash explains what stands there. It does not if anything that was written later says
 *  that the lost positions were durable, or if a file lacks what was durable before it was used:
 *  its length, its header, its name. Then acknowledged data is lost, and the mode decides.
 *
 *  Positions up to the proven durable one stay where they are; the few behind it, which were
 *  perhaps never on disk though they can be read now, are to be written again (for_each_rewritten).
 *
 *  Sans-I/O but for the source. Files must have been synced before they are read.
 *
 *  @par Complexity  reads the newest segment, or only its footer after a clean close; everything if
 *                   asked to or if there is damage. Memory: two windows, and 100 bytes a segment.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <segment_source Source>
class log_recovery {
public:
    /// The source outlives this object.
    log_recovery(Source& source, recovery_options const& options)
        : source_(&source), survey_(source), options_(options), unpacker_(options.packing)
    {
    }

    /// Reads and decides. Once.
    recovered_log run()
    {
        out_.report.mode = options_.mode;
        decide();
        // What could not be read is not known to be lost.
        if (survey_.io_error() && options_.mode != recovery_mode::salvage)
            out_.error = survey_.io_error();
        if (out_.error) {
            out_.report.outcome = recovery_outcome::refused;
            if (survey_.io_error())
                out_.report.detail = survey_.io_error().message();
            out_.chain.clear();
            out_.obsolete.clear();
            out_.aside.clear();
            out_.damaged.reset();
        }
        return out_;
    }

    /** What the new segment holds behind its link: `record(position, bytes)` and
     *  `gap(position_range)`, without a hole from next_link.last to last. After run().
     */
    template <class Record, class Gap>
    void for_each_rewritten(Record&& record, Gap&& gap, error_code& ec)
    {
        ec = {};
        position next = out_.next_link.last + 1;
        auto emit = [&](position p, std::span<std::byte const> bytes) {
            if (p < next || p > rewrite_last_)
                return;
            if (p > next)
                gap(position_range{next, p - 1});
            record(p, bytes);
            next = p + 1;
        };
        if (rewrite_begin_ < rewrite_end_) {
            segment_scanner scanner =
                rewrite_begin_ == wal_format::page_bytes
                    ? segment_scanner(head().header)
                    : segment_scanner(head().header, rewrite_begin_, out_.next_link.last,
                                      out_.next_link.digest);
            segment_window<Source> window(*source_, head().header.sequence, rewrite_end_);
            while (scanner.offset() < rewrite_end_) {
                auto const bytes = window.at(scanner.offset(), scanner.wanted(), ec);
                if (ec)
                    return;
                auto const status = scanner.next(bytes, window.at_end());
                if (status == segment_scanner::status::more)
                    continue;
                if (status != segment_scanner::status::group) {
                    ec = errc::checksum_mismatch; // It was intact a moment ago.
                    return;
                }
                auto group = scanner.group();
                unpacker_.forget();
                if (!unpacker_.unpack(head().header, group)) {
                    ec = errc::checksum_mismatch;
                    return;
                }
                for_each_record(group, emit);
            }
        }
        if (salvage_)
            search(salvage_step_, salvage_offset_, nullptr, emit, ec);
        if (!ec && next <= out_.last)
            gap(position_range{next, out_.last});
    }

private:
    using item = surveyed_segment;
    using mark = log_mark;
    std::vector<item> const& items() const { return survey_.all(); }
    bool has_head() const { return head_ != npos; }
    item const& head() const { return items()[head_]; }
    static std::string name_of(std::uint64_t sequence)
    {
        return wal_format::segment_name(sequence);
    }

    void decide()
    {
        survey_.load(options_.log, out_.error);
        if (out_.error) {
            out_.report.segment = name_of(items().back().file.sequence);
            return;
        }
        for (item const& i : items())
            if (i.damage == wal_damage::none && !out_.error)
                check_header(i);
        if (out_.error)
            return;
        out_.report.segments = items().size();
        for (item const& i : items()) {
            out_.sequence_max = i.file.sequence;
            if (i.damage == wal_damage::none)
                out_.record_bytes_max = std::max(out_.record_bytes_max, i.header.record_bytes_max);
        }
        if (options_.log)
            out_.log = *options_.log;
        if (items().empty()) {
            if (!options_.log) {
                out_.report.outcome = recovery_outcome::created;
                return;
            }
            out_.report.reason = wal_damage::missing;
            out_.report.proof = recovery_proof::lost_file;
            settle_without_chain(1);
            return;
        }
        head_ = survey_.newest_linked();
        if (!has_head()) {
            judge_headless();
            return;
        }
        scan_head();
        if (head_scan_.unknown) {
            out_.error = errc::unsupported_version;
            return;
        }
        out_.front = head_scan_.front;
        path_ = detail::path_to(survey_, head_, out_.front);
        verify_path();
        if (out_.error)
            return;
        if (damage_step_ == path_.size())
            judge_end();
        settle();
    }

    void check_header(item const& i)
    {
        out_.error = unpacker_.check(i.header);
        std::string why = ": " + out_.error.message();
        if (out_.error == errc::wrong_key)
            why = " needs key " + std::to_string(i.header.key_id) + why;
        auto const type = i.header.type();
        if (!out_.error && !type.empty() && !options_.type.empty() && type != options_.type) {
            out_.error = errc::wrong_type;
            why = " holds '" + std::string(type) + "', not '" + options_.type + "'";
        }
        if (!out_.error)
            return;
        out_.report.segment = name_of(i.file.sequence);
        out_.report.detail = out_.report.segment + why;
    }

    void scan_head()
    {
        if (options_.mode == recovery_mode::tail && !options_.verify_everything)
            if (auto const f = survey_.clean_footer(head())) {
                head_scan_.end = head_scan_.cut = {f->used_bytes, f->last, f->digest};
                head_scan_.durable = f->durable;
                head_scan_.front = f->front;
                head_scan_.footer = f;
                return;
            }
        head_scan_ = survey_.scan(head(), head().file.size, false);
    }

    void verify_path()
    {
        auto verdict =
            detail::verify(survey_, path_, head_scan_, out_.front,
                           options_.verify_everything || options_.mode != recovery_mode::tail);
        if (verdict.unknown) {
            out_.error = errc::unsupported_version;
            return;
        }
        out_.chain = std::move(verdict.chain);
        damage_at_ = verdict.at;
        damage_step_ = verdict.step;
        if (damage_step_ != path_.size())
            blame(verdict.damage);
    }

    void judge_end()
    {
        auto const verdict =
            detail::log_end<Source>(*source_, survey_, unpacker_).judge(head_, head_scan_);
        damage_at_ = head_scan_.end;
        if (verdict.damage.reason == wal_damage::none) {
            bool const clean = head_scan_.footer && head_scan_.footer->next_sequence == 0;
            out_.report.outcome = clean ? recovery_outcome::clean : recovery_outcome::recovered;
            return;
        }
        blame(verdict.damage);
        if (verdict.damage.proof == recovery_proof::none) {
            out_.report.outcome = recovery_outcome::torn_tail;
            out_.report.bytes_lost = verdict.used_bytes;
        } else {
            damage_step_ = path_.size() - 1;
        }
    }

    void judge_headless()
    {
        auto const verdict = detail::log_end<Source>(*source_, survey_, unpacker_).judge_headless();
        blame(verdict.damage);
        for (item const& i : items())
            path_.push_back({&i, i.file.sequence, i.file.size, std::nullopt});
        damage_step_ = 0;
        out_.front = verdict.front;
        damage_at_ = {wal_format::page_bytes, verdict.front - 1, 0};
        settle();
    }

    // What the mode makes of it.
    void settle()
    {
        auto& report = out_.report;
        auto const mode = options_.mode;
        bool const proven = damage_step_ != path_.size();
        if (!proven && report.reason != wal_damage::none && mode == recovery_mode::strict) {
            out_.error = to_error(report.reason);
            report.lost = {};
            return;
        }
        if (!proven) {
            keep_up_to(head_scan_.cut, head_scan_.end);
            return;
        }

        wreck_findings found;
        error_code ec;
        auto ignore = ignore_record;
        search(damage_step_, damage_at_.offset, &found, ignore, ec);
        survey_.note(ec);
        position const expected = std::max(damage_at_.last + 1, out_.front);
        if (has_head())
            found.claim(head_scan_.durable, head().file.sequence);
        report.durable = found.durable;
        if (found.durable >= expected) {
            report.proof_durable = found.durable;
            report.proof_segment = name_of(found.durable_sequence);
        }
        report.bytes_lost = found.used_bytes - std::min(found.used_bytes, found.intact_bytes);
        if (mode == recovery_mode::strict || mode == recovery_mode::tail) {
            report.lost = found.readable.missing_from({expected, found.durable});
            report.recovered = {out_.front, expected - 1};
            out_.error = !report.lost.empty() || found.durable >= expected
                             ? make_error_code(errc::acknowledged_data_lost)
                             : to_error(report.reason);
            if (report.reason == wal_damage::missing)
                out_.error = errc::segment_missing;
            return;
        }

        report.outcome = recovery_outcome::damaged;
        bool const in_head = has_head() && damage_step_ + 1 == path_.size();
        if (in_head)
            keep_up_to(cut_at(found.durable), head_scan_.end);
        else
            keep_chain();
        position const known = std::max(found.durable, expected - 1);
        if (mode == recovery_mode::point_in_time) {
            out_.last = std::max(known, found.highest);
            report.lost = position_range{expected, out_.last}.empty()
                              ? std::vector<position_range>{}
                              : std::vector<position_range>{{expected, out_.last}};
            report.bytes_lost = found.used_bytes;
        } else {
            // A record counts if something written behind it vouches for it.
            rewrite_last_ = std::max(known, found.sealed);
            out_.last = rewrite_last_;
            report.lost = found.readable.missing_from({expected, out_.last});
            salvage_ = true;
            salvage_step_ = damage_step_;
            salvage_offset_ = damage_at_.offset;
        }
        report.recovered = {out_.front, mode == recovery_mode::salvage ? out_.last : expected - 1};
        if (in_chain(path_[damage_step_].sequence))
            out_.damaged = path_[damage_step_].sequence;
        for (std::size_t i = damage_step_; i != path_.size(); ++i)
            if (path_[i].of && !in_chain(path_[i].sequence))
                out_.aside.push_back(path_[i].sequence);
        if (has_head())
            for (std::size_t i = head_ + 1; i != items().size(); ++i)
                if (items()[i].damage != wal_damage::none || !survey_.is_blank(items()[i]))
                    out_.aside.push_back(items()[i].file.sequence);
        collect_leftovers();
    }

    // In the damaged newest segment, the last group that is durable for certain.
    mark cut_at(position durable) const
    {
        return durable >= head_scan_.end.last ? head_scan_.end : head_scan_.cut;
    }

    // Keeps the newest segment up to `cut`, and has the rest up to `end` written again.
    void keep_up_to(mark const& cut, mark const& end)
    {
        auto& newest = out_.chain.back();
        rewrite_begin_ = cut.offset;
        rewrite_end_ = end.offset;
        rewrite_last_ = out_.last = end.last;
        newest.positions.last = cut.last;
        newest.used_bytes = cut.offset;
        newest.digest = cut.digest;
        auto const reason = out_.report.outcome == recovery_outcome::clean
                                ? wal_format::link_reason::opened
                                : wal_format::link_reason::recovered;
        if (cut.offset <= wal_format::page_bytes) {
            // Not even its link is proven: all of it is written again, and its link continues.
            out_.next_link = newest.link;
            out_.next_link.reason = reason;
            out_.chain.pop_back();
        } else {
            out_.next_link = {newest.header.sequence, newest.used_bytes, cut.last, cut.digest,
                              reason};
        }
        if (out_.report.outcome != recovery_outcome::damaged) {
            out_.report.durable = std::max(cut.last, head_scan_.durable);
            out_.report.recovered = {out_.front, end.last};
            collect_leftovers();
        }
        drop_trimmed();
    }

    // Keeps the chain as far as it was verified, before a damage in an older segment.
    void keep_chain()
    {
        if (!out_.chain.empty() && out_.chain.back().used_bytes <= wal_format::page_bytes)
            out_.chain.pop_back();
        out_.last = damage_at_.last;
        out_.next_link.last = damage_at_.last;
        out_.next_link.reason = wal_format::link_reason::recovered;
        if (!out_.chain.empty()) {
            auto const& newest = out_.chain.back();
            out_.next_link.sequence = newest.header.sequence;
            out_.next_link.used_bytes = newest.used_bytes;
            out_.next_link.digest = newest.digest;
        }
        drop_trimmed();
    }

    void settle_without_chain(position expected)
    {
        auto& report = out_.report;
        report.recovered = {expected, expected - 1};
        if (options_.mode == recovery_mode::strict || options_.mode == recovery_mode::tail) {
            out_.error = errc::segment_missing;
            return;
        }
        report.outcome = recovery_outcome::damaged;
        out_.next_link.reason = wal_format::link_reason::recovered;
    }

    void drop_trimmed()
    {
        std::erase_if(out_.chain, [&](chain_segment const& c) {
            return c.positions.last < out_.front && c.header.sequence != out_.next_link.sequence;
        });
    }

    bool in_chain(std::uint64_t sequence) const
    {
        return std::any_of(out_.chain.begin(), out_.chain.end(),
                           [&](chain_segment const& c) { return c.header.sequence == sequence; });
    }

    void collect_leftovers()
    {
        for (item const& i : items()) {
            auto const sequence = i.file.sequence;
            if (!in_chain(sequence) &&
                std::find(out_.aside.begin(), out_.aside.end(), sequence) == out_.aside.end())
                out_.obsolete.push_back(sequence);
        }
    }

    // Searches from a place of the path to its end, and what is newer than the path.
    template <class F>
    void search(std::size_t from_step, std::uint64_t from_offset, wreck_findings* findings, F& f,
                error_code& ec)
    {
        wreck_findings own;
        wreck_findings& found = findings ? *findings : own;
        ec = {};
        auto look = [&](item const& i, std::uint64_t offset, std::uint64_t end) {
            if (i.damage != wal_damage::none && !i.guessed)
                found.used_bytes += i.blank ? 0 : i.file.size;
            else
                search_wreck(*source_, i.header,
                             std::max<std::uint64_t>(offset, wal_format::page_bytes),
                             std::min(end, i.file.size), unpacker_, found, ec, f);
            survey_.note(ec);
            if (options_.mode == recovery_mode::salvage)
                ec = {};
        };
        for (std::size_t i = from_step; i != path_.size() && !ec; ++i) {
            if (path_[i].next)
                found.claim(path_[i].next->last, i + 1 != path_.size() ? path_[i + 1].sequence : 0);
            if (path_[i].of)
                look(*path_[i].of, i == from_step ? from_offset : 0, path_[i].limit);
        }
        if (has_head())
            for (std::size_t i = head_ + 1; i != items().size() && !ec; ++i)
                look(items()[i], 0, items()[i].file.size);
    }

    void blame(detail::log_damage const& damage)
    {
        out_.report.reason = damage.reason;
        out_.report.segment = name_of(damage.sequence);
        out_.report.offset = damage.offset;
        out_.report.proof = damage.proof;
    }

    static void ignore_record(position, std::span<std::byte const>) {}

    static constexpr std::size_t npos = segment_survey<Source>::npos;

    Source* source_;
    segment_survey<Source> survey_;
    recovery_options options_;
    group_unpacker unpacker_;
    recovered_log out_;
    std::size_t head_ = npos;
    segment_scan head_scan_;
    std::vector<detail::path_step> path_;
    std::size_t damage_step_ = 0; ///< path_.size() while there is no proven damage.
    mark damage_at_;
    std::uint64_t rewrite_begin_ = 0;
    std::uint64_t rewrite_end_ = 0;
    position rewrite_last_ = 0;
    bool salvage_ = false;
    std::size_t salvage_step_ = 0;
    std::uint64_t salvage_offset_ = 0;
};

} // namespace perdure

#endif
