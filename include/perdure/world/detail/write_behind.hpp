// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_WRITE_BEHIND_HPP
#define PERDURE_WORLD_DETAIL_WRITE_BEHIND_HPP

#include <cstdint>

namespace perdure::detail {

/** Has the device begin with a file that is written from its start to its end, while it is written.
 *
 *  Otherwise all of it waits for the sync: the processor and the device work one after the other, the
 *  system slows down writers that leave it too much, and the burst delays the syncs of others.
 */
class write_behind {
public:
    /// To be called after each write; `size` bytes have been written so far.
    template <class File>
    void written(File& file, std::uint64_t size)
    {
        if constexpr (requires { file.start_write_back(size, size); }) {
            if (size - begun_ < step)
                return;
            // Not the page that the next write goes on with: it would have to wait for the device.
            auto const end = size / page * page;
            file.start_write_back(begun_, end - begun_);
            begun_ = end;
        }
    }

private:
    static constexpr std::uint64_t step = std::uint64_t{8} << 20, page = std::uint64_t{1} << 16;

    std::uint64_t begun_ = 0;
};

} // namespace perdure::detail

#endif
