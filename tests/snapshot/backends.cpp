// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include <perdure/simulation/disk_files.hpp>
#include <perdure/snapshot/conformance.hpp>
#include <perdure/snapshot/directory_backend.hpp>
#include <perdure/snapshot/faulty_backend.hpp>
#include <perdure/snapshot/memory_backend.hpp>
#include <perdure/world/posix_files.hpp>

#include <memory>
#include <string>

namespace {

using perdure::backend_faults;
using perdure::error_code;
using perdure::faulty_backend;
using perdure::memory_backend;
using perdure::memory_objects;

std::string text(perdure::conformance_report const& r)
{
    std::string all = std::to_string(r.checks) + " checks";
    for (auto const& f : r.failures)
        all += "; " + f;
    return all;
}

// A back end with a defect, as a user may write one.
enum class defect { replaces, forgets_what_is_aside, visible_early, not_exclusive };

template <defect Defect>
class careless_backend : public memory_backend {
public:
    explicit careless_backend(std::shared_ptr<memory_objects> o) : memory_backend(o), objects_(o) {}

    class upload : public memory_backend::upload {
    public:
        upload() = default;
        upload(memory_backend::upload u, std::shared_ptr<memory_objects> o, std::string name)
            : memory_backend::upload(std::move(u)), objects_(std::move(o)), name_(std::move(name))
        {
        }
        void commit(error_code& ec)
        {
            if (Defect == defect::replaces)
                objects_->objects.erase(name_);
            if (auto const at = objects_->objects.find(name_);
                Defect == defect::forgets_what_is_aside && at != objects_->objects.end() &&
                at->second.put_aside)
                objects_->objects.erase(at);
            if (Defect == defect::visible_early)
                ec = {};
            else
                memory_backend::upload::commit(ec);
        }

    private:
        std::shared_ptr<memory_objects> objects_;
        std::string name_;
    };

    void open(error_code& ec)
    {
        if (Defect == defect::not_exclusive)
            objects_->locked = false;
        memory_backend::open(ec);
    }
    upload create(std::string const& name, error_code& ec)
    {
        upload u(memory_backend::create(name, ec), objects_, name);
        if (Defect == defect::visible_early)
            u.memory_backend::upload::commit(ec);
        return u;
    }

private:
    std::shared_ptr<memory_objects> objects_;
};

template <defect Defect>
perdure::conformance_report check_careless()
{
    auto const objects = std::make_shared<memory_objects>();
    return perdure::check_snapshot_backend([&] { return careless_backend<Defect>(objects); });
}

} // namespace

TEST_CASE("snapshot back ends: memory, a directory and a faulty one conform", "[snapshot][core]")
{
    auto const objects = std::make_shared<memory_objects>();
    auto const memory = perdure::check_snapshot_backend([&] { return memory_backend(objects); });
    CHECK(text(memory) == std::to_string(memory.checks) + " checks");
    CHECK(memory.checks > 90);

    temporary_directory const directory;
    auto const local = perdure::check_snapshot_backend([&] {
        return perdure::directory_backend<perdure::posix_files<>>({}, directory / "s");
    });
    CHECK(text(local) == std::to_string(memory.checks) + " checks");

    perdure::simulation::disk disk;
    auto const simulated = perdure::check_snapshot_backend([&] {
        return perdure::directory_backend<perdure::simulation::disk_files>(perdure::simulation::disk_files(disk), "s");
    });
    CHECK(text(simulated) == std::to_string(memory.checks) + " checks");

    auto const more = std::make_shared<memory_objects>();
    auto const faults = std::make_shared<backend_faults>();
    auto const faulty = perdure::check_snapshot_backend(
        [&] { return faulty_backend<memory_backend>(memory_backend(more), faults); });
    CHECK(text(faulty) == std::to_string(memory.checks) + " checks");
}

TEST_CASE("snapshot back ends: the checks find what is wrong", "[snapshot][core]")
{
    CHECK(!check_careless<defect::replaces>().conforms());
    CHECK(!check_careless<defect::forgets_what_is_aside>().conforms());
    CHECK(!check_careless<defect::visible_early>().conforms());
    CHECK(!check_careless<defect::not_exclusive>().conforms());

    // Each single call that fails is seen.
    auto const faults = std::make_shared<backend_faults>();
    auto const run = [&] {
        auto const objects = std::make_shared<memory_objects>();
        return perdure::check_snapshot_backend(
            [&] { return faulty_backend<memory_backend>(memory_backend(objects), faults); });
    };
    faults->error = make_error_code(boost::system::errc::timed_out);
    for (std::uint64_t call = 1; call <= 40; ++call) {
        *faults = {.fail_at = call, .error = make_error_code(boost::system::errc::timed_out)};
        CAPTURE(call);
        CHECK(!run().conforms());
    }
}

TEST_CASE("snapshots: with any back end, whichever call fails, what was acknowledged stays",
          "[snapshot][core]")
{
    for (bool const after_effect : {false, true})
        for (bool const from_there_on : {false, true})
            for (std::uint64_t call = 1; call <= 40; ++call) {
                CAPTURE(after_effect, from_there_on, call);
                auto const objects = std::make_shared<memory_objects>();
                auto const faults = std::make_shared<backend_faults>();
                auto const make = [&] {
                    return perdure::snapshot_catalogue<faulty_backend<memory_backend>>(
                        {memory_backend(objects), faults}, {});
                };
                auto const save = [](auto& c, std::uint64_t n) {
                    error_code ec;
                    auto writer = c.begin(n, 1, 1, ec);
                    std::byte const content{static_cast<unsigned char>(n)};
                    if (!ec)
                        writer->append({&content, 1}, ec);
                    if (!ec)
                        c.publish(*writer, ec);
                    return !ec;
                };
                std::uint64_t acknowledged = 0;
                {
                    auto c = make();
                    faults->fail_at = call;
                    faults->from_there_on = from_there_on;
                    faults->after_effect = after_effect;
                    for (std::uint64_t n = 1; n <= 4; ++n)
                        if (save(c, n))
                            acknowledged = n;
                }
                *faults = {};
                auto c = make();
                perdure::snapshot_report report;
                error_code ec;
                auto const found = c.load_newest(
                    1, [](std::uint32_t) { return true; },
                    [](perdure::snapshot_content const&, error_code&) {}, report, ec);
                if (acknowledged != 0)
                    CHECK(!ec);
                CHECK(found.position >= acknowledged);
                CHECK(!report.fell_back());
                CHECK(save(c, 9));
            }
}
