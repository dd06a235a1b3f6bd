// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_SIMULATED_CONTEXT_HPP
#define PERDURE_WORLD_DETAIL_SIMULATED_CONTEXT_HPP

#include <perdure/config.hpp>

#include <boost/asio/execution_context.hpp>

namespace perdure::detail {

/* A mark that the simulation leaves in each of its execution contexts:
 *
 *     asio::make_service<detail::simulated_context>(context);
 *
 * What belongs to the real world looks for it and refuses, so that neither real time nor real files
 * slip into a simulated process.
 */
class simulated_context final : public asio::execution_context::service {
public:
    using key_type = simulated_context;
    inline static asio::execution_context::id id;

    explicit simulated_context(asio::execution_context& context) : service(context) {}

private:
    void shutdown() override {}
};

} // namespace perdure::detail

#endif
