# SPDX-License-Identifier: MIT
"""Makes the manual page of a kernel module: @PARAMETERS@ becomes the module's parameters and their descriptions.

usage: module_page.py PAGE.in PAGE DEPFILE FOLDER VERSION
"""

import glob
import os
import re
import sys

DESCRIPTION = re.compile(r'^MODULE_PARM_DESC\((\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\);', re.M)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def parameters(folder):
    """{parameter: description} of the module whose sources are in this folder."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.c"))):
        with open(path, encoding="utf-8") as f:
            for name, strings in DESCRIPTION.findall(f.read()):
                found[name] = re.sub(r"\\(.)", r"\1", "".join(STRING.findall(strings)))
    return dict(sorted(found.items()))


def roff(text):
    """A text as it stands, whatever characters it has."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^([.'])", r"\\&\1", text)


def page(template, folder, version):
    rows = (f".TP\n.B {roff(name)}\n{roff(text)}" for name, text in parameters(folder).items())
    return template.replace("@PARAMETERS@", "\n".join(rows)).replace("@VERSION@", version)


def main(template, output, depfile, folder, version):
    with open(template, encoding="utf-8") as f:
        text = page(f.read(), folder, version)
    with open(output, "w", encoding="utf-8") as f:
        f.write(text)
    # The Makefile lists the sources, so it changes with each new one.
    read = [*sorted(glob.glob(os.path.join(folder, "*.c"))), os.path.join(folder, "Makefile")]
    with open(depfile, "w", encoding="utf-8") as f:
        f.write(f"{output}: {' '.join(read)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
