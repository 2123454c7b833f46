# SPDX-License-Identifier: MIT
"""compile_commands.json for editors on the host.

Meson's own file has the paths inside the root folder, and lists the files that are compiled. Most of these files include
several sources. The two files that are written here have a command for each source. One file is for tools that run in the
root folder. The other is in the checkout, where clangd looks for it, and has paths of the host. In this file, the
compiler's own headers are those of the root folder.
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
    """Write both files if Meson's file has changed."""
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
    """One of Meson's commands, as a separate command for each source that it compiles."""
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
    """The paths in the file that do not exist, with one sentence for each."""
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
