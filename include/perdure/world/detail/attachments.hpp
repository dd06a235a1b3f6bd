// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_DETAIL_ATTACHMENTS_HPP
#define PERDURE_WORLD_DETAIL_ATTACHMENTS_HPP

#include <perdure/config.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <mutex>
#include <optional>
#include <utility>

/* An Asio object or a kept handler must not outlive its execution context: its destructor would
 * reach into freed memory. An attachment therefore lets go of such things when the context shuts
 * down, and may itself be destroyed before or after that. So drivers and loops are destroyed in any
 * order.
 */
namespace perdure::detail {

class attachment;

class attachments final : public asio::execution_context::service {
public:
    using key_type = attachments;
    inline static asio::execution_context::id id;

    explicit attachments(asio::execution_context& context) : service(context) {}

private:
    friend class attachment;

    void shutdown() override;

    std::mutex mutex_;
    attachment* first_ = nullptr;
    bool shut_down_ = false;
};

class attachment {
public:
    attachment(attachment const&) = delete;
    attachment& operator=(attachment const&) = delete;

    /// False from the shutdown of the context on.
    bool attached() const noexcept { return owner_ != nullptr; }

protected:
    explicit attachment(asio::execution_context& context)
    {
        attachments& owner = asio::use_service<attachments>(context);
        std::lock_guard lock(owner.mutex_);
        if (owner.shut_down_)
            return;
        owner_ = &owner;
        next_ = owner.first_;
        if (next_)
            next_->previous_ = this;
        owner.first_ = this;
    }

    virtual ~attachment()
    {
        if (!owner_)
            return;
        std::lock_guard lock(owner_->mutex_);
        unlink();
    }

private:
    friend class attachments;

    // Called once, while the context shuts down. May destroy *this in its course.
    virtual void detach() noexcept = 0;

    void unlink() noexcept
    {
        (previous_ ? previous_->next_ : owner_->first_) = next_;
        if (next_)
            next_->previous_ = previous_;
        owner_ = nullptr;
    }

    attachments* owner_ = nullptr;
    attachment* previous_ = nullptr;
    attachment* next_ = nullptr;
};

inline void attachments::shutdown()
{
    std::unique_lock lock(mutex_);
    shut_down_ = true;
    while (attachment* a = first_) {
        a->unlink();
        // Letting go of a handler may destroy further attachments, also this one.
        lock.unlock();
        a->detach();
        lock.lock();
    }
}

// Holds an Asio object until its context shuts down.
template <class T>
class attached final : private attachment {
public:
    template <class Executor, class... Args>
    explicit attached(Executor const& executor, Args&&... args)
        : attachment(asio::query(executor, asio::execution::context))
    {
        if (attachment::attached())
            object_.emplace(std::forward<Args>(args)...);
    }

    /// Null once the context has shut down.
    T* get() noexcept { return object_ ? &*object_ : nullptr; }

private:
    void detach() noexcept override { object_.reset(); }

    std::optional<T> object_;
};

/* Starts an operation on an attached object. Once the context has shut down nothing can complete
 * any more, and the handler is destroyed.
 */
template <class T, class Executor, class Start>
struct attached_initiation {
    using executor_type = Executor;

    attached<T>* object;
    Executor executor;
    Start start;

    executor_type get_executor() const noexcept { return executor; }

    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) const
    {
        if (object)
            if (T* target = object->get())
                start(*target, std::forward<Handler>(handler), std::forward<Args>(args)...);
    }
};

template <class T, class Executor, class Start>
attached_initiation(attached<T>*, Executor, Start) -> attached_initiation<T, Executor, Start>;

} // namespace perdure::detail

#endif
