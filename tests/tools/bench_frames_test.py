# SPDX-License-Identifier: MIT
"""./dev bench frames: computes the cost of a frame from traces, memory and counters, and then tables and aims."""

import os
import re
import sys
import unittest
import xml.etree.ElementTree

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(CHECKOUT, "tools"), os.path.join(CHECKOUT, "bench")]
import frames_meter  # noqa: E402
import frames_plan  # noqa: E402
import frames_trace  # noqa: E402
from bench import frames_report  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


def cost(consumer, size, cpu, calls=3, written=0, involuntary=0):
    frames = len(consumer)   # no two cells need the same
    return {"boot": "cost", "consumer": consumer, "size": size, "frames": frames, "cpu_ns": frames * cpu,
            "voluntary": 2 * frames, "involuntary": involuntary, "faults": 0,
            "threads": [["reader", 9 * cpu, 2 * frames, involuntary], ["idle", 0, 0, 0]],
            "traced_frames": 5, "syscalls": {"VIDIOC_QBUF": 5, "ppoll": 5 * calls - 5}, "written_bytes": written}


def late(consumer, size, p50):
    return {"boot": "latency", "consumer": consumer, "size": size, "frames": 100, "p50_ns": p50, "p99_ns": 2 * p50,
            "max_ns": 3 * p50}


def result(*cells, sizes=("VGA", "8K")):
    return {"bench": "frames", "kernel": "test", "where": frames_plan.EMULATED, "sizes": list(sizes),
            "cells": list(cells)}


GOOD = result(
    cost(frames_plan.LOOP, "VGA", 10), cost(frames_plan.LOOP, "8K", 20),
    cost(frames_plan.THEIRS, "VGA", 50, calls=12), cost(frames_plan.THEIRS, "8K", 60),
    cost(frames_plan.OURS, "VGA", 20, calls=4), cost(frames_plan.OURS, "8K", 20),
    cost("OpenCV, V4L2", "VGA", 1000, written=2 * 460800),
    {"boot": "cost", "consumer": "OpenCV, V4L2", "size": "8K", "not_run": "no memory"},
    late(frames_plan.LOOP, "VGA", 100), late(frames_plan.OURS, "VGA", 250))


class Table(unittest.TestCase):
    def setUp(self):
        self.table = frames_report.table(GOOD)

    def row(self, title, name):
        start = self.table.index(title)
        found = re.search(rf"^  {re.escape(name)}  +(.*)$", self.table[start:], re.M)
        return re.split(r"  +", found[1])

    def test_cpu_time_is_a_multiple_of_the_loop_of_that_size(self):
        self.assertEqual(self.row("CPU time of all threads", frames_plan.LOOP), ["1.00", "1.00"])
        self.assertEqual(self.row("CPU time of all threads", frames_plan.THEIRS), ["5.00", "3.00"])

    def test_growth_is_of_the_consumer_itself(self):
        self.assertEqual(self.row("How CPU time grows", frames_plan.THEIRS), ["1.00", "1.20"])

    def test_counts_are_per_frame(self):
        self.assertEqual(self.row("System calls (", frames_plan.THEIRS), ["12", "3.00"])
        self.assertEqual(self.row("Voluntary context", frames_plan.OURS), ["2.00", "2.00"])

    def test_copies_are_multiples_of_the_frame(self):
        self.assertEqual(self.row("Bytes written", "OpenCV, V4L2"), ["2.00", "n/a"])
        self.assertEqual(self.row("Bytes written", frames_plan.OURS), ["0.00", "0.00"])

    def test_latency_is_a_multiple_of_the_loops_median(self):
        self.assertEqual(self.row("Latency, p50", frames_plan.OURS), ["2.50", "n/a"])
        self.assertEqual(self.row("Latency, max", frames_plan.LOOP), ["3.00", "n/a"])

    def test_what_never_happens_is_a_line(self):
        self.assertIn("Page faults: none in any cell\n", self.table)
        self.assertIn("Involuntary context switches: none in any cell\n", self.table)

    def test_what_was_not_measured_is_not_none(self):
        table = frames_report.table(result(cost(frames_plan.LOOP, "VGA", 10), sizes=("VGA",)))
        self.assertRegex(table, "Latency, p50.*: not measured\n")
        self.assertRegex(table, "How CPU time grows.*: one size says nothing of it\n")

    def test_costs_are_itemised(self):
        self.assertEqual(self.row("System calls at VGA", "VIDIOC_QBUF"), ["1.00"])
        self.assertEqual(self.row("Threads at VGA", "reader"), ["100", "2.00", "0.00"])

    def test_the_distance_to_the_direct_way(self):
        self.assertIn(f"{frames_plan.OURS_MANUAL}, against {frames_plan.DIRECT}: not measured", self.table)
        table = frames_report.table(result(cost(frames_plan.OURS_MANUAL, "VGA", 30, calls=9,
                                                involuntary=len(frames_plan.OURS_MANUAL)),
                                           cost(frames_plan.DIRECT, "VGA", 10, calls=4), sizes=("VGA",)))
        self.assertIn("3.00 times the CPU time, +5.0 system calls, +0.0 voluntary switches, +1.0 involuntary", table)

    def test_a_real_cpu_has_caches(self):
        self.assertIn("no caches", self.table)
        self.assertNotIn("no caches", frames_report.table(GOOD | {"where": "board.jsonl"}))

    def test_what_was_not_run_says_why(self):
        self.assertIn("1 cells not run: no memory (OpenCV, V4L2, 8K)", self.table)

    def test_unknown_copies_are_no_copies_of_0_bytes(self):
        cell = cost(frames_plan.LOOP, "VGA", 10) | {"written_bytes": None}
        figures = frames_report.Figures(result(cell, sizes=("VGA",)))
        copied = next(q for q in frames_report.QUESTIONS if q.name == "frames-copied")
        self.assertIsNone(figures.value(copied, frames_plan.LOOP, "VGA"))
        self.assertIn("n/a bytes written:", frames_report.table(result(cell, sizes=("VGA",))))
        self.assertNotIn("n/a bytes written:", self.table)


class Aims(unittest.TestCase):
    def judged(self, *cells, sizes=("VGA", "8K")):
        return frames_report.aims(frames_report.Figures(result(*cells, sizes=sizes))).splitlines()[1:]

    def test_met(self):
        lines = frames_report.aims(frames_report.Figures(GOOD)).splitlines()
        self.assertRegex(lines[1], r"^  met  cmacamsrc takes at most 0.8 .*: VGA 0.40, 8K 0.33$")
        self.assertRegex(lines[2], r"^  not met  cmacamsrc, manual takes .*: VGA n/a, 8K n/a$")
        self.assertRegex(lines[4], r"^  met  cmacamsrc takes at most 2 .*: VGA 2.00, 8K 1.00$")

    def test_missed(self):
        lines = self.judged(cost(frames_plan.LOOP, "VGA", 10), cost(frames_plan.OURS, "VGA", 21),
                            cost(frames_plan.THEIRS, "VGA", 40), cost(frames_plan.OURS_MANUAL, "VGA", 20),
                            cost(frames_plan.THEIRS_MANUAL, "VGA", 40), sizes=("VGA",))
        self.assertRegex(lines[0], r"^  met  .*: VGA 0.53$")
        self.assertRegex(lines[1], r"^  met  .*: VGA 0.50$")
        self.assertRegex(lines[2], r"^  not met  .*: VGA 2.10$")
        self.assertIn("missed by: VGA", lines[3])
        self.assertRegex(lines[5], "^  not measured .*8K", "one size says nothing of growth")

    def test_growth_is_missed_by_those_who_grow(self):
        lines = self.judged(cost(frames_plan.LOOP, "VGA", 10), cost(frames_plan.LOOP, "8K", 12),
                            cost("cam", "VGA", 10), cost("cam", "8K", 11))
        self.assertIn(f"{frames_plan.LOOP} 1.20", "".join(lines))
        self.assertIn(f"missed by: {frames_plan.LOOP}, v4l2src", "".join(lines), "and by those without a figure")
        self.assertNotIn(", cam,", lines[-1])
        self.assertNotIn("OpenCV", "".join(lines), "who reads pixels may grow")

    def test_a_missing_figure_meets_nothing(self):
        lines = self.judged(cost(frames_plan.OURS, "VGA", 1), sizes=("VGA",))
        self.assertRegex(lines[0], "^  not met .* VGA n/a")


class Charts(unittest.TestCase):
    def test_each_question_with_figures_has_one(self):
        charts = frames_report.charts(GOOD)
        questions = {question.name for question in frames_report.QUESTIONS}
        self.assertEqual(set(charts), questions - {"frames-preempted", "frames-faults"}, "which are 0 everywhere")
        for svg in charts.values():
            self.assertEqual(xml.etree.ElementTree.fromstring(svg).tag, f"{SVG}svg")

    def test_no_two_consumers_share_a_colour(self):
        self.assertLessEqual(len(frames_plan.CONSUMERS), len(set(frames_report.plot.COLOURS)))


def line(when, rest, pid=71, task="a reader-ust"):
    return f"    {task}-{pid}    [001] d..1.  {when}: {rest}\n"


def vb2(event, when, stamp, kind=1):
    return line(when, f"{event}: owner = 00000000abcdef01, queued = 3, owned_by_drv = 1, index = 2, type = {kind}, "
                f"bytesused = 460800, timestamp = {stamp}")


MARK = "tracing_mark_write: bench frame"


class Latency(unittest.TestCase):
    def latencies(self, *lines):
        return frames_trace.latencies(lines, ("tracing_mark_write", "sys_write"))

    def test_from_the_end_of_a_frame_to_its_arrival(self):
        self.assertEqual(self.latencies(vb2("vb2_buf_done", "5.000001", 77), vb2("vb2_dqbuf", "5.000100", 77),
                                        line("5.000131", MARK), line("5.000200", MARK)), [130000])

    def test_a_later_frame_does_not_make_it_younger(self):
        self.assertEqual(self.latencies(vb2("vb2_buf_done", "5.000000", 77), vb2("vb2_buf_done", "5.010000", 78),
                                        vb2("vb2_dqbuf", "5.011000", 77), line("5.012000", MARK)), [12000000])

    def test_metadata_is_no_frame(self):
        self.assertEqual(self.latencies(vb2("vb2_buf_done", "5.000000", 77, kind=13),
                                        vb2("vb2_dqbuf", "5.000001", 77, kind=13), line("5.000002", MARK)), [])

    def test_a_line_that_is_printed(self):
        self.assertEqual(self.latencies(vb2("vb2_buf_done", "5.000000", 77), vb2("vb2_dqbuf", "5.000001", 77),
                                        line("5.000002", "sys_write(fd: 1, buf: 0x7f, count: 0x3f)")), [2000])

    def test_percentiles_are_values_that_were_seen(self):
        self.assertEqual([frames_trace.percentile(range(1, 101), share) for share in (0.5, 0.99, 1)], [50, 99, 100])
        self.assertEqual(frames_trace.percentile([7], 0.5), 7)


class SystemCalls(unittest.TestCase):
    NAMES = {16: "ioctl", 271: "ppoll"}

    def test_an_ioctl_goes_by_its_request(self):
        qbuf, sync = "NR 16 (3, c058560f, 7ffd, 0, 0, 0)", "NR 16 (9, 40086200, 7ffd, 0, 0, 0)"
        lines = [line("1.5", f"sys_enter: {said}") for said in (qbuf, sync, qbuf, "NR 271 (5, 1, 0, 0, 8, 0)",
                                                                "NR 16 (3, c0045aff, 0, 0, 0, 0)", "NR 999 (0, 0)")]
        self.assertEqual(frames_trace.system_calls(lines, self.NAMES),
                         {"VIDIOC_QBUF": 2, "DMA_BUF_IOCTL_SYNC": 1, "ppoll": 1, "ioctl 'Z' 255": 1,
                          "system call 999": 1})

    def test_what_is_no_system_call_is_no_figure(self):
        for text in ("no trace at all\n", line("1.5", "sched_switch: NR 1 (0)")):
            with self.assertRaises(frames_trace.Broken):
                frames_trace.system_calls([text], self.NAMES)


class Statistics(unittest.TestCase):
    def test_the_main_nodes_frames(self):
        self.assertEqual(frames_meter.captured("frames 12\nerrors 1\nlost 3\n"), 12)
        self.assertEqual(frames_meter.captured("cmacam-lores frames 5 errors 0 lost 0\n"
                                               "cmacam-capture frames 12 errors 1 lost 3\n"), 12)


class Written(unittest.TestCase):
    def test_runs_of_pages_that_are_there_and_were_written(self):
        dirty = frames_meter.PRESENT | frames_meter.SOFT_DIRTY
        entries = [dirty] * 3 + [frames_meter.PRESENT] + [dirty] + [frames_meter.SOFT_DIRTY] * 9 + [dirty] * 4
        self.assertEqual(list(frames_meter.dirty_runs(entries, 3)), [3, 4])
        self.assertEqual(list(frames_meter.dirty_runs(entries, 1)), [3, 1, 4])


class Plan(unittest.TestCase):
    def test_each_consumer_gets_size_and_device(self):
        size = frames_plan.SIZES[0]
        for consumer in frames_plan.CONSUMERS:
            for marker in ("", "/trace/marker"):
                command = " ".join(consumer.command(size, "/dev/video7", "/programs", marker))
                self.assertIn("640", command)
                self.assertNotIn("{", command)
                self.assertEqual("/trace/marker" in command, bool(marker) and consumer.kind != "cam", command)
                if "v4l2" in consumer.name.lower():
                    self.assertIn("/dev/video7", command)


if __name__ == "__main__":
    unittest.main()
