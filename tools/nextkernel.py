# SPDX-License-Identifier: MIT
"""The next kernel: the newest one of Debian's newer suites. The modules must also build with its headers."""

import re
import subprocess

import kernels
import rootfs
from arch import AMD64
from ui import Skip, warn

SUITES = ("sid", "experimental")


def build(box):
    """Build the modules, and return the errors or an empty text."""
    try:
        with kernels.locked():
            apt = kernels.Apt(box, SUITES, AMD64, AMD64.name)
            release = newest(box, apt, apt.update())
            headers = apt.headers(release)
    except kernels.Unavailable as error:
        raise Skip(str(error)) from None
    tested = rootfs.read_versions(rootfs.TESTED)["next-kernel"]
    said = kernels.check_release(box, headers, release, AMD64)
    if series(release) <= series(tested):
        return said
    if said:
        raise Skip(f"the modules do not build yet for {release}, which is newer than {tested}, the newest tested "
                   f"kernel:\n{said}")
    warn(f"the modules build for {release}; name it in tools/versions.txt as the newest tested one")
    return ""


def series(release):
    """(7, 3) of 7.3.4+deb14-amd64."""
    return tuple(int(number) for number in re.match(r"(\d+)\.(\d+)", release).groups())


def newest(box, apt, reason):
    """The release of the newest kernel in the lists, if it is newer than the root folder's."""
    # The kernel that a suite offers is the one that this package depends on, here as in the root folder.
    package = f"linux-headers-{AMD64.name}"
    offered = apt.releases()
    if not offered:
        raise kernels.Unavailable(f"no headers of a newer kernel: {reason or f'the mirror has no {package}'}")
    if reason:
        warn(f"using the newest kernel that the last run found: {reason}")
    version = apt.show(package)[0][0]
    have = box.run(["dpkg-query", "-W", "-f", "${Version}", package], stdout=subprocess.PIPE, text=True).stdout
    if box.run(["dpkg", "--compare-versions", version, "gt", have], check=False).returncode:
        raise Skip(f"the mirror has no kernel newer than {have}, the kernel of all other tests")
    return offered[0]
