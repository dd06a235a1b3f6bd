// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_ATTACHMENT_HPP
#define PERDURE_WORLD_ATTACHMENT_HPP

#include <perdure/world/detail/attachments.hpp>

namespace perdure {

/** For drivers: a base of what keeps handlers or Asio objects and may outlive its execution context.
 *
 *  The context calls `detach()` once while it shuts down; there the driver lets go of all that would
 *  reach into the context. See detail/attachments.hpp.
 */
using context_attachment = detail::attachment;

} // namespace perdure

#endif
