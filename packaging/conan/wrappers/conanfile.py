# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0
"""Wraps one library of the system as a package of the same component names as in Conan's registry."""

from conan import ConanFile

# component -> (CMake target, library to link)
components = {
    "boost": {"headers": ("Boost::headers", None), "serialization": ("Boost::serialization", "boost_serialization")},
    "xxhash": {"libxxhash": ("xxHash::xxhash", None)},
    "pugixml": {"pugixml": ("pugixml::pugixml", "pugixml")},
    "lz4": {"lz4": ("LZ4::lz4", "lz4")},
    "zstd": {"zstdlib": ("zstd::libzstd", "zstd")},
    "openssl": {"ssl": ("OpenSSL::SSL", "ssl"), "crypto": ("OpenSSL::Crypto", "crypto")},
}


class WrapperConan(ConanFile):
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"

    def package_info(self):
        for name, (target, library) in components[self.name].items():
            component = self.cpp_info.components[name]
            component.set_property("cmake_target_name", target)
            component.includedirs = component.libdirs = component.bindirs = []
            component.system_libs = [library] if library else []
