# SPDX-License-Identifier: MIT
"""The host's requirements, which are checked first: root, disk space, packages, a Debian mirror."""

import getpass
import os
import re
import shutil
import subprocess
import sys

import paths
from ui import Fail, run_logged, step

DISK_NEEDED = 6 << 30
MEMORY_NEEDED = 3 << 30   # of a machine, with its board and file servers
# The programs that an ordinary user needs on the host, and their packages. Root installs what it needs itself.
PROGRAMS = {"mmdebstrap": "mmdebstrap", "newuidmap": "uidmap"}
# Its root is the user; its other users, who own files in the root folder, are from the user's range in /etc/subuid.
NAMESPACE = ["unshare", "--user", "--map-root-user", "--map-auto"]


def become_root():
    """Continue as root. For an ordinary user, start this program again as root of a user namespace.

    The following steps need root only to mount, to change the root folder, and to make files of several owners.
    """
    if os.geteuid() == 0:
        return
    user = getpass.getuser()
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    if missing:
        raise Fail(f"{' and '.join(missing)} must be installed: run apt-get install {' '.join(missing)} as root, once, "
                   "or run ./dev as root")
    if not (has_range("/etc/subuid", user) and has_range("/etc/subgid", user)):
        raise Fail(f"{user} has no range of subordinate users and groups: run "
                   f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user} as root, once, or run ./dev as root")
    tried = subprocess.run([*NAMESPACE, "--mount", "true"], capture_output=True, text=True)
    if tried.returncode:
        raise Fail(f"this host does not let {user} make a user namespace ({tried.stderr.strip()}): run ./dev as root")
    # Where an ordinary user's path leaves out what root's has: chroot and others.
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    os.execvpe(NAMESPACE[0], [*NAMESPACE, sys.executable, "-B", paths.TOOLS, *sys.argv[1:]], environment)


def has_range(path, user):
    """True if subuid(5) or subgid(5) gives the user, by name or number, at least the 65,536 ids that a Debian needs."""
    try:
        with open(path) as f:
            entries = [line.strip().split(":") for line in f]
    except FileNotFoundError:
        return False
    return any(len(entry) == 3 and entry[0] in (user, str(os.getuid())) and int(entry[2]) >= 65536 for entry in entries)


def require_disk(needed=DISK_NEEDED):
    os.makedirs(paths.CACHE, exist_ok=True)
    free = shutil.disk_usage(paths.CACHE).free
    if free < needed:
        raise Fail(f"{paths.CACHE} has {free / 2**30:.1f} GiB free and {needed / 2**30:.0f} GiB "
                   "are needed: free some space, or set CMACAM_CACHE to a folder on a larger disk")


def require_packages():
    """Check for mmdebstrap. The host needs nothing else, because all other programs are in the root folder."""
    if shutil.which("mmdebstrap"):
        return
    if not shutil.which("apt-get"):
        raise Fail("mmdebstrap is missing, and this host is not Debian or Ubuntu: install it by hand")
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
    """Number of machines that can run at the same time: one for each CPU, if there is enough memory."""
    with open("/proc/meminfo") as f:
        available = int(re.search(r"MemAvailable: +(\d+) kB", f.read())[1]) << 10
    return max(1, min(os.cpu_count(), available // MEMORY_NEEDED))


def mirror():
    """The Debian mirror of the host's apt, without a slash at the end, because a mirror may refuse a double slash."""
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
    """Options that pass the proxy of the host's apt, if there is one, to another apt."""
    dump = subprocess.run(["apt-config", "dump", "--format", "%f %v%n", "Acquire"],
                          capture_output=True, text=True).stdout
    return [f'{name} "{value}"' for name, _, value in (line.partition(" ") for line in dump.splitlines())
            if name.lower().endswith("::proxy") and value]
