// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_ATTACHED_HPP
#define PERDURE_WORLD_DETAIL_ATTACHED_HPP

#include <perdure/world/attachment.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/query.hpp>

#include <optional>
#include <utility>

namespace perdure::detail {

// Holds an Asio object until its context shuts down.
template <class T>
class attached final : private context_attachment {
public:
    template <class Executor, class... Args>
    explicit attached(Executor const& executor, Args&&... args)
        : context_attachment(asio::query(executor, asio::execution::context))
    {
        if (context_attachment::attached())
            object_.emplace(std::forward<Args>(args)...);
    }

    /// Null once the context has shut down.
    T* get() noexcept { return object_ ? &*object_ : nullptr; }

private:
    void detach() noexcept override { object_.reset(); }

    std::optional<T> object_;
};

/* Starts an operation on an attached object. Once the context has shut down nothing can complete
 * any more, and the handler is destroyed.
 */
template <class T, class Executor, class Start>
struct attached_initiation {
    using executor_type = Executor;

    attached<T>* object;
    Executor executor;
    Start start;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) const
    {
        if (object)
            if (T* target = object->get())
                start(*target, std::forward<Handler>(handler), std::forward<Args>(args)...);
    }
};

template <class T, class Executor, class Start>
attached_initiation(attached<T>*, Executor, Start) -> attached_initiation<T, Executor, Start>;

} // namespace perdure::detail

#endif
