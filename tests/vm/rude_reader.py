# SPDX-License-Identifier: MIT
"""A reader of a FrameServer that misbehaves in every way, until it is killed.

usage: rude_reader.py SOCKET

First, it tries to write to a buffer, and prints the ways that worked, or "read-only". The protocol is that of
libcmacam/src/share_protocol.h.
"""

import contextlib
import errno
import itertools
import mmap
import os
import signal
import socket
import struct
import sys

import v4l2

MAGIC, VERSION = 0x48534d43, 2
HELLO, WELCOME, BUFFER, FRAME, RETURN = 1, 2, 4, 5, 6
HEADER = struct.Struct("=IHH")
LEFT_OPEN = 30
LIMIT = 5


def message(kind, *numbers):
    return HEADER.pack(MAGIC, VERSION, kind) + struct.pack(f"={len(numbers)}I", *numbers)


class Rude:
    """One connection, and its ways to misbehave."""

    def __init__(self, path, credits=2):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        if credits is not None:
            self.socket.send(message(HELLO, credits))

    def hear(self):
        """(type, message, descriptors)"""
        data, fds, _, _ = socket.recv_fds(self.socket, 4096, 4)
        if len(data) < HEADER.size:
            raise ConnectionResetError(errno.ECONNRESET, "the server has let this reader go")
        return HEADER.unpack_from(data)[2], data, fds

    def floods(self):
        for number in range(2000):
            self.socket.send(message(RETURN, number, number))

    def lies_about_sizes(self):
        self.socket.send(bytes(9000))

    def lies_about_types(self):
        self.socket.send(message(BUFFER, 0xffffffff, 0))

    def guesses_returns(self):
        for buffer, serial in itertools.product(range(8), range(1, 4)):
            self.socket.send(message(RETURN, buffer, serial))

    def says_hello_again(self):
        self.socket.send(message(HELLO, 0xffffffff))

    def sends_descriptors(self):
        socket.send_fds(self.socket, [message(RETURN, 0, 0)], [0, 1, 2])

    def dies(self):
        child = os.fork()
        if not child:
            os.kill(os.getpid(), signal.SIGKILL)
        self.socket.close()
        os.waitpid(child, 0)

    def keeps_a_frame(self):
        while self.hear()[0] != FRAME:
            pass

    def reads_nothing(self):
        pass


def ways_to_write(path):
    """The ways by which a reader can write to a buffer of the server."""
    reader = Rude(path)
    fds = []
    while not fds:
        _, _, fds = reader.hear()
    fd, size = fds[0], os.lseek(fds[0], 0, os.SEEK_END)
    tries = {"mmap": lambda: v4l2.map_dmabuf(fd, size, mmap.PROT_READ | mmap.PROT_WRITE),
             "sync": lambda: v4l2.sync(fd, v4l2.START | v4l2.RW),
             "write": lambda: os.write(fd, b"x")}
    worked = []
    for name, attempt in tries.items():
        try:
            attempt()
            worked.append(name)
        except OSError as error:
            assert error.errno in (errno.EACCES, errno.EBADF), (name, error)
    v4l2.sync(fd, v4l2.START | v4l2.READ)   # without an end
    with v4l2.map_dmabuf(fd, size) as pixels:
        assert len(pixels[:size]) == size
    reader.socket.close()
    return worked


def main(path):
    print(" ".join(ways_to_write(path)) or "read-only", flush=True)
    kinds = [Rude.floods, Rude.lies_about_sizes, Rude.lies_about_types, Rude.guesses_returns, Rude.says_hello_again,
             Rude.sends_descriptors, Rude.dies, Rude.keeps_a_frame, Rude.reads_nothing]
    left_open = []
    for number in itertools.count():
        # The server disconnects who does this: an error is what a rude reader expects.
        with contextlib.suppress(OSError):
            one = Rude(path, (2, 0xffffffff, None)[number % 3])
            left_open.append(one)
            kinds[number % len(kinds)](one)
        if len(left_open) > LEFT_OPEN:
            left_open.clear()
        if number == 10 * len(kinds):
            print("misbehaves", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
