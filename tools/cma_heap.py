# SPDX-License-Identifier: MIT
"""The kernel's own CMA heap as a module: Debian's kernel is built without it.

Its one source file comes from Debian's linux-source package of the version in use, is kept
in the cache, and is built outside the tree. It is nowhere in this repository.
"""

import os
import shutil
import subprocess

import paths
import rootfs
from sandbox import ENVIRONMENT
from ui import Fail, run_logged, step

SOURCE = "drivers/dma-buf/heaps/cma_heap.c"
FOLDER = os.path.join(paths.BUILD, "bench", "cma_heap")
MODULE = os.path.join(paths.BUILD, "bench", "cma_heap.ko")
PROBLEM = os.path.join(paths.BUILD, "bench", "cma_heap.problem")

# Scratch of its own: the root folder is shared and stays as it was made.
FETCH = r"""
set -eu
mkdir -p /run/cma_heap/lists/partial /run/cma_heap/archives/partial
cd /run/cma_heap
set -- -o Dir::State::lists=/run/cma_heap/lists -o Dir::Cache=/run/cma_heap -o APT::Sandbox::User=root
apt-get "$@" update
apt-get "$@" download "$PACKAGE=$VERSION"
dpkg-deb --fsys-tarfile "$PACKAGE"_*.deb | tar -xO --wildcards '*/linux-source-*.tar.xz' |
	tar -xJO --occurrence=1 --wildcards "*/$SOURCE" >cma_heap.c
rm -rf lists archives *.deb
test -s cma_heap.c
"""


def ensure(box):
    """Leave the module, or the reason why there is none, where the machine finds it."""
    os.makedirs(FOLDER, exist_ok=True)
    for path in (MODULE, PROBLEM):
        if os.path.exists(path):
            os.unlink(path)
    try:
        shutil.copy(source(box), os.path.join(FOLDER, "cma_heap.c"))
        build(box)
    except Fail as error:
        with open(PROBLEM, "w") as f:
            f.write(f"the CMA heap's module: {error}\n")


def source(box):
    kernel = rootfs.versions(box.root)["kernel"]
    cached = os.path.join(paths.CACHE, f"linux-{kernel}", os.path.basename(SOURCE))
    if not os.path.exists(cached):
        with step("Fetching the CMA heap's source from Debian's linux-source, 160 MB, once"):
            fetch(box, kernel)
        os.makedirs(os.path.dirname(cached), exist_ok=True)
        shutil.copy(f"{box.root}/run/cma_heap/cma_heap.c", cached + ".partial")
        os.rename(cached + ".partial", cached)
    return cached


def fetch(box, kernel):
    version = box.run(["dpkg-query", "-W", "-f", "${Version}", f"linux-headers-{kernel}"],
                      stdout=subprocess.PIPE, text=True).stdout
    series = ".".join(kernel.split("+")[0].split(".")[:2])
    environment = {**ENVIRONMENT, "PACKAGE": f"linux-source-{series}", "VERSION": version, "SOURCE": SOURCE}
    run_logged(box.argv(["sh", "-c", FETCH]), os.path.join(paths.LOGS, "cma_heap-source.log"),
               f"fetching linux-source-{series} {version}", env=environment)


def build(box):
    kernel = rootfs.versions(box.root)["kernel"]
    with open(os.path.join(FOLDER, "Makefile"), "w") as f:
        f.write("obj-m := cma_heap.o\n")
    run_logged(box.argv(["make", "-C", f"/lib/modules/{kernel}/build", "M=/build/bench/cma_heap", "modules"]),
               os.path.join(paths.LOGS, "cma_heap-build.log"), "building the CMA heap", env=ENVIRONMENT)
    shutil.copy(os.path.join(FOLDER, "cma_heap.ko"), MODULE)
