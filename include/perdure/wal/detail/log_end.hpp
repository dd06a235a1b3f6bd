// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_END_HPP
#define PERDURE_WAL_DETAIL_LOG_END_HPP

#include <perdure/wal/detail/log_path.hpp>
#include <perdure/wal/packing.hpp>
#include <perdure/wal/segment_survey.hpp>
#include <perdure/wal/wreck.hpp>

#include <cstdint>

namespace perdure::detail {

/// What stands where a log ends.
struct end_verdict {
    log_damage damage;            ///< Without proof: a crash explains it.
    std::uint64_t used_bytes = 0; ///< That stand behind the log's last good group.
    position front = 1;           ///< The highest that anything behind it says is wanted.
};

/** Judges whether a crash explains what stands at the end of a log.
 *
 *  It does not if anything that was written later says that the lost positions were durable, or if
 *  a file lacks what was durable before it was used: its length, its header, its name.
 *
 *  Errors of the source are noted in the survey.
 */
template <segment_source Source>
class log_end {
public:
    /// All outlive this object.
    log_end(Source& source, segment_survey<Source>& survey, group_unpacker& unpacker) noexcept
        : source_(&source), survey_(&survey), unpacker_(&unpacker)
    {
    }

    /// Behind the good groups of the newest segment, at `head` in the survey, which `s` tells of.
    end_verdict judge(std::size_t head, segment_scan const& s)
    {
        auto const& items = survey_->all();
        auto const& newest = items[head];
        auto const& file = newest.file;
        bool const clean = s.footer && s.footer->next_sequence == 0;
        wreck_findings found;
        if (!clean)
            search(newest,
                   s.footer ? s.end.offset + wal_format::frame_bytes + wal_format::footer_bytes
                            : s.end.offset,
                   found);
        log_damage damage{s.damage, recovery_proof::none, file.sequence, s.end.offset};
        if (damage.reason == wal_damage::none && found.used_bytes != 0 && !s.footer)
            damage.reason = wal_damage::blank;

        if (!s.footer && file.size < newest.header.allocated_bytes) {
            damage.reason =
                damage.reason == wal_damage::none ? wal_damage::shortened : damage.reason;
            damage.proof = recovery_proof::short_file;
        }
        if (s.footer && s.footer->next_sequence != 0 && !exists(s.footer->next_sequence)) {
            damage.reason = wal_damage::missing;
            damage.proof = recovery_proof::lost_file;
            damage.sequence = s.footer->next_sequence;
            damage.offset = 0;
        }
        for (std::size_t i = head + 1; i != items.size(); ++i) {
            auto const& later = items[i];
            auto accuse = [&](wal_damage d, recovery_proof p, std::uint64_t sequence) {
                if (damage.proof != recovery_proof::none)
                    return;
                damage.reason = d;
                damage.proof = p;
                damage.sequence = sequence;
                damage.offset = d == wal_damage::missing || d == wal_damage::segment_header
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
                accuse(survey_->first_group_damage(later), recovery_proof::later_seal,
                       later.file.sequence);
            if (later.header.after > file.sequence && !exists(later.header.after))
                accuse(wal_damage::missing, recovery_proof::lost_file, later.header.after);
            if (clean)
                continue;
            auto const used_before = found.used_bytes;
            search(later, wal_format::page_bytes, found);
            if (found.used_bytes != used_before && damage.reason == wal_damage::none) {
                // The first group behind a full segment, torn.
                damage.reason = survey_->first_group_damage(later);
                damage.sequence = later.file.sequence;
                damage.offset = wal_format::page_bytes;
            }
        }
        if (found.durable > s.end.last) {
            damage.proof = recovery_proof::later_seal;
            if (damage.reason == wal_damage::none)
                damage.reason = wal_damage::blank;
        }
        return {damage, found.used_bytes, found.front};
    }

    /// No segment has a readable link, though the first one was made with it.
    end_verdict judge_headless()
    {
        wreck_findings found;
        log_damage damage{wal_damage::none, recovery_proof::lost_header, 0, 0};
        for (auto const& i : survey_->all()) {
            auto d = i.damage;
            if (d == wal_damage::none) {
                search(i, wal_format::page_bytes, found);
                if (i.header.optional_flags & wal_format::born_linked) {
                    d = wal_damage::blank;
                    damage.proof = recovery_proof::later_seal;
                } else if (i.header.after != 0 && !exists(i.header.after)) {
                    d = wal_damage::missing;
                    damage.proof = recovery_proof::lost_file;
                }
            } else if (i.blank) {
                d = wal_damage::none;
            }
            if (damage.reason == wal_damage::none && d != wal_damage::none) {
                damage.reason = d;
                damage.sequence = d == wal_damage::missing ? i.header.after : i.file.sequence;
            }
        }
        if (damage.reason == wal_damage::none)
            damage = {wal_damage::blank, recovery_proof::later_seal,
                      survey_->all().front().file.sequence, 0};
        return {damage, found.used_bytes, found.front};
    }

private:
    bool exists(std::uint64_t sequence) const
    {
        return survey_->index_of(sequence) != segment_survey<Source>::npos;
    }

    void search(surveyed_segment const& s, std::uint64_t offset, wreck_findings& found)
    {
        error_code ec;
        search_wreck(*source_, s.header, offset, s.file.size, *unpacker_, found, ec,
                     [](position, std::span<std::byte const>) {});
        survey_->note(ec);
    }

    Source* source_;
    segment_survey<Source>* survey_;
    group_unpacker* unpacker_;
};

} // namespace perdure::detail

#endif
