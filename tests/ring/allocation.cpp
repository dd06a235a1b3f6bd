// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// No lookup allocates; and a change that cannot have its memory leaves everything as it was.

#include "ring/hashes.hpp"
#include "ring/support.hpp"
#include "support/catch.hpp"
#include <perdure/ring/bounded_loads.hpp>

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

namespace {
long allocations = 0;
long fail_at = -1; // counts down

void* allocate(std::size_t size, std::size_t alignment)
{
    ++allocations;
    if (fail_at >= 0 && fail_at-- == 0)
        throw std::bad_alloc();
    void* const p = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (!p)
        throw std::bad_alloc();
    return p;
}
} // namespace

void* operator new(std::size_t size)
{
    return allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment)
{
    return allocate(size, static_cast<std::size_t>(alignment));
}
// Catch allocates its test cases with this one; left to a sanitizer, it would not match our delete.
void* operator new(std::size_t size, std::nothrow_t const&) noexcept
{
    try {
        return allocate(size, alignof(std::max_align_t));
    } catch (std::bad_alloc const&) {
        return nullptr;
    }
}
void operator delete(void* p) noexcept
{
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept
{
    std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept
{
    std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept
{
    std::free(p);
}

using namespace ring_test;
using perdure::key_hash;
using perdure::node_index;

TEMPLATE_TEST_CASE("no lookup allocates", "[ring][core]", perdure::hash_ring, perdure::dx_hash,
                   perdure::maglev, perdure::rendezvous_hash, perdure::weighted_rendezvous_hash,
                   perdure::multi_probe_hash, perdure::slot_table, perdure::jump_hash,
                   perdure::choose_k)
{
    auto const h = make<TestType>(60);
    perdure::bounded_loads<TestType> loads(h, {.factor = 1.01});
    std::vector<key_hash> keys(100);
    std::vector<node_index> out(100);
    std::uint64_t sum = 0;
    auto const before = allocations;
    for (int k = 0; k != 200; ++k) {
        sum += h.index_for(k);
        auto const& node = h.node_for(k);
        sum += sizeof(node);
        sum += h.template indexes_for<3>(k)[2];
        sum += h.indexes_for(k, std::span<node_index>(out)).size();
        if (k < 20) {
            auto const ranked = h.ranked(k);
            for (auto i = ranked.begin(); i != ranked.end(); ++i)
                sum += i.index();
        }
        sum += loads.acquire(k % 10);
    }
    h.indexes_for_batch(keys, out);
    auto const after = allocations;
    CHECK(after == before);
    CHECK(sum != 0);
    CHECK(loads.spilled() > 100);
}

namespace {
template <class H>
std::vector<int> owners(H const& h)
{
    std::vector<int> all;
    for (int k = 0; k != 500; ++k)
        all.push_back(number(h, h.index_for(k)));
    return all;
}
} // namespace

TEMPLATE_TEST_CASE("a change that runs out of memory has changed nothing", "[ring][core]",
                   perdure::hash_ring, perdure::dx_hash, perdure::maglev, perdure::rendezvous_hash,
                   perdure::weighted_rendezvous_hash, perdure::multi_probe_hash,
                   perdure::slot_table)
{
    auto const nodes = GENERATE(1, 16, 33);
    auto const change = GENERATE(0, 1, 2);
    int failures = 0;
    for (long n = 0; n < 400; ++n) {
        auto h = make<TestType>(nodes);
        h.add("node-100");
        auto const snapshot = h; // so that blocks are shared
        auto const before = owners(h);
        auto const size = h.size();
        std::string const fresh = "node-101", old = "node-0";
        bool failed = false;
        fail_at = n;
        try {
            if (change == 0)
                h.add(fresh);
            else if (change == 1)
                h.remove(old);
            else if constexpr (requires { h.set_weight(old, 3.0); })
                h.set_weight(old, 3.0);
        } catch (std::bad_alloc const&) {
            failed = true;
        }
        fail_at = -1;
        REQUIRE((owners(snapshot) == before));
        if (!failed)
            break;
        ++failures;
        REQUIRE((owners(h) == before));
        REQUIRE(h.size() == size);
        REQUIRE(h.index_of(fresh) == perdure::no_node);
        // And it still works.
        h.add(fresh);
        REQUIRE(h.size() == size + 1);
        h.remove(old);
        for (int k = 0; k != 500; ++k)
            REQUIRE(number(h, h.index_for(k)) != 0);
        check_lookups(h, "k");
    }
    REQUIRE(failures < 400);
    if (change == 0)
        CHECK(failures > 0);
}
