# SPDX-License-Identifier: MIT
"""./dev package: Debian packages of the checkout, built inside the root folder.

debian/changelog has the version: that of meson.build, and the number of the package. The source package is made of the files
that git knows, with their changes. It has nothing of libcamera. The root folder has libcamera's source, of the version that is
installed there, and the build gets its folder by an environment variable (debian/rules).
"""

import glob
import os
import re
import shutil
import subprocess
import time

import build
import checks
import paths
import rootfs
from arch import AMD64, ARM64
from sandbox import ENVIRONMENT
from ui import Fail, run_logged, say, step

# The architectures of packages, and the layers of the root folder that build them.
LAYERS = {AMD64.name: rootfs.PACKAGING, ARM64.name: rootfs.PACKAGING_ARM64}
OUT = os.path.join(paths.OUT, "packages")
# In the build folder: what one architecture's packages are built in.
FOLDER = "packages"
# What a user installs. A package for debugging is not among it.
DEBS = "*_*.deb"


def add_options(parser):
    parser.add_argument("--arch", default=AMD64.name, choices=sorted(LAYERS),
                        help="architecture of the packages; arm64 is cross-built (1 GB more, once; default %(default)s)")
    parser.add_argument("--out", default="", metavar="DIR", help=f"folder for the packages (default {os.path.relpath(OUT)}/ARCH)")


def main(args, ready):
    box = ready(up_to_date=False, layer=LAYERS[args.arch])
    out = os.path.abspath(args.out) if args.out else os.path.join(OUT, args.arch)
    files = make(box, args.arch, out)
    say(f"the packages of cmacam {version()} for {args.arch} are in {out}:")
    for name in files:
        say(f"    {name}")
    say("to install them, run this as root in that folder, on a machine with the same Debian:\n"
        f"    apt install {' '.join('./' + name for name in files if '-dev_' not in name)}\n"
        "to build them again from the source package, name a folder with libcamera's source:\n"
        "    CMACAM_LIBCAMERA_SOURCE=DIR dpkg-buildpackage -b")
    return 0


def version():
    """The version of the packages, such as 0.2.0-1. Its first part is the version of the Meson project."""
    with open(os.path.join(paths.CHECKOUT, "debian", "changelog")) as f:
        found = re.match(r"cmacam \(([^)]+)\) ", f.readline())
    with open(os.path.join(paths.CHECKOUT, "meson.build")) as f:
        project = re.search(r"^  version: '([^']+)'", f.read(), re.M)[1]
    if not found or found[1].rpartition("-")[0] != project:
        raise Fail(f"debian/changelog begins with {found[1] if found else 'no version'}, and meson.build has the version "
                   f"{project}: add an entry {project}-1 to debian/changelog")
    return found[1]


def make(box, arch, out):
    """Build source package and binary packages into an empty folder. Returns the names of the files that a user installs."""
    inside = f"/build/{FOLDER}/{arch}"
    with build.folder():
        folder = os.path.join(paths.BUILD, FOLDER, arch)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        source = write_source(folder)
        native = arch == AMD64.name
        with step(f"Building Debian packages for {arch}, some minutes"):
            words = [] if native else [f"--host-arch={arch}", "--build-profiles=cross,nocheck"]
            # The namespace's root owns the files: no fakeroot is needed.
            command = ["dpkg-buildpackage", "--build=full", "--unsigned-source", "--unsigned-changes", *words]
            run(box, f"{inside}/{source}", command, f"package-{arch}")
        with step("Checking the packages with lintian"):
            said = lintian(box, inside, arch)
    os.makedirs(out, exist_ok=True)
    forget_last(out)
    for path in glob.glob(f"{folder}/cmacam_*") + glob.glob(f"{folder}/*.deb"):
        shutil.copy(path, out)
    build.write(os.path.join(out, "lintian.txt"), said)
    shutil.rmtree(folder)
    return sorted(os.path.basename(path) for path in glob.glob(os.path.join(out, DEBS)) if "-dbgsym_" not in path)


def forget_last(out):
    """Remove the packages of an earlier run, and no files of other origin."""
    for pattern in ("cmacam_*", "*cmacam*.deb", "lintian.txt"):
        for path in glob.glob(os.path.join(out, pattern)):
            os.unlink(path)


def write_source(folder):
    """Write the source archive and the unpacked source. Returns the name of its folder."""
    upstream = version().rpartition("-")[0]
    name = f"cmacam-{upstream}"
    archive = os.path.join(folder, f"cmacam_{upstream}.orig.tar.gz")
    # The same sources always make the same archive.
    with open(os.path.join(paths.CHECKOUT, "debian", "changelog")) as f:
        date = re.search(r"^ -- .*>  (.*)$", f.read(), re.M)[1]
    files = checks.tracked(r"^(?!debian/)")
    tar = ["tar", "--create", "--file=-", "--sort=name", f"--mtime={date}", "--owner=0", "--group=0", "--numeric-owner",
           "--verbatim-files-from", "--files-from=-", f"--transform=s,^,{name}/,"]
    with open(archive, "wb") as f:
        packer = subprocess.Popen(["gzip", "-9n"], stdin=subprocess.PIPE, stdout=f)
        subprocess.run(tar, cwd=paths.CHECKOUT, input="\n".join(files).encode(), stdout=packer.stdin, check=True)
        packer.stdin.close()
        if packer.wait():
            raise Fail(f"{archive} cannot be written")
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    shutil.copytree(os.path.join(paths.CHECKOUT, "debian"), os.path.join(folder, name, "debian"))
    return name


def run(box, folder, command, what):
    """Run a command of the build in a folder of the root folder."""
    log = os.path.join(paths.LOGS, f"{what}.log")
    libcamera = rootfs.versions(box.root)["libcamera"]
    environment = {**ENVIRONMENT, "CMACAM_LIBCAMERA_SOURCE": f"/usr/src/libcamera-{libcamera}",
                   "DEB_BUILD_OPTIONS": f"nocheck parallel={os.cpu_count()}"}
    started = time.monotonic()
    run_logged(box.argv(in_folder(folder, command)), log, command[0], env=environment,
               progress=lambda: build.position(log, started))


def in_folder(folder, command):
    return ["sh", "-ec", 'cd "$0"; exec "$@"', folder, *command]


def lintian(box, folder, arch):
    """What lintian says. If it finds an error, there are no packages."""
    command = ["lintian", "--allow-root", "--fail-on", "error", "--tag-display-limit", "0", f"cmacam_{version()}_{arch}.changes"]
    status, said = checks.output(box, in_folder(folder, command))
    if status:
        raise Fail("lintian found errors in the packages", said)
    return said
