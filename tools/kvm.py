# SPDX-License-Identifier: MIT
"""The accelerator to use. A writable /dev/kvm does not prove that KVM works, so a kernel is booted with it."""

import os
import subprocess

import paths
from ui import say

LIMIT = 8


def accelerator(sandbox):
    """"kvm" if a kernel boots with it, else "tcg". The result is kept until the host reboots."""
    with open("/proc/sys/kernel/random/boot_id") as f:
        boot = f.read().strip()
    kept = os.path.join(paths.CACHE, "accelerator")
    if os.path.exists(kept):
        with open(kept) as f:
            seen, _, answer = f.read().partition(" ")
        if seen == boot:
            return answer
    answer = "kvm" if boots_with_kvm(sandbox) else "tcg"
    with open(kept, "w") as f:
        f.write(f"{boot} {answer}")
    if answer == "tcg":
        say("    KVM does not boot a kernel on this host: the machine is emulated (slower, but complete)")
    return answer


def boots_with_kvm(sandbox):
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    command = ["timeout", "-s", "KILL", str(LIMIT), "qemu-system-x86_64", "-machine", "q35", "-accel", "kvm",
               "-cpu", "host", "-m", "256M", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               "-serial", "stdio", "-kernel", "/boot/vmlinux", "-append", "console=ttyS0 panic=-1"]
    done = sandbox.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    # Without a root file system a kernel that works comes as far as this panic.
    return b"Unable to mount root fs" in done.stdout
