// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_FLUSHER_HPP
#define PERDURE_WORLD_DETAIL_FLUSHER_HPP

#include <perdure/error.hpp>
#include <perdure/world/detail/intrusive_list.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <signal.h>
#include <thread>
#include <utility>
#include <vector>

/* Blocking jobs off the loop.
 *
 * A lane runs jobs one at a time, in order. Every execution context has one lane with a thread of
 * its own (the flusher), started by the first job; a World with an executor for blocking work has a
 * lane that borrows threads of that executor.
 *
 * A job owns its handler, and the lane owns the job from submit() until its completion runs:
 *
 *     pending --run()--> running --> done --completion, on the handler's executor--> (gone)
 *        |                            ^
 *        +---- cancel(): aborted -----+
 *
 * The blocking side calls run() and announce() only. It neither moves, invokes nor destroys a
 * handler: what it posts to the handler's executor is a pointer to the job. So a handler and what
 * it owns (a coroutine's frame, an allocator without locks) stay on the loop's side, and at
 * shutdown the lane first waits for the blocking side and then destroys what it still owns.
 */
namespace perdure::detail {

class lane;

class blocking_job : public list_hook<blocking_job> {
public:
    blocking_job(blocking_job const&) = delete;
    blocking_job& operator=(blocking_job const&) = delete;

protected:
    blocking_job() = default;
    ~blocking_job() = default;

private:
    friend class lane;
    friend class job_completion;

    virtual void run() noexcept = 0;                        // the blocking side
    virtual void abort() noexcept = 0;                      // instead of run(): has done nothing
    virtual void announce(std::shared_ptr<lane> owner) = 0; // posts a job_completion
    virtual void complete() = 0;         // on the handler's executor: frees *this, then invokes
    virtual void destroy() noexcept = 0; // the loop's side: frees *this without invoking
};

using job_list = intrusive_list<blocking_job>;

class lane : public std::enable_shared_from_this<lane> {
public:
    /// A lane with a thread of its own.
    lane() = default;
    /// A lane on an executor for blocking work.
    explicit lane(asio::any_io_executor blocking) : blocking_(std::move(blocking)) {}
    ~lane() { stop(); }

    /// A number by which a job can be cancelled. Taken first, because a submitted job may complete
    /// at once.
    std::uint64_t next_number() noexcept { return ++last_number_; }

    /// Takes a job, or destroys it if the context has shut down and nothing can complete any more.
    void submit(blocking_job& j, std::uint64_t number)
    {
        std::unique_lock lock(mutex_);
        if (stopped_) {
            lock.unlock();
            j.destroy();
            return;
        }
        j.number = number;
        pending_.push_back(j);
        asked_.store(true, std::memory_order_relaxed);
        // No system call while the blocking side is at work, or still looks for some.
        if (paused_ || std::exchange(awake_, true))
            return;
        try {
            wake(lock);
        } catch (...) {
            if (!lock.owns_lock())
                lock.lock();
            // A borrowed executor that throws has dropped the run, which has aborted the job.
            if (pending_.find(number) != &j)
                return;
            awake_ = false;
            pending_.remove(j);
            lock.unlock();
            j.destroy();
            throw; // No thread to be had: nothing was initiated.
        }
    }

    /// Aborts the job if it has not started. Called on the loop's side.
    void cancel(std::uint64_t number)
    {
        std::unique_lock lock(mutex_);
        blocking_job* const j = pending_.find(number);
        if (!j)
            return;
        pending_.remove(*j);
        j->abort();
        done_.push_back(*j);
        lock.unlock();
        j->announce(shared_from_this());
    }

    /// Waits for the blocking side, then destroys all jobs. Called on the loop's side.
    void stop()
    {
        std::unique_lock lock(mutex_);
        stopped_ = true;
        join_thread(lock);
        idle_.wait(lock, [this] { return !busy_; });
        job_list pending = std::move(pending_);
        job_list done = std::move(done_);
        blocking_job* const running = std::exchange(running_, nullptr);
        // What handlers own may come back to this lane while it is destroyed.
        lock.unlock();
        if (running)
            running->destroy();
        while (blocking_job* j = done.pop_front())
            j->destroy();
        while (blocking_job* j = pending.pop_front())
            j->destroy();
    }

    /// Before a fork: waits until the blocking side is at rest, and keeps it there.
    void pause()
    {
        std::unique_lock lock(mutex_);
        paused_ = true;
        join_thread(lock);
        idle_.wait(lock, [this] { return !busy_; });
    }

    /// After a fork. The jobs that had not started are the parent's; the child's copies are aborted.
    void resume(bool in_child)
    {
        if (in_child)
            abort_all();
        std::unique_lock lock(mutex_);
        paused_ = false;
        if (!pending_.empty() && !std::exchange(awake_, true))
            wake(lock);
    }

private:
    friend class job_completion;

    // Runs the lane's jobs on a borrowed thread. If the executor drops it, its jobs are aborted.
    class borrowed_run {
    public:
        explicit borrowed_run(std::shared_ptr<lane> owner) : owner_(std::move(owner)) {}
        borrowed_run(borrowed_run&&) = default;
        ~borrowed_run()
        {
            if (owner_)
                owner_->abort_all();
        }
        void operator()()
        {
            auto const owner = std::move(owner_);
            std::unique_lock lock(owner->mutex_);
            if (owner->busy_)
                return; // Of two runs, one does the work.
            owner->run_pending(lock);
            owner->awake_ = false;
        }

    private:
        std::shared_ptr<lane> owner_;
    };

    void wake(std::unique_lock<std::mutex>& lock)
    {
        if (!blocking_ && !thread_.joinable())
            start_thread();
        lock.unlock();
        if (blocking_)
            asio::post(blocking_, borrowed_run{shared_from_this()});
        else
            wake_.notify_one();
    }

    void join_thread(std::unique_lock<std::mutex>& lock)
    {
        if (!thread_.joinable())
            return;
        asked_.store(true, std::memory_order_relaxed);
        lock.unlock();
        wake_.notify_one();
        thread_.join();
        lock.lock();
    }

    void start_thread()
    {
        // The program's signals are for the program's threads.
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        struct restore {
            sigset_t const& mask;
            ~restore() { pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
        } const guard{before};
        thread_ = std::thread([this] { run_thread(); });
        pthread_setname_np(thread_.native_handle(), "perdure-flusher");
    }

    void run_thread()
    {
        using clock = std::chrono::steady_clock;
        bool soon = false; // Whether the last job came soon after the one before.
        std::unique_lock lock(mutex_);
        while (!stopped_ && !paused_) {
            run_pending(lock);
            auto const rested = clock::now();
            if (soon)
                look_out(lock, rested + patience);
            awake_ = false;
            wake_.wait(lock, [this] { return stopped_ || paused_ || !pending_.empty(); });
            awake_ = true;
            soon = clock::now() - rested < patience;
        }
        awake_ = false;
    }

    // To be woken takes longer than a write without a sync. So whoever was given one job after the
    // other looks for the next one a little longer than that takes, and lets other threads go first.
    void look_out(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point until)
    {
        while (pending_.empty() && !stopped_ && !paused_) {
            asked_.store(false, std::memory_order_relaxed);
            lock.unlock();
            while (!asked_.load(std::memory_order_relaxed) &&
                   std::chrono::steady_clock::now() < until)
                std::this_thread::yield();
            lock.lock();
            if (std::chrono::steady_clock::now() >= until)
                return;
        }
    }

    void run_pending(std::unique_lock<std::mutex>& lock)
    {
        busy_ = true;
        blocking_side_ = std::this_thread::get_id();
        while (!stopped_ && !paused_) {
            running_ = pending_.pop_front();
            if (!running_)
                break;
            lock.unlock();
            running_->run();
            lock.lock();
            if (stopped_)
                break; // stop() destroys it.
            blocking_job& j = *std::exchange(running_, nullptr);
            done_.push_back(j);
            lock.unlock();
            j.announce(shared_from_this());
            lock.lock();
        }
        busy_ = false;
        if (stopped_ || paused_)
            idle_.notify_all();
    }

    void abort_all()
    {
        std::unique_lock lock(mutex_);
        busy_ = true;
        blocking_side_ = std::this_thread::get_id();
        while (!stopped_) {
            blocking_job* const j = pending_.pop_front();
            if (!j)
                break;
            j->abort();
            done_.push_back(*j);
            lock.unlock();
            j->announce(shared_from_this());
            lock.lock();
        }
        busy_ = false;
        awake_ = false;
        if (stopped_ || paused_)
            idle_.notify_all();
    }

    // Whether the caller takes over the job, to complete or destroy it.
    bool take(blocking_job& j)
    {
        std::lock_guard lock(mutex_);
        if (stopped_)
            return false; // stop() has destroyed it or is about to.
        if (busy_ && blocking_side_ == std::this_thread::get_id())
            return false; // An executor that refuses work: the handler waits for stop().
        done_.remove(j);
        return true;
    }

    static constexpr std::chrono::microseconds patience{100};

    asio::any_io_executor blocking_;
    std::mutex mutex_;
    std::atomic<bool> asked_{false}; // Since look_out() last looked; written under the lock.
    std::condition_variable wake_;   // of the own thread
    std::condition_variable idle_;   // waited for by stop()
    job_list pending_;
    job_list done_;
    blocking_job* running_ = nullptr;
    std::atomic<std::uint64_t> last_number_{0};
    std::thread::id blocking_side_; // while busy_
    bool awake_ = false;            // the blocking side will look at pending_ again
    bool busy_ = false;             // the blocking side is between two locks
    bool paused_ = false;           // a fork is under way
    bool stopped_ = false;          // the context has shut down
    std::thread thread_;
};

// What is posted to the handler's executor when a job is done.
class job_completion {
public:
    job_completion(std::shared_ptr<lane> owner, blocking_job& j)
        : owner_(std::move(owner)), job_(&j)
    {
    }
    job_completion(job_completion&&) = default;
    ~job_completion()
    {
        // Dropped by its executor, which therefore is shutting down.
        if (owner_ && owner_->take(*job_))
            job_->destroy();
    }
    void operator()()
    {
        auto const owner = std::move(owner_);
        if (owner->take(*job_))
            job_->complete();
    }

private:
    std::shared_ptr<lane> owner_;
    blocking_job* job_;
};

// Keeps the lanes of an execution context and stops them when it shuts down.
class flusher final : public asio::execution_context::service {
public:
    using key_type = flusher;
    inline static asio::execution_context::id id;

    explicit flusher(asio::execution_context& context)
        : service(context), own_(std::make_shared<lane>())
    {
    }

    std::shared_ptr<lane> own_lane() const noexcept { return own_; }

    std::shared_ptr<lane> make_lane(asio::any_io_executor blocking)
    {
        auto made = std::make_shared<lane>(std::move(blocking));
        std::lock_guard lock(mutex_);
        std::erase_if(borrowing_, [](auto const& l) { return l.expired(); });
        borrowing_.push_back(made);
        return made;
    }

private:
    void shutdown() override
    {
        for_each_lane([](lane& l) { l.stop(); });
    }

    void notify_fork(asio::execution_context::fork_event event) override
    {
        for_each_lane([event](lane& l) {
            if (event == asio::execution_context::fork_prepare)
                l.pause();
            else
                l.resume(event == asio::execution_context::fork_child);
        });
    }

    template <class F>
    void for_each_lane(F f)
    {
        f(*own_);
        std::vector<std::weak_ptr<lane>> borrowing;
        {
            std::lock_guard lock(mutex_);
            borrowing = borrowing_;
        }
        for (auto const& l : borrowing)
            if (auto const alive = l.lock())
                f(*alive);
    }

    std::shared_ptr<lane> own_;
    std::mutex mutex_;
    std::vector<std::weak_ptr<lane>> borrowing_;
};

} // namespace perdure::detail

#endif
