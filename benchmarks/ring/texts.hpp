// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_BENCHMARKS_RING_TEXTS_HPP
#define PERDURE_BENCHMARKS_RING_TEXTS_HPP

// What a text of 16 bytes costs as the key of a ring, beyond a lookup of its hash. The keys lie in
// memory before they are asked for, as those of a request do: made on the way, a text would go
// through the processor's store buffer, and the figure would be that of the buffer.

#include "support.hpp"
#include <perdure/bytes/hash.hpp>
#include <perdure/detail/page_array.hpp>
#include <perdure/ring/detail/multiply.hpp>
#include <perdure/ring/hash_ring.hpp>

#include <array>
#include <cstring>
#include <string_view>

namespace ring_benchmark {

using text = std::array<char, 16>;

inline std::string_view view(text const& t)
{
    return {t.data(), t.size()};
}
inline text text_of(std::uint64_t hash)
{
    std::uint64_t const words[2] = {hash, ~hash};
    text t;
    std::memcpy(&t, words, sizeof t);
    return t;
}

/// Nanoseconds of making a key and using it; keys are made 256 at a time, which the nearest cache holds.
template <class Make, class Use>
double in_blocks_once(std::size_t count, Make const& make, Use const& use)
{
    std::array<decltype(make(std::uint64_t())), 256> keys;
    hashes next{fresh_seed()};
    std::uint64_t sum = 0;
    auto const begin = thread_ns();
    for (std::size_t i = 0; i < count; i += keys.size()) {
        for (auto& k : keys)
            k = make(next());
        keep(keys);
        for (auto const& k : keys)
            sum += use(k);
    }
    keep(sum);
    return (thread_ns() - begin) /
           static_cast<double>((count + keys.size() - 1) / keys.size() * keys.size());
}

/// What a lookup reads and nothing else: a start, and the line that it leads to, in as much memory.
class bare_reads {
public:
    explicit bare_reads(perdure::hash_ring const& ring)
        : buckets_(ring.points_count() * 2 / 7 / 4 * 4 + 4),
          starts_(buckets_ / 4),
          lines_((ring.memory() - starts_.size() * 4) / sizeof(line))
    {
        for (std::size_t g = 0; g != starts_.size(); ++g)
            starts_[g] = static_cast<std::uint32_t>(g * (lines_.size() - 4) / starts_.size());
        for (std::size_t i = 0; i != lines_.size(); ++i)
            lines_[i] = {};
    }
    std::uint64_t operator()(std::uint64_t hash) const noexcept
    {
        auto const p = perdure::detail::multiply(hash, buckets_);
        return lines_[starts_[p.high / 4] + p.high % 4].words[p.low >> 61];
    }

private:
    struct alignas(64) line {
        std::uint64_t words[8];
    };
    std::uint64_t buckets_;
    perdure::detail::page_array<std::uint32_t> starts_;
    perdure::detail::page_array<line> lines_;
};

inline void bench_texts(settings const& s, perdure::hash_ring const& ring, std::size_t count,
                        std::string const& label, bars& goals)
{
    using perdure::key_hash;
    auto const itself = [](std::uint64_t h) { return h; };
    auto const find = [&](std::uint64_t h) { return ring.index_for(key_hash{h}); };

    auto const single = in_turns(
        s,
        [&] {
            return in_blocks_once(count, text_of,
                                  [&](text const& t) { return ring.index_for(view(t)); });
        },
        [&] { return in_blocks_once(count, itself, find); });
    auto const hash = in_turns(
        s,
        [&] {
            return in_blocks_once(count, text_of,
                                  [](text const& t) { return perdure::hash_key(view(t)); });
        },
        [&] { return in_blocks_once(count, itself, itself); });
    // The hash of a text beside a lookup that does not wait for it: what its instructions alone cost
    // in a loop whose lookups keep the processor busy.
    auto const beside = in_turns(
        s,
        [&] {
            return in_blocks_once(count, text_of, [&](text const& t) {
                std::uint64_t word;
                std::memcpy(&word, t.data(), sizeof word);
                return find(word) + perdure::hash_key(view(t));
            });
        },
        [&] { return in_blocks_once(count, itself, find); });
    // The least that any ring of this size could cost: xxHash's own function, then two reads.
    bare_reads const read(ring);
    auto const bare = in_turns(
        s,
        [&] {
            return in_blocks_once(count, text_of, [&](text const& t) {
                return read(XXH3_64bits(t.data(), t.size()));
            });
        },
        [&] { return in_blocks_once(count, itself, read); });
    print_row("ring, 16-byte text, hash included" + label, single.ours, "ns", 0, "", single.peer);
    print_row("hash of a 16-byte text alone" + label, hash.ours, "ns", 0, "", hash.peer);
    print_row("lookup, and beside it the hash of a 16-byte text" + label, beside.ours, "ns", 0, "",
              beside.peer);
    print_row("two bare reads behind xxHash's own hash of it" + label, bare.ours, "ns", 0, "",
              bare.peer);
    std::printf(
        "    a 16-byte text costs %.2f ns more than its hash: the hash alone %.2f ns, "
        "beside a lookup that does not wait for it %.2f ns, before two bare reads in place of "
        "the lookup %.2f ns\n",
        single.ours - single.peer, hash.ours - hash.peer, beside.ours - beside.peer,
        bare.ours - bare.peer);

    std::vector<text> texts(4096);
    std::vector<key_hash> keys(texts.size());
    std::vector<perdure::node_index> out(texts.size());
    auto const once = [&](auto const& look_up) {
        return batches_once(
            count, texts.size(),
            [&](hashes& next) {
                for (std::size_t i = 0; i != texts.size(); ++i) {
                    texts[i] = text_of(next());
                    keys[i].value = perdure::hash_key(texts[i]);
                }
            },
            [&] {
                look_up();
                keep(out[7]);
            });
    };
    auto const batches = in_turns(
        s, [&] { return once([&] { ring.indexes_for_batch(texts, out); }); },
        [&] { return once([&] { ring.indexes_for_batch(keys, out); }); });
    print_row("ring, batches of 16-byte texts, hashes included" + label, batches.ours, "ns", 0, "",
              batches.peer);
    goals.at_most("a 16-byte text as the key, more", single.ours - single.peer, 2.5, "ns");
    goals.at_most("a 16-byte text as the key, more, in batches", batches.ours - batches.peer, 2.5,
                  "ns");
}

} // namespace ring_benchmark

#endif
