# SPDX-License-Identifier: MIT
"""The files, folders and functions that the pages name exist."""

import functools
import glob
import html
import os
import re
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md", "docs/install.md", "docs/porting.md")
PICTURE = "docs/pictures/architecture"
# Folders that ./dev makes.
MADE = ("build/", "out/")

SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FUNCTION = re.compile(r"(?:\w+::)*(\w+)\(\)")
# A paragraph, an item of a list, or a row of a table.
BLOCK = re.compile(r"\n\s*\n|\n(?=\d+\. |- |\|)")


@functools.cache
def read(path):
    with open(os.path.join(CHECKOUT, path), encoding="utf-8") as f:
        return f.read()


def without_code(text):
    return re.sub(r"^```.*?^```$|^    .*$", "", text, flags=re.M | re.S)


def places(text):
    """The files and folders in a text's code spans. <name> stands for any name."""
    top = set(os.listdir(CHECKOUT))
    for span in SPAN.findall(text):
        path = re.sub(r"<\w+>", "*", span)
        if " " in path or path.startswith(("/", "./", "~")) or path.startswith(MADE):
            continue
        if "/" in path and (path.endswith("/") or path.split("/")[0] in top):
            yield path


def missing(page, text):
    """The files and links of a page that do not exist, one sentence each."""
    text = without_code(text)
    for path in places(text):
        if not glob.glob(os.path.join(CHECKOUT, path)):
            yield f"{page}: there is no {path}"
    for target in LINK.findall(text):
        path = target.split("#")[0]
        if path and "://" not in path and not os.path.exists(os.path.join(CHECKOUT, os.path.dirname(page), path)):
            yield f"{page}: a link to {path}, which is not there"


def misplaced(page, text):
    """Functions that are in none of the files that the same paragraph, item or row names."""
    for block in BLOCK.split(without_code(text)):
        files = [path for path in places(block) if os.path.isfile(os.path.join(CHECKOUT, path))]
        for span in SPAN.findall(block) if files else ():
            function = FUNCTION.fullmatch(span)
            if function and not any(re.search(rf"\b{function[1]}\b", read(path)) for path in files):
                yield f"{page}: {span} is not in {', '.join(files)}"


def drawn_in_dot(text):
    """(boxes, arrows) of a graphviz source that has one of them on each line."""
    text = re.sub(r"^\s*//.*$", "", text, flags=re.M)
    boxes = re.findall(r'^\s*"([^"]+)"(?: \[.*\])?$', text, re.M)
    arrows = re.findall(r'^\s*"([^"]+)" -> "([^"]+)"', text, re.M)
    return sorted(boxes), sorted(f"{a}->{b}" for a, b in arrows)


def drawn_in_svg(text):
    titles = [(kind, html.unescape(title)) for kind, title in
              re.findall(r'class="(node|edge)">\s*<title>(.*?)</title>', text)]
    return tuple(sorted(title for kind, title in titles if kind == wanted) for wanted in ("node", "edge"))


class Pages(unittest.TestCase):
    def test_files_and_folders(self):
        self.assertEqual([problem for page in PAGES for problem in missing(page, read(page))], [])
        self.assertGreater(len(list(places(read("CONTRIBUTING.md")))), 30)

    def test_functions(self):
        pages = ("CONTRIBUTING.md", "docs/architecture.md", "docs/porting.md")
        self.assertEqual([problem for page in pages for problem in misplaced(page, read(page))], [])


class Picture(unittest.TestCase):
    def test_boxes_are_folders(self):
        boxes = [box for box in drawn_in_dot(read(PICTURE + ".dot"))[0] if box.endswith("/")]
        self.assertGreater(len(boxes), 5)
        self.assertEqual([box for box in boxes if not os.path.isdir(os.path.join(CHECKOUT, box))], [])

    def test_drawn_from_its_source(self):
        self.assertEqual(drawn_in_svg(read(PICTURE + ".svg")), drawn_in_dot(read(PICTURE + ".dot")))


class Checker(unittest.TestCase):
    def test_a_folder_that_is_gone(self):
        self.assertEqual(list(missing("README.md", "in `boards/` and `board/`")), ["README.md: there is no boards/"])

    def test_a_file_that_is_gone(self):
        self.assertEqual(len(list(missing("README.md", "`board/main.c`, `video/x-raw`, `out/` and `tests/vm/test_<subject>.py`"))), 1)

    def test_a_link_that_leads_nowhere(self):
        self.assertEqual(len(list(missing("docs/architecture.md", "[a](memory.md#x) [b](memories.md) [c](https://a.b)"))), 1)

    def test_a_function_that_has_moved(self):
        text = "1. `engine_irq()` in `drivers/media/cmacam/engine.c`\n2. `engine_irq()` in `drivers/media/cmacam/core.c`"
        self.assertEqual(list(misplaced("a.md", text)), ["a.md: engine_irq() is not in drivers/media/cmacam/core.c"])


if __name__ == "__main__":
    unittest.main()
