// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_MARKOV_DETAIL_SWEEPS_HPP
#define PERDURE_AVAILABILITY_MARKOV_DETAIL_SWEEPS_HPP

#include <perdure/availability/markov/detail/certify.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace perdure::availability::detail {

/** Gauss-Seidel for the probabilities x and for the bounding function h of certify.hpp.
 *
 *  x starts at home alone, so that the first sweep already spreads it with the right decline and the
 *  far states need no draining. h starts above: a multiple of the steps to home, which a few sweeps
 *  over all states turn into a proven bounding function. From then on only the leading states are
 *  swept, those that the bound depends on: sweeping some states of a bounding function keeps it one.
 */
class sweeps {
public:
    sweeps(markov_chain const& chain, std::span<double const> f, chain_state home, double relative,
           std::size_t sweeps_max)
        : chain_(chain), in_(chain), f_(f), home_(home), relative_(relative), max_(sweeps_max)
    {
    }

    [[nodiscard]] std::size_t count() const { return count_; }

    residual_bound run()
    {
        auto const n = chain_.size();
        x_.assign(n, 0.);
        x_[home_] = 1;
        leading_ = n;
        for (std::size_t s = 0; s < n; ++s) {
            if (s != home_) {
                settle(s);
            }
        }
        for (int i = 0; i < 3; ++i) {
            sweep_x();
        }
        home_ = static_cast<chain_state>(std::max_element(x_.begin(), x_.end()) - x_.begin());
        residual_bound best{0, infinity};
        if (!find_bounding_function()) {
            return best;
        }
        double contribution = 0;
        while (count_ < max_) {
            choose_leading(contribution);
            std::size_t const batch = 20;
            for (std::size_t i = 0; i < batch; ++i) {
                sweep_x();
                sweep_h();
            }
            normalise();
            // The measure may have grown beyond what h allows for.
            auto const value = measured();
            if (2 * value > more_) {
                more_ = 4 * value;
            }
            quality_ = bounding_quality(chain_, h_, f_, more_, home_);
            if (!(quality_ > 0)) {
                leading_ = chain_.size();
                for (int i = 0; i < 20; ++i) {
                    sweep_h();
                }
                continue;
            }
            auto const b = bound_by_residual(chain_, in_, x_, h_, quality_, f_);
            contribution = b.value;
            if (b.error < best.error) {
                best = b;
            }
            // The proof wants the bound below a tenth of the value.
            if (b.error <= std::min(relative_, 0.1) * b.value) {
                return b;
            }
        }
        return best;
    }

private:
    void settle(std::size_t s)
    {
        double const out = chain_.out_per_second(static_cast<chain_state>(s));
        x_[s] = out > 0 ? in_.flow(x_, s) / out : x_[s];
    }
    void sweep_x()
    {
        ++count_;
        for (std::size_t s = 0; s < leading_; ++s) {
            settle(s);
        }
    }
    void sweep_h()
    {
        for (std::size_t s = 0; s < leading_; ++s) {
            if (s == home_) {
                continue;
            }
            auto const r = chain_.from(static_cast<chain_state>(s));
            double sum = f_[s] + more_;
            for (std::size_t i = 0; i < r.to.size(); ++i) {
                sum += r.per_second[i] * h_[r.to[i]];
            }
            h_[s] = sum / chain_.out_per_second(static_cast<chain_state>(s));
        }
    }
    [[nodiscard]] double measured() const
    {
        careful_sum total, sum;
        for (std::size_t s = 0; s < x_.size(); ++s) {
            total.add(x_[s]);
            sum.add(x_[s] * f_[s]);
        }
        return sum.value() / total.value();
    }
    void normalise()
    {
        careful_sum total;
        for (double w : x_) {
            total.add(w);
        }
        for (double& w : x_) {
            w /= total.value();
        }
    }
    bool find_bounding_function()
    {
        normalise();
        more_ = 4 * measured();
        if (!(more_ > 0)) {
            more_ = rounding_unit;
        }
        auto const steps = steps_home(in_, chain_.size(), home_);
        double pace = 0; // how often the chain moves, on average
        double most = 0;
        for (std::size_t s = 0; s < x_.size(); ++s) {
            pace += x_[s] * chain_.out_per_second(static_cast<chain_state>(s));
            most = std::max(most, f_[s]);
        }
        for (double scale = 10 * (most + more_) / pace; scale < 1e13 * (most + more_) / pace;
             scale *= 100) {
            h_ = steps;
            for (double& h : h_) {
                h *= scale;
            }
            double before = -infinity;
            for (int batch = 0; batch < 50; ++batch) {
                for (int i = 0; i < 10; ++i) {
                    sweep_h();
                }
                quality_ = bounding_quality(chain_, h_, f_, more_, home_);
                if (quality_ > 0.5) {
                    return true;
                }
                if (batch > 5 && quality_ <= before) {
                    break;
                }
                before = quality_;
            }
        }
        return false;
    }
    /// Behind the leading states, all together weigh less than a tenth of what is allowed.
    void choose_leading(double value)
    {
        if (value == 0) {
            value = measured();
        }
        double const allowed = 0.02 * relative_ * value * quality_;
        double behind = 0;
        auto s = x_.size();
        for (; s > 1; --s) {
            double const out = chain_.out_per_second(static_cast<chain_state>(s - 1));
            behind += 2 * x_[s - 1] * out * h_[s - 1];
            if (behind > allowed) {
                break;
            }
        }
        leading_ = s;
    }

    markov_chain const& chain_;
    incoming in_;
    std::span<double const> f_;
    chain_state home_;
    double relative_;
    std::size_t max_;
    std::size_t count_ = 0;
    std::size_t leading_ = 0;
    std::vector<double> x_;
    std::vector<double> h_;
    double more_ = 0;
    double quality_ = 0;
};

} // namespace perdure::availability::detail

#endif
