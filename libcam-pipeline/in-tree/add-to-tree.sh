#!/bin/sh
# SPDX-License-Identifier: MIT
# Adds the cmacam pipeline handler and its IPA module to a libcamera source tree.
set -eu

[ $# = 1 ] && [ -f "$1/src/libcamera/pipeline/meson.build" ] || {
	echo "usage: add-to-tree.sh LIBCAMERA-SOURCE-TREE" >&2
	exit 2
}
tree=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
handler=$here/..
pipeline=$tree/src/libcamera/pipeline/cmacam
module=$tree/src/ipa/cmacam

# Add a line before the one that names another handler in the same list.
add() {
	file=$tree/$1
	grep -qF -- "$3" "$file" && return
	sed -i "s|^\( *\)$2|\1$3\n&|" "$file"
	grep -qF -- "$3" "$file" || {
		echo "add-to-tree.sh: no place for $3 in $1: is this libcamera 0.7?" >&2
		exit 1
	}
}

# Somebody may have worked on the copy.
for folder in "$pipeline" "$module"; do
	[ ! -e "$folder" ] || {
		echo "add-to-tree.sh: $folder is there already: remove it first" >&2
		exit 1
	}
done
mkdir -p "$pipeline/in-tree" "$module"
cp -p "$handler"/*.cpp "$handler"/*.h "$here/meson.build" "$pipeline"
cp -pr "$handler/cmacam" "$handler/ipa" "$pipeline"
cp -p "$here"/*.cpp "$here"/*.h "$pipeline/in-tree"
cp -p "$here"/ipa/* "$module"
cp -p "$here/cmacam.mojom" "$tree/include/libcamera/ipa"
cp -p "$handler/../include/uapi/linux/cmacam.h" "$tree/include/linux"

add meson.build "'imx8-isi': " "'cmacam':       ['any'],"
add include/libcamera/ipa/meson.build "'ipu3': 'ipu3.mojom'" "'cmacam': 'cmacam.mojom',"
add meson_options.txt "'imx8-isi'," "'cmacam',"
grep -q "choices : \['cmacam'" "$tree/meson_options.txt" ||
	sed -i "s|choices : \['ipu3'|choices : ['cmacam', 'ipu3'|" "$tree/meson_options.txt"
