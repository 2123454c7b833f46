# SPDX-License-Identifier: MIT
"""Let an ioctl of this process fail, as it does if the driver refuses what the program asks for.

A filter of the kernel (seccomp) does so. It is for all threads of the process, and stays until the process ends.
"""

import ctypes
import os
import struct
import sys

from declare import Skip

# The numbers of ioctl() and seccomp(), by machine.
CALLS = {"x86_64": (16, 317), "aarch64": (29, 277), "armv7l": (54, 383)}
SET_MODE_FILTER, ALL_THREADS = 1, 1         # SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
NO_NEW_PRIVILEGES = 38                      # PR_SET_NO_NEW_PRIVS
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06      # BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K
FAIL, ALLOW = 0x00050000, 0x7fff0000        # SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW
NUMBER, FILE, REQUEST = 0, 16, 24           # in struct seccomp_data: the call, and the low halves of its first two arguments


def refuse(request, error, node=None):
    """From now on, ioctl() with this request fails with this errno value.

    node: it fails only for the descriptors of this device node that the process has open now.
    """
    if node is None:
        install(request, error, {})
        return
    descriptors = [int(fd) for fd in os.listdir("/proc/self/fd") if os.path.realpath(f"/proc/self/fd/{fd}") == node]
    assert descriptors, f"{node} is not open"
    for fd in descriptors:
        install(request, error, {FILE: fd})


def install(request, error, more):
    """Install a filter. more: {offset in struct seccomp_data: value}, further conditions."""
    machine = os.uname().machine
    if machine not in CALLS or sys.byteorder != "little":
        raise Skip(f"the numbers of the system calls of {machine} are not known")
    ioctl, seccomp = CALLS[machine]
    conditions = {NUMBER: ioctl, REQUEST: request, **more}
    steps = []
    for number, (offset, value) in enumerate(conditions.items()):
        to_the_end = 2 * (len(conditions) - number - 1) + 1
        steps += [(LOAD, 0, 0, offset), (EQUAL, 0, to_the_end, value)]
    steps += [(RETURN, 0, 0, FAIL | error), (RETURN, 0, 0, ALLOW)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    header = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(seccomp, SET_MODE_FILTER, ALL_THREADS, header):
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")
