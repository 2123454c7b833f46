#!/bin/sh
# SPDX-License-Identifier: MIT
# Build the modules with the kernel's own build system, away from the sources.
# usage: build-modules.sh MAKE KERNEL_DIR SOURCE_DIR OUTPUT_DIR [MAKE_VARIABLE...]
set -eu

make=$1
kernel=$2
source=$3
output=$(realpath -m "$4")
shift 4
objects=$output/kbuild
config=$objects/.config

mkdir -p "$objects"

# The symbols of Kconfig decide what is built. Headers packages ship the tool
# that reads them; without it the defconfig stands as it is.
if [ -x "$kernel/scripts/kconfig/conf" ]; then
	(cd "$source/../.." &&
	 KCONFIG_CONFIG=$config KCONFIG_AUTOCONFIG=$objects/include/auto.conf \
	 KCONFIG_AUTOHEADER=$objects/include/autoconf.h \
	 KERNEL_DIR=$kernel \
	 KCONFIG_RUSTCCFG=$objects/include/rustc_cfg \
	 "$kernel/scripts/kconfig/conf" -s \
		--defconfig=drivers/media/defconfig Kconfig)
	lacking=$(sed -n 's/^\tdepends on //p' "$source/cmacam/Kconfig" | sed 's/ && /\n/g' |
		while read -r option; do
			grep -q "^CONFIG_$option=" "$config" || printf ' CONFIG_%s' "$option"
		done)
	[ -z "$lacking" ] || {
		echo "build-modules.sh: the drivers need$lacking, which the kernel in $kernel lacks" >&2
		exit 1
	}
else
	cp "$source/defconfig" "$config"
fi

# Headers packages lack the script by which C=1 and C=2 look for sparse, and build
# on without a check; the variable behind C= asks for it all the same.
case " $* " in
*" C=1 "*) set -- "$@" KBUILD_CHECKSRC=1 ;;
*" C=2 "*) set -- "$@" KBUILD_CHECKSRC=2 ;;
esac

"$(dirname "$0")/kbuild.sh" "$make" "$kernel" "$source" "$objects" \
	CMACAM_CONFIG="$config" "$@"

cp "$objects/vb2-cma/vb2-cma.ko" "$objects/cmacam/cmacam.ko" "$output/"

# These are not for every kernel, or not wanted; what an earlier build left goes as well.
optional() {
	rm -f "$output/$3"
	if grep -q "^$1=m" "$config"; then
		cp "$objects/$2/$3" "$output/"
	fi
}
optional CONFIG_DMABUF_HEAPS_CACHED_CMA vb2-cma vb2-cma-heap.ko
optional CONFIG_DMA_NONCOHERENT_SHIM noncoherent noncoherent.ko
optional CONFIG_VIDEO_MINICAM minicam minicam.ko
