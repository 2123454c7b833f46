# SPDX-License-Identifier: MIT
"""Building everything inside the root folder, with a compiler cache that a fresh clone shares."""

import fcntl
import os
import re
import shutil
import subprocess

import paths
from sandbox import ENVIRONMENT
from ui import Fail, run_logged, step, tail

STAMP = os.path.join(paths.BUILD, ".root-folder")
REGISTRY = "/build/gst-registry.bin"
PLUGINS = "/build/gst-plugin"


def build(sandbox, quiet=False):
    """Configure once, then build what changed. One build at a time: ninja has no lock of its own."""
    with open(os.path.join(paths.BUILD, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        forget_other_root(sandbox)
        configure_and_build(sandbox, quiet)


def configure_and_build(sandbox, quiet):
    if not os.path.exists(os.path.join(paths.BUILD, "build.ninja")):
        with step("Configuring the build", quiet):
            run(sandbox, ["meson", "setup", "/build", "/src", "-Dauto_features=enabled"], "configure")
    with step("Building board, drivers, handler, plugin, library and tests", quiet):
        run(sandbox, ["ninja", "-C", "/build"], "build")
        # Scanning the plugins takes the emulated machine seconds and the host none.
        sandbox.run(["gst-inspect-1.0", "cmacamsrc"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env={"GST_REGISTRY": REGISTRY, "GST_PLUGIN_PATH": PLUGINS})


def run(sandbox, command, what):
    log = os.path.join(paths.LOGS, f"{what}.log")
    try:
        run_logged(sandbox.argv(command), log, " ".join(command[:2]), env=ENVIRONMENT,
                   progress=lambda: position(log))
    except Fail:
        # A build stops at the first broken file, whose message may stand far up.
        errors = [line for line in open(log, errors="replace") if re.search(r"\berror\b|FAILED", line, re.I)]
        raise Fail(f"{what} failed:\n{''.join(errors[:10])}\nthe whole log is {log}") from None


def position(log):
    steps = re.findall(r"^\[\d+/\d+\].{0,80}", tail(log, 200), re.M)
    return steps[-1] if steps else "working"


def forget_other_root(sandbox):
    """A build folder made with another root folder holds its paths and objects."""
    name = os.path.basename(sandbox.root)
    if os.path.exists(STAMP):
        with open(STAMP) as f:
            if f.read() == name:
                return
    # The folder itself is mounted: empty it, do not replace it.
    for entry in os.scandir(paths.BUILD):
        if entry.name == ".lock":
            continue
        shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
    with open(STAMP, "w") as f:
        f.write(name)
