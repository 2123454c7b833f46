# SPDX-License-Identifier: MIT
"""Our modules for a kernel that is not in the root folder: the drivers, and what the tests add to them."""

import fcntl
import os
import shutil

import build
import passed
import paths
from ui import step

# The modules of the tests that have a fault (tests/vm/planted/).
FAULTS = ("late-unmap", "no-fs-dax", "no-sync", "no-wc")
# What is built with a header before its sources: the folder, its option of Kconfig, and the name of the header.
VARIANTS = [*(("vb2-cma", "CONFIG_VIDEOBUF2_CMA", fault) for fault in FAULTS), ("minicam", "CONFIG_VIDEO_MINICAM", "stock")]
STAMP = "made-of"


def ensure(box, folder, headers, release, variables=(), of_drivers=(), tests=True):
    """Build the modules below a folder of the build folder. Returns the fields of vm.Kernel that name them.

    headers: the kernel's headers. release: the name of the kernel. All these are of the root folder.
    variables: for make. of_drivers: more variables, which only the drivers get.
    """
    kinds = ("drivers", "importer", "planted") if tests else ("drivers",)
    with open(os.path.join(paths.BUILD, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for kind in kinds:
            build_kind(box, kind, f"{folder}/{kind}", headers, release, [*variables, *(of_drivers if kind == "drivers" else ())])
    return {kind: f"{folder}/{kind}" for kind in kinds}


def build_kind(box, kind, folder, headers, release, variables):
    """Build the modules of one kind. If the same sources were built before, do nothing, because make takes 10 s even then."""
    place = box.root + folder
    stamp = os.path.join(place, STAMP)
    sources = passed.digest_of([*variables, passed.everything_below("drivers", "include", "tests/vm/importer",
                                                                    "tests/vm/planted"), passed.digest("Kconfig")])
    built_for, _, built_from = build.read(stamp).partition("\n")
    if (built_for, built_from) == (release, sources):
        return
    # Make compares dates only, and another kernel's headers may be older than what was built with these.
    if built_for != release:
        shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place, exist_ok=True)
    build.write(stamp, release)
    with step(f"Building modules for {release}: {kind}"):
        for script in SCRIPTS[kind](headers, folder, variables):
            build.run(box, ["sh", *script], f"{kind}-{release}")
    build.write(stamp, f"{release}\n{sources}")


def drivers(headers, folder, variables):
    yield ["/src/drivers/media/build-modules.sh", "make", headers, "/src/drivers/media", folder, *variables]


def importer(headers, folder, variables):
    yield ["/src/tests/vm/importer/build.sh", "make", headers, "/src/tests/vm/importer", folder, *variables]


def planted(headers, folder, variables):
    yield ["/src/drivers/media/kbuild.sh", "make", headers, "/src/tests/vm/planted", folder, *variables]
    for source, option, variant in VARIANTS:
        yield ["/src/tests/vm/planted/build-variant.sh", "make", headers, f"/src/drivers/media/{source}", folder, option, variant,
               *variables]


SCRIPTS = {"drivers": drivers, "importer": importer, "planted": planted}
