// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SIMULATION_DETAIL_INCARNATION_HPP
#define PERDURE_SIMULATION_DETAIL_INCARNATION_HPP

#include <perdure/simulation/detail/file_jobs.hpp>
#include <perdure/simulation/detail/machine.hpp>
#include <perdure/world/detail/simulated_context.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace perdure::simulation::detail {

/** One life of a process: its execution context and its pending operations.
 *
 *  After end() it is dead: nothing that is handed to it ever runs, and nothing made from it reaches
 *  clock, disk or network. The object itself stays until the last executor, timer or socket that
 *  refers to it is gone, so that they may be destroyed in any order, even after the cluster.
 */
class incarnation final : public asio::execution_context {
public:
    explicit incarnation(detail::machine& m)
        : machine_(&m),
          lane_(std::make_unique<detail::lane>(m.all.timeline, m.id)),
          file_jobs_(m, *lane_),
          entropy_(m.all.seed, "entropy " + m.name + " " + std::to_string(m.incarnations))
    {
        asio::make_service<perdure::detail::simulated_context>(*this);
    }
    ~incarnation() { end(); }

    bool is_alive() const noexcept { return machine_ != nullptr; }

    /// Precondition: is_alive().
    detail::machine& machine() const noexcept { return *machine_; }
    detail::lane& lane() const noexcept { return *lane_; }
    detail::file_jobs& file_jobs() noexcept { return file_jobs_; }

    std::chrono::steady_clock::time_point now() const noexcept
    {
        return is_alive() ? machine_->clock.at(machine_->now()) : died_;
    }
    std::chrono::steady_clock::time_point now_with_suspend() const noexcept
    {
        return is_alive() ? machine_->clock.at_with_suspend(machine_->now()) : died_;
    }
    std::uint64_t entropy() noexcept { return entropy_(); }

    /// Hands `op` to the process: it runs in an event of its own, or is destroyed if the process is
    /// dead.
    void post(operation_ptr op)
    {
        if (std::this_thread::get_id() != thread_) [[unlikely]] {
            std::lock_guard const lock(strays_mutex_);
            strays_.push_back(std::move(op));
            has_strays_ = true;
            return;
        }
        if (is_alive())
            lane_->post(std::move(op));
    }

    /// What the process did that a simulation cannot follow, as a sentence; empty if nothing.
    std::string escape()
    {
        if (asio::has_service<asio::detail::io_context_impl>(*this))
            return "it used a timer, socket, resolver or signal set of Boost.Asio itself, which "
                   "waits for real time "
                   "on a hidden thread; use World::timer, World::datagram_socket, World::stream "
                   "and "
                   "World::acceptor instead";
        if (has_strays_)
            return "something was posted to it from another thread; a simulated process has one "
                   "thread, so "
                   "let blocking work be a file job or a coroutine";
        return {};
    }

    /// The crash: destroys what is pending, then what services hold. Order matters: no new work,
    /// then no cycles.
    void end()
    {
        if (!is_alive())
            return;
        died_ = now();
        machine_ = nullptr;
        lane_->close();
        file_jobs_.close();
        shutdown();
        lane_.reset();
    }

    friend void intrusive_ptr_add_ref(incarnation* p) noexcept { ++p->references_; }
    friend void intrusive_ptr_release(incarnation* p) noexcept
    {
        if (--p->references_ == 0)
            delete p;
    }

private:
    detail::machine* machine_;
    std::unique_ptr<detail::lane> lane_; // gone when dead
    detail::file_jobs file_jobs_;
    random_stream entropy_;
    std::chrono::steady_clock::time_point died_{};
    // Not atomic: a simulation has one thread.
    std::size_t references_ = 0;

    std::thread::id const thread_ = std::this_thread::get_id();
    std::mutex strays_mutex_;
    std::vector<operation_ptr> strays_; // posted from other threads, never run
    std::atomic<bool> has_strays_ = false;
};

using incarnation_ptr = boost::intrusive_ptr<incarnation>;

} // namespace perdure::simulation::detail

#endif
