// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_DETECTOR_DETAIL_THROW_IF_NOT_OPEN_HPP
#define PERDURE_DETECTOR_DETAIL_THROW_IF_NOT_OPEN_HPP

#include <perdure/error.hpp>

#include <boost/asio/ip/udp.hpp>
#include <boost/system/system_error.hpp>

#include <sstream>

namespace perdure::detail {

// "detector::open on 127.0.0.1:7401: Address already in use": which of a host's sockets it was.
inline void throw_if_not_open(error_code ec, char const* what,
                              boost::asio::ip::udp::endpoint const& at)
{
    if (!ec)
        return;
    std::ostringstream text;
    text << what << " on " << at;
    throw boost::system::system_error(ec, text.str());
}

} // namespace perdure::detail

#endif
