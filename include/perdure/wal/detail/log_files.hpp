// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_FILES_HPP
#define PERDURE_WAL_DETAIL_LOG_FILES_HPP

#include <perdure/wal/detail/directory_source.hpp>
#include <perdure/wal/detail/log_directories.hpp>
#include <perdure/wal/detail/log_lock.hpp>
#include <perdure/wal/opening.hpp>
#include <perdure/wal/options.hpp>
#include <perdure/wal/truncation.hpp>
#include <perdure/world/detail/write_back.hpp>
#include <perdure/world/files.hpp>

#include <boost/system/errc.hpp>

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/* The blocking half of a log: what runs inside file jobs, one at a time. It takes no decisions but
 * those of recovery, and shares nothing with the loop.
 */
namespace perdure::detail {

/// What opening a log needs to draw at random beforehand.
struct opening_entropy {
    wal_format::log_id log;
    std::uint64_t salt = 0;
};

/// A log as it is once opened.
struct opened_log {
    recovery_report report;
    std::vector<chain_segment> chain; ///< The last one takes the appends.
    wal_format::log_id log;
    position front = 1;
    std::uint64_t sequence_max = 0;
};

/// A segment's header as the options say, without sequence, predecessor and salt.
inline wal_format::segment_header header_for(wal_options const& o, wal_format::log_id const& log,
                                             std::uint64_t now_ms)
{
    wal_format::segment_header h;
    h.log = log;
    h.allocated_bytes = o.segment_bytes;
    h.checksum = o.checksum;
    h.record_bytes_max = o.record_bytes_max;
    // A group holds what may wait, or one record that is larger.
    h.group_bytes_max = std::max(o.waiting_bytes_max, o.record_bytes_max) + 4096;
    h.created_ms = now_ms;
    h.type(o.type);
    return h;
}

/// A whole footer frame.
inline void
write_footer(wal_format::segment_header const& segment, wal_format::footer const& f,
             std::span<std::byte, wal_format::frame_bytes + wal_format::footer_bytes> to)
{
    auto const payload = to.subspan<wal_format::frame_bytes>();
    encode(f, payload);
    encode(wal_format::frame_header{wal_format::footer_bytes, wal_format::frame_type::footer,
                                    f.last, segment.epoch(),
                                    wal_format::payload_checksum(segment.checksum, payload), 0},
           to.data());
}

template <class Files>
class log_files {
public:
    using file = typename Files::file;

    explicit log_files(log_directories directories, log_packing packing = {})
        : directories_(std::move(directories)),
          making_in_(directories_.first),
          packing_(packing),
          packer_(std::move(packing))
    {
    }

    /** Opens or creates the log. On error nothing of it was changed.
     *
     *  What could not be proven to be on disk is synced before it is read, and written again before
     *  it is served: after a failed sync a later one may succeed though the bytes are not there.
     */
    opened_log open(Files& fs, wal_options const& o, opening_entropy const& entropy,
                    std::uint64_t now_ms, error_code& ec)
    {
        opened_log out;
        out.report.mode = o.mode;
        open_steps(fs, o, entropy, now_ms, out, ec);
        if (ec) {
            out.report.outcome = recovery_outcome::refused;
            if (out.report.detail.empty())
                out.report.detail = ec.message();
            close_all();
        }
        return out;
    }

    /// Makes the next segment ready, unless it is.
    void prepare(Files& fs, wal_format::segment_header const& header, error_code& ec)
    {
        std::lock_guard lock(next_mutex_);
        ec = {};
        // Made already, and perhaps in use: a job that comes late must not make it again.
        if (header.sequence <= next_sequence_)
            return;
        next_ = create(fs, header, nullptr, ec);
        if (!ec)
            next_sequence_ = header.sequence;
    }

    /// Ends the segment in use and begins the one that was prepared. False, with an error, if there
    /// was no space for the footer: then the segment stays in use. Any other failure is final.
    bool rotate(std::uint64_t used, std::span<std::byte const> footer, error_code& ec)
    {
        std::lock_guard lock(next_mutex_);
        active_.write_at(used, footer, ec);
        if (ec == errc::no_space)
            return false;
        seal_off(used + footer.size(), sync_mode::none, ec);
        if (!ec)
            active_.close(ec);
        go_on_in(std::move(next_));
        return true;
    }

    /// New segments are made in the second directory from now on, if there is one.
    void move_on()
    {
        if (directories_.second.empty())
            return;
        std::lock_guard lock(next_mutex_);
        making_in_ = directories_.second;
        next_ = {};
    }

    /// Begins the segment that was prepared, and leaves the one in use, which has failed, as it is.
    void give_up_active()
    {
        std::lock_guard lock(next_mutex_);
        error_code ignored;
        active_.close(ignored);
        go_on_in(std::move(next_));
    }

    /** Cuts off the end: goes on in a new segment with `header`, and removes what is cut off.
     *
     *  `chain` becomes what the log then is. With an error it is unchanged, and if `failed` is set
     *  then, it is not known which of both the log is.
     */
    void truncate(Files& fs, std::vector<chain_segment>& chain, position last, position given,
                  position front, wal_format::segment_header const& header, std::uint64_t now_ms,
                  bool& failed, error_code& ec)
    {
        active_.sync(sync_mode::data, ec);
        failed = ec.failed();
        if (ec)
            return;
        directory_source<Files> source(fs, directories_);
        log_truncation<directory_source<Files>> cut(source, chain, front, packing_);
        auto const log = cut.run(last, given, ec);
        if (ec)
            return;
        chain_segment made;
        file f = create_with_groups(fs, header, cut, log, now_ms, made, ec);
        if (ec) {
            // Under its name it counts, whether or not the directory was synced.
            error_code open_ec;
            failed = fs.open(path(header.sequence), open_mode::read, open_ec).is_open();
            return;
        }
        go_on_in(std::move(f));
        chain = log.chain;
        chain.push_back(made);
        // What is left over by a failure here is removed by the next opening.
        error_code ignored;
        if (next_.is_open())
            fs.remove(path(next_sequence_), ignored);
        next_ = {};
        for (auto const sequence : log.obsolete)
            directories_.remove(fs, sequence, ignored);
        directories_.sync(fs, ignored);
    }

    /// The group with its records compressed and encrypted as the segment's header says; not sealed
    /// yet. It stays until the next one.
    group_builder& pack(group_builder const& group, wal_format::segment_header const& segment,
                        error_code& ec)
    {
        ec = {};
        packed_.assign(group);
        if (!packer_.pack(packed_, segment))
            ec = errc::wrong_key;
        return packed_;
    }

    void write(std::uint64_t at, std::span<std::span<std::byte const> const> parts, error_code& ec)
    {
        active_.write_at(at, parts, ec);
        for (auto const& p : parts)
            at += p.size();
        written_ = at;
    }

    /// What was written is left to the system for now. The sync that ends the segment must not find
    /// all of it to do: nobody appends meanwhile.
    void leave() { write_back_.reached(active_, written_); }

    void sync(error_code& ec)
    {
        active_.sync(sync_mode::data, ec);
        write_back_.synced(written_);
    }

    /// Ends the log: the next opening finds nothing to recover.
    void close(std::uint64_t used, std::span<std::byte const> footer, error_code& ec)
    {
        active_.write_at(used, footer, ec);
        seal_off(used + footer.size(), sync_mode::all, ec);
        error_code close_ec;
        active_.close(close_ec);
        if (!ec)
            ec = close_ec;
        close_all();
    }

    /// Removes segments from the front, oldest first.
    void remove(Files& fs, std::vector<std::uint64_t> const& sequences, error_code& ec)
    {
        for (auto const sequence : sequences) {
            directories_.remove(fs, sequence, ec);
            if (ec && ec != boost::system::errc::no_such_file_or_directory)
                return;
        }
        directories_.sync(fs, ec);
    }

    void close_all()
    {
        active_ = {};
        next_ = {};
        lock_ = {};
    }

private:
    // Numbers rise by one from 1, so one that would overflow some day is a stranger's.
    static constexpr std::uint64_t sequence_limit = std::uint64_t{1} << 62;

    void go_on_in(file&& f)
    {
        active_ = std::move(f);
        write_back_ = {};
    }

    std::string path(std::uint64_t sequence,
                     std::string_view suffix = wal_format::segment_suffix) const
    {
        return log_directories::path(making_in_, sequence, suffix);
    }

    void open_steps(Files& fs, wal_options const& o, opening_entropy const& entropy,
                    std::uint64_t now_ms, opened_log& out, error_code& ec)
    {
        // What the report says of an error that has no words of its own.
        auto const failed = [&](std::string const& what) {
            if (ec && out.report.detail.empty())
                out.report.detail = what + ": " + ec.message();
            return ec.failed();
        };
        making_in_ = directories_.first;
        fs.create_directories(directories_.first, ec);
        if (failed(directories_.first))
            return;
        if (!directories_.second.empty())
            fs.create_directories(directories_.second, ec);
        if (failed(directories_.second))
            return;
        auto const lock_path = log_lock<Files>::path(directories_.first);
        lock_.take(fs, directories_.first, ec);
        if (ec == errc::locked)
            out.report.detail = "open in " + lock_.owner();
        if (failed(lock_path))
            return;
        if (!directories_.second.empty() && log_lock<Files>::is_taken(fs, directories_.second)) {
            ec = boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
            out.report.detail = "the second directory, " + directories_.second +
                                ", is the first one by another name, or another log's";
            return;
        }
        recovery_options how{o.mode, o.verify_everything, lock_.read_identity(ec), packing_,
                             o.type};
        if (failed(lock_path))
            return;

        directory_source<Files> source(fs, directories_);
        source.list(ec);
        if (!ec)
            sync_unproven(fs, source, out.report, ec);
        if (!ec)
            source.list(ec);
        if (failed(source.failed_in()))
            return;
        log_recovery<directory_source<Files>> recovery(source, how);
        recovered_log const log = recovery.run();
        out.report = log.report;
        ec = log.error;
        // In salvage what cannot be read is lost, and no error.
        if (ec && !source.failed_in().empty() && o.mode != recovery_mode::salvage)
            out.report.detail = source.failed_in() + ": " + ec.message();
        if (ec)
            return;

        if (log.sequence_max >= sequence_limit) {
            ec = errc::malformed;
            out.report.detail = wal_format::segment_name(log.sequence_max) +
                                " has a number that no log reaches; move it away if it is not the log's";
            return;
        }
        if (log.damaged) {
            copy_aside(fs, *log.damaged, out.report, ec);
            if (ec)
                return;
        }
        for (auto const& leftover : source.unfinished()) {
            fs.remove(leftover, ec);
            if (failed(leftover))
                return;
        }
        out.log = log.log == wal_format::log_id{} ? entropy.log : log.log;
        out.front = log.front;
        out.chain = log.chain;
        out.sequence_max = log.sequence_max + 1;
        wal_format::segment_header header = header_for(o, out.log, now_ms);
        header.sequence = out.sequence_max;
        header.after = out.chain.empty() ? 0 : out.chain.back().header.sequence;
        header.salt = entropy.salt;
        header.record_bytes_max = std::max(header.record_bytes_max, log.record_bytes_max);
        header.group_bytes_max = std::max(header.group_bytes_max, header.record_bytes_max + 4096);
        if (!describe_packing(packing_, header)) {
            ec = errc::wrong_key;
            return;
        }
        chain_segment made;
        active_ = create_with_groups(fs, header, recovery, log, now_ms, made, ec);
        if (failed(path(header.sequence)))
            return;
        out.chain.push_back(made);
        // Only now: a log whose identity is known and whose segments are not there was lost.
        if (how.log != out.log)
            lock_.write_identity(out.log, ec);
        if (failed(lock_path))
            return;
        error_code ignored; // The owner is for people.
        lock_.write_owner(o.owner, ignored);
        tidy(fs, log, out.report);
        if (out.chain.size() > 1 && out.report.outcome != recovery_outcome::clean)
            release_unwritten(fs, out.chain[out.chain.size() - 2]);
    }

    // A segment that a crash has ended keeps its length, which is part of the proof, but not the space that was
    // preallocated: else a process that dies again and again fills the disk.
    void release_unwritten(Files& fs, chain_segment const& segment)
    {
        if constexpr (requires(file f) { f.release_unwritten(0); }) {
            error_code ec;
            file f = directories_.open(fs, segment.header.sequence, open_mode::read_write, ec);
            if (!ec)
                f.release_unwritten(segment.used_bytes); // What is before stays cached: it is read next.
        }
    }

    // Syncs the newest segment that was written to, and what is newer, before they are believed.
    void sync_unproven(Files& fs, directory_source<Files>& source, recovery_report& report,
                       error_code& ec)
    {
        auto const& segments = source.segments();
        for (auto i = segments.rbegin(); i != segments.rend(); ++i) {
            file f = directories_.open(fs, i->sequence, open_mode::read_write, ec);
            if (!ec)
                f.sync(sync_mode::all, ec);
            if (ec) {
                report.detail = "syncing " + path(i->sequence) + ": " + ec.message();
                return;
            }
            if (begins_with_link(source, *i))
                break;
        }
        directories_.sync(fs, ec);
        if (ec)
            report.detail = "syncing " + directories_.first + ": " + ec.message();
    }

    static bool begins_with_link(directory_source<Files>& source, stored_segment const& s)
    {
        std::vector<std::byte> bytes(2 * wal_format::page_bytes);
        error_code ec;
        bytes.resize(source.read(s.sequence, 0, bytes, ec));
        bool damaged = false;
        auto const header = wal_format::decode_header(bytes, damaged, ec, s.sequence);
        if (ec)
            return false;
        segment_scanner scanner(header);
        return scanner.next(std::span(bytes).subspan(wal_format::page_bytes), false) ==
               segment_scanner::status::group;
    }

    // A segment that a log goes on in after it was opened or cut.
    template <class Rewriter>
    file create_with_groups(Files& fs, wal_format::segment_header header, Rewriter& rewriter,
                            recovered_log const& log, std::uint64_t now_ms, chain_segment& made,
                            error_code& ec)
    {
        header.optional_flags |= wal_format::born_linked;
        return create(
            fs, header,
            [&](file& to, error_code& write_ec) {
                std::uint64_t at = wal_format::page_bytes;
                made = write_opening(
                    rewriter, log, header, now_ms, packer_,
                    [&](std::span<std::byte const> bytes) {
                        to.write_at(at, bytes, write_ec);
                        at += bytes.size();
                    },
                    write_ec);
            },
            ec);
    }

    // A segment gets its name when everything in it is durable.
    template <class Fill>
    file create(Files& fs, wal_format::segment_header header, Fill&& fill, error_code& ec)
    {
        if (header.sequence == unproven_) { // Trying again would only come to that it exists.
            ec = unproven_cause_;
            return {};
        }
        auto const unfinished = path(header.sequence, wal_format::unfinished_suffix);
        file f = fs.open(unfinished, open_mode::create_new, ec);
        if (ec == boost::system::errc::file_exists) { // Left by a failed attempt of this object.
            fs.remove(unfinished, ec);
            if (!ec)
                f = fs.open(unfinished, open_mode::create_new, ec);
        }
        if (!ec)
            f.allocate(0, header.allocated_bytes, ec);
        if constexpr (!std::is_same_v<std::decay_t<Fill>, std::nullptr_t>)
            if (!ec)
                fill(f, ec);
        if (!ec) {
            std::array<std::byte, wal_format::page_bytes> page;
            encode(header, page);
            f.write_at(0, page, ec);
        }
        if (!ec)
            f.sync(sync_mode::all, ec);
        if (!ec)
            fs.rename(unfinished, path(header.sequence), rename_mode::no_replace, ec);
        if (!ec) {
            fs.sync_directory(making_in_, ec);
            if (ec) {
                unproven_ = header.sequence;
                unproven_cause_ = ec;
            }
        }
        if (ec) {
            f = {};
            error_code ignored;
            fs.remove(unfinished, ignored);
        }
        return f;
    }

    // Unless writing the footer, which ends at `size`, has failed.
    void seal_off(std::uint64_t size, sync_mode after, error_code& ec)
    {
        if (!ec)
            active_.sync(sync_mode::data, ec);
        if (ec)
            return;
        // Gives back what was preallocated. Only behind a durable footer: without one, a file that
        // is too short is proof of damage.
        active_.truncate(size, ec);
        if (!ec && after != sync_mode::none)
            active_.sync(after, ec);
    }

    static std::string broken_name(std::uint64_t sequence, int n)
    {
        return wal_format::segment_name(sequence, std::string(wal_format::segment_suffix) +
                                                      ".broken" +
                                                      (n == 0 ? "" : std::to_string(n)));
    }

    // Evidence: the segment stays in use up to the damage, and goes when it is trimmed.
    void copy_aside(Files& fs, std::uint64_t sequence, recovery_report& report, error_code& ec)
    {
        file from = directories_.open(fs, sequence, open_mode::read, ec);
        file to;
        std::string name;
        for (int n = 0; n != 100 && !ec; ++n) {
            name = broken_name(sequence, n);
            to = fs.open(making_in_ + '/' + name, open_mode::create_new, ec);
            if (ec != boost::system::errc::file_exists)
                break;
            ec = {};
        }
        std::vector<std::byte> bytes(256 * 1024);
        for (std::uint64_t at = 0; !ec;) {
            auto const n = from.read_at(at, bytes, ec);
            if (n == 0 || ec)
                break;
            to.write_at(at, std::span(bytes).first(n), ec);
            at += n;
        }
        if (!ec)
            to.sync(sync_mode::all, ec);
        if (!ec)
            fs.sync_directory(making_in_, ec);
        if (!ec) {
            report.set_aside.push_back(name);
            return;
        }
        report.detail = "copying " + wal_format::segment_name(sequence) + " aside: " + ec.message();
        error_code ignored;
        if (to.is_open())
            fs.remove(making_in_ + '/' + name, ignored);
    }

    // After a recovery. What fails here is done by the next opening.
    void tidy(Files& fs, recovered_log const& log, recovery_report& report)
    {
        error_code ec;
        for (auto const sequence : log.obsolete)
            directories_.remove(fs, sequence, ec);
        for (auto const sequence : log.aside)
            for (int n = 0; n != 100; ++n) {
                auto const name = broken_name(sequence, n);
                directories_.rename(fs, sequence, name, ec);
                if (ec == boost::system::errc::file_exists)
                    continue;
                if (!ec)
                    report.set_aside.push_back(name);
                break;
            }
        if (!log.obsolete.empty() || !log.aside.empty())
            directories_.sync(fs, ec);
    }

    log_directories directories_;
    std::string making_in_; // Where new segments are made.
    log_packing packing_;
    group_packer packer_;
    group_builder packed_;
    log_lock<Files> lock_;
    file active_; // Touched by whoever writes: one at a time. So are the next two.
    std::uint64_t written_ = 0;
    write_back write_back_;
    std::mutex next_mutex_; // A thread may write while a file job makes the next segment.
    file next_;
    std::uint64_t next_sequence_ = 0;
    std::uint64_t unproven_ = 0; // A segment that has its name, perhaps not for good, and why.
    error_code unproven_cause_;
};

} // namespace perdure::detail

#endif
