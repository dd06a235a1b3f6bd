// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_OPERATION_HPP
#define PERDURE_WAL_DETAIL_LOG_OPERATION_HPP

#include <perdure/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/dispatch.hpp>

#include <memory>
#include <utility>

namespace perdure::detail {

/** An operation of somebody who reads a log beside it, in several steps: each runs on the log's executor, with
 *  the handler's allocator and cancellation slot, and the handler on its own.
 *
 *  `Core` is what the operation works on: it has `log`, `busy` while an operation is under way, and `stopped`.
 */
template <class Core, class Handler>
struct log_operation {
    std::shared_ptr<Core> me;
    Handler handler;
    asio::any_io_executor executor; ///< The handler's.

    using executor_type = asio::any_io_executor;
    executor_type get_executor() const noexcept { return me->log->executor(); }
    using allocator_type = asio::associated_allocator_t<Handler>;
    allocator_type get_allocator() const noexcept
    {
        return asio::get_associated_allocator(handler);
    }
    using cancellation_slot_type = asio::associated_cancellation_slot_t<Handler>;
    cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return asio::get_associated_cancellation_slot(handler);
    }

protected:
    /// `ec`, unless the owner has gone.
    error_code unless_stopped(error_code const& ec) const
    {
        return me->stopped ? error_code(asio::error::operation_aborted) : ec;
    }

    template <class... Results>
    void finish(error_code ec, Results&&... results)
    {
        me->busy = false;
        me.reset();
        asio::dispatch(executor,
                       asio::append(std::move(handler), ec, std::forward<Results>(results)...));
    }
};

} // namespace perdure::detail

#endif
