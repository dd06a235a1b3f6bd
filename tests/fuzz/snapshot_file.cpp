// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Reading a snapshot file and decoding its state, whatever the bytes.
//
// Input: one byte of choices, then the file.

#include "fuzz/fuzz.hpp"
#include "fuzz/mend.hpp"
#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/reader.hpp>

#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <map>
#include <string>
#include <vector>

using namespace perdure;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size < 1)
        return 0;
    auto const choices = data[0];
    auto const in = fuzz::bytes(data + 1, size - 1);
    std::vector<std::byte> file(in.begin(), in.end());
    if (choices & 1)
        fuzz::mend_snapshot(file);
    memory_object object(file);
    error_code ec;
    auto const content = read_snapshot(object, std::span<compressor const>{}, ec);
    if (ec)
        return 0;
    std::uint64_t raw = 0;
    for (std::uint32_t p = 0; p != content.partitions(); ++p)
        for (auto const piece : content.bytes(p))
            raw += piece.size();
    fuzz::require(raw == content.info().raw_size, "the content is as long as its header says");
    fuzz::require(raw <= file.size(), "uncompressed content is no longer than its file");
    detail::translate_decode(
        [&] {
            segmented_source source(content.bytes());
            std::map<std::string, std::vector<std::uint64_t>> state;
            portable_codec{}.decode(source, state);
            memory_sink sink;
            portable_codec{}.encode(state, sink);
        },
        ec);
    return 0;
}
