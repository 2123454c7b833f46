# SPDX-License-Identifier: MIT
"""The machine: starts and ends the board, three file servers and QEMU together."""

import contextlib
import dataclasses
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time

import console
import hotplug
import kvm
from arch import AMD64, Arch
from sandbox import WITH_US
from ui import Fail, warn

READY_LIMIT = 20
# OpenCV's sample video, in the root folder.
PEOPLE = "/usr/share/cmacam/vtest.avi"
BOOTS = 3


@dataclasses.dataclass(frozen=True)
class Kernel:
    """The kernel that a machine boots, as paths inside the root folder."""

    image: str = ""                  # where it is not the architecture's own
    parameters: str = ""
    root: str = ""                   # an image of the root folder, from which programs start faster
    modules: str = ""                # its folder below /lib/modules, where that is not there
    drivers: str = ""                # our modules for it, where they are not /build/drivers/media
    importer: str = ""               # the same for the device that imports dma-bufs
    planted: str = ""                # the tests' modules with faults for it, where they are not /build/tests/vm/planted
    lacks: tuple = ()                # what tests may need and this machine does not have: (what, reason)
    debug: bool = False              # it has the detectors
    slower: int = 1                  # by how much limits grow


@dataclasses.dataclass(frozen=True)
class Options:
    """The properties of one machine."""

    arch: Arch = AMD64
    board: tuple = ()                # arguments of cmacam-board
    more_boards: tuple = ()          # for each further board: its arguments, a tuple
    hotplug: bool = False            # boards sit in slots; the machine can have them killed and replaced
    no_board: bool = False
    cma: str = "128M"                # size of the CMA area (kernel parameter)
    memory: str = "2G"
    allocator: str = "vb2-cma"       # module parameter of cmacam
    noncoherent: bool = False        # the board's DMA does not snoop the CPU's caches
    repeatable: bool = False         # one CPU whose clock counts instructions: CPU time repeats
    evict: int = 0                   # milliseconds between evictions of dirty lines; 0: none
    append: str = ""                 # further kernel parameters
    allocator_params: str = ""       # module parameters of vb2-cma
    load_drivers: bool = True
    settled: bool = False            # checkout and build do not change while it runs
    share: str = ""                  # host folder shown at /host
    gdb: int = 0                     # port of this host where a debugger can attach to the kernel, 0: none
    tests: object = None             # a feed.Feed, which the machine asks for its tests
    clean_root: str = ""             # another root folder, inside the root folder; nothing that is built here is used in it
    changes_root: bool = False       # the machine may change this folder
    kernel: Kernel = Kernel()
    limit: int = 3600                # seconds until the machine is ended


    @property
    def boards(self):
        """The arguments of each board."""
        return () if self.no_board else (self.board, *self.more_boards)


def board_log(number):
    """The name of a board's log in the state folder."""
    return f"board-{number}.log" if number else "board.log"


class Machine:
    """One boot, which runs one command or a shell. Its state folder remains for the caller to read."""

    def __init__(self, sandbox, options):
        self.sandbox = sandbox
        self.options = options
        self.state = tempfile.mkdtemp(prefix="state-", dir=sandbox.root + "/run")
        self._children = []
        self._boards = {}
        self._slots = None
        self._qemu = None
        self._sockets = "/run/" + os.path.basename(self.state) + ".d"
        os.mkdir(sandbox.root + self._sockets)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.rmtree(self.sandbox.root + self._sockets, ignore_errors=True)

    @property
    def console(self):
        """The kernel's messages on the serial line."""
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(self.state, "console.log"), errors="replace") as f:
                return f.read()
        return ""

    @property
    def last_words(self):
        """The end of the kernel's messages, with the whole report of its fault if there is one."""
        return console.last_words(self.console)

    def run(self, command):
        """Run a shell command line inside. Return its exit status, or None if the machine died.

        On a busy host, an emulated kernel sometimes dies early in its boot, while it patches itself (an int3 that no handler
        accepts). None of our code runs at that time, so the boot is tried again.
        """
        for _ in range(BOOTS - 1):
            status = self._run(command)
            if status is not None or os.path.exists(os.path.join(self.state, "booted")):
                return status
            warn("the kernel died before its first process; booting again")
            for name in os.listdir(self.sandbox.root + self._sockets):
                os.unlink(os.path.join(self.sandbox.root + self._sockets, name))
        return self._run(command)

    def _run(self, command):
        """Boot once.

        The output is copied to ours through pipes. The reason: QEMU opens its output again, so two writers of a regular file
        would have separate offsets.
        """
        with open(os.path.join(self.state, "command"), "w") as f:
            f.write(command + "\n")
        self._configure(interactive=False)
        qemu = self._start(["-serial", f"file:{self._inside('console.log')}",
                            "-chardev", "file,id=out,path=/dev/stdout,append=on",
                            "-chardev", "file,id=err,path=/dev/stderr,append=on",
                            "-device", "virtserialport,chardev=out,name=cmacam.stdout",
                            "-device", "virtserialport,chardev=err,name=cmacam.stderr"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expected = hotplug.complaints(self.options.arch.qemu[0]) if self.options.hotplug else None
        pumps = [threading.Thread(target=pump, args=ends, daemon=True)
                 for ends in ((qemu.stdout, sys.stdout.buffer), (qemu.stderr, sys.stderr.buffer, expected))]
        for thread in pumps:
            thread.start()
        status = self._wait(qemu)
        for thread in pumps:
            thread.join(READY_LIMIT)
        return status

    def shell(self):
        """An interactive shell on this terminal."""
        self._configure(interactive=True)
        terminal = termios.tcgetattr(sys.stdin)
        try:
            qemu = self._start(["-chardev", "stdio,id=tty,signal=off", "-serial", "chardev:tty"],
                               stdin=sys.stdin, start_new_session=False)
            return self._wait(qemu)
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, terminal)

    def stop(self):
        # End QEMU first, because it prints long messages about servers that end before it.
        for child in reversed(self._children):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()
        if self._slots:
            self._slots.close()

    def _inside(self, name):
        return "/run/" + os.path.basename(self.state) + "/" + name

    def _configure(self, interactive):
        columns, lines = shutil.get_terminal_size()
        ports = [] if interactive else ["cmacam.stdout", "cmacam.stderr"]
        ports += [f"cmacam.board.{number}" for number in range(len(self.options.boards))]
        ports += ["cmacam.host"] if self.options.hotplug else []
        ports += ["cmacam.tests"] if self.options.tests else []
        settings = {"ALLOCATOR": self.options.allocator,
                    "ALLOCATOR_PARAMS": self.options.allocator_params,
                    "CLEAN": "yes" if self.options.clean_root else "no",
                    "CONSOLE": self.options.arch.console,
                    "DRIVER": "yes" if self.options.load_drivers else "no",
                    "NONCOHERENT": "yes" if self.options.noncoherent else "no",
                    "EVICT": self.options.evict,
                    "GDB": "yes" if self.options.gdb else "no",
                    "INTERACTIVE": "yes" if interactive else "no",
                    "PORTS": " ".join(ports), "UDEV_LIMIT": 20 * self.options.kernel.slower,
                    "TERM": os.environ.get("TERM", "vt100"), "COLUMNS": columns, "LINES": lines}
        with open(os.path.join(self.state, "config"), "w") as f:
            f.writelines(f"{key}={shlex.quote(str(value))}\n" for key, value in settings.items())

    def _spawn(self, command, **kwargs):
        # An interrupt from the terminal goes only to this program, which then ends its children in order.
        kwargs.setdefault("start_new_session", True)
        child = self.sandbox.popen(command, **kwargs)
        self._children.append(child)
        return child

    def _serve(self, name, folder, *extra):
        """Start a virtiofs server. The server ends when QEMU disconnects."""
        socket = f"{self._sockets}/{name}"
        log = os.path.join(self.state, f"virtiofsd-{name}.log")
        with open(log, "wb") as err:
            child = self._spawn(["/usr/libexec/virtiofsd", f"--socket-path={socket}",
                                 f"--shared-dir={folder}", "--sandbox=none", *extra],
                                stdout=err, stderr=err)
        self._await_socket(child, socket, "virtiofsd", log)
        return ["-chardev", f"socket,id={name},path={socket}",
                "-device", f"vhost-user-fs-pci,chardev={name},tag={name}"]

    def start_board(self, number):
        """Start the process of a board that replaces a killed one."""
        socket, control = self._board_sockets(number)
        # The board appends to its log, but a test must read only what this board does.
        with open(os.path.join(self.state, board_log(number)), "w"):
            pass
        log = os.path.join(self.state, f"board-{number}.err")
        with open(log, "ab") as err:
            child = self._spawn(["/build/board/cmacam-board", "--socket", socket, "--control", control,
                                 "--log", self._inside(board_log(number)), *self.options.boards[number]],
                                stdout=err, stderr=err)
        self._await_socket(child, socket, f"board {number}", log)
        self._await_socket(child, control, f"board {number}", log)
        self._boards[number] = child

    def kill_board(self, number):
        """End the process of a board as a crash does."""
        hotplug.kill(self._boards[number], self._board_sockets(number)[0])

    def board_device(self, number, slot=0):
        """QEMU's options for the PCI device of a board."""
        device = {"driver": "vfio-user-pci", "socket": {"type": "unix", "path": self._board_sockets(number)[0]}}
        return {**device, "bus": hotplug.slot_name(number, slot)} if self.options.hotplug else device

    def _board_sockets(self, number):
        return f"{self._sockets}/board{number}", f"{self._sockets}/control{number}"

    def _board_words(self, number):
        """QEMU's options for one board and its control port. After a replacement, the port is that of the new board."""
        slots = hotplug.slot_words(number) if self.options.hotplug else []
        control = self._board_sockets(number)[1]
        return [*slots, "-device", json.dumps(self.board_device(number)),
                "-chardev", f"socket,id=control{number},path={control},reconnect-ms=100",
                "-device", f"virtserialport,chardev=control{number},name=cmacam.board.{number}"]

    def _await_socket(self, child, socket, what, log):
        """Wait until a server listens: its socket is in the kernel's list with the listening flag."""
        limit = time.monotonic() + READY_LIMIT
        while not listening(socket):
            if child.poll() is not None or time.monotonic() > limit:
                with open(log, errors="replace") as f:
                    raise Fail(f"{what} did not start: {f.read().strip() or f'status {child.poll()}'}")
            time.sleep(0.01)

    def _checkout(self):
        """Bind the sources and the build into one folder, and return its path."""
        top = f"/run/{os.path.basename(self.state)}.checkout"
        self.sandbox.bind(self.sandbox.root + "/src", f"{top}/src")
        self.sandbox.bind(self.sandbox.root + self.options.arch.build, f"{top}/build")
        if self.options.kernel.drivers:
            self.sandbox.bind(self.sandbox.root + self.options.kernel.drivers, f"{top}/build/drivers/media")
        if self.options.kernel.planted:
            self.sandbox.bind(self.sandbox.root + self.options.kernel.planted, f"{top}/build/tests/vm/planted")
        if self.options.kernel.importer:
            self.sandbox.bind(self.sandbox.root + self.options.kernel.importer, f"{top}/build/tests/vm/importer")
        return top

    def _share(self):
        """Bind the shared folder of the host, the state and the modules into one folder, and return its path."""
        top = f"/run/{os.path.basename(self.state)}.share"
        self.sandbox.bind(self.options.share or self.sandbox.root + "/host", f"{top}/host")
        self.sandbox.bind(self.state, f"{top}/state")
        if self.options.kernel.modules:
            self.sandbox.bind(self.sandbox.root + self.options.kernel.modules, f"{top}/modules")
        return top

    def _device_tree(self, qemu):
        """Write the device tree of this machine, whose devices on the PCI bus do not snoop the CPU's caches. Return its path."""
        tree, bus = self._inside("machine.dtb"), self.options.arch.bus
        # What is above the bus says that devices snoop, so the bus must say the opposite, and not nothing.
        for command in ([*qemu, "-machine", f"dumpdtb={tree}"], ["fdtput", "-d", tree, bus, "dma-coherent"],
                        ["fdtput", tree, bus, "dma-noncoherent"]):
            self.sandbox.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return tree

    def _start(self, devices, **kwargs):
        arch = self.options.arch
        accelerator = kvm.accelerator(self.sandbox) if arch.native else "tcg"
        files = self._serve("root", self.options.clean_root or arch.root, "--cache=always",
                            *(() if self.options.changes_root else ("--readonly",)))
        # Without "always", what a program was loaded from is read again for the next one.
        files += self._serve("checkout", self._checkout(), f"--cache={'always' if self.options.settled else 'auto'}",
                             "--announce-submounts")
        files += self._serve("share", self._share(), "--cache=auto", "--announce-submounts")
        boards = []
        for number in range(len(self.options.boards)):
            self.start_board(number)
            boards += self._board_words(number)
        if self.options.hotplug:
            self._slots = hotplug.Slots(self, self._sockets)
            boards += self._slots.words
        if self.options.tests:
            boards += self.options.tests.words(self, f"{self._sockets}/tests")
        kernel_line = (f"console={arch.console} root=root rootfstype=virtiofs "
                       f"{'rw' if self.options.changes_root else 'ro'} init=/src/tools/guest/init panic=-1 "
                       f"oops=panic quiet loglevel=4 {arch.parameters} "
                       f"cryptomgr.notests damon_stat.enabled=N log_buf_len=4M cma={self.options.cma} {self.options.kernel.parameters} "
                       f"{self.options.append}")
        if self.options.gdb:
            # Modules would move with the kernel.
            kernel_line += " nokaslr"
        if self.options.kernel.root:
            # Nobody writes to it, so several machines may have it open.
            file = {"driver": "file", "filename": self.options.kernel.root, "locking": "off"}
            devices = [*devices, "-blockdev", json.dumps({"driver": "raw", "node-name": "root", "read-only": True, "file": file}),
                       "-device", "virtio-blk-pci,drive=root"]
            kernel_line += " ROOT_IMAGE=/dev/vda"
        qemu = emulator(self.options, accelerator)
        if arch.bus:
            qemu += ["-dtb", self._device_tree(qemu)]
        qemu += ["-no-reboot", "-kernel", self.options.kernel.image or arch.kernel, "-append", kernel_line,
                 *files, "-device", "virtio-serial-pci", *boards, *devices]
        # In the foreground: in a group of its own, QEMU would not reach the terminal.
        command = ["timeout", "--foreground", "-k", "5", str(self.options.limit), *WITH_US, *qemu]
        if self.options.gdb:
            command += ["-gdb", f"tcp:127.0.0.1:{self.options.gdb}"]
        self._qemu = self._spawn(command, **kwargs)
        return self._qemu

    def end(self):
        """End the machine. Another thread, which waits for the machine, calls this."""
        self._qemu.terminate()

    def _wait(self, qemu):
        status = qemu.wait()
        self.stop()
        if status == 124:
            raise Fail(f"the machine was ended after {self.options.limit} s")
        try:
            with open(os.path.join(self.state, "rc")) as f:
                return int(f.read())
        except (FileNotFoundError, ValueError):
            return None


def emulator(options, accelerator):
    """QEMU and its options for CPU and memory."""
    arch = options.arch
    if options.repeatable:
        cpu = ["-accel", "tcg,thread=single", "-cpu", arch.cpu, "-icount", "shift=0,sleep=on", "-smp", "1"]
    elif accelerator == "kvm":
        cpu = ["-accel", "kvm", "-cpu", "host", "-smp", "2"]
    else:
        cpu = ["-accel", "tcg,thread=multi", "-cpu", arch.cpu, "-smp", "2"]
    return [*arch.qemu, *cpu, "-m", options.memory,
            "-object", f"memory-backend-memfd,id=mem,size={options.memory},share=on",
            "-numa", "node,memdev=mem", "-nodefaults", "-no-user-config", "-display", "none"]


def pump(source, sink, without=None):
    """Copy the output as it arrives. With `without`, leave out the lines that begin with this text."""
    while chunk := source.readline() if without else source.read1(65536):
        if without and chunk.startswith(without):
            continue
        sink.write(chunk)
        sink.flush()


def listening(socket):
    """True if a Unix socket with this path listens (flag __SO_ACCEPTCON, proc_pid_net(5))."""
    with open("/proc/net/unix") as f:
        return any(line.endswith(f" {socket}\n") and line.split()[3] == "00010000" for line in f)
