// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_WAL_DAMAGE_SEARCH_HPP
#define PERDURE_TESTS_WAL_DAMAGE_SEARCH_HPP

#include "support/catch.hpp"
#include "support/memory_files.hpp"
#include "wal/plain_log.hpp"

#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

/** Damages a log in every way of a kind and checks what recovery makes of it.
 *
 *  Invariants, in every mode:
 *  I1  what is read is an exact prefix of what was appended (salvage: a subset, in order);
 *  I2  every acknowledged record is read, or the log says that it is lost, unless the damage also
 *      hit all that could prove it;
 *  I3  nothing is read that was not appended, byte for byte;
 *  I4  appending goes on, and does not give a position again that was acknowledged, but for I2;
 *  I5  opening again in the default mode loses nothing more;
 *  I6  the report says exactly what can be read.
 *
 *  And so that refusing is no way to keep them: where one copy of a segment's header and what nobody reads were hit,
 *  the log opens in every mode and has everything; where what a crash can tear was hit, it opens in all modes but
 *  strict, and lacks at most its last group.
 */
class damage_search {
public:
    using log_type = plain_log<memory_files>;
    struct region {
        std::string file;
        std::size_t begin;
        std::size_t end;
    };
    struct tally {
        std::uint64_t opened = 0, intact = 0, torn = 0, refused = 0, lossy = 0, late = 0;
        std::uint64_t due = 0; ///< Those that had to succeed.
        friend std::ostream& operator<<(std::ostream& out, tally const& t)
        {
            return out << t.opened << " openings: " << t.intact << " intact, " << t.torn
                       << " torn, " << t.refused << " refused, " << t.lossy << " with losses, "
                       << t.late << " refused while reading, " << t.due << " had to succeed";
        }
    };

    /// `log` wrote `disk`; it may still be open.
    damage_search(std::shared_ptr<memory_files::disk> disk, log_type& log,
                  perdure::wal_options options = log_type::defaults())
        : disk_(disk->clone()),
          options_(std::move(options)),
          front_(log.front),
          durable_(log.durable)
    {
        perdure::error_code ec;
        for (auto& [p, text] : log.read(ec))
            original_[p] = text;
        for (auto const& [name, node] : disk_->files)
            if (name.ends_with(".seg"))
                find_evidence(name, node->content);
        find_tail();
    }

    std::vector<std::string> segments() const
    {
        std::vector<std::string> names;
        for (auto const& [name, n] : disk_->files)
            if (name.ends_with(".seg"))
                names.push_back(name);
        return names;
    }
    memory_files::bytes const& content(std::string const& name) const
    {
        return disk_->files.at(name)->content;
    }

    /// Puts `bytes` in place of a file's content; `changed` is where they differ.
    void with(std::string const& name, memory_files::bytes bytes, std::vector<region> changed,
              std::string const& what)
    {
        changed_ = std::move(changed);
        what_ = what;
        auto const node = disk_->files.at(name);
        // A file that is too short is proof of a loss, wherever it ends.
        due_ = bytes.size() == node->content.size() ? what_is_due() : std::nullopt;
        std::swap(node->content, bytes);
        for (auto mode : {perdure::recovery_mode::strict, perdure::recovery_mode::tail,
                          perdure::recovery_mode::point_in_time, perdure::recovery_mode::salvage})
            check(mode);
        std::swap(node->content, bytes);
    }

    /// Removes a file.
    void without(std::string const& name)
    {
        auto const node = disk_->files.at(name);
        changed_ = {{name, 0, node->content.size()}};
        what_ = "without " + name;
        due_ = extents_.at(name).frames_end == 0 ? std::optional(due{durable_, false}) : std::nullopt;
        disk_->files.erase(name);
        for (auto mode : {perdure::recovery_mode::strict, perdure::recovery_mode::tail,
                          perdure::recovery_mode::point_in_time, perdure::recovery_mode::salvage})
            check(mode);
        disk_->files[name] = node;
    }

    std::map<perdure::recovery_mode, tally> const& tallies() const { return tallies_; }
    std::uint64_t violations() const { return violations_; }

private:
    struct evidence {
        region where;
        perdure::position durable;
    };
    /// Where the frames of a segment stand.
    struct extent {
        std::size_t frames_end = 0;        ///< 0: it has none.
        std::size_t last_group = 0;        ///< Where it begins.
        perdure::position before_last = 0; ///< The last position before it.
        bool has_footer = false;
        std::size_t tail = static_cast<std::size_t>(-1); ///< What a crash can tear begins here.
    };
    /// What the log has after a damage.
    struct due {
        perdure::position last; ///< Everything up to here.
        bool torn;              ///< Also in strict mode, unless something looks torn.
    };

    void find_evidence(std::string const& name, memory_files::bytes const& bytes)
    {
        using namespace perdure;
        if (bytes.size() < wal_format::page_bytes)
            return;
        auto& e = extents_[name];
        bool damaged = false;
        error_code ec;
        position last = 0;
        auto const header = wal_format::decode_header(bytes, damaged, ec);
        for (std::size_t at = wal_format::page_bytes; at + wal_format::frame_bytes <= bytes.size();
             at += 8) {
            auto const h = wal_format::decode_frame(&bytes[at]);
            if (!h || h->epoch != header.epoch() || at + h->frame_size() > bytes.size())
                continue;
            auto const payload = std::span(bytes).subspan(at + wal_format::frame_bytes, h->size);
            position claim = 0;
            if (h->type == wal_format::frame_type::seal)
                claim = wal_format::decode_seal(payload).durable;
            else if (h->type == wal_format::frame_type::footer)
                claim = wal_format::decode_footer(payload).durable;
            else if (h->type == wal_format::frame_type::link)
                claim = h->at;
            e.frames_end = at + h->frame_size();
            e.has_footer = h->type == wal_format::frame_type::footer;
            if (h->index == 0 && !e.has_footer) {
                e.last_group = at;
                e.before_last = last;
            }
            last = h->at;
            if (claim != 0)
                evidence_.push_back({{name, at, at + h->frame_size()}, claim});
        }
    }

    // A crash can tear the last group of the newest segment that has one, and what stands in none.
    void find_tail()
    {
        for (auto i = extents_.rbegin(); i != extents_.rend(); ++i) {
            auto& e = i->second;
            if (e.frames_end == 0) {
                e.tail = perdure::wal_format::page_bytes;
                continue;
            }
            // Its first group is also its link, and proof that it was begun.
            if (!e.has_footer && e.last_group > perdure::wal_format::page_bytes)
                e.tail = e.last_group;
            return;
        }
    }

    // Nothing if the damage may cost more than a crash does.
    std::optional<due> what_is_due() const
    {
        using namespace perdure::wal_format;
        due d{durable_, false};
        std::map<std::string, std::set<std::size_t>> copies;
        for (auto const& c : changed_) {
            auto const& e = extents_.at(c.file);
            for (std::size_t const copy : {std::size_t{0}, header_copy})
                if (c.begin < copy + header_bytes && copy < c.end)
                    copies[c.file].insert(copy);
            if (copies[c.file].size() == 2 || (c.end > page_bytes && c.begin < e.tail))
                return std::nullopt;
            d.torn = d.torn || c.end > page_bytes;
            if (c.begin < e.frames_end && c.end > page_bytes)
                d.last = std::min(d.last, e.before_last);
        }
        return d;
    }

    bool was_hit(region const& r) const
    {
        for (auto const& c : changed_)
            if (c.file == r.file && c.begin < r.end && r.begin < c.end)
                return true;
        return false;
    }
    // Whether everything that proves this position was hit too.
    bool excused(perdure::position p) const
    {
        for (auto const& e : evidence_)
            if (e.durable >= p && !was_hit(e.where))
                return false;
        return true;
    }

    void violated(perdure::recovery_mode mode, std::string const& why,
                  perdure::recovery_report const& report)
    {
        if (++violations_ <= 20)
            FAIL_CHECK(what_ << ", mode " << to_string(mode) << ": " << why << " | " << report);
    }

    void check(perdure::recovery_mode mode)
    {
        using namespace perdure;
        auto& tally = tallies_[mode];
        ++tally.opened;
        bool const is_due = due_ && !(mode == recovery_mode::strict && due_->torn);
        tally.due += is_due;
        auto disk = disk_->clone();
        recovery_report report;
        std::map<position, std::string> kept;
        {
            log_type log(memory_files(disk), options_);
            report = log.open(mode, 7);
            if (log.error) {
                ++tally.refused;
                if (is_due)
                    violated(mode, "refused without need: " + log.error.message(), report);
                if (mode == recovery_mode::point_in_time || mode == recovery_mode::salvage)
                    violated(mode, "refused: " + log.error.message(), report);
                if (report.outcome != recovery_outcome::refused)
                    violated(mode, "the outcome is not 'refused'", report);
                return;
            }
            error_code ec;
            position last = log.front - 1;
            for (auto const& [p, text] : log.read(ec)) {
                if (mode != recovery_mode::salvage && p != last + 1)
                    violated(mode, "I1: " + std::to_string(p) + " follows " + std::to_string(last),
                             report);
                if (p <= last)
                    violated(mode, "I1: out of order", report);
                auto const found = original_.find(p);
                if (found == original_.end() || found->second != text)
                    violated(mode, "I3: wrong content at " + std::to_string(p), report);
                last = p;
                kept[p] = text;
            }
            if (ec) {
                // After a clean close the segments are verified when they are read.
                ++tally.late;
                if (mode != recovery_mode::tail || is_due)
                    violated(mode, "cannot be read: " + ec.message(), report);
                return;
            }
            bool lossy = false;
            for (auto const& [p, text] : original_) {
                if (p < front_ || p > durable_ || kept.contains(p))
                    continue;
                lossy = true;
                if (is_due && p <= due_->last)
                    violated(mode, std::to_string(p) + " is gone without need", report);
                bool told = false;
                for (auto const& r : report.lost)
                    told = told || r.contains(p);
                if (!told && !excused(p))
                    violated(mode, "I2: " + std::to_string(p) + " is silently gone", report);
                if (!told && log.next() <= p)
                    continue; // Excused.
                if (log.next() <= p)
                    violated(mode, "I4: " + std::to_string(p) + " will be given again", report);
            }
            for (auto const& r : report.lost)
                for (position p = r.first; p <= r.last; ++p)
                    if (kept.contains(p))
                        violated(mode, "I6: " + std::to_string(p) + " is reported lost", report);
            position const read_last = kept.empty() ? log.front - 1 : kept.rbegin()->first;
            if (mode != recovery_mode::salvage && report.recovered.last != read_last)
                violated(mode, "I6: read up to " + std::to_string(read_last), report);
            (report.outcome == recovery_outcome::torn_tail          ? tally.torn
             : lossy || report.outcome == recovery_outcome::damaged ? tally.lossy
                                                                    : tally.intact)++;
            kept[log.next()] = "after";
            log.append({"after"});
            if (log.error)
                violated(mode, "I4: cannot append: " + log.error.message(), report);
            kept[log.next()] = "the damage";
            log.append({"the damage"});
        }
        log_type again(memory_files(disk), options_);
        auto const second = again.open(recovery_mode::tail, 8);
        if (again.error)
            return violated(mode, "I5: cannot be opened again: " + to_string(second), report);
        error_code ec;
        auto const read = again.read(ec);
        if (ec || std::map<position, std::string>(read.begin(), read.end()) != kept)
            violated(mode, "I5: lost more when opened again: " + to_string(second), report);
        if (second.outcome != recovery_outcome::recovered)
            violated(mode, "I5: needs repair again: " + to_string(second), report);
    }

    std::shared_ptr<memory_files::disk> disk_;
    perdure::wal_options options_;
    perdure::position front_;
    perdure::position durable_;
    std::map<perdure::position, std::string> original_;
    std::vector<evidence> evidence_;
    std::map<std::string, extent> extents_;
    std::optional<due> due_;
    std::vector<region> changed_;
    std::string what_;
    std::map<perdure::recovery_mode, tally> tallies_;
    std::uint64_t violations_ = 0;
};

#endif
