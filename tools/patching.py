# SPDX-License-Identifier: MIT
"""Applies our patches for other projects (patches/) to the sources of these projects."""

import glob
import os

import passed
import paths
from sandbox import ENVIRONMENT
from ui import run_logged


def patches(project):
    """The patches for a project, as paths below the checkout, in their order. A cover letter is not one of them."""
    found = glob.glob(os.path.join(paths.CHECKOUT, "patches", project, "[0-9]*.patch"))
    return sorted(os.path.relpath(path, paths.CHECKOUT) for path in found if not os.path.basename(path).startswith("0000-"))


def digest(project):
    """One digest of the patches for a project."""
    return passed.digest_of(map(passed.digest, patches(project)))


def apply(box, project, folder, strip=1):
    """Apply the patches to the sources in a folder of the root folder. Raises Fail if one does not fit exactly.

    strip: the number of folders at the beginning of the patches' paths that this folder does not have.
    """
    for path in patches(project):
        name = os.path.basename(path)
        run_logged(box.argv(["patch", "--batch", "--forward", "--fuzz=0", f"-p{strip}", "-d", folder, "-i", f"/src/{path}"]),
                   os.path.join(paths.LOGS, f"{name}.log"), f"applying {name}", env=ENVIRONMENT)
