#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the kernel's own build system on modules of this checkout, away from the
# sources. Each module is at the place below OBJECT_DIR that its folder has below
# SOURCE_DIR.
# usage: kbuild.sh MAKE KERNEL_DIR SOURCE_DIR OBJECT_DIR [MAKE_VARIABLE...]
set -eu

make=$1
kernel=$2
source=$(realpath "$3")
objects=$(realpath -m "$4")
shift 4

run_make() {
	env -u MAKEFLAGS -u MAKELEVEL "$make" -s -j"$(nproc)" -C "$kernel" "$@" modules
}

mkdir -p "$objects"

# MO= is new in Linux 6.13. Before, the kernel's build system put all objects
# beside their sources. Links to the sources are then built instead, because the
# checkout may be read-only, and objects for several kernels must not mix. Links
# cannot be older than the sources, as copies could.
code=$(sed -n 's/^#define LINUX_VERSION_CODE //p' "$kernel/include/generated/uapi/linux/version.h")
if [ "$code" -ge $((6 * 65536 + 13 * 256)) ]; then
	run_make M="$source" MO="$objects" "$@"
	exit
fi

root=$(realpath "$(dirname "$0")/../..")
folder=${source#"$root"/}
links=$objects/links
mkdir -p "$links/$folder"
# The sources include headers of these folders by relative paths.
cp -rsf "$root/drivers" "$root/include" "$links/"
cp -rsf "$source/." "$links/$folder/"
run_make M="$links/$folder" "$@"
(cd "$links/$folder" && find . -name '*.ko' -exec cp --parents {} "$objects" \;)
