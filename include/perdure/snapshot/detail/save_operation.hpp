// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_SAVE_OPERATION_HPP
#define PERDURE_SNAPSHOT_DETAIL_SAVE_OPERATION_HPP

#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/report.hpp>
#include <perdure/snapshot/writer.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

namespace perdure::detail {

// What a store shares with its operations. `catalogue` belongs to the blocking side while anything is outstanding.
template <class World, class Catalogue>
struct snapshot_store_state {
    using world_type = World;
    using catalogue_type = Catalogue;

    snapshot_store_state(World w, Catalogue c) : world(std::move(w)), catalogue(std::move(c)) {}

    World world;
    Catalogue catalogue;
    std::atomic<bool> closed{false};
    std::atomic<int> outstanding{0};
};

// Counts an operation as long as it lives.
template <class State>
class outstanding {
public:
    explicit outstanding(std::shared_ptr<State> state) : state_(std::move(state))
    {
        ++state_->outstanding;
    }
    outstanding(outstanding&&) noexcept = default;
    outstanding(outstanding const& other) : outstanding(other.state_) {}
    outstanding& operator=(outstanding&&) = delete;
    ~outstanding()
    {
        if (state_)
            --state_->outstanding;
    }

private:
    std::shared_ptr<State> state_;
};

template <class T, class Catalogue, class Codec>
loaded_snapshot<T> load_newest_value(Catalogue& catalogue, Codec const& codec, error_code& ec)
{
    loaded_snapshot<T> result;
    result.info = catalogue.load_newest(
        codec.id(), [&](std::uint32_t version) { return codec.reads(version); },
        [&](snapshot_content const& content, error_code& failed) {
            result.value.reset();
            if (content.partitions() != 1) {
                failed = errc::wrong_type;
                return;
            }
            translate_decode(
                [&] {
                    segmented_source source(content.bytes());
                    codec.decode(source, result.value.emplace());
                },
                failed);
            if (failed)
                result.value.reset();
        },
        result.report, ec);
    return result;
}

/* One save under way. Its chunks are written by one file job each, the next one started when one
 * has ended, so that jobs of others come between.
 *
 *     start -> begin -> chunk ... chunk -> publish -> complete
 *                 \________\____________ abandon ->/
 *
 * Nobody but the jobs' handlers owns it. So when the loop shuts down and destroys those, it goes
 * with the user's handler, and needs no list of waiters.
 */
template <class State>
class save_operation : public std::enable_shared_from_this<save_operation<State>> {
public:
    template <class T, class Codec>
    void encode(T const& value, Codec const& codec)
    {
        translate_encode(
            [&] {
                chunk_sink sink([this](chunk_buffer b) {
                    chunks_.push_back(std::move(b));
                    return chunk_buffer{};
                });
                codec.encode(value, sink);
                sink.finish();
            },
            failed_);
    }

    void start(std::uint64_t position, std::uint32_t codec, std::uint32_t codec_version)
    {
        if (failed_)
            return run([](auto&, error_code&) { return snapshot_info{}; },
                       &save_operation::end_early);
        run(
            [state = state_, progress = progress_, position, codec, codec_version](auto&,
                                                                                   error_code& ec) {
                progress->writer = state->catalogue.begin(position, codec, codec_version, ec);
                return snapshot_info{};
            },
            &save_operation::next);
    }

    void cancel() noexcept { cancelled_ = true; }

protected:
    explicit save_operation(std::shared_ptr<State> state) : state_(state), count_(std::move(state))
    {
    }
    ~save_operation() = default;

    virtual void complete(error_code ec, snapshot_info info) = 0;

private:
    using files = typename State::world_type::files;
    using step = void (save_operation::*)(error_code, snapshot_info);

    // What only jobs touch.
    struct job_side {
        std::optional<typename State::catalogue_type::writer> writer;
    };

    template <class Job>
    void run(Job job, step then)
    {
        state_->world.async_file_job(std::move(job),
                                     asio::bind_executor(state_->world.get_executor(),
                                                         [self = this->shared_from_this(),
                                                          then](error_code ec, snapshot_info info) {
                                                             ((*self).*then)(ec, std::move(info));
                                                         }));
    }

    void next(error_code ec, snapshot_info)
    {
        if (!ec && (cancelled_ || state_->closed))
            ec = asio::error::operation_aborted;
        if (ec) {
            failed_ = ec;
            // Destroying the upload removes what it wrote.
            run(
                [progress = progress_](auto&, error_code&) {
                    progress->writer.reset();
                    return snapshot_info{};
                },
                &save_operation::end_early);
        } else if (chunks_.empty()) {
            run(
                [state = state_, progress = progress_](auto&, error_code& e) {
                    auto info = state->catalogue.publish(*progress->writer, e);
                    progress->writer.reset();
                    return info;
                },
                &save_operation::end);
        } else {
            run(
                [progress = progress_, chunk = std::move(chunks_.front())](auto&, error_code& e) {
                    progress->writer->append(chunk.bytes(), e);
                    return snapshot_info{};
                },
                &save_operation::next);
            chunks_.pop_front();
        }
    }

    void end(error_code ec, snapshot_info info) { complete(ec, std::move(info)); }
    void end_early(error_code, snapshot_info) { complete(failed_, {}); }

    std::shared_ptr<State> state_;
    outstanding<State> count_;
    std::shared_ptr<job_side> progress_ = std::make_shared<job_side>();
    std::deque<chunk_buffer> chunks_;
    error_code failed_;
    std::atomic<bool> cancelled_{false}; // set from wherever the user emits the signal
};

template <class Handler, class State>
class save_operation_with final : public save_operation<State> {
public:
    static std::shared_ptr<save_operation_with> make(Handler handler, std::shared_ptr<State> state)
    {
        auto const allocator = asio::get_associated_allocator(handler);
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto op = std::allocate_shared<save_operation_with>(allocator, std::move(handler),
                                                            std::move(state));
        if (slot.is_connected())
            slot.assign(
                [weak = std::weak_ptr<save_operation_with>(op)](asio::cancellation_type type) {
                    if (type != asio::cancellation_type::none)
                        if (auto const self = weak.lock())
                            self->cancel();
                });
        return op;
    }

    save_operation_with(Handler handler, std::shared_ptr<State> state)
        : save_operation<State>(state),
          work_(asio::get_associated_executor(handler, state->world.get_executor())),
          handler_(std::move(handler))
    {
    }

private:
    void complete(error_code ec, snapshot_info info) override
    {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.clear();
        auto const executor = work_.get_executor();
        asio::post(executor, asio::append(std::move(handler_), ec, std::move(info)));
        work_.reset();
    }

    using executor =
        asio::associated_executor_t<Handler, typename State::world_type::executor_type>;
    asio::executor_work_guard<executor> work_;
    Handler handler_;
};

} // namespace perdure::detail

#endif
