# SPDX-License-Identifier: MIT
"""The next kernel: the newest headers of Debian's newer suites. The modules must also build with these headers.

Package lists and headers are kept in the cache. The headers are unpacked into a temporary folder, which is renamed when it
is complete. No package is installed, so the compiler that the headers depend on is not needed.
"""

import fcntl
import glob
import os
import re
import shutil
import subprocess

import host
import passed
import paths
import rootfs
from ui import Fail, Skip, say, warn

# The kernel that a suite offers is the one that this package depends on, here as in the root folder.
PACKAGE = "linux-headers-amd64"
SUITES = ("sid", "experimental")
PREFIX = "next-kernel-"
APT = PREFIX + "apt"
# The compiler that we have, whichever the kernel was built with. Nobody loads these modules, so they need neither debug
# information nor BTF.
VARIABLES = ("CC=gcc", "CONFIG_DEBUG_INFO=", "CONFIG_DEBUG_INFO_BTF_MODULES=")
# Where lists and headers are seen inside the root folder.
INSIDE = "/run/next-kernel"

UNPACK = r"""
set -eu
mkdir -p archives/partial unpacked
for package in "$@"; do
	apt-get $OPTIONS download "$package"
done
for package in *.deb; do
	dpkg-deb -x "$package" unpacked
done
rm -rf unpacked/usr/share
# The one file that names where the packages expect themselves.
sed -i "s|/usr/src/|$HEADERS/usr/src/|" unpacked/usr/src/linux-headers-*/Makefile
"""


def build(box):
    """Build the modules, and return the errors or an empty text."""
    release = ensure(box)
    tested = rootfs.read_versions(rootfs.TESTED)["next-kernel"]
    said = passed.build_modules(box, f"{INSIDE}/{release}/usr/src/linux-headers-{release}", "next-kernel", *VARIABLES)
    if series(release) <= series(tested):
        return said
    if said:
        raise Skip(f"the modules do not build yet for {release}, which is newer than {tested}, the newest tested "
                   f"kernel:\n{said}")
    warn(f"the modules build for {release}; name it in tools/versions.txt as the newest tested one")
    return ""


def series(release):
    """(7, 3) of 7.3.4+deb14-amd64."""
    return tuple(int(number) for number in re.match(r"(\d+)\.(\d+)", release).groups())


def ensure(box):
    """Put the headers of the newest kernel below INSIDE, and return its release."""
    box.bind(os.path.join(paths.CACHE, APT), f"{INSIDE}/apt")
    if os.path.exists("/etc/resolv.conf"):
        shutil.copy("/etc/resolv.conf", box.root + "/run/resolv.conf")
    # Two commands started at once: the second waits, then finds what the first has fetched.
    with open(os.path.join(paths.CACHE, "next-kernel.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reason = update(box)
        release = newest(box, reason)
        folder = os.path.join(paths.CACHE, PREFIX + release)
        if not os.path.isdir(folder):
            fetch(box, release, folder)
    box.bind(folder, f"{INSIDE}/{release}")
    return release


def options():
    """Options for a separate apt, which reads only the newer suites and has no installed packages."""
    apt = f"{INSIDE}/apt"
    return ["-q", "-o", f"Dir::State={apt}", "-o", "Dir::State::status=/dev/null", "-o", f"Dir::Cache={apt}/cache",
            "-o", f"Dir::Etc::sourcelist={apt}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
            "-o", "Acquire::Languages=none", "-o", "APT::Sandbox::User=root", "-o", "APT::Update::Error-Mode=any"]


def update(box):
    """Update the package lists. If this fails, the old lists are kept, and the error is returned."""
    folder = os.path.join(paths.CACHE, APT)
    os.makedirs(os.path.join(folder, "cache"), exist_ok=True)
    try:
        mirror = host.mirror()
    except Fail as error:
        return str(error)
    with open(os.path.join(folder, "sources.list"), "w") as f:
        f.writelines(f"deb {mirror} {suite} main\n" for suite in SUITES)
    # Without the binary cache, which apt-cache makes later, and with a short timeout, because every run does this.
    quick = ["-o", "pkgCacheFile::Generate=false", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10"]
    done = box.run(["apt-get", *options(), *quick, "update"], check=False, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, text=True)
    errors = [line[3:] for line in done.stderr.splitlines() if line.startswith(("E: ", "W: "))]
    return (errors or [f"apt-get update ended with status {done.returncode}"])[0] if done.returncode else ""


def newest(box, reason):
    """The release of the newest kernel in the lists, if it is newer than the root folder's."""
    # apt-cache shows the versions of a package from the newest on.
    shown = box.run(["apt-cache", *options(), "show", PACKAGE], check=False, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL, text=True).stdout
    found = re.search(r"^Version: (\S+)$.*?^Depends: .*?linux-headers-(\d\S+)", shown, re.M | re.S)
    if not found:
        raise Skip(f"no headers of a newer kernel: {reason or f'the mirror has no {PACKAGE}'}")
    if reason:
        warn(f"using the newest kernel that the last run found: {reason}")
    version, release = found.groups()
    have = box.run(["dpkg-query", "-W", "-f", "${Version}", PACKAGE], stdout=subprocess.PIPE, text=True).stdout
    if box.run(["dpkg", "--compare-versions", version, "gt", have], check=False).returncode:
        raise Skip(f"the mirror has no kernel newer than {have}, the kernel of all other tests")
    return release


def fetch(box, release, folder):
    """Unpack the headers, the packages that they need, and the tools that belong to them."""
    for stale in glob.glob(os.path.join(paths.CACHE, PREFIX + "*.partial")):
        shutil.rmtree(stale)
    partial = folder + ".partial"
    box.bind(partial, f"{INSIDE}/partial")
    headers = f"linux-headers-{release}"
    depends = box.run(["apt-cache", *options(), "depends", headers], check=False,
                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    needed = re.findall(r"Depends: (linux-(?:headers|kbuild)-\S+)", depends)
    say(f"     fetching the headers of {release}, 15 MB, once")
    try:
        done = box.run(["sh", "-c", f"cd {INSIDE}/partial\n{UNPACK}", "sh", headers, *needed], check=False,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       env={"OPTIONS": " ".join(options()), "HEADERS": f"{INSIDE}/{release}"})
        if done.returncode:
            raise Skip(f"the headers of {release} cannot be fetched: {done.stdout.strip()}")
        os.rename(os.path.join(partial, "unpacked"), folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for old in sorted(set(glob.glob(os.path.join(paths.CACHE, PREFIX + "[0-9]*"))) - {folder}):
        say(f"     you may remove these older headers if no other checkout uses them: {old}")
