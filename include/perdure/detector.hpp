// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_HPP
#define PERDURE_DETECTOR_HPP

// Everything of the part "detector".
#include <perdure/detector/authentication.hpp>
#include <perdure/detector/bertier.hpp>
#include <perdure/detector/chen.hpp>
#include <perdure/detector/detector.hpp>
#include <perdure/detector/estimator.hpp>
#include <perdure/detector/event.hpp>
#include <perdure/detector/exponential.hpp>
#include <perdure/detector/fixed_timeout.hpp>
#include <perdure/detector/heartbeat.hpp>
#include <perdure/detector/heartbeat_codec.hpp>
#include <perdure/detector/heartbeat_listener.hpp>
#include <perdure/detector/heartbeat_schedule.hpp>
#include <perdure/detector/heartbeat_sender.hpp>
#include <perdure/detector/monitor.hpp>
#include <perdure/detector/phi.hpp>
#include <perdure/detector/phi_accrual.hpp>
#include <perdure/detector/two_window.hpp>

#endif
