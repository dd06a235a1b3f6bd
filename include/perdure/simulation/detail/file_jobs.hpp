// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_FILE_JOBS_HPP
#define PERDURE_SIMULATION_DETAIL_FILE_JOBS_HPP

#include <perdure/simulation/detail/machine.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

namespace perdure::simulation::detail {

/* The file jobs of one incarnation, one at a time, in the order of their submission.
 *
 * A job runs as a whole when it is due to start; each of its operations is charged with a drawn
 * time and is put on the disk with the times at which it begins and ends; the job completes at the
 * last of these. So a power cut in between finds the disk as it is at that moment.
 */
class file_jobs {
public:
    class job {
    public:
        virtual ~job() = default;
        virtual void run() = 0;
    };

    file_jobs(machine& m, lane& l) noexcept : machine_(m), lane_(l) {}

    /// `op` completes when the job has ended, or with operation_aborted if it is cancelled before
    /// it has begun.
    lane::ticket submit(std::shared_ptr<job> j, operation_ptr op)
    {
        auto const ticket = lane_.park(std::move(op));
        if (lane_.is_closed())
            return ticket;
        waiting_.push_back({ticket, std::move(j)});
        if (!busy_)
            start_at(machine_.now());
        return ticket;
    }
    void cancel(lane::ticket t)
    {
        if (std::erase_if(waiting_, [&](auto const& w) { return w.ticket == t; }) != 0)
            lane_.cancel(t);
    }
    /// The process has ended: those that wait are destroyed.
    void close()
    {
        while (!waiting_.empty()) {
            auto const first = std::move(waiting_.front());
            waiting_.pop_front();
        }
    }

    /// A job has begun and not ended yet.
    bool is_running(duration now) const noexcept { return now < ends_; }

    /// The call on the stack is from a job.
    bool is_inside() const noexcept { return time_.has_value(); }
    /// The times of the next operation, which takes `d`: now and none if no job runs (a blocking
    /// call of the loop).
    interval charge(duration d) noexcept
    {
        auto const begin = time_ ? *time_ : machine_.now();
        if (!time_)
            return {begin, begin};
        *time_ += d;
        return {begin, *time_};
    }

private:
    struct waiting {
        lane::ticket ticket;
        std::shared_ptr<job> what;
    };

    void start_at(duration t)
    {
        busy_ = true;
        lane_.schedule(make_operation([this] { start(); }), t);
    }
    void start()
    {
        if (waiting_.empty()) {
            busy_ = false;
            return;
        }
        auto const next = std::move(waiting_.front());
        waiting_.pop_front();
        machine_.record(event::job_started);
        {
            struct clear {
                std::optional<duration>& time;
                ~clear() { time.reset(); }
            } const guard{time_};
            time_ = machine_.now();
            next.what->run();
            ends_ = *time_;
        }
        lane_.commit(next.ticket, ends_);
        start_at(ends_);
    }

    machine& machine_;
    lane& lane_;
    std::deque<waiting> waiting_;
    std::optional<duration> time_; // while a job runs: how far it has come
    duration ends_{};
    bool busy_ = false;
};

} // namespace perdure::simulation::detail

#endif
