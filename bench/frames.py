#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures the cost per frame of each consumer of one camera. Runs on the machine with the camera, as root.

The program needs only Python. It prints one line per cell, and appends one JSON object per cell to the results.
A cell is one consumer at one frame size.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import frames_meter
import frames_plan
import frames_trace

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = "/dev/virtio-ports/cmacam.board.0"   # of the virtual board
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled"
WARM_UP = 16     # frames: after them, every buffer was used and every decision was made
LIMIT = 300      # seconds until a wait fails: long, because the host of an emulated board may be busy
SLOWEST = 1      # frames per second
ONE_BY_ONE = 4
TRIES = 4


class NotRun(Exception):
    """A cell cannot be measured. The message is the reason."""


class Board:
    """Sets the frame rate of the virtual board. The frame rate of a real board is not changed."""

    def __init__(self):
        self._port = os.open(PORT, os.O_RDWR) if os.path.exists(PORT) else None

    def pace(self, fps):
        if self._port is not None:
            os.write(self._port, f"set fps {fps}\n".encode())
            answer = os.read(self._port, 256)
            if not answer.startswith(b"ok"):
                raise NotRun(f"the board does not do {fps} frames per second: {answer.decode().strip()}")


def installed(command):
    """Returns the command. Raises NotRun if its program is not installed."""
    program = command[command[0] == "cmacam-run"]
    if not shutil.which(program):
        raise NotRun(f"{os.path.basename(program)} is not installed")
    return command


class Running:
    """The process of a consumer. The end of the with block ends the process."""

    def __init__(self, command):
        self._errors = open("/tmp/bench-frames.err", "w+")   # closed with the block
        before = self._frames()
        self._child = subprocess.Popen(installed(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=self._errors)
        self.pid = self._child.pid
        self._before, self._began = before, False

    @staticmethod
    def _frames():
        try:
            return frames_meter.frames_finished()
        except frames_meter.Unsteady as reason:
            raise NotRun(str(reason)) from None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGINT)
            try:
                self._child.wait(10)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._errors.close()

    def warm_up(self):
        """Waits for the first WARM_UP frames of this stream. The driver counts from 0 in each stream."""
        frames_meter.wait_for(self._warm, f"{WARM_UP} frames arrive", LIMIT)

    def _warm(self):
        if self._child.poll() is not None:
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines() or [f"status {self._child.returncode}"]
            raise NotRun(f"the consumer ended: {said[-1]}")
        now = self._frames()
        self._began = self._began or now != self._before
        return self._began and now >= WARM_UP


def cost(cell, device, programs, board):
    """Measures the cost. Lowers the frame rate until the consumer is faster than the camera and waits for frames.

    Threads of a pool may start or end during a measurement. The next attempt may see no such change.
    """
    fps = cell.size.fps
    with Running(cell.consumer.command(cell.size, device, programs)) as running:
        running.warm_up()
        consumer = frames_meter.Consumer(running.pid, LIMIT)
        for left in reversed(range(TRIES)):
            try:
                return windows(consumer, cell.size.frames, fps, board)
            except frames_meter.Unsteady:
                if not left:
                    raise
                fps = max(SLOWEST, fps // 3)
                board.pace(fps)


def windows(consumer, frames, fps, board):
    """Measures one stream three times: the CPU time, then the system calls, then the bytes written."""
    figures = consumer.cost(frames)
    with frames_trace.Trace({"raw_syscalls/sys_enter": ""}, consumer.look().threads) as trace:
        before = consumer.look()
        trace.start()
        frames_meter.wait_for(lambda: frames_meter.frames_finished() >= before.frames + frames, f"{frames} frames arrive",
                              LIMIT)
        after = consumer.look()
        lines = trace.stop()
    figures["traced_frames"] = after.frames - before.frames
    figures["syscalls"] = frames_trace.system_calls(lines, frames_trace.call_names())
    figures["written_bytes"] = written(consumer, fps, board)
    per_frame = figures["cpu_ns"] / figures["frames"]
    return figures, (f"{per_frame / 1e3:.0f} us of CPU time, "
                     f"{sum(figures['syscalls'].values()) / figures['traced_frames']:.1f} system calls per frame")


def written(consumer, fps, board):
    """Measures the bytes written per frame, at a frame rate low enough to inspect memory between two frames.

    Returns None if even the lowest frame rate is too high.
    """
    for pace in sorted({min(fps, ONE_BY_ONE), SLOWEST}, reverse=True):
        board.pace(pace)
        try:
            return consumer.written()
        except frames_meter.Unsteady:
            continue
    return None


def latency(cell, device, programs, board):
    """Measures the time from the driver's interrupt at the end of a frame to the consumer's code."""
    frames = cell.size.frames * frames_plan.LATENCY_FRAMES
    events = {"vb2/vb2_buf_done": "", "vb2/vb2_dqbuf": ""}
    cam = cell.consumer.kind == "cam"
    if cam:   # cam marks no frames, but prints a line per frame
        events["syscalls/sys_enter_write"] = "fd == 1"
    with frames_trace.Trace(events) as trace:
        marker = "" if cam else trace.marker
        trace.start()   # before the first mark: the kernel refuses marks that it does not record
        with Running(cell.consumer.command(cell.size, device, programs, marker)) as running:
            running.warm_up()
            start = frames_meter.frames_finished()
            frames_meter.wait_for(lambda: frames_meter.frames_finished() >= start + frames, f"{frames} frames arrive",
                                  LIMIT)
            lines = trace.stop()
        if cam:
            lines = [line for line in lines if "sys_write" not in line or f"-{running.pid} " in line]
    found = frames_trace.latencies(lines, ("tracing_mark_write", "sys_write"))[WARM_UP:]
    if len(found) < frames // 2:
        raise NotRun(f"only {len(found)} of {frames} frames arrived")
    figures = {"frames": len(found), "max_ns": max(found)}
    figures |= {f"p{n}_ns": frames_trace.percentile(found, n / 100) for n in (50, 99)}
    return figures, f"{figures['p50_ns'] / 1e3:.0f} us p50, {figures['p99_ns'] / 1e3:.0f} us p99"


@contextlib.contextmanager
def small_pages():
    """Switches transparent huge pages off in the block, so that the kernel reports writes for each small page."""
    try:
        with open(HUGE_PAGES) as f:
            before = re.search(r"\[(\w+)\]", f.read())[1]
    except FileNotFoundError:
        yield
        return
    write(HUGE_PAGES, "never")
    try:
        yield
    finally:
        write(HUGE_PAGES, before)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def programs_folder(given):
    for folder in (given, HERE):
        if folder and os.path.exists(f"{folder}/frames_v4l2"):
            return folder
    sys.exit("frames.py: the programs of the consumers (frames_v4l2 ...) are missing: name their folder with --programs")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=frames_plan.BOOTS,
                        help="cost: measure CPU time, switches, system calls and bytes written; latency: measure the latency")
    parser.add_argument("sizes", nargs="*", metavar="SIZE", default=frames_plan.QUICK,
                        help=f"frame sizes to measure, from {', '.join(size.name for size in frames_plan.SIZES)} (default: VGA)")
    parser.add_argument("--only", default="", metavar="TEXT", help="measure only consumers with this text in their name")
    parser.add_argument("--results", default="frames.jsonl", metavar="FILE", help="file to which results are appended (default %(default)s)")
    parser.add_argument("--programs", default="", metavar="DIR", help="folder of frames_v4l2 and the other programs")
    args = parser.parse_args()
    for size in set(args.sizes) - {size.name for size in frames_plan.SIZES}:
        parser.error(f"{size}: there is no such size")
    return args


def main():
    args = arguments()
    programs = programs_folder(args.programs)
    board = Board()
    measure = {"cost": cost, "latency": latency}[args.what]
    plan = [cell for cell in frames_plan.cells(args.sizes) if args.only in cell.consumer.name]
    with open(args.results, "a", buffering=1) as results, small_pages():
        for number, cell in enumerate(plan, 1):
            started = time.monotonic()
            result = {"boot": args.what, "consumer": cell.consumer.name, "size": cell.size.name}
            try:
                board.pace(cell.size.fps)
                figures, said = measure(cell, frames_meter.node("cmacam-capture"), programs, board)
                result.update(figures)
            except (NotRun, frames_meter.Unsteady, frames_trace.Broken, OSError) as reason:
                said = f"not run: {reason}"
                result["not_run"] = str(reason)
            json.dump(result, results)
            results.write("\n")
            print(f"    {number:3}/{len(plan)} {cell.size.name:5} {cell.consumer.name}: {said} "
                  f"({time.monotonic() - started:.0f} s)", flush=True)


main()
