// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_DETAIL_STORE_STATE_HPP
#define PERDURE_SNAPSHOT_DETAIL_STORE_STATE_HPP

#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/reader.hpp>
#include <perdure/snapshot/report.hpp>
#include <perdure/world/waiter_queue.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace perdure::detail {

// Something that a store has begun and that waits for file jobs.
class store_operation {
public:
    virtual void cancel() = 0;

protected:
    ~store_operation() = default;
};

/* What a store shares with its operations. The catalogue belongs to the blocking side as long as
 * there are any; everything else to the loop's.
 */
template <class World, class Catalogue>
class store_state {
public:
    using world_type = World;
    using catalogue_type = Catalogue;

    store_state(World w, Catalogue c) : world(std::move(w)), catalogue(std::move(c)) {}

    World world;
    Catalogue catalogue;

    bool idle() const noexcept { return operations_.empty(); }
    void add(store_operation& o) { operations_.push_back(&o); }
    void remove(store_operation& o) noexcept { std::erase(operations_, &o); }

    void cancel_all()
    {
        // Completions are posted, so none changes the list here.
        for (store_operation* o : operations_)
            o->cancel();
    }

private:
    std::vector<store_operation*> operations_;
};

template <class T, class Catalogue, class Codec>
loaded_snapshot<T> load_newest_value(Catalogue& catalogue, Codec const& codec, error_code& ec)
{
    loaded_snapshot<T> result;
    result.info = catalogue.load_newest(
        codec.id(), [&](std::uint32_t version) { return codec.reads(version); },
        [&](snapshot_content const& content, error_code& failed) {
            result.value.reset();
            if (content.partitions() != 1) {
                failed = errc::wrong_type;
                return;
            }
            translate_decode(
                [&] {
                    segmented_source source(content.bytes());
                    codec.decode(source, result.value.emplace());
                },
                failed);
            if (failed)
                result.value.reset();
        },
        result.report, ec);
    return result;
}

/* One load under way: a single file job. A load that is cancelled before its job has begun does
 * nothing; afterwards its result is discarded.
 */
template <class State, class T>
class load_operation final : public store_operation,
                             public std::enable_shared_from_this<load_operation<State, T>> {
public:
    explicit load_operation(std::shared_ptr<State> state)
        : state_(std::move(state)), waiting_(state_->world.get_executor())
    {
        state_->add(*this);
    }
    ~load_operation() { state_->remove(*this); }

    template <class Handler>
    void wait(Handler&& handler)
    {
        waiting_.push(std::forward<Handler>(handler));
    }

    template <class Codec>
    void start(Codec codec)
    {
        start_with([codec = std::move(codec)](auto& catalogue, error_code& ec) {
            return load_newest_value<T>(catalogue, codec, ec);
        });
    }

    // load(catalogue, ec) runs on the blocking side and gives a loaded_snapshot<T>.
    template <class Load>
    void start_with(Load load)
    {
        state_->world.async_file_job(
            [state = state_, load = std::move(load)](auto&, error_code& ec) {
                return load(state->catalogue, ec);
            },
            [self = this->shared_from_this()](error_code ec, loaded_snapshot<T> loaded) {
                self->waiting_.complete_all([&](auto&) {
                    return std::tuple<error_code, loaded_snapshot<T>>(ec, std::move(loaded));
                });
            });
    }

    void cancel() override { waiting_.cancel_all(); }

private:
    std::shared_ptr<State> state_;
    waiter_queue<void(error_code, loaded_snapshot<T>)> waiting_;
};

} // namespace perdure::detail

#endif
