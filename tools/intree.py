# SPDX-License-Identifier: MIT
"""libcamera's own source with our handler and IPA module in it, built beside everything else: as it is, and patched.

The packages that these builds need in addition to the root folder are unpacked in the build folder. The root folder is
shared, and stays unchanged.
"""

import dataclasses
import os
import shutil

import patching
import paths
import rootfs
from sandbox import ENVIRONMENT
from ui import Fail, run_logged, step


@dataclasses.dataclass(frozen=True)
class Build:
    """A build of libcamera."""

    name: str
    purpose: str
    options: str = ""       # more options for Meson
    patches: str = ""       # the project whose patches are applied (patches/)

    @property
    def folder(self):
        return os.path.join(paths.BUILD, self.name)

    @property
    def inside(self):
        """The same folder in the root folder and in the machine."""
        return f"/build/{self.name}"

    @property
    def problem(self):
        """The file that has the reason if libcamera could not be built."""
        return os.path.join(self.folder, "problem")


IN_TREE = Build("in-tree", "with the handler in its tree: 3 minutes")
PATCHED = Build("patched-libcamera", "with our patches and its tests: 7 minutes", options="-Dtest=true", patches="libcamera")
# Both builds use them.
PACKAGES_FOLDER = os.path.join(IN_TREE.folder, "packages")
PACKAGES = f"{IN_TREE.inside}/packages"

# To parse YAML, to generate code, and to sign the module.
NEEDED = "libyaml-0-2 libyaml-dev python3-jinja2 python3-markupsafe python3-ply openssl libssl3t64 libssl-dev"

FETCH = r"""
set -eu
scratch=/run/in-tree
mkdir -p $scratch/lists/partial $scratch/archives/partial
cd $scratch
set -- -o Dir::State::lists=$scratch/lists -o Dir::Cache=$scratch -o APT::Sandbox::User=root
apt-get "$@" update
apt-get "$@" download $NEEDED
mkdir -p $PACKAGES.partial
for package in *.deb; do
	dpkg-deb -x "$package" $PACKAGES.partial
done
sed -i "s|^\([a-z]*=\)/usr|\1$PACKAGES/usr|" $PACKAGES.partial/usr/lib/*/pkgconfig/*.pc
rm -rf $scratch
mv $PACKAGES.partial $PACKAGES
"""

BUILD = r"""
set -eu
cd $INSIDE
rm -rf libcamera/src/libcamera/pipeline/cmacam libcamera/src/ipa/cmacam
/src/libcam-pipeline/in-tree/add-to-tree.sh libcamera
export PYTHONPATH=$PACKAGES/usr/lib/python3/dist-packages
export PKG_CONFIG_PATH=$(echo $PACKAGES/usr/lib/*/pkgconfig)
export CPATH=$(echo $PACKAGES/usr/include/*-linux-gnu)
export PATH=$PATH:$PACKAGES/usr/bin
[ -f build/build.ninja ] || meson setup build libcamera -Dauto_features=disabled -Dudev=enabled \
	-Dpipelines=cmacam -Dipas=cmacam $OPTIONS
ninja -C build
"""


def ensure(box, wanted=IN_TREE):
    """Build it. If this fails, write the reason into a file that the machine reads."""
    os.makedirs(wanted.folder, exist_ok=True)
    if os.path.exists(wanted.problem):
        os.unlink(wanted.problem)
    try:
        if not os.path.isdir(PACKAGES_FOLDER):
            os.makedirs(IN_TREE.folder, exist_ok=True)
            with step("Fetching what libcamera's own build needs, 8 MB, once"):
                run(box, FETCH, "in-tree-packages")
        copy_source(box, wanted)
        with step(f"Building libcamera {wanted.purpose} the first time"):
            run(box, BUILD, f"{wanted.name}-build", INSIDE=wanted.inside, OPTIONS=wanted.options)
    except Fail as error:
        with open(wanted.problem, "w") as f:
            f.write(f"{error}\n{error.detail or ''}\n")


def copy_source(box, wanted):
    """Copy the source anew only if its version or a patch has changed, so that what has not changed is not built again."""
    source = f"/usr/src/libcamera-{rootfs.versions(box.root)['libcamera']}"
    made_of = "\n".join([source, *([patching.digest(wanted.patches)] if wanted.patches else [])])
    copy, stamp = os.path.join(wanted.folder, "libcamera"), os.path.join(wanted.folder, "libcamera", ".from")
    if os.path.exists(stamp):
        with open(stamp) as f:
            if f.read().strip() == made_of:
                return
    shutil.rmtree(copy, ignore_errors=True)
    shutil.rmtree(os.path.join(wanted.folder, "build"), ignore_errors=True)
    shutil.copytree(box.root + source, copy, symlinks=True)
    if wanted.patches:
        patching.apply(box, wanted.patches, f"{wanted.inside}/libcamera")
    with open(stamp, "w") as f:
        f.write(made_of)


def run(box, script, what, **variables):
    if os.path.exists("/etc/resolv.conf"):
        shutil.copy("/etc/resolv.conf", box.root + "/run/resolv.conf")
    run_logged(box.argv(["sh", "-c", script]), os.path.join(paths.LOGS, f"{what}.log"), what.replace("-", " "),
               env={**ENVIRONMENT, "NEEDED": NEEDED, "PACKAGES": PACKAGES, **variables})
