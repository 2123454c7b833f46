# SPDX-License-Identifier: MIT
"""./dev demo: shows the video to three consumers through the board, and prints a table of the results."""

import glob
import json
import os
import shutil
import time

import arch as arches
import kernels
import paths
import vm
from ui import Fail, duration, say, step

LIMIT = 400
# The files that a demo writes: frames with their number, and other files by name.
LEFT = (f"people-{'[0-9]' * 6}.jpg", "contact-sheet.jpg", "table.json", "table.txt", "board.log")


def main(args, ready):
    start = time.monotonic()
    arch = arches.of(args)
    chosen = kernels.of(args, arch)
    box = ready(demo=True, arch=arch)
    kernel = kernels.ensure(box, chosen, arch) if chosen else vm.Kernel()
    video = vm.PEOPLE
    if args.source:
        if not os.path.isfile(args.source):
            raise Fail(f"{args.source}: there is no such video file")
        box.bind(os.path.dirname(os.path.abspath(args.source)), "/run/source")
        video = "/run/source/" + os.path.basename(args.source)
    forget_last()
    box.bind(paths.OUT, "/src/out")
    options = vm.Options(arch=arch, kernel=kernel, limit=LIMIT,
                         board=("--source", video, "--once", "--starved", "hold", "--fps", "max", "--mark", "frame",
                                "--digest", "sha256"))
    detector = " and an OpenCV people detector" if arch.people else ""
    with step(f"Playing the video to gst-launch, cam{detector}, one after another"):
        with vm.Machine(box, options) as machine:
            status = machine.run(f"exec python3 -B /src/tools/guest/demo.py --looked-at {args.looked_at if arch.people else 0}")
            if status != 0:
                shutil.copy(os.path.join(machine.state, "board.log"), paths.OUT)
                raise Fail("the demo failed inside the machine" if status else
                           f"the machine died; the last messages of its kernel are:\n{machine.last_words}")
    with open(os.path.join(paths.OUT, "table.json")) as f:
        rows = json.load(f)
    text = table(rows)
    with open(os.path.join(paths.OUT, "table.txt"), "w") as f:
        f.write(text)
    say("\n" + text)
    results = "annotated frames and contact-sheet.jpg are" if arch.people else "table.txt is"
    say(f"{results} in {paths.OUT}; all in {duration(time.monotonic() - start)}")
    return 0


def forget_last():
    """Remove the files of the last demo, and no files of other origin."""
    os.makedirs(paths.OUT, exist_ok=True)
    for pattern in LEFT:
        for path in glob.glob(os.path.join(paths.OUT, pattern)):
            os.unlink(path)


def table(rows):
    """The rows as aligned text."""
    cells = [list(rows[0])] + [[str(value) for value in row.values()] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return "".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() + "\n"
                   for row in cells)
