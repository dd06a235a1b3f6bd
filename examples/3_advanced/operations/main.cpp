// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

/* A service as Kubernetes and systemd want it, on one event loop: probes, metrics, watchdog, settings that change while it
 * runs, and a graceful stop in bounded time (service.hpp).
 *
 *   operations PORT DIRECTORY [SETTINGS]   runs it; try curl localhost:PORT/metrics, kill -HUP, kill -TERM
 *   operations                             shows it: plays systemd, Kubernetes, a client and a peer around it
 *
 * operations.service and kubernetes.yaml beside this file belong to it. The demonstration prints what each side sees:
 *
 *   systemd heard READY=1, STATUS=serving
 *   GET /readyz -> 200 ready
 *   POST /add -> 200 1
 *   ...
 *   the peer: node 1 down (was up): said that it leaves ...
 *   stopped in 218 ms, in good order, total 4
 */

#include "service.hpp"

#include <csignal>
#include <filesystem>

using namespace operations;

namespace {

struct failed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void expect(bool good, std::string const& what)
{
    if (!good)
        throw failed(what);
}

asio::awaitable<std::string> fetch(unsigned short port, std::string method, std::string target)
{
    asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
    auto const text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
    std::string answer;
    co_await asio::async_read(socket, asio::dynamic_buffer(answer), asio::as_tuple(asio::use_awaitable));
    // "HTTP/1.1 200 OK ... body" becomes "200 body".
    auto const body = answer.substr(answer.find("\r\n\r\n") + 4);
    auto const status = answer.substr(9, 3);
    if (target != "/metrics")
        std::cout << method << ' ' << target << " -> " << status << ' ' << body << std::flush;
    co_return status + ' ' + body;
}

/// Plays systemd: the socket that the service notifies.
class systemd {
public:
    systemd(asio::io_context& io, std::string const& path)
        : socket_(io, asio::local::datagram_protocol::endpoint(path))
    {
        asio::co_spawn(io, listen(), asio::detached);
    }
    int beats() const { return beats_; }
    std::string const& heard() const { return heard_; }
    void close() { socket_.close(); }

private:
    asio::awaitable<void> listen()
    {
        for (;;) {
            std::array<char, 512> buffer;
            auto const [ec, size] = co_await socket_.async_receive(
                asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
            if (ec)
                co_return;
            std::string text(buffer.data(), size);
            if (text == "WATCHDOG=1") {
                ++beats_;
                continue;
            }
            std::replace(text.begin(), text.end(), '\n', ' ');
            std::cout << "systemd heard " << text << std::endl;
            heard_ += text + ' ';
        }
    }

    asio::local::datagram_protocol::socket socket_;
    int beats_ = 0;
    std::string heard_;
};

asio::awaitable<void> wait_for(std::function<bool()> what, std::string name)
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int i = 0; !what(); ++i) {
        expect(i < 2000, "waited ten seconds for: " + name);
        timer.expires_after(5ms);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<void> demonstrate(service& s, systemd& supervisor, perdure::detector& peer,
                                  std::string settings_file)
{
    auto const port = s.port();
    auto answer = co_await fetch(port, "GET", "/healthz");
    expect(answer.starts_with("200"), "healthz is answered from the start");
    co_await wait_for([&] { return supervisor.heard().find("READY=1") != std::string::npos; }, "READY=1");
    answer = co_await fetch(port, "GET", "/readyz");
    expect(answer == "200 ready\n", "readyz after recovery");
    for (int i = 1; i <= 3; ++i) {
        answer = co_await fetch(port, "POST", "/add");
        expect(answer == "200 " + std::to_string(i) + "\n", "each addition is acknowledged");
    }
    answer = co_await fetch(port, "GET", "/nonsense");
    expect(answer.starts_with("404"), "an unknown target");
    co_await wait_for([&] { return peer.status(1) == perdure::peer_status::up; }, "the peer hears us");

    // Timeouts change while it runs; a bad file changes nothing.
    std::ofstream(settings_file) << "acceptable_pause_ms = 750\ndown_after_ms = 2000\n";
    std::raise(SIGHUP);
    co_await wait_for([&] { return s.timeouts().acceptable_pause == 750ms; }, "new timeouts");
    std::ofstream(settings_file) << "acceptable_pause_ms = -1\n";
    std::raise(SIGHUP);
    answer = co_await fetch(port, "GET", "/healthz");
    expect(s.timeouts().acceptable_pause == 750ms, "a bad setting changes nothing");

    answer = co_await fetch(port, "GET", "/metrics");
    for (auto const* line : {"perdure_calls_total{outcome=\"ok\"} 3\n", "perdure_log_records_total 3\n",
                             "perdure_members{state=\"unknown\"} 1\n",
                             "perdure_detector_acceptable_pause_seconds 0.75\n"}) {
        expect(answer.find(line) != std::string::npos, std::string("/metrics has ") + line + answer);
        std::cout << "scraped " << line;
    }
    co_await wait_for([&] { return supervisor.beats() >= 3; }, "three beats of the watchdog");

    // Stopping: it says no to /readyz first, and still serves.
    std::raise(SIGTERM);
    co_await wait_for([&] { return s.now() == service::phase::stopping; }, "stopping");
    answer = co_await fetch(port, "GET", "/readyz");
    expect(answer == "503 stopping\n", "readyz while stopping");
    answer = co_await fetch(port, "POST", "/add");
    expect(answer == "200 4\n", "a late request is still answered");
    auto const event = co_await peer.async_wait_event(asio::use_awaitable);
    std::cout << "the peer: " << event << std::endl; // Up, then:
    auto const gone = co_await peer.async_wait_event(asio::use_awaitable);
    std::cout << "the peer: " << gone << std::endl;
    expect(gone.change == perdure::peer_change::down, "the peer is told that we leave");
    co_await wait_for([&] { return s.now() == service::phase::stopped; }, "the end");
    expect(supervisor.heard().find("STOPPING=1") != std::string::npos, "STOPPING=1");
    std::cout << "the watchdog was fed " << (supervisor.beats() >= 3 ? "all along" : "too rarely")
              << std::endl;
    supervisor.close();
    peer.close();
}

/// A client that never ends its request: stopping gives that up in time, and still takes the last snapshot.
void stop_in_bounded_time(std::filesystem::path const& place)
{
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    asio::io_context io;
    service_options options;
    options.directory = place / "state";
    options.notice = 20ms;
    options.drain_at_most = 200ms;
    options.stop_within = 10s;
    service s(io, options);
    asio::ip::tcp::socket silent(io);
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            co_await wait_for([&] { return s.now() == service::phase::ready; }, "ready");
            co_await silent.async_connect({asio::ip::address_v4::loopback(), s.port()}, asio::use_awaitable);
            co_await fetch(s.port(), "GET", "/readyz"); // The silent one was accepted before this.
            std::raise(SIGTERM);
        },
        asio::detached);
    io.run();
    s.rethrow();
    for (auto const& step : s.stopped().steps)
        expect(step.outcome == (step.name == "finishing the requests under way"
                                    ? perdure::shutdown_outcome::given_up
                                    : perdure::shutdown_outcome::done),
               step.name);
    std::cout << "with a client that never ends its request: " << s.stopped() << std::endl;
}

int show()
{
    auto const place = std::filesystem::temp_directory_path() /
                       ("perdure-operations-" + std::to_string(::getpid()));
    std::filesystem::create_directories(place);
    ::setenv("NOTIFY_SOCKET", (place / "notify").c_str(), 1);
    ::setenv("WATCHDOG_USEC", "40000", 1);
    ::unsetenv("WATCHDOG_PID");
    int result = 0;
    bool ended = false;
    {
        asio::io_context io;
        systemd supervisor(io, place / "notify");
        perdure::detector_options watching;
        watching.listener.listen = {asio::ip::address_v4::loopback(), 0};
        watching.listener.cluster = 42;
        perdure::detector peer(io, watching);
        peer.open();
        peer.add_peer(1);

        service_options options;
        options.directory = place / "state";
        options.settings_file = place / "settings";
        options.peers = {2};
        options.peers_listen = {peer.local_endpoint()};
        options.notice = 200ms;
        options.stop_within = 10s;
        std::ofstream(options.settings_file) << "acceptable_pause_ms = 500\n";
        service s(io, options);
        std::exception_ptr e;
        asio::co_spawn(io, demonstrate(s, supervisor, peer, options.settings_file), [&](std::exception_ptr p) {
            e = p;
            if (p)
                io.stop();
        });
        io.run();
        try {
            if (e)
                std::rethrow_exception(e);
            s.rethrow();
            expect(s.stopped().in_good_order(), "stopping in good order");
            ended = true;
        } catch (std::exception const& error) {
            std::cout << "FAILED: " << error.what() << std::endl;
            result = 1;
        }
    }
    if (ended)
        try {
            stop_in_bounded_time(place);
        } catch (std::exception const& error) {
            std::cout << "FAILED: " << error.what() << std::endl;
            result = 1;
        }
    std::filesystem::remove_all(place);
    return result;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc == 1)
        return show();
    unsigned port = 0;
    std::string const text = argv[1];
    auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (argc < 3 || ec != std::errc{} || end != text.data() + text.size() || port > 65535) {
        std::cerr << "usage: operations PORT DIRECTORY [SETTINGS]; PORT is from 0 to 65535\n";
        return 2;
    }
    service_options options;
    options.http_port = static_cast<unsigned short>(port);
    options.directory = argv[2];
    if (argc > 3)
        options.settings_file = argv[3];
    asio::io_context io;
    service s(io, options);
    std::cout << "http on 127.0.0.1:" << s.port() << std::endl;
    io.run();
    s.rethrow();
    return s.stopped().in_good_order() ? 0 : 1;
}
