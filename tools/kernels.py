# SPDX-License-Identifier: MIT
"""Other kernels of Debian than the root folder's, for `--kernel`, and for checks that build the modules.

A separate apt reads the package lists of the suite that has the kernel. Lists, headers and images are kept in the cache. What
is fetched is unpacked into a temporary folder, which is renamed when it is complete. No package is installed, so the
compiler that the headers depend on is not needed.
"""

import contextlib
import dataclasses
import fcntl
import glob
import os
import re
import shutil
import subprocess

import host
import modules
import passed
import paths
import rootfs
import vm
from arch import AMD64
from ui import Fail, Skip, say, warn

# Why they cannot run.
NO_PROGRAMS = "some of these programs need modules that are built for the root folder's kernel only"
# The subjects that run if the command line names none.
SUBJECTS = ("memory", "capture")
# Names in the cache. Each kernel has a folder with its headers, and a folder with its image and its modules if it was booted.
APT, HEADERS, IMAGE = "kernel-apt", "kernel-headers-", "kernel-image-"
# The last are those of earlier versions of this tool.
OURS = rf"{APT}|(?:{HEADERS}|{IMAGE})[0-9].*|next-kernel-(?:[0-9].*|apt)"
IMAGE_NEEDED = 2 << 30
# Our modules for these kernels, inside the root folder.
BUILT = "/build/kernels"

HEAP = "heap", "vb2-cma's dma-heap needs dma_heap_add(), which Debian's kernel 6.12 does not export"
HUGE = "huge", "mapping a carve-out by large entries needs vmf_insert_folio_pmd(), which Debian's kernel 6.12 does not export"
CMA = "cma", "Debian's kernel 6.12 for amd64 is built without CONFIG_CMA"


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel that --kernel can name."""

    name: str               # its version, and what its packages add to the name of the architecture
    suites: tuple           # of Debian, which may have it
    architectures: dict     # those of machines that can boot it, and what it lacks there, which tests may need: (what, reason)

    @property
    def version(self):
        return self.name.partition("-")[0]

    def flavour(self, arch):
        """The end of its release and of the names of its packages."""
        return arch.flavour + self.name[len(self.version):]

    def lacks(self, arch):
        """What tests may need and the machine does not have, each with the reason."""
        return (*arch.lacks, *self.architectures[arch.name])


KERNELS = {kernel.name: kernel for kernel in (
    Kernel("6.12", ("trixie",), {"amd64": (CMA, HEAP, HUGE), "arm64": (HUGE,)}),
    Kernel("7.2-16k", (rootfs.SUITE,), {"arm64": ()}),
    Kernel("7.2-lpae", (rootfs.SUITE,), {"armhf": ()}),
    Kernel("7.3", ("sid", "experimental"), {"amd64": (), "arm64": ()}),
)}


class Unavailable(Fail):
    """Debian does not have the kernel, or cannot be reached."""


def add_option(parser, more=""):
    parser.add_argument("--kernel", default="", choices=KERNELS,
                        help="another kernel of Debian than the root folder's, fetched once, up to 150 MB (7.2-16k: 7.2 with "
                        "pages of 16 KiB, for --arch arm64; 7.2-lpae: 7.2 with physical addresses of 40 bits, for --arch armhf)"
                        f"{more}")


def of(args, arch):
    """The Kernel that a command line names, or None. The command's other options must fit it."""
    if not args.kernel:
        return None
    kernel = KERNELS[args.kernel]
    if arch.name not in kernel.architectures:
        raise Fail(f"--kernel {kernel.name}: only with --arch {' or '.join(sorted(kernel.architectures))}")
    for option, why in (("debug_kernel", "the debug kernel is always the root folder's, with detectors"),
                        ("programs", NO_PROGRAMS),
                        ("gdb", "the debugger knows the root folder's kernel only")):
        if getattr(args, option, False):
            raise Fail(f"--{option.replace('_', '-')} --kernel {kernel.name}: {why}")
    return kernel


def ensure(box, kernel, arch, tests=False):
    """Fetch the kernel, and build our modules for it, with `tests` those of the tests as well. Returns what a machine boots."""
    with locked():
        apt, release, headers = fetched(box, kernel, arch)
        image = apt.image(release)
    files = glob.glob(f"{image}/boot/vmlinuz-*") + glob.glob(f"{image}/usr/lib/modules/*/vmlinuz")
    return vm.Kernel(image=box.inside_cache(files[0]), modules=box.inside_cache(f"{image}/usr/lib/modules/{release}"),
                     **our_modules(box, kernel, arch, release, headers, tests))


def build(box, kernel, arch):
    """Build the drivers. Returns the host's path of their folder."""
    with locked():
        _, release, headers = fetched(box, kernel, arch)
    folder = our_modules(box, kernel, arch, release, headers, tests=False)["drivers"]
    return os.path.join(paths.BUILD, os.path.relpath(folder, "/build"))


def headers(box, kernel, arch):
    """The release, the folder with its headers, and the path by which their files name that folder."""
    with locked():
        _, release, folder = fetched(box, kernel, arch)
    return release, folder, box.inside_cache(folder)


def check(box, kernel, arch):
    """Build the drivers with W=1. Returns the warnings, or ""."""
    try:
        with locked():
            _, release, headers = fetched(box, kernel, arch)
    except Unavailable as error:
        raise Skip(str(error)) from None
    return check_release(box, headers, release, arch)


def fetched(box, kernel, arch):
    """The apt that fetches the kernel, its release, and the folder with its headers."""
    apt, release = find(box, kernel, arch)
    return apt, release, apt.headers(release)


def our_modules(box, kernel, arch, release, headers, tests):
    """Build our modules. Returns the fields of vm.Kernel that name them."""
    return modules.ensure(box, f"{BUILT}/{kernel.name}-{arch.name}", headers_inside(box, headers, release), release,
                          variables(arch), tests=tests)


def check_release(box, headers, release, arch):
    """Build the drivers for a release with W=1. If two checks name the same release, it is built once."""
    name = "checked-" + re.sub(r"^(\d+\.\d+)[^-]*", r"\1", release)
    return passed.build_modules(box, headers_inside(box, headers, release), name, *variables(arch))


def variables(arch):
    """For make: the compiler that we have, whichever the kernel was built with. The modules have neither debug information nor
    BTF, whose tools would have to fit the kernel."""
    return f"CC={arch.compiler}", "CONFIG_DEBUG_INFO=", "CONFIG_DEBUG_INFO_BTF_MODULES="


def headers_inside(box, folder, release):
    return f"{box.inside_cache(folder)}/usr/src/linux-headers-{release}"


@contextlib.contextmanager
def locked():
    """Two commands started at once: the second waits, then finds what the first has fetched."""
    with open(os.path.join(paths.CACHE, "kernels.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find(box, kernel, arch):
    """The apt that fetches the kernel, and its newest release. If the mirror has none, a release that is in the cache."""
    apt = Apt(box, kernel.suites, arch, kernel.flavour(arch))
    what = f"kernel {kernel.name} for {arch.name}"
    reason = apt.update()
    offered = apt.releases()
    for release in offered:
        if is_version(release, kernel.version):
            if reason:
                warn(f"using the newest {what} that the last run found: {reason}")
            return apt, release
    if reason:
        reason = f"the {what} cannot be fetched: {reason}"
    else:
        reason = f"there is no {what} in Debian {' or '.join(kernel.suites)} any more"
        reason += f", but {offered[0]}" if offered else ""
    kept = [release for release in apt.kept(HEADERS) if is_version(release, kernel.version)]
    if not kept:
        raise Unavailable(reason)
    warn(f"{reason}; using {kept[0]}, which was fetched before")
    return apt, kept[0]


def numbers(release):
    """A key by which releases of one flavour are sorted."""
    return [int(word) for word in re.findall(r"\d+", release)]


def is_version(release, version):
    """True if the release, such as 6.12.117+deb13-amd64, is of this version, such as 6.12."""
    return re.match(rf"{re.escape(version)}(?!\d)", release) is not None


# /lib is a link in each Debian, and what belongs below it may be in a package by either name.
UNPACK = r"""
set -eu
mkdir -p unpacked/usr/lib
ln -s usr/lib unpacked/lib
apt-get $OPTIONS download "$@"
for package in *.deb; do
	dpkg-deb --fsys-tarfile "$package" | tar -C unpacked -x --keep-directory-symlink \
		--exclude='./usr/share/*' --exclude='./usr/lib/linux-image-*'
done
"""
# The one file that names where the packages expect themselves.
HEADERS_FINISH = r"""
sed -i "s|/usr/src/|$FOLDER/usr/src/|" unpacked/usr/src/linux-headers-*/Makefile
"""
IMAGE_FINISH = r"""
depmod -b unpacked "$RELEASE"
"""


class Apt:
    """A separate apt, which reads only some suites of Debian, and for which no package is installed."""

    def __init__(self, box, suites, arch, flavour):
        """flavour: the end of the releases and of the names of the packages."""
        self._box = box
        self._suites = suites
        self._arch = arch
        self._flavour = flavour
        self._folder = os.path.join(paths.CACHE, APT, "-".join((*suites, arch.name)))
        inside = box.inside_cache(self._folder)
        settings = [f"Dir::State={inside}", "Dir::State::status=/dev/null", f"Dir::Cache={inside}/cache",
                    "Dir::Cache::srcpkgcache=", f"Dir::Etc::sourcelist={inside}/sources.list", "Dir::Etc::sourceparts=/dev/null",
                    "Acquire::Languages=none", "APT::Sandbox::User=root", "APT::Update::Error-Mode=any"]
        # The tools for a build are programs of the host.
        settings += [f"APT::Architectures::={name}" for name in dict.fromkeys((AMD64.name, arch.name))]
        self._options = ["-q", *(word for setting in settings for word in ("-o", setting))]

    def update(self):
        """Update the package lists. If this fails, the old lists are kept, and the error is returned."""
        if os.path.exists("/etc/resolv.conf"):
            shutil.copy("/etc/resolv.conf", self._box.root + "/run/resolv.conf")
        os.makedirs(os.path.join(self._folder, "cache"), exist_ok=True)
        try:
            mirror = host.mirror()
        except Fail as error:
            return str(error)
        with open(os.path.join(self._folder, "sources.list"), "w") as f:
            f.writelines(f"deb {mirror} {suite} main\n" for suite in self._suites)
        # Without the binary cache, which apt-cache makes later, and with a short timeout, because every run does this.
        quick = ["-o", "pkgCacheFile::Generate=false", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10"]
        done = self._box.run(["apt-get", *self._options, *quick, "update"], check=False, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
        errors = [line[3:] for line in done.stderr.splitlines() if line.startswith(("E: ", "W: "))]
        return (errors or [f"apt-get update ended with status {done.returncode}"])[0] if done.returncode else ""

    def show(self, package):
        """[(version, dependencies)] of a package of the machine's architecture, the newest first."""
        shown = self._box.run(["apt-cache", *self._options, "show", f"{package}:{self._arch.name}"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        return re.findall(r"^Version: (\S+)$(?:\n.+)*?\nDepends: (.*)$", shown, re.M)

    def releases(self):
        """The releases of the kernels that the suites offer, the newest first."""
        found = [re.search(r"linux-headers-(\d\S+)", depends) for _, depends in self.show(f"linux-headers-{self._flavour}")]
        return [name[1] for name in found if name]

    def kept(self, prefix):
        """The releases in the cache, the newest first."""
        names = [os.path.basename(path)[len(prefix):] for path in glob.glob(os.path.join(paths.CACHE, f"{prefix}[0-9]*"))]
        return sorted((name for name in names if name.endswith(f"-{self._flavour}")), key=numbers, reverse=True)

    def headers(self, release):
        """The folder of the cache that has the headers of a release, and the tools that belong to them."""
        return self._fetched(HEADERS, release, "linux-headers-", r"linux-(?:headers|kbuild)-[^ ,:]+", HEADERS_FINISH,
                             "the headers, 15 MB", native=True)

    def image(self, release):
        """The folder of the cache that has the image and the modules of a release."""
        return self._fetched(IMAGE, release, "linux-image-", r"linux-(?:binary|modules)-[^ ,:]+", IMAGE_FINISH,
                             "the kernel, up to 150 MB")

    def _fetched(self, prefix, release, package, needed, finish, what, native=False):
        """The folder with a package, and with those that it depends on and whose names fit. native: the latter are the host's."""
        folder = os.path.join(paths.CACHE, prefix + release)
        if os.path.isdir(folder):
            return folder
        host.require_disk(IMAGE_NEEDED)
        for stale in glob.glob(os.path.join(paths.CACHE, f"{prefix}[0-9]*.partial")):
            shutil.rmtree(stale)
        partial = folder + ".partial"
        os.makedirs(partial)
        suffix = f":{self._arch.name}"
        wanted = [package + release + suffix]
        for _, depends in self.show(package + release)[:1]:
            wanted += [name + ("" if native else suffix) for name in re.findall(needed, depends)]
        say(f"     fetching {what} of {release}, once")
        script = f"cd {self._box.inside_cache(partial)}\n{UNPACK}{finish}"
        try:
            done = self._box.run(["sh", "-c", script, "sh", *wanted], check=False, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True,
                                 env={"OPTIONS": " ".join(self._options), "FOLDER": self._box.inside_cache(folder),
                                      "RELEASE": release})
            if done.returncode:
                raise Unavailable(f"{release} cannot be fetched: {done.stdout.strip()}")
            os.rename(os.path.join(partial, "unpacked"), folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        for old in self.kept(prefix):
            if old != release and is_version(old, ".".join(release.split(".")[:2])):
                say(f"     you may remove this older one if no other checkout uses it: {os.path.join(paths.CACHE, prefix + old)}")
        return folder
