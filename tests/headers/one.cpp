// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#include "every_header.hpp"

int other_file();

int main()
{
    return other_file();
}
