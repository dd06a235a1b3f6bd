// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_TESTS_WAL_SCRIPTED_LOG_HPP
#define PERDURE_TESTS_WAL_SCRIPTED_LOG_HPP

#include <perdure/simulation/disk_world.hpp>
#include <perdure/wal/basic_wal.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/** A log as users have it, on a simulated disk, as a script: append, end somehow, damage the files,
 *  open again. Every call blocks.
 */
template <class Files = perdure::simulation::disk_files>
class scripted_log {
public:
    using world = perdure::simulation::basic_disk_world<Files>;
    using records = std::map<perdure::position, std::string>;

    perdure::simulation::disk disk;
    perdure::wal_options options = defaults();
    perdure::recovery_report report;
    perdure::error_code error;
    std::function<Files(perdure::simulation::disk&)> make_files = [](perdure::simulation::disk& d) {
        return Files(perdure::simulation::disk_files(d));
    };

    static perdure::wal_options defaults()
    {
        perdure::wal_options o;
        o.directory = "log";
        o.segment_bytes = 16384;
        o.record_bytes_max = 1 << 20;
        o.waiting_bytes_max = 1 << 20;
        o.idle_seal_after = std::chrono::milliseconds(1);
        return o;
    }

    /// Opens the log; true if it opened.
    bool open(perdure::recovery_mode mode = perdure::recovery_mode::tail)
    {
        end();
        options.mode = mode;
        io_ = std::make_unique<boost::asio::io_context>();
        world_.emplace(*io_, make_files(disk), ++lives_);
        log_ = std::make_unique<perdure::basic_wal<world>>(*world_, options);
        report = log_->open(error);
        run();
        return !error;
    }
    /// The process ends without a word.
    void end()
    {
        log_.reset();
        world_.reset();
        io_.reset();
    }
    void close()
    {
        log_->async_close([this](perdure::error_code ec) { error = ec; });
        run();
        end();
    }
    perdure::position append(std::string const& text)
    {
        perdure::position at = 0;
        log_->async_append(perdure::as_bytes(text),
                           [&](perdure::error_code ec, perdure::position p) {
                               error = ec;
                               at = p;
                           });
        run();
        return at;
    }
    /// All or nothing.
    void append_group(std::vector<std::string> const& texts)
    {
        std::vector<std::span<std::byte const>> parts;
        for (auto const& t : texts)
            parts.push_back(perdure::as_bytes(t));
        log_->async_append_group(parts,
                                 [this](perdure::error_code ec, perdure::position) { error = ec; });
        run();
    }
    /// Time passes in which nothing is appended: the last group becomes provable.
    void idle()
    {
        for (int i = 0; i != 2; ++i) { // The first time it notices that something was appended.
            world_->advance(std::chrono::seconds(1));
            run();
        }
    }
    records read(perdure::position from = 0)
    {
        records found;
        log_->replay(
            std::max(from, log_->first_position()),
            [&](perdure::position p, std::span<std::byte const> b) {
                found[p] = std::string(perdure::as_text(b));
            },
            error);
        return found;
    }
    /// What the log holds when it is opened in this mode; nothing if it does not open.
    std::optional<records> opened(perdure::recovery_mode mode = perdure::recovery_mode::tail)
    {
        auto const before = disk;
        auto const lives = lives_;
        std::optional<records> found;
        if (open(mode))
            found = read();
        end();
        disk = before;
        lives_ = lives + 1;
        return found;
    }
    perdure::basic_wal<world>& log() { return *log_; }
    void run()
    {
        // Not run(): a timer that waits counts as work, and time stands still.
        io_->restart();
        while (io_->poll() != 0)
            io_->restart();
    }

    // -- the files

    static std::string segment(std::uint64_t n)
    {
        return "log/" + perdure::wal_format::segment_name(n);
    }
    using bytes = std::vector<std::byte>;
    void change(std::string const& name, std::function<void(bytes&)> f)
    {
        auto b = disk.contents(name);
        f(b);
        disk.put(name, b);
    }
    struct frame {
        std::size_t at;
        perdure::wal_format::frame_header header;
    };
    /// The frames of a segment, in order.
    std::vector<frame> frames(std::string const& name)
    {
        std::vector<frame> all;
        auto const b = disk.contents(name);
        for (std::size_t at = perdure::wal_format::page_bytes; at + 32 <= b.size();) {
            auto const h = perdure::wal_format::decode_frame(&b[at]);
            if (h)
                all.push_back({at, *h});
            at += h ? h->frame_size() : 8;
        }
        return all;
    }
    frame record(std::string const& name, perdure::position p)
    {
        for (auto const& f : frames(name))
            if (f.header.type == perdure::wal_format::frame_type::record && f.header.at == p)
                return f;
        throw std::logic_error("no such record");
    }
    frame last_seal(std::string const& name)
    {
        std::optional<frame> found;
        for (auto const& f : frames(name))
            if (f.header.type == perdure::wal_format::frame_type::seal)
                found = f;
        return found.value();
    }

private:
    std::unique_ptr<boost::asio::io_context> io_;
    std::optional<world> world_;
    std::unique_ptr<perdure::basic_wal<world>> log_;
    std::uint64_t lives_ = 0;
};

#endif
