// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include <perdure/error.hpp>

#include "support/catch.hpp"

#include <string>

using perdure::condition;
using perdure::errc;

namespace {

constexpr errc every_errc[] = {
    errc::bad_magic, errc::unsupported_version, errc::checksum_mismatch, errc::truncated, errc::malformed,
    errc::too_large, errc::acknowledged_data_lost, errc::log_failed, errc::position_out_of_range,
    errc::locked, errc::segment_missing, errc::record_too_large, errc::closed, errc::no_space,
    errc::log_truncated, errc::wrong_key, errc::codec_missing, errc::already_open,
    errc::no_snapshot, errc::no_good_snapshot, errc::cannot_decode, errc::wrong_type, errc::cannot_encode, errc::wrong_log,
    errc::stale_epoch, errc::quorum_lost, errc::timed_out, errc::wrong_cluster, errc::overloaded,
    errc::not_authentic};

} // namespace

TEST_CASE("error: every code has a message of its own", "[core]")
{
    std::string const unknown = perdure::category().message(9999);
    for (errc e : every_errc) {
        perdure::error_code const ec = e;
        CAPTURE(ec.value());
        CHECK(ec.message() != unknown);
        for (errc other : every_errc)
            CHECK((other == e || perdure::error_code(other).message() != ec.message()));
    }
}

TEST_CASE("error: a code belongs to at most one condition", "[core]")
{
    for (errc e : every_errc) {
        perdure::error_code const ec = e;
        int const matches = (ec == condition::corruption) + (ec == condition::transient) + (ec == condition::protocol);
        CAPTURE(ec.message());
        CHECK(matches <= 1);
    }
    CHECK(perdure::error_code(errc::checksum_mismatch) == condition::corruption);
    CHECK(perdure::error_code(errc::no_space) == condition::transient);
    CHECK(perdure::error_code(errc::stale_epoch) == condition::protocol);
    CHECK(perdure::error_code(errc::closed) != condition::transient);
}

TEST_CASE("error: codes of other categories match no condition", "[core]")
{
    auto const foreign = boost::system::errc::make_error_code(boost::system::errc::io_error);
    CHECK(foreign != condition::corruption);
    CHECK(foreign != condition::transient);
}
