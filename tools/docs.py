# SPDX-License-Identifier: MIT
"""./dev docs: the reference pages, made of the comments in the sources. A warning of a generator is an error."""

import os
import shutil
import subprocess

import build
import checks
import paths
import rootfs
import sandbox
from ui import say, step

PAGES = os.path.join(paths.OUT, "docs")
# The same folder inside the root folder, and the folder for Sphinx's input.
INSIDE = "/run/pages"
SPHINX = "/build/reference-pages"
OURS = "/src/tools/reference-pages"
KERNEL_DOC = ["python3", "/usr/src/kernel-doc/tools/docs/kernel-doc", "-Wall", "-Werror", "-rst"]
# Page: its title, and the files that it is made of.
KERNEL_PAGES = {
    "uapi": ("What user space shares with the kernel part", r"^include/uapi/.*\.h$"),
    "cmacam": ("The driver cmacam", r"^drivers/media/cmacam/.*\.[ch]$"),
    "vb2-cma": ("The allocator vb2-cma", r"^drivers/media/vb2-cma/.*\.[ch]$"),
    "vb2-cma-adopt": ("vb2-cma for drivers of others", r"^drivers/media/vb2-cma-adopt/.*\.[ch]$"),
    "noncoherent": ("The noncoherent shim", r"^drivers/media/noncoherent/.*\.[ch]$"),
}


def main(ready):
    box = ready(layer=rootfs.DOCS)
    said = make(box)
    if said:
        say(said)
        say("the reference pages have errors")
        return 1
    say(f"the reference pages begin at {PAGES}/index.html")
    return 0


def check(_box):
    """Make the pages. Returns the warnings of the generators, or ""."""
    return make(sandbox.Sandbox(rootfs.ensure(rootfs.DOCS)))


def make(box):
    """Make all pages. Returns the warnings of the generators, with paths below the checkout, or ""."""
    prepare(box)
    # Sphinx comes last: it brings the other pages together.
    generators = {"the C++ headers": cpp_pages, "the kernel part": kernel_pages, "the element": element_page,
                  "the Python module": python_pages, "all together": sphinx_pages}
    said = ""
    for what, generator in generators.items():
        with step(f"Making the reference pages: {what}"):
            said += generator(box)
    return said.replace("/src/", "").replace("/build/", f"{paths.BUILD}/").strip()


def prepare(box):
    """Empty folders for the pages and for Sphinx's input."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.rmtree(os.path.join(paths.BUILD, "reference-pages"), ignore_errors=True)
    box.bind(PAGES, INSIDE)
    shutil.copytree(os.path.join(paths.TOOLS, "reference-pages", "sphinx"), os.path.join(paths.BUILD, "reference-pages"))


def run(box, command, **kwargs):
    """Run a generator and return its output. A generator without warnings prints nothing."""
    status, said = checks.output(box, command, **kwargs)
    return said or (f"{' '.join(command)}: status {status}\n" if status else "")


def cpp_pages(box):
    return run(box, ["doxygen", f"{OURS}/Doxyfile"])


def kernel_pages(box):
    said = ""
    for name, (title, pattern) in KERNEL_PAGES.items():
        files = [f"/src/{path}" for path in checks.tracked(pattern)]
        done = box.run([*KERNEL_DOC, *files], check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said += done.stderr
        build.write(os.path.join(paths.BUILD, "reference-pages", f"{name}.rst"), f"{title}\n{'=' * len(title)}\n\n{done.stdout}")
    return said


def element_page(box):
    return run(box, ["python3", "-B", f"{OURS}/element_page.py", f"{SPHINX}/cmacamsrc.rst"],
               env={"GST_REGISTRY": build.REGISTRY, "GST_PLUGIN_PATH": build.PLUGINS})


def python_pages(box):
    environment = {"PYTHONPATH": "/build/libcmacam/python"}
    said = run(box, ["python3", "-B", f"{OURS}/python_module.py", "/src/libcmacam/python"], env=environment)
    return said + run(box, ["python3", "-B", "-W", "error", "-m", "pdoc", "-o", f"{INSIDE}/python", "cmacam"], env=environment)


def sphinx_pages(box):
    return run(box, ["sphinx-build", "-q", "-W", "--keep-going", "-d", "/tmp/doctrees", SPHINX, INSIDE])
