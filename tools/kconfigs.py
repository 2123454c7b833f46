# SPDX-License-Identifier: MIT
"""Kernel trees with our drivers: Kconfig grants the right options, the drivers compile, and one kernel is linked (--long).

The kernel's source is Debian's, of the kernel in use. The cache keeps this source and the compilers for other
architectures. The source stays as it is: an overlay puts our drivers into it. Each architecture has one object folder,
so the kernel's own tools are built once for all configurations of this architecture.
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
import time

import host
import passed
import paths
import rootfs
from checks import output
from sandbox import ENVIRONMENT, WITH_US
from ui import Fail, last_line, run_logged, say, step

PREFIX = "kconfig-"
DISK_NEEDED = 4 << 30
FOLDER = os.path.join(paths.BUILD, "kconfig")
INSIDE = "/build/kconfig"
# The parts of the tree: Debian's source and tools, our drivers. The overlay of both is the tree.
SOURCE = "/run/kconfig/source"
TREE = "/run/kconfig/tree"
OURS = f"{INSIDE}/ours"
# What our drivers change in the tree. The other files of these folders stay as they are.
CHANGED = ("drivers/media/Kconfig", "drivers/media/Makefile")

# The mirror may have only a newer source of the same series, which will do. Left out are large files that no configuration
# compiles.
FETCH = r"""
set -eu
[ ! -e /run/resolv.conf ] || busybox mount --bind /run/resolv.conf /etc/resolv.conf
cd "$SOURCE"
mkdir -p apt/lists/partial apt/archives/partial linux tools
set -- -q -o Dir::State::lists="$SOURCE/apt/lists" -o Dir::Cache="$SOURCE/apt" -o APT::Sandbox::User=root
apt-get "$@" update
apt-get "$@" download "$LINUX=$VERSION" || apt-get "$@" download "$LINUX"
apt-get "$@" download $COMPILERS
apt-get "$@" -y --download-only --no-install-recommends install flex bison bc libelf-dev
dpkg-deb --fsys-tarfile linux-source-*.deb | tar -xO --wildcards '*/linux-source-*.tar.xz' |
	tar -C linux -xJ --strip-components 1 --exclude '*.dts' --exclude '*.dtsi' --exclude 'Documentation/*/*' \
		--exclude 'drivers/gpu/drm/*.[ch]' --exclude 'tools/testing/*'
rm -f linux-source-*.deb
for package in *.deb apt/archives/*.deb; do
	dpkg-deb -x "$package" tools
done
rm -rf apt ./*.deb
"""

# The root folder has neither the tools that only a kernel needs nor the other compilers. This command alone sees them.
ENTER = r"""
set -eu
busybox mount -t overlay tools -o "lowerdir=$SOURCE/tools/usr:/usr" /usr
mkdir -p "$TREE"
busybox mount -t overlay tree -o "lowerdir=$OURS:$SOURCE/linux" "$TREE"
exec "$@"
"""

# The environment of the scripts above.
VARIABLES = {**ENVIRONMENT, "SOURCE": SOURCE, "TREE": TREE, "OURS": OURS}

# gcc itself also compiles for i386.
COMPILERS = {"arm": "arm-linux-gnueabihf", "arm64": "aarch64-linux-gnu"}

# Our options, each with an object that exists only if the option is on.
OURS_AND_OBJECTS = {"VIDEOBUF2_CMA": "vb2-cma/buf.o", "VIDEO_CMACAM": "cmacam/core.o",
                    "DMABUF_HEAPS_CACHED_CMA": "vb2-cma/heap.o", "DMA_NONCOHERENT_SHIM": "noncoherent/main.o",
                    "VIDEO_MINICAM": "minicam/minicam.o", "VIDEOBUF2_CMA_ADOPT": "vb2-cma-adopt/main.o"}
MESSAGE = re.compile(r"\b(warning|error)\b|No rule to make target", re.I)
OUR_FILES = re.compile(r"drivers/media/(vb2-cma|cmacam|noncoherent|minicam|compat\.h)|linux/(cmacam|vb2-cma)\.h")
# What make prints before the messages of a file, such as "  CC [M]  drivers/media/vb2-cma/buf.o".
STEP = re.compile(r"  [A-Z]+ ")
DIVISION = re.compile(r"\b__(u?(div|mod|divmod)di[34]|aeabi_u?ldivmod)$")


def options(value, *names):
    return dict.fromkeys(names, value)


NEEDED = options("y", "MODULES", "PCI", "MEDIA_SUPPORT", "MEDIA_CAMERA_SUPPORT", "VIDEO_DEV", "CMA", "DMA_CMA")
USED = options("y", "DMABUF_HEAPS", "DEBUG_FS", "FTRACE", "ENABLE_DEFAULT_TRACERS", "SUSPEND", "PCI_MSI",
               "TRANSPARENT_HUGEPAGE")
DEVICE_PAGES = options("y", "MEMORY_HOTPLUG", "MEMORY_HOTREMOVE", "ZONE_DEVICE")
SHIM = options("y", "GART_IOMMU")
ALL = {**NEEDED, **USED, **DEVICE_PAGES, **SHIM, "FS_DAX": "y"}
MODULES = options("m", *OURS_AND_OBJECTS)


@dataclasses.dataclass(frozen=True)
class Configuration:
    """The configuration of one kernel."""

    name: str
    purpose: str
    # The options that are set, and the values that Kconfig must grant. An option that is granted "n" may be missing.
    settings: dict
    granted: dict = dataclasses.field(default_factory=dict)
    arch: str = "x86_64"
    others: str = "allnoconfig"     # the target of make that decides about all other options
    linked: bool = False

    @property
    def objects(self):
        """The object folder. The configuration that is linked has its own, so that the next run compiles little."""
        return f"{self.arch}-linked" if self.linked else self.arch

    @property
    def seed(self):
        """{option: value}: our options are modules unless the settings say otherwise."""
        return {**MODULES, **self.settings}

    @property
    def wanted(self):
        return {**self.seed, **self.granted}


CONFIGURATIONS = (
    Configuration("modules", "all options that the drivers use", ALL),
    Configuration("no_fs_dax", "no way to refuse long-term pins", {**ALL, "FS_DAX": "n"}),
    Configuration("no_zone_device", "no pages for memory outside the kernel's RAM",
                  {**NEEDED, **USED, **SHIM}, options("n", "ZONE_DEVICE", "FS_DAX")),
    Configuration("no_huge_pages", "no huge pages", {**ALL, "TRANSPARENT_HUGEPAGE": "n"}),
    Configuration("bare", "neither debugfs nor trace events, power management, heaps or the shim", NEEDED,
                  options("n", "DEBUG_FS", "FTRACE", "PM", "DMABUF_HEAPS", "DMABUF_HEAPS_CACHED_CMA", "DMA_NONCOHERENT_SHIM")),
    Configuration("defaults", "default options, among them FS_DAX",
                  {**NEEDED, **USED, **DEVICE_PAGES, **SHIM}, options("y", "FS_DAX"), others="alldefconfig"),
    # Without some options that need more tools and libraries. A warning in one of the kernel's tools is not an error.
    Configuration("all_modules", "all options, with KASAN and others",
                  {"DEBUG_INFO_NONE": "y",
                   **options("n", "SECURITY", "MODULE_SIG", "MODVERSIONS", "HEADERS_INSTALL", "WERROR")},
                  options("y", "DMA_CMA", "ZONE_DEVICE", "FS_DAX", "TRANSPARENT_HUGEPAGE"),
                  others="allmodconfig"),
    Configuration("i386", "32 bits and highmem",
                  {**NEEDED, **USED, "HIGHMEM4G": "y"}, options("n", "64BIT", "FS_DAX", "DMA_NONCOHERENT_SHIM"), arch="i386"),
    Configuration("armhf", "32 bits and devices that do not snoop",
                  {**NEEDED, **options("y", "MMU", "ARCH_MULTI_V7", "ARCH_VIRT", "HIGHMEM", "DMABUF_HEAPS", "DEBUG_FS")},
                  options("n", "FS_DAX", "DMA_NONCOHERENT_SHIM"), arch="arm"),
    Configuration("arm64", "pages of 64 KiB", {**NEEDED, **USED, **DEVICE_PAGES, "FS_DAX": "y", "ARM64_64K_PAGES": "y"},
                  options("n", "DMA_NONCOHERENT_SHIM"), arch="arm64"),
    Configuration("linked", "all drivers built in",
                  {**ALL, **options("y", *OURS_AND_OBJECTS), "MODULES": "n"}, linked=True),
    Configuration("no_dma_cma", "CMA that is not for DMA: contiguous memory from elsewhere", {**ALL, "DMA_CMA": "n"}),
    Configuration("no_contig_alloc", "no contiguous memory: none of the drivers is offered",
                  {**NEEDED, **SHIM, **options("n", "CMA", "COMPACTION")},
                  options("n", "CONTIG_ALLOC", "DMA_CMA", *OURS_AND_OBJECTS)),
)


def run(box, tally, args):
    if not args.long:
        return
    checks = {"add_to_tree": add_to_tree, "out_of_tree": out_of_tree,
              **{each.name: lambda box, each=each: check(box, each) for each in CONFIGURATIONS}}
    checks = {name: each for name, each in checks.items() if args.match in f"kconfig.{name}"}
    if not checks:
        return
    start = time.monotonic()
    try:
        ensure(box)
        reset_ours(box)
    except Fail as error:
        tally.add("kconfig.source", "not ok", time.monotonic() - start, f"{error}\n{error.detail}")
        return
    for name, each in checks.items():
        start = time.monotonic()
        try:
            said = each(box)
        except Fail as error:
            said = f"{error}\n{error.detail}"
        tally.add(f"kconfig.{name}", "not ok" if said else "ok", time.monotonic() - start, said)


def location(version):
    return os.path.join(paths.CACHE, f"{PREFIX}{version}-{hashlib.sha256(FETCH.encode()).hexdigest()[:12]}")


def ensure(box):
    """Fetch source and compilers if they are missing, and bind them into the root folder."""
    version = rootfs.versions(box.root)["kernel"]
    folder = location(version)
    # Two commands started at once: the second waits, then finds the folder.
    with open(os.path.join(paths.CACHE, "kconfig.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            host.require_disk(DISK_NEEDED)
            fetch(box, version, folder)
    box.bind(folder, SOURCE)


def fetch(box, version, folder):
    for stale in glob.glob(os.path.join(paths.CACHE, PREFIX + "*.partial")):
        shutil.rmtree(stale)
    partial = folder + ".partial"
    box.bind(partial, SOURCE)
    if os.path.exists("/etc/resolv.conf"):
        shutil.copy("/etc/resolv.conf", box.root + "/run/resolv.conf")
    with step("Fetching the kernel's source and two compilers: 250 MB, 1 GB of disk space, once"):
        try:
            run_logged(inside(box, ["sh", "-c", FETCH]), log_of("source"), "fetching the kernel's source",
                       env={**VARIABLES, **packages(box, version)}, stop=subprocess.Popen.kill)
            os.rename(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    for old in sorted(set(glob.glob(os.path.join(paths.CACHE, PREFIX + "*-*"))) - {folder}):
        say(f"    you may remove this older kernel tree if no other checkout uses it: {old}")


def packages(box, version):
    """The source of the kernel in use, and compilers of the version in use. C needs no libraries of the other machines."""
    series = re.match(r"\d+\.\d+", version)[0]
    source = box.run(["dpkg-query", "-W", "-f", "${Version}", f"linux-binary-{version}"], stdout=subprocess.PIPE, text=True)
    parts = [f"{part}-{compiler_version(box)}" for part in ("gcc", "cpp")] + ["binutils"]
    return {"LINUX": f"linux-source-{series}", "VERSION": source.stdout,
            "COMPILERS": " ".join(f"{part}-{name}" for name in COMPILERS.values() for part in parts)}


def compiler_version(box):
    return box.run(["gcc", "-dumpversion"], stdout=subprocess.PIPE, text=True).stdout.split(".")[0].strip()


def inside(box, command):
    """The command line of a command that ends with all of its children."""
    return WITH_US + box.argv(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *command])


def in_tree(box, command):
    """The command line of a command that sees the tree and the tools."""
    return inside(box, ["sh", "-c", ENTER, "sh", *command])


def prefix(configuration):
    """The prefix of the compiler's name, or an empty text."""
    return f"{COMPILERS[configuration.arch]}-" if configuration.arch in COMPILERS else ""


def reset_ours(box):
    """Put the drivers into the upper part of the tree as a user does. Their dates stay: make goes by dates."""
    ours = box.root + OURS
    shutil.rmtree(ours, ignore_errors=True)
    os.makedirs(f"{ours}/include/uapi/linux")
    for path in CHANGED:
        os.makedirs(os.path.dirname(f"{ours}/{path}"), exist_ok=True)
        shutil.copy2(f"{box.root}{SOURCE}/linux/{path}", f"{ours}/{path}")
    box.run(["sh", "/src/drivers/media/add-to-tree.sh", OURS], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def add_to_tree(box):
    """The script names the drivers in the tree once, and does not replace an earlier copy."""
    wrong = []
    for path in CHANGED:
        with open(f"{box.root}{OURS}/{path}") as f:
            lines = f.read().splitlines()
        wrong += [f"{path} has this line {lines.count(line)} times: {line}" for line in lines
                  if re.search(r"vb2-cma|cmacam|noncoherent|minicam", line) and lines.count(line) != 1]
        if not any("vb2-cma/" in line for line in lines):
            wrong.append(f"{path} does not name vb2-cma")
    status, said = output(box, ["sh", "/src/drivers/media/add-to-tree.sh", OURS])
    if status != 1 or "is there already: remove it first" not in said:
        wrong.append(f"a second run ended with status {status}:\n{said}")
    return "\n".join(wrong)


def out_of_tree(box):
    """Outside a kernel tree, the build names the option that the kernel lacks."""
    installed = f"/lib/modules/{rootfs.versions(box.root)['kernel']}/build"
    kernel = os.path.join(FOLDER, "no-contig-alloc")
    shutil.rmtree(kernel, ignore_errors=True)
    os.makedirs(f"{kernel}/include/config")
    os.makedirs(f"{kernel}/scripts/kconfig")
    os.symlink(f"{installed}/scripts/kconfig/conf", f"{kernel}/scripts/kconfig/conf")
    lines = box.run(["cat", f"{installed}/include/config/auto.conf"], stdout=subprocess.PIPE, text=True).stdout
    with open(f"{kernel}/include/config/auto.conf", "w") as f:
        f.write(lines.replace("CONFIG_CONTIG_ALLOC=y\n", ""))
    status, said = output(box, ["sh", "/src/drivers/media/build-modules.sh", "make", f"{INSIDE}/no-contig-alloc",
                                 "/src/drivers/media", f"{INSIDE}/out-of-tree"])
    if status != 1 or "the drivers need CONFIG_CONTIG_ALLOC, which" not in said or "unmet" in said:
        return f"status {status}:\n{said}"
    return ""


def check(box, configuration):
    """The problems of a configuration, or an empty text. If the same sources had no problems before, nothing is done."""
    notes = passed.Notes("kconfig")
    made_of = passed.digest_of([passed.rules(box.root), location(rootfs.versions(box.root)["kernel"]), repr(configuration),
                                passed.digest("tools/kconfigs.py"), passed.everything_below("drivers", "include")])
    if made_of in notes:
        return ""
    remove_ours(configuration)
    problems = configure(box, configuration) or compile_ours(box, configuration)
    if not problems:
        notes.add([made_of])
        return ""
    return "\n".join([f"a kernel with {configuration.purpose}:", *problems])


def remove_ours(configuration):
    """Remove our objects. A file that is left from another configuration would hide that this one does not build it."""
    for folder in {path.split("/")[0] for path in OURS_AND_OBJECTS.values()}:
        shutil.rmtree(os.path.join(FOLDER, configuration.objects, "drivers/media", folder), ignore_errors=True)


def configure(box, configuration):
    """Make the .config. Returns the options that have another value, or the warnings of Kconfig."""
    folder = os.path.join(FOLDER, configuration.objects)
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/seed.config", "w") as f:
        f.writelines(f"# CONFIG_{option} is not set\n" if value == "n" else f"CONFIG_{option}={value}\n"
                     for option, value in configuration.seed.items())
    # With these variables, an unmet dependency and an unknown option are errors.
    failed, said = make(box, configuration, [configuration.others], "kconfig", KCONFIG_WERROR="1",
                        KCONFIG_WARN_UNKNOWN_SYMBOLS="1", KCONFIG_ALLCONFIG=f"{INSIDE}/{configuration.objects}/seed.config")
    if failed:
        return [said]
    with open(f"{folder}/.config") as f:
        have = dict(re.findall(r"^CONFIG_(\w+)=(.*)$", f.read(), re.M))
    return [f"Kconfig made {option}={have.get(option, 'n')}, not {value}" for option, value in configuration.wanted.items()
            if have.get(option, "n") != value]


def compile_ours(box, configuration):
    """Compile our folders, or link the kernel. Returns the problems of our files."""
    built = {option: path for option, path in OURS_AND_OBJECTS.items() if configuration.wanted[option] != "n"}
    goals = ["vmlinux"] if configuration.linked else sorted({f"drivers/media/{path.split('/')[0]}/" for path in built.values()})
    if not goals:
        return []
    # The kernel itself is not free of the warnings of W=1.
    failed, said = make(box, configuration, goals if configuration.linked else ["W=1", *goals], "build")
    ours = list(messages_of_ours(said))
    if failed:
        return ours or [line for line in said.splitlines() if MESSAGE.search(line)][:20] or [said[-3000:]]
    objects = os.path.join(FOLDER, configuration.objects, "drivers/media")
    ours += [f"{path} was {'not ' if option in built else ''}compiled" for option, path in OURS_AND_OBJECTS.items()
             if os.path.exists(f"{objects}/{path}") != (option in built)]
    return ours + divisions(box, configuration, goals)


def divisions(box, configuration, goals):
    """The 64-bit divisions in our objects. On 32 bits, the compiler makes calls that the kernel does not have."""
    folders = [f"{INSIDE}/{configuration.objects}/{goal}" for goal in goals if goal.endswith("/")]
    if not folders:
        return []
    nm = [f"{prefix(configuration)}nm", "--print-file-name", "--undefined-only"]
    done = subprocess.run(in_tree(box, ["find", *folders, "-name", "*.o", "-exec", *nm, "{}", "+"]),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=VARIABLES)
    if done.returncode:
        return [f"the symbols of our objects cannot be read: {done.stdout}"]
    return [line for line in done.stdout.splitlines() if DIVISION.search(line)]


def messages_of_ours(said):
    """The warnings and errors of our files, also those that a header of the kernel causes in our files."""
    step_of_make = ""
    for line in said.splitlines():
        if STEP.match(line):
            step_of_make = line
        if MESSAGE.search(line) and OUR_FILES.search(f"{step_of_make}\n{line}"):
            yield line


def make(box, configuration, goals, what, **environment):
    """(failed, output) of make in the tree. Its progress is printed."""
    name = f"kconfig.{configuration.name}"
    log = log_of(f"{configuration.name}-{what}")
    # -O: the messages of a file are not mixed with those of other files.
    command = ["make", f"-j{os.cpu_count()}", "-O", "-C", TREE, f"O={INSIDE}/{configuration.objects}",
               f"ARCH={configuration.arch}"]
    if prefix(configuration):
        command += [f"CROSS_COMPILE={prefix(configuration)}", f"CC=ccache {prefix(configuration)}gcc-{compiler_version(box)}"]
    failed = False
    try:
        run_logged(in_tree(box, [*command, *goals]), log, name, progress=lambda: f"{name}: {last_line(log)}",
                   env={**VARIABLES, **environment}, stop=subprocess.Popen.kill)
    except Fail:
        failed = True
    with contextlib.suppress(FileNotFoundError), open(log, errors="replace") as f:
        return failed, f.read()
    return failed, ""


def log_of(name):
    return os.path.join(paths.LOGS, f"kconfig-{name}.log")
