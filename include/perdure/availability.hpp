// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_HPP
#define PERDURE_AVAILABILITY_HPP

// How good is it, in numbers? Fault rates, failure and recovery times, availability of systems.
// The models need the standard library alone; what estimates from data includes Boost.Math.
#include <perdure/availability/acceptance.hpp>
#include <perdure/availability/bernoulli.hpp>
#include <perdure/availability/burn_monitor.hpp>
#include <perdure/availability/checkpoint_interval.hpp>
#include <perdure/availability/commit_risk.hpp>
#include <perdure/availability/comparison.hpp>
#include <perdure/availability/composition.hpp>
#include <perdure/availability/copysets.hpp>
#include <perdure/availability/data_at_risk.hpp>
#include <perdure/availability/detector_quality.hpp>
#include <perdure/availability/downtime.hpp>
#include <perdure/availability/durability.hpp>
#include <perdure/availability/estimate.hpp>
#include <perdure/availability/evidence_text.hpp>
#include <perdure/availability/exponential.hpp>
#include <perdure/availability/history.hpp>
#include <perdure/availability/live.hpp>
#include <perdure/availability/live_report.hpp>
#include <perdure/availability/markov/chain.hpp>
#include <perdure/availability/markov/explore.hpp>
#include <perdure/availability/markov/passage.hpp>
#include <perdure/availability/markov/redundant.hpp>
#include <perdure/availability/markov/steady.hpp>
#include <perdure/availability/markov/transient.hpp>
#include <perdure/availability/observed.hpp>
#include <perdure/availability/periodic_test.hpp>
#include <perdure/availability/phase_type.hpp>
#include <perdure/availability/posterior.hpp>
#include <perdure/availability/propagate.hpp>
#include <perdure/availability/proportion.hpp>
#include <perdure/availability/quorum.hpp>
#include <perdure/availability/recovery_time.hpp>
#include <perdure/availability/renewal.hpp>
#include <perdure/availability/repair_crews.hpp>
#include <perdure/availability/slo.hpp>
#include <perdure/availability/structure/chance.hpp>
#include <perdure/availability/structure/common_cause.hpp>
#include <perdure/availability/structure/cut_sets.hpp>
#include <perdure/availability/structure/diagram.hpp>
#include <perdure/availability/structure/expression.hpp>
#include <perdure/availability/structure/fault_tree.hpp>
#include <perdure/availability/structure/fault_tree_of.hpp>
#include <perdure/availability/structure/importance.hpp>
#include <perdure/availability/structure/node_kind.hpp>
#include <perdure/availability/structure/system_times.hpp>
#include <perdure/availability/text.hpp>
#include <perdure/availability/trend.hpp>
#include <perdure/availability/two_state.hpp>
#include <perdure/availability/unavailability.hpp>
#include <perdure/availability/uncertain.hpp>
#include <perdure/availability/units.hpp>
#include <perdure/availability/what_if.hpp>

#endif
