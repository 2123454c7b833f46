# SPDX-License-Identifier: MIT
"""A wing includes only its own headers and those that docs/architecture.md permits."""

import glob
import os
import re
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROW = re.compile(r"^\| `([^`]+/)` \|(.*)\|$", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.M)
# Where compilers look for headers of the project.
ROOTS = ("include/uapi", "libcmacam/include", "libcam-pipeline", "drivers/media/cmacam", "drivers/media/minicam",
         "drivers/media/vb2-cma", "common", "libcmacam/session", "libcmacam/camera", "libcmacam/src", "gst-plugin", "board")


def read(path):
    with open(os.path.join(CHECKOUT, path), encoding="utf-8") as f:
        return f.read()


def walls(page):
    """{wing: [what it may include]}"""
    table = page[page.index("\n## The walls\n"):page.index("\n## Two families")]
    return {wing: re.findall(r"`([^`]+)`", permitted) for wing, permitted in ROW.findall(table)}


def header(source, name, wing):
    """The project's file that a source includes with this name, or an empty text."""
    for folder in (os.path.dirname(source), wing, *ROOTS):
        path = os.path.normpath(os.path.join(folder, name))
        if os.path.isfile(os.path.join(CHECKOUT, path)):
            return path
    return ""


def breaches(wing, permitted, sources):
    """sources: {path: text}"""
    for source, text in sources.items():
        for name in INCLUDE.findall(text):
            path = header(source, name, wing)
            if path and not path.startswith((wing, *permitted)):
                yield f"{source} includes {path}"


def sources_of(wing):
    found = glob.glob(os.path.join(CHECKOUT, wing, "**", "*.[ch]*"), recursive=True)
    return {path: read(path) for path in (os.path.relpath(path, CHECKOUT) for path in found)
            if path.endswith((".c", ".h", ".cpp"))}


class Walls(unittest.TestCase):
    def test_each_wing(self):
        table = walls(read("docs/architecture.md"))
        self.assertGreater(len(table), 10)
        for wing, permitted in table.items():
            with self.subTest(wing):
                sources = sources_of(wing)
                self.assertTrue(sources)
                self.assertEqual(list(breaches(wing, permitted, sources)), [])

    def test_a_breach(self):
        source = {"libcmacam/src/frame.cpp": '#include <cmacam/frame.h>\n#include <vector>\n#include "camera_session.h"\n'}
        self.assertEqual(list(breaches("libcmacam/src/", ["libcmacam/include/"], source)),
                         ["libcmacam/src/frame.cpp includes libcmacam/session/camera_session.h"])


if __name__ == "__main__":
    unittest.main()
