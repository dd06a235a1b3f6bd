// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_STORE_HPP
#define PERDURE_SNAPSHOT_STORE_HPP

#include <perdure/fwd.hpp>
#include <perdure/snapshot/catalogue.hpp>
#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/detail/save_operation.hpp>
#include <perdure/snapshot/detail/sliced_save.hpp>
#include <perdure/snapshot/directory_backend.hpp>
#include <perdure/snapshot/slices.hpp>
#include <perdure/world/concepts.hpp>
#include <perdure/world/system_world.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <cassert>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

/** Saves and loads the state of a program in a directory of snapshots.
 *
 *  A snapshot appears whole or not at all, is verified to the last byte before any of it is
 *  believed, and at least two generations are kept, so that a bad one costs nothing but a longer replay of
 *  the log. A bad one is put aside, never deleted. One store at a time has the directory.
 *
 *      perdure::snapshot_store store(io, "state", {.type = "accounts"});
 *      co_await store.async_save(accounts, log_position);
 *      auto loaded = store.load_newest<accounts_t>();
 *
 *  Saves run one file job per chunk (1 MiB), so that other jobs of the same World, such as the
 *  flushes of a log, come between. Several saves and loads may be under way at once.
 *
 *  Destroying the store cancels its operations as if each was cancelled; store and loop may be
 *  destroyed in any order.
 *
 *  @par Thread safety  Distinct objects: safe. One object: initiate from its executor; on a loop with several threads
 *                      give it a strand.
 */
template <class World>
class basic_snapshot_store {
    static_assert(has_files<World>,
                  "a snapshot store needs a World with files");

    using catalogue_type = snapshot_catalogue<directory_backend<typename World::files>>;
    using shared = detail::store_state<World, catalogue_type>;

public:
    using executor_type = typename World::executor_type;

    /** Touches nothing: the directory is made, locked and cleaned by the first operation.
     *
     *  @throws std::invalid_argument naming field, value and rule.
     */
    template <world_source<World> Source>
    basic_snapshot_store(Source&& source, std::string directory, snapshot_options options = {})
        : basic_snapshot_store(World(std::forward<Source>(source)), std::move(directory),
                               std::move(options), 0)
    {
    }

    basic_snapshot_store(basic_snapshot_store&&) noexcept = default;
    basic_snapshot_store& operator=(basic_snapshot_store&& other) noexcept
    {
        close();
        state_ = std::move(other.state_);
        return *this;
    }
    ~basic_snapshot_store() { close(); }

    executor_type get_executor() const noexcept { return state_->world.get_executor(); }

    /** Makes a snapshot of `value`, which includes all records of the log before `position`.
     *
     *  The value is encoded before the initiating function returns (deferred: before the operation starts), so it
     *  may change afterwards; the encoded bytes stay in memory until they are written. For states
     *  too big for that see async_save_in_slices and async_save_view.
     *
     *  @par Completion signature        void(error_code, snapshot_info)
     *  @par Errors                      errc::cannot_encode: the type threw; errc::too_large: the ids are used up, which
     *                                   only a file with an id near 2^62 can do; errc::no_space, errc::locked, or what the
     *                                   system reported. Nothing was published, unless making the name
     *                                   durable failed: then the snapshot may exist, and is whole if it does.
     *  @par Per-operation cancellation  terminal, partial, total: until publishing has begun, nothing
     *                                   is published and the operation ends with operation_aborted; from then on
     *                                   it ends truthfully.
     *  @par Executor                    the handler's associated executor, else get_executor(); never inline.
     *  @par Object lifetimes            value lives until the operation begins (a deferred one: until it is called); nothing from then on.
     */
    template <class T,
              asio::completion_token_for<void(error_code, snapshot_info)> Token = asio::deferred_t>
        requires snapshot_codec<portable_codec, T>
    [[nodiscard]] auto async_save(T const& value, std::uint64_t position, Token&& token = {})
    {
        return async_save(value, position, portable_codec{}, std::forward<Token>(token));
    }

    /// The same with another codec.
    template <class T, snapshot_codec<T> Codec,
              asio::completion_token_for<void(error_code, snapshot_info)> Token = asio::deferred_t>
    [[nodiscard]] auto async_save(T const& value, std::uint64_t position, Codec codec,
                                  Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, snapshot_info)>(
            initiate_save{state_}, token, std::cref(value), std::uint64_t(position),
            std::move(codec));
    }

    /// The same for bytes that are serialized already. load_newest<std::vector<std::byte>, bytes_codec> gives them back.
    template <asio::completion_token_for<void(error_code, snapshot_info)> Token = asio::deferred_t>
    [[nodiscard]] auto async_save_bytes(std::vector<std::byte> bytes, std::uint64_t position,
                                        Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, snapshot_info)>(
            initiate_save{state_}, token, std::move(bytes), std::uint64_t(position), bytes_codec{});
    }

    /** Makes a snapshot a slice at a time, on the loop, so that no other work waits long and only a
     *  few chunks are in memory.
     *
     *  *Cooperative*: the state does not change until it completes, or the generator owns a copy. *Fuzzy*: it goes
     *  on changing. Then `position` is that of now, before the first slice; the snapshot holds some of the changes
     *  of later records, and replaying from `position` must come to the same state whether they are in it or not: each
     *  record sets what it touches, whatever was there. What it holds is whole only once the log is
     *  durable up to where it was when the save completed.
     *
     *  Load it with slices_codec.
     *
     *  @param generator  used until completion; what it refers to must live until then.
     *  @throws std::invalid_argument naming field, value and rule of the options.
     *  @par Completion signature, errors, cancellation, executor  as async_save.
     */
    template <slice_generator Generator,
              asio::completion_token_for<void(error_code, snapshot_info)> Token = asio::deferred_t>
    [[nodiscard]] auto async_save_in_slices(Generator generator, std::uint64_t position,
                                            slice_options options = {}, Token&& token = {})
    {
        check(options);
        std::vector<Generator> parts;
        parts.push_back(std::move(generator));
        return asio::async_initiate<Token, void(error_code, snapshot_info)>(
            initiate_slices{state_}, token, std::move(parts), std::uint64_t(position), options,
            std::optional<asio::any_io_executor>());
    }

    /** Makes a snapshot of an immutable view, encoded on `elsewhere`, such as the executor of a thread pool.
     *
     *  The generator is called there, by one thread at a time, and owns what it reads: a copy, a shared pointer
     *  to a state that is never changed, the root of a persistent tree. `elsewhere` must not run after the loop
     *  was destroyed: join the pool first.
     *
     *  @par Completion signature, errors, cancellation, executor  as async_save.
     */
    template <slice_generator Generator, class Executor,
              asio::completion_token_for<void(error_code, snapshot_info)> Token = asio::deferred_t>
        requires std::convertible_to<Executor, asio::any_io_executor>
    [[nodiscard]] auto async_save_view(Generator generator, std::uint64_t position,
                                       Executor elsewhere, Token&& token = {})
    {
        std::vector<Generator> parts;
        parts.push_back(std::move(generator));
        return async_save_partitions(std::move(parts), position, std::move(elsewhere),
                                     std::forward<Token>(token));
    }

    /** The same for a state in parts, each with a generator of its own, encoded side by side on `elsewhere`.
     *
     *  Precondition: 1 to 65536 parts. Load it with async_load_partitions.
     */
    template <slice_generator Generator, class Executor,
              asio::completion_token_for<void(error_code, snapshot_info)> Token = asio::deferred_t>
        requires std::convertible_to<Executor, asio::any_io_executor>
    [[nodiscard]] auto async_save_partitions(std::vector<Generator> parts, std::uint64_t position,
                                             Executor elsewhere, Token&& token = {})
    {
        assert(!parts.empty() && parts.size() <= snapshot_format::partitions_max);
        return asio::async_initiate<Token, void(error_code, snapshot_info)>(
            initiate_slices{state_}, token, std::move(parts), std::uint64_t(position),
            slice_options{},
            std::optional<asio::any_io_executor>(asio::any_io_executor(std::move(elsewhere))));
    }

    /** Loads the newest good snapshot that was saved in slices, its partitions decoded side by side on
     *  `elsewhere`: other threads than the loop's and the World's file jobs'.
     *
     *  @par Completion signature  void(error_code, loaded_snapshot<std::vector<T>>): one value a partition.
     *  @par Errors, cancellation, executor  as async_load_newest.
     */
    template <loads_slices T, class Executor,
              asio::completion_token_for<void(error_code, loaded_snapshot<std::vector<T>>)> Token =
                  asio::deferred_t>
        requires std::default_initializable<T> &&
                 std::convertible_to<Executor, asio::any_io_executor>
    [[nodiscard]] auto async_load_partitions(Executor elsewhere, Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, loaded_snapshot<std::vector<T>>)>(
            [](auto handler, std::shared_ptr<shared> state, asio::any_io_executor on) {
                auto op =
                    std::make_shared<detail::load_operation<shared, std::vector<T>>>(state);
                op->wait(std::move(handler));
                op->start_with([on](auto& catalogue, error_code& ec) {
                    loaded_snapshot<std::vector<T>> result;
                    result.info = catalogue.load_newest(
                        slices_codec::id(), &slices_codec::reads,
                        [&](snapshot_content const& content, error_code& failed) {
                            detail::decode_partitions(content, on, result.value.emplace(), failed);
                            if (failed)
                                result.value.reset();
                        },
                        result.report, ec);
                    return result;
                });
            },
            token, state_, asio::any_io_executor(std::move(elsewhere)));
    }

    /** Loads the newest snapshot that is good, on the calling thread.
     *
     *  A snapshot whose bytes are not what was written is put aside, and the next older one is
     *  tried; so is one that ended the process in `load_attempts` earlier loads. One whose bytes the
     *  type rejects is passed over and stays where it is. `report` says which. After a fallback the log is needed from the older position.
     *
     *  The value is a fresh object: a failure leaves nothing half loaded.
     *  Precondition: no operation of this object is outstanding.
     *
     *  @par Errors  errc::no_snapshot: there never was one. errc::no_good_snapshot: there are, and none is good.
     *               errc::wrong_type: the newest good one is of another type or codec. errc::wrong_log: of another log.
     *               errc::unsupported_version: it was written by a newer program, and an older
     *               snapshot would silently lose data. errc::locked: another store has the directory. Else what
     *               the system reported. The value is empty and nothing but bad snapshots was touched.
     */
    template <class T, class Codec = portable_codec>
        requires snapshot_codec<Codec, T> && std::default_initializable<T>
    [[nodiscard]] loaded_snapshot<T> load_newest(error_code& ec, Codec const& codec = {})
    {
        assert(state_->idle() && "load_newest blocks: nothing else may be under way");
        return detail::load_newest_value<T>(state_->catalogue, codec, ec);
    }

    /// The same; throws boost::system::system_error, except that without any snapshot the value is empty.
    template <class T, class Codec = portable_codec>
        requires snapshot_codec<Codec, T> && std::default_initializable<T>
    [[nodiscard]] loaded_snapshot<T> load_newest(Codec const& codec = {})
    {
        error_code ec;
        auto result = load_newest<T>(ec, codec);
        if (ec && ec != errc::no_snapshot)
            throw boost::system::system_error(ec, "snapshot_store::load_newest");
        return result;
    }

    /** Loads the newest good snapshot off the loop. The type's `serialize` runs there too.
     *
     *  @par Completion signature        void(error_code, loaded_snapshot<T>)
     *  @par Errors                      as load_newest
     *  @par Per-operation cancellation  terminal, partial, total: the result is discarded; what was found bad may
     *                                   be put aside all the same.
     *  @par Executor                    the handler's associated executor, else get_executor(); never inline.
     */
    template <class T, asio::completion_token_for<void(error_code, loaded_snapshot<T>)> Token =
                           asio::deferred_t>
        requires snapshot_codec<portable_codec, T> && std::default_initializable<T>
    [[nodiscard]] auto async_load_newest(Token&& token = {})
    {
        return async_load_newest<T>(portable_codec{}, std::forward<Token>(token));
    }

    /// The same with another codec.
    template <
        class T, snapshot_codec<T> Codec,
        asio::completion_token_for<void(error_code, loaded_snapshot<T>)> Token = asio::deferred_t>
        requires std::default_initializable<T>
    [[nodiscard]] auto async_load_newest(Codec codec, Token&& token = {})
    {
        return asio::async_initiate<Token, void(error_code, loaded_snapshot<T>)>(
            initiate_load<T>{state_}, token, std::move(codec));
    }

    /// The ids of the snapshots that are there, oldest first; none is verified. Blocking, as load_newest.
    [[nodiscard]] std::vector<std::uint64_t> ids(error_code& ec)
    {
        assert(state_->idle() && "ids blocks: nothing else may be under way");
        return state_->catalogue.ids(ec);
    }

    /// Reads and verifies one snapshot and changes nothing: for tools and scrubbing. Blocking, as load_newest.
    [[nodiscard]] snapshot_content read(std::uint64_t id, error_code& ec)
    {
        assert(state_->idle() && "read blocks: nothing else may be under way");
        return state_->catalogue.read(id, ec);
    }

    /// Puts a snapshot aside by hand, so that loads pass it over. Blocking, as load_newest.
    void put_aside(std::uint64_t id, error_code& ec)
    {
        assert(state_->idle() && "put_aside blocks: nothing else may be under way");
        state_->catalogue.put_aside(id, ec);
    }

    /// What this object's saves wrote and shared. Blocking, as load_newest.
    [[nodiscard]] snapshot_counters counters() const
    {
        assert(state_->idle() && "counters belong to the saves while one is under way");
        return state_->catalogue.counters();
    }

private:
    basic_snapshot_store(World world, std::string directory, snapshot_options options, int)
        : state_(std::make_shared<shared>(
              world, catalogue_type(directory_backend<typename World::files>(world.blocking_files(),
                                                                             checked(std::move(directory))),
                                    std::move(options))))
    {
    }

    static std::string checked(std::string directory)
    {
        if (directory.empty())
            throw std::invalid_argument(
                "snapshot_store: the directory is empty; name a directory for the snapshots");
        return directory;
    }

    void close()
    {
        if (state_)
            state_->cancel_all();
    }

    struct initiate_save {
        using executor_type = typename World::executor_type;
        std::shared_ptr<shared> state;
        executor_type get_executor() const noexcept { return state->world.get_executor(); }

        template <class Handler, class Value, class Codec>
        void operator()(Handler&& handler, Value&& value, std::uint64_t position,
                        Codec&& codec) const
        {
            auto op = std::make_shared<detail::save_operation<shared>>(state);
            op->wait(std::forward<Handler>(handler));
            op->encode(static_cast<std::unwrap_reference_t<std::decay_t<Value>> const&>(value),
                       codec);
            op->start(position, codec.id(), codec.version());
        }
    };

    struct initiate_slices {
        using executor_type = typename World::executor_type;
        std::shared_ptr<shared> state;
        executor_type get_executor() const noexcept { return state->world.get_executor(); }

        template <class Handler, class Generator>
        void operator()(Handler&& handler, std::vector<Generator> parts, std::uint64_t position,
                        slice_options options,
                        std::optional<asio::any_io_executor> elsewhere) const
        {
            auto op = std::make_shared<detail::sliced_save<shared, Generator>>(
                state, std::move(parts), options, std::move(elsewhere));
            op->wait(std::forward<Handler>(handler));
            op->start(position, slices_codec::id(), slices_codec::version());
        }
    };

    template <class T>
    struct initiate_load {
        using executor_type = typename World::executor_type;
        std::shared_ptr<shared> state;
        executor_type get_executor() const noexcept { return state->world.get_executor(); }

        template <class Handler, class Codec>
        void operator()(Handler&& handler, Codec&& codec) const
        {
            auto op = std::make_shared<detail::load_operation<shared, T>>(state);
            op->wait(std::forward<Handler>(handler));
            op->start(std::forward<Codec>(codec));
        }
    };

    std::shared_ptr<shared> state_;
};

} // namespace perdure

#endif
