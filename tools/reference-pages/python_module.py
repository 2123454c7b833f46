# SPDX-License-Identifier: MIT
"""Complain about each public part of the module cmacam that has no words.

pdoc shows what is there, and does not miss what is not. The compiled module knows no lines: they are those where the
part is bound in the sources, whose folder is the argument.
"""

import glob
import os
import re
import sys

import cmacam


def place(name, owner):
    """FILE:LINE of the binding of a name: the first one after that of its class."""
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.cpp"))):
        with open(path) as f:
            text = f.read()
        begin = text.find(f'"{owner}",') if owner else 0
        at = text.find("py::init" if name == "__init__" else f'"{name}"', begin)
        if begin >= 0 and at >= 0:
            return f"{path}:{text.count(chr(10), 0, at) + 1}"
    return sys.argv[1]


def complaint(part, name, owner=""):
    """What is missing, or ""."""
    words = (part.__doc__ or "").strip()
    parameters = []
    # pybind11 puts the signature in the first line.
    if signature := re.match(rf"{name}\((.*)\) -> .*\n?", words):
        words = words[signature.end():].strip()
        parameters = re.findall(r"(?:^|, )(\w+): ", signature[1])
    if not words:
        return "no documentation"
    missing = [each for each in parameters if each != "self" and not re.search(rf"\b{each}\b", words)]
    return f"nothing about the parameter {', '.join(missing)}" if missing else ""


def members(part):
    """Names of what users call; of the special methods, only the constructor takes words."""
    return [name for name in vars(part) if name == "__init__" or not name.startswith("_")]


found = []
for name in members(cmacam):
    part = getattr(cmacam, name)
    found.append((name, "", complaint(part, name)))
    if isinstance(part, type):
        # A class that only the module makes has no constructor of its own to describe.
        found += [(each, name, complaint(getattr(part, each), each, name)) for each in members(part)
                  if not (each == "__init__" and "self" not in (part.__init__.__doc__ or ""))]
wrong = [(name, owner, why) for name, owner, why in found if why]
for name, owner, why in wrong:
    print(f"{place(name, owner)}: {'.'.join(filter(None, ['cmacam', owner, name]))}: {why}")
sys.exit(bool(wrong))
