#!/bin/sh
# SPDX-License-Identifier: MIT
# Build OUTPUT_DIR/test-importer.ko with the kernel's own build system.
# usage: build.sh MAKE KERNEL_DIR SOURCE_DIR OUTPUT_DIR
set -eu

make=$1
kernel=$2
source=$3
output=$(realpath -m "$4")

mkdir -p "$output/objects"
env -u MAKEFLAGS -u MAKELEVEL "$make" -s -C "$kernel" M="$source" MO="$output/objects" modules
cp "$output/objects/test-importer.ko" "$output/"
