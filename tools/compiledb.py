# SPDX-License-Identifier: MIT
"""compile_commands.json for editors on the host.

Meson writes one with the paths of the root folder, where it runs, and with the files that it compiles: one that
includes several sources, for most of them. Here each source has a command of its own, in two files: one for tools that
run in the root folder; and one in the checkout, where clangd looks for it, with paths that exist outside of it. What
the compiler brings along comes from the root folder there.
"""

import json
import os
import re
import shlex

import paths

MESONS = os.path.join(paths.BUILD, "compile_commands.json")
INSIDE = os.path.join(paths.BUILD, "single", "compile_commands.json")
OUTSIDE = os.path.join(paths.CHECKOUT, "compile_commands.json")
# What Meson calls a file that includes several sources.
SEVERAL = r"-unity\d+\.cpp$"


def write(root):
    """Write it anew where the build's own has changed."""
    if all(os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(MESONS) for path in (INSIDE, OUTSIDE)):
        return
    with open(MESONS) as f:
        commands = [single for command in json.load(f) for single in singles(command)]
    save(commands, INSIDE)
    for command in commands:
        words = [outside(word, root) for word in command["arguments"]]
        command.update(directory=paths.BUILD, file=outside(command["file"], root),
                       arguments=[words[0], f"--sysroot={root}", *words[1:]])
    save(commands, OUTSIDE)


def singles(command):
    """A command of Meson's as one for each source that it compiles."""
    words = shlex.split(command["command"])
    # A compiler cache stands before the compiler.
    words = words[1:] if os.path.basename(words[0]) == "ccache" else words
    compiled = command["file"]
    sources = [compiled]
    if re.search(SEVERAL, compiled):
        with open(os.path.join(paths.BUILD, compiled)) as f:
            sources = re.findall(r"^#include ?[<\"](.+)[>\"]", f.read(), re.M)
    for source in sources:
        yield {"directory": command["directory"], "file": source,
               "arguments": [source if word == compiled else word for word in words]}


def save(commands, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.partial", "w") as f:
        json.dump(commands, f, indent=1)
    os.replace(f"{path}.partial", path)


def outside(word, root):
    """A word of a command line, with the paths of the host."""
    for flag in ("-I", "-isystem", ""):
        path = word[len(flag):]
        if not word.startswith(flag):
            continue
        for inside, replacement in (("../src", paths.CHECKOUT), ("/src/", f"{paths.CHECKOUT}/"),
                                    ("/build/", f"{paths.BUILD}/"), ("/usr/", f"{root}/usr/")):
            if path.startswith(inside):
                return flag + replacement + path[len(inside):]
    return word


def wrong():
    """Paths in it that do not exist, one sentence each."""
    with open(OUTSIDE) as f:
        commands = json.load(f)
    files = [os.path.join(command["directory"], command["file"]) for command in commands]
    missing = {path for path in files if not os.path.exists(path)}
    for command in commands:
        # Folders of generated headers come with the first build of their target.
        named = [word[2:] for word in command["arguments"] if word.startswith("-I/")]
        missing |= {path for path in named if not os.path.isdir(path)}
    said = [f"{path} does not exist\n" for path in sorted(missing)]
    said += [f"{path} stands for several sources\n" for path in files if re.search(SEVERAL, path)]
    return said or ([] if commands else ["no commands\n"])
