// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_LOG_HOLD_HPP
#define PERDURE_WAL_LOG_HOLD_HPP

#include <perdure/fwd.hpp>
#include <perdure/wal/detail/log_state.hpp>

#include <memory>
#include <utility>

namespace perdure {

/** Keeps records of a log from being trimmed, from a position on, as long as it lives.
 *
 *  Made by basic_wal::hold(). It may outlive the log, and then does nothing.
 *
 *  @par Thread safety  from the log's executor, as the log.
 */
template <class World>
class basic_log_hold {
public:
    /// Holds nothing.
    basic_log_hold() = default;
    /// What basic_wal::hold() makes.
    basic_log_hold(std::shared_ptr<detail::log_state<World>> const& log, log_holds::id id)
        : log_(log), id_(id)
    {
    }
    basic_log_hold(basic_log_hold&& other) noexcept
        : log_(std::exchange(other.log_, {})), id_(other.id_)
    {
    }
    basic_log_hold& operator=(basic_log_hold&& other) noexcept
    {
        if (this != &other) {
            release();
            log_ = std::exchange(other.log_, {});
            id_ = other.id_;
        }
        return *this;
    }
    ~basic_log_hold() { release(); }

    /// Needs only the records from `from` on. What is before may go now, if a trim wanted that.
    void move_to(position from)
    {
        if (auto const log = log_.lock())
            log->move_hold(id_, from);
    }
    /// Holds nothing from now on. What a trim wanted gone may go.
    void release()
    {
        if (auto const log = std::exchange(log_, {}).lock())
            log->release(id_);
    }

private:
    std::weak_ptr<detail::log_state<World>> log_;
    log_holds::id id_ = 0;
};

} // namespace perdure

#endif
