# SPDX-License-Identifier: MIT
"""Builds everything inside the root folder, with a compiler cache that a fresh clone shares."""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import time

import compiledb
import paths
import rootfs
from arch import AMD64
from sandbox import ENVIRONMENT
from ui import Fail, duration, run_logged, step, tail

STAMP = ".root-folder"
CONFIGURED = os.path.join(paths.BUILD, ".configured")
REGISTRY = "/build/gst-registry.bin"
PLUGINS = "/build/gst-plugin"


# Most of the compiler's time is spent on headers, which are the same for all sources of a target. If the sources are
# compiled as one, they take a quarter of the time. clang-tidy checks that each source compiles alone.
# The prefix is that of the packages, where GStreamer and Python find what is installed.
# The last option is the project's default as well, which Meson reads only for a new folder.
COMMON = ["-Dauto_features=enabled", "-Dunity=on", "-Dunity_size=12", "-Dprefix=/usr", "-Dpython.bytecompile=-1"]
# The options of a build for the demo, for which the first layer of the root folder is enough.
DEMO = [*COMMON, "-Dtests=disabled", "-Dbench=disabled", "-Dpython=disabled"]
ALL = [*COMMON, "-Dtests=auto", "-Dbench=auto", "-Dpython=auto"]


@contextlib.contextmanager
def folder():
    """The build folder, which is emptied if it was made with another root folder. Only one build runs at a time, because ninja
    has no lock."""
    with open(os.path.join(paths.BUILD, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        forget_other_root(os.path.basename(rootfs.location(rootfs.PRODUCT)))
        yield


def build(sandbox, quiet=False, demo=False, arch=AMD64):
    """Configure once, then build the changed files: of everything, or of what the demo needs.

    For a machine of another architecture, the host needs the board, which is among what the demo needs.
    """
    with folder():
        configure_and_build(sandbox, quiet, demo or not arch.native)
        if not arch.native:
            cross_build(sandbox, quiet, demo, arch)


def is_configured():
    return os.path.exists(os.path.join(paths.BUILD, "build.ninja"))


def configure_and_build(sandbox, quiet, demo):
    configured = read(CONFIGURED)
    if not is_configured():
        with step("Configuring the build", quiet):
            options = DEMO if demo else ALL
            run(sandbox, ["meson", "setup", "/build", "/src", *options], "configure")
            write(CONFIGURED, " ".join(options))
    elif not demo and configured != " ".join(ALL):
        with step("Configuring the build of everything", quiet):
            run(sandbox, ["meson", "configure", "/build", *ALL], "configure")
            write(CONFIGURED, " ".join(ALL))
    what = "board, drivers, handler, plugin" + ("" if demo else ", library, tests")
    with step(f"Building {what}", quiet):
        run(sandbox, ["ninja", "-C", "/build", *(["demo"] if demo else [])], "build")
        compiledb.write(sandbox.root)
        # Scanning the plugins takes seconds in the emulated machine, and almost no time on the host.
        sandbox.run(["gst-inspect-1.0", "cmacamsrc"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env={"GST_REGISTRY": REGISTRY, "GST_PLUGIN_PATH": PLUGINS})


# The machine's build folder is at /build in the machine, so this is its place for Meson and the compiler as well: scripts and
# programs have the path in them.
IN_ITS_PLACE = ["unshare", "--mount", "sh", "-ec", 'busybox mount --bind "$0" /build; exec "$@"']


def cross_build(sandbox, quiet, demo, arch):
    """Build what the machine runs, in a separate folder."""
    folder = arch.build_folder
    inside = [*IN_ITS_PLACE, arch.build]
    options = ["--cross-file", f"/src/tools/{arch.cross}", *COMMON, *arch.setup]
    os.makedirs(folder, exist_ok=True)
    # Meson reads the cross file only for a new folder.
    forget_other_root(" ".join([os.path.basename(rootfs.location(arch.layer)), rootfs.digest([arch.cross]), *options]), folder)
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        with step(f"Configuring the build for {arch.name}", quiet):
            run(sandbox, [*inside, "meson", "setup", "/build", "/src", *options], f"configure-{arch.name}")
    with step(f"Building for {arch.name}: drivers, handler, plugin" + ("" if demo else ", library, tests"), quiet):
        run(sandbox, [*inside, "ninja", "-C", "/build", *(["demo"] if demo else [])], f"build-{arch.name}")
    # The host cannot scan the plugins. The first program that needs them scans them, in the machine.
    registry = os.path.join(folder, os.path.basename(REGISTRY))
    plugin = os.path.join(folder, os.path.basename(PLUGINS), "libgstcmacam.so")
    if os.path.exists(registry) and os.path.getmtime(registry) < os.path.getmtime(plugin):
        os.unlink(registry)


def run(sandbox, command, what):
    log = os.path.join(paths.LOGS, f"{what}.log")
    started = time.monotonic()
    try:
        run_logged(sandbox.argv(command), log, " ".join(command[:2]), env=ENVIRONMENT,
                   progress=lambda: position(log, started))
    except Fail:
        # A build stops at the first broken file. Its message may be far from the end of the log.
        errors = [line for line in open(log, errors="replace") if re.search(r"\berror\b|FAILED", line, re.I)]
        raise Fail(f"{what} failed:\n{''.join(errors[:10])}\nthe whole log is {log}") from None


def position(log, started):
    """The last step of a build, and an estimate of the time that the rest will take."""
    steps = re.findall(r"^\[(\d+)/(\d+)\](.{0,60})", tail(log, 200), re.M)
    if not steps:
        return "working"
    done, total, what = int(steps[-1][0]), int(steps[-1][1]), steps[-1][2]
    left = f", about {duration((time.monotonic() - started) * (total - done) / done)} left" if done else ""
    return f"{done} of {total} steps{left}:{what}"


def forget_other_root(name, folder=None):
    """Empty the build folder if it was made with another root folder than the one with this name."""
    folder = folder or paths.BUILD
    stamp = os.path.join(folder, STAMP)
    content = {entry.name for entry in os.scandir(folder)} - {".lock"}
    made_with = read(stamp)
    if made_with == name:
        return
    if content and not made_with:
        raise Fail(f"{folder} is not a build folder of ./dev and is not empty. It contains {min(content)}. Either "
                   "empty it, or set CMACAM_BUILD to another folder")
    # The folder is a mount point, so it is emptied and not replaced. The stamp, which says that all files are ours, is
    # removed last.
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.path == stamp):
        if entry.name == ".lock":
            continue
        shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
    write(stamp, name)


def read(path):
    """The text of a file, or an empty text if the file does not exist."""
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError:
        return ""


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
