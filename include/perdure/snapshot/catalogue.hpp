// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_CATALOGUE_HPP
#define PERDURE_SNAPSHOT_CATALOGUE_HPP

#include <perdure/snapshot/backend.hpp>
#include <perdure/snapshot/detail/chunk_sharing.hpp>
#include <perdure/snapshot/incremental_writer.hpp>
#include <perdure/snapshot/options.hpp>
#include <perdure/snapshot/reader.hpp>
#include <perdure/snapshot/report.hpp>
#include <perdure/snapshot/writer.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace perdure {

/** The snapshots of one store on any back end: which there are, which is good, which may go.
 *
 *  Blocking, used from one thread at a time; basic_snapshot_store drives it off the loop.
 *
 *  Objects of the back end: `snapshot-<id, 20 digits>.snap`; `snapshot-<id>.pack` with chunks that
 *  snapshots from that id on share; and `snapshot-<id>.attempt-<n>` while the n-th load of that
 *  snapshot has not ended well. Other names, and ids above 2^62, are a stranger's and left alone.
 *
 *  @par Invariants
 *  1. An id is given once: the next one is above every id that is or was seen, also of those put aside.
 *  2. A good snapshot is removed only when `generations` newer ones were published durably. One that a load of this object
 *     passed over is not among them; it is removed when it is older than all good ones that stay.
 *  3. A bad one is put aside and never removed here.
 *  4. A pack is published before a snapshot refers to it, and removed only after the last one that
 *     does was removed.
 *
 *  @par Thread safety  Distinct objects: safe. Shared objects: unsafe.
 */
template <snapshot_backend Backend>
class snapshot_catalogue {
public:
    /// Writes one snapshot, alone or sharing chunks; see snapshot_writer.
    class writer {
    public:
        /// Adds 1 to chunk_size raw bytes to a partition. The first error stays.
        void append(std::span<std::byte const> raw, error_code& ec, std::uint16_t partition = 0)
        {
            std::visit([&](auto& w) { w.append(raw, ec, partition); }, how_);
        }
        /// In how many parts the state is encoded, 1 to partitions_max; 1 if this is not called.
        void partitions(std::uint32_t n) noexcept
        {
            std::visit([&](auto& w) { w.partitions(n); }, how_);
        }

    private:
        friend class snapshot_catalogue;
        using whole = snapshot_writer<typename Backend::upload>;
        using incremental = incremental_writer<Backend>;
        template <class How>
        explicit writer(How how) : how_(std::move(how))
        {
        }
        std::variant<whole, incremental> how_;
    };

    /// Touches nothing. Throws std::invalid_argument as validate.
    snapshot_catalogue(Backend backend, snapshot_options options)
        : backend_(std::move(backend)), options_(std::move(options))
    {
        check(options_);
        known_ = options_.decompressors;
        if (options_.compression.decompress != nullptr)
            known_.push_back(options_.compression);
    }

    /// Makes the back end ready. Every function does it first; again: no effect.
    void open(error_code& ec)
    {
        ec = {};
        if (opened_)
            return;
        backend_.open(ec);
        if (!ec)
            scan(ec);
        opened_ = !ec;
    }

    /// Begins a snapshot under the next id.
    std::optional<writer> begin(std::uint64_t position, std::uint32_t codec,
                                std::uint32_t codec_version, error_code& ec)
    {
        open(ec);
        if (!ec && next_id_ > id_max)
            ec = errc::too_large; // It would not be seen again.
        if (ec)
            return std::nullopt;
        snapshot_header h;
        h.id = next_id_;
        h.position = position;
        h.type = options_.type;
        h.schema_version = options_.schema_version;
        h.codec = codec;
        h.codec_version = codec_version;
        h.log_id = options_.log_id;
        h.creator = creator();
        if (options_.incremental.enabled)
            return begin_incremental(std::move(h), ec);
        auto upload = backend_.create(name_of(h.id), ec);
        if (ec)
            return std::nullopt;
        ++next_id_;
        return writer(
            typename writer::whole(std::move(upload), std::move(h), options_.compression));
    }

    /** Publishes a snapshot, then removes those that are too old and packs that none needs.
     *
     *  An error of the removal is not one of the save: the next save tries again.
     */
    snapshot_info publish(writer& w, error_code& ec)
    {
        auto info = std::visit([&](auto& how) { return how.commit(ec); }, w.how_);
        if (ec)
            return info;
        if (auto* const shared = std::get_if<typename writer::incremental>(&w.how_)) {
            sharing_.saved(info.id, shared->shared());
            counters_.bytes_written += shared->counters().bytes_written;
            counters_.chunks_written += shared->counters().chunks_written;
            counters_.chunks_shared += shared->counters().chunks_shared;
        } else {
            counters_.bytes_written += info.size;
            counters_.chunks_written += info.chunks;
        }
        ++counters_.snapshots;
        error_code ignored;
        remove_old(ignored);
        return info;
    }

    /// Of this object.
    snapshot_counters const& counters() const noexcept { return counters_; }

    /** Finds the newest snapshot that is intact and that `decode` accepts.
     *
     *  decode(snapshot_content const&, error_code&) gets verified bytes of the right type and codec.
     *
     *  @par Errors  see basic_snapshot_store::load_newest.
     */
    template <class Reads, class Decode>
    snapshot_info load_newest(std::uint32_t codec, Reads&& reads, Decode&& decode,
                              snapshot_report& report, error_code& ec)
    {
        return load_newest_of(
            [&](snapshot_header const& h) {
                return h.codec != codec            ? error_code(errc::wrong_type)
                       : !reads(h.codec_version) ? error_code(errc::unsupported_version)
                                                   : error_code();
            },
            decode, report, ec);
    }

    /** The same for several codecs: `refusal(snapshot_header const&)` returns no error for what
     *  `decode` can read, else errc::wrong_type or errc::unsupported_version.
     */
    template <class Refusal, class Decode>
    snapshot_info load_newest_of(Refusal&& refusal, Decode&& decode, snapshot_report& report,
                                 error_code& ec)
    {
        report = {};
        open(ec);
        if (ec)
            return {};
        auto const all = scan(ec);
        if (ec)
            return {};
        report.aside_before = all.aside;
        for (auto const& [id, state] : all.ids)
            report.candidates += state.exists ? 1 : 0;
        bool seen = all.aside != 0;
        for (auto at = all.ids.rbegin(); at != all.ids.rend(); ++at) {
            auto const id = at->first;
            if (!at->second.exists)
                continue;
            seen = true;
            if (at->second.marks.size() >= options_.load_attempts) {
                pass(report, id, errc::cannot_decode, true, true);
                continue;
            }
            auto const content = read(id, ec);
            if (ec == condition::corruption) {
                pass(report, id, ec, true, false);
                continue;
            }
            if (!ec)
                check_kind(content, refusal, ec);
            if (ec)
                return {}; // Another program or another attempt may read it: an older one would be silent loss.
            auto const marks = mark(id, at->second.marks);
            decode(content, ec);
            remove_marks(id, marks);
            if (!ec)
                passed_over_.erase(id);
            if (ec == errc::cannot_decode) {
                // The bytes are what was written, so it is more likely the program that is wrong: the right one, started next,
                // must find everything in its place.
                pass(report, id, ec, false, false);
                continue;
            }
            if (ec)
                return {};
            return content.info();
        }
        ec = seen ? errc::no_good_snapshot : errc::no_snapshot;
        return {};
    }

    /// The snapshots that are there, oldest first; nothing is verified.
    std::vector<std::uint64_t> ids(error_code& ec)
    {
        std::vector<std::uint64_t> result;
        open(ec);
        if (ec)
            return result;
        for (auto const& [id, state] : scan(ec).ids)
            if (state.exists)
                result.push_back(id);
        return result;
    }

    /// Reads and verifies one snapshot; nothing is marked or put aside.
    snapshot_content read(std::uint64_t id, error_code& ec)
    {
        open(ec);
        if (ec)
            return {};
        auto object = backend_.find(name_of(id), ec);
        if (ec)
            return {};
        auto content = read_snapshot(
            object, known_, detail::open_packs(backend_, &snapshot_catalogue::pack_of), ec);
        if (!ec && content.header().id != id)
            ec = errc::malformed; // Renamed by a stranger, so its place in the order is unknown.
        return content;
    }

    /// Puts a snapshot aside by hand, so that the next load passes it over.
    void put_aside(std::uint64_t id, error_code& ec)
    {
        open(ec);
        if (!ec)
            backend_.put_aside(name_of(id), ec);
        if (!ec) {
            sharing_.forget(id);
            passed_over_.erase(id);
            error_code ignored;
            remove_marks(id, scan(ignored).ids[id].marks);
        }
    }

    /// Where the snapshots are.
    Backend& backend() noexcept { return backend_; }
    /// As given.
    snapshot_options const& options() const noexcept { return options_; }

private:
    struct found {
        bool exists = false;
        std::set<std::uint32_t> marks; // of loads that began and did not end well
    };
    struct everything {
        std::map<std::uint64_t, found> ids;
        std::map<std::uint64_t, std::uint64_t> packs; // and their sizes
        std::uint32_t aside = 0;
        std::uint64_t newest_aside = 0;
    };

    static detail::chunk_sharing::contents contents_of(everything const& all)
    {
        detail::chunk_sharing::contents result{all.packs, {}, all.newest_aside};
        for (auto const& [id, state] : all.ids)
            if (state.exists)
                result.snapshots.insert(id);
        return result;
    }

    static constexpr std::string_view prefix = "snapshot-";
    // So that no name of a stranger uses up the ids.
    static constexpr std::uint64_t id_max = std::uint64_t{1} << 62;

    static std::string stem_of(std::uint64_t id)
    {
        std::string digits = std::to_string(id);
        return std::string(prefix) + std::string(20 - digits.size(), '0') + digits;
    }
    static std::string name_of(std::uint64_t id) { return stem_of(id) + ".snap"; }
    static std::string pack_of(std::uint64_t id) { return stem_of(id) + ".pack"; }
    static std::string mark_of(std::uint64_t id, std::uint32_t attempt)
    {
        return stem_of(id) + ".attempt-" + std::to_string(attempt);
    }

    // Splits a name into id and suffix; false for strangers.
    static bool parse(std::string_view name, std::uint64_t& id, std::string_view& suffix)
    {
        if (!name.starts_with(prefix) || name.size() < prefix.size() + 20)
            return false;
        char const* const digits = name.data() + prefix.size();
        auto const [end, error] = std::from_chars(digits, digits + 20, id);
        suffix = name.substr(prefix.size() + 20);
        return error == std::errc() && end == digits + 20 && id <= id_max;
    }
    // The n of ".attempt-<n>"; 0 for other suffixes.
    static std::uint32_t attempt_of(std::string_view suffix)
    {
        constexpr std::string_view mark = ".attempt-";
        if (!suffix.starts_with(mark))
            return 0;
        suffix.remove_prefix(mark.size());
        std::uint32_t n = 0;
        auto const [end, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), n);
        // Only what mark_of makes: it is removed by that name.
        return error == std::errc() && end == suffix.data() + suffix.size() && suffix[0] != '0' ? n
                                                                                                 : 0;
    }

    everything scan(error_code& ec)
    {
        everything all;
        for (auto const& object : backend_.list(ec)) {
            std::uint64_t id = 0;
            std::string_view suffix;
            if (!parse(object.name, id, suffix))
                continue;
            if (suffix == ".snap") {
                if (object.put_aside) {
                    ++all.aside;
                    all.newest_aside = std::max(all.newest_aside, id);
                } else {
                    all.ids[id].exists = true;
                }
            } else if (suffix == ".pack") {
                all.packs[id] = object.size;
            } else if (auto const n = attempt_of(suffix); n != 0 && !object.put_aside) {
                all.ids[id].marks.insert(n);
            } else {
                continue;
            }
            next_id_ = std::max(next_id_, id + 1);
        }
        return all;
    }

    template <class Refusal>
    void check_kind(snapshot_content const& content, Refusal& refusal, error_code& ec) const
    {
        auto const& h = content.header();
        if (!options_.type.empty() && h.type != options_.type)
            ec = errc::wrong_type;
        else if (!detail::same_log(options_, h))
            ec = errc::wrong_log;
        else
            ec = refusal(h);
    }

    std::optional<writer> begin_incremental(snapshot_header h, error_code& ec)
    {
        auto const all = scan(ec);
        if (ec)
            return std::nullopt;
        h.id = next_id_++;
        auto const every = options_.incremental.full_every;
        auto base = every != 0 && h.id % every == 0
                        ? nullptr
                        : sharing_.base(contents_of(all), chunks_reader());
        sharing_.pin(base);
        auto const id = h.id;
        return writer(typename writer::incremental(backend_, name_of(id), pack_of(id), std::move(h),
                                                   options_.compression, options_.incremental,
                                                   std::move(base)));
    }

    // Reads which chunks a snapshot has, and none of them.
    auto chunks_reader()
    {
        return [this](std::uint64_t id, error_code& ec) {
            auto object = backend_.find(name_of(id), ec);
            std::uint64_t const size = ec ? 0 : object.size(ec);
            return ec ? std::vector<snapshot_chunk>()
                      : detail::read_frame(object, size, ec).chunks;
        };
    }

    void pass(snapshot_report& report, std::uint64_t id, error_code reason, bool aside,
              bool crashed)
    {
        error_code failed;
        if (aside)
            put_aside(id, failed);
        bool const put = aside && !failed;
        if (!put)
            passed_over_.insert(id);
        report.passed.push_back({id, reason, put, crashed});
    }

    // Adds one to the marks that are there. Without it (a full disk, say) the load goes on: it would only be missed if
    // this load crashed.
    std::set<std::uint32_t> mark(std::uint64_t id, std::set<std::uint32_t> marks)
    {
        std::uint32_t n = 1;
        while (marks.contains(n))
            ++n;
        error_code ignored;
        auto upload = backend_.create(mark_of(id, n), ignored);
        if (!ignored)
            upload.commit(ignored);
        marks.insert(n);
        return marks;
    }

    // What is left by an error is counted by the next load, and goes with its snapshot.
    void remove_marks(std::uint64_t id, std::set<std::uint32_t> const& marks)
    {
        error_code ignored;
        for (auto at = marks.rbegin(); at != marks.rend(); ++at)
            backend_.remove(mark_of(id, *at), ignored);
    }

    void remove_old(error_code& ec)
    {
        auto const all = scan(ec);
        if (ec)
            return;
        std::uint32_t kept = 0; // good ones
        for (auto at = all.ids.rbegin(); at != all.ids.rend(); ++at) {
            if (at->second.exists && kept < options_.generations) {
                // One that cannot be read here does not stand in for one that can.
                kept += passed_over_.contains(at->first) ? 0 : 1;
                continue;
            }
            if (at->second.exists) {
                backend_.remove(name_of(at->first), ec);
                if (ec)
                    return; // It may still be there, and needs its packs.
                sharing_.forget(at->first);
                passed_over_.erase(at->first);
            }
            remove_marks(at->first, at->second.marks);
        }
        if (!all.packs.empty())
            remove_packs(ec);
    }

    void remove_packs(error_code& ec)
    {
        auto const all = contents_of(scan(ec));
        if (ec)
            return;
        for (auto const pack : sharing_.garbage(all, chunks_reader())) {
            backend_.remove(pack_of(pack), ec);
            if (!ec)
                ++counters_.packs_removed;
        }
    }

    static std::string creator()
    {
        return "perdure " + std::to_string(PERDURE_VERSION_MAJOR) + '.' +
               std::to_string(PERDURE_VERSION_MINOR) + '.' + std::to_string(PERDURE_VERSION_PATCH);
    }

    Backend backend_;
    snapshot_options options_;
    std::vector<compressor> known_;
    detail::chunk_sharing sharing_;
    std::set<std::uint64_t> passed_over_; // by loads, and still there
    snapshot_counters counters_;
    std::uint64_t next_id_ = 1;
    bool opened_ = false;
};

} // namespace perdure

#endif
