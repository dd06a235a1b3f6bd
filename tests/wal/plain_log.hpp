// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_WAL_PLAIN_LOG_HPP
#define PERDURE_TESTS_WAL_PLAIN_LOG_HPP

#include <perdure/wal/detail/log_files.hpp>
#include <perdure/wal/log_reader.hpp>

#include <string>
#include <vector>

/** A log without a loop: the blocking half of the library, driven step by step.
 *
 *  It writes what the driver writes, so that a test decides where groups end, what is synced, and
 *  when the process dies (the object is destroyed).
 */
template <class Files>
class plain_log {
public:
    using record = std::pair<perdure::position, std::string>;

    explicit plain_log(Files files, perdure::wal_options options = defaults())
        : files_(std::move(files)),
          options_(std::move(options)),
          disk_(options_.directory, options_.packing)
    {
    }

    static perdure::wal_options defaults()
    {
        perdure::wal_options o;
        o.directory = "log";
        o.segment_bytes = 12288;
        o.record_bytes_max = 100'000;
        o.waiting_bytes_max = 100'000;
        return o;
    }

    perdure::recovery_report open(perdure::recovery_mode mode = perdure::recovery_mode::tail,
                                  std::uint64_t seed = 1)
    {
        options_.mode = mode;
        auto log = disk_.open(files_, options_, {{seed, seed * 3}, seed * 0x9e3779b97f4a7c15ULL}, 0,
                              error);
        if (error)
            return log.report;
        chain = std::move(log.chain);
        id_ = log.log;
        sequence_max_ = log.sequence_max;
        front = log.front;
        digest_ = chain.back().digest;
        durable = chain.back().positions.last;
        prepare();
        return log.report;
    }

    /// Writes the records as one group, and syncs it.
    void append(std::vector<std::string> const& records, bool sync = true)
    {
        perdure::group_builder group;
        group.begin(chain.back().header, next());
        for (auto const& r : records)
            group.add_record(perdure::as_bytes(r));
        write(group, sync);
    }
    /// What an idle log writes.
    void idle_seal() { append({}); }

    void close()
    {
        perdure::error_code ec;
        disk_.close(chain.back().used_bytes, footer(0), ec);
    }

    /// Forgets the last group, as after a write for which there was no space.
    void take_back(std::vector<perdure::chain_segment> before)
    {
        chain = std::move(before);
        digest_ = chain.back().digest;
    }

    /// Cuts off the end.
    void truncate(perdure::position last)
    {
        bool failed = false;
        auto header = header_of_next();
        disk_.truncate(files_, chain, last, next() - 1, front, header, 0, failed, error);
        if (error)
            return;
        digest_ = chain.back().digest;
        durable = chain.back().positions.last;
        prepare();
    }

    void trim(perdure::position up_to)
    {
        front = up_to + 1;
        idle_seal();
        std::vector<std::uint64_t> gone;
        while (chain.size() > 1 && chain.front().positions.last < front) {
            gone.push_back(chain.front().header.sequence);
            chain.erase(chain.begin());
        }
        perdure::error_code ec;
        disk_.remove(files_, gone, ec);
    }

    std::vector<record> read(perdure::error_code& ec)
    {
        std::vector<record> out;
        perdure::log_reader reader(chain, front, options_.packing);
        perdure::detail::directory_source<Files> source(files_, options_.directory);
        while (reader.advance(source, ec))
            reader.visit([&](perdure::position p, std::span<std::byte const> b) {
                out.emplace_back(p, std::string(perdure::as_text(b)));
            });
        return out;
    }

    perdure::position next() const { return chain.back().positions.last + 1; }

    perdure::error_code error;
    std::vector<perdure::chain_segment> chain;
    perdure::position front = 1;
    perdure::position durable = 0;

private:
    perdure::wal_format::segment_header header_of_next()
    {
        auto h = perdure::detail::header_for(options_, id_, 0);
        h.sequence = ++sequence_max_;
        h.after = chain.back().header.sequence;
        h.salt = sequence_max_ * 0xbf58476d1ce4e5b9ULL;
        if (!describe_packing(options_.packing, h))
            error = perdure::errc::wrong_key;
        return h;
    }

    void prepare()
    {
        next_header_ = header_of_next();
        disk_.prepare(files_, next_header_, error);
    }

    void write(perdure::group_builder& group, bool sync)
    {
        using namespace perdure;
        auto* active = &chain.back();
        auto const size =
            group.size() + (options_.packing.empty() ? 0 : group_packer::overhead_max) + 2 * 96;
        if (!active->positions.empty() &&
            active->used_bytes + size > active->header.allocated_bytes) {
            wal_format::link const link{active->header.sequence, active->used_bytes,
                                        active->positions.last, digest_,
                                        wal_format::link_reason::rotated};
            disk_.rotate(active->used_bytes, footer(next_header_.sequence), error);
            durable = link.last;
            chain.push_back({next_header_, link, {link.last + 1, link.last}, 4096, digest_});
            active = &chain.back();
            group_builder first;
            first.begin(active->header, link.last + 1);
            first.add_link(link);
            group.rebind(active->header);
            put(first);
            prepare();
        }
        put(group);
        if (sync) {
            disk_.sync(error);
            durable = active->positions.last;
        }
    }

    void put(perdure::group_builder& plain)
    {
        auto& active = chain.back();
        auto& group = plain.records() != 0 ? disk_.pack(plain, active.header, error) : plain;
        active.digest = digest_ = group.finish(digest_, durable, front, 0);
        auto const bytes = group.bytes();
        disk_.write(active.used_bytes, {&bytes, 1}, error);
        active.used_bytes += group.size();
        active.positions.last = group.last();
    }

    std::vector<std::byte> footer(std::uint64_t next_sequence)
    {
        auto const& a = chain.back();
        std::vector<std::byte> out(96);
        perdure::detail::write_footer(a.header,
                                      {a.link.last + 1, a.positions.last, a.used_bytes, durable,
                                       digest_, next_sequence, front, 0},
                                      std::span<std::byte, 96>(out));
        return out;
    }

    Files files_;
    perdure::wal_options options_;
    perdure::detail::log_files<Files> disk_;
    perdure::wal_format::log_id id_;
    perdure::wal_format::segment_header next_header_;
    std::uint64_t sequence_max_ = 0;
    std::uint64_t digest_ = 0;
};

#endif
