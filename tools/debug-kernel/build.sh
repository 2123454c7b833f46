#!/bin/sh
# SPDX-License-Identifier: MIT
# Build the debug kernel inside the root folder, in namespaces of its own.
# usage: build.sh KERNEL WORK    KERNEL: the version in use, such as 7.2.12+deb14-amd64
# What is left in WORK at the end:
#   bzImage   what is booted (the uncompressed image resets at once)
#   modules/  what goes below /lib/modules/RELEASE
#   linux/    configured headers, for modules built outside the tree
# A line that starts with "debug-kernel: " is the reason of a failure.
set -eu

kernel=$1
work=$2
recipe=$(dirname "$(realpath "$0")")
cd "$work"

fail() {
	echo "debug-kernel: $1"
	exit 1
}

# The root folder stays as it is: package lists, the tools that only a kernel
# needs, and the host's name servers of today are seen by this script alone.
[ ! -e /run/resolv.conf ] || busybox mount --bind /run/resolv.conf /etc/resolv.conf
mkdir -p apt/lists/partial apt/cache/archives/partial tools
apt() {
	apt-get -q -o Dir::State::lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" \
		-o APT::Sandbox::User=root "$@"
}
# 7.2.12+deb14-amd64 comes from the source package linux-source-7.2, 7.3-amd64 from linux-source-7.3.
source=linux-source-$(echo "$kernel" | sed 's/^\([0-9]*\.[0-9]*\).*/\1/')
version=$(dpkg-query -W -f '${Version}' "linux-binary-$kernel")
apt update || fail "the Debian mirror cannot be reached: is the network up?"
apt download "$source=$version" ||
	fail "the Debian mirror no longer has version $version of $source: run ./dev clean, then try again"
apt -y --download-only --no-install-recommends install flex bison bc libelf-dev ||
	fail "flex, bison, bc and libelf-dev are not available from the Debian mirror"

echo "unpacking $source $version"
for package in apt/cache/archives/*.deb; do
	dpkg-deb -x "$package" tools
done
mkdir linux
dpkg-deb --fsys-tarfile "$source"_*.deb | tar -xO --wildcards '*/linux-source-*.tar.xz' |
	tar -C linux -xJ --strip-components 1
rm -rf "$source"_*.deb apt
busybox mount -t overlay tools -o "lowerdir=$work/tools/usr:/usr" /usr

echo "configuring"
cd linux
make -s tinyconfig
scripts/kconfig/merge_config.sh -m .config "$recipe/config" >/dev/null
make -s olddefconfig
# Kconfig drops what it cannot grant without a word.
sed -n 's/^CONFIG_/&/p; s/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1=/p' "$recipe/config" |
	while IFS='=' read -r name value; do
		have=$(sed -n "s/^$name=//p" .config)
		[ "$have" = "$value" ] || fail "Kconfig made $name=${have:-n} of $name=${value:-n}"
	done

# The compiler's cache finds nothing where dates and names of hosts are compiled in.
export KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_USER=cmacam KBUILD_BUILD_HOST=cmacam
make -j"$(nproc)" bzImage modules
make -s modules_install INSTALL_MOD_PATH="$work/installed"
mv "$work"/installed/lib/modules/* "$work/modules"
rm -f "$work"/modules/build "$work"/modules/source
cp arch/x86/boot/bzImage "$work/"

# 3 GB of sources and objects; headers, scripts and symbol versions are 0.1 GB.
echo "keeping what modules are built with"
rm -rf Documentation drivers fs net samples sound virt
find . ! -type d ! -path './include/*' ! -path './scripts/*' ! -path './tools/objtool/*' ! -path './arch/x86/*.h' \
	! -name 'Makefile*' ! -name 'Kbuild*' ! -name 'Kconfig*' ! -name '*.lds' ! -name .config \
	! -name Module.symvers -delete
find . -type d -empty -delete
busybox umount -l /usr
rm -rf "$work/tools" "$work/installed"
