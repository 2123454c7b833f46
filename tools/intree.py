# SPDX-License-Identifier: MIT
"""libcamera's own source with our handler and IPA module in it, built beside everything else.

The packages that this build needs in addition to the root folder are unpacked in the build folder. The root folder is
shared, and stays unchanged.
"""

import os
import shutil

import paths
from sandbox import ENVIRONMENT
from ui import Fail, run_logged, step

FOLDER = os.path.join(paths.BUILD, "in-tree")
PROBLEM = os.path.join(FOLDER, "problem")
INSIDE = "/build/in-tree"
PACKAGES = f"{INSIDE}/packages"

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

# The source is copied anew only when it is another version's, so that what has not changed is not
# built again.
BUILD = r"""
set -eu
cd $INSIDE
source=/usr/src/libcamera-$(pkg-config --modversion libcamera)
[ -f libcamera/.from ] && [ "$(cat libcamera/.from)" = "$source" ] || {
	rm -rf libcamera build
	cp -r "$source" libcamera
	echo "$source" >libcamera/.from
}
rm -rf libcamera/src/libcamera/pipeline/cmacam libcamera/src/ipa/cmacam
/src/libcam-pipeline/in-tree/add-to-tree.sh libcamera
export PYTHONPATH=$PACKAGES/usr/lib/python3/dist-packages
export PKG_CONFIG_PATH=$(echo $PACKAGES/usr/lib/*/pkgconfig)
export CPATH=$(echo $PACKAGES/usr/include/*-linux-gnu)
export PATH=$PATH:$PACKAGES/usr/bin
[ -f build/build.ninja ] || meson setup build libcamera -Dauto_features=disabled -Dudev=enabled \
	-Dpipelines=cmacam -Dipas=cmacam
ninja -C build
"""


def ensure(box):
    """Build it. If this fails, write the reason into a file that the machine reads."""
    os.makedirs(FOLDER, exist_ok=True)
    if os.path.exists(PROBLEM):
        os.unlink(PROBLEM)
    try:
        if not os.path.isdir(os.path.join(FOLDER, "packages")):
            with step("Fetching what libcamera's own build needs, 8 MB, once"):
                run(box, FETCH, "in-tree-packages")
        with step("Building libcamera with the handler in its tree: 3 minutes the first time"):
            run(box, BUILD, "in-tree-build")
    except Fail as error:
        with open(PROBLEM, "w") as f:
            f.write(f"{error}\n{error.detail or ''}\n")


def run(box, script, what):
    if os.path.exists("/etc/resolv.conf"):
        shutil.copy("/etc/resolv.conf", box.root + "/run/resolv.conf")
    run_logged(box.argv(["sh", "-c", script]), os.path.join(paths.LOGS, f"{what}.log"), what.replace("-", " "),
               env={**ENVIRONMENT, "NEEDED": NEEDED, "INSIDE": INSIDE, "PACKAGES": PACKAGES})
