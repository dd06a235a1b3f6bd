// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_SAVE_OPERATION_HPP
#define PERDURE_SNAPSHOT_DETAIL_SAVE_OPERATION_HPP

#include <perdure/snapshot/detail/store_state.hpp>
#include <perdure/snapshot/writer.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

namespace perdure::detail {

/* One save under way. Its chunks are written by one file job each, the next one started when one
 * has ended, so that jobs of others come between.
 *
 *     begin -> chunk ... chunk -> publish -> end
 *         \________\__________ abandon ->/
 *
 * The user's handler waits in a queue. Once publishing has begun it cannot be called back, so it
 * moves into a second one, where cancellation does not reach it.
 */
template <class State>
class save_operation final : public store_operation,
                             public std::enable_shared_from_this<save_operation<State>> {
public:
    explicit save_operation(std::shared_ptr<State> state)
        : state_(std::move(state)),
          waiting_(state_->world.get_executor()),
          publishing_(state_->world.get_executor())
    {
        state_->add(*this);
    }
    ~save_operation() { state_->remove(*this); }

    template <class Handler>
    void wait(Handler&& handler)
    {
        waiting_.push(std::forward<Handler>(handler));
    }

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
            return complete(failed_, {});
        run(
            [state = state_, progress = progress_, position, codec, codec_version](auto&,
                                                                                   error_code& ec) {
                progress->writer = state->catalogue.begin(position, codec, codec_version, ec);
                return snapshot_info{};
            },
            &save_operation::next);
    }

    void cancel() override
    {
        waiting_.cancel_all();
        publishing_.cancel_all();
    }

private:
    using step = void (save_operation::*)(error_code, snapshot_info);
    using waiters = waiter_queue<void(error_code, snapshot_info)>;

    // What only jobs touch.
    struct job_side {
        std::optional<typename State::catalogue_type::writer> writer;
    };

    template <class Job>
    void run(Job job, step then)
    {
        state_->world.async_file_job(std::move(job), [self = this->shared_from_this(),
                                                      then](error_code ec, snapshot_info info) {
            ((*self).*then)(ec, std::move(info));
        });
    }

    void next(error_code ec, snapshot_info)
    {
        if (ec || waiting_.empty()) {
            // Destroying the upload removes what it wrote.
            failed_ = ec;
            run(
                [progress = progress_](auto&, error_code&) {
                    progress->writer.reset();
                    return snapshot_info{};
                },
                &save_operation::end_early);
        } else if (chunks_.empty()) {
            publishing_.take_all(waiting_);
            run(
                [state = state_, progress = progress_](auto&, error_code& e) {
                    auto info = state->catalogue.publish(*progress->writer, e);
                    progress->writer.reset();
                    return info;
                },
                &save_operation::complete);
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

    void end_early(error_code, snapshot_info) { complete(failed_, {}); }

    void complete(error_code ec, snapshot_info info)
    {
        waiting_.complete_all(ec, info);
        publishing_.complete_all(ec, info);
    }

    std::shared_ptr<State> state_;
    std::shared_ptr<job_side> progress_ = std::make_shared<job_side>();
    std::deque<chunk_buffer> chunks_;
    error_code failed_;
    waiters waiting_;
    waiters publishing_;
};

} // namespace perdure::detail

#endif
