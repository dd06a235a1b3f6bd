// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// The disk fails under a log that compresses and encrypts, and goes on elsewhere.

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/wal/aes_gcm.hpp>
#include <perdure/wal/basic_wal.hpp>
#include <perdure/wal/lz4.hpp>
#include <perdure/world/faulty_calls.hpp>

#include <boost/asio/io_context.hpp>

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

using namespace perdure;
using namespace std::chrono_literals;

namespace {

using test_wal = basic_wal<basic_system_world<faulty_calls>>;

/// Encryption that notes every nonce, and with what key.
class watched_encryption final : public log_encryption {
public:
    explicit watched_encryption(aes_gcm_encryption::key const& k) : inner_(1, k) {}

    wal_format::encryption_kind kind() const noexcept override { return inner_.kind(); }
    std::uint32_t key_id() const noexcept override { return inner_.key_id(); }
    std::unique_ptr<segment_cipher>
    cipher_for(wal_format::segment_header const& segment) const override
    {
        auto made = std::make_unique<cipher>();
        made->of = this;
        made->sequence = segment.sequence;
        made->salt = segment.salt;
        made->inner = inner_.cipher_for(segment);
        return made;
    }

    std::size_t used() const
    {
        std::lock_guard lock(mutex_);
        return used_.size();
    }
    bool repeated() const
    {
        std::lock_guard lock(mutex_);
        return repeated_;
    }

private:
    struct cipher final : segment_cipher {
        watched_encryption const* of;
        std::uint64_t sequence;
        std::uint64_t salt;
        std::unique_ptr<segment_cipher> inner;

        bool seal(nonce n, std::span<std::byte const> associated, std::span<std::byte> text,
                  std::span<std::byte, tag_bytes> tag) noexcept override
        {
            if (!text.empty()) { // Else it is the check of the key.
                std::lock_guard lock(of->mutex_);
                if (!of->used_.emplace(sequence, salt, std::vector(n.begin(), n.end())).second)
                    of->repeated_ = true;
            }
            return inner->seal(n, associated, text, tag);
        }
        bool open(nonce n, std::span<std::byte const> associated, std::span<std::byte> text,
                  std::span<std::byte const, tag_bytes> tag) noexcept override
        {
            return inner->open(n, associated, text, tag);
        }
    };

    aes_gcm_encryption inner_;
    mutable std::mutex mutex_;
    mutable std::set<std::tuple<std::uint64_t, std::uint64_t, std::vector<std::byte>>> used_;
    mutable bool repeated_ = false;
};

std::map<position, std::string> read_all(test_wal& log)
{
    std::map<position, std::string> out;
    log.replay(log.first_position(),
               [&](position p, std::span<std::byte const> b) { out[p] = std::string(as_text(b)); });
    return out;
}

} // namespace

TEST_CASE("wal: a log of packed groups that continues elsewhere loses nothing and repeats no nonce",
          "[wal][asio]")
{
    auto const call = GENERATE(system_call::fdatasync, system_call::pwritev);
    int const error = GENERATE(EIO, ENOSPC);
    int const variant = GENERATE(0, 1, 2, 3, 4);
    if (error == ENOSPC && variant != 2)
        return;
    bool const encrypts = variant != 0;
    bool const compresses = variant != 1;
    bool const second = variant == 3;
    bool const by_thread = variant == 4;
    for (std::uint64_t n = 1;; ++n) {
        INFO(to_string(call) << " number " << n << " fails with " << error << ", variant "
                             << variant);
        temporary_directory d;
        aes_gcm_encryption::key key{};
        key[3] = std::byte{9};
        auto const encryption = std::make_shared<watched_encryption>(key);
        wal_options o;
        o.directory = d / "log";
        o.segment_bytes = 8192;
        o.record_bytes_max = 1 << 16;
        o.idle_seal_after = 0ms;
        o.after_failure = after_failure::continue_elsewhere;
        if (second)
            o.second_directory = d / "second";
        if (compresses)
            o.packing.compression = lz4_groups(256);
        if (encrypts)
            o.packing.encryption = encryption;
        bool happened = false;
        std::map<position, std::string> acknowledged;
        {
            asio::io_context io;
            auto const faults = std::make_shared<call_faults>();
            test_wal log(basic_system_world<faulty_calls>(io, faulty_calls({faults})), o);
            log.open();
            io.run();
            faults->fail(call, error, n);
            std::size_t refused = 0;
            for (int i = 0; i != 20; ++i) {
                // Half of it can be compressed.
                std::string text = "record " + std::to_string(i) + std::string(500, '.');
                std::uint32_t x = static_cast<std::uint32_t>(i + 1);
                for (int k = 0; k != 500; ++k)
                    text += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
                auto const how = i % 5 == 4 ? durability::disk : durability::os;
                error_code ec;
                position at = 0;
                if (by_thread)
                    at = log.append(as_bytes(text), how, ec);
                else
                    log.async_append(as_bytes(text), how, [&](error_code e, position p) {
                        ec = e;
                        at = p;
                    });
                io.restart();
                io.run();
                if (ec) {
                    CHECK(ec == errc::no_space);
                    CHECK(at == 0);
                    ++refused;
                } else {
                    acknowledged[at] = text;
                }
            }
            CHECK(refused <= (error == ENOSPC ? 1u : 0u));
            CHECK(acknowledged.size() == 20 - refused);
            CHECK(read_all(log) == acknowledged);
            happened = faults->all_happened();
            CHECK(log.counters().failures <= happened);
        }
        o.mode = n % 2 == 0 ? recovery_mode::tail : recovery_mode::strict;
        o.verify_everything = n % 3 == 0;
        asio::io_context io;
        test_wal again(io, o);
        error_code ec;
        auto const report = again.open(ec);
        INFO(report);
        REQUIRE(!ec);
        CHECK(read_all(again) == acknowledged);
        CHECK(!encryption->repeated());
        CHECK((encryption->used() > 0) == encrypts);
        if (!happened) {
            CHECK(n > 4);
            break;
        }
    }
}
