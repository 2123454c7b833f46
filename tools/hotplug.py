# SPDX-License-Identifier: MIT
"""Boards that are killed and replaced while the machine runs.

The machine sends commands to its port cmacam.host, one on each line. "kill N" ends the process of board N, as a
crash does. "start N" starts another process and plugs it into the next slot of board N. The answer is "ok", or
"error" and a sentence. A killed board stays in its slot, and all its registers read as ones. The reason: QEMU 11.1
aborts with an assertion if it has to remove a device whose server has ended.
"""

import contextlib
import ctypes
import json
import os
import socket
import threading

from ui import Fail

LIMIT = 60
SYS_PIDFD_GETFD = 438
SLOTS = 8           # of each board: as many as PCI functions of one device
FIRST_PLACE = 0x10  # on the bus, of those devices


def complaints(qemu):
    """What the program says at each access to a board that was killed, and until there is another one."""
    return tuple(f"{qemu}: {text}".encode() for text in
                 ("vfio", "failed to read header: EOF", "Unable to connect character device control"))


def slot_name(number, slot):
    return f"slot{number}.{slot}"


def slot_words(number):
    """QEMU's options for the slots of a board. They come before those of the next board, in the order of the bus."""
    return [word for slot in range(SLOTS) for word in
            ("-device", f"pcie-root-port,id={slot_name(number, slot)},chassis={number},slot={slot},multifunction=on,"
             f"addr={FIRST_PLACE + number:#x}.{slot}")]


class Slots:
    """Waits for QEMU on two sockets: the machine's port and QEMU's monitor (QMP)."""

    def __init__(self, machine, folder):
        self._machine = machine
        root = machine.sandbox.root
        self._port = listen(f"{root}{folder}/host")
        self._monitor = listen(f"{root}{folder}/monitor")
        self.words = ["-chardev", f"socket,id=host,path={folder}/host",
                      "-device", "virtserialport,chardev=host,name=cmacam.host",
                      "-chardev", f"socket,id=monitor,path={folder}/monitor",
                      "-object", "monitor-qmp,id=qmp,chardev=monitor"]
        self._used = {}
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        for listener in (self._port, self._monitor):
            listener.close()

    def _serve(self):
        with contextlib.suppress(OSError):      # the machine has ended
            port, _ = self._port.accept()
            monitor = Monitor(self._monitor.accept()[0])
            with port, port.makefile("r") as lines:
                for line in lines:
                    port.sendall((self._obey(monitor, line.split()) + "\n").encode())

    def _obey(self, monitor, words):
        try:
            action, number = words[0], int(words[1])
            if action == "kill":
                self._machine.kill_board(number)
            elif action == "start":
                self._machine.start_board(number)
                self._used[number] = self._used.get(number, 0) + 1
                monitor.command("device_add", self._machine.board_device(number, self._used[number]))
            else:
                return f"error no such command: {action}"
        except (Fail, LookupError, ValueError, OSError) as error:
            return f"error {error}"
        return "ok"


class Monitor:
    """QEMU's monitor."""

    def __init__(self, connection):
        connection.settimeout(LIMIT)
        self._connection = connection
        self._lines = connection.makefile("r")
        self._receive("QMP")
        self.command("qmp_capabilities")

    def _receive(self, *keys):
        """The next message that has one of these keys. Events are ignored."""
        for line in self._lines:
            message = json.loads(line)
            if any(key in message for key in keys):
                return message
        raise Fail("QEMU has closed its monitor")

    def command(self, name, arguments=None):
        self._connection.sendall(json.dumps({"execute": name, "arguments": arguments or {}}).encode())
        answer = self._receive("return", "error")
        if "error" in answer:
            raise Fail(f"QEMU refuses {name}: {answer['error']['desc']}")


def kill(process, path):
    """Send SIGKILL to a board. The path is the socket at which the board accepted its connections.

    If a process dies with unread requests, its peer sees a reset of the connection and not its end. QEMU 11.1 then
    aborts with an assertion. So this function keeps the connection open until these requests are read.
    """
    connections = [end for end in sockets_of(process.pid) if is_connection(end, path)]
    process.kill()
    process.wait()
    for connection in connections:
        with connection:
            connection.shutdown(socket.SHUT_RDWR)
            while connection.recv(65536):
                pass


def sockets_of(pid):
    """Duplicates of the sockets that a process has open."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            if os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, int(name), 0)
                if fd < 0:
                    raise OSError(ctypes.get_errno(), "pidfd_getfd")
                yield socket.socket(fileno=fd)
    finally:
        os.close(pidfd)


def is_connection(end, path):
    return end.getsockname() == path and not end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def listen(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    return listener
