// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include <perdure/world/concepts.hpp>

#include <string>
#include <vector>

// The least that models each concept, and what lacks one thing of it. That this compiles is the test.
namespace {

using namespace perdure;

// -- files ----------------------------------------------------------------------------------------

struct exemplar_file {
    exemplar_file() = default;
    exemplar_file(exemplar_file&&) = default;
    exemplar_file& operator=(exemplar_file&&) = default;
    bool is_open() const;
    void write_at(std::uint64_t, std::span<std::byte const>, error_code&);
    void write_at(std::uint64_t, std::span<std::span<std::byte const> const>, error_code&);
    std::size_t read_at(std::uint64_t, std::span<std::byte>, error_code&);
    void sync(sync_mode, error_code&);
    std::uint64_t size(error_code&);
    void allocate(std::uint64_t, std::uint64_t, error_code&);
    void truncate(std::uint64_t, error_code&);
    void lock(error_code&);
    void close(error_code&);
};
static_assert(world_file<exemplar_file>);

struct file_that_cannot_sync : exemplar_file {
    void sync(sync_mode, error_code&) = delete;
};
struct file_that_throws_instead : exemplar_file {
    void sync(sync_mode);
};
struct file_that_cannot_move : exemplar_file {
    file_that_cannot_move() = default;
    file_that_cannot_move(file_that_cannot_move&&) = delete;
};
static_assert(!world_file<int>);
static_assert(!world_file<file_that_cannot_sync>);
static_assert(!world_file<file_that_throws_instead>);
static_assert(!world_file<file_that_cannot_move>);

struct exemplar_files {
    using file = exemplar_file;
    file open(std::string const&, open_mode, error_code&);
    void rename(std::string const&, std::string const&, rename_mode, error_code&);
    void remove(std::string const&, error_code&);
    std::vector<directory_entry> list(std::string const&, error_code&);
    void create_directories(std::string const&, error_code&);
    void sync_directory(std::string const&, error_code&);
};
static_assert(world_file_operations<exemplar_files>);

struct files_without_rename_mode : exemplar_files {
    void rename(std::string const&, std::string const&, error_code&);
};
struct files_of_another_kind : exemplar_files {
    using file = file_that_cannot_sync;
};
static_assert(!world_file_operations<files_without_rename_mode>);
static_assert(!world_file_operations<files_of_another_kind>);

// -- the world, one concept at a time ---------------------------------------------------------------

struct exemplar_executor_world {
    using executor_type = asio::any_io_executor;
    executor_type get_executor() const;
};
static_assert(has_executor<exemplar_executor_world>);

struct world_that_cannot_be_copied : exemplar_executor_world {
    world_that_cannot_be_copied(world_that_cannot_be_copied const&) = delete;
};
struct world_with_a_strange_executor {
    using executor_type = int;
    executor_type get_executor() const;
};
static_assert(!has_executor<int>);
static_assert(!has_executor<world_that_cannot_be_copied>);
static_assert(!has_executor<world_with_a_strange_executor>);

template <class World>
struct exemplar_timer {
    explicit exemplar_timer(World const&);
    void expires_at(time_point);
    void expires_after(std::chrono::nanoseconds);
    time_point expiry() const;
    void cancel();
    template <class Token>
    void async_wait(Token&&);
};

struct exemplar_time_world : exemplar_executor_world {
    using timer = exemplar_timer<exemplar_time_world>;
    time_point now() const;
};
static_assert(has_time<exemplar_time_world>);

struct world_on_wall_clock_time : exemplar_time_world {
    std::chrono::system_clock::time_point now() const;
};
struct world_whose_timer_needs_an_executor : exemplar_executor_world {
    using timer = exemplar_timer<asio::any_io_executor>;
    time_point now() const;
};
struct world_whose_clock_needs_writing : exemplar_time_world {
    time_point now();
};
static_assert(!has_time<exemplar_executor_world>);
static_assert(!has_time<world_on_wall_clock_time>);
static_assert(!has_time<world_whose_timer_needs_an_executor>);
static_assert(!has_time<world_whose_clock_needs_writing>);

struct exemplar_clock_world {
    time_point now_with_suspend() const;
};
static_assert(has_suspend_clock<exemplar_clock_world>);
static_assert(!has_suspend_clock<exemplar_time_world>);

struct exemplar_entropy_world {
    std::uint64_t entropy() const;
};
struct world_of_little_entropy {
    std::uint32_t entropy() const;
};
static_assert(has_entropy<exemplar_entropy_world>);
static_assert(!has_entropy<world_of_little_entropy>);

struct exemplar_files_world : exemplar_executor_world {
    using files = exemplar_files;
    files blocking_files() const;
    template <class Job, class Token>
    void async_file_job(Job&&, Token&&) const;
};
static_assert(has_files<exemplar_files_world>);

struct world_with_blocking_files_only : exemplar_executor_world {
    using files = exemplar_files;
    files blocking_files() const;
};
static_assert(!has_files<world_with_blocking_files_only>);
static_assert(!has_files<exemplar_time_world>);

template <class World>
struct exemplar_datagram_socket {
    explicit exemplar_datagram_socket(World const&);
    void open(asio::ip::udp::endpoint, error_code&);
    asio::ip::udp::endpoint local_endpoint(error_code&) const;
    std::size_t try_receive(std::span<incoming_datagram>, error_code&);
    std::size_t try_send(std::span<outgoing_datagram const>, error_code&);
    template <class Token>
    void async_wait(asio::ip::udp::socket::wait_type, Token&&);
    void cancel();
    void close(error_code&);
};
struct exemplar_datagram_world : exemplar_executor_world {
    using datagram_socket = exemplar_datagram_socket<exemplar_datagram_world>;
};
static_assert(has_datagrams<exemplar_datagram_world>);
static_assert(!has_datagrams<exemplar_time_world>);

template <class World>
struct exemplar_stream {
    using executor_type = asio::any_io_executor;
    using lowest_layer_type = exemplar_stream;
    explicit exemplar_stream(World const&);
    executor_type get_executor();
    lowest_layer_type& lowest_layer();
    template <class Token>
    void async_connect(asio::ip::tcp::endpoint, Token&&);
    template <class Buffers, class Token>
    void async_read_some(Buffers const&, Token&&);
    template <class Buffers, class Token>
    void async_write_some(Buffers const&, Token&&);
    void shutdown(error_code&);
    asio::ip::tcp::endpoint remote_endpoint(error_code&) const;
    bool is_open() const;
    void cancel();
    void close(error_code&);
};
template <class World>
struct exemplar_acceptor {
    explicit exemplar_acceptor(World const&);
    void open(asio::ip::tcp::endpoint, error_code&);
    asio::ip::tcp::endpoint local_endpoint(error_code&) const;
    template <class Token>
    void async_accept(Token&&);
    void cancel();
    void close(error_code&);
};
struct exemplar_stream_world : exemplar_executor_world {
    using stream = exemplar_stream<exemplar_stream_world>;
    using acceptor = exemplar_acceptor<exemplar_stream_world>;
};
static_assert(has_streams<exemplar_stream_world>);

struct world_that_connects_only : exemplar_executor_world {
    using stream = exemplar_stream<world_that_connects_only>;
};
struct stream_without_layers : exemplar_stream<exemplar_stream_world> {
    void lowest_layer() = delete;
};
struct world_without_tls : exemplar_stream_world {
    using stream = stream_without_layers;
};
static_assert(!has_streams<world_that_connects_only>);
static_assert(!has_streams<world_without_tls>);

// -- all of it -------------------------------------------------------------------------------------

struct exemplar_world {
    using executor_type = asio::any_io_executor;
    using timer = exemplar_timer<exemplar_world>;
    using files = exemplar_files;
    using datagram_socket = exemplar_datagram_socket<exemplar_world>;
    using stream = exemplar_stream<exemplar_world>;
    using acceptor = exemplar_acceptor<exemplar_world>;
    explicit exemplar_world(executor_type);
    executor_type get_executor() const;
    time_point now() const;
    time_point now_with_suspend() const;
    std::uint64_t entropy() const;
    files blocking_files() const;
    template <class Job, class Token>
    void async_file_job(Job&&, Token&&) const;
};
static_assert(complete_world<exemplar_world>);
static_assert(!complete_world<exemplar_time_world>);
static_assert(!complete_world<exemplar_files_world>);
static_assert(world_source<exemplar_world, exemplar_world>);
static_assert(world_source<asio::any_io_executor, exemplar_world>);
static_assert(!world_source<std::string, exemplar_world>);

} // namespace

TEST_CASE("concepts: the exemplars compile", "[world][core]")
{
    SUCCEED();
}
