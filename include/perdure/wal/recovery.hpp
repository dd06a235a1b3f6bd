// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_RECOVERY_HPP
#define PERDURE_WAL_RECOVERY_HPP

#include <perdure/wal/chain.hpp>
#include <perdure/wal/recovery_report.hpp>
#include <perdure/wal/segment_survey.hpp>
#include <perdure/wal/wreck.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace perdure {

/// What a recovery decided. Nothing has been changed yet; who applies it writes a new segment.
struct recovered_log {
    recovery_report report; ///< What was found.
    error_code error;                 ///< Set if the log must not be opened.
    std::vector<chain_segment> chain; ///< What stays in place, oldest first.
    wal_format::link next_link;       ///< What the new segment says about what came before.
    position front = 1;               ///< The first position that is still wanted.
    position last = 0;                ///< The last position once the new segment is written.
    wal_format::log_id log; ///< Whose log it is; zeros if there is none yet.
    std::uint64_t sequence_max = 0;      ///< Over all files; the new segment's is higher.
    std::uint32_t record_bytes_max = 0;  ///< Over all segments; the new one allows as much.
    std::vector<std::uint64_t> obsolete; ///< To be removed, once the new segment is durable.
    /// Stays in the chain up to a damage, and is to be copied first: what is behind is evidence.
    std::optional<std::uint64_t> damaged;
    std::vector<std::uint64_t> aside;    ///< To be renamed and kept, likewise: they hold evidence.
};

/// What recovery does with a bad tail, and what it may use.
struct recovery_options {
    recovery_mode mode = recovery_mode::tail; ///< What becomes of a bad tail.
    /// Read every byte of the log, also what the chain of segments vouches for. The modes other
    /// than tail always do.
    bool verify_everything = false;
    /// Known from elsewhere; then a log without segments is one that was lost.
    std::optional<wal_format::log_id> log;
    /// How packed records are read. A segment that it cannot read is refused.
    log_packing packing{};
    /// What the records are; a segment that says something else is refused. Empty: anything.
    std::string type{};
};

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
    struct step {
        item const* of = nullptr; ///< Null if the segment is missing.
        std::uint64_t sequence = 0;
        std::uint64_t limit = 0;              ///< Bytes that count, as the next segment says.
        std::optional<wal_format::link> next; ///< What the next segment says.
    };
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
            damaged(wal_damage::missing, {}, 0, recovery_proof::lost_file);
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
        build_path();
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

    // -- 1. the newest segment

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

    // -- 2. the chain

    void build_path()
    {
        std::size_t at = head_;
        path_.push_back(
            {&items()[at], items()[at].file.sequence, items()[at].file.size, std::nullopt});
        while (at != npos) {
            auto const link = *items()[at].link;
            if (link.sequence == 0 || link.last < out_.front)
                break;
            auto const found = survey_.index_of(link.sequence);
            step s{found == npos ? nullptr : &items()[found], link.sequence, link.used_bytes, link};
            if (found != npos && items()[found].damage == wal_damage::none && items()[found].link) {
                path_.push_back(s);
                at = found;
                continue;
            }
            // A hole. What can be read before it, from the next older segment on, is still a chain.
            path_.push_back(s);
            at = npos;
            for (std::size_t i = 0; i != items().size() && items()[i].file.sequence < link.sequence;
                 ++i)
                if (items()[i].link)
                    at = i;
            if (at != npos)
                path_.push_back(
                    {&items()[at], items()[at].file.sequence, items()[at].file.size, std::nullopt});
        }
        std::reverse(path_.begin(), path_.end());
    }

    // Finds the first damage before the newest segment's end; fills the chain up to it.
    void verify_path()
    {
        bool const everything = options_.verify_everything || options_.mode != recovery_mode::tail;
        damage_step_ = path_.size();
        position last = out_.front - 1;
        bool known = false; // whether `last` and `digest` are those of the log so far
        std::uint64_t digest = 0;
        for (std::size_t i = 0; i != path_.size(); ++i) {
            step const& s = path_[i];
            damage_at_ = {0, last, digest};
            if (!s.of)
                return damaged_at(i, wal_damage::missing, recovery_proof::lost_file);
            if (s.of->damage != wal_damage::none)
                return damaged_at(i, s.of->damage, recovery_proof::lost_header);
            damage_at_.offset = wal_format::page_bytes;
            if (!s.of->link)
                return damaged_at(i, survey_.first_group_damage(*s.of), recovery_proof::later_seal);
            auto const& link = *s.of->link;
            if (known && (link.last != last || link.digest != digest))
                return damaged_at(i, wal_damage::link, recovery_proof::later_seal);
            if (!known && link.sequence != 0 && link.last >= out_.front)
                return damaged_at(i, wal_damage::missing, recovery_proof::lost_file);
            known = true;
            bool const is_head = i + 1 == path_.size();
            segment_scan result;
            if (is_head)
                result = head_scan_;
            else if (everything || !s.next || s.of->file.size < s.limit)
                result = survey_.scan(*s.of, s.limit, s.next.has_value());
            else
                result.end = result.cut = {s.limit, s.next->last, s.next->digest};
            if (result.unknown) {
                out_.error = errc::unsupported_version;
                return;
            }
            out_.chain.push_back({s.of->header,
                                  link,
                                  {link.last + 1, result.end.last},
                                  result.end.offset,
                                  result.end.digest,
                                  s.of->begun_ms});
            damage_at_ = result.end;
            last = result.end.last;
            digest = result.end.digest;
            if (is_head)
                return;
            if (result.damage != wal_damage::none)
                return damaged_at(i, result.damage,
                                  result.damage == wal_damage::shortened
                                      ? recovery_proof::short_file
                                      : recovery_proof::later_seal);
            if (s.next && (last != s.next->last || digest != s.next->digest))
                return damaged_at(i, wal_damage::link, recovery_proof::later_seal);
        }
    }

    // -- 3. the end of the newest segment

    void judge_end()
    {
        auto const& file = head().file;
        auto const& s = head_scan_;
        damage_at_ = s.end;
        bool const clean = s.footer && s.footer->next_sequence == 0;
        wreck_findings found;
        error_code ec;
        if (!clean)
            search_wreck(*source_, head().header,
                         s.footer
                             ? s.end.offset + wal_format::frame_bytes + wal_format::footer_bytes
                             : s.end.offset,
                         file.size, unpacker_, found, ec, ignore_record);
        survey_.note(ec);
        std::uint64_t const torn_bytes = found.used_bytes;
        wal_damage damage = s.damage;
        if (damage == wal_damage::none && torn_bytes != 0 && !s.footer)
            damage = wal_damage::blank;
        auto proof = recovery_proof::none;
        std::string where = name_of(file.sequence);
        std::uint64_t offset = s.end.offset;

        if (!s.footer && file.size < head().header.allocated_bytes) {
            damage = damage == wal_damage::none ? wal_damage::shortened : damage;
            proof = recovery_proof::short_file;
        }
        if (s.footer && s.footer->next_sequence != 0 &&
            survey_.index_of(s.footer->next_sequence) == npos) {
            damage = wal_damage::missing;
            proof = recovery_proof::lost_file;
            where = name_of(s.footer->next_sequence);
            offset = 0;
        }
        for (std::size_t i = head_ + 1; i != items().size(); ++i) {
            item const& later = items()[i];
            auto accuse = [&](wal_damage d, recovery_proof p, std::uint64_t sequence) {
                if (proof != recovery_proof::none)
                    return;
                damage = d;
                proof = p;
                where = name_of(sequence);
                offset = d == wal_damage::missing || d == wal_damage::segment_header
                             ? 0
                             : wal_format::page_bytes;
            };
            if (later.damage != wal_damage::none) {
                if (!later.blank)
                    accuse(later.damage, recovery_proof::lost_header, later.file.sequence);
                continue;
            }
            if (later.file.size < later.header.allocated_bytes)
                accuse(wal_damage::shortened, recovery_proof::short_file, later.file.sequence);
            if (later.header.optional_flags & wal_format::born_linked)
                accuse(survey_.first_group_damage(later), recovery_proof::later_seal,
                       later.file.sequence);
            if (later.header.after > file.sequence && survey_.index_of(later.header.after) == npos)
                accuse(wal_damage::missing, recovery_proof::lost_file, later.header.after);
            if (clean)
                continue;
            auto const used_before = found.used_bytes;
            search_wreck(*source_, later.header, wal_format::page_bytes, later.file.size, unpacker_,
                         found, ec, ignore_record);
            if (found.used_bytes != used_before && damage == wal_damage::none) {
                // The first group behind a full segment, torn.
                damage = survey_.first_group_damage(later);
                where = name_of(later.file.sequence);
                offset = wal_format::page_bytes;
            }
            survey_.note(ec);
        }
        if (found.durable > s.end.last) {
            proof = recovery_proof::later_seal;
            if (damage == wal_damage::none)
                damage = wal_damage::blank;
        }
        if (damage == wal_damage::none) {
            out_.report.outcome = clean ? recovery_outcome::clean : recovery_outcome::recovered;
            return;
        }
        damaged(damage, where, offset, proof);
        if (proof == recovery_proof::none) {
            out_.report.outcome = recovery_outcome::torn_tail;
            out_.report.bytes_lost = found.used_bytes;
        } else {
            damage_step_ = path_.size() - 1;
        }
    }

    // No segment has a readable link, though the first one was made with it.
    void judge_headless()
    {
        wreck_findings found;
        wal_damage damage = wal_damage::none;
        auto proof = recovery_proof::lost_header;
        std::uint64_t where = 0;
        for (item const& i : items()) {
            error_code ec;
            auto d = i.damage;
            if (d == wal_damage::none) {
                search_wreck(*source_, i.header, wal_format::page_bytes, i.file.size, unpacker_,
                             found, ec, ignore_record);
                if (i.header.optional_flags & wal_format::born_linked) {
                    d = wal_damage::blank;
                    proof = recovery_proof::later_seal;
                } else if (i.header.after != 0 && survey_.index_of(i.header.after) == npos) {
                    d = wal_damage::missing;
                    proof = recovery_proof::lost_file;
                }
            } else if (i.blank) {
                d = wal_damage::none;
            }
            survey_.note(ec);
            if (damage == wal_damage::none && d != wal_damage::none) {
                damage = d;
                where = d == wal_damage::missing ? i.header.after : i.file.sequence;
            }
        }
        if (damage == wal_damage::none) {
            damage = wal_damage::blank;
            proof = recovery_proof::later_seal;
            where = items().front().file.sequence;
        }
        damaged(damage, name_of(where), 0, proof);
        for (item const& i : items())
            path_.push_back({&i, i.file.sequence, i.file.size, std::nullopt});
        damage_step_ = 0;
        out_.front = found.front;
        damage_at_ = {wal_format::page_bytes, found.front - 1, 0};
        settle();
    }

    // -- 4. what the mode makes of it

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

    void damaged_at(std::size_t step, wal_damage d, recovery_proof proof)
    {
        damage_step_ = step;
        damaged(d, name_of(path_[step].sequence), damage_at_.offset, proof);
    }

    void damaged(wal_damage d, std::string segment, std::uint64_t offset, recovery_proof proof)
    {
        out_.report.reason = d;
        out_.report.segment = std::move(segment);
        out_.report.offset = offset;
        out_.report.proof = proof;
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
    std::vector<step> path_;
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
