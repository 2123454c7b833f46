# SPDX-License-Identifier: MIT
"""Debian packages in clean root folders: they install, DKMS builds, a camera streams, and removing them leaves nothing (--long).

For each clean root folder, the steps are tests of their own. If a step fails, the later ones are skipped.
"""

import dataclasses
import glob
import os
import re
import shutil
import subprocess
import time

import cleanroots
import kernels
import package
import paths
import rootfs
import sandbox
from arch import AMD64, ARCHES, ARM64
from ui import Fail, Skip

# The machine that streams.
LIMIT = 900
BOARD = ("--source", "pattern", "--fps", "sensor", "--starved", "drop")
STREAM = "/src/tests/vm/clean_root.sh"
# The programs of other projects that the tests run, and no dependencies of ours.
PROGRAMS = ("libcamera-tools", "gstreamer1.0-tools", "v4l-utils")
KERNEL_PART = ("cmacam-dkms",)
USER_SPACE = ("libcamera-cmacam", "gstreamer1.0-cmacam", "libcmacam0", "libcmacam-dev", "python3-cmacam", "cmacam-tools")
TRIXIE = cleanroots.Clean("trixie", more_suites=("trixie-backports",))


@dataclasses.dataclass(frozen=True)
class Place:
    """A clean root folder and the packages that are installed there."""

    name: str
    clean: cleanroots.Clean
    names: tuple
    suite: str = ""             # apt may use this one for what our packages depend on
    rebuilt: bool = False       # the packages of user space are built there, from the source package
    next_kernel: str = ""       # whose headers arrive after the packages


PLACES = (
    Place("forky_amd64", cleanroots.Clean(rootfs.SUITE), KERNEL_PART + USER_SPACE, next_kernel="7.3"),
    Place("debian13_kernel", TRIXIE, KERNEL_PART),
    Place("debian13", TRIXIE, KERNEL_PART + USER_SPACE, suite="trixie-backports", rebuilt=True),
    Place("forky_arm64", cleanroots.Clean(rootfs.SUITE, ARM64.name), KERNEL_PART + USER_SPACE),
)
# The source is that of the very libcamera whose headers are installed.
FETCH_LIBCAMERA = r"""
apt-get update
apt-get install -y --no-install-recommends -t trixie-backports libcamera-dev
mkdir -p /packages/libcamera
cd /packages/libcamera
apt-get source --download-only "libcamera=$(dpkg-query -W -f '${source:Version}' libcamera-dev)"
tar --strip-components 1 -xf libcamera_*.orig.tar.*
"""
REBUILD = r"""
apt-get build-dep -y --no-install-recommends -t trixie-backports ./cmacam_*.dsc
mkdir -p /packages/build
cd /packages/build
dpkg-source -x ../cmacam_*.dsc source
cd source
CMACAM_LIBCAMERA_SOURCE=/packages/libcamera DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -b -us -uc
"""


def selected(args):
    return [place for place in PLACES if args.long and
            any(args.match in f"packages.{place.name}_{step}" for step, _ in steps(place))]


def layers(args):
    """The further layers of the root folder that the tests of these arguments need."""
    needed = []
    for place in selected(args):
        needed += [package.LAYERS[place.clean.arch]] + ([] if place.clean.arch == AMD64.name else [ARM64.layer])
    return list(dict.fromkeys(needed))


def run(_box, tally, args):
    built = {}
    for place in selected(args):
        Run(place, tally, built).all()


class Run:
    """The tests of one place."""

    def __init__(self, place, tally, built):
        self._place = place
        self._tally = tally
        self._built = built     # {architecture: folder with the packages}, for all places
        self._copy = None
        self._before = set()
        self._debs = []

    def all(self):
        failed = ""
        try:
            for name, function in steps(self._place):
                start = time.monotonic()
                outcome, said = ("skip", f"after {failed}") if failed else self._result(function)
                if outcome != "ok" and name != "next_kernel":
                    failed = failed or name
                self._tally.add(f"packages.{self._place.name}_{name}", outcome, time.monotonic() - start, said)
        finally:
            if self._copy:
                self._copy.remove()

    def _result(self, function):
        try:
            said = function(self)
        except Skip as reason:
            return "skip", str(reason)
        except Fail as error:
            return "not ok", f"{error.detail}\n{error}"
        return ("not ok", said) if said else ("ok", "")

    def build(self):
        """The packages build, and lintian finds no error."""
        arch = self._place.clean.arch
        if arch not in self._built:
            self._built[arch] = os.path.join(paths.BUILD, "tested-packages", arch)
            package.make(sandbox.Sandbox(rootfs.ensure(package.LAYERS[arch])), arch, self._built[arch])
        self._copy = cleanroots.Copy(cleanroots.sandbox_of(arch), self._place.clean)
        self._copy.apt("update")
        if self._place.rebuilt:
            self._rebuild()
        self._debs = [path for name in self._place.names for path in self._found(name)]
        self._copy.add(self._debs)
        return "" if len(self._debs) == len(self._place.names) else f"of {self._place.names}, these were built: {self._debs}"

    def _rebuild(self):
        """Build the source package in another copy of the clean root folder, with libcamera of its backports."""
        builder = self._copy
        for pattern in ("*.dsc", "*.orig.tar.gz", "*.debian.tar.xz"):
            builder.add(glob.glob(os.path.join(self._built[AMD64.name], pattern)))
        try:
            builder.inside(FETCH_LIBCAMERA, mirror=True)
        except Fail as error:
            missing = re.search(r"^E: Failed to fetch (\S+)  404", error.detail, re.M)
            if missing:
                raise Skip(f"Debian lists a source of libcamera that its mirror does not have: {missing[1]}") from None
            raise
        builder.inside(REBUILD, mirror=True)
        folder = os.path.join(paths.BUILD, "tested-packages", self._place.name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for path in glob.glob(os.path.join(builder.folder, "packages/build/*.deb")):
            shutil.copy(path, folder)
        self._built = {AMD64.name: folder}
        builder.remove()
        self._copy = cleanroots.Copy(cleanroots.sandbox_of(self._place.clean.arch), self._place.clean)
        self._copy.apt("update")

    def _found(self, name):
        return glob.glob(os.path.join(self._built[self._place.clean.arch], f"{name}_*.deb"))

    def install(self):
        """apt installs the packages, and DKMS builds and installs the drivers."""
        suite = ["-t", self._place.suite] if self._place.suite else []
        files = ["./" + os.path.basename(path) for path in self._debs]
        programs = PROGRAMS if len(self._place.names) > 1 else ("v4l-utils",)
        # What the packages depend on comes first, so that the list of files then shows what they alone add.
        planned = self._copy.apt(*suite, "--simulate", "install", *files, *programs)
        ours = {os.path.basename(path).split("_")[0] for path in self._debs}
        needed = dependencies(planned, ours)
        self._copy.apt(*suite, "--download-only", "--yes", "install", *needed)
        apt = f"apt-get {' '.join(suite)} install -y --no-install-recommends"
        # DKMS makes its key when it first signs a module, and keeps it for others.
        self._copy.inside(f"{apt} --no-download {' '.join(needed)}\ndkms generate_mok || true")
        self._before = self._copy.files()
        # Nothing is left to download. With --no-download, apt refuses files.
        said = self._copy.inside(f"{apt} {' '.join(files)}\ndkms status")
        if not re.search(r"^cmacam/[\d.]+, \S+, \S+: installed$", said, re.M):
            return f"{said[-4000:]}\ndkms status does not say that the drivers are installed"
        return ""

    def stream(self):
        """A machine that boots from the folder loads the drivers by itself, and programs read frames."""
        parts = "all" if len(self._place.names) > 1 else "kernel"
        status = self._copy.machine(f"exec /bin/sh {STREAM} {parts}", LIMIT, board=BOARD)
        return f"{STREAM} ended with status {status}; its output is above" if status else ""

    def next_kernel(self):
        """When the headers of the next kernel arrive, DKMS builds and installs the drivers for it too."""
        release, folder, named = kernels.headers(self._copy.box, kernels.KERNELS[self._place.next_kernel], ARCHES[self._place.clean.arch])
        before = self._copy.files()
        for below in ("usr/src", "usr/lib"):
            subprocess.run(["cp", "-a", f"{folder}/{below}/.", f"{self._copy.folder}/{below}/"], check=True)
        self._copy.inside(f"sed -i 's|{named}/usr/src/|/usr/src/|' /usr/src/linux-headers-{release}/Makefile")
        self._before |= self._copy.files() - before
        # What apt runs after it has unpacked headers.
        said = self._copy.inside(f"/etc/kernel/header_postinst.d/dkms {release}\ndkms status -k {release}")
        if not re.search(rf"^cmacam/[\d.]+, {re.escape(release)}, \S+: installed$", said, re.M):
            return f"{said[-4000:]}\ndkms status does not say that the drivers are installed for {release}"
        return ""

    def purge(self):
        """After the packages are purged, no file and no folder of theirs is left."""
        names = [os.path.basename(path).split("_")[0] for path in self._debs]
        self._copy.inside(f"apt-get purge -y {' '.join(names)}")
        after = self._copy.files()
        return difference(self._before, after)


def steps(place):
    """(name, function) of the tests of a place, in their order."""
    next_kernel = [Run.next_kernel] if place.next_kernel else []
    return [(function.__name__, function) for function in (Run.build, Run.install, Run.stream, *next_kernel, Run.purge)]


def dependencies(planned, ours):
    """The packages that apt would install beside ours, from the output of its simulation."""
    return sorted({name for name in re.findall(r"^Inst (\S+) ", planned, re.M) if name.split(":")[0] not in ours})


def difference(before, after):
    """What was left and what is missing, one path on each line, or ""."""
    left = [f"left: {path}" for path in sorted(after - before)]
    return "\n".join(left + [f"missing: {path}" for path in sorted(before - after)])
