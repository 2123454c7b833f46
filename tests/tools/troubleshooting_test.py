# SPDX-License-Identifier: MIT
"""docs/troubleshooting.md: each error text that it explains is in the sources."""

import glob
import os
import re
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = ("drivers/media/*/*.c", "libcam-pipeline/*.cpp", "libcam-pipeline/*.in", "gst-plugin/*.cpp",
           "libcmacam/*/*.cpp", "libcmacam/*/*.h")
LITERAL = r'"((?:[^"\\\n]|\\.)*)"'


def printed(source):
    """The string literals of a source. Adjacent literals are joined, as the compiler does."""
    source = re.sub(rf'{LITERAL}(?:\s*{LITERAL})+',
                    lambda several: '"' + "".join(re.findall(LITERAL, several[0])) + '"', source)
    return re.findall(LITERAL, source)


def explained(document):
    """The error texts, each as a list of the pieces between the values that are filled in."""
    for row in re.findall(r"^\| (`.*?) \| ", document.partition("## By error text")[2], re.M):
        for text in re.findall(r"`(.*?)`", row):
            yield [piece.strip() for piece in text.split("...") if re.search(r"\w{3}", piece)]


def missing(document, texts):
    return [piece for pieces in explained(document) for piece in pieces if not any(piece in text for text in texts)]


class Document(unittest.TestCase):
    def test_each_text_is_printed(self):
        texts = []
        for pattern in SOURCES:
            for path in glob.glob(os.path.join(CHECKOUT, pattern)):
                with open(path) as f:
                    texts += printed(f.read())
        with open(os.path.join(CHECKOUT, "docs", "troubleshooting.md")) as f:
            document = f.read()
        self.assertGreater(len(list(explained(document))), 40)
        self.assertEqual(missing(document, texts), [])


class Checker(unittest.TestCase):
    DOCUMENT = "| `not here` | |\n## By error text\n| `no memory for ... frames` | cause |\n"

    def test_a_text_that_is_printed_in_parts(self):
        self.assertEqual(missing(self.DOCUMENT, printed('"no memory "\n  "for " + count + " frames, sorry"')), [])

    def test_a_text_that_has_changed(self):
        self.assertEqual(missing(self.DOCUMENT, printed('"no memory "\n  "of %u frames"')), ["no memory for"])


unittest.main()
