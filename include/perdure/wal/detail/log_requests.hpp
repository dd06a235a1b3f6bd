// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WAL_DETAIL_LOG_REQUESTS_HPP
#define PERDURE_WAL_DETAIL_LOG_REQUESTS_HPP

#include <perdure/wal/chain.hpp>
#include <perdure/wal/detail/waiters.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <deque>
#include <utility>
#include <vector>

namespace perdure::detail {

/// Who asked a log for something but an append.
struct plain_waiter {
    erased_handler<void(error_code)> handler;
    asio::any_io_executor executor;
};

/// Posts the handler, if it is still there.
inline void finish(plain_waiter& w, error_code const& ec)
{
    if (!w.handler)
        return;
    auto const ex = std::move(w.executor);
    asio::post(ex, [handler = std::move(w.handler), ec]() mutable { handler(ec); });
}
inline void finish(std::vector<plain_waiter>& all, error_code const& ec)
{
    for (auto& w : std::exchange(all, {}))
        finish(w, ec);
}

/// A wish to cut off the end.
struct truncation {
    position last;
    plain_waiter waiter;
};

inline void finish(std::deque<truncation>& all, error_code const& ec)
{
    for (auto& t : std::exchange(all, {}))
        finish(t.waiter, ec);
}

struct truncation_result {
    std::vector<chain_segment> chain;
    bool failed = false;
};

} // namespace perdure::detail

#endif
