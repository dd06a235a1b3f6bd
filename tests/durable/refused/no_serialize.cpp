// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Must not compile, and the first error says why in one sentence.

#include <perdure/snapshot/codec.hpp>

struct inner {
    int value = 0;
};

struct outer {
    inner part;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& part;
    }
};

void save(outer const& value, perdure::byte_sink& sink)
{
    perdure::portable_codec{}.encode(value, sink);
}
