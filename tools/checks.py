# SPDX-License-Identifier: MIT
"""Static checks: checkpatch, sparse, W=1 and the next kernel on the kernel part, clang-format, SPDX lines."""

import os
import re
import subprocess
import time

import compiledb
import nextkernel
import paths
import rootfs
from ui import Skip

CHECKPATCH = ["perl", "/usr/src/checkpatch/checkpatch.pl", "--no-tree", "--strict", "--max-line-length=80",
              "--terse", "--show-types", "--no-summary", "-f"]
# What cannot hold for sources that also build outside the kernel's tree.
CHECKPATCH += ["--ignore", "LINUX_VERSION_CODE,FILE_PATH_CHANGES"]


def run(box, tally, args):
    named = {"checkpatch": checkpatch, "sparse": sparse, "next_kernel": nextkernel.build,
             "clang_format": clang_format, "spdx": spdx, "compile_commands": compile_commands}
    if args.left_out:
        named = {}
    if args.long:
        named["clang_tidy"] = clang_tidy
    for name, check in named.items():
        if args.match not in name:
            continue
        start = time.monotonic()
        try:
            said = check(box)
            outcome = "not ok" if said else "ok"
        except Skip as reason:
            outcome, said = "skip", str(reason)
        tally.add(f"checks.{name}", outcome, time.monotonic() - start, said)


def tracked(pattern):
    """Files of the checkout, as paths below it, whose name fits a regular expression."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files"], cwd=paths.CHECKOUT,
                            capture_output=True, text=True, check=True).stdout
    return [path for path in listed.splitlines()
            if re.search(pattern, path) and os.path.isfile(os.path.join(paths.CHECKOUT, path))]


def output(box, command, **kwargs):
    done = box.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                   errors="replace", **kwargs)
    return done.returncode, done.stdout


def checkpatch(box):
    files = tracked(r"^(drivers|include|tests/vm/planted)/.*\.[ch]$")
    status, said = output(box, [*CHECKPATCH, *(f"/src/{path}" for path in files)])
    return said or (f"status {status}" if status else "")


def sparse(box):
    """One clean build in a folder of its own with sparse (C=2) and W=1: any warning counts."""
    headers = f"/lib/modules/{rootfs.versions(box.root)['kernel']}/build"
    status, said = output(box, ["sh", "/src/drivers/media/build-modules.sh", "make", headers, "/src/drivers/media",
                                "/build/checked-modules", "C=2", "W=1"])
    warnings = [line for line in said.splitlines() if re.search(r"warning|error", line, re.I)]
    return "\n".join(warnings) or (said if status else "")


def clang_format(box):
    files = tracked(r"^(board|common|libcmacam|libcam-pipeline|gst-plugin|examples|bench|tests)/.*\.(cpp|h|hpp)$")
    status, said = output(box, ["clang-format", "--dry-run", "--Werror", *(f"/src/{path}" for path in files)])
    return said if status else ""


def clang_tidy(box):
    files = tracked(r"^(board|common|libcmacam|libcam-pipeline|gst-plugin|examples|bench)/.*\.cpp$")
    command = 'printf "%s\\n" "$@" | xargs -P "$(nproc)" -n 3 clang-tidy -p /build --quiet --warnings-as-errors="*"'
    status, said = output(box, ["sh", "-c", command, "sh", *(f"/src/{path}" for path in files)])
    errors = sorted({line for line in said.splitlines() if ": error: " in line})
    return "\n".join(errors) or (said if status else "")


def spdx(box):
    sources = tracked(r"\.(c|h|cpp|hpp|py|sh)$|(^|/)(Makefile|Kbuild|Kconfig|meson\.build|meson\.options|dev)$")
    missing = []
    for path in sources:
        with open(os.path.join(paths.CHECKOUT, path), errors="replace") as f:
            if not any("SPDX-License-Identifier:" in line for line in f.readlines()[:3]):
                missing.append(path)
    return "".join(f"{path}: no SPDX line in the first three lines\n" for path in missing)


def compile_commands(box):
    """Editors on the host find what compile_commands.json names."""
    return "".join(compiledb.wrong())
