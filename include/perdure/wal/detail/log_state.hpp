// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_STATE_HPP
#define PERDURE_WAL_DETAIL_LOG_STATE_HPP

#include <perdure/wal/detail/collector.hpp>
#include <perdure/wal/detail/log_files.hpp>
#include <perdure/wal/detail/log_keeping.hpp>
#include <perdure/wal/log_reader.hpp>
#include <perdure/wal/retention.hpp>
#include <perdure/world/attachment.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/waiter_queue.hpp>

#include <boost/asio/bind_executor.hpp>

#include <cassert>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace perdure::detail {

/* The state of a log, and its pump. The pump runs on the driver's executor and is all that touches
 * this, except for the collector, which has a lock.
 *
 *     append --post--> wake() --file job--> written() --post--> waiters
 *                        ^___________post______/
 *
 * While a group is under way the next one is collected. The pump is woken by a post behind the
 * completions that it posted, so that clients which append again when they are resumed share the
 * next sync.
 */
template <class World>
class log_state : public context_attachment, public std::enable_shared_from_this<log_state<World>> {
public:
    using files = typename World::files;
    using plain_handler = erased_handler<void(error_code)>;

    enum class status : std::uint8_t { unopened, opening, open, closing, closed };

    // What jobs work on, one at a time. Jobs share it, and keep it alive.
    struct disk : log_files<files> {
        using log_files<files>::log_files;
    };

    log_state(World world, wal_options options)
        : context_attachment(
              asio::query(asio::any_io_executor(world.get_executor()), asio::execution::context)),
          world_(std::move(world)),
          options_(std::move(options)),
          executor_(world_.get_executor()),
          timer_(world_),
          disk_(std::make_shared<disk>(options_.directory)),
          collector_(options_.waiting_bytes_max, options_.record_bytes_max, options_.checksum),
          readers_(executor_)
    {
    }

    World const& world() const noexcept { return world_; }
    asio::any_io_executor const& executor() const noexcept { return executor_; }
    std::string const& directory() const noexcept { return options_.directory; }
    log_collector& collector() noexcept { return collector_; }
    position front() const noexcept { return keeping_.front(); }
    log_keeping const& keeping() const noexcept { return keeping_; }
    position durable() const noexcept { return durable_; }
    position next() const { return collector_.next(); }
    wal_counters const& counters() const noexcept { return counters_; }
    std::vector<chain_segment> const& chain() const noexcept { return chain_; }
    bool is_open() const noexcept { return status_ == status::open; }

    // -- opening and closing

    /// What opens the log: to run as a file job, or on the calling thread.
    auto opening_job()
    {
        assert(status_ == status::unopened && "a log is opened once at a time");
        status_ = status::opening;
        opening_entropy const entropy{{world_.entropy(), world_.entropy()}, world_.entropy()};
        return [disk = disk_, options = options_, entropy, now = now_ms()](
                   files& fs, error_code& ec) { return disk->open(fs, options, entropy, now, ec); };
    }

    recovery_report opened(error_code const& ec, opened_log&& log)
    {
        if (status_ == status::opening)
            status_ = ec ? status::unopened : status::open;
        if (status_ != status::open)
            return std::move(log.report);
        chain_ = std::move(log.chain);
        log_ = log.log;
        sequence_max_ = log.sequence_max;
        keeping_.open(log.front);
        digest_ = chain_.back().digest;
        written_ = chain_.back().positions.last;
        became_durable(written_);
        proven_ = chain_.back().link.last;
        linked_ = true;
        collector_.open(chain_.back().header, written_ + 1);
        prepare_next();
        retain();
        watch_idle();
        return std::move(log.report);
    }

    void close(plain_handler handler, asio::any_io_executor ex)
    {
        closers_.push_back({std::move(handler), std::move(ex)});
        if (status_ != status::open && status_ != status::closing) {
            finish(closers_, errc::closed);
            return;
        }
        status_ = status::closing;
        readers_.complete_all(errc::closed);
        completion_batch at_once;
        collector_.close(errc::closed, at_once);
        at_once.post();
        if (failed_)
            finish_closing(failed_);
        else if (collector_.want_seal())
            post_wake();
    }

    /// The driver is destroyed: everybody who waits is told so.
    void stop()
    {
        completion_batch at_once;
        status_ = status::closed;
        collector_.refuse(asio::error::operation_aborted, at_once);
        for (auto& w : flight_.waiters) {
            position const at = w.at;
            log_collector::complete(std::move(w), asio::error::operation_aborted, at, at_once);
        }
        at_once.post();
        finish(closers_, asio::error::operation_aborted);
        finish(trims_, asio::error::operation_aborted);
        finish_truncations(asio::error::operation_aborted);
        readers_.cancel_all();
        timer_.cancel();
        disk_.reset();
    }

    // -- appending and waiting

    void append(record_list records, log_waiter&& waiter)
    {
        completion_batch at_once;
        if (collector_.append(records, std::move(waiter), at_once))
            post_wake();
        at_once.post();
    }

    void wait_durable(log_waiter&& waiter)
    {
        completion_batch at_once;
        position const at = waiter.at;
        if (failed_ || !is_open())
            at_once.add(std::move(waiter),
                        failed_ && at > durable_ ? failed_ : make_error_code(errc::closed), at);
        else if (at >= collector_.next())
            at_once.add(std::move(waiter), errc::position_out_of_range, at);
        else if (at <= durable_)
            at_once.add(std::move(waiter), {}, at);
        else if (collector_.wait(std::move(waiter)))
            post_wake();
        at_once.post();
    }

    void cancel(std::uint64_t id)
    {
        completion_batch at_once;
        if (!collector_.cancel(id, at_once))
            for (auto& w : flight_.waiters)
                if (w.id == id) {
                    position const at = w.at;
                    log_collector::complete(std::move(w), asio::error::operation_aborted, at,
                                            at_once);
                }
        at_once.post();
    }

    // -- trimming

    void trim(position up_to, plain_handler handler, asio::any_io_executor ex)
    {
        plain_waiter w{std::move(handler), std::move(ex)};
        if (!is_open() || failed_)
            return finish(w, failed_ ? failed_ : make_error_code(errc::closed));
        if (up_to > durable_)
            return finish(w, errc::position_out_of_range);
        keeping_.trim(up_to + 1);
        if (!keeping_.has_trimmed(chain_))
            return finish(w, {});
        // Only when a durable seal says that these positions are not wanted may their files go.
        trims_.push_back(std::move(w));
        give_back();
    }

    log_holds::id hold(position from, std::string who)
    {
        return keeping_.hold(from, std::move(who));
    }
    void move_hold(log_holds::id n, position from)
    {
        keeping_.move_hold(n, from);
        give_back();
    }
    void release(log_holds::id n)
    {
        keeping_.release(n);
        give_back();
    }

    // -- truncating

    void truncate(position last, plain_handler handler, asio::any_io_executor ex)
    {
        plain_waiter w{std::move(handler), std::move(ex)};
        if (!is_open() || failed_)
            return finish(w, failed_ ? failed_ : make_error_code(errc::closed));
        if (last + 1 < keeping_.front())
            return finish(w, errc::position_out_of_range);
        truncations_.push_back({last, std::move(w)});
        // What was appended before is written before; what is appended from now on comes behind.
        collector_.pause();
        if (collector_.want_seal())
            post_wake();
    }

    // -- following

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

    /// Has all who wait for something to read look again.
    void wake_readers() { readers_.complete_all(error_code()); }

    /// Completes when more is on disk than `known`, or the log was cut more than `cuts` times.
    template <class Handler>
    void wait_readable(position known, std::size_t cuts, Handler&& handler)
    {
        readers_.push(std::forward<Handler>(handler));
        if (failed_ || !is_open())
            readers_.complete_all(failed_ ? failed_ : make_error_code(errc::closed));
        else if (durable_ > known || keeping_.cuts() != cuts)
            readers_.complete_all(error_code());
    }

private:
    struct plain_waiter {
        plain_handler handler;
        asio::any_io_executor executor;
    };

    struct truncation {
        position last;
        plain_waiter waiter;
    };

    struct truncation_result {
        std::vector<chain_segment> chain;
        bool failed = false;
    };

    using footer_bytes = std::array<std::byte, wal_format::frame_bytes + wal_format::footer_bytes>;

    struct write_result {
        group_builder group;
        group_builder link_group;
        bool rotated = false;
        bool synced = false;
        bool failed = false; ///< More than lack of space.
    };

    struct flight : log_collector::batch {
        bool active = false;
        std::uint64_t digest = 0;
        position claimed = 0; ///< As durable, in the seal.
        position front = 1;
        position first = 1;
        position last = 0;
        std::uint32_t records = 0;
        std::size_t link_size = 0;
        std::size_t size = 0;
        std::optional<chain_segment> next; ///< If the segment changes.
    };

    std::uint64_t now_ms() const { return options_.unix_time_ms ? options_.unix_time_ms() : 0; }

    template <class F>
    auto pump(F f)
    {
        return asio::bind_executor(executor_, [self = this->shared_from_this(), f](auto&&... args) {
            f(*self, std::forward<decltype(args)>(args)...);
        });
    }

    void post_wake()
    {
        asio::post(executor_, [self = this->shared_from_this()] { self->wake(); });
    }

    void wake()
    {
        if (flight_.active)
            return; // written() comes back here.
        if (status_ == status::closed || failed_)
            return;
        completion_batch at_once;
        bool const work = collector_.take(flight_, at_once);
        at_once.post();
        if (!work) {
            if (!truncations_.empty())
                start_truncation();
            else if (status_ == status::closing)
                start_closing();
            else
                watch_idle();
            return;
        }
        write_group();
    }

    void write_group()
    {
        chain_segment& active = chain_.back();
        flight_.active = true;
        flight_.first = flight_.group.first();
        flight_.last = flight_.group.last();
        flight_.records = flight_.group.records();
        flight_.front = keeping_.front();
        flight_.claimed = durable_;
        flight_.next.reset();
        std::uint64_t digest = digest_;
        std::uint64_t const size = flight_.group.size() + group_builder::seal_size;
        footer_bytes footer{};
        bool const rotate =
            linked_ && !active.positions.empty() && flight_.records != 0 &&
            active.used_bytes + size + footer.size() > active.header.allocated_bytes;
        std::optional<wal_format::segment_header> next_header;
        group_builder link_group;
        std::uint64_t at = active.used_bytes;
        if (rotate) {
            next_header = next_header_;
            footer = make_footer(active, next_header->sequence);
            wal_format::link const link{active.header.sequence, active.used_bytes,
                                        active.positions.last, active.digest,
                                        wal_format::link_reason::rotated};
            flight_.next = chain_segment{*next_header,
                                         link,
                                         {link.last + 1, link.last},
                                         wal_format::page_bytes,
                                         link.digest,
                                         now_ms()};
            flight_.group.rebind(*next_header);
            flight_.claimed = link.last; // The segment before is synced first.
            at = wal_format::page_bytes;
        }
        if (rotate || !linked_) {
            chain_segment const& fresh = rotate ? *flight_.next : active;
            link_group.begin(fresh.header, fresh.link.last + 1);
            link_group.add_link(fresh.link);
            digest = link_group.finish(fresh.link.digest, fresh.link.last, keeping_.front(), now_ms());
        }
        flight_.link_size = link_group.size();
        flight_.digest = flight_.group.finish(digest, flight_.claimed, keeping_.front(), now_ms());
        flight_.size = flight_.group.size();

        auto job = [disk = disk_, group = std::move(flight_.group),
                    link_group = std::move(link_group), next_header, footer, at,
                    used = active.used_bytes,
                    sync = flight_.sync](files& fs, error_code& ec) mutable {
            write_result r;
            if (next_header) {
                disk->prepare(fs, *next_header, ec);
                if (!ec) {
                    disk->rotate(used, footer, ec);
                    r.rotated = !ec;
                    r.failed = !r.rotated;
                } else {
                    r.failed = ec != errc::no_space;
                }
            }
            if (!ec) {
                std::array<std::span<std::byte const>, 2> const parts{link_group.bytes(),
                                                                      group.bytes()};
                disk->write(at, parts, ec);
                r.failed = ec && ec != errc::no_space;
            }
            if (!ec && sync) {
                disk->sync(ec);
                r.synced = !ec;
                r.failed = r.failed || ec;
            }
            r.group = std::move(group);
            r.link_group = std::move(link_group);
            return r;
        };
        world_.async_file_job(std::move(job), pump([](log_state& s, error_code ec, write_result r) {
                                  s.written(ec, std::move(r));
                              }));
    }

    void written(error_code ec, write_result r)
    {
        flight_.active = false;
        flight_.group = std::move(r.group);
        if (r.rotated) {
            chain_.push_back(*flight_.next);
            linked_ = false;
            digest_ = chain_.back().digest;
            collector_.rebind(chain_.back().header);
            ++counters_.segments;
            became_durable(std::max(durable_, chain_.back().link.last));
            if (status_ != status::closed) {
                prepare_next();
                retain();
            }
        }
        completion_batch done;
        if (!ec) {
            accept(r.synced);
            for (auto& w : flight_.waiters) {
                assert(w.how != durability::disk || r.synced);
                position const at = w.at;
                log_collector::complete(std::move(w), {}, at, done);
            }
            flight_.waiters.clear();
        } else if (status_ == status::closed) {
            flight_.waiters.clear();
        } else if (r.failed || !collector_.roll_back(flight_.first, done)) {
            fail(done);
        } else {
            for (auto& w : flight_.waiters)
                log_collector::complete(std::move(w), errc::no_space, 0, done);
            flight_.waiters.clear();
            finish(trims_, errc::no_space);
        }
        done.post();
        if (status_ == status::closed)
            return;
        if (failed_) {
            if (status_ == status::closing)
                finish_closing(failed_);
            return;
        }
        post_wake();
    }

    void accept(bool synced)
    {
        chain_segment& active = chain_.back();
        active.used_bytes += flight_.link_size + flight_.size;
        active.positions.last = flight_.last;
        active.digest = digest_ = flight_.digest;
        linked_ = true;
        written_ = flight_.last;
        counters_.records += flight_.records;
        counters_.groups += 1;
        counters_.bytes += flight_.link_size + flight_.size;
        if (!synced)
            return;
        ++counters_.syncs;
        became_durable(written_);
        proven_ = std::max(proven_, flight_.claimed);
        remove_trimmed(flight_.front);
    }

    // A failed write or sync is final: the system may have dropped the bytes and report success next.
    void fail(completion_batch& done)
    {
        failed_ = errc::log_failed;
        for (auto& w : flight_.waiters) {
            position const at = w.at;
            log_collector::complete(std::move(w), failed_, at, done);
        }
        flight_.waiters.clear();
        collector_.refuse(failed_, done);
        finish(trims_, failed_);
        finish_truncations(failed_);
        readers_.complete_all(failed_);
    }

    // -- segments

    wal_format::segment_header next_header(std::uint64_t after)
    {
        auto h = header_for(options_, log_, now_ms());
        h.record_bytes_max = std::max(h.record_bytes_max, chain_.back().header.record_bytes_max);
        h.group_bytes_max = std::max(h.group_bytes_max, chain_.back().header.group_bytes_max);
        h.sequence = ++sequence_max_;
        h.after = after;
        h.salt = world_.entropy();
        return h;
    }

    void prepare_next()
    {
        next_header_ = next_header(chain_.back().header.sequence);
        // If it fails now, rotating tries again and reports.
        world_.async_file_job([disk = disk_, header = next_header_](
                                  files& fs, error_code& ec) { disk->prepare(fs, header, ec); },
                              pump([](log_state&, error_code) {}));
    }

    // Asks for the seal behind which the segments that nobody wants are removed.
    void give_back()
    {
        if (is_open() && !failed_ && keeping_.has_trimmed(chain_) && collector_.want_seal())
            post_wake();
    }

    void retain()
    {
        if (options_.retention.empty())
            return;
        auto const front = retention_front(chain_, options_.retention, now_ms());
        // What is not durable is not trimmed.
        keeping_.trim(std::min(front, durable_ + 1));
        give_back();
    }

    void remove_trimmed(position front)
    {
        auto const n = static_cast<std::ptrdiff_t>(log_keeping::trimmed_segments(chain_, front));
        if (n == 0 && trims_.empty())
            return;
        std::vector<std::uint64_t> gone;
        for (auto i = chain_.begin(); i != chain_.begin() + n; ++i)
            gone.push_back(i->header.sequence);
        chain_.erase(chain_.begin(), chain_.begin() + n);
        world_.async_file_job(
            [disk = disk_, gone](files& fs, error_code& ec) { disk->remove(fs, gone, ec); },
            asio::bind_executor(
                executor_, [self = this->shared_from_this(), trims = std::exchange(trims_, {})](
                               error_code ec) mutable { self->finish(trims, ec); }));
    }

    void became_durable(position p)
    {
        durable_ = p;
        auto const& newest = chain_.back();
        if (newest.positions.last <= p)
            durable_end_ = {newest.used_bytes, newest.positions.last, newest.digest};
        readers_.complete_all(error_code());
    }

    // -- truncating

    // Everything that was appended before is written.
    void start_truncation()
    {
        position const last = truncations_.front().last;
        position const given = written_;
        if (last >= given || failed_) {
            auto done = std::move(truncations_.front().waiter);
            truncations_.pop_front();
            if (truncations_.empty())
                collector_.resume(chain_.back().header, given + 1);
            finish(done, failed_);
            return post_wake();
        }
        flight_.active = true;
        auto header = next_header(chain_.back().header.sequence);
        world_.async_file_job(
            [disk = disk_, header, last, given, chain = chain_, front = keeping_.front(),
             now = now_ms()](files& fs, error_code& ec) mutable {
                truncation_result r;
                disk->truncate(fs, chain, last, given, front, header, now, r.failed, ec);
                r.chain = std::move(chain);
                return r;
            },
            pump([](log_state& s, error_code ec, truncation_result r) {
                s.truncated(ec, std::move(r));
            }));
    }

    void truncated(error_code ec, truncation_result r)
    {
        flight_.active = false;
        if (status_ == status::closed)
            return;
        completion_batch done;
        if (r.failed) {
            fail(done);
        } else {
            position given = written_;
            if (!ec) {
                keeping_.cut(truncations_.front().last);
                chain_ = std::move(r.chain);
                digest_ = chain_.back().digest;
                given = written_ = chain_.back().positions.last;
                proven_ = chain_.back().link.last;
                linked_ = true;
                ++counters_.segments;
                became_durable(written_);
                prepare_next();
            }
            auto waiter = std::move(truncations_.front().waiter);
            truncations_.pop_front();
            if (truncations_.empty())
                collector_.resume(chain_.back().header, given + 1);
            finish(waiter, ec);
        }
        done.post();
        if (failed_ && status_ == status::closing)
            return finish_closing(failed_);
        post_wake();
    }

    void finish_truncations(error_code const& ec)
    {
        for (auto& t : std::exchange(truncations_, {}))
            finish(t.waiter, ec);
    }

    footer_bytes make_footer(chain_segment const& active, std::uint64_t next_sequence) const
    {
        footer_bytes out;
        write_footer(active.header,
                     {active.link.last + 1, active.positions.last, active.used_bytes, durable_,
                      active.digest, next_sequence, keeping_.front(), now_ms()},
                     out);
        return out;
    }

    // -- idling and closing

    // When nothing has happened for a while, a seal makes the last group provable.
    void watch_idle()
    {
        if (options_.idle_seal_after.count() == 0 || watching_ || durable_ <= proven_ ||
            status_ != status::open)
            return;
        watching_ = true;
        timer_.expires_after(options_.idle_seal_after);
        timer_.async_wait(asio::bind_executor(
            executor_, [weak = this->weak_from_this(), groups = counters_.groups](error_code ec) {
                auto const self = weak.lock();
                if (!self)
                    return;
                self->watching_ = false;
                if (ec || self->status_ != status::open || self->failed_ || self->flight_.active)
                    return;
                if (self->counters_.groups != groups)
                    self->watch_idle();
                else if (self->collector_.want_seal())
                    self->wake();
            }));
    }

    void start_closing()
    {
        auto const footer = make_footer(chain_.back(), 0);
        flight_.active = true;
        world_.async_file_job([disk = disk_, footer, used = chain_.back().used_bytes](
                                  files&, error_code& ec) { disk->close(used, footer, ec); },
                              pump([](log_state& s, error_code ec) { s.finish_closing(ec); }));
    }

    void finish_closing(error_code const& ec)
    {
        flight_.active = false;
        if (status_ == status::closing)
            status_ = status::closed;
        timer_.cancel();
        if (failed_)
            disk_.reset();
        finish(closers_, ec);
    }

    void finish(plain_waiter& w, error_code const& ec)
    {
        if (!w.handler)
            return;
        auto const ex = std::move(w.executor);
        asio::post(ex, [handler = std::move(w.handler), ec]() mutable { handler(ec); });
    }
    void finish(std::vector<plain_waiter>& all, error_code const& ec)
    {
        for (auto& w : std::exchange(all, {}))
            finish(w, ec);
    }

    void detach() noexcept override
    {
        auto const keep = this->weak_from_this().lock();
        status_ = status::closed;
        auto waiters = collector_.abandon();
        auto flying = std::move(flight_.waiters);
        auto closers = std::move(closers_);
        auto trims = std::move(trims_);
        auto truncations = std::move(truncations_);
    }

    World world_;
    wal_options options_;
    asio::any_io_executor executor_;
    typename World::timer timer_;
    std::shared_ptr<disk> disk_;
    log_collector collector_;

    status status_ = status::unopened;
    error_code failed_;
    wal_format::log_id log_;
    std::vector<chain_segment> chain_; // The last one takes the appends.
    wal_format::segment_header next_header_;
    std::uint64_t sequence_max_ = 0;
    std::uint64_t digest_ = 0;
    bool linked_ = true;    // The link of the segment in use was written.
    bool watching_ = false; // The timer is set.
    log_keeping keeping_;
    log_mark durable_end_; // In the segment in use.
    position written_ = 0;
    position durable_ = 0;
    position proven_ = 0; // What the last durable seal says is durable.
    flight flight_;
    std::vector<plain_waiter> closers_;
    std::vector<plain_waiter> trims_;
    std::deque<truncation> truncations_;
    waiter_queue<void(error_code)> readers_; // Who follows the log.
    wal_counters counters_;
};

} // namespace perdure::detail

#endif
