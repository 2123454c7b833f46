# SPDX-License-Identifier: MIT
"""A check looks again at what changed since it passed, and at nothing else, in whichever clone that was."""

import os
import sys
import tempfile
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import passed  # noqa: E402
import paths  # noqa: E402


class Passed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name in ("CACHE", "CHECKOUT"):
            self.addCleanup(setattr, paths, name, getattr(paths, name))
        paths.CACHE = os.path.join(folder.name, "cache")
        self.clone("one", a="1", b="1")

    def clone(self, name, **files):
        paths.CHECKOUT = os.path.join(self.folder, name)
        os.makedirs(paths.CHECKOUT, exist_ok=True)
        for file, text in files.items():
            with open(os.path.join(paths.CHECKOUT, file), "w") as f:
                f.write(text)

    def left(self, check="spelling", command="spell"):
        return passed.Files(check, ["a", "b"], [command]).left

    def test_what_passed_is_not_looked_at_again(self):
        passed.Files("spelling", ["a", "b"], ["spell"]).passed(["a"])
        self.assertEqual(self.left(), ["b"])
        passed.Files("spelling", ["a", "b"], ["spell"]).all_passed()
        self.assertEqual(self.left(), [])
        self.assertEqual(self.left(check="grammar"), ["a", "b"])
        self.assertEqual(self.left(command="spell --strict"), ["a", "b"])

    def test_another_clone(self):
        passed.Files("spelling", ["a", "b"], ["spell"]).all_passed()
        self.clone("two", a="1", b="2")
        self.assertEqual(self.left(), ["b"])
        passed.Files("spelling", ["a", "b"], ["spell"]).all_passed()
        self.clone("one")
        self.assertEqual(self.left(), [], "forgotten for the other clone")

    def test_documentation_is_no_source(self):
        found = []
        for name, text in (("README.md", "1"), ("README.md", "2"), ("a.c", "1"), ("a.c", "2")):
            self.clone("three/drivers", **{name: text})
            self.clone("three")
            found.append(passed.everything_below("drivers"))
        self.assertEqual(found[0], found[1], "documentation changed")
        self.assertEqual(len(set(found)), 3, "a source was added, and changed")

    def test_other_tools(self):
        status = os.path.join(self.folder, "root/var/lib/dpkg/status")
        os.makedirs(os.path.dirname(status))
        found = set()
        for text in ("clang-format 21.1.0", "clang-format 21.1.1"):
            with open(status, "w") as f:
                f.write(text)
            found.add(passed.rules(os.path.join(self.folder, "root")))
        self.assertEqual(len(found), 2)

    def test_the_oldest_are_forgotten(self):
        notes = passed.Notes("spelling")
        notes.add(str(number) for number in range(notes.MOST))
        notes.add(["0", "new"])
        again = passed.Notes("spelling")
        self.assertEqual([text in again for text in ("0", "1", "2", "new")], [True, False, True, True])


unittest.main()
