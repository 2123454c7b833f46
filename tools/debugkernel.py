# SPDX-License-Identifier: MIT
"""The debug kernel: Debian's source of the kernel in use, built with detectors, kept in the cache.

The debug kernel is built in a temporary folder, which is renamed when the build is complete. The name has
a hash of everything that the kernel is made from.
"""

import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess

import host
import modules
import paths
import rootfs
import vm
from sandbox import ENVIRONMENT, WITH_US
from ui import Fail, run_logged, say, step, tail

RECIPE = os.path.join(paths.TOOLS, "debug-kernel")
PREFIX = "debug-kernel-"
DISK_NEEDED = 5 << 30
# Where it is seen inside the root folder; both come after what the folder holds itself.
INSIDE = "/run/debug-kernel"
DRIVERS = "/build/debug-kernel"

# The subjects that it runs if the command line names none.
SUBJECTS = ["detectors", "memory", "reach", "carveout", "errors", "ownership", "sync_cost", "attributes", "dmabuf", "channels",
            "records", "sensor", "faulty_board", "unplug", "suspend", "fuzz"]

# For the drivers only: KCOV records their basic blocks, and tests/vm/coverage.py finds the lines of these blocks.
COVERAGE = ["KCOV_INSTRUMENT=y", "KCFLAGS=-g"]

# The factor for time limits of tests, because every memory access is checked and most machines are emulated.
SLOWER = 4

# A report must not suppress later reports. kmemleak is built to stay off until a parameter switches it on.
# slab_debug=F switches on the checks of the slab allocator. Without these checks, the allocator's per-CPU data has
# stale pointers to allocated objects, and kmemleak counts these pointers as references. Free pages are cleared, as
# Debian's kernel clears new pages. The reason: the file server writes into the machine's memory, and the emulator does
# not notice this. If the kernel has not written to such a page meanwhile, the emulator runs code that it translated
# from the page's earlier content.
PARAMETERS = "kasan_multi_shot kmemleak=on slab_debug=F init_on_free=1"


def location(version):
    digest = hashlib.sha256()
    for name in ("config", "build.sh"):
        with open(os.path.join(RECIPE, name), "rb") as f:
            digest.update(f.read())
    return os.path.join(paths.CACHE, f"{PREFIX}{version}-{digest.hexdigest()[:12]}")


def ensure(box):
    """Make the debug kernel and its drivers if they are missing. Return the Kernel that a machine boots."""
    version = rootfs.versions(box.root)["kernel"]
    folder = location(version)
    if not os.path.isdir(folder):
        host.require_disk(DISK_NEEDED)
        # Two commands started at once: the second waits, then finds the folder.
        with open(os.path.join(paths.CACHE, "debug-kernel.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(folder):
                make(box, version, folder)
    box.bind(folder, INSIDE)
    ours = modules.ensure(box, DRIVERS, f"{INSIDE}/linux", os.path.basename(folder), of_drivers=COVERAGE)
    return vm.Kernel(image=f"{INSIDE}/bzImage", parameters=PARAMETERS, modules=f"{INSIDE}/modules", debug=True, slower=SLOWER,
                     **ours)


def make(box, version, folder):
    for stale in glob.glob(os.path.join(paths.CACHE, PREFIX + "*.partial")):
        with step("Removing the files of an interrupted build"):
            shutil.rmtree(stale)
    partial = folder + ".partial"
    log = os.path.join(paths.LOGS, "debug-kernel.log")
    box.bind(partial, INSIDE)
    if os.path.exists("/etc/resolv.conf"):
        shutil.copy("/etc/resolv.conf", box.root + "/run/resolv.conf")
    # A process namespace: whatever ends this command ends every compiler as well. Its first process
    # does not listen to SIGTERM.
    argv = WITH_US + box.argv(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                     "sh", "/src/tools/debug-kernel/build.sh", version, INSIDE])
    with step(f"Building the debug kernel for {version}: 10 to 30 minutes, once"):
        try:
            run_logged(argv, log, "the debug kernel's build", progress=lambda: progress(log), env=ENVIRONMENT,
                       stop=subprocess.Popen.kill)
            os.rename(partial, folder)
        except Fail as error:
            raise explained(log, error) from None
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    for old in sorted(set(glob.glob(os.path.join(paths.CACHE, PREFIX + "*-*"))) - {folder}):
        say(f"    you may remove this older debug kernel if no other checkout uses it: {old}")


def explained(log, error):
    """The error with its reason: the recipe's reason, or the compiler's message."""
    with open(log, errors="replace") as f:
        lines = f.read().splitlines()
    reasons = [line[len("debug-kernel: "):] for line in lines if line.startswith("debug-kernel: ")]
    if reasons:
        return Fail(f"{reasons[-1]} (the whole log is {log})")
    wrong = [line for line in lines if re.search(r"\berror\b|No space left|\*\*\*", line, re.I)]
    return Fail(str(error), "".join(f"{line}\n" for line in wrong[:10]) or error.detail)


def progress(log):
    with open(log, errors="replace") as f:
        compiled = sum(line.startswith(("  CC", "  AS")) for line in f)
    last = (tail(log, 1).split() or ["starting"])[-1]
    return f"{compiled} files compiled, {last[-80:]}" if compiled else tail(log, 1).strip()[-80:] or "starting"
