# Copyright (c) 2026 The perdure authors
# SPDX-License-Identifier: BSL-1.0

import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, get
from conan.tools.layout import basic_layout
from conan.tools.scm import Version

required_conan_version = ">=2.1"


class PerdureConan(ConanFile):
    name = "perdure"
    description = "Fault tolerance for C++20 services: detect, recover, avoid, agree, calculate"
    license = "BSL-1.0"
    url = "https://github.com/conan-io/conan-center-index"
    homepage = "https://example.org/perdure"
    topics = ("fault-tolerance", "failure-detector", "write-ahead-log", "consistent-hashing", "asio", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "with_openssl": [True, False],
        "with_pugixml": [True, False],
        "with_serialization": [True, False],
        "with_lz4": [True, False],
        "with_zstd": [True, False],
    }
    default_options = {
        "with_openssl": False,
        "with_pugixml": False,
        "with_serialization": True,
        "with_lz4": False,
        "with_zstd": False,
    }
    no_copy_source = True

    @property
    def _components(self):
        """What each part needs; the option without which a part is left out comes first."""
        # components: made from cmake/parts.cmake by packaging/check.py --fix
        return {
            "bytes": (None, ["xxhash::libxxhash"], False),
            "ring": (None, ["bytes"], False),
            "ring_ketama": ("with_openssl", ["ring", "openssl::crypto"], False),
            "placement": (None, ["ring"], False),
            "availability": (None, ["boost::headers"], False),
            "availability_open_psa": ("with_pugixml", ["availability", "pugixml::pugixml"], False),
            "core": (None, ["boost::headers"], False),
            "world": (None, ["core", "bytes", "boost::headers"], True),
            "detector": (None, ["world"], False),
            "wal": (None, ["world"], False),
            "snapshot": ("with_serialization", ["world", "boost::serialization"], False),
            "wal_lz4": ("with_lz4", ["wal", "lz4::lz4"], False),
            "wal_aes_gcm": ("with_openssl", ["wal", "openssl::crypto"], False),
            "snapshot_lz4": ("with_lz4", ["snapshot", "lz4::lz4"], False),
            "snapshot_zstd": ("with_zstd", ["snapshot", "zstd::zstdlib"], False),
            "durable": (None, ["wal", "snapshot", "availability"], False),
            "simulation": (None, ["world"], False),
        }
        # end of components

    @property
    def _active_components(self):
        def active(name):
            option, requires, _ = self._components[name]
            own = [r for r in requires if "::" not in r]
            return (option is None or self.options.get_safe(option)) and all(active(r) for r in own)
        return {name: c for name, c in self._components.items() if active(name)}

    @property
    def _packages(self):
        """The dependencies that are packages; those that a profile calls platform requirements are not among them."""
        return {require.ref.name: package for require, package in self.dependencies.host.items()}

    def layout(self):
        basic_layout(self, src_folder="src")

    def requirements(self):
        self.requires("boost/1.91.0")
        self.requires("xxhash/0.8.3")
        if self.options.with_openssl:
            self.requires("openssl/[>=1.1 <4]")
        if self.options.with_pugixml:
            self.requires("pugixml/1.15")
        if self.options.with_lz4:
            self.requires("lz4/1.10.0")
        if self.options.with_zstd:
            self.requires("zstd/[~1.5]")

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)
        minimum = {"gcc": "12", "clang": "16"}.get(str(self.settings.compiler))
        if minimum and Version(self.settings.compiler.version) < minimum:
            raise ConanInvalidConfiguration(
                f"{self.ref} needs {self.settings.compiler} {minimum} or newer; this is {self.settings.compiler.version}")
        if self.settings.os == "Windows":
            raise ConanInvalidConfiguration(f"{self.ref} uses POSIX files; Windows is not supported so far")
        if self.options.with_serialization:
            boost = self._packages.get("boost")
            if boost and (boost.options.get_safe("header_only") or boost.options.get_safe("without_serialization")):
                raise ConanInvalidConfiguration(
                    f"{self.ref} with_serialization=True needs boost with header_only=False and without_serialization=False")

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def build(self):
        pass

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", src=os.path.join(self.source_folder, "include"), dst=os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "perdure")
        for name, (_, requires, threads) in self._active_components.items():
            component = self.cpp_info.components[name]
            component.set_property("cmake_target_name", f"perdure::{name}")
            component.set_property("pkg_config_name", f"perdure-{name}")
            component.requires = [r for r in requires if "::" not in r or r.split("::")[0] in self._packages]
            # What the platform provides is linked by name.
            for package, library in (r.split("::") for r in requires if "::" in r and r not in component.requires):
                if (package, library) not in (("boost", "headers"), ("xxhash", "libxxhash")):
                    component.system_libs.append({"boost": f"boost_{library}", "zstd": "zstd"}.get(package, library))
            component.bindirs = []
            component.libdirs = []
            if threads and self.settings.os in ("Linux", "FreeBSD"):
                component.system_libs.append("pthread")
        umbrella = self.cpp_info.components["perdure"]
        umbrella.set_property("cmake_target_name", "perdure::perdure")
        umbrella.set_property("pkg_config_name", "perdure")
        umbrella.requires = list(self._active_components)
        umbrella.bindirs = []
        umbrella.libdirs = []
