# SPDX-License-Identifier: MIT
"""Debian packages: their version, the source archive, and what debian/ says about other files of the checkout."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import package  # noqa: E402
import paths  # noqa: E402
import rootfs  # noqa: E402
from ui import Fail  # noqa: E402


def read(path):
    with open(os.path.join(CHECKOUT, path)) as f:
        return f.read()


def write(folder, path, text):
    os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
    with open(os.path.join(folder, path), "w") as f:
        f.write(text)


class WithCheckout(unittest.TestCase):
    """A small checkout."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.checkout = os.path.join(folder.name, "checkout")
        self.out = os.path.join(folder.name, "out")
        os.mkdir(self.out)
        write(self.checkout, "meson.build", "project('cmacam', 'c',\n  version: '1.2.3',\n")
        write(self.checkout, "debian/changelog", "cmacam (1.2.3-4) unstable; urgency=medium\n\n"
              "  * A.\n\n -- A B <a@b>  Sat, 28 Nov 2026 12:00:00 +0000\n")
        patch = mock.patch.object(paths, "CHECKOUT", self.checkout)
        patch.start()
        self.addCleanup(patch.stop)


class Version(WithCheckout):
    def test_that_of_the_changelog(self):
        self.assertEqual(package.version(), "1.2.3-4")

    def test_a_changelog_that_is_behind_is_named(self):
        write(self.checkout, "debian/changelog", "cmacam (1.2.2-1) unstable; urgency=medium\n")
        with self.assertRaisesRegex(Fail, "begins with 1.2.2-1, and meson.build has the version 1.2.3: .* 1.2.3-1"):
            package.version()

    def test_a_changelog_without_a_version(self):
        write(self.checkout, "debian/changelog", "\n")
        with self.assertRaisesRegex(Fail, "no version"):
            package.version()


class Source(WithCheckout):
    def write_source(self, folder):
        os.makedirs(folder)
        with mock.patch.object(package.checks, "tracked", lambda _: ["a/b c.txt", "meson.build"]):
            return package.write_source(folder)

    def test_what_git_knows(self):
        write(self.checkout, "a/b c.txt", "new")
        write(self.checkout, "unknown", "")
        first, second = (os.path.join(self.out, name) for name in ("first", "second"))
        name = self.write_source(first)
        self.assertEqual(name, "cmacam-1.2.3")
        with open(os.path.join(first, name, "a/b c.txt")) as f:
            self.assertEqual(f.read(), "new")
        self.assertEqual(sorted(os.listdir(os.path.join(first, name))), ["a", "debian", "meson.build"])
        os.utime(os.path.join(self.checkout, "a/b c.txt"), (1, 1))
        self.write_source(second)
        archive = "cmacam_1.2.3.orig.tar.gz"
        with open(os.path.join(first, archive), "rb") as a, open(os.path.join(second, archive), "rb") as b:
            self.assertEqual(a.read(), b.read())
        listed = subprocess.run(["tar", "-tf", os.path.join(first, archive)], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("debian/", listed)

    def test_only_packages_of_an_earlier_run_are_removed(self):
        for name in ("libcmacam0_1_amd64.deb", "cmacam_1.dsc", "lintian.txt", "mine.txt", "other_1_amd64.deb"):
            write(self.out, name, "")
        package.forget_last(self.out)
        self.assertEqual(sorted(os.listdir(self.out)), ["mine.txt", "other_1_amd64.deb"])


class Debian(unittest.TestCase):
    """Facts that debian/ has to repeat."""

    def test_versions_agree(self):
        self.assertRegex(package.version(), r"^\d+\.\d+\.\d+-\d+$")

    def test_the_range_of_libcamera(self):
        low, high = re.search(r"dependency\('libcamera', version: \['>= ([\d.]+)', '< ([\d.]+)'\]",
                              read("libcam-pipeline/meson.build")).groups()
        self.assertIn(f"libcamera-dev (>= {low}),", read("debian/control"))
        self.assertIn(f"libcamera-dev (<< {high}),", read("debian/control"))

    def test_each_package_has_files(self):
        names = re.findall(r"^Package: (\S+)$", read("debian/control"), re.M)
        self.assertEqual(len(names), 7)
        for name in names:
            self.assertTrue(os.path.exists(os.path.join(CHECKOUT, "debian", f"{name}.install")), name)

    def test_the_foreign_build_dependencies_are_in_the_layer(self):
        wanted = set(rootfs.packages(rootfs.PACKAGING_ARM64.packages))
        for name in ("libcamera-dev", "libgstreamer1.0-dev", "libgstreamer-plugins-base1.0-dev", "libpython3-dev"):
            self.assertIn(name, read("debian/control"))
            self.assertIn(f"{name}:arm64", wanted)


class Dkms(unittest.TestCase):
    """The list of modules that DKMS reads from its configuration."""

    def modules(self, **variables):
        script = '. "$0"; for name in "${BUILT_MODULE_NAME[@]}"; do echo "$name"; done'
        done = subprocess.run(["bash", "-c", script, os.path.join(CHECKOUT, "debian/cmacam-dkms.dkms")], env={
            "PATH": os.environ["PATH"], **variables}, capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_without_a_kernel(self):
        self.assertEqual(self.modules(), ["vb2-cma", "cmacam"])

    def test_what_the_kernel_can_have(self):
        os.makedirs(f"{self.folder}/kernel/include")
        os.makedirs(f"{self.folder}/usr/src")
        os.symlink(CHECKOUT, f"{self.folder}/usr/src/cmacam-#MODULE_VERSION#")
        found = self.modules(source_tree=f"{self.folder}/usr/src", kernel_source_dir=f"{self.folder}/kernel")
        # Without the tool that reads Kconfig, these are all.
        self.assertEqual(found, ["vb2-cma", "vb2-cma-heap", "cmacam", "noncoherent", "minicam", "vb2-cma-adopt"])

    def test_what_was_built_even_if_the_headers_are_gone(self):
        for name in ("cmacam.ko.xz", "vb2-cma.ko", "vb2-cma-heap.ko.zst"):
            write(self.folder, f"cmacam/#MODULE_VERSION#/7.2/x86_64/module/{name}", "")
        found = self.modules(dkms_tree=self.folder, kernelver="7.2", arch="x86_64")
        self.assertEqual(sorted(found), ["cmacam", "vb2-cma", "vb2-cma-heap"])


unittest.main()
