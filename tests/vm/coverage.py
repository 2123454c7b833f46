# SPDX-License-Identifier: MIT
"""Lines of our modules that system calls reached, from the files that fuzz_nodes and kcov_run write with KCOV.

The compiler puts a call of the kernel's function __sanitizer_cov_trace_pc() at the start of each basic block. KCOV records
the address behind that call. So a block consists of the instructions from one such call to the next one, and it was
reached if its address was recorded. A line was reached if a block with an instruction of this line was reached.

KCOV records only what the traced tasks execute in their system calls. It does not record interrupt handlers and threads of
the kernel. Lines that only these execute count as not reached.

usage: coverage.py FOLDER MODULE.ko...
"""

import collections
import dataclasses
import glob
import os
import re
import subprocess
import sys

TRACE = "__sanitizer_cov_trace_pc"
# No section of our modules is larger.
LARGEST = 1 << 20
# The parts whose lines count.
OURS = re.compile(r"drivers/media/((?:cmacam|vb2-cma)/[\w.-]+)$")

SECTION = re.compile(r"Disassembly of section (\S+):")
SYMBOL = re.compile(r"[0-9a-f]+ <\S+>:")
FUNCTION = re.compile(r"(\S+)\(\):")
PLACE = re.compile(r"(inlined by )?(\S+):(\d+)(?: \(discriminator \d+\))?(?: \((\S+)\))?")
INSTRUCTION = re.compile(r"\s*[0-9a-f]+:\t\s*\S")
RELOCATION = re.compile(r"\s+([0-9a-f]+): R_\S+\s+(\w+)")


@dataclasses.dataclass
class Block:
    """A basic block: the offset in its section that KCOV reports, and the lines of its instructions."""

    section: str
    offset: int
    lines: set      # (file, line, function)


def disassemble(module):
    """The listing of a module, with lines, inlined functions and relocations."""
    return subprocess.run(["objdump", "-d", "-r", "-l", "--inlines", "--no-show-raw-insn", module], check=True,
                          stdout=subprocess.PIPE, text=True, errors="replace").stdout


def blocks(listing):
    """The basic blocks of a listing. Functions without a call of the trace function cannot be seen, and have no blocks."""
    found = []
    section = function = ""
    # Of the next instructions, the innermost function first. The listing names them only when they change.
    places = []
    before, block, held = set(), None, None

    def keep():
        # What comes before the first call in a function belongs to its first block.
        if held is not None:
            (block.lines if block else before).update(held)

    for line in listing.splitlines():
        if match := RELOCATION.match(line):
            if match[2] == TRACE:
                # The call itself belongs to the new block.
                block = Block(section, int(match[1], 16) + 4, set(before))
                before = set()
                found.append(block)
        elif INSTRUCTION.match(line):
            keep()
            held = places
        elif match := SECTION.match(line):
            keep()
            held, section = None, match[1]
        elif SYMBOL.match(line):
            keep()
            before, block, held = set(), None, None
        elif match := FUNCTION.fullmatch(line):
            function = match[1]
        elif match := PLACE.fullmatch(line):
            inlined, path, number, caller = match.groups()
            ours = OURS.search(os.path.normpath(path))
            place = [(ours[1], int(number), bare(caller or function))] if ours else []
            places = places + place if inlined else place
    keep()
    return found


def bare(function):
    """The name of a function without what the compiler adds to the names of its parts and copies."""
    return function.split(".")[0]


def name_of(module):
    """The name that the kernel gives a module file."""
    return os.path.basename(module).removesuffix(".ko").replace("-", "_")


def recorded(folder):
    """Yields (module, section, offset) of each recorded address, for each section that could have it.

    folder: may be a pattern, such as /build/fuzz/*.
    """
    for path in glob.glob(os.path.join(folder, "*.pcs")):
        sections = []
        with open(path) as f:
            for kind, *words in map(str.split, f):
                if kind == "section":
                    sections.append((words[0], words[1], int(words[2], 16)))
                    continue
                pc = int(words[0], 16)
                yield from ((module, section, pc - start) for module, section, start in sections
                            if 0 <= pc - start < LARGEST)


@dataclasses.dataclass
class Coverage:
    """The lines and functions of each file: {file: {line: reached}}, {file: {function: reached}}."""

    lines: dict
    functions: dict

    @property
    def percent(self):
        every = [reached for lines in self.lines.values() for reached in lines.values()]
        return 100 * sum(every) / len(every) if every else 0.0

    def report(self):
        """A line for each file, then the functions that were never reached, and the sum."""
        rows = []
        for file, lines in sorted(self.lines.items()):
            count = sum(lines.values())
            rows.append(f"{file:32} {count:4} of {len(lines):4} lines, {100 * count / len(lines):5.1f} %")
        rows.append("")
        for file, functions in sorted(self.functions.items()):
            never = sorted(name for name, reached in functions.items() if not reached)
            if never:
                rows.append(f"never reached in {file}: {', '.join(never)}")
        for file, lines in sorted(self.lines.items()):
            missed = sorted(line for line, reached in lines.items() if not reached)
            if missed:
                rows.append(f"lines not reached in {file}: {ranges(missed)}")
        return "\n".join([*rows, "", f"{self.percent:.1f} % of the lines were reached"])


def ranges(numbers):
    """Sorted numbers as text, such as "3-5 9"."""
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(f"{first}-{last}" if first != last else str(first) for first, last in parts)


def combine(listings, addresses):
    """The Coverage of modules. listings: {name of a module: its listing}. addresses: what recorded() yields."""
    reached = set(addresses)
    coverage = Coverage(collections.defaultdict(dict), collections.defaultdict(dict))
    for name, listing in listings.items():
        for block in blocks(listing):
            was = (name, block.section, block.offset) in reached
            for file, line, function in block.lines:
                for known, key in ((coverage.lines[file], line), (coverage.functions[file], function)):
                    known[key] = known.get(key, False) or was
    return coverage


def measure(folder, modules):
    """The Coverage of module files that the files of a folder report."""
    return combine({name_of(module): disassemble(module) for module in modules}, recorded(folder))


if __name__ == "__main__":
    print(measure(sys.argv[1], sys.argv[2:]).report())
