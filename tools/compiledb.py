# SPDX-License-Identifier: MIT
"""compile_commands.json for editors on the host.

Meson writes one with the paths of the root folder, where it runs. This is the same with paths that exist outside of
it, in the checkout, where clangd looks for it; what the compiler brings along comes from the root folder.
"""

import json
import os
import shlex

import paths

INSIDE = os.path.join(paths.BUILD, "compile_commands.json")
OUTSIDE = os.path.join(paths.CHECKOUT, "compile_commands.json")


def write(root):
    """Write it anew where the build's own has changed."""
    if os.path.exists(OUTSIDE) and os.path.getmtime(OUTSIDE) > os.path.getmtime(INSIDE):
        return
    with open(INSIDE) as f:
        commands = json.load(f)
    for command in commands:
        words = [outside(word, root) for word in shlex.split(command.pop("command"))]
        # A compiler cache stands before the compiler.
        words = words[1:] if os.path.basename(words[0]) == "ccache" else words
        command.update(directory=paths.BUILD, file=outside(command["file"], root),
                       arguments=[words[0], f"--sysroot={root}", *words[1:]])
    partial = f"{OUTSIDE}.partial"
    with open(partial, "w") as f:
        json.dump(commands, f, indent=1)
    os.replace(partial, OUTSIDE)


def outside(word, root):
    """A word of a command line, as the host has to write it."""
    for flag in ("-I", "-isystem", ""):
        path = word[len(flag):]
        if not word.startswith(flag):
            continue
        for inside, replacement in (("../src", paths.CHECKOUT), ("/src/", f"{paths.CHECKOUT}/"), ("/usr/", f"{root}/usr/")):
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
    return [f"{path} does not exist\n" for path in sorted(missing)] or ([] if commands else ["no commands\n"])
