# SPDX-License-Identifier: MIT
"""Other kernels of Debian: which one is found, fetched and booted, which tests it runs, and what is said if there is none."""

import argparse
import contextlib
import io
import os
import sys
import tempfile
import types
import unittest
from unittest import mock

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import checks  # noqa: E402
import host  # noqa: E402
import kernels  # noqa: E402
import modules  # noqa: E402
import nextkernel  # noqa: E402
import paths  # noqa: E402
import rootfs  # noqa: E402
import testing  # noqa: E402
from arch import AMD64, ARM64, ARMHF  # noqa: E402
from kernels import KERNELS  # noqa: E402
from ui import Fail, Skip  # noqa: E402

# What apt-cache shows of the packages of two suites, the newest first.
OFFERED = """Package: linux-headers-amd64
Source: linux
Version: 7.4~rc2-1~exp1
Architecture: amd64
Depends: linux-headers-7.4-amd64 (= 7.4~rc2-1~exp1)
Size: 1

Package: linux-headers-amd64
Version: 7.3.4-1
Depends: linux-headers-7.3.4+deb14-amd64 (= 7.3.4-1)

"""
HEADERS = """Version: 7.3.4-1
Depends: linux-base, linux-headers-7.3.4+deb14-common (= 7.3.4-1), linux-kbuild-7.3.4+deb14, gcc-16
"""
IMAGE = "Version: 7.3.4-1\nDepends: linux-binary-7.3.4+deb14-amd64 (= 7.3.4-1), linux-modules-7.3.4+deb14-amd64, kmod\n"
RELEASE = "7.3.4+deb14-amd64"
TEST_OPTIONS = {"subjects": [], "match": "", "kernel": "",
                **dict.fromkeys(["debug_kernel", "left_out", "long", "soak", "list"], False)}


def arguments(**options):
    return types.SimpleNamespace(**{**TEST_OPTIONS, **options})


class Box:
    """A root folder in which apt shows `shown`, and its update ends with `error`."""

    def __init__(self, root):
        self.root = root
        self.shown = {}
        self.error = ""
        self.ran = []
        os.makedirs(root + "/run")

    @staticmethod
    def inside_cache(path):
        return os.path.join("/run/cache", os.path.relpath(path, paths.CACHE))

    def run(self, command, check=True, env=None, **_):
        self.ran.append(command)
        done = types.SimpleNamespace(returncode=0, stdout="", stderr="")
        if command[0] == "apt-cache":
            done.stdout = self.shown.get(command[-1], "")
        elif command[-1] == "update" and self.error:
            done.returncode, done.stderr = 100, f"E: {self.error}\n"
        elif command[0] == "sh":
            folder = command[2].split("\n")[0].removeprefix("cd ").replace("/run/cache", paths.CACHE)
            os.makedirs(os.path.join(folder, "unpacked", "boot"))
            with open(os.path.join(folder, "unpacked", "boot", "vmlinuz-" + env["RELEASE"]), "w"):
                pass
        return done


class WithCache(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = os.path.join(folder.name, "cache")
        os.mkdir(self.cache)
        self.box = Box(os.path.join(folder.name, "root"))
        for module, name, value in ((paths, "CACHE", self.cache), (paths, "BUILD", folder.name),
                                    (host, "mirror", lambda: "http://mirror/debian"), (host, "require_disk", lambda *_: None)):
            patch = mock.patch.object(module, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def quiet(self, function, *args):
        """Call a function. Returns its result, and keeps what it prints."""
        self.said = io.StringIO()
        with contextlib.redirect_stderr(self.said), contextlib.redirect_stdout(self.said):
            return function(*args)

    def find(self, name="7.3", arch=AMD64):
        return self.quiet(kernels.find, self.box, KERNELS[name], arch)[1]


class Releases(WithCache):
    def test_the_newest_one_of_the_version(self):
        self.box.shown["linux-headers-amd64:amd64"] = OFFERED
        self.assertEqual(self.find(), RELEASE)
        self.assertEqual(self.said.getvalue(), "")

    def test_pages_of_16_kib_have_their_own_packages(self):
        self.box.shown["linux-headers-arm64-16k:arm64"] = "Version: 7.2.12-1\nDepends: linux-headers-7.2.12+deb14-arm64-16k\n"
        self.assertEqual(self.find("7.2-16k", ARM64), "7.2.12+deb14-arm64-16k")

    def test_32_bit_arm_has_packages_with_names_of_their_own(self):
        self.box.shown["linux-headers-armmp-lpae:armhf"] = \
            "Version: 7.2.12-1\nDepends: linux-base-armmp-lpae, linux-headers-7.2.12+deb14-armmp-lpae (= 7.2.12-1)\n"
        self.assertEqual(self.find("7.2-lpae", ARMHF), "7.2.12+deb14-armmp-lpae")

    def test_each_kernel_has_its_lists(self):
        self.find_fails("7.3", AMD64)
        self.find_fails("6.12", ARM64)
        self.assertEqual(sorted(os.listdir(f"{self.cache}/kernel-apt")), ["sid-experimental-amd64", "trixie-arm64"])
        with open(f"{self.cache}/kernel-apt/sid-experimental-amd64/sources.list") as f:
            self.assertEqual(f.read(), "deb http://mirror/debian sid main\ndeb http://mirror/debian experimental main\n")
        # The tools for a build are the host's.
        self.assertEqual([word for word in self.box.ran[-1] if word.startswith("APT::Architectures")],
                         ["APT::Architectures::=amd64", "APT::Architectures::=arm64"])

    def find_fails(self, name, arch, words=""):
        with self.assertRaisesRegex(kernels.Unavailable, words):
            self.find(name, arch)

    def test_no_mirror(self):
        self.box.error = "Could not connect"
        self.find_fails("6.12", AMD64, "^the kernel 6.12 for amd64 cannot be fetched: Could not connect$")

    def test_the_lists_of_the_last_run(self):
        self.box.error = "Could not connect"
        self.box.shown["linux-headers-amd64:amd64"] = OFFERED
        self.assertEqual(self.find(), RELEASE)
        self.assertRegex(self.said.getvalue(), "using the newest kernel 7.3 for amd64 that the last run found: Could not connect")

    def test_debian_has_moved(self):
        self.box.shown["linux-headers-amd64:amd64"] = "Version: 7.4.1-1\nDepends: linux-headers-7.4.1+deb14-amd64\n"
        self.find_fails("7.3", AMD64, "^there is no kernel 7.3 for amd64 in Debian sid or experimental any more, but "
                                      r"7.4.1\+deb14-amd64$")
        for release in ("7.3.4+deb14-amd64", "7.3.12+deb14-amd64", "7.3.20+deb14-arm64", "7.30.1+deb14-amd64"):
            os.mkdir(f"{self.cache}/kernel-headers-{release}")
        self.assertEqual(self.find(), "7.3.12+deb14-amd64")
        self.assertRegex(self.said.getvalue(), "there is no kernel .*; using 7.3.12.deb14-amd64, which was fetched before")

    def test_versions(self):
        self.assertTrue(kernels.is_version("7.3-amd64", "7.3"))
        self.assertTrue(kernels.is_version("7.3.4+deb14-amd64", "7.3"))
        self.assertFalse(kernels.is_version("7.30-amd64", "7.3"))


class Fetched(WithCache):
    def fetch(self, what):
        apt = kernels.Apt(self.box, ("sid",), AMD64, "amd64")
        return self.quiet(getattr(apt, what), RELEASE)

    def packages(self):
        return [command for command in self.box.ran if command[0] == "sh"][0][4:]

    def test_headers_and_the_tools_of_the_host(self):
        self.box.shown[f"linux-headers-{RELEASE}:amd64"] = HEADERS
        folder = self.fetch("headers")
        self.assertEqual(folder, f"{self.cache}/kernel-headers-{RELEASE}")
        self.assertEqual(self.packages(), [f"linux-headers-{RELEASE}:amd64", "linux-headers-7.3.4+deb14-common",
                                           "linux-kbuild-7.3.4+deb14"])
        self.assertEqual(sorted(os.listdir(self.cache)), [f"kernel-headers-{RELEASE}"])

    def test_an_image_in_one_package_or_in_several(self):
        self.fetch("image")
        self.assertEqual(self.packages(), [f"linux-image-{RELEASE}:amd64"])
        os.rename(f"{self.cache}/kernel-image-{RELEASE}", f"{self.cache}/old")
        self.box.ran.clear()
        self.box.shown[f"linux-image-{RELEASE}:amd64"] = IMAGE
        self.fetch("image")
        self.assertEqual(self.packages(), [f"linux-image-{RELEASE}:amd64", f"linux-binary-{RELEASE}:amd64",
                                           f"linux-modules-{RELEASE}:amd64"])

    def test_it_is_fetched_once(self):
        for _ in range(2):
            self.fetch("image")
        self.assertEqual(sum(command[0] == "sh" for command in self.box.ran), 1)

    def test_an_older_one_may_be_removed(self):
        for old in ("7.3.1+deb14-amd64", "6.12.1+deb13-amd64"):
            os.mkdir(f"{self.cache}/kernel-image-{old}")
        self.fetch("image")
        self.assertRegex(self.said.getvalue(), "may remove .*kernel-image-7.3.1.deb14-amd64\n$")
        self.assertNotIn("6.12.1", self.said.getvalue())

    def test_what_a_machine_boots(self):
        self.box.shown["linux-headers-amd64:amd64"] = OFFERED
        done = []
        with mock.patch.object(modules, "ensure", lambda *args, **options: done.append((args[1:], options)) or {"drivers": "/d"}):
            kernel = self.quiet(kernels.ensure, self.box, KERNELS["7.3"], AMD64)
        image = f"/run/cache/kernel-image-{RELEASE}"
        self.assertEqual((kernel.image, kernel.modules, kernel.drivers),
                         (f"{image}/boot/vmlinuz-{RELEASE}", f"{image}/usr/lib/modules/{RELEASE}", "/d"))
        self.assertEqual(done, [(("/build/kernels/7.3-amd64",
                                  f"/run/cache/kernel-headers-{RELEASE}/usr/src/linux-headers-{RELEASE}", RELEASE,
                                  ("CC=gcc", "CONFIG_DEBUG_INFO=", "CONFIG_DEBUG_INFO_BTF_MODULES=")), {"tests": False})])


class Modules(WithCache):
    def setUp(self):
        super().setUp()
        self.ran = []
        patch = mock.patch.object(modules.build, "run", lambda _, command, what: self.ran.append(command[1].rpartition("/")[2]))
        patch.start()
        self.addCleanup(patch.stop)

    def ensure(self, release="6.12.9", **options):
        self.ran.clear()
        return self.quiet(lambda: modules.ensure(self.box, "/build/k", "/headers", release, **options))

    def test_they_are_built_once(self):
        self.assertEqual(self.ensure(), {kind: f"/build/k/{kind}" for kind in ("drivers", "importer", "planted")})
        self.assertEqual(self.ran, ["build-modules.sh", "build.sh", "kbuild.sh", *["build-variant.sh"] * len(modules.VARIANTS)])
        self.ensure()
        self.assertEqual(self.ran, [])

    def test_the_drivers_alone(self):
        self.assertEqual(self.ensure(tests=False), {"drivers": "/build/k/drivers"})
        self.assertEqual(self.ran, ["build-modules.sh"])

    def test_another_kernel_makes_a_new_folder(self):
        self.ensure()
        old = f"{self.box.root}/build/k/drivers/old.o"
        with open(old, "w"):
            pass
        self.ensure(variables=["W=1"])
        self.assertTrue(os.path.exists(old), "make knows what to build again")
        self.ensure("6.12.10")
        self.assertFalse(os.path.exists(old))

    def test_a_build_that_failed_is_tried_again(self):
        with mock.patch.object(modules.build, "run", side_effect=Fail("broken")), self.assertRaises(Fail):
            self.ensure()
        self.ensure()
        self.assertEqual(self.ran[0], "build-modules.sh")


class NextKernel(WithCache):
    def test_a_mirror_that_is_gone_is_a_skip(self):
        self.box.error = "Could not connect"
        with self.assertRaisesRegex(Skip, "no headers of a newer kernel: Could not connect"):
            nextkernel.build(self.box)


class CommandLine(unittest.TestCase):
    def of(self, name, arch=AMD64, **options):
        return kernels.of(arguments(kernel=name, **options), arch)

    def test_the_option(self):
        parser = argparse.ArgumentParser()
        kernels.add_option(parser)
        self.assertEqual(parser.parse_args([]).kernel, "")
        self.assertEqual(parser.parse_args(["--kernel", "6.12"]).kernel, "6.12")
        self.assertIsNone(self.of(""))
        self.assertIs(self.of("6.12"), KERNELS["6.12"])

    def test_options_that_do_not_fit(self):
        for option in ("debug_kernel", "programs", "gdb"):
            with self.assertRaisesRegex(Fail, f"--{option.replace('_', '-')} --kernel 7.3: "):
                self.of("7.3", **{option: True})

    def test_a_kernel_of_another_architecture(self):
        with self.assertRaisesRegex(Fail, "--kernel 7.2-16k: only with --arch arm64"):
            self.of("7.2-16k")
        with self.assertRaisesRegex(Fail, "--kernel 7.2-lpae: only with --arch armhf"):
            self.of("7.2-lpae", ARM64)
        self.assertIs(self.of("7.2-16k", ARM64), KERNELS["7.2-16k"])


class Tests(unittest.TestCase):
    def select(self, name, arch=AMD64, **options):
        return testing.select(arguments(**options), arch, KERNELS[name])

    def test_default_subjects(self):
        for arch in (AMD64, ARM64):
            hosts, tests = self.select("6.12", arch)
            self.assertEqual(hosts, [])
            self.assertEqual({test.subject for test in tests}, {"memory", "capture"})

    def test_subjects_that_do_not_fit(self):
        for subject in ("units", "programs"):
            with self.assertRaisesRegex(Fail, f"{subject}: .* --kernel"):
                self.select("6.12", subjects=[subject])

    def test_what_a_kernel_lacks_is_skipped(self):
        lacks = KERNELS["6.12"].lacks(AMD64)
        skipped = {test.full_name for test in self.select("6.12", long=True)[1] if testing.missing(test, lacks)}
        self.assertIn("memory.fresh_buffers_are_black_cma", skipped)
        self.assertNotIn("memory.fresh_buffers_are_black_contig", skipped)
        self.assertFalse([name for name in skipped if name.startswith("capture.")])

    def test_kernel_and_architecture_lack_things(self):
        self.assertEqual({what for what, _ in KERNELS["6.12"].lacks(ARM64)}, {"shim", "memmap", "heap", "huge"})
        self.assertEqual(KERNELS["7.3"].lacks(AMD64), ())


class Checks(unittest.TestCase):
    def names(self, **options):
        return [name for name, _, _ in checks.other_kernels(arguments(**options))]

    def test_the_plain_run_has_the_oldest_one(self):
        self.assertEqual(self.names(), ["kernel_6.12_amd64"])

    def test_the_long_run_has_all(self):
        every = [f"kernel_{name}_{arch}" for name, kernel in KERNELS.items() for arch in kernel.architectures]
        self.assertEqual(self.names(long=True), every)
        self.assertEqual(self.names(long=True, left_out=True), every[1:])

    def test_their_layers(self):
        self.assertEqual(checks.layers(arguments(long=True, match="kernel_6.12_amd64")), [])
        self.assertEqual(checks.layers(arguments(long=True, match="kernel_7.3")), [rootfs.ARM64])


unittest.main()
