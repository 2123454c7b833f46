# SPDX-License-Identifier: MIT
"""docs/bench.md and its charts have the figures of the kept runs in docs/bench/."""

import os
import re
import sys
import unittest

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(CHECKOUT, "tools"), os.path.join(CHECKOUT, "bench")]
from bench import frames_report, machine, memory_report  # noqa: E402

DOCS = os.path.join(CHECKOUT, "docs")
KINDS = {"memory": memory_report, "frames": frames_report}
CHARTS = {"memory.svg": ("memory", "memory-maintenance"), "frames-cpu.svg": ("frames", "frames-cpu")}
FIGURE = r"(?:\d[\d.]*|n/a)"


def read(*path):
    with open(os.path.join(DOCS, *path)) as f:
        return f.read()


def kept(name):
    return machine.read_report(name, os.path.join(DOCS, "bench", f"{name}.json"))


def reported():
    """{(allocator or consumer, its four figures)}: the rows of both reports."""
    rows = set()
    for name, kind in KINDS.items():
        row = rf"^  (\S.*?)  +({FIGURE}(?: !)?(?: +{FIGURE}(?: !)?){{3}})$"
        for who, figures in re.findall(row, kind.table(kept(name)), re.M):
            rows.add((who, tuple(figures.replace("!", "").split())))
    return rows


class Kept(unittest.TestCase):
    def test_each_four_figures_are_those_of_a_row_of_the_report(self):
        known, cells = reported(), 0
        for line in read("bench.md").splitlines():
            who, *answers = [cell.strip() for cell in line.strip("|").split(" | ")]
            for answer in answers:
                if re.fullmatch(rf"{FIGURE}(, {FIGURE}){{3}}", answer):
                    self.assertIn((who.partition(":")[0], tuple(answer.split(", "))), known)
                    cells += 1
        self.assertGreater(cells, 50)

    def test_the_charts_are_drawn_of_the_figures(self):
        for file, (name, chart) in CHARTS.items():
            self.assertEqual(read("bench", file), KINDS[name].charts(kept(name))[chart], file)


unittest.main()
