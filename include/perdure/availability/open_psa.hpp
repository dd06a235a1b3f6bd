// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_AVAILABILITY_OPEN_PSA_HPP
#define PERDURE_AVAILABILITY_OPEN_PSA_HPP

#include <perdure/availability/open_psa/detail/document.hpp>
#include <perdure/availability/open_psa/detail/tree_reader.hpp>
#include <perdure/availability/structure/fault_tree.hpp>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace perdure::availability {

/// What a document may hold; bounded, since documents come from others.
struct open_psa_options {
    /// What <system-mission-time/> stands for, in the model's unit of time. The default is a year of
    /// hours, as in other tools.
    double mission_time = 8760;
    /// The gate to calculate, by name or path. Empty: the only gate that no other refers to.
    std::string top;
    /// The probability of basic events for which the file has none. Unset: they are refused.
    std::optional<double> missing_probability;
    /// Longer texts are refused.
    std::size_t bytes_max = std::size_t{256} << 20;
};

/// What was read from an Open-PSA document.
struct open_psa_model {
    fault_tree tree; ///< what the gate to calculate depends on, with that gate as its top
    std::string top; ///< the gate's name
    /// Gates that no other refers to.
    std::vector<std::string> tops;
    /// Elements of the file that were passed over, since they say nothing about a fault tree or are
    /// not supported (event trees, substitutions, alignments).
    std::vector<std::string> skipped;
};

/** Reads a fault tree in the Open-PSA model exchange format.
 *
 *  Read are fault trees and components with public and private names; gates and, or, not, nand, nor,
 *  xor, iff, imply, atleast, cardinality, also nested; house events; basic events with constants,
 *  parameters, arithmetic, exponential, GLM, Weibull and periodic-test (4 and 5 arguments)
 *  expressions; common cause groups (alpha factors as non-staggered). A random deviate counts with
 *  its mean. Rates of exponential and GLM expressions are kept, so that frequencies and mean times
 *  can be asked.
 *
 *  @par Hostile input  nothing is fetched and no entity expanded; recursion is bounded (formulas and
 *                      expressions 200 deep), chains of gates need none; memory is linear in the
 *                      text. XML is read by pugixml, whose parser does not recurse (that of
 *                      Boost.PropertyTree does, and can be driven out of its stack).
 *  @par Source         Epstein and Rauzy, "Open-PSA Model Exchange Format", version 2.0d, 2008.
 *  @throws std::invalid_argument "line 12, <gate> 'g1': there is no gate of this name"
 */
inline open_psa_model read_open_psa(std::string_view text, open_psa_options const& options = {})
{
    if (!(options.mission_time >= 0)) {
        throw std::invalid_argument("mission_time is " + std::to_string(options.mission_time) +
                                    "; it must be at least 0");
    }
    detail::open_psa_document const document(text, options.bytes_max);
    detail::open_psa_tree_reader reader(document, options.mission_time,
                                        options.missing_probability);
    open_psa_model model;
    auto const tops = reader.tops();
    for (auto const* top : tops) {
        model.tops.push_back(top->path);
    }
    detail::open_psa_definition const* top = nullptr;
    if (!options.top.empty()) {
        detail::open_psa_definition const global{};
        top = document.find(detail::open_psa_kind::gate, global, options.top);
        if (top == nullptr) {
            throw std::invalid_argument("the model has no gate '" + options.top + "'");
        }
    } else if (tops.size() == 1) {
        top = tops.front();
    } else if (tops.empty()) {
        throw std::invalid_argument("the model has no gate that no other refers to: it is empty, "
                                    "or every gate is below itself");
    } else {
        std::string names;
        for (std::size_t i = 0; i < tops.size() && i < 10; ++i) {
            names += (i == 0 ? "'" : ", '") + tops[i]->path + "'";
        }
        throw std::invalid_argument("the model has " + std::to_string(tops.size()) +
                                    " gates that no other refers to (" + names +
                                    "); say which one is the top");
    }
    model.top = top->path;
    model.tree = reader.read(*top);
    model.skipped = document.skipped();
    return model;
}

} // namespace perdure::availability

#endif
