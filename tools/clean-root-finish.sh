#!/bin/sh
# SPDX-License-Identifier: MIT
# Last step of a clean root folder (cleanroots.py), run inside it: Debian's kernel of this suite with its headers, and the
# folders that the machine mounts. Resolves versions instead of naming them.
set -eu
export DEBIAN_FRONTEND=noninteractive
kv=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: linux-image-//p' | head -n 1)
# Newer kernels have the image in a package that needs no initrd.
if [ -n "$(apt-cache search --names-only "^linux-binary-$kv\$")" ]; then
	set -- "linux-binary-$kv" "linux-modules-$kv" "linux-base-$kv"
else
	set -- "linux-image-$kv"
fi
apt-get install -y --no-install-recommends "$@" "linux-headers-$kv"
depmod "$kv"
[ -e "/boot/vmlinuz-$kv" ] || cp "/usr/lib/modules/$kv/vmlinuz" "/boot/vmlinuz-$kv"
mkdir -p /src /build /out /host /mnt /packages
# Packages do not start their services.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get clean
