# SPDX-License-Identifier: MIT
"""The reference root folder: Debian forky with all packages that cmacam needs to build and to run.

The root folder has layers. The first layer is enough to build the product and to run the demo. The second layer adds the
packages for tests and debugging. It is a separate folder, which shares files with the first by hard links. Two more layers
are based on the second in the same way: programs of other projects that use a camera, and the generators of the
reference pages. Each of these two is made only when a command needs it.

Each layer is made in a temporary folder, which is renamed when it is complete. So an interrupted set-up leaves no
incomplete root folder. The name of a folder has a hash of everything that it is made from, so a change of the package
lists makes a new folder.

A layer for machines of another architecture has a cross compiler and an emulator, and the root folder of these machines.
Debian packages are built in two more layers: one has the tools for it, and a second one has the libraries of another
architecture, which are really installed there, because the tools ask dpkg which package a library belongs to.

A layer can also have an image (ext4) of the root folder that its machines boot from, for machines that start many programs.
Without the image, the machine asks the file server for each file that a program opens.
"""

import contextlib
import dataclasses
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import threading

import host
import paths
from sandbox import WITH_US
from ui import Fail, run_logged, say, step, warn

SUITE = "forky"
FETCH = os.path.join(paths.TOOLS, "fetch-packages.sh")
# The packages of the machines of another architecture.
FOREIGN = "packages-foreign.txt"


@dataclasses.dataclass(frozen=True)
class Layer:
    packages: str       # file with its packages
    finish: str         # its last step
    purpose: str = ""
    size: str = ""
    below: "Layer | None" = None
    arch: str = ""      # for machines of this architecture of Debian, whose root folder is /ARCH
    kernel: str = ""    # and the end of the names of its kernel's packages
    also: str = ""      # packages of this architecture of Debian are installed beside the host's

    @property
    def files(self):
        """All files that the layer is made from."""
        return (self.packages, self.finish, *([FOREIGN] if self.arch else []))

    def stack(self):
        """This layer and the layers below it, the lowest first."""
        return [*(self.below.stack() if self.below else []), self]


PRODUCT = Layer("packages.txt", "root-finish.sh")
WHOLE = Layer("packages-test.txt", "root-finish-test.sh", "packages for tests and debugging", "1 GB", PRODUCT)
PROGRAMS = Layer("packages-programs.txt", "root-finish-programs.sh", "programs that use a camera", "1 GB", WHOLE)
DOCS = Layer("packages-docs.txt", "root-finish-docs.sh", "generators of the reference pages", "0.1 GB", WHOLE)
ARM64 = Layer("packages-arm64.txt", "root-finish-foreign.sh", "a cross compiler, and a root folder for arm64", "2 GB", WHOLE,
              "arm64", "arm64")
ARMHF = Layer("packages-armhf.txt", "root-finish-foreign.sh", "a cross compiler, and a root folder for armhf", "2 GB", WHOLE,
              "armhf", "armmp")
PACKAGING = Layer("packages-packaging.txt", "root-finish-packaging.sh", "tools that build Debian packages", "0.2 GB", WHOLE)
PACKAGING_ARM64 = Layer("packages-packaging-arm64.txt", "root-finish-packaging.sh", "what packages for arm64 are built with",
                        "1 GB", PACKAGING, also="arm64")
LAYERS = (PRODUCT, WHOLE, PROGRAMS, DOCS, ARM64, ARMHF, PACKAGING, PACKAGING_ARM64)
TESTED = os.path.join(paths.TOOLS, "versions.txt")
INSTALLED = "etc/cmacam-versions"
# What apt says about a mirror that it cannot reach, or that does not have the files.
UNREACHABLE = re.compile(r"^(?:Err:|[EW]: Failed to fetch)|Could not (?:connect|resolve)|Temporary failure resolving", re.M)
IMAGE_NEEDED = 5 << 30
# Of the folder, without the folders that are mounted in it.
IMAGE = r"""
set -eu
cd /tmp/root
kilobytes=$(du -skx . | cut -f 1)
files=$(find . -xdev | wc -l)
mke2fs -q -t ext4 -O ^has_journal -m 0 -N $((files + 1000)) -d . "$1" $((kilobytes * 11 / 10 + 65536))k
"""


def digest(files):
    found = hashlib.sha256(SUITE.encode())
    for name in files:
        with open(os.path.join(paths.TOOLS, name), "rb") as f:
            found.update(f.read())
    return found.hexdigest()[:12]


def location(layer):
    """The path of the root folder whose top layer this is."""
    digests = (digest(each.files) for each in layer.stack())
    return os.path.join(paths.CACHE, f"root-{SUITE}-" + "-".join(digests))


def ensure(layer=WHOLE):
    """The path of a root folder that has this layer and all layers below it. Missing layers are made first."""
    if layer == PRODUCT and is_whole():
        layer = WHOLE
    make_missing(layer)
    compare_versions(location(layer))
    return location(layer)


def is_whole():
    return os.path.isdir(location(WHOLE))


def make_missing(layer):
    """Make the root folder of this layer if it does not exist."""
    if os.path.isdir(location(layer)):
        return
    host.require_disk()
    # Two commands started at once: the second waits, then finds the folder.
    with open(os.path.join(paths.CACHE, "root.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        make(layer)


@contextlib.contextmanager
def first_layer_while_the_second_is_made():
    """Yields the path of the first layer for the caller's work. Meanwhile, makes the second layer, and waits for it."""
    make_missing(PRODUCT)
    errors = []

    def second():
        try:
            make_missing(WHOLE)
        except BaseException as error:
            errors.append(error)

    # The thread keeps the mount namespace of its start: what the caller mounts in the first layer is not copied.
    thread = threading.Thread(target=second, daemon=True)
    thread.start()
    yield location(PRODUCT)
    thread.join()
    if errors:
        raise errors[0]


def image_of(sandbox):
    """The path of the image of the sandbox's root folder."""
    return sandbox.root + ".img"


def image_if_made(sandbox):
    """The image's path inside the sandbox, or an empty text if there is no image."""
    image = image_of(sandbox)
    return sandbox.inside_cache(image) if os.path.exists(image) else ""


def ensure_image(sandbox, folder="/"):
    """The image's path inside the sandbox. A missing image is made first, of this folder in the root folder."""
    image = image_of(sandbox)
    inside = sandbox.inside_cache(image)
    with open(os.path.join(paths.CACHE, "root.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(image):
            host.require_disk(IMAGE_NEEDED)
            with step("Making an image of the root folder, up to 3 GB, once"):
                sandbox.bind(sandbox.root + folder, "/tmp/root")
                partial = image + ".partial"
                try:
                    sandbox.run(["sh", "-c", IMAGE, "sh", inside + ".partial"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    os.rename(partial, image)
                finally:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(partial)
    return inside


def make(layer):
    for stale in glob.glob(os.path.join(paths.CACHE, "root-*.partial")):
        remove(stale) if os.path.isdir(stale) else os.unlink(stale)
    if not os.path.isdir(location(PRODUCT)):
        bootstrap(location(PRODUCT))
    for each in layer.stack()[1:]:
        if not os.path.isdir(location(each)):
            extend(each)
    ours = {location(each) + suffix for each in LAYERS for suffix in ("", ".img")}
    for old in sorted(set(glob.glob(os.path.join(paths.CACHE, "root-*"))) - ours):
        if os.path.isdir(old) or old.endswith(".img"):
            say(f"    you may remove this older root folder if no other checkout uses it: {old}")


def bootstrap(root):
    """Make the first layer from Debian's packages."""
    with step(f"Making the root folder: Debian {SUITE}, about 2 GB, once"):
        mmdebstrap(root, SUITE, packages(PRODUCT.packages), PRODUCT.finish,
                   [f"--dpkgopt=path-exclude=/usr/share/{d}/*" for d in ("doc", "man", "locale")])


def mmdebstrap(root, suite, wanted, finish, options=(), more_suites=()):
    """Make a root folder from Debian's packages. finish: a script of this folder, its last step."""
    host.require_packages()
    partial = root + ".partial"
    mirror = host.mirror()
    argv = [*WITH_US, "unshare", "--mount", "mmdebstrap", "--verbose", "--mode=root", "--variant=apt", "--skip=check/empty",
            "--include=" + ",".join(wanted), "--dpkgopt=force-unsafe-io"]
    argv += [f"--aptopt={option}" for option in
             ['APT::Install-Recommends "false"', 'Acquire::Check-Valid-Until "false"',
              'Acquire::Retries "3"'] + host.apt_proxy()]
    argv += options
    argv += [f'--essential-hook=copy-in {FETCH} /tmp',
             f'--essential-hook=chroot "$1" sh /tmp/{os.path.basename(FETCH)} {" ".join(wanted)} || true',
             f'--customize-hook=copy-in {os.path.join(paths.TOOLS, finish)} /tmp',
             f'--customize-hook=chroot "$1" sh /tmp/{finish} && rm "$1/tmp/{finish}" "$1/tmp/{os.path.basename(FETCH)}"',
             suite, partial]
    argv += [f"{kind} {mirror} {each} main" for each in (suite, *more_suites) for kind in ("deb", "deb-src")]
    # It starts Python for each package: the system's own, not what a user's PATH has before it.
    run_or_remove(argv, partial, "root.log", "mmdebstrap", env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    os.rename(partial, root)


# mmdebstrap removes the package lists. The policy prevents that packages start their services.
EXTEND = r"""
set -eu
cp -al "$1" "$2"
for own in etc var; do
	rm -rf "$2/$own"
	cp -a "$1/$own" "$2/$own"
done
mount --bind "$2" "$2"
mount --rbind /proc "$2/proc"
mount --rbind /dev "$2/dev"
mount -t tmpfs tmpfs "$2/tmp"
[ ! -e /etc/resolv.conf ] || cp /etc/resolv.conf "$2/etc/resolv.conf"
cp "$3" "$2/tmp/finish.sh"
cp "$4" "$2/tmp/fetch.sh"
cp "$5" "$2/tmp/"
printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
chmod +x "$2/usr/sbin/policy-rc.d"
shift 5
export DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
root=$ROOT
[ -z "$ALSO" ] || chroot "$root" dpkg --add-architecture "$ALSO"
chroot "$root" apt-get update
chroot "$root" sh /tmp/fetch.sh "$@" || true
chroot "$root" apt-get install -y "$@"
chroot "$root" sh /tmp/finish.sh
chroot "$root" sh -c 'rm -rf /usr/sbin/policy-rc.d /var/lib/apt/lists/* /var/cache/apt/archives/*.deb'
"""


def extend(layer):
    """Make another layer. It has hard links to the files below it. Packages replace these files and do not write to them."""
    root = location(layer)
    partial = root + ".partial"
    below = location(layer.below)
    # Hard links do not cross a mount, and a copy of the cache would copy itself.
    if mounts(below):
        raise Fail(f"{' and '.join(mounts(below))} are mounted: the layer {os.path.basename(root)} must be made before a command "
                   "works in the layer below it")
    with step(f"Adding {layer.purpose} to the root folder, about {layer.size}, once"):
        argv = [*WITH_US, "unshare", "--mount", "sh", "-c", EXTEND, "sh", below, partial,
                os.path.join(paths.TOOLS, layer.finish), FETCH, os.path.join(paths.TOOLS, FOREIGN), *packages(layer.packages)]
        run_or_remove(argv, partial, layer.finish.replace(".sh", ".log"), "apt-get",
                      env={**os.environ, "ROOT": partial, "ARCH": layer.arch, "KERNEL": layer.kernel, "ALSO": layer.also})
        os.rename(partial, root)


def run_or_remove(argv, partial, name, what, **kwargs):
    """Make a root folder, and remove it if this fails."""
    log = os.path.join(paths.LOGS, name)
    try:
        run_logged(argv, log, what, progress=lambda: progress(log), **kwargs)
    except BaseException as error:
        if os.path.isdir(partial):
            remove(partial)
        if isinstance(error, Fail) and UNREACHABLE.search(read(log)):
            raise Fail(f"the Debian mirror {host.mirror()} cannot be reached, or lacks packages: is the network up? "
                       f"({error})") from None
        raise


def packages(name):
    with open(os.path.join(paths.TOOLS, name)) as f:
        return [word for line in f if not line.startswith("#") for word in line.split()]


def progress(log):
    """The progress of apt as a text: its step, and the numbers of packages."""
    text = read(log)
    # apt prints this line once when it fetches and once when it installs.
    totals = {int(n) for n in re.findall(r"^\d+ upgraded, (\d+) newly installed", text, re.M)}
    unpacked = len(re.findall(r"^Unpacking ", text, re.M))
    ready = len(re.findall(r"^Setting up ", text, re.M))
    if "customize-hook" in text or "linux-source" in text.rpartition("Setting up")[2]:
        return "last step: kernel, libcamera's internal headers, video, checkpatch"
    if not unpacked:
        return "fetching packages"
    return f"{unpacked} packages unpacked, {ready} set up" + (f", of {sum(totals)}" if totals else "")


def read(log):
    with open(log, errors="replace") as f:
        return f.read()


def mounts(root):
    """The folders below a root folder on which this thread sees something mounted."""
    with open("/proc/thread-self/mounts") as f:
        return [point for point in (line.split()[1] for line in f) if point.startswith(root + "/")]


def remove(root):
    """Remove a root folder. The mounts below it are gone, because each namespace ended with its command."""
    if mounts(root):
        raise Fail(f"{' and '.join(mounts(root))} are still mounted: unmount them, then try again")
    shutil.rmtree(root)


def read_versions(path):
    with open(path) as f:
        return dict(line.split() for line in f if line.strip())


def compare_versions(root):
    """Warn if the distribution has other versions now, and continue."""
    tested = read_versions(TESTED)
    for name, have in versions(root).items():
        if have != tested.get(name):
            warn(f"{name} is {have} here, but {tested.get(name)} was tested; this run continues")


def versions(root):
    return read_versions(os.path.join(root, INSTALLED))
