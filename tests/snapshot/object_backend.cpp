// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/http_object_server.hpp"
#include <perdure/snapshot/conformance.hpp>
#include <perdure/snapshot/http_object_client.hpp>
#include <perdure/snapshot/object_backend.hpp>

#include <map>
#include <memory>
#include <string>

namespace {

using perdure::errc;
using perdure::error_code;
using perdure::put_outcome;

// A store of objects in this process whose n-th call and some after it fail, before or after they took effect.
struct object_store {
    struct object {
        std::vector<std::byte> bytes;
        std::uint64_t version = 0;
    };
    std::map<std::string, object> objects;
    std::uint64_t version = 0, calls = 0, fail_at = 0, fail_count = 1;
    bool after_effect = false;
};

class local_client {
public:
    explicit local_client(std::shared_ptr<object_store> s) : store_(std::move(s)) {}

    std::vector<std::byte> get(std::string const& key, std::string& tag, error_code& ec)
    {
        std::vector<std::byte> bytes;
        run(ec, [&] {
            auto const at = store_->objects.find(key);
            if (at == store_->objects.end()) {
                ec = make_error_code(boost::system::errc::no_such_file_or_directory);
                return;
            }
            tag = std::to_string(at->second.version);
            bytes = at->second.bytes;
        });
        return ec ? std::vector<std::byte>() : bytes;
    }
    std::size_t get_range(std::string const& key, std::uint64_t offset, std::span<std::byte> out,
                          error_code& ec)
    {
        std::string ignored;
        auto const bytes = get(key, ignored, ec);
        if (ec || offset >= bytes.size())
            return 0;
        auto const n = std::min(out.size(), bytes.size() - static_cast<std::size_t>(offset));
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), n, out.begin());
        return n;
    }
    put_outcome put_new(std::string const& key, std::span<std::byte const> bytes, error_code& ec)
    {
        put_outcome result;
        run(ec, [&] {
            if (!store_->objects.contains(key))
                result = put(key, bytes);
        });
        return ec ? put_outcome() : result;
    }
    put_outcome put_if(std::string const& key, std::string const& tag,
                       std::span<std::byte const> bytes, error_code& ec)
    {
        put_outcome result;
        run(ec, [&] {
            auto const at = store_->objects.find(key);
            if (at != store_->objects.end() && std::to_string(at->second.version) == tag)
                result = put(key, bytes);
        });
        return ec ? put_outcome() : result;
    }
    void remove(std::string const& key, error_code& ec)
    {
        run(ec, [&] { store_->objects.erase(key); });
    }

private:
    put_outcome put(std::string const& key, std::span<std::byte const> bytes)
    {
        store_->objects[key] = {{bytes.begin(), bytes.end()}, ++store_->version};
        return {true, std::to_string(store_->version)};
    }
    template <class Call>
    void run(error_code& ec, Call call)
    {
        ec = {};
        auto const call_number = ++store_->calls;
        bool const fails = store_->fail_at != 0 && call_number >= store_->fail_at &&
                           call_number < store_->fail_at + store_->fail_count;
        if (!fails || store_->after_effect)
            call();
        if (fails)
            ec = make_error_code(boost::system::errc::timed_out);
    }
    std::shared_ptr<object_store> store_;
};

using backend = perdure::object_backend<local_client>;
using catalogue = perdure::snapshot_catalogue<backend>;

std::string text(perdure::conformance_report const& r)
{
    std::string all = std::to_string(r.checks) + " checks";
    for (auto const& f : r.failures)
        all += "; " + f;
    return all;
}

bool save(catalogue& c, std::uint64_t n)
{
    error_code ec;
    auto writer = c.begin(n, 1, 1, ec);
    std::vector<std::byte> const content(3000, static_cast<std::byte>(n));
    if (!ec)
        writer->append(content, ec);
    if (!ec)
        c.publish(*writer, ec);
    return !ec;
}

// The position of the newest good one, and how many were bad.
std::uint64_t load(catalogue& c, error_code& ec, std::size_t* bad = nullptr)
{
    perdure::snapshot_report report;
    auto const info = c.load_newest(
        1, [](std::uint32_t) { return true; },
        [](perdure::snapshot_content const&, error_code&) {}, report, ec);
    if (bad != nullptr)
        *bad = report.passed.size();
    return info.position;
}

} // namespace

TEST_CASE("object back end: conforms with conditional puts alone, over HTTP and in this process",
          "[snapshot][asio][threads]")
{
    auto const store = std::make_shared<object_store>();
    auto const local = perdure::check_snapshot_backend(
        [&] { return backend(local_client(store), {.part_bytes = 100'000}); });
    CHECK(text(local) == std::to_string(local.checks) + " checks");
    CHECK(local.checks > 90);
    CHECK(store->objects.size() < 8); // Parts of what was removed are gone.

    test::http_object_server server;
    auto const remote = perdure::check_snapshot_backend([&] {
        return perdure::object_backend<perdure::http_object_client>(
            perdure::http_object_client({.host = "127.0.0.1", .port = server.port(), .path = "/b/"}),
            {.prefix = "s/", .part_bytes = 1 << 20});
    });
    CHECK(text(remote) == std::to_string(local.checks) + " checks");
    CHECK(server.objects() < 10);
}

TEST_CASE("object back end: whichever requests fail or lose their answers, what was acknowledged stays, and nothing "
          "is published by halves",
          "[snapshot][core]")
{
    for (auto const& [after_effect, count] :
         {std::pair(false, 1), {true, 1}, {false, 2}, {true, 2}, {true, 3}}) {
        std::uint64_t failed = 0;
        for (std::uint64_t call = 1; call <= 60; ++call) {
            CAPTURE(after_effect, count, call);
            auto const store = std::make_shared<object_store>();
            store->fail_count = static_cast<std::uint64_t>(count);
            std::uint64_t acknowledged = 0;
            {
                catalogue c(backend(local_client(store), {.part_bytes = 1000}), {});
                store->fail_at = call;
                store->after_effect = after_effect;
                for (std::uint64_t n = 1; n <= 4; ++n)
                    if (save(c, n))
                        acknowledged = n;
                    else
                        ++failed;
            }
            store->fail_at = 0;
            // The one that failed may have been the one that frees the storage.
            catalogue c(backend(local_client(store), {.part_bytes = 1000, .take_over = true}), {});
            error_code ec;
            std::size_t bad = 0;
            auto const found = load(c, ec, &bad);
            if (acknowledged != 0)
                CHECK(!ec);
            CHECK(bad == 0);
            CHECK(found >= acknowledged);
            CHECK(save(c, 9));
            CHECK(load(c, ec) == 9);
            CHECK(store->objects.size() < 30);
        }
        if (!after_effect)
            CHECK(failed > 2); // Most are tried again, and a lost answer is mostly found out about.
    }
}

TEST_CASE("object back end: an owner whose storage was taken over publishes nothing more",
          "[snapshot][core]")
{
    auto const store = std::make_shared<object_store>();
    catalogue first(backend(local_client(store)), {});
    REQUIRE(save(first, 1));
    error_code ec;
    auto slow = first.begin(2, 1, 1, ec);
    REQUIRE(!ec);
    std::byte const content{1};
    slow->append({&content, 1}, ec);

    catalogue polite(backend(local_client(store)), {});
    CHECK(load(polite, ec) == 0);
    CHECK(ec == errc::locked);
    catalogue second(backend(local_client(store), {.take_over = true}), {});
    CHECK(load(second, ec) == 1);
    REQUIRE(save(second, 3));

    first.publish(*slow, ec);
    CHECK(ec == errc::locked);
    CHECK(!save(first, 4));
    CHECK(load(second, ec) == 3);
    REQUIRE(save(second, 5));
}

TEST_CASE("object back end: an owner that was replaced does not come back by looking at what is there",
          "[snapshot][core]")
{
    auto const store = std::make_shared<object_store>();
    error_code ec;
    auto first = std::make_unique<catalogue>(backend(local_client(store)), perdure::snapshot_options());
    REQUIRE(save(*first, 1));
    catalogue second(backend(local_client(store), {.take_over = true}), {});
    REQUIRE(save(second, 2));

    CHECK(load(*first, ec) == 0); // It lists what is there, and so learns the other one's catalogue.
    CHECK(ec == errc::locked);
    CHECK(!save(*first, 3));
    REQUIRE(save(second, 4));

    first->ids(ec);
    first.reset(); // It frees nothing that is another's.
    catalogue polite(backend(local_client(store)), {});
    CHECK(load(polite, ec) == 0);
    CHECK(ec == errc::locked);
    CHECK(save(second, 5));
    CHECK(load(second, ec) == 5);
}

TEST_CASE("object back end: a part size of 0 is refused", "[snapshot][core]")
{
    auto const store = std::make_shared<object_store>();
    CHECK_THROWS_WITH(backend(local_client(store), {.part_bytes = 0}),
                      "object_backend_options.part_bytes is 0; a part holds at least a byte");
}

TEST_CASE("object back end: a lost answer of the server is found out about", "[snapshot][asio][threads]")
{
    test::http_object_server server;
    auto const make = [&](bool take_over) {
        return perdure::snapshot_catalogue<perdure::object_backend<perdure::http_object_client>>(
            {perdure::http_object_client({.host = "127.0.0.1", .port = server.port()}),
             {.take_over = take_over}},
            {});
    };
    for (std::uint64_t n = 1; n <= 12; ++n) {
        CAPTURE(n);
        auto c = make(true);
        server.lose_answer(n);
        error_code ec;
        auto writer = c.begin(n, 1, 1, ec);
        std::byte const content{1};
        if (!ec)
            writer->append({&content, 1}, ec);
        bool const saved = !ec && (c.publish(*writer, ec), !ec);
        writer.reset();
        c = make(true);
        perdure::snapshot_report report;
        auto const info = c.load_newest(
            1, [](std::uint32_t) { return true; },
            [](perdure::snapshot_content const&, error_code&) {}, report, ec);
        if (saved)
            CHECK(info.position == n);
    }
}

TEST_CASE("object back end: a server that does not say the tags of what it stores is asked for them",
          "[snapshot][asio][threads]")
{
    test::http_object_server server;
    server.hide_tags();
    using http_backend = perdure::object_backend<perdure::http_object_client>;
    auto const make = [&] {
        return http_backend(perdure::http_object_client({.host = "127.0.0.1", .port = server.port()}));
    };
    error_code ec;
    {
        perdure::snapshot_catalogue<http_backend> c(make(), {});
        for (std::uint64_t n = 1; n <= 3; ++n) {
            auto writer = c.begin(n, 1, 1, ec);
            REQUIRE(!ec);
            std::byte const content{1};
            writer->append({&content, 1}, ec);
            c.publish(*writer, ec);
            REQUIRE(!ec);
        }
    }
    perdure::snapshot_catalogue<http_backend> again(make(), {});
    CHECK(again.ids(ec) == std::vector<std::uint64_t>{2, 3});
    CHECK(!ec);
}

TEST_CASE("object catalogue: any changed byte and any cut is refused", "[snapshot][core][format]")
{
    perdure::object_catalogue c;
    c.revision = 5;
    c.owner = 7;
    c.next_id = 12;
    c.add({"snapshot-2", 9, 1000, 100, false});
    c.add({"snapshot-1", 8, 10, 100, true});
    c.pending.push_back({10, 3});
    auto const bytes = perdure::encode_object_catalogue(c);
    error_code ec;
    CHECK(perdure::decode_object_catalogue(bytes, ec) == c);
    CHECK(!ec);
    CHECK(c.find("snapshot-1")->parts() == 1);
    CHECK(c.find("snapshot-2")->parts() == 10);
    for (std::size_t n = 0; n != bytes.size(); ++n) {
        perdure::decode_object_catalogue(std::span(bytes.data(), n), ec);
        CHECK(ec);
        auto other = bytes;
        other[n] ^= std::byte{0x10};
        perdure::decode_object_catalogue(other, ec);
        CHECK(ec == perdure::condition::corruption);
        // With a right checksum too no field makes it read out of bounds.
        perdure::store_little(other.data() + other.size() - 4,
                              perdure::crc32c(std::span<std::byte const>(other).first(other.size() - 4)));
        perdure::decode_object_catalogue(other, ec);
    }
}
