# SPDX-License-Identifier: MIT
"""docs/compare.md: for each "yes" there is a test."""

import os
import re
import sys
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENT = os.path.join(CHECKOUT, "docs", "compare.md")
sys.path.insert(0, os.path.join(CHECKOUT, "tests", "vm"))
import declare  # noqa: E402

OURS = ("cmacam", "cmacamsrc", "MappedFrame")
LINK = re.compile(r"\[([\w.]+)\]\(([^)]+)\)")


def tables(text):
    """[[cells of a line] of each line] of each table."""
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        yield [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]


def problems(text, known):
    """The errors in the document, one sentence each. known: {test: its file}"""
    for header, _, *rows in tables(text):
        ours = [i for i, name in enumerate(header) if name in OURS]
        if len(ours) != 1 or header[-1] != "shown by":
            yield f"a table with the columns {header}: which is ours, and what shows it?"
            continue
        for row in rows:
            said, shown = row[ours[0]], LINK.findall(row[-1])
            what = " ".join(row[:2])
            if len(row) != len(header):
                yield f"{what}: {len(row)} cells below {len(header)} headings"
            elif not re.match(r"(yes|no|not yet)\b", said):
                yield f"{what}: says {said!r}, and not yes, no or not yet"
            elif said.startswith("yes") != bool(shown):
                yield f"{what}: says {said!r} and names {len(shown)} tests"
            for name, target in shown:
                if name not in known:
                    yield f"{what}: there is no test {name}"
                elif os.path.normpath(os.path.join("docs", target)) != known[name]:
                    yield f"{what}: {name} is not in {target}"


def known_tests():
    return {test.full_name: f"tests/vm/test_{test.subject}.py"
            for subject in declare.subjects() for test in declare.tests_of(subject)}


class Document(unittest.TestCase):
    def test_each_yes_is_shown_by_a_test(self):
        with open(DOCUMENT) as f:
            text = f.read()
        self.assertEqual(list(problems(text, known_tests())), [])
        self.assertGreater(len(list(tables(text))), 3)


class Checker(unittest.TestCase):
    HEAD = "| | cmacam | shown by |\n|---|---|---|\n"
    KNOWN = {"cam.works": "tests/vm/test_cam.py"}

    def check(self, row, wanted, head=HEAD):
        found = list(problems(f"{head}{row}\n", self.KNOWN))
        self.assertEqual(len(found), 1 if wanted else 0, found)
        self.assertIn(wanted, "".join(found))

    def test_what_is_right(self):
        self.check("| a | yes | [cam.works](../tests/vm/test_cam.py) |", "")
        self.check("| a | yes: in words | [cam.works](../tests/vm/test_cam.py) |", "")
        self.check("| a | not yet | |", "")

    def test_a_yes_that_nothing_shows(self):
        self.check("| a | yes | |", "names 0 tests")

    def test_a_test_that_is_gone(self):
        self.check("| a | yes | [cam.worked](../tests/vm/test_cam.py) |", "no test cam.worked")

    def test_a_link_to_another_file(self):
        self.check("| a | yes | [cam.works](../tests/vm/test_capture.py) |", "is not in")

    def test_a_test_for_what_is_not_there(self):
        self.check("| a | not yet | [cam.works](../tests/vm/test_cam.py) |", "names 1 tests")

    def test_other_words(self):
        self.check("| a | maybe | |", "not yes, no")

    def test_a_row_that_does_not_fit(self):
        self.check("| a | not yet | b | |", "4 cells below 3")

    def test_a_table_without_us(self):
        self.check("| a | yes |", "which is ours", "| | them |\n|---|---|\n")


if __name__ == "__main__":
    unittest.main()
