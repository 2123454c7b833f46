# SPDX-License-Identifier: MIT
"""Tests of Debian packages in clean root folders: which run, what they compare, and what follows a step that failed."""

import os
import sys
import tempfile
import types
import unittest
from unittest import mock

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import arch as arches  # noqa: E402
import cleanroots  # noqa: E402
import packagetests  # noqa: E402
import rootfs  # noqa: E402
from ui import Fail  # noqa: E402

# What apt-get --simulate prints.
PLANNED = """NOTE: This is only a simulation!
Inst libyuv0 (0.0.1949 Debian:testing [amd64])
Inst libcamera0.7 (0.7.2-1 Debian:testing [amd64])
Inst libcamera-cmacam (0.2.0-1 local-deb [amd64])
Inst make [4.3] (4.4 Debian:testing [amd64])
Conf libyuv0 (0.0.1949 Debian:testing [amd64])
"""


class Tally:
    def __init__(self):
        self.results = []

    def add(self, name, outcome, seconds, said):
        self.results.append((name, outcome, said))


class Copy:
    """A clean root folder in which each command succeeds."""

    def __init__(self, *_):
        self.ran = []
        self.status = 0
        self.lists = [{"etc/a"}, {"etc/a"}]
        self.dkms = "cmacam/0.2.0, 7.2.12+deb14-amd64, x86_64: installed\n"

    def apt(self, *words):
        return PLANNED if "--simulate" in words else ""

    def add(self, files):
        self.ran.append(tuple(map(os.path.basename, files)))

    def inside(self, script, mirror=False):
        self.ran.append(script)
        return self.dkms if "dkms status" in script else ""

    def machine(self, script, limit, board=(), changes=False):
        self.ran.append(script)
        return self.status

    def files(self):
        return self.lists.pop(0)

    def remove(self):
        self.ran.append("remove")


class Steps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = packagetests.Place("here", cleanroots.Clean("forky"), ("cmacam-dkms", "libcamera-cmacam"))
        self.copy = Copy()
        for name in self.place.names:
            with open(os.path.join(folder.name, f"{name}_1_amd64.deb"), "w"):
                pass
        self.built = {"amd64": folder.name}
        for name, value in (("Copy", lambda *_: self.copy), ("sandbox_of", lambda _: None)):
            patch = mock.patch.object(cleanroots, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def run_all(self):
        tally = Tally()
        packagetests.Run(self.place, tally, self.built).all()
        return {name.removeprefix("packages.here_"): (outcome, said) for name, outcome, said in tally.results}

    def outcomes(self):
        return [outcome for outcome, _ in self.run_all().values()]

    def test_all_steps(self):
        self.assertEqual(self.outcomes(), ["ok"] * 4)
        installed, ours, stream, purged = self.copy.ran[1:5]
        self.assertIn("install -y --no-install-recommends --no-download libcamera0.7 libyuv0 make\n", installed)
        self.assertIn("install -y --no-install-recommends ./cmacam-dkms_1_amd64.deb ./libcamera-cmacam_1_amd64.deb\n", ours)
        self.assertTrue(stream.endswith("clean_root.sh all"))
        self.assertEqual(purged, "apt-get purge -y cmacam-dkms libcamera-cmacam")
        self.assertEqual(self.copy.ran[-1], "remove")

    def test_a_package_that_was_not_built(self):
        os.unlink(os.path.join(self.built["amd64"], "cmacam-dkms_1_amd64.deb"))
        self.assertEqual(self.outcomes(), ["not ok", "skip", "skip", "skip"])

    def test_drivers_that_were_not_installed(self):
        self.copy.dkms = "cmacam/0.2.0, 7.2.12+deb14-amd64, x86_64: built\n"
        results = self.run_all()
        self.assertIn("does not say that the drivers are installed", results["install"][1])
        self.assertEqual(results["purge"], ("skip", "after install"))

    def test_a_machine_that_does_not_stream(self):
        self.copy.status = 1
        self.assertEqual(self.outcomes(), ["ok", "ok", "not ok", "skip"])

    def test_a_file_that_is_left(self):
        self.copy.lists = [{"etc/a", "etc/b"}, {"etc/a", "usr/lib/libcmacam-pipeline.so"}]
        self.assertEqual(self.run_all()["purge"], ("not ok", "left: usr/lib/libcmacam-pipeline.so\nmissing: etc/b"))

    def test_an_error_has_its_detail(self):
        self.copy.machine = mock.Mock(side_effect=Fail("it died", "panic"))
        self.assertEqual(self.run_all()["stream"], ("not ok", "panic\nit died"))
        self.assertEqual(self.copy.ran[-1], "remove")


class Choice(unittest.TestCase):
    def names(self, **options):
        args = types.SimpleNamespace(**{"long": True, "match": "", **options})
        return [place.name for place in packagetests.selected(args)], packagetests.layers(args)

    def test_only_the_long_run_has_them(self):
        self.assertEqual(self.names(long=False), ([], []))
        self.assertEqual(self.names()[1], [rootfs.PACKAGING, rootfs.PACKAGING_ARM64, rootfs.ARM64])

    def test_some_of_them(self):
        self.assertEqual(self.names(match="forky_amd64"), (["forky_amd64"], [rootfs.PACKAGING]))
        self.assertEqual(self.names(match="debian13_kernel_stream")[0], ["debian13_kernel"])


class Files(unittest.TestCase):
    def test_what_is_compared(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in ("etc/a", "usr/src/cmacam-1/b", "var/lib/dkms/cmacam/c", "var/lib/dpkg/info/d", "var/cache/apt/e",
                         "var/log/f", "src/g", "run/h", "packages/i"):
                os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(folder, path), "w"):
                    pass
            os.symlink("nowhere", os.path.join(folder, "etc/link"))
            copy = cleanroots.Copy.__new__(cleanroots.Copy)
            copy.folder = folder
            found = copy.files()
        for path in ("etc/a", "etc/link", "usr/src/cmacam-1", "usr/src/cmacam-1/b", "var/lib/dkms/cmacam/c", "var/lib/dpkg/info/d"):
            self.assertIn(path, found)
        self.assertEqual([path for path in found if path[-2:] in ("/e", "/f", "/g", "/h", "/i")], [])

    def test_names_in_the_cache(self):
        names = {os.path.basename(clean.base) for clean in (place.clean for place in packagetests.PLACES)}
        self.assertEqual(len(names), 3)
        for name in names:
            self.assertRegex(name, r"^clean-(forky-amd64|forky-arm64|trixie-amd64)-[0-9a-f]{12}$")

    def test_architectures_have_layers(self):
        for place in packagetests.PLACES:
            self.assertIn(place.clean.arch, arches.ARCHES)
            self.assertIn(place.clean.arch, packagetests.package.LAYERS)


unittest.main()
