#!/bin/sh
# SPDX-License-Identifier: MIT
# Adds the drivers to a kernel source tree. Then "make menuconfig" offers the drivers below "Multimedia support".
set -eu

[ $# = 1 ] && [ -f "$1/drivers/media/Kconfig" ] || {
	echo "usage: add-to-tree.sh KERNEL-SOURCE-TREE" >&2
	exit 2
}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
media=$1/drivers/media
uapi=$1/include/uapi/linux
folders="vb2-cma vb2-cma-adopt cmacam noncoherent minicam"

# Somebody may have worked on the copy.
for folder in $folders; do
	[ ! -e "$media/$folder" ] || {
		echo "add-to-tree.sh: $media/$folder is there already: remove it first" >&2
		exit 1
	}
done
for folder in $folders; do
	cp -pr "$here/$folder" "$media"
done
cp -p "$here/compat.h" "$media"
cp -p "$here/../../include/uapi/linux/cmacam.h" "$here/../../include/uapi/linux/vb2-cma.h" "$uapi"

grep '^obj-' "$here/Makefile" | while IFS= read -r line; do
	grep -qxF -- "$line" "$media/Makefile" || echo "$line" >>"$media/Makefile"
done
# The drivers belong into the menu of MEDIA_SUPPORT, which ends with the file.
grep '^source ' "$here/Kconfig" | while IFS= read -r line; do
	grep -qxF -- "$line" "$media/Kconfig" && continue
	sed -i "s|^endif # MEDIA_SUPPORT|$line\n&|" "$media/Kconfig"
	grep -qxF -- "$line" "$media/Kconfig" || {
		echo "add-to-tree.sh: no place for $line in $media/Kconfig: is this Linux 7.2 or 7.3?" >&2
		exit 1
	}
done
