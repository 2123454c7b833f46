# SPDX-License-Identifier: MIT
"""What the subject `patches` needs: other projects with our patches (patches/README.md), built from Debian's sources (--long).

The patches are for certain versions. If the sources have other versions, or if Debian's mirror no longer has the sources of
the kernel in use, the tests are skipped.
"""

import os
import re

import foreign_modules
import intree
import rootfs
from ui import step, warn

SUBJECT = "patches"
NO_OTHER_KERNEL = "the patched module is built for the root folder's kernel only"
# The versions that the patches are for.
LINUX, LIBCAMERA = "7.2", "0.7.2"
# The names of the patched projects in `needs` of a test.
NEEDS = PATCHED_LINUX, PATCHED_LIBCAMERA = "patched-linux", "patched-libcamera"
# What apt says if the mirror has a newer version only.
NOT_THERE = re.compile(r"^E: (?:Version '.*' for '.*' was not found|Unable to locate package .*|"
                       r"Can't find a source to download version .*)$", re.M)


def ensure(box):
    """Build the patched projects. Returns (what, reason) for each that is left out, as in `needs` of a test.

    If a build fails, the reason is in a file that the machine reads.
    """
    found = rootfs.versions(box.root)
    reasons = {PATCHED_LINUX: moved("Linux", re.match(r"[0-9]+\.[0-9]+", found["kernel"])[0], LINUX) or linux(box),
               PATCHED_LIBCAMERA: moved("libcamera", found["libcamera"], LIBCAMERA)}
    if not reasons[PATCHED_LIBCAMERA]:
        intree.ensure(box, intree.PATCHED)
    for reason in filter(None, reasons.values()):
        warn(reason)
    return tuple((what, reason) for what, reason in reasons.items() if reason)


def moved(project, version, wanted):
    """Why the patches for a project are not for this version, or ""."""
    if version == wanted:
        return ""
    return f"the patches for {project} are for {wanted}, and the reference platform has {version}: make them again for it"


def linux(box):
    """Build the patched module. Return "", or the reason if Debian's mirror no longer has its source."""
    with step("Building vb2-dma-contig with our patches"):
        foreign_modules.ensure(box, "dma_contig")
    path = foreign_modules.problem("dma_contig")
    if not os.path.exists(path):
        return ""
    with open(path) as f:
        gone = NOT_THERE.search(f.read())
    return f"Debian's mirror has moved on from the source of the kernel in use ({gone[0]})" if gone else ""
