// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_OPERATION_MEMORY_HPP
#define PERDURE_WORLD_DETAIL_OPERATION_MEMORY_HPP

#include <perdure/config.hpp>

#include <boost/asio/associated_allocator.hpp>

#include <memory>
#include <utility>

/* An operation is an object with a handler_, in memory of that handler's associated allocator. */
namespace perdure::detail {

template <class Operation, class Handler>
using operation_allocator = typename std::allocator_traits<
    asio::associated_allocator_t<Handler>>::template rebind_alloc<Operation>;

/// Makes an Operation(handler, args...). It is freed by release_operation.
template <class Operation, class Handler, class... Args>
Operation& make_operation(Handler&& handler, Args&&... args)
{
    using allocator = operation_allocator<Operation, std::decay_t<Handler>>;
    allocator a(asio::get_associated_allocator(handler));
    Operation* const memory = std::allocator_traits<allocator>::allocate(a, 1);
    try {
        return *::new (static_cast<void*>(memory))
            Operation(std::forward<Handler>(handler), std::forward<Args>(args)...);
    } catch (...) {
        std::allocator_traits<allocator>::deallocate(a, memory, 1);
        throw;
    }
}

/// Takes the handler out and frees the operation, so that what the handler starts can use its memory.
template <class Operation, class Handler>
Handler release_operation(Operation& operation, Handler& handler_of_it)
{
    Handler handler = std::move(handler_of_it);
    operation_allocator<Operation, Handler> a(asio::get_associated_allocator(handler));
    operation.~Operation();
    std::allocator_traits<decltype(a)>::deallocate(a, &operation, 1);
    return handler;
}

} // namespace perdure::detail

#endif
