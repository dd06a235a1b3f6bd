// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef OPERATIONS_SYSTEMD_HPP
#define OPERATIONS_SYSTEMD_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/datagram_protocol.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>

namespace operations {

/** Tells systemd how the service is, by the datagrams of sd_notify(3), without libsystemd.
 *
 *  Does nothing where NOTIFY_SOCKET is not set, so that the same program runs by hand and in a container.
 *  A datagram that cannot be sent is dropped: whoever supervises must not hold up the service.
 */
class supervisor {
public:
    explicit supervisor(boost::asio::any_io_executor executor) : socket_(executor)
    {
        auto const* address = std::getenv("NOTIFY_SOCKET");
        if (!address || !*address)
            return;
        std::string path = address;
        if (path[0] == '@')
            path[0] = '\0'; // In the abstract name space.
        boost::system::error_code ec;
        socket_.open(boost::asio::local::datagram_protocol(), ec);
        if (!ec)
            socket_.connect(path, ec);
        if (!ec)
            socket_.non_blocking(true, ec);
    }

    bool present() const { return socket_.is_open(); }

    /// For example "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=draining".
    void notify(std::string const& what)
    {
        boost::system::error_code ignored;
        if (socket_.is_open())
            socket_.send(boost::asio::buffer(what), 0, ignored);
    }

    /** How often to send "WATCHDOG=1": half of what systemd allows, as it recommends; zero where no watchdog is set.
     *
     *  Send it from the event loop that serves, and only while what the service lives by works: that is what the
     *  watchdog is to notice. A thread of its own would report a hanging service as well.
     */
    static std::chrono::microseconds watchdog_interval()
    {
        auto const* allowed = std::getenv("WATCHDOG_USEC");
        auto const* process = std::getenv("WATCHDOG_PID");
        if (!allowed || (process && std::atol(process) != ::getpid()))
            return {};
        return std::chrono::microseconds(std::atoll(allowed) / 2);
    }

private:
    boost::asio::local::datagram_protocol::socket socket_;
};

} // namespace operations

#endif
