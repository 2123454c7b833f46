# SPDX-License-Identifier: MIT
"""The architectures of the machine, and all that differs between them.

A machine of another architecture than the host's boots from a root folder of its own, which is inside a layer of the host's
root folder. QEMU, the file servers and the board run on the host, and are the host's programs.
"""

import dataclasses
import os

import paths
import rootfs
from ui import Fail


@dataclasses.dataclass(frozen=True)
class Arch:
    name: str
    layer: rootfs.Layer         # the layer of the root folder that its tests need
    qemu: tuple                 # the program, and the machine
    cpu: str                    # where the CPU is emulated
    console: str
    parameters: str             # of the kernel, which only this architecture has
    root: str = "/"             # the machine's root folder, inside the root folder
    build: str = "/build"       # what is built for the machine, inside the root folder
    kernel: str = "/boot/vmlinux"
    compiler: str = "gcc"       # for kernel modules
    cross: str = ""             # Meson's cross file, in this folder
    setup: tuple = ()           # options of `meson setup` for the cross build
    bus: str = ""               # the PCI bus in the device tree: its devices do not snoop the CPU's caches
    subjects: tuple = ()        # the tests that are known to run, (): all
    lacks: tuple = ()           # what tests may need and is not here: (what, reason)
    people: bool = True         # the demo has the people detector, which needs OpenCV

    @property
    def native(self):
        """True if the machine's programs also run on the host."""
        return not self.cross

    @property
    def flavour(self):
        """The end of the names of its kernel's packages."""
        return self.layer.kernel or self.name

    @property
    def build_folder(self):
        """The host's path of what is built for the machine."""
        return os.path.normpath(os.path.join(paths.BUILD, os.path.relpath(self.build, "/build")))


AMD64 = Arch(
    name="amd64", layer=rootfs.WHOLE, qemu=("qemu-system-x86_64", "-machine", "q35"),
    # Without fast string instructions: emulation does them byte by byte, and -icount counts each byte as one instruction. A
    # real CPU moves whole lines. The kernel uses these instructions to clear pages and to copy to and from user space.
    cpu="max,-erms,-fsrm,-fzrm,-fsrs", console="ttyS0", parameters="mitigations=off tsc=reliable no_timer_check")

# The board runs on the host. The others need packages that the root folders of other machines do not have yet.
CROSS = ("-Dboard=disabled", "-Dbench=disabled", "-Dopencv=disabled", "-Dpython=disabled")
NO_MEMMAP = "memmap", "the kernel's parameter memmap= reserves memory on x86 only"
NO_SHIM = "shim", "only the shim on amd64 shows data that is not synchronised"

ARM64 = Arch(
    name="arm64", layer=rootfs.ARM64, qemu=("qemu-system-aarch64", "-machine", "virt,gic-version=3"),
    # One that has pages of 16 KiB as well, and no pointer authentication, which takes long to emulate.
    cpu="cortex-a76", console="ttyAMA0", parameters="mitigations=off",
    root="/arm64", build="/build/arm64", kernel="/arm64/boot/vmlinux",
    compiler="aarch64-linux-gnu-gcc", cross="cross-arm64.ini",
    setup=("-Dkernel-dir=/usr/src/linux-headers-arm64", *CROSS),
    bus="/pcie@10000000",
    subjects=("memory", "sync_cost", "attributes", "capture", "dmabuf", "gst_frames", "unplug", "compliance"),
    lacks=(NO_SHIM, NO_MEMMAP, ("heap", "Debian's kernel for arm64 is built without CONFIG_DMABUF_HEAPS")),
    people=False)

# The kernel reaches RAM above about 760 MB through temporary mappings only (high memory). The CMA area is there.
ARMHF = Arch(
    # A kernel without LPAE reaches only what the bus has below 4 GB. This also limits RAM to 3 GB. GICv2 has MSIs by its v2m
    # frame.
    name="armhf", layer=rootfs.ARMHF, qemu=("qemu-system-arm", "-machine", "virt,highmem=off,gic-version=2"),
    cpu="cortex-a15", console="ttyAMA0", parameters="",
    root="/armhf", build="/build/armhf", kernel="/armhf/boot/vmlinux",
    compiler="arm-linux-gnueabihf-gcc", cross="cross-armhf.ini",
    setup=("-Dkernel-dir=/usr/src/linux-headers-armhf", *CROSS),
    bus="/pcie@10000000",
    subjects=("memory", "sync_cost", "capture"),
    lacks=(NO_SHIM, NO_MEMMAP,
           ("heap", "Debian's kernel for armhf is built without CONFIG_DMABUF_HEAPS"),
           ("udmabuf", "Debian's kernel for armhf is built without CONFIG_UDMABUF"),
           ("6G", "the emulated armhf machine has at most 3 GB of RAM")),
    people=False)

ARCHES = {arch.name: arch for arch in (AMD64, ARM64, ARMHF)}


def add_option(parser):
    parser.add_argument("--arch", default=AMD64.name, choices=sorted(ARCHES),
                        help="architecture of the machine; another one than the host's is emulated (default %(default)s)")


def of(args):
    """The architecture that a command line names. The command's other options must fit it."""
    arch = ARCHES[args.arch]
    if not arch.native:
        for option, why in (("noncoherent", f"the board of {arch.name} does not snoop the CPU's caches anyway"),
                            ("debug_kernel", "the debug kernel is built for amd64 only"),
                            ("programs", "the programs of other projects are in the root folder of amd64 only"),
                            ("gdb", "the root folder has a debugger for amd64 only")):
            if getattr(args, option, False):
                raise Fail(f"--{option.replace('_', '-')} --arch {arch.name}: {why}")
    return arch
