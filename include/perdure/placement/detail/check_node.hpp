// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_PLACEMENT_DETAIL_CHECK_NODE_HPP
#define PERDURE_PLACEMENT_DETAIL_CHECK_NODE_HPP

#include <perdure/placement/cluster_node.hpp>
#include <perdure/placement/detail/bad_value.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace perdure::detail {

inline void check_node_weight(std::string_view name, double weight)
{
    if (weight >= 1e-9 && weight <= 1e18)
        return;
    char text[32];
    std::snprintf(text, sizeof text, "%g", weight); // std::to_string makes 0.000000 of 1e-10
    throw_bad_value("placement_map", "the weight of '" + std::string(name) + "'", text,
                    "it must be from 1e-9 to 1e18");
}

/// Throws std::invalid_argument that names the first field that no node of a map may have.
inline void check_node(cluster_node const& node)
{
    auto const check_text = [&](char const* field, std::string const& text) {
        if (text.size() > 255)
            throw_bad_value("placement_map",
                            std::string(field) + " of '" + node.name.substr(0, 40) + "'",
                            "'" + text.substr(0, 40) + "...'",
                            "it must not be longer than 255 bytes");
    };
    if (node.name.empty())
        throw_bad_value("placement_map", "name", "''", "a node must have one");
    check_text("the name", node.name);
    check_text("the zone", node.zone);
    check_text("the rack", node.rack);
    check_text("the host", node.host);
    check_node_weight(node.name, node.weight);
    if (static_cast<std::uint8_t>(node.state) > 3)
        throw_bad_value("placement_map", "the state of '" + node.name + "'",
                        std::to_string(static_cast<unsigned>(node.state)),
                        "it must be from 0 to 3");
}

} // namespace perdure::detail

#endif
