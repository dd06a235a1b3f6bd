// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_WORLD_ATTACHMENT_HPP
#define PERDURE_WORLD_ATTACHMENT_HPP

#include <perdure/config.hpp>

#include <boost/asio/execution_context.hpp>

#include <mutex>

namespace perdure {

class context_attachment;

namespace detail {

// Knows the attachments of an execution context, and has them detach when it shuts down.
class attachments final : public asio::execution_context::service {
public:
    using key_type = attachments;
    inline static asio::execution_context::id id;

    explicit attachments(asio::execution_context& context) : service(context) {}

private:
    friend class perdure::context_attachment;

    void shutdown() override;

    std::mutex mutex_;
    context_attachment* first_ = nullptr;
    bool shut_down_ = false;
};

} // namespace detail

/** A base for what keeps handlers or Asio objects and may be destroyed before or after its execution
 *  context.
 *
 *  Such things must not outlive the context: their destructors would reach into freed memory. So the
 *  context calls `detach()` while it shuts down, and there the derived class lets go of them. That is
 *  how drivers and loops can be destroyed in any order.
 *
 *  @par Thread safety  As for Asio's I/O objects: distinct attachments may be made and destroyed on
 *       different threads, but not while their context shuts down on another one.
 */
class context_attachment {
public:
    context_attachment(context_attachment const&) = delete;
    context_attachment& operator=(context_attachment const&) = delete;

    /// False from the shutdown of the context on; also if it was made only after that.
    bool attached() const noexcept { return owner_ != nullptr; }

protected:
    explicit context_attachment(asio::execution_context& context)
    {
        auto& owner = asio::use_service<detail::attachments>(context);
        std::lock_guard lock(owner.mutex_);
        if (owner.shut_down_)
            return;
        owner_ = &owner;
        next_ = owner.first_;
        if (next_)
            next_->previous_ = this;
        owner.first_ = this;
    }

    virtual ~context_attachment()
    {
        if (!owner_)
            return;
        std::lock_guard lock(owner_->mutex_);
        unlink();
    }

private:
    friend class detail::attachments;

    // Called at most once. May destroy *this in its course.
    virtual void detach() noexcept = 0;

    void unlink() noexcept
    {
        (previous_ ? previous_->next_ : owner_->first_) = next_;
        if (next_)
            next_->previous_ = previous_;
        owner_ = nullptr;
    }

    detail::attachments* owner_ = nullptr;
    context_attachment* previous_ = nullptr;
    context_attachment* next_ = nullptr;
};

inline void detail::attachments::shutdown()
{
    std::unique_lock lock(mutex_);
    shut_down_ = true;
    while (context_attachment* const a = first_) {
        a->unlink();
        // Letting go of a handler may destroy further attachments, also this one.
        lock.unlock();
        a->detach();
        lock.lock();
    }
}

} // namespace perdure

#endif
