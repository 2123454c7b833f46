# SPDX-License-Identifier: MIT
"""Files that passed a check, and modules that were built without a warning. The next run skips them.

The cache keeps the notes about them. So a fresh clone checks only what has changed.
"""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess

import paths

# Messages about a compiler or pahole that did not build the kernel. They are ignored: our versions are the reference.
OTHER_TOOLS = "differs from the one used to build the kernel"
# In the cache.
FOLDER = "passed"


def digest(path, made_of=""):
    """The digest of a file of the checkout: of its name, its content, and the parts of the check."""
    with open(os.path.join(paths.CHECKOUT, path), "rb") as f:
        return hashlib.sha256(f"{made_of} {path}\n".encode() + f.read()).hexdigest()


class Notes:
    """The digests of what has passed a check, in this checkout or another one, the newest last."""

    MOST = 5000

    def __init__(self, check):
        self._check = check
        self._path = os.path.join(paths.CACHE, FOLDER, check)
        self._known = {}
        with contextlib.suppress(FileNotFoundError), open(self._path) as f:
            self._known = dict.fromkeys(f.read().split())

    def __contains__(self, digest):
        return digest in self._known

    def add(self, digests):
        # Another checkout may have added some in the meantime.
        self._known = Notes(self._check)._known | self._known
        for one in digests:
            self._known.pop(one, None)
            self._known[one] = None
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        partial = f"{self._path}.{os.getpid()}"
        with open(partial, "w") as f:
            f.write("\n".join(list(self._known)[-self.MOST:]))
        os.replace(partial, self._path)


class Files:
    """Finds the files that a check has not passed yet. If the name, the content or the check changes, a file counts as new."""

    def __init__(self, check, files, made_of):
        self._notes = Notes(check)
        self._digests = {path: digest(path, made_of) for path in files}
        self.left = [path for path in files if self._digests[path] not in self._notes]

    def all_passed(self):
        self.passed(self.left)

    def passed(self, files):
        """Note that these remaining files passed. The next run checks the other files again."""
        failed = set(self.left).difference(files)
        self._notes.add(found for path, found in self._digests.items() if path not in failed)


def rules(root):
    """One digest of what a check depends on besides its sources: the packages of the root folder and the checks' code."""
    names = [os.path.join(root, "var/lib/dpkg/status"), os.path.join(root, "usr/src/checkpatch/checkpatch.pl"),
             os.path.join(paths.TOOLS, "checks.py"), os.path.join(paths.TOOLS, "passed.py")]
    found = hashlib.sha256()
    for name in filter(os.path.exists, names):
        with open(name, "rb") as f:
            found.update(f.read())
    return found.hexdigest()


def everything_below(*folders):
    """One digest of all files below these folders of the checkout, except documentation: nothing is built from it."""
    found = [os.path.join(folder, name) for top in folders
             for folder, _, names in os.walk(os.path.join(paths.CHECKOUT, top)) for name in names if not name.endswith(".md")]
    # An editor's lock file is a link to nowhere.
    names = sorted(os.path.relpath(path, paths.CHECKOUT) for path in found if os.path.isfile(path))
    return digest_of(map(digest, names))


def digest_of(texts):
    return hashlib.sha256(" ".join(texts).encode()).hexdigest()


def build_modules(box, headers, name, *variables):
    """Build the kernel modules below /build/NAME with W=1. Returns the errors and warnings, or "".

    If there was a warning, the objects are removed, because the next build would not repeat the warning. If the same sources
    were built without a warning before, nothing is done, because make takes 10 s even without a change.
    """
    notes = Notes(name)
    made_of = digest_of([rules(box.root), headers, *variables, digest("Kconfig"), everything_below("drivers", "include")])
    if made_of in notes:
        return ""
    wrong = True
    try:
        done = box.run(["sh", "/src/drivers/media/build-modules.sh", "make", headers, "/src/drivers/media",
                        f"/build/{name}", "W=1", *variables], check=False, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, errors="replace")
        warnings = [line for line in done.stdout.splitlines()
                    if re.search(r"warning|error", line, re.I) and OTHER_TOOLS not in line]
        wrong = done.returncode or warnings
        if not wrong:
            notes.add([made_of])
        return "\n".join(warnings) or (done.stdout if done.returncode else "")
    finally:
        if wrong:
            shutil.rmtree(os.path.join(paths.BUILD, name), ignore_errors=True)
