// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DURABLE_HPP
#define PERDURE_DURABLE_HPP

// State that survives: commands are logged before they take effect, snapshots keep recovery short.

#include <perdure/durable/archive_command_codec.hpp>
#include <perdure/durable/durable.hpp>
#include <perdure/durable/options.hpp>
#include <perdure/durable/record.hpp>
#include <perdure/durable/report.hpp>
#include <perdure/durable/sessions.hpp>
#include <perdure/durable/state_machine.hpp>
#include <perdure/durable/versions.hpp>

#endif
