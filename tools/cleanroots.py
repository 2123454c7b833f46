# SPDX-License-Identifier: MIT
"""Clean root folders of Debian, in which the tests install the Debian packages. Nothing of the checkout is in them.

A clean root folder has Debian's essential packages, apt, and a kernel with its headers. The cache keeps each as it was made. A
test works in a copy. In a copy for the host's architecture, commands run in a chroot. In one for another architecture, they run
in a machine that boots from it.

The machine and the chroot reach no mirror: the host's apt downloads into the folder what the apt inside then installs.
"""

import dataclasses
import fcntl
import glob
import os
import re
import shlex
import shutil
import subprocess

import arch as arches
import host
import paths
import rootfs
import sandbox
import vm
from sandbox import ENVIRONMENT
from ui import Fail, run_logged, step, tail

PREFIX = "clean-"
PACKAGES, FINISH, FOREIGN = "packages-clean.txt", "clean-root-finish.sh", "clean-root-foreign.sh"
# Seconds for a command in an emulated machine, such as the installation of a compiler and the build of the drivers.
LIMIT = 2 * 3600
# What commands change that install no package: pseudo file systems, logs, and the caches of apt.
NOT_COMPARED = re.compile(r"(dev|host|build|out|mnt|packages|proc|root|run|src|sys|tmp|var/(cache/apt|lib/apt|log|tmp))(/|$)")
# A package has to be configured after those that it depends on, and some of these depend on each other.
SECOND_STAGE = """
dpkg --force-depends --force-unsafe-io --install /var/cache/apt/archives/*.deb || dpkg --configure -a
apt-get clean
"""
CHROOT = r"""
root=$1
shift
for folder in proc sys dev; do busybox mount --rbind "/$folder" "$root/$folder"; done
for folder in run tmp; do busybox mount -t tmpfs tmpfs "$root/$folder"; done
[ ! -e /run/resolv.conf ] || [ "$MIRROR" = no ] || {
	: >>"$root/etc/resolv.conf"
	busybox mount --bind /run/resolv.conf "$root/etc/resolv.conf"
}
exec chroot "$root" "$@"
"""


@dataclasses.dataclass(frozen=True)
class Clean:
    """A clean root folder."""

    suite: str
    arch: str = arches.AMD64.name
    more_suites: tuple = ()     # whose packages are only used if a command asks for them

    @property
    def name(self):
        return f"{self.suite}-{self.arch}"

    @property
    def base(self):
        files = (PACKAGES, FINISH) if self.arch == arches.AMD64.name else (PACKAGES, FOREIGN)
        return os.path.join(paths.CACHE, f"{PREFIX}{self.name}-{rootfs.digest(files)}")

    def ensure(self, box):
        """Make the folder of the cache if it does not exist. Returns its path."""
        with open(os.path.join(paths.CACHE, "root.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(self.base):
                host.require_disk()
                wanted = rootfs.packages(PACKAGES)
                with step(f"Making a clean root folder: Debian {self.suite} for {self.arch}, about 1 GB, once"):
                    if self.arch == arches.AMD64.name:
                        rootfs.mmdebstrap(self.base, self.suite, wanted, FINISH, more_suites=self.more_suites)
                    else:
                        self._make_foreign(box, wanted)
        return self.base

    def _make_foreign(self, box, wanted):
        partial = self.base + ".partial"
        shutil.rmtree(partial, ignore_errors=True)
        os.makedirs(partial)
        arch = arches.ARCHES[self.arch]
        share_resolver(box)
        log = os.path.join(paths.LOGS, f"{PREFIX}{self.name}.log")
        script = ["sh", f"/src/tools/{FOREIGN}", box.inside_cache(partial), arch.name, arch.flavour]
        try:
            run_logged(box.argv(["unshare", "--mount", *script, *wanted]), log, "apt-get", env=ENVIRONMENT)
            Copy(box, self, partial).inside(SECOND_STAGE)
            os.rename(partial, self.base)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def share_resolver(box):
    if os.path.exists("/etc/resolv.conf"):
        shutil.copy("/etc/resolv.conf", box.root + "/run/resolv.conf")


class Copy:
    """A copy of a clean root folder, to work in."""

    def __init__(self, box, clean, folder=""):
        """box: a sandbox of the layer that has the machine's emulator. folder: this folder instead of a copy."""
        self.clean = clean
        self.arch = arches.ARCHES[clean.arch]
        self.box = box
        self._owned = not folder
        self.folder = folder or clean.base + ".copy"
        if self._owned:
            remove(self.folder)
            # The tool keeps owners, links and dates, which Python's copy does not.
            subprocess.run(["cp", "-a", "--reflink=auto", clean.ensure(box), self.folder], check=True)
        self._inside = f"/run/{os.path.basename(self.folder)}"
        box.bind(self.folder, self._inside)
        box.bind(paths.CHECKOUT, f"{self._inside}/src")

    def remove(self):
        for mounted in (f"{self._inside}/src", self._inside):
            subprocess.run(["umount", "--lazy", self.box.root + mounted], check=True)
        if self._owned:
            remove(self.folder)

    def add(self, files):
        """Put files into /packages."""
        for path in files:
            shutil.copy(path, os.path.join(self.folder, "packages"))

    def apt(self, *words):
        """Run the host's apt on the folder, for what needs a mirror. Returns its output."""
        share_resolver(self.box)
        root = self._inside
        settings = [f"APT::Architecture={self.arch.name}", f"APT::Architectures={self.arch.name}",
                    "APT::Install-Recommends=false", "APT::Sandbox::User=root", "Acquire::Check-Valid-Until=false",
                    f"Dir::State={root}/var/lib/apt", f"Dir::State::status={root}/var/lib/dpkg/status",
                    f"Dir::Cache={root}/var/cache/apt", f"Dir::Etc::sourcelist={root}/etc/apt/sources.list",
                    "Dir::Etc::sourceparts=/dev/null", *(option.replace(' "', "=").rstrip('"') for option in host.apt_proxy())]
        command = ["sh", "-ec", '[ ! -e /run/resolv.conf ] || busybox mount --bind /run/resolv.conf /etc/resolv.conf\n'
                   'cd "$0"; exec apt-get "$@"', f"{root}/packages",
                   *(word for setting in settings for word in ("-o", setting)), *words]
        done = self.box.run(["unshare", "--mount", *command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True)
        if done.returncode:
            raise Fail(f"apt-get {' '.join(words)} failed for {self.clean.name}", done.stdout[-4000:])
        return done.stdout

    def inside(self, script, mirror=False):
        """Run a shell script as root in the folder. Returns its output. mirror: the script may use a mirror."""
        script = f"set -eux\nexport DEBIAN_FRONTEND=noninteractive\ncd /packages\n{script}"
        log = os.path.join(paths.LOGS, f"{PREFIX}{self.clean.name}-inside.log")
        if self.arch.native:
            share_resolver(self.box)
            command = ["unshare", "--mount", "sh", "-ec", CHROOT, "sh", self._inside, "sh", "-c", script]
            run_logged(self.box.argv(command), log, f"a command in {self.clean.name}",
                       env={**ENVIRONMENT, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MIRROR": "yes" if mirror else "no"})
            return tail(log, 10000)
        if mirror:
            raise Fail(f"a machine of {self.arch.name} reaches no mirror")
        # The machine's output is mixed with that of others, so it goes to a file.
        output = os.path.join(self.folder, "packages", "output")
        status = self.machine(f"exec /bin/sh -c {shlex.quote(script)} >/packages/output 2>&1", LIMIT, changes=True)
        with open(output, errors="replace") as f:
            said = f.read()
        os.unlink(output)
        if status:
            raise Fail(f"a command in {self.clean.name} failed with status {status}", said[-4000:])
        return said

    def machine(self, script, limit, board=(), changes=False):
        """Run a shell script in a machine that boots from the folder. Returns its status.

        The shell is busybox, which prefers its own commands. A script that wants those of the folder calls /bin/sh.
        """
        images = glob.glob(os.path.join(self.folder, "boot", "vmlinuz-*"))
        if len(images) != 1:
            raise Fail(f"{self.folder}/boot has {len(images)} kernels and not one")
        options = vm.Options(arch=self.arch, board=board, no_board=not board, load_drivers=False, limit=limit,
                             clean_root=self._inside, changes_root=changes,
                             kernel=vm.Kernel(image=f"{self._inside}/boot/{os.path.basename(images[0])}"))
        with vm.Machine(self.box, options) as machine:
            status = machine.run(script)
            if status is None:
                raise Fail(f"the machine of {self.clean.name} died", machine.last_words)
            return status

    def files(self):
        """All paths below the folder, except those that any command changes."""
        found = set()
        for folder, folders, names in os.walk(self.folder):
            below = os.path.relpath(folder, self.folder)
            paths_here = {name: os.path.normpath(os.path.join(below, name)) for name in (*folders, *names)}
            folders[:] = [name for name in folders if not NOT_COMPARED.match(paths_here[name])]
            found.update(path for path in paths_here.values() if not NOT_COMPARED.match(path))
        return found


def remove(folder):
    if os.path.isdir(folder):
        rootfs.remove(folder)


def sandbox_of(arch):
    """A sandbox of the layer that has the emulator of an architecture."""
    return sandbox.Sandbox(rootfs.ensure(arches.ARCHES[arch].layer))
