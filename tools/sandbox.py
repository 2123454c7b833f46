# SPDX-License-Identifier: MIT
"""Runs commands inside the root folder.

The tools first enter a separate mount namespace. The bind mounts disappear when the last process in this namespace
ends. So an interrupted command leaves nothing mounted.
"""

import ctypes
import os
import subprocess

import paths
from ui import Fail

CLONE_NEWNS = 0x00020000
# Its child ends at the latest when the thread that started it does. Several threads start some, so
# this is no code of ours between fork and exec.
WITH_US = ["setpriv", "--pdeathsig", "KILL"]
libc = ctypes.CDLL(None, use_errno=True)

ENVIRONMENT = {
    "HOME": "/root", "LANG": "C.UTF-8", "CCACHE_DIR": "/ccache",
    "PATH": "/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin",
}


class Sandbox:
    """Runs commands in the root folder, where the checkout is at /src and its build folder at /build."""

    def __init__(self, root):
        self.root = root
        if libc.unshare(CLONE_NEWNS):
            raise Fail(f"cannot make a mount namespace: {os.strerror(ctypes.get_errno())}")
        self._mount("--make-rprivate", "/")
        # A mount of its own: virtiofsd, run inside, looks its shared folder's mount up.
        self._mount("--bind", root, root)
        # The host's, with all below them: new ones are not for the root of a user namespace.
        for kernels in ("proc", "dev", "sys"):
            self._mount("--rbind", f"/{kernels}", f"{root}/{kernels}")
        for scratch in ("run", "tmp"):
            self._mount("-t", "tmpfs", scratch, f"{root}/{scratch}")
        self.bind(paths.CHECKOUT, "/src")
        self.bind(paths.BUILD, "/build")
        self.bind(paths.CCACHE, "/ccache")
        self.bind(paths.CACHE, "/run/cache")

    def _mount(self, *args):
        done = subprocess.run(["mount", *args], capture_output=True, text=True)
        if done.returncode:
            raise Fail(f"mount {' '.join(args)}: {done.stderr.strip()}")

    def bind(self, source, target):
        """Bind a host folder to a folder inside. If one of the two does not exist, make it."""
        os.makedirs(source, exist_ok=True)
        os.makedirs(self.root + target, exist_ok=True)
        self._mount("--bind", source, self.root + target)

    @staticmethod
    def inside_cache(path):
        """The path inside the root folder for a file of the cache."""
        return os.path.join("/run/cache", os.path.relpath(path, paths.CACHE))

    def argv(self, command):
        return ["chroot", self.root, *command]

    def popen(self, command, **kwargs):
        """Start a command inside. The command ends when this process ends, or earlier."""
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        kwargs["env"] = {**ENVIRONMENT, **kwargs.get("env", {})}
        return subprocess.Popen([*WITH_US, *self.argv(command)], **kwargs)

    def run(self, command, check=True, **kwargs):
        with self.popen(command, **kwargs) as child:
            out, err = child.communicate()
        if check and child.returncode:
            raise Fail(f"{' '.join(command)} failed with status {child.returncode}: {(err or out or '').strip()}")
        return subprocess.CompletedProcess(command, child.returncode, out, err)
