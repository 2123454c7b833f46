# SPDX-License-Identifier: MIT
"""The manual pages name the options that the programs have, and the parameters that the modules have. docs/install.md names
the packages.

BOARD is the program cmacam-board, PAGES the folder of the pages that the build made.
"""

import glob
import os
import re
import subprocess
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(HERE))
BOARD = os.environ.get("BOARD", "")
PAGES = os.environ.get("PAGES", "")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def of_help(text):
    """{option: its value, or an empty text} of a text that CLI11 prints.

    The value is followed by what it may be (N:UINT) and by notes: the default in brackets, Excludes: and the like.
    """
    found = {}
    for option, value in re.findall(r"^ +(?:-\w, +)?--([\w-]+)(?: ([^\s\[:]+)(?=[\s\[:]))?", text, re.M):
        found[option] = "" if value in ("Excludes", "Print") else value
    return found


def of_page(text):
    """{option: its value, or an empty text} of the section OPTIONS of a manual page."""
    section = text.partition(".SH OPTIONS\n")[2].partition("\n.SH ")[0].replace("\\-", "-")
    return {option: value for option, value in re.findall(r'^\.B[IR]? (?:-\w ", " )?--([\w-]+)(?: " ([^"]+)")?$', section, re.M)}


class Programs(unittest.TestCase):
    def test_board(self):
        said = subprocess.run([BOARD, "--help"], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
        options = of_help(said)
        self.assertIn("socket", options)
        self.assertEqual(options, of_page(read(f"{PAGES}/cmacam-board.1")))

    def test_cmacam_run(self):
        """The options of a script are the patterns of its first case."""
        script = read(f"{CHECKOUT}/libcam-pipeline/cmacam-run.in").partition("case $1 in\n")[2].partition("\nesac")[0]
        patterns = {word for line in re.findall(r"^(-.*)\)$", script, re.M) for word in line.split(" | ")} - {"-*"}
        self.assertIn("--help", patterns)
        page = read(f"{PAGES}/cmacam-run.1").partition(".SH OPTIONS\n")[2].partition("\n.SH ")[0].replace("\\-", "-")
        named = {word for line in re.findall(r"^\.BR? (-.*)$", page, re.M) for word in re.split(r'[" ,]+', line)}
        self.assertEqual(named, patterns)

    def test_every_program_has_a_page(self):
        installed = set(re.findall(r"^\S+ (\S+)$", read(f"{HERE}/files.txt"), re.M))
        programs = {os.path.basename(path) for path in installed if path.startswith("bin/")}
        self.assertTrue(programs)
        self.assertEqual(programs, {path.split("/")[-1][:-2] for path in installed if path.startswith("share/man/man1/")})


class Packages(unittest.TestCase):
    def test_the_page_explains_each(self):
        """docs/install.md has a row for each package in the list of files, and says how to remove it."""
        packages = set(re.findall(r"^([a-z]\S+) \S+$", read(f"{HERE}/files.txt"), re.M))
        page = read(f"{CHECKOUT}/docs/install.md")
        self.assertEqual(set(re.findall(r"^\| `([^`]+)` \|", page.partition("## Does it work?")[0], re.M)), packages)
        self.assertEqual(set(re.search(r"apt purge (.*)", page)[1].split()), packages)


class Modules(unittest.TestCase):
    def test_parameters(self):
        for module in ("cmacam", "vb2-cma"):
            declared = {name for path in glob.glob(f"{CHECKOUT}/drivers/media/{module}/*.c")
                        for name in re.findall(r"^module_param\w*\((\w+),", read(path), re.M)}
            page = read(f"{PAGES}/{module}.4").partition(".SH PARAMETERS\n")[2].partition("\n.SH ")[0]
            # Each has a description of one line.
            described = re.findall(r"^\.TP\n\.B (\w+)\n(?!\.)\S.*$", page, re.M)
            self.assertTrue(declared)
            self.assertEqual(sorted(described), sorted(declared), module)


class Reading(unittest.TestCase):
    def test_help(self):
        self.assertEqual(of_help("OPTIONS:\n  -h,     --help              Print this help message and exit \n"
                                 "          --socket PATH REQUIRED \n                              path of --control \n"
                                 "          --source pattern|FILE [pattern]  \n          --once Excludes: --loop \n"
                                 "          --fifo N:UINT in [1 - 255] [4]  Excludes: --minicam \n"
                                 "          --bits 32|40:{32,40} [40] \n"),
                         {"help": "", "socket": "PATH", "source": "pattern|FILE", "once": "", "fifo": "N", "bits": "32|40"})

    def test_page(self):
        self.assertEqual(of_page('.SH OPTIONS\n.TP\n.BR \\-h ", " \\-\\-help\nHelp.\n.TP\n'
                                 '.BI \\-\\-address\\-bits " 32|40"\nBits.\n'
                                 ".TP\n.B \\-\\-once\nOnce.\n.SH EXAMPLES\n.B \\-\\-other\n"),
                         {"help": "", "address-bits": "32|40", "once": ""})


if __name__ == "__main__":
    unittest.main()
