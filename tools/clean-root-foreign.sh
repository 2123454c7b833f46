#!/bin/sh
# SPDX-License-Identifier: MIT
# clean-root-foreign.sh ROOT ARCH KERNEL PACKAGE...: the same for another architecture, run inside the layer for its machines.
# The packages are only unpacked here. Their scripts are programs of the other architecture, so a machine installs the packages
# again as its first command (SECOND_STAGE in cleanroots.py). KERNEL is the end of the names of the kernel's packages.
set -eu
root=$1 arch=$2 kernel=$3
shift 3
[ ! -e /run/resolv.conf ] || busybox mount --bind /run/resolv.conf /etc/resolv.conf
mkdir -p "$root/var/lib/apt/lists/partial" "$root/var/cache/apt/archives/partial" "$root/var/lib/dpkg" "$root/etc/apt"
: >"$root/var/lib/dpkg/status"
cp /etc/apt/sources.list "$root/etc/apt/sources.list"
cat >/run/clean-root.conf <<END
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
Dir::State "$root/var/lib/apt";
Dir::State::status "$root/var/lib/dpkg/status";
Dir::Cache "$root/var/cache/apt";
END
export APT_CONFIG=/run/clean-root.conf
apt-get update
kv=$(apt-cache depends "linux-image-$kernel" | sed -n 's/^ *Depends: linux-image-//p' | head -n 1)
set -- '?essential' apt "$@" "linux-binary-$kv" "linux-modules-$kv" "linux-base-$kv" "linux-headers-$kv"
apt-get install -y --download-only "$@"
# The links of a merged /usr come first. A folder of a package does not replace a link.
for package in "$root"/var/cache/apt/archives/base-files_*.deb "$root"/var/cache/apt/archives/*.deb; do
	echo "Unpacking ${package##*/}"
	dpkg-deb --fsys-tarfile "$package" | tar -C "$root" -x --numeric-owner --keep-directory-symlink
done
cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
touch "$root/var/lib/dpkg/available"
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/boot"
for folder in src build out host mnt packages; do mkdir -p "$root/$folder"; done
ln -sf mawk "$root/usr/bin/awk"
depmod -b "$root" "$kv"
cp "$root/usr/lib/modules/$kv/vmlinuz" "$root/boot/vmlinuz-$kv"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
