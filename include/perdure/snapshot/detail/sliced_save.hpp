// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_SLICED_SAVE_HPP
#define PERDURE_SNAPSHOT_DETAIL_SLICED_SAVE_HPP

#include <perdure/snapshot/detail/store_state.hpp>
#include <perdure/snapshot/slices.hpp>
#include <perdure/snapshot/writer.hpp>
#include <perdure/world/concepts.hpp>

#include <boost/asio/post.hpp>

#include <cstdint>
#include <deque>
#include <latch>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace perdure::detail {

// Turns one generator into chunks. Used by one slice at a time, on the loop or elsewhere.
template <class Generator>
class slice_producer {
public:
    explicit slice_producer(Generator generator)
        : generator_(std::move(generator)), sink_(take_chunk{&chunks_}), archive_(sink_)
    {
    }
    slice_producer(slice_producer const&) = delete;
    slice_producer& operator=(slice_producer const&) = delete;

    // Until `enough()` says so, a chunk is complete, or nothing is left.
    template <class Enough>
    void run(Enough enough)
    {
        translate_encode(
            [&] {
                do {
                    if (!generator_(archive_)) {
                        archive_.flush();
                        sink_.finish();
                        done_ = true;
                    }
                } while (!done_ && chunks_.empty() && !enough());
            },
            failed_);
    }

    bool done() const noexcept { return done_; }
    error_code failed() const noexcept { return failed_; }
    std::vector<chunk_buffer> take() { return std::exchange(chunks_, {}); }

private:
    struct take_chunk {
        std::vector<chunk_buffer>* to;
        chunk_buffer operator()(chunk_buffer b) const
        {
            to->push_back(std::move(b));
            return {};
        }
    };

    Generator generator_;
    std::vector<chunk_buffer> chunks_;
    chunk_sink<take_chunk> sink_;
    portable_oarchive archive_;
    bool done_ = false;
    error_code failed_;
};

/* A save whose state is encoded in slices while its chunks are written: on the loop, between other
 * work, or on other executors, where several generators run side by side, each for one partition.
 *
 * A producer that has enough chunks waiting rests. One file job runs at a time; once one failed or the operation was
 * cancelled, what runs is awaited and the upload dropped.
 */
template <class State, class Generator>
class sliced_save final : public store_operation,
                          public std::enable_shared_from_this<sliced_save<State, Generator>> {
    using world_type = typename State::world_type;

public:
    sliced_save(std::shared_ptr<State> state, std::vector<Generator> generators,
                slice_options options, std::optional<asio::any_io_executor> elsewhere)
        : state_(std::move(state)),
          options_(options),
          elsewhere_(std::move(elsewhere)),
          waiting_(state_->world.get_executor()),
          publishing_(state_->world.get_executor())
    {
        for (auto& g : generators)
            parts_.push_back(std::make_unique<part>(std::move(g)));
        state_->add(*this);
    }
    ~sliced_save() { state_->remove(*this); }

    template <class Handler>
    void wait(Handler&& handler)
    {
        waiting_.push(std::forward<Handler>(handler));
    }

    void start(std::uint64_t position, std::uint32_t codec, std::uint32_t codec_version)
    {
        auto const count = static_cast<std::uint32_t>(parts_.size());
        run_job([state = state_, progress = progress_, position, codec, codec_version,
                 count](auto&, error_code& ec) {
            progress->writer = state->catalogue.begin(position, codec, codec_version, ec);
            if (!ec)
                progress->writer->partitions(count);
            return snapshot_info{};
        });
    }

    void cancel() override
    {
        waiting_.cancel_all();
        publishing_.cancel_all();
    }

private:
    struct part {
        explicit part(Generator g) : producer(std::move(g)) {}
        slice_producer<Generator> producer;
        std::uint32_t waiting = 0; // chunks
        bool running = false;
    };
    struct chunk {
        chunk_buffer bytes;
        std::uint16_t partition = 0;
    };
    struct job_side {
        std::optional<typename State::catalogue_type::writer> writer;
    };

    bool given_up() const { return failed_ || waiting_.empty(); }

    void pump()
    {
        if (!given_up())
            for (std::size_t i = 0; i != parts_.size(); ++i)
                start_slice(i);
        if (writing_)
            return;
        if (given_up()) {
            for (auto const& p : parts_)
                if (p->running)
                    return;
            return drop();
        }
        if (!chunks_.empty()) {
            auto next = std::move(chunks_.front());
            chunks_.pop_front();
            --parts_[next.partition]->waiting;
            run_job([progress = progress_, next = std::move(next)](auto&, error_code& e) {
                progress->writer->append(next.bytes.bytes(), e, next.partition);
                return snapshot_info{};
            });
            // There is room again.
            return start_slice(next.partition);
        }
        // A producer that runs elsewhere is not looked at, and its last chunks are still to come.
        for (auto const& p : parts_)
            if (p->running || !p->producer.done())
                return;
        publish();
    }

    void start_slice(std::size_t i)
    {
        part& p = *parts_[i];
        if (p.running || p.producer.done() || p.waiting >= options_.chunks_ahead)
            return;
        p.running = true;
        if (elsewhere_)
            asio::post(*elsewhere_, [self = this->shared_from_this(), i]() mutable {
                self->parts_[i]->producer.run([] { return false; });
                // The reference goes back too: one that stayed here might be the last, and would destroy generator and
                // handlers on this thread, while the loop changes the store's list. A loop that is stopped keeps it
                // and destroys it in the end; if posting throws, there is no way back.
                auto const loop = self->state_->world.get_executor();
                asio::post(loop, [self = std::move(self), i] { self->end_slice(i); });
            });
        else
            asio::post(state_->world.get_executor(), [self = this->shared_from_this(), i] {
                self->slice_on_loop(i);
                self->end_slice(i);
            });
    }

    void slice_on_loop(std::size_t i)
    {
        if (given_up())
            return;
        std::uint32_t calls = 0;
        auto const enough_calls = [&] { return options_.calls != 0 && ++calls >= options_.calls; };
        if constexpr (has_time<world_type>) {
            auto const until = state_->world.now() + options_.budget;
            parts_[i]->producer.run(
                [&] { return enough_calls() || state_->world.now() >= until; });
        } else {
            parts_[i]->producer.run(enough_calls);
        }
    }

    void end_slice(std::size_t i)
    {
        part& p = *parts_[i];
        p.running = false;
        if (p.producer.failed() && !failed_)
            failed_ = p.producer.failed();
        for (auto& c : p.producer.take()) {
            chunks_.push_back({std::move(c), static_cast<std::uint16_t>(i)});
            ++p.waiting;
        }
        pump();
    }

    void publish()
    {
        publishing_.take_all(waiting_);
        writing_ = true;
        state_->world.async_file_job(
            [state = state_, progress = progress_](auto&, error_code& e) {
                auto info = state->catalogue.publish(*progress->writer, e);
                progress->writer.reset();
                return info;
            },
            [self = this->shared_from_this()](error_code ec, snapshot_info info) {
                self->complete(ec, info);
            });
    }

    // Destroying the upload removes what it wrote.
    void drop()
    {
        writing_ = true;
        state_->world.async_file_job(
            [progress = progress_](auto&, error_code&) {
                progress->writer.reset();
                return snapshot_info{};
            },
            [self = this->shared_from_this()](error_code, snapshot_info) {
                self->complete(self->failed_, {});
            });
    }

    template <class Job>
    void run_job(Job job)
    {
        writing_ = true;
        state_->world.async_file_job(std::move(job), [self = this->shared_from_this()](
                                                         error_code ec, snapshot_info) {
            self->writing_ = false;
            if (ec && !self->failed_)
                self->failed_ = ec;
            self->pump();
        });
    }

    void complete(error_code ec, snapshot_info const& info)
    {
        waiting_.complete_all(ec, info);
        publishing_.complete_all(ec, info);
    }

    std::shared_ptr<State> state_;
    slice_options options_;
    std::optional<asio::any_io_executor> elsewhere_;
    std::vector<std::unique_ptr<part>> parts_;
    std::shared_ptr<job_side> progress_ = std::make_shared<job_side>();
    std::deque<chunk> chunks_; // encoded, not written
    bool writing_ = false;
    error_code failed_;
    waiter_queue<void(error_code, snapshot_info)> waiting_;
    waiter_queue<void(error_code, snapshot_info)> publishing_;
};

/* Decodes the partitions of a snapshot side by side on `elsewhere`, and waits for them: on the
 * blocking side, which is made for that.
 */
template <class T, class Executor>
void decode_partitions(snapshot_content const& content, Executor const& elsewhere,
                       std::vector<T>& values, error_code& ec)
{
    struct countdown {
        std::latch* latch;
        explicit countdown(std::latch& l) : latch(&l) {}
        countdown(countdown&& other) noexcept : latch(std::exchange(other.latch, nullptr)) {}
        ~countdown()
        {
            if (latch != nullptr)
                latch->count_down();
        }
    };
    auto const count = content.partitions();
    values.clear();
    values.resize(count);
    // A part that an executor drops was not decoded.
    std::vector<error_code> errors(count, make_error_code(boost::system::errc::operation_canceled));
    std::latch all(static_cast<std::ptrdiff_t>(count));
    for (std::uint32_t i = 0; i != count; ++i)
        asio::post(elsewhere, [&content, &values, &errors, i, counted = countdown(all)] {
            translate_decode(
                [&] {
                    segmented_source source(content.bytes(i));
                    slices_codec{}.decode(source, values[i]);
                },
                errors[i]);
        });
    all.wait();
    for (auto const& e : errors)
        if (e && !ec)
            ec = e;
}

} // namespace perdure::detail

#endif
