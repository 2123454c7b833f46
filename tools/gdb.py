# SPDX-License-Identifier: MIT
"""./dev gdb: a debugger for the kernel of a machine that ./dev shell --gdb has started in another terminal."""

import os
import socket
import subprocess

import paths
import vm
from ui import Fail

FOLDER = os.path.join(paths.BUILD, "gdb")
ATTACH = "attach.gdb"
SYMBOLS = "symbols.gdb"
LIMIT = 300


def offer():
    """Choose a port of this host, at which the debugger can reach the machine."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, SYMBOLS), "w"):
        pass
    with open(os.path.join(FOLDER, ATTACH), "w") as f:
        f.write("# Written by ./dev shell --gdb.\nset confirm off\nset architecture i386:x86-64\n"
                f"target remote 127.0.0.1:{port}\nsource /build/gdb/{SYMBOLS}\n")
    return port


def argv(more=()):
    """The debugger's command line inside the root folder. The caller's options follow ours."""
    return ["gdb", "-q", "-x", f"/build/gdb/{ATTACH}", *more]


def main(args, ready):
    if not os.path.exists(os.path.join(FOLDER, ATTACH)):
        raise Fail("no machine waits for a debugger: start one with ./dev shell --gdb in another terminal")
    box = ready(quiet=True, up_to_date=False)
    return box.popen(argv(args.options), stdin=None).wait()


def check(box):
    """Stop the machine at a breakpoint in the driver, and show the source line. Returns the error, or ""."""
    port = offer()
    go = os.path.join(FOLDER, "go")
    if os.path.exists(go):
        os.unlink(go)
    with vm.Machine(box, vm.Options(gdb=port, limit=LIMIT)) as machine:
        debugger = None
        try:
            # The machine waits until the breakpoint is there.
            command = ("until [ -e /build/gdb/go ]; do sleep 0.1; done; "
                       "v4l2-ctl -d /dev/video0 --stream-mmap --stream-count=1")
            waiting = "until [ -s /build/gdb/symbols.gdb ]; do sleep 0.2; done; exec timeout 200 \"$@\""
            debugger = box.popen(["sh", "-c", waiting, "sh", *argv(
                ["-batch", "-ex", "hbreak video_start_streaming", "-ex", "shell touch /build/gdb/go",
                 "-ex", "continue", "-ex", "bt 2", "-ex", "delete", "-ex", "detach"])],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            status = machine.run(command)
            said = debugger.communicate(timeout=LIMIT)[0]
        finally:
            if debugger and debugger.poll() is None:
                debugger.kill()
    hit = "Breakpoint 1, video_start_streaming" in said and "cmacam/video-queue.c" in said
    return "" if hit and status == 0 else f"the machine's status is {status}, and the debugger printed:\n{said}"
