// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// How available is it? Reads a text model (docs/availability/tool.md) or an Open-PSA fault tree and
// prints a table, JSON, or a picture.

#include "answers.hpp"
#include "model_text.hpp"
#include "pictures.hpp"
#include <perdure/availability/open_psa.hpp>

#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace {

constexpr char const* usage =
    "availability [options] <model>      a text model, or Open-PSA XML; - reads standard input\n"
    "\n"
    "  --json                 everything as JSON instead of a table\n"
    "  --svg structure        a picture: block diagram or fault tree\n"
    "  --svg curve            the unavailability over time, from everything up\n"
    "  --svg importance       which components it is made of\n"
    "  --output <file>        where to write it; standard output otherwise\n"
    "  --top <gate>           of an Open-PSA file: the gate to calculate\n"
    "  --mission <hours>      how long the curve runs, and the mission time of Open-PSA\n"
    "\n"
    "Exit status: 0 done, 1 the model is wrong (the message says where), 2 wrong usage.\n";

struct wrong_usage {
    std::string why;
};

struct options {
    std::string model;
    std::string output;
    std::string picture;
    std::string top;
    std::optional<double> mission;
    bool json = false;
};

options read_options(int argc, char** argv)
{
    options o;
    for (int i = 1; i < argc; ++i) {
        std::string_view const word = argv[i];
        auto const value = [&]() -> std::string {
            if (i + 1 >= argc) {
                throw wrong_usage{std::string(word) + " needs a value"};
            }
            return argv[++i];
        };
        if (word == "--json") {
            o.json = true;
        } else if (word == "--svg") {
            o.picture = value();
            if (o.picture != "structure" && o.picture != "curve" && o.picture != "importance") {
                throw wrong_usage{"--svg is '" + o.picture +
                                  "'; allowed are structure, curve and importance"};
            }
        } else if (word == "--output") {
            o.output = value();
        } else if (word == "--top") {
            o.top = value();
        } else if (word == "--mission") {
            auto const text = value();
            char* end = nullptr;
            double const hours = std::strtod(text.c_str(), &end);
            if (end == text.c_str() || *end != 0 || !(hours >= 0 && hours < 1e15)) {
                throw wrong_usage{"--mission is '" + text + "'; it must be a number of hours"};
            }
            o.mission = hours;
        } else if (word == "--help" || word == "-h") {
            std::cout << usage;
            std::exit(0);
        } else if (word.size() > 1 && word.front() == '-') {
            throw wrong_usage{"unknown option '" + std::string(word) + "'"};
        } else if (!o.model.empty()) {
            throw wrong_usage{"one model at a time"};
        } else {
            o.model = word;
        }
    }
    if (o.model.empty()) {
        throw wrong_usage{"which model?"};
    }
    return o;
}

std::string read_all(std::string const& path)
{
    if (path == "-") {
        return {std::istreambuf_iterator<char>(std::cin), {}};
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read '" + path + "'");
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

void run(options const& o, std::ostream& out)
{
    using namespace perdure::availability;
    auto const text = read_all(o.model);
    auto const first = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    bool const xml = first != std::string::npos && text[first] == '<';
    auto title = o.model == "-" ? std::string("model") : o.model.substr(o.model.find_last_of('/') + 1);
    title = title.substr(0, title.find_last_of('.'));

    fault_tree tree;
    std::optional<tool::model> model;
    duration mission;
    if (xml) {
        open_psa_options read;
        read.top = o.top;
        read.mission_time = o.mission.value_or(read.mission_time);
        auto psa = read_open_psa(text, read);
        tree = std::move(psa.tree);
        title += ", " + psa.top;
        mission = hours(read.mission_time);
        for (auto const& skipped : psa.skipped) {
            std::cerr << "not read: " << tool::detail::plain(skipped) << "\n";
        }
    } else {
        model = tool::read_model(text);
        tree = model->tree();
        mission = o.mission ? duration(hours(*o.mission)) : model->mission;
    }
    if (o.picture == "structure") {
        model ? tool::draw_structure(*model, title, out) : tool::draw_structure(tree, title, out);
        return;
    }
    auto const a = tool::answer(title, tree, mission, model ? &*model : nullptr);
    if (o.picture == "curve") {
        tool::draw_curve(a, out);
    } else if (o.picture == "importance") {
        tool::draw_importance(a, out);
    } else if (o.json) {
        tool::print_json(a, out);
    } else {
        tool::print_table(a, out);
    }
}

} // namespace

int main(int argc, char** argv)
{
    try {
        auto const o = read_options(argc, argv);
        if (o.output.empty()) {
            run(o, std::cout);
        } else {
            std::ofstream file(o.output, std::ios::binary);
            run(o, file);
            if (!file.flush()) {
                throw std::runtime_error("cannot write '" + o.output + "'");
            }
        }
        return 0;
    } catch (wrong_usage const& e) {
        std::cerr << e.why << "\n\n" << usage;
        return 2;
    } catch (std::exception const& e) {
        std::cerr << "availability: " << e.what() << "\n";
        return 1;
    }
}
