#!/bin/sh
# SPDX-License-Identifier: MIT
# Last step of a layer for machines of the architecture $ARCH, run inside the root folder: makes /$ARCH, the root folder of
# these machines. $KERNEL is the end of the names of their kernel's packages. The packages are only unpacked, because their
# scripts are programs of the other architecture. What we need of the scripts' work is done here.
set -eu

root=/$ARCH
archives=/var/cache/apt/archives

# A separate apt, for which no package is installed.
state=/var/lib/foreign
mkdir -p $state/lists/partial
cat >$state/apt.conf <<END
APT::Architecture "$ARCH";
APT::Architectures { "$ARCH"; };
Dir::State "$state";
Dir::State::status "/dev/null";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
END
foreign() { APT_CONFIG=$state/apt.conf "$@"; }

foreign apt-get update
kv=$(foreign apt-cache depends "linux-image-$KERNEL" | sed -n 's/^ *Depends: linux-image-//p' | head -n 1)
# shellcheck disable=SC2046 # several words
set -- '?essential' "linux-binary-$kv" "linux-modules-$kv" "linux-base-$kv" $(grep -v '^#' /tmp/packages-foreign.txt)
rm -f $archives/*.deb
foreign sh /tmp/fetch.sh "$@" || true
foreign apt-get install -y --download-only "$@"

# The links of a merged /usr come first. A folder of a package does not replace a link.
mkdir "$root"
for package in "$archives"/base-files_*.deb "$archives"/*.deb; do
	echo "Unpacking ${package##*/}"
	dpkg-deb --fsys-tarfile "$package" | tar -C "$root" -x --numeric-owner --keep-directory-symlink \
		--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*'
done
rm -f $archives/*.deb

# The users, and the groups that udev's rules name.
cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
cp "$root/usr/share/libc-bin/nsswitch.conf" "$root/etc/nsswitch.conf"
systemd-sysusers --root="$root"
# The one alternative that is used. The loader needs no cache for the folders that our libraries are in.
ln -s mawk "$root/usr/bin/awk"
# The root folder is read-only for the machine, which would compile the same modules each time.
python3 -m compileall -q -s "$root" -p / "$root"/usr/lib/python3*
mkdir -p "$root/mnt" "$root/src" "$root/build" "$root/out" "$root/host"

depmod -b "$root" "$kv"
ln "$root/usr/lib/modules/$kv/vmlinuz" "$root/boot/vmlinux"

# The kernel's headers, for our modules. Their tools are programs of this architecture. The package is only unpacked: a
# build for this architecture takes the headers of the newest kernel below /lib/modules.
apt-get install -y "linux-headers-${kv%-*}-common" "linux-kbuild-${kv%-*}"
(cd $archives && foreign apt-get download -o APT::Sandbox::User=root "linux-headers-$kv")
dpkg-deb --fsys-tarfile $archives/linux-headers-"$kv"_*.deb | tar -C / -x ./usr/src
ln -s "linux-headers-$kv" "/usr/src/linux-headers-$ARCH"
rm -rf $archives/*.deb $state

version() { sed -n 's/^Version: //p' "$root"/usr/lib/*/pkgconfig/"$1.pc"; }
{
	echo "kernel $kv"
	echo "libcamera $(version libcamera)"
	echo "gstreamer $(version gstreamer-1.0)"
} >"$root/etc/cmacam-versions"
# The handler needs the source of the same version.
grep "^libcamera $(version libcamera)\$" /etc/cmacam-versions || {
	echo "Debian has libcamera $(version libcamera) now. This root folder is older: run ./dev clean and make it again"
	exit 1
}
