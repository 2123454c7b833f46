#!/bin/sh
# SPDX-License-Identifier: MIT
# Last step of making the root folder, run inside it: what is not a plain
# package. Resolves versions instead of naming them.
set -eu

# The kernel without its metapackage, which would build an initrd.
kv=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: linux-image-//p' | head -n 1)
apt-get install -y --no-install-recommends "linux-binary-$kv" "linux-modules-$kv" "linux-base-$kv"

# Booting the uncompressed kernel saves a second. The header of the image says
# where its payload lies (Documentation/arch/x86/boot.rst: setup_sects,
# payload_offset, payload_length).
image=/usr/lib/modules/$kv/vmlinuz
field() { od -An -t"$1" -j"$2" -N"${1#u}" "$image" | tr -d ' '; }
start=$((($(field u1 497) + 1) * 512 + $(field u4 584)))
tail -c +$((start + 1)) "$image" | head -c $(($(field u4 588) - 4)) | zstd -dcq >/boot/vmlinux

cd /usr/src
# The handler needs libcamera's internal headers, which no package ships.
version=$(pkg-config --modversion libcamera)
apt-get source --download-only "libcamera=$(dpkg-query -W -f '${source:Version}' libcamera-dev)"
mkdir "libcamera-$version"
tar -C "libcamera-$version" --strip-components 1 -xf libcamera_*.orig.tar.*
rm -f libcamera_*

# The video: pedestrians, from OpenCV's examples.
apt-get download opencv-doc
mkdir -p /usr/share/cmacam
dpkg-deb --fsys-tarfile opencv-doc_*.deb |
	tar -xO --wildcards '*/examples/data/vtest.avi' >/usr/share/cmacam/vtest.avi
rm -f opencv-doc_*.deb

mkdir -p /src /build /out /host /ccache
rm -rf /var/cache/apt/archives/*.deb

{
	echo "kernel $kv"
	echo "libcamera $version"
	echo "gstreamer $(pkg-config --modversion gstreamer-1.0)"
	echo "opencv $(dpkg-query -W -f '${Version}' libopencv-core-dev | sed 's/[+-].*//')"
	echo "qemu $(qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')"
	echo "gcc $(gcc -dumpfullversion)"
	echo "meson $(meson --version)"
} >/etc/cmacam-versions
