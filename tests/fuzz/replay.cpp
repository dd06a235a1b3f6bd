// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

// Runs a fuzzer's kept corpus without libFuzzer, and with each input a few simple changes of it:
//
//     <program> <directory of the corpus> [<changes of each input>]

#include "fuzz/fuzz.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

int main(int argc, char** argv)
{
    if (argc < 2) {
        std::cerr << "usage: " << argv[0] << " <directory of the corpus> [<changes of each>]\n";
        return 2;
    }
    auto const changes = argc > 2 ? std::stoul(argv[2]) : 20ul;
    std::vector<std::filesystem::path> files;
    for (auto const& entry : std::filesystem::directory_iterator(argv[1]))
        if (entry.is_regular_file())
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    if (files.empty()) {
        std::cerr << "the corpus in " << argv[1] << " is empty\n";
        return 1;
    }
    auto const begin = std::chrono::steady_clock::now();
    std::uint64_t runs = 0;
    for (auto const& path : files) {
        std::ifstream in(path, std::ios::binary);
        std::vector<char> const original((std::istreambuf_iterator<char>(in)), {});
        std::mt19937 random(5);
        for (unsigned long i = 0; i <= changes; ++i) {
            auto input = original;
            if (i != 0 && !input.empty()) {
                auto const at = random() % input.size();
                switch (random() % 4) {
                case 0:
                    input[at] = static_cast<char>(random());
                    break;
                case 1:
                    input[at] = static_cast<char>(input[at] ^ (1 << (random() % 8)));
                    break;
                case 2:
                    input.resize(at);
                    break;
                default:
                    std::fill_n(input.begin() + static_cast<std::ptrdiff_t>(at),
                                std::min<std::size_t>(8, input.size() - at),
                                static_cast<char>(random() % 2 ? 0 : 0xff));
                }
            }
            // If it ends the program, this is what to look at.
            if (i == 0)
                std::cout << path.filename().string() << '\n';
            LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(input.data()),
                                   input.size());
            ++runs;
        }
    }
    std::cout << files.size() << " inputs, " << runs << " runs, "
              << std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::steady_clock::now() - begin)
                     .count()
              << " ms\n";
}
