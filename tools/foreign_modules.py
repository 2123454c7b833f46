# SPDX-License-Identifier: MIT
"""Kernel modules that Debian's kernel is built without: the CMA heap, a codec, a virtual camera, a video loopback. And patched
ones.

Their sources come from Debian's packages of the versions in use. The sources are kept in the cache, and built outside the
kernel tree. They are not in this repository.
"""

import dataclasses
import fcntl
import os
import shutil
import subprocess

import patching
import paths
import rootfs
from sandbox import ENVIRONMENT
from ui import Fail, run_logged, step

FOLDER = os.path.join(paths.BUILD, "foreign")
INSIDE = "/build/foreign"
# Of the cache's folders with the sources.
PREFIX = "foreign-"
# A folder of the root folder's own /run, which is emptied: the root folder is shared and stays as it was made.
SCRATCH = "/run/foreign"
KERNEL = "linux-source"
LOOPBACK = "v4l2loopback-dkms"


@dataclasses.dataclass(frozen=True)
class Build:
    """Modules that are built together."""

    package: str            # where the sources are
    sources: tuple          # files and folders in it
    objects: str            # for the Makefile
    settings: tuple = ()    # of the kernel's configuration
    patches: str = ""       # the project whose patches are applied (patches/); then there is only one source


BUILDS = {
    "cma_heap": Build(KERNEL, ("drivers/dma-buf/heaps/cma_heap.c",), "cma_heap.o"),
    # Its core is a module that Debian's kernel for this machine lacks as well.
    "codec": Build(KERNEL, ("drivers/media/v4l2-core/v4l2-mem2mem.c", "drivers/media/test-drivers/vicodec"),
                   "v4l2-mem2mem.o vicodec/", ("CONFIG_VIDEO_VICODEC=m",)),
    "dma_contig": Build(KERNEL, ("drivers/media/common/videobuf2/videobuf2-dma-contig.c",), "videobuf2-dma-contig.o",
                        patches="linux"),
    "vimc": Build(KERNEL, ("drivers/media/test-drivers/vimc",), "vimc/", ("CONFIG_VIDEO_VIMC=m",)),
    "v4l2loopback": Build(LOOPBACK, ("v4l2loopback.c", "v4l2loopback.h", "v4l2loopback_formats.h"), "v4l2loopback.o"),
}

PREPARE = r"""
set -eu
rm -rf "$SCRATCH"
mkdir -p "$SCRATCH/lists/partial" "$SCRATCH/archives/partial" "$SCRATCH/out"
cd "$SCRATCH"
set -- -o Dir::State::lists="$SCRATCH/lists" -o Dir::Cache="$SCRATCH" -o APT::Sandbox::User=root
apt-get "$@" update
apt-get "$@" download "$PACKAGE"
"""
# The package holds the kernel's sources as an archive of its own.
UNPACK_KERNEL = r"""
set --
for path in $SOURCES; do
	set -- "$@" "*/$path"
done
dpkg-deb --fsys-tarfile ./*.deb | tar -xO --wildcards '*/linux-source-*.tar.xz' |
	tar -C out -xJ --strip-components 1 --wildcards "$@"
"""
UNPACK_LOOPBACK = r"""
dpkg-deb -x ./*.deb unpacked
cp unpacked/usr/src/v4l2loopback-*/*.[ch] out/
"""


def folder(name):
    """The folder of a build's modules."""
    return os.path.join(FOLDER, name)


def problem(name):
    """The file that has the reason if the modules could not be built."""
    return os.path.join(FOLDER, f"{name}.problem")


def ensure(box, *names):
    """Put the modules, or the reason why they could not be built, where the machine finds them."""
    os.makedirs(FOLDER, exist_ok=True)
    for name in names:
        shutil.rmtree(folder(name), ignore_errors=True)
        if os.path.exists(problem(name)):
            os.unlink(problem(name))
        try:
            copy_sources(box, name)
            build(box, name)
        except Fail as error:
            with open(problem(name), "w") as f:
                f.write(f"the module {name}: {error}\n{error.detail}")


def copy_sources(box, name):
    """Copy the sources. Each file or folder is at the top of the build folder."""
    with open(os.path.join(paths.CACHE, "root.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cached = fetched(box, BUILDS[name])
    os.makedirs(folder(name))
    for path in BUILDS[name].sources:
        source, target = os.path.join(cached, path), os.path.join(folder(name), os.path.basename(path))
        if os.path.isdir(source):
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
        if BUILDS[name].patches:
            patching.apply(box, BUILDS[name].patches, f"{INSIDE}/{name}", strip=1 + path.count("/"))


def fetched(box, which):
    """The folder of the cache that has the sources of a build. What is fetched are those of all builds from its package."""
    package = which.package
    kernel = rootfs.versions(box.root)["kernel"]
    sources = [path for known in BUILDS.values() if known.package == package for path in known.sources]
    if package == KERNEL:
        cached = os.path.join(paths.CACHE, f"{PREFIX}linux-{kernel}")
        series = ".".join(kernel.split("+")[0].split(".")[:2])
        version = box.run(["dpkg-query", "-W", "-f", "${Version}", f"linux-headers-{kernel}"], stdout=subprocess.PIPE,
                          text=True).stdout
        wanted, script, purpose = f"linux-source-{series}={version}", UNPACK_KERNEL, f"linux-source-{series}, 160 MB, once"
    else:
        cached = os.path.join(paths.CACHE, PREFIX + package)
        wanted, script, purpose = package, UNPACK_LOOPBACK, f"{package}, once"
    if not all(os.path.exists(os.path.join(cached, path)) for path in which.sources):
        environment = {**ENVIRONMENT, "PACKAGE": wanted, "SCRATCH": SCRATCH, "SOURCES": " ".join(sources)}
        with step(f"Fetching sources of modules: {purpose}"):
            run_logged(box.argv(["sh", "-c", PREPARE + script]), os.path.join(paths.LOGS, f"{package}.log"),
                       f"fetching {wanted}", env=environment)
        shutil.rmtree(cached, ignore_errors=True)
        shutil.copytree(f"{box.root}{SCRATCH}/out", cached + ".partial", dirs_exist_ok=True)
        os.rename(cached + ".partial", cached)
    return cached


def build(box, name):
    kernel = rootfs.versions(box.root)["kernel"]
    with open(os.path.join(folder(name), "Makefile"), "w") as f:
        f.write(f"obj-m := {BUILDS[name].objects}\n")
    run_logged(box.argv(["make", "-C", f"/lib/modules/{kernel}/build", f"M={INSIDE}/{name}", *BUILDS[name].settings, "modules"]),
               os.path.join(paths.LOGS, f"{name}-build.log"), f"building {name}", env=ENVIRONMENT)
