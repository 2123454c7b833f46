# SPDX-License-Identifier: MIT
"""Static checks: checkpatch, sparse, W=1 and other kernels on the kernel part, clang-format, SPDX lines."""

import functools
import os
import re
import subprocess
import time

import arch as arches
import compiledb
import gdb
import kernels
import nextkernel
import passed
import paths
import rootfs
import sandbox
from ui import Skip

CHECKPATCH = ["perl", "/usr/src/checkpatch/checkpatch.pl", "--no-tree", "--strict", "--max-line-length=80",
              "--terse", "--show-types", "--no-summary", "-f"]
# Rules that do not apply to sources that are also built outside the kernel tree.
CHECKPATCH += ["--ignore", "LINUX_VERSION_CODE,FILE_PATH_CHANGES"]
# One file per process, so that each file has a separate result.
TIDY = 'clang-tidy -p /build/single --quiet --warnings-as-errors="*" "$0" && echo "clean: $0"'
# The faults for the kernel have the kernel's style.
CXX = r"^(board|common|libcmacam|libcam-pipeline|gst-plugin|examples|bench|tests(?!/vm/planted))/.*\.(cpp|h|hpp)$"


def layers(args):
    """The further layers of the root folder that the checks of these arguments need."""
    needed = [rootfs.DOCS] if args.long and args.match in "docs" else []
    foreign = [arch.layer for name, _, arch in other_kernels(args) if args.match in name and not arch.native]
    return needed + list(dict.fromkeys(foreign))


def run(box, tally, args):
    named = {"checkpatch": checkpatch, "sparse": sparse, "next_kernel": nextkernel.build,
             "clang_format": clang_format, "spdx": spdx, "compile_commands": compile_commands}
    if args.left_out:
        named = {}
    named |= {name: functools.partial(check_kernel, kernel, arch) for name, kernel, arch in other_kernels(args)}
    if args.long:
        import docs
        named.update(clang_tidy=clang_tidy, gdb=gdb.check, docs=docs.check)
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


# What the plain run builds the modules for, beside the next kernel.
OLDEST = "6.12"


def other_kernels(args):
    """(name of the check, kernel, architecture) of the kernels for which the checks of these arguments build the modules."""
    found = []
    for kernel in kernels.KERNELS.values():
        for arch in map(arches.ARCHES.get, kernel.architectures):
            plain = kernel.name == OLDEST and arch.native
            if not args.left_out if plain else args.long:
                found.append((f"kernel_{kernel.name}_{arch.name}", kernel, arch))
    return found


def check_kernel(kernel, arch, box):
    """Build the modules for another kernel of Debian."""
    return kernels.check(box if arch.native else sandbox.Sandbox(rootfs.ensure(arch.layer)), kernel, arch)


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
    return new_files(box, "checkpatch", r"^(drivers|include|tests/vm/(planted|importer))/.*\.[ch]$", CHECKPATCH)


def new_files(box, check, pattern, command, settings=""):
    """Run a command on the files that have not passed yet. Return its errors or an empty text."""
    files = passed.Files(check, tracked(pattern), [passed.rules(box.root), *command, settings])
    if not files.left:
        return ""
    status, said = output(box, [*command, *(f"/src/{path}" for path in files.left)])
    if not status and not said:
        files.all_passed()
    return said or (f"status {status}" if status else "")


def sparse(box):
    """A build in a separate folder, in which sparse checks each file that is compiled."""
    headers = f"/lib/modules/{rootfs.versions(box.root)['kernel']}/build"
    return passed.build_modules(box, headers, "checked-modules", "C=1")


def clang_format(box):
    with open(os.path.join(paths.CHECKOUT, ".clang-format")) as f:
        style = f.read()
    return new_files(box, "clang_format", CXX, ["clang-format", "--dry-run", "--Werror"], style)


def clang_tidy(box):
    """The errors that clang-tidy finds in files that have not passed yet.

    The result for a file also depends on its headers and on the compiler's command line.
    """
    # The sources of in-tree/ include headers that only libcamera's own build makes.
    sources = tracked(r"^(board|common|libcmacam|libcam-pipeline(?!/in-tree)|gst-plugin|examples|bench)/.*\.cpp$")
    settings = tracked(r"\.(h|hpp)$|(^|/)meson\.(build|options)$|^\.clang-tidy$|^tools/build\.py$")
    files = passed.Files("clang_tidy", sources, [passed.rules(box.root), TIDY, *map(passed.digest, settings)])
    if not files.left:
        return ""
    command = 'tidy=$1; shift; printf "%s\\n" "$@" | xargs -P "$(nproc)" -n 1 sh -c "$tidy"'
    status, said = output(box, ["sh", "-c", command, "sh", TIDY, *(f"/src/{path}" for path in files.left)])
    files.passed(re.findall(r"^clean: /src/(.+)$", said, re.M))
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
    """All paths in compile_commands.json exist on the host, so that editors find them."""
    return "".join(compiledb.wrong())
