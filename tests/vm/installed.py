# SPDX-License-Identifier: MIT
"""The files that `meson install` installs, laid over /usr for single programs of the machine."""

import contextlib
import os
import shutil

import lib

BUILD = "/build"
FILES = "/tmp/installed"
# Runs a program in a mount namespace that has the installed files in /usr.
IN_USR = ("unshare", "--mount", "sh", "-ec", f'busybox mount -t overlay installed -o "lowerdir={FILES}/usr:/usr" /usr; exec "$@"',
          "sh")


@contextlib.contextmanager
def files():
    """While the block runs, FILES has the installed files.

    Meson writes a log beside what it installs from. The host may install from the same build folder meanwhile, so links to the
    folder's content stand for it.
    """
    links = "/tmp/installed-from"
    os.makedirs(f"{links}/meson-private")
    os.mkdir(f"{links}/meson-logs")
    try:
        for name in os.listdir(BUILD):
            if not os.path.exists(f"{links}/{name}"):
                os.symlink(f"{BUILD}/{name}", f"{links}/{name}")
        shutil.copy(f"{BUILD}/meson-private/install.dat", f"{links}/meson-private")
        lib.run(["meson", "install", "-C", links, "--no-rebuild", "--quiet", "--destdir", FILES], limit=200)
        lib.run(["modprobe", "overlay"])
        yield
    finally:
        for folder in (links, FILES):
            shutil.rmtree(folder, ignore_errors=True)
