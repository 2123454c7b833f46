# SPDX-License-Identifier: MIT
"""The snippets of the pages are lines of the files that they name, and the example takes vb2-cma in four calls."""

import collections
import os
import re
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = "docs/porting.md"
DRIVER = "drivers/media/minicam/minicam.c"
# The language, the file, the lines.
SNIPPET = re.compile(r"^```c (\S+)\n(.*?)^```$", re.M | re.S)
CALLS = {"vb2_cma_memops", "vb2_cma_buf_finish", "vb2_cma_plane_dma_addr", "vb2_cma_forget_device"}


def read(path):
    with open(os.path.join(CHECKOUT, path), encoding="utf-8") as f:
        return f.read()


def wrong(page, sources):
    """The first line of each snippet that is not in its file. sources: a function that reads a file."""
    for path, lines in SNIPPET.findall(page):
        if not ("\n" + sources(path)).count("\n" + lines):
            yield f"{path} does not have: {lines.splitlines()[0].strip()}"


class Snippets(unittest.TestCase):
    def test_the_page_has_what_the_driver_has(self):
        page = read(PAGE)
        self.assertGreaterEqual(len(SNIPPET.findall(page)), 7)
        self.assertEqual(page.count("```c"), len(SNIPPET.findall(page)), "a snippet names no file")
        self.assertEqual(list(wrong(page, read)), [])

    def test_four_calls(self):
        driver = re.sub(r"/\*.*?\*/", "", read(DRIVER), flags=re.S)
        self.assertEqual(collections.Counter(re.findall(r"\bvb2_cma_\w+", driver)), dict.fromkeys(CALLS, 1))
        snippets = "".join(lines for path, lines in SNIPPET.findall(read(PAGE)) if path == DRIVER)
        self.assertLessEqual(CALLS, set(re.findall(r"\bvb2_cma_\w+", snippets)))


class Checker(unittest.TestCase):
    def test_a_snippet_that_has_changed(self):
        page = "```c a.c\n\tint a;\n\tint c;\n```\n```c a.c\n\tint b;\n```\n"
        self.assertEqual(list(wrong(page, lambda path: "\tint a;\n\tint b;\n")), ["a.c does not have: int a;"])

    def test_a_part_of_a_line(self):
        self.assertEqual(len(list(wrong("```c a.c\nint b;\n```\n", lambda path: "\tint b;\n"))), 1)


if __name__ == "__main__":
    unittest.main()
