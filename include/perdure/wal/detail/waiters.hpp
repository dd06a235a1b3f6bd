// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_WAITERS_HPP
#define PERDURE_WAL_DETAIL_WAITERS_HPP

#include <perdure/error.hpp>
#include <perdure/wal/options.hpp>
#include <perdure/wal/position.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace perdure::detail {

/** asio::any_completion_handler that can be assigned.
 *
 *  Boost 1.81's own move assignment calls itself for ever.
 */
template <class Signature>
class erased_handler {
public:
    using handler_type = asio::any_completion_handler<Signature>;

    erased_handler() = default;
    template <class Handler>
        requires(!std::same_as<std::remove_cvref_t<Handler>, erased_handler>)
    erased_handler(Handler&& handler) : handler_(std::forward<Handler>(handler))
    {
    }
    erased_handler(erased_handler&&) noexcept = default;
    erased_handler& operator=(erased_handler&& other) noexcept
    {
        if (this != &other) {
            std::destroy_at(&handler_);
            std::construct_at(&handler_, std::move(other.handler_));
        }
        return *this;
    }
    ~erased_handler() = default;

    explicit operator bool() const noexcept { return static_cast<bool>(handler_); }
    auto cancellation_slot() const noexcept
    {
        return asio::get_associated_cancellation_slot(handler_);
    }
    template <class... Args>
    void operator()(Args&&... args)
    {
        // From a local, because the call may destroy *this.
        handler_type handler(std::move(handler_));
        std::move(handler)(std::forward<Args>(args)...);
    }

private:
    handler_type handler_;
};

/// Who waits for a position to be as durable as wanted.
struct log_waiter {
    using handler_type = erased_handler<void(error_code, position)>;

    position at = 0; ///< 0 while the record has no place in the log yet.
    durability how = durability::disk;
    std::uint64_t id = 0; ///< For its cancellation; 0 if it cannot be cancelled.
    handler_type handler;
    asio::any_io_executor executor;
};

/// Completions on their way: handlers with the same executor run in one go, in order.
class completion_batch {
public:
    void add(log_waiter&& w, error_code const& ec, position p)
    {
        entries_.push_back({std::move(w.handler), std::move(w.executor), ec, p});
    }
    bool empty() const noexcept { return entries_.empty(); }

    /// Posts everything to where it belongs.
    void post()
    {
        for (auto first = entries_.begin(); first != entries_.end();) {
            auto const last = std::find_if(first, entries_.end(), [&](entry const& e) {
                return e.executor != first->executor;
            });
            asio::any_io_executor const executor = first->executor;
            if (first == entries_.begin() && last == entries_.end()) {
                asio::post(executor, run(std::move(entries_)));
                break;
            }
            asio::post(executor,
                       run({std::make_move_iterator(first), std::make_move_iterator(last)}));
            first = last;
        }
        entries_.clear();
    }

private:
    struct entry {
        log_waiter::handler_type handler;
        asio::any_io_executor executor;
        error_code ec;
        position at;
    };

    class run {
    public:
        explicit run(std::vector<entry> entries) : entries_(std::move(entries)) {}
        void operator()()
        {
            // If a handler throws, the others must still be called: post them anew on the way out.
            struct rest {
                std::vector<entry> entries;
                std::size_t next = 0;
                ~rest()
                {
                    if (next == entries.size())
                        return;
                    entries.erase(entries.begin(),
                                  entries.begin() + static_cast<std::ptrdiff_t>(next));
                    auto const executor = entries.front().executor;
                    asio::post(executor, run(std::move(entries)));
                }
            } todo{std::move(entries_), 0};
            while (todo.next != todo.entries.size()) {
                auto& e = todo.entries[todo.next++];
                e.handler(e.ec, e.at);
            }
        }

    private:
        std::vector<entry> entries_;
    };

    std::vector<entry> entries_;
};

} // namespace perdure::detail

#endif
