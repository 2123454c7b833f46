# SPDX-License-Identifier: MIT
"""What the host must have before anything else: root, disk, packages, a Debian mirror."""

import os
import re
import shutil
import subprocess

import paths
from ui import Fail, run_logged, step

DISK_NEEDED = 6 << 30
MEMORY_NEEDED = 3 << 30   # of a machine, with its board and file servers


def require_root():
    if os.geteuid() != 0:
        raise Fail("root is needed (it makes a root folder, mounts and a machine): run sudo ./dev ...")


def require_disk(needed=DISK_NEEDED):
    os.makedirs(paths.CACHE, exist_ok=True)
    free = shutil.disk_usage(paths.CACHE).free
    if free < needed:
        raise Fail(f"{paths.CACHE} has {free / 2**30:.1f} GiB free and {needed / 2**30:.0f} GiB "
                   "are needed: free some, or set CMACAM_CACHE to a folder on a larger disk")


def require_packages():
    """mmdebstrap is all the host needs; everything else lives in the root folder."""
    if shutil.which("mmdebstrap"):
        return
    if not shutil.which("apt-get"):
        raise Fail("mmdebstrap is missing and this is no Debian or Ubuntu: install it by hand")
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    with step("Installing mmdebstrap on the host"):
        log = os.path.join(paths.LOGS, "host-packages.log")
        try:
            run_logged(["sh", "-ec", "apt-get update; "
                        "apt-get install -y --no-install-recommends mmdebstrap"],
                       log, "apt-get", env=env)
        except Fail as error:
            raise Fail(f"mmdebstrap could not be installed: is the network up? ({error})") from None


def machines():
    """How many machines can run side by side: one for each CPU, as far as there is memory."""
    with open("/proc/meminfo") as f:
        available = int(re.search(r"MemAvailable: +(\d+) kB", f.read())[1]) << 10
    return max(1, min(os.cpu_count(), available // MEMORY_NEEDED))


def mirror():
    """The Debian mirror that the host's own apt uses, without the slash that a mirror may refuse twice."""
    chosen = os.environ.get("CMACAM_MIRROR")
    if chosen:
        return chosen
    codename = ""
    with open("/etc/os-release") as f:
        for line in f:
            if line.startswith("VERSION_CODENAME="):
                codename = line.split("=", 1)[1].strip().strip('"')
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)"],
                             capture_output=True, text=True).stdout
    for target in targets.splitlines():
        uri, _, release = target.partition(" ")
        if release == codename and "debian" in uri and "security" not in uri:
            return uri.rstrip("/")
    raise Fail("no Debian mirror in the host's apt configuration: set CMACAM_MIRROR=http://.../debian")


def apt_proxy():
    """Options that hand the host's apt proxy, if any, to another apt."""
    dump = subprocess.run(["apt-config", "dump", "--format", "%f %v%n", "Acquire"],
                          capture_output=True, text=True).stdout
    return [f'{name} "{value}"' for name, _, value in (line.partition(" ") for line in dump.splitlines())
            if name.lower().endswith("::proxy") and value]
