// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_EXAMPLES_TOOLS_INSPECT_CHECKING_HPP
#define PERDURE_EXAMPLES_TOOLS_INSPECT_CHECKING_HPP

#include <perdure/durable/durable.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <vector>

// What the checks of perdure-inspect run it with, and what they run it on.
namespace inspect_check {

namespace fs = std::filesystem;

inline std::string tool;
inline fs::path root;
inline int failures = 0;

struct result {
    int code = -1;
    std::string text;
    std::size_t lines() const
    {
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }
    bool says(std::string const& part) const { return text.find(part) != text.npos; }
};

/// `before` is for the shell.
inline result inspect(std::string const& arguments, std::string const& before = {})
{
    result r;
    auto const command =
        "cd '" + root.string() + "' && " + before + " '" + tool + "' " + arguments + " 2>&1";
    auto* const pipe = ::popen(command.c_str(), "r");
    std::array<char, 4096> buffer;
    while (auto const n = std::fread(buffer.data(), 1, buffer.size(), pipe))
        r.text.append(buffer.data(), n);
    auto const status = ::pclose(pipe);
    r.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::cout << "perdure-inspect " << arguments << ": exit code " << r.code << '\n';
    return r;
}

inline void check(bool holds, std::string const& what, result const& r)
{
    if (holds)
        return;
    ++failures;
    std::cout << "FAILED: " << what << "; it printed\n" << r.text << '\n';
}

inline result expect(std::string const& arguments, int code, std::string const& before = {})
{
    auto const r = inspect(arguments, before);
    check(r.code == code, arguments + " ends with " + std::to_string(code), r);
    return r;
}

/// Everything in a directory, to see that nothing was changed.
inline std::map<std::string, std::string> contents(fs::path const& directory)
{
    std::map<std::string, std::string> all;
    for (auto const& entry : fs::recursive_directory_iterator(directory))
        if (entry.is_regular_file()) {
            std::ifstream in(entry.path(), std::ios::binary);
            all[entry.path().lexically_relative(directory).string()] =
                std::string((std::istreambuf_iterator<char>(in)), {});
        }
    return all;
}

inline void flip(fs::path const& file, std::streamoff at, std::size_t n = 1)
{
    std::fstream f(file, std::ios::binary | std::ios::in | std::ios::out);
    for (std::size_t i = 0; i != n; ++i) {
        f.seekg(at + static_cast<std::streamoff>(i));
        char const c = static_cast<char>(f.get());
        f.seekp(at + static_cast<std::streamoff>(i));
        f.put(static_cast<char>(c ^ 1));
    }
}

inline void remove_last(fs::path const& directory, std::string const& extension)
{
    fs::path last;
    for (auto const& entry : fs::directory_iterator(directory))
        if (entry.path().extension() == extension && entry.path() > last)
            last = entry.path();
    fs::remove(last);
}

/// Changes a field of a header and its checksum, which is at the end of `size` bytes at `at`.
inline void patch(fs::path const& file, std::size_t at, std::size_t size, std::size_t field, char value)
{
    std::fstream f(file, std::ios::binary | std::ios::in | std::ios::out);
    std::string bytes(size, '\0');
    f.seekg(static_cast<std::streamoff>(at));
    f.read(bytes.data(), static_cast<std::streamsize>(size));
    bytes[field] = value;
    auto const crc = perdure::crc32c(perdure::as_bytes(std::string_view(bytes).substr(0, size - 4)));
    for (std::size_t i = 0; i != 4; ++i)
        bytes[size - 4 + i] = static_cast<char>(crc >> (8 * i));
    f.seekp(static_cast<std::streamoff>(at));
    f.write(bytes.data(), static_cast<std::streamsize>(size));
}

/// Hides nothing; that it is there is what a reader without it must notice.
class no_secret final : public perdure::log_encryption {
    struct cipher final : perdure::segment_cipher {
        bool seal(nonce, std::span<std::byte const>, std::span<std::byte>,
                  std::span<std::byte, tag_bytes> tag) noexcept override
        {
            std::fill(tag.begin(), tag.end(), std::byte{7});
            return true;
        }
        bool open(nonce, std::span<std::byte const>, std::span<std::byte>,
                  std::span<std::byte const, tag_bytes>) noexcept override
        {
            return true;
        }
    };

public:
    perdure::wal_format::encryption_kind kind() const noexcept override
    {
        return perdure::wal_format::encryption_kind::aes_256_gcm;
    }
    std::uint32_t key_id() const noexcept override { return 1; }
    std::unique_ptr<perdure::segment_cipher>
    cipher_for(perdure::wal_format::segment_header const&) const override
    {
        return std::make_unique<cipher>();
    }
};

/// A log of `n` records, one a group, in several segments, with the time 1000 + position.
inline void make_log(std::string const& name, int n, bool close, bool encrypted = false)
{
    boost::asio::io_context io;
    perdure::wal_options o;
    o.directory = (root / name).string();
    o.segment_bytes = 16384;
    o.idle_seal_after = std::chrono::milliseconds(0);
    std::uint64_t time = 1000;
    o.unix_time_ms = [&] { return time; };
    if (encrypted)
        o.packing.encryption = std::make_shared<no_secret>();
    perdure::wal log(io, o);
    log.open();
    for (int i = 1; i <= n; ++i) {
        time = 1000 + static_cast<std::uint64_t>(i);
        log.async_append(perdure::as_bytes("record " + std::to_string(i)),
                         [](perdure::error_code ec, perdure::position) {
                             failures += ec.failed();
                         });
        io.restart();
        io.run();
    }
    if (!close)
        return; // As after a crash.
    log.async_close([](perdure::error_code ec) { failures += ec.failed(); });
    io.restart();
    io.run();
}

struct counter {
    std::uint64_t value = 0;
    std::uint64_t apply(int by) { return value += static_cast<std::uint64_t>(by); }
    void serialize(auto& archive, unsigned) { archive& value; }
};

/// A durable state in use: `use` runs every 20 commands.
inline void make_state(std::string const& name, int n, std::function<void(int)> use = {})
{
    boost::asio::io_context io;
    perdure::durable_options o;
    o.directory = (root / name).string();
    o.log.segment_bytes = 8192;
    o.log.idle_seal_after = std::chrono::milliseconds(0);
    perdure::durable<counter, int> state(io, o);
    auto const run = [&] {
        io.restart();
        io.run();
    };
    state.async_open([](perdure::error_code ec, auto const&) { failures += ec.failed(); });
    run();
    for (int i = 1; i <= n; ++i) {
        state.async_execute(1, [](perdure::error_code ec, auto) { failures += ec.failed(); });
        run();
        if (i % 30 == 0) {
            state.async_snapshot([](perdure::error_code ec, auto) { failures += ec.failed(); });
            run();
        }
        if (use && i % 20 == 0)
            use(i);
    }
}

template <class State = counter>
std::uint64_t value_in(std::string const& name)
{
    boost::asio::io_context io;
    perdure::durable_options o;
    o.directory = (root / name).string();
    perdure::durable<State, int> state(io, o);
    state.async_open([](perdure::error_code ec, auto const&) { failures += ec.failed(); });
    io.run();
    return state.state().value;
}

/// A state of some chunks, of which a command changes one.
struct wide : counter {
    std::vector<std::uint64_t> cells = std::vector<std::uint64_t>(8192);
    std::uint64_t apply(int by)
    {
        counter::apply(by);
        return cells[value * 509 % cells.size()] = value * 0x9e3779b97f4a7c15;
    }
    void serialize(auto& archive, unsigned) { archive& value& cells; }
};

/// A thread that gives a durable state commands, takes snapshots and trims, until it goes.
class busy_state {
public:
    busy_state(std::string const& name, bool incremental)
        : thread_([this, directory = (root / name).string(), incremental] {
              run(directory, incremental);
          })
    {
        while (acknowledged() < 50)
            std::this_thread::yield();
    }
    busy_state(busy_state const&) = delete;
    busy_state& operator=(busy_state const&) = delete;
    ~busy_state()
    {
        stop_ = true;
        thread_.join();
        failures += failures_;
    }
    std::uint64_t acknowledged() const { return acknowledged_; }

private:
    void run(std::string const& directory, bool incremental)
    {
        boost::asio::io_context io;
        perdure::durable_options o;
        o.directory = directory;
        o.log.segment_bytes = 8192;
        o.log.idle_seal_after = std::chrono::milliseconds(0);
        o.snapshots.incremental.enabled = incremental;
        o.snapshots.incremental.chunk_size = 4096;
        perdure::durable<wide, int> state(io, o);
        auto const step = [&] {
            io.restart();
            while (io.run_one() != 0) {
            }
        };
        auto const note = [this](perdure::error_code ec, auto const&) {
            failures_ += ec.failed();
        };
        state.async_open(note);
        step();
        for (std::uint64_t i = 1; !stop_; ++i) {
            state.async_execute(1, note);
            step();
            acknowledged_ = i;
            std::this_thread::sleep_for(std::chrono::microseconds(200));
            if (i % 20 == 0) {
                state.async_snapshot(note);
                step();
            }
        }
    }

    std::atomic<bool> stop_ = false;
    std::atomic<std::uint64_t> acknowledged_ = 0;
    int failures_ = 0;
    std::thread thread_;
};

/// Snapshots without a log: `n` of 64 KiB each, which share what did not change.
inline void make_store(std::string const& name, int n)
{
    boost::asio::io_context io;
    perdure::snapshot_options o;
    o.incremental.enabled = true;
    perdure::snapshot_store store(io, (root / name).string(), o);
    wide state;
    for (int i = 0; i != n; ++i) {
        state.apply(1);
        store.async_save(state, state.value)(
            [](perdure::error_code ec, auto) { failures += ec.failed(); });
        io.restart();
        io.run();
    }
}

/// A thread that appends to a log of 40 MB, one record a group, until it goes.
class busy_log {
public:
    explicit busy_log(std::string const& name)
        : thread_([this, directory = (root / name).string()] { run(directory); })
    {
        while (!ready_)
            std::this_thread::yield();
    }
    busy_log(busy_log const&) = delete;
    busy_log& operator=(busy_log const&) = delete;
    ~busy_log()
    {
        stop_ = true;
        thread_.join();
        failures += failures_;
    }

private:
    void run(std::string const& directory)
    {
        boost::asio::io_context io;
        perdure::wal_options o;
        o.directory = directory;
        o.idle_seal_after = std::chrono::milliseconds(0);
        perdure::wal log(io, o);
        log.open();
        std::string const record(4000, 'r');
        auto const append = [&](int n) {
            for (int i = 0; i != n; ++i)
                log.async_append(perdure::as_bytes(record),
                                 [this](perdure::error_code ec, perdure::position) {
                                     failures_ += ec.failed();
                                 });
            io.restart();
            io.run();
        };
        append(10000);
        ready_ = true;
        while (!stop_)
            append(1);
    }

    std::atomic<bool> stop_ = false, ready_ = false;
    int failures_ = 0;
    std::thread thread_;
};

} // namespace inspect_check

#endif
