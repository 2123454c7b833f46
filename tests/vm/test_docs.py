# SPDX-License-Identifier: MIT
"""The commands in the documentation work as written."""

import glob
import re

import lib
from declare import vm_test

# compliance.libcamera runs the first one, and looks at what it says. Subject adopt writes to the files of the second.
ELSEWHERE = ("cmacam-run lc-compliance", "/vb2_cma_adopt/")
PROGRAMS = ("v4l2-ctl", "media-ctl", "cam", "cmacam-run", "gst-launch-1.0", "gst-inspect-1.0", "trace-memory", "cat", "echo", "dmesg",
            "grep", "ls", "find", "python3")


def commands():
    for path in ["/src/README.md", *sorted(glob.glob("/src/docs/*.md")), *glob.glob("/src/*/README.md"),
                 *glob.glob("/src/drivers/*/README.md")]:
        with open(path) as f:
            for line in f:
                command = re.match(r"    (.*?)(\s+# .*)?$", line)
                if command and command[1].split(" ")[0] in PROGRAMS and not any(part in command[1] for part in ELSEWHERE):
                    yield path, command[1]


def run_all(frames=None):
    """Run all commands. frames: the number of frames that replaces the number in a command."""
    found = {}
    for path, command in commands():
        if frames:
            command = re.sub(r"(num-buffers=|--stream-count=|--capture=)\d+", rf"\g<1>{frames}", command)
        found.setdefault(command, path)
    assert len(found) >= 5, found
    for command, path in found.items():
        print(f"{path}:")
        lib.run(command, cwd="/tmp", limit=200)


@vm_test(limit=240)
def commands_run():
    """Each command for the machine in README and docs ends with status 0, with 3 frames."""
    run_all(frames=3)


@vm_test(long=True, limit=240)
def commands_run_as_written():
    """Each command for the machine in README and docs ends with status 0, with the written number of frames."""
    run_all()
