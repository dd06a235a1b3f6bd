// Copyright (c) 2026 The perdure authors
// SPDX-License-Identifier: BSL-1.0

#ifndef PERDURE_SNAPSHOT_HPP
#define PERDURE_SNAPSHOT_HPP

#include <perdure/snapshot/archive_io.hpp>
#include <perdure/snapshot/backend.hpp>
#include <perdure/snapshot/catalogue.hpp>
#include <perdure/snapshot/chunker.hpp>
#include <perdure/snapshot/codec.hpp>
#include <perdure/snapshot/compression.hpp>
#include <perdure/snapshot/directory_backend.hpp>
#include <perdure/snapshot/file.hpp>
#include <perdure/snapshot/format.hpp>
#include <perdure/snapshot/incremental_writer.hpp>
#include <perdure/snapshot/memory_backend.hpp>
#include <perdure/snapshot/object_backend.hpp>
#include <perdure/snapshot/object_catalogue.hpp>
#include <perdure/snapshot/options.hpp>
#include <perdure/snapshot/portable_iarchive.hpp>
#include <perdure/snapshot/portable_oarchive.hpp>
#include <perdure/snapshot/reader.hpp>
#include <perdure/snapshot/report.hpp>
#include <perdure/snapshot/slices.hpp>
#include <perdure/snapshot/store.hpp>
#include <perdure/snapshot/writer.hpp>

#endif
