# SPDX-License-Identifier: MIT
"""./dev removes only the files that it made."""

import contextlib
import os
import sys
import tempfile
import types
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import build  # noqa: E402
import cli  # noqa: E402
import demo  # noqa: E402
import paths  # noqa: E402
from bench import machine  # noqa: E402
from ui import Fail  # noqa: E402

ROOT = "root-forky-0123456789ab"


class KeptFiles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for module, name, value in ((paths, "OUT", self.folder), (paths, "BUILD", self.folder),
                                    (paths, "CACHE", self.folder)):
            self.addCleanup(setattr, module, name, getattr(module, name))
            setattr(module, name, value)

    def make(self, *names):
        for name in names:
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write(name)

    def left(self):
        return sorted(os.listdir(self.folder))

    def test_a_build_folder_that_is_none(self):
        self.make("thesis.tex", "pictures/a.jpg")
        with self.assertRaisesRegex(Fail, "is not a build folder of ./dev .* contains pictures. Either empty it"):
            build.forget_other_root(ROOT)
        self.assertEqual(self.left(), ["pictures", "thesis.tex"])

    def test_a_build_folder_of_another_root(self):
        self.make(".lock")
        build.forget_other_root(ROOT)
        self.make("build.ninja", "board/cmacam-board")
        build.forget_other_root(ROOT)
        self.assertEqual(self.left(), [".lock", ".root-folder", "board", "build.ninja"])
        build.forget_other_root("root-forky-ba9876543210")
        self.assertEqual(self.left(), [".lock", ".root-folder"])

    def test_out(self):
        self.make("people-000053.jpg", "contact-sheet.jpg", "table.json", "table.txt", "board.log")
        self.make("people-at-work.jpg", "bench/frames.json", "source.mp4")
        demo.forget_last()
        self.assertEqual(self.left(), ["bench", "people-at-work.jpg", "source.mp4"])

    def test_reports(self):
        kind = types.SimpleNamespace(as_json=str, table=str, charts=lambda result: {"frames-cpu": "svg"})
        self.make("bench/frames.json", "bench/frames-cpu.png", "bench/frames-calls.svg")
        self.make("bench/frames-before.json", "bench/memory.txt")
        with contextlib.redirect_stdout(None):
            machine.report("frames", {}, kind, None)
        self.assertEqual(sorted(os.listdir(os.path.join(self.folder, "bench"))),
                         ["frames-before.json", "frames-cpu.svg", "frames.json", "frames.txt", "memory.txt"])

    def test_clean(self):
        self.make("root-forky-0123456789ab/etc/os-release", "root-forky-0123456789ab.partial/a",
                  "debug-kernel-7.2.6-0123456789ab/vmlinux", "passed/sparse", "kernel-apt/trixie-amd64/sources.list",
                  "kernel-headers-6.12.9+deb13-amd64/usr/a", "kernel-image-7.3-arm64/boot/a", "kernel-image-notes/a",
                  "kconfig-7.2.6-0123456789ab/linux/a", "clean-forky-amd64-0123456789ab/a",
                  "clean-forky-arm64-0123456789ab.partial/a", "clean-forky-amd64-0123456789ab.copy/a",
                  "root-of-all/evil", "debug-kernel-notes/a", "logs/build.log")
        with contextlib.redirect_stdout(None):
            cli.cmd_clean(None)
        self.assertEqual(self.left(), ["debug-kernel-notes", "kernel-image-notes", "logs", "root-of-all"])


unittest.main()
