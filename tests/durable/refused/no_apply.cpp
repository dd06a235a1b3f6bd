// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Must not compile, and the first error says why in one sentence.

#include <perdure/durable/durable.hpp>

struct counter {
    int value = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& value;
    }
};

void open(boost::asio::io_context& io)
{
    perdure::durable<counter, int> state(io, {.directory = "x"});
}
