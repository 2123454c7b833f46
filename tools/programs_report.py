# SPDX-License-Identifier: MIT
"""Writes docs/programs.md from the results of ./dev test programs --long: which programs show the right picture."""

import glob
import json
import os
import shutil

import paths

FOLDER = os.path.join(paths.BUILD, "programs")
PAGE = os.path.join(paths.CHECKOUT, "docs", "programs.md")
HEAD = """# Programs that use the camera

In the machine of the reference platform, `./dev test programs --long` starts programs of other projects as users do.
The test writes this page from the pictures that these programs show. A picture is right if it has the requested size
and its mean difference from the board's own picture is below 4 of 255.

A program can request every even size. Some programs (v4l2src, Chromium) accept only sizes that the node lists. The node
lists common sizes, and 650x480 is not in this list. cmacamsrc, libcamera's own programs, and programs that ignore the
list can use every size. With the module parameter `stepwise=1` of cmacam, the node reports its range instead of the
list. v4l2src then offers every size, but programs that need a list find no size.

"""


def forget():
    """Remove the results of an earlier run."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def write():
    """Write the page from the results of all programs."""
    programs = []
    for path in glob.glob(os.path.join(FOLDER, "*.json")):
        with open(path) as f:
            programs.append(json.load(f))
    programs.sort(key=lambda program: program["program"].lower())
    reasons = []
    rows = [row for program in programs for row in rows_of(program, reasons)]
    lines = ["| program | version | formats | right at | otherwise |", "|---|---|---|---|---|", *rows, "",
             *(f"{number}. {reason}." for number, reason in enumerate(reasons, 1)), "",
             *dict.fromkeys(f"{program['note']}.\n" for program in programs if program["note"]),
             "## How each program was started", "", "| program | command |", "|---|---|"]
    for program in programs:
        command = program["command"].replace("|", "\\|")
        lines.append(f"| {program['program']} | `{command}` |")
    with open(PAGE, "w") as f:
        f.write(HEAD + "\n".join(lines) + "\n")


def rows_of(program, reasons):
    """The rows of a program. Formats with the same outcomes share a row. Numbers stand for reasons."""
    alike = {}
    for entry in program["tries"]:
        alike.setdefault(entry["format"], []).append((entry["size"], entry["outcome"], entry["reason"]))
    for outcomes in dict.fromkeys(map(tuple, alike.values())):
        formats = ", ".join(pixels or "its own choice" for pixels, found in alike.items() if tuple(found) == outcomes)
        right = [size for size, outcome, _ in outcomes if outcome == "right"]
        wrong = {}
        for size, outcome, reason in outcomes:
            if outcome != "right":
                wrong.setdefault((outcome, reason), []).append(size)
        otherwise = "; ".join(f"{', '.join(sizes) if len(sizes) < len(outcomes) else 'each size'}: "
                              f"{outcome}{number_of(reason, reasons)}" for (outcome, reason), sizes in wrong.items())
        sizes = f"all {len(outcomes)} sizes" if not wrong else ", ".join(right) or "none"
        yield f"| {program['program']} | {program['version']} | {formats} | {sizes} | {otherwise} |"


def number_of(reason, reasons):
    """The number that refers to a reason, in brackets."""
    if not reason:
        return ""
    if reason not in reasons:
        reasons.append(reason)
    return f" ({reasons.index(reason) + 1})"
