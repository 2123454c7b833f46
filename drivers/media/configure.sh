#!/bin/sh
# SPDX-License-Identifier: MIT
# Decide what is built for a kernel: write the configuration CONFIG, and print
# the modules that it has, as paths below the folder of the objects. DKMS asks
# this script too, because a module that cannot be built is an error there.
# usage: configure.sh KERNEL_DIR SOURCE_DIR CONFIG
set -eu

kernel=$1
source=$2
config=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The symbols of Kconfig decide what is built. Headers packages ship the tool
# that reads them; without it the defconfig stands as it is.
if [ -x "$kernel/scripts/kconfig/conf" ]; then
	(cd "$source/../.." &&
	 KCONFIG_CONFIG=$config KCONFIG_AUTOCONFIG=$scratch/auto.conf \
	 KCONFIG_AUTOHEADER=$scratch/autoconf.h \
	 KERNEL_DIR=$kernel \
	 KCONFIG_RUSTCCFG=$scratch/rustc_cfg \
	 "$kernel/scripts/kconfig/conf" -s \
		--defconfig=drivers/media/defconfig Kconfig >&2)
	lacking=$(sed -n 's/^\tdepends on //p' "$source/cmacam/Kconfig" | sed 's/ && /\n/g' |
		while read -r option; do
			grep -q "^CONFIG_$option=" "$config" || printf ' CONFIG_%s' "$option"
		done)
	[ -z "$lacking" ] || {
		echo "configure.sh: the drivers need$lacking, which the kernel in $kernel lacks" >&2
		exit 1
	}
else
	cp "$source/defconfig" "$config"
fi

while read -r option module; do
	if grep -q "^$option=m" "$config"; then
		echo "$module"
	fi
done <<END
CONFIG_VIDEOBUF2_CMA vb2-cma/vb2-cma.ko
CONFIG_DMABUF_HEAPS_CACHED_CMA vb2-cma/vb2-cma-heap.ko
CONFIG_VIDEO_CMACAM cmacam/cmacam.ko
CONFIG_DMA_NONCOHERENT_SHIM noncoherent/noncoherent.ko
CONFIG_VIDEO_MINICAM minicam/minicam.ko
CONFIG_VIDEOBUF2_CMA_ADOPT vb2-cma-adopt/vb2-cma-adopt.ko
END
