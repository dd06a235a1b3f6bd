// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef FAILOVER_PLANTED_HPP
#define FAILOVER_PLANTED_HPP

#include "store_state.hpp"
#include <perdure/durable/durable.hpp>
#include <perdure/simulation/world.hpp>

#include <array>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

// Bugs on purpose: what a simulation is worth shows in whether it finds them. They sit in stand-ins
// for the parts, so that the service runs as it is.

namespace failover {

enum class bug {
    none,
    acknowledge_before_sync,
    skip_directory_sync,
    acknowledge_with_one_owner,
    reuse_a_position,
    trim_before_snapshot_is_durable,
    skip_repair_after_thaw,
    ignore_the_epoch,
};

inline constexpr std::array every_bug{bug::acknowledge_before_sync,
                                      bug::skip_directory_sync,
                                      bug::acknowledge_with_one_owner,
                                      bug::reuse_a_position,
                                      bug::trim_before_snapshot_is_durable,
                                      bug::skip_repair_after_thaw,
                                      bug::ignore_the_epoch};

inline char const* name_of(bug b)
{
    switch (b) {
    case bug::none:
        return "no bug";
    case bug::acknowledge_before_sync:
        return "acknowledge before sync";
    case bug::skip_directory_sync:
        return "skip the directory sync";
    case bug::acknowledge_with_one_owner:
        return "acknowledge with one owner";
    case bug::reuse_a_position:
        return "re-use a position";
    case bug::trim_before_snapshot_is_durable:
        return "trim before the snapshot is durable";
    case bug::skip_repair_after_thaw:
        return "skip repair after a thaw";
    case bug::ignore_the_epoch:
        return "ignore the epoch";
    }
    return "?";
}

/// The bug of the run.
inline bug planted = bug::none;

/// A world whose disk may say that it synced and did not.
class planted_world : public perdure::simulation::world {
    using base = perdure::simulation::world;

public:
    class file : public base::files::file {
        using base_file = base::files::file;

    public:
        file() = default;
        explicit file(base_file f) : base_file(std::move(f)) {}
        void sync(perdure::sync_mode mode, perdure::error_code& ec)
        {
            if (planted == bug::acknowledge_before_sync)
                ec = {};
            else
                base_file::sync(mode, ec);
        }
    };

    class files {
    public:
        using file = planted_world::file;
        explicit files(base::files f) : files_(std::move(f)) {}

        file open(std::string const& path, perdure::open_mode mode, perdure::error_code& ec)
        {
            return file(files_.open(path, mode, ec));
        }
        void rename(std::string const& from, std::string const& to, perdure::rename_mode how,
                    perdure::error_code& ec)
        {
            files_.rename(from, to, how, ec);
        }
        void remove(std::string const& path, perdure::error_code& ec) { files_.remove(path, ec); }
        std::vector<perdure::directory_entry> list(std::string const& path, perdure::error_code& ec)
        {
            return files_.list(path, ec);
        }
        void create_directories(std::string const& path, perdure::error_code& ec)
        {
            files_.create_directories(path, ec);
        }
        void sync_directory(std::string const& path, perdure::error_code& ec)
        {
            if (planted == bug::skip_directory_sync)
                ec = {};
            else
                files_.sync_directory(path, ec);
        }

    private:
        base::files files_;
    };

    explicit planted_world(base w) : base(std::move(w)) {}

    files blocking_files() const { return files(base::blocking_files()); }

    template <class Job, class Token = boost::asio::deferred_t>
    auto async_file_job(Job&& job, Token&& token = {}) const
    {
        return base::async_file_job(
            [job = std::forward<Job>(job)](base::files& f, perdure::error_code& ec) mutable {
                files wrapped(f);
                return job(wrapped, ec);
            },
            std::forward<Token>(token));
    }
};

/// A log that may take the positions of its last two records for free when it is opened, and give them out anew.
class planted_log : public perdure::basic_wal<planted_world> {
    using base = perdure::basic_wal<planted_world>;

public:
    using base::base;

    template <class Handler>
    void async_open(Handler handler)
    {
        base::async_open([this, handler = std::move(handler)](
                             perdure::error_code ec, perdure::recovery_report report) mutable {
            if (!ec && planted == bug::reuse_a_position &&
                base::next_position() > first_position() + 2)
                free_ = 2;
            end_ = ec ? 0 : base::next_position() - free_;
            std::move(handler)(ec, std::move(report));
        });
    }

    perdure::position next_position() const { return base::next_position() - free_; }

    template <class Visitor, class Handler>
    void async_replay(perdure::position from, Visitor visit, Handler handler)
    {
        base::async_replay(
            from,
            [visit = std::move(visit), end = end_](perdure::position at,
                                                   std::span<std::byte const> record) mutable {
                if (at < end)
                    visit(at, record);
            },
            std::move(handler));
    }

    template <class Handler>
    void async_append(std::vector<std::byte> record, Handler handler)
    {
        base::async_append(record, [handler = std::move(handler), free = free_](
                                       perdure::error_code ec, perdure::position at) mutable {
            std::move(handler)(ec, at - free);
        });
    }

private:
    perdure::position free_ = 0, end_ = 0;
};

/// A store that may say that a snapshot is saved long before it is: it saves the one before the last.
class planted_store : public perdure::basic_snapshot_store<planted_world> {
    using base = perdure::basic_snapshot_store<planted_world>;

public:
    using base::base;

    template <class Image, class Codec, class Handler>
    void async_save(Image const& image, std::uint64_t position, Codec codec, Handler handler)
    {
        if (planted != bug::trim_before_snapshot_is_durable)
            return base::async_save(image, position, codec, std::move(handler));
        // The bytes as they are now, for later.
        late_.emplace_back(
            [this, kept = std::make_shared<std::pair<store_state, Image>>(*image.state, image),
             position, codec] {
                kept->second.state = &kept->first;
                base::async_save(kept->second, position, codec,
                                 [](perdure::error_code, perdure::snapshot_info) {});
            });
        if (late_.size() > 2) {
            late_.front()();
            late_.pop_front();
        }
        perdure::snapshot_info claimed;
        claimed.position = position;
        boost::asio::post(get_executor(), [handler = std::move(handler), claimed]() mutable {
            std::move(handler)(perdure::error_code(), claimed);
        });
    }

private:
    std::deque<std::function<void()>> late_;
};

using planted_durable = perdure::basic_durable<store_state, store_command, planted_world,
                                               store_command_codec, planted_log, planted_store>;

} // namespace failover

#endif
