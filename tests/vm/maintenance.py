# SPDX-License-Identifier: MIT
"""The architecture's own cache maintenance: probes on the two functions that the DMA API calls for a device that does not snoop.

A kernel for machines whose devices all snoop has neither function, such as that for amd64. There, the events of the DMA API
are all that can be seen.
"""

import functools
import os

from tracefs import TRACEFS

GROUP = "maintenance"
FUNCTIONS = {"cpu": "arch_sync_dma_for_cpu", "device": "arch_sync_dma_for_device"}
TO_DEVICE = 1       # enum dma_data_direction


def arguments():
    """Where the functions find the physical address, the size and the direction, and how wide the address is."""
    release = os.uname()
    if not release.machine.startswith("armv"):
        return "$arg1:x64", "$arg2:u64", "$arg3:u32"
    # 32-bit ARM has registers only. With LPAE, an address takes two; the machine has no memory above 4 GB.
    if release.release.endswith("-lpae"):
        return "%r0:x32", "%r2:u32", "%r3:u32"
    return "%r0:x32", "%r1:u32", "%r2:u32"


@functools.cache
def exists():
    with open("/proc/kallsyms") as symbols:
        return FUNCTIONS["cpu"] in {line.split()[2] for line in symbols}


def events():
    """The names of the events for a Trace, (): there are none. The machine keeps the probes until it ends."""
    if not exists():
        return ()
    # Each test is a process of its own.
    if not os.path.exists(f"{TRACEFS}/events/{GROUP}"):
        add_probes()
    return tuple(f"{GROUP}:{function}" for function in FUNCTIONS.values())


def add_probes():
    # The file cannot seek, so mode "a" fails. Mode "w" would remove all other probes.
    probes = os.open(f"{TRACEFS}/kprobe_events", os.O_WRONLY | os.O_APPEND)
    address, size, direction = arguments()
    try:
        for function in FUNCTIONS.values():
            os.write(probes, f"p:{GROUP}/{function} {function} address={address} size={size} dir={direction}\n".encode())
    finally:
        os.close(probes)


def done(trace, target, to_device=True):
    """[(physical address, bytes)] of the maintenance in a trace, for "cpu" or for "device".

    to_device: also that for devices that only read.
    """
    return [(int(event.fields["address"], 0), int(event.fields["size"])) for event in trace.named(FUNCTIONS[target])
            if to_device or int(event.fields["dir"]) != TO_DEVICE]


def writes_back():
    """True if vb2-cma maps a buffer for a device that only reads, to write its lines back (vcma_write_back())."""
    return os.uname().machine.startswith("armv")
