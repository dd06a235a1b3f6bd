// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_WRITE_BACK_HPP
#define PERDURE_WORLD_DETAIL_WRITE_BACK_HPP

#include <cstdint>

namespace perdure::detail {

/** Has the device begin with what is written to a file from its start to its end, without a sync.
 *
 *  Otherwise all of it waits for the sync that comes in the end: the processor and the device work one after the other,
 *  the system slows down writers that leave it too much, and the burst delays the syncs of others.
 */
class write_back {
public:
    /// The file was written up to `end`.
    template <class File>
    void reached(File& file, std::uint64_t end)
    {
        if constexpr (requires { file.start_write_back(end, end); }) {
            if (end < begun_ + step)
                return;
            // Not the page that the next write goes on with: it would have to wait for the device.
            end = end / page * page;
            file.start_write_back(begun_, end - begun_);
            begun_ = end;
        }
    }
    /// Up to `end` it is on disk.
    void synced(std::uint64_t end) noexcept { begun_ = end; }

private:
    static constexpr std::uint64_t step = std::uint64_t{8} << 20, page = std::uint64_t{1} << 16;

    std::uint64_t begun_ = 0; // Up to there the device was told.
};

} // namespace perdure::detail

#endif
