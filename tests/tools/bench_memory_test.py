# SPDX-License-Identifier: MIT
"""./dev bench memory: computes counts from a kernel trace, and a table and charts from the counts."""

import os
import re
import sys
import unittest
import xml.etree.ElementTree

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(CHECKOUT, "tools"), os.path.join(CHECKOUT, "bench")]
import dma_trace  # noqa: E402
from bench import memory_report  # noqa: E402

FRAME = 1000
BOARD = "0000:00:04.0"
SVG = "{http://www.w3.org/2000/svg}"


def traffic(allocator, reader, for_cpu, for_device, stale=0):
    return {"boot": "traffic", "allocator": allocator, "size": "VGA", "reader": reader, "frames": 2,
            "frame_bytes": FRAME, "for_cpu_bytes": 2 * for_cpu, "for_cpu_calls": 2 * bool(for_cpu),
            "for_device_bytes": 2 * for_device, "for_device_calls": 2 * bool(for_device),
            "lines": 40, "stale_lines": stale}


def timed(allocator, size, reader, cpu, mapping=0):
    return {"boot": "time", "allocator": allocator, "size": size, "reader": reader, "frames": 2, "buffers": 4,
            "stream_cpu_ns": 2 * cpu, "stream_faults": 0, "map_ns": mapping, "map_faults": 0, "touch_ns": 0,
            "touch_faults": 8 if allocator.startswith("CMA") else 0, "allocate_ns": 50}


RESULT = {"bench": "memory", "kernel": "test", "sizes": ["VGA", "1080p"], "cells": [
    traffic("vb2-cma", "none", 0, 0),
    traffic("vb2-cma", "tenth", 100, 0),
    traffic("vb2-cma", "once", 1000, 0),
    {"boot": "traffic", "allocator": "vb2-cma", "size": "VGA", "reader": "twice", "not_run": "no memory"},
    traffic("dma-contig-cached, exported", "none", 0, 0),
    traffic("dma-contig-cached, exported", "tenth", 0, 0, stale=10),
    traffic("dma-contig-cached, exported", "once", 0, 0, stale=40),
    traffic("dma-contig-cached, exported", "twice", 1000, 1500),
    timed("vb2-cma", "VGA", "none", 10),
    timed("vb2-cma", "VGA", "once", 200, mapping=30),
    timed("vb2-cma", "1080p", "once", 1000, mapping=120),
    timed("CMA heap, imported", "VGA", "once", 300, mapping=90),
    timed("CMA heap, imported", "1080p", "once", 900, mapping=600),
]}


class Table(unittest.TestCase):
    def setUp(self):
        self.table = memory_report.table(RESULT)

    def row(self, question, name, number=0):
        start = self.table.index(question)
        rows = re.findall(rf"^  {re.escape(name)}  +(.*)$", self.table[start:], re.M)
        return re.split(r"  +", rows[number])

    def test_maintenance_is_a_multiple_of_the_frame(self):
        self.assertEqual(self.row("Cache maintenance, by the part", "vb2-cma"), ["0.00", "0.10", "1.00", "n/a"])

    def test_stale_pixels_are_marked(self):
        self.assertEqual(self.row("Cache maintenance, by the part", "dma-contig-cached, exported"),
                         ["0.00", "0.00 !", "0.00 !", "2.50"])
        self.assertIn("up to 100 % of the cache lines", self.table)

    def test_calls_are_per_frame(self):
        self.assertEqual(self.row("Number of synchronisation calls", "dma-contig-cached, exported"),
                         ["0.00", "0.00 !", "0.00 !", "2.00"])

    def test_times_are_ratios(self):
        question = "CPU time of the reader"
        self.assertEqual(self.row(question, "vb2-cma"), ["0.05", "n/a", "1.00", "n/a"])
        self.assertEqual(self.row("time to map", "CMA heap, imported"), ["3.00", "20"])
        self.assertEqual(self.row("Page faults to map", "CMA heap, imported"), ["2.00", "2.00"])

    def test_a_question_without_a_figure_above_0_is_a_line(self):
        self.assertIn("Page faults while frames flow: none in any cell\n", self.table)

    def test_what_was_not_run_says_why(self):
        self.assertIn("1 cells not run: no memory (vb2-cma, VGA)", self.table)


class Charts(unittest.TestCase):
    def setUp(self):
        self.charts = memory_report.charts(RESULT)

    def bars(self, name, colour):
        root = xml.etree.ElementTree.fromstring(self.charts[name])
        rects = [rect for rect in root.iter(f"{SVG}rect") if rect.get("fill") == colour and rect.get("width") != "11"]
        return [float(rect.get("height")) for rect in rects]

    def test_each_question_has_one_that_is_well_formed(self):
        questions = {question[0] for question in memory_report.BY_READER + memory_report.BY_SIZE}
        self.assertEqual(set(self.charts), questions - {"memory-stream-faults"}, "which are 0 everywhere")
        for svg in self.charts.values():
            self.assertEqual(xml.etree.ElementTree.fromstring(svg).tag, f"{SVG}svg")

    def test_bars_are_as_high_as_their_values(self):
        charts = memory_report.charts({**RESULT, "sizes": ["VGA"]})
        self.charts = charts
        ours = self.bars("memory-maintenance", memory_report.plot.COLOURS[0])
        self.assertEqual(len(ours), 3, "none for the cell that was not run")
        self.assertEqual(ours[0], 0)
        self.assertAlmostEqual(ours[2] / ours[1], 10, delta=0.2)

    def test_a_logarithmic_axis_gives_equal_steps_to_equal_ratios(self):
        ours = self.bars("memory-map", memory_report.plot.COLOURS[0])
        heap = self.bars("memory-map", memory_report.plot.COLOURS[1])
        # 1, 4 and 3, 20 on an axis from 1 to 100
        self.assertEqual(ours[0], 0)
        self.assertAlmostEqual(heap[0] / ours[1], 0.7925, delta=0.01)


def event(name, rest, device=BOARD):
    return f" reader-71  [000] .....  5.1: {name}: {device} dir=FROM_DEVICE {rest}\n"


def mark(word):
    return f" reader-71  [000] .....  5.0: tracing_mark_write: memory_reader {word}\n"


class Trace(unittest.TestCase):
    def test_counts_between_the_marks_and_for_one_device(self):
        single, several = "dma_addr=1000 size=4096", "dma_addrs={0x1000,0x9000} sizes={0x1000,0x10}"
        lines = [event("dma_sync_single_for_cpu", single), mark("begin"), event("dma_sync_single_for_cpu", single),
                 event("dma_sync_single_for_cpu", single, "0000:00:01.0"),
                 event("dma_sync_sg_for_device", several), mark("end"), event("dma_sync_single_for_cpu", single)]
        self.assertEqual(dma_trace.totals(lines, BOARD), {"for_cpu_bytes": 4096, "for_cpu_calls": 1,
                                                          "for_device_bytes": 4112, "for_device_calls": 1})

    def test_mapping_counts_unless_it_skips(self):
        of = "dma_addrs={0x1000} sizes={0x2000} phys_addrs={0x77000}"
        lines = [event("dma_map_sg", f"nents=1/1 ents=1/1 {of} attrs="), mark("begin"),
                 event("dma_unmap_sg", "phys_addrs={0x77000} attrs="),
                 event("dma_map_sg", f"nents=1/1 ents=1/1 {of} attrs=SKIP_CPU_SYNC"), mark("end")]
        self.assertEqual(dma_trace.totals(lines, BOARD), {"for_cpu_bytes": 0x2000, "for_cpu_calls": 1,
                                                          "for_device_bytes": 0, "for_device_calls": 0})

    def test_a_broken_trace_is_no_figure(self):
        for lines in ([], [mark("begin")], [mark("end"), mark("begin")],
                      [mark("begin"), "CPU:0 [LOST 12 EVENTS]\n", mark("end")],
                      [mark("begin"), event("dma_unmap_sg", "phys_addrs={0x5000} attrs="), mark("end")]):
            with self.assertRaises(dma_trace.Broken):
                dma_trace.totals(lines, BOARD)


if __name__ == "__main__":
    unittest.main()
