# SPDX-License-Identifier: MIT
"""The reference root folder: Debian forky with all that cmacam is built and run with.

It is built beside its final name and renamed when it is whole, so that an interrupted
set-up leaves nothing that could be taken for a root folder. Its name carries a hash of
what it is made from: a change of the package list makes a new one.
"""

import fcntl
import glob
import hashlib
import os
import shutil
import subprocess

import host
import paths
from ui import Fail, run_logged, say, step, warn

SUITE = "forky"
PACKAGES = os.path.join(paths.TOOLS, "packages.txt")
FINISH = os.path.join(paths.TOOLS, "root-finish.sh")
TESTED = os.path.join(paths.TOOLS, "versions.txt")
INSTALLED = "etc/cmacam-versions"


def location():
    digest = hashlib.sha256(SUITE.encode())
    for path in (PACKAGES, FINISH):
        with open(path, "rb") as f:
            digest.update(f.read())
    return os.path.join(paths.CACHE, f"root-{SUITE}-{digest.hexdigest()[:12]}")


def ensure():
    """The path of the root folder, which is made first if there is none."""
    root = location()
    if not os.path.isdir(root):
        host.require_root()
        host.require_disk()
        # Two commands started at once: the second waits, then finds the folder.
        with open(os.path.join(paths.CACHE, "root.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(root):
                make(root)
    compare_versions(root)
    return root


def make(root):
    host.require_packages()
    for stale in glob.glob(os.path.join(paths.CACHE, "root-*.partial")):
        remove(stale)
    partial = root + ".partial"
    mirror = host.mirror()
    with step(f"Making the root folder: Debian {SUITE}, about 3 GB, 2 to 4 minutes, once"):
        argv = ["unshare", "--mount", "mmdebstrap", "--mode=root", "--variant=apt", "--skip=check/empty",
                "--include=" + ",".join(packages()), "--dpkgopt=force-unsafe-io"]
        argv += [f"--aptopt={option}" for option in
                 ['APT::Install-Recommends "false"', 'Acquire::Check-Valid-Until "false"',
                  'Acquire::Retries "3"'] + host.apt_proxy()]
        argv += [f"--dpkgopt=path-exclude=/usr/share/{d}/*" for d in ("doc", "man", "locale")]
        argv += [f'--customize-hook=copy-in {FINISH} /tmp',
                 '--customize-hook=chroot "$1" sh /tmp/root-finish.sh && rm "$1/tmp/root-finish.sh"',
                 SUITE, partial, f"deb {mirror} {SUITE} main", f"deb-src {mirror} {SUITE} main"]
        log = os.path.join(paths.LOGS, "root.log")
        try:
            run_logged(argv, log, "mmdebstrap", progress=lambda: progress(partial, log))
        except Fail as error:
            if not reachable(mirror):
                raise Fail(f"the Debian mirror of this host cannot be reached: is the network up? ({error})") from None
            raise
        finally:
            # Reached on success too, where the folder has its final name already.
            if os.path.isdir(partial) and not finished(partial):
                remove(partial)
        os.rename(partial, root)
    for old in sorted(set(glob.glob(os.path.join(paths.CACHE, "root-*"))) - {root}):
        say(f"    an older root folder can go when no other checkout uses it: {old}")


def finished(partial):
    return os.path.exists(os.path.join(partial, INSTALLED))


def packages():
    with open(PACKAGES) as f:
        return [word for line in f if not line.startswith("#") for word in line.split()]


def progress(partial, log):
    size = subprocess.run(["du", "-sm", partial], capture_output=True, text=True).stdout.split()
    with open(log, errors="replace") as f:
        phases = [line[3:].strip() for line in f if line.startswith("I: ")]
    if phases and "customize-hook" in phases[-1]:
        phases.append("last step: kernel, libcamera's internal headers, video, checkpatch")
    return f"{size[0] if size else 0} MB, {phases[-1] if phases else 'starting'}"


def reachable(mirror):
    helper = "/usr/lib/apt/apt-helper"
    return subprocess.run([helper, "download-file", f"{mirror}/dists/{SUITE}/Release", "/dev/null"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def remove(root):
    """Remove a root folder; mounts below it live in namespaces that ended with their command."""
    with open("/proc/self/mounts") as f:
        if any(line.split()[1].startswith(root + "/") for line in f):
            raise Fail(f"{root} still has something mounted below it: unmount it, then try again")
    shutil.rmtree(root)


def read_versions(path):
    with open(path) as f:
        return dict(line.split() for line in f if line.strip())


def compare_versions(root):
    """Where the distribution has moved on, say so and go on."""
    have = read_versions(os.path.join(root, INSTALLED))
    for name, tested in read_versions(TESTED).items():
        if have.get(name) != tested:
            warn(f"{name} is {have.get(name)} here and {tested} when last tested; going on")


def versions(root):
    return read_versions(os.path.join(root, INSTALLED))
