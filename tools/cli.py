# SPDX-License-Identifier: MIT
"""The commands of ./dev and their options."""

import argparse
import dataclasses
import os
import re
import shlex
import sys

import arch as arches
import build
import cleanroots
import debugkernel
import foreign_modules
import gdb
import host
import kconfigs
import kernels
import package
import passed
import paths
import rootfs
import sandbox
import vm
from ui import Fail, say, warn


def ready(quiet=False, up_to_date=True, demo=False, layer=rootfs.WHOLE, later=(), arch=arches.AMD64):
    """Makes the root folder, the namespace and an up-to-date build, which every command needs, or only those for the demo.

    The layers `later` are those that the command works in after its first. They are made before anything is mounted in the
    layers below them. A machine of another architecture needs the layer of this architecture.
    """
    host.become_root()
    if up_to_date and not demo and not rootfs.is_whole() and not build.is_configured():
        with rootfs.first_layer_while_the_second_is_made() as first:
            build.build(sandbox.Sandbox(first), quiet, demo=True)
    for each in later:
        rootfs.make_missing(each)
    wanted = arch.layer if not arch.native else rootfs.PRODUCT if demo else layer
    box = sandbox.Sandbox(rootfs.ensure(wanted))
    if not arch.native:
        # The kernel starts the first process from there.
        box.bind(paths.CHECKOUT, f"{arch.root}/src")
    if up_to_date:
        build.build(box, quiet, demo, arch)
    return box


# The number of boards for which QEMU's bus has room beside the other devices.
MAX_BOARDS = 8


def add_machine_options(parser):
    group = parser.add_argument_group("the machine")
    arches.add_option(group)
    kernels.add_option(group)
    group.add_argument("--cma", default="128M", metavar="SIZE", help="size of the CMA area (default %(default)s)")
    group.add_argument("--memory", default="2G", metavar="SIZE", help="size of the RAM (default %(default)s)")
    group.add_argument("--allocator", default="vb2-cma", choices=["vb2-cma", "dma-contig", "dma-contig-cached"],
                       help="allocator of the driver (default %(default)s)")
    group.add_argument("--allocator-params", default="", metavar="WORDS",
                       help="module parameters of vb2-cma, such as 'backend=contig mmap=fault'")
    group.add_argument("--append", default="", metavar="WORDS", help="more kernel parameters")
    group.add_argument("--noncoherent", action="store_true",
                       help="use a board whose DMA does not snoop the CPU's caches; data that is not synchronised reads as 0xdb")
    group.add_argument("--debug-kernel", action="store_true",
                       help="boot a kernel with KASAN, lockdep, DMA-API checks and kmemleak (built once)")
    group.add_argument("--evict", type=int, default=0, metavar="MS",
                       help="with --noncoherent: every MS milliseconds, write back a few dirty cache lines of any owner, "
                       "which a real cache may do too (default: never)")
    group.add_argument("--share", default="", metavar="DIR", help="host folder that is /host inside the machine")
    group.add_argument("--limit", type=int, default=8 * 3600, metavar="SECONDS",
                       help="end the machine after this time (default %(default)s)")
    group = parser.add_argument_group("the board")
    group.add_argument("--source", default="pattern", metavar="pattern|people|FILE",
                       help="live picture of the sensor: a pattern, people who walk, or a video or image file (PNG, JPEG, PPM) "
                       "on the host (default %(default)s)")
    group.add_argument("--once", action="store_true", help="play the video once, then keep the last picture")
    group.add_argument("--fps", default="sensor", metavar="sensor|N|max",
                       help="frame rate (default: that of the sensor's registers)")
    group.add_argument("--starved", default="drop", choices=["drop", "hold"],
                       help="if there is no buffer: lose the frame, or wait for a buffer (default %(default)s)")
    group.add_argument("--mark", default="off", choices=["off", "frame", "lines"],
                       help="frame: write a number and a nonce into each frame; lines: also write the number into each "
                       "cache line of the frame (default %(default)s)")
    group.add_argument("--boards", type=int, default=1, metavar="N",
                       help="number of boards in the machine; each has a control port cmacam.board.0, .1 ... "
                       "(default %(default)s)")
    group.add_argument("--board", default=[], action="append", metavar="OPTIONS",
                       help="more options for cmacam-board; if given several times, the n-th value is for the n-th board")
    group.add_argument("--no-board", action="store_true", help="boot without a board")


def machine_options(args, box, arch, chosen):
    source = args.source
    if source == "people":
        source = vm.PEOPLE
    elif source != "pattern":
        source = os.path.abspath(source)
        if not os.path.isfile(source):
            raise Fail(f"{args.source}: there is no such video or image file")
        box.bind(os.path.dirname(source), "/run/source")
        source = "/run/source/" + os.path.basename(source)
    if args.share and not os.path.isdir(args.share):
        raise Fail(f"{args.share}: there is no such folder to share")
    if args.evict and not args.noncoherent:
        raise Fail("--evict needs --noncoherent")
    board = ["--source", source, "--fps", args.fps, "--starved", args.starved, "--mark", args.mark]
    board += ["--once"] if args.once else []
    if not 1 <= args.boards <= MAX_BOARDS:
        raise Fail(f"--boards must be 1 to {MAX_BOARDS}, not {args.boards}")
    if len(args.board) > args.boards and len(args.board) > 1:
        raise Fail(f"--board was given {len(args.board)} times for {args.boards} boards")
    # One is for all of them.
    extra = args.board * args.boards if len(args.board) == 1 else args.board + [""] * args.boards
    boards = [(*board, *shlex.split(extra[number])) for number in range(args.boards)]
    if args.debug_kernel:
        kernel = debugkernel.ensure(box)
    else:
        kernel = kernels.ensure(box, chosen, arch) if chosen else vm.Kernel()
        kernel = dataclasses.replace(kernel, root=rootfs.image_if_made(box))
    return vm.Options(arch=arch, board=boards[0], more_boards=tuple(boards[1:]), no_board=args.no_board, cma=args.cma,
                      memory=args.memory, allocator=args.allocator, noncoherent=args.noncoherent,
                      kernel=kernel, append=args.append, allocator_params=args.allocator_params,
                      evict=args.evict, share=os.path.abspath(args.share) if args.share else "", limit=args.limit)


def cmd_build(args):
    arch = arches.of(args)
    chosen = kernels.of(args, arch)
    box = ready(arch=arch)
    say(f"built in {arch.build_folder}")
    if chosen:
        say(f"the drivers for the kernel {chosen.name} are in {kernels.build(box, chosen, arch)}")
    return 0


def cmd_shell(args):
    arch = arches.of(args)
    chosen = kernels.of(args, arch)
    interactive = not args.command
    if interactive and not sys.stdin.isatty():
        raise Fail("./dev shell without a command needs a terminal; give a command: ./dev shell -- COMMAND...")
    if args.no_build and not os.path.exists(os.path.join(arch.build_folder, "build.ninja")):
        raise Fail(f"nothing is built for {arch.name} yet: leave out --no-build")
    box = ready(quiet=not interactive, up_to_date=not args.no_build, arch=arch,
                layer=rootfs.PROGRAMS if args.programs else rootfs.WHOLE)
    options = machine_options(args, box, arch, chosen)
    if args.gdb:
        options = dataclasses.replace(options, gdb=gdb.offer())
        say("to debug this kernel, run ./dev gdb in another terminal; Ctrl-C in gdb stops the kernel")
    with vm.Machine(box, options) as machine:
        status = machine.shell() if interactive else machine.run(shlex.join(args.command))
        if status is None:
            raise Fail("the machine died before the command ended; the last kernel messages are above",
                       machine.last_words)
        if args.keep_log:
            for name in (*map(vm.board_log, range(args.boards)), "console.log"):
                copy(os.path.join(machine.state, name), os.path.join(args.keep_log, name))
    return status


def copy(source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.exists(source):
        with open(source, "rb") as a, open(target, "wb") as b:
            b.write(a.read())


def cmd_test(args):
    import testing
    return testing.main(args, ready)


def cmd_demo(args):
    import demo
    return demo.main(args, ready)


def cmd_bench(args):
    from bench import main as bench
    return bench.main(args, ready)


def cmd_docs(args):
    import docs
    return docs.main(ready)


def cmd_package(args):
    return package.main(args, ready)


def cmd_gdb(args):
    return gdb.main(args, ready)


def cmd_clean(args):
    host.become_root()
    for name in sorted(os.listdir(paths.CACHE)) if os.path.isdir(paths.CACHE) else []:
        folder = os.path.join(paths.CACHE, name)
        # The cache may be any folder, so remove only files whose names are ours.
        if re.fullmatch(rf"(root-|{cleanroots.PREFIX}|{debugkernel.PREFIX}|{kconfigs.PREFIX}).+-[0-9a-f]{{12}}"
                        rf"(\.img|\.copy)?(\.partial)?|"
                        rf"{kernels.OURS}|{foreign_modules.PREFIX}.*|{passed.FOLDER}", name):
            say(f"removing {folder}")
            rootfs.remove(folder) if os.path.isdir(folder) else os.unlink(folder)
    return 0


def parser():
    top = argparse.ArgumentParser(prog="./dev", description="The one entry point of cmacam. Each command does "
                                  "its own set-up and keeps the result in the user's cache folder.")
    commands = top.add_subparsers(dest="name", metavar="COMMAND", required=True)

    def command(name, function, text):
        sub = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        sub.set_defaults(function=function)
        return sub

    sub = command("demo", cmd_demo, "play a video through the board to gst-launch, cam and OpenCV; the results are in out/")
    sub.add_argument("--source", default="", metavar="FILE", help="video to play (default: OpenCV's vtest.avi)")
    sub.add_argument("--looked-at", type=int, default=15, metavar="N", help="number of frames for the people detector")
    arches.add_option(sub)
    kernels.add_option(sub)

    sub = command("test", cmd_test, "run the tests, all or some subjects")
    sub.add_argument("subjects", nargs="*", metavar="SUBJECT", help="run only these subjects; --list lists the subjects")
    sub.add_argument("--list", action="store_true", help="list the tests, but do not run them")
    sub.add_argument("-j", dest="jobs", type=int, default=host.machines(), metavar="N",
                     help="number of machines that run at the same time "
                     "(default: one for each CPU if memory permits, %(default)s here)")
    sub.add_argument("--long", action="store_true", help="also run the long tests, about 35 minutes more")
    sub.add_argument("--left-out", action="store_true", help="run only the long tests, which ./dev test leaves out")
    sub.add_argument("--soak", action="store_true", help="also run the tests that take hours")
    sub.add_argument("--debug-kernel", action="store_true",
                     help="use a kernel with KASAN, lockdep, DMA-API checks and kmemleak (built once, 10 to 30 minutes); "
                     f"default subjects: {', '.join(debugkernel.SUBJECTS)}")
    arches.add_option(sub)
    kernels.add_option(sub, f"; default subjects: {', '.join(kernels.SUBJECTS)}")
    sub.add_argument("-k", dest="match", default="", metavar="TEXT", help="run only tests with this text in their name")
    sub.add_argument("--shuffle", type=int, metavar="SEED", help="run the tests in another order, which depends only on SEED; "
                     "this finds tests that affect later tests")

    sub = command("bench", cmd_bench, "run a benchmark; without a name, list the benchmarks")
    sub.add_argument("bench", nargs="?", default="", metavar="NAME", help="name of the benchmark (default: list the benchmarks)")
    sub.add_argument("--quick", action="store_true", help="measure only the small sizes")
    sub.add_argument("--from", dest="from_file", default="", metavar="FILE",
                     help="report the results in the JSON file of an earlier run, or of bench/frames.py on a real board, "
                     "without measuring")

    sub = command("build", cmd_build, "build everything")
    arches.add_option(sub)
    kernels.add_option(sub)

    command("docs", cmd_docs, "make the reference pages of headers, Python module, element and kernel part in out/docs/, and fail "
            "if a page is incomplete (0.1 GB more, once)")

    sub = command("package", cmd_package, "build Debian packages of the checkout, for the Debian of the root folder, and check "
                  "them with lintian (0.2 GB more, once)")
    package.add_options(sub)

    sub = command("shell", cmd_shell, "start a shell in the machine, or run one command: ./dev shell -- COMMAND...")
    add_machine_options(sub)
    sub.add_argument("--no-build", action="store_true", help="use the existing build and do not build again")
    sub.add_argument("--programs", action="store_true",
                     help="add programs of other projects: Chromium, PipeWire, motion, uStreamer and more (1 GB more, once)")
    sub.add_argument("--gdb", action="store_true", help="allow ./dev gdb in another terminal to attach to the kernel; "
                     "to debug a program, run gdb in the shell")
    sub.add_argument("--keep-log", default="", metavar="DIR", help="copy board.log (board-1.log ...) and console.log to this folder")
    sub.add_argument("command", nargs="*", metavar="COMMAND",
                     help="run this command in the machine and return the status of the command")

    sub = command("gdb", cmd_gdb, "debug the kernel of a machine that ./dev shell --gdb started")
    sub.add_argument("options", nargs="*", metavar="OPTION", help="more options for gdb, after --")

    command("clean", cmd_clean, "remove the root folders, also those of the tests of packages, the debug kernels, other kernels "
            "of Debian, the sources of kernels and modules, and the results of checks from the cache")
    command("help", lambda args: top.print_help() or 0, "show this help")
    return top


def main(argv):
    args = parser().parse_args(argv)
    try:
        return args.function(args)
    except Fail as error:
        sys.stderr.write(f"{error.detail}dev: {error}\n")
        return 2
    except KeyboardInterrupt:
        warn("interrupted")
        return 130
