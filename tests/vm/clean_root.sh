#!/bin/sh
# SPDX-License-Identifier: MIT
# clean_root.sh all|kernel: runs in a machine that has only installed packages. The drivers are loaded by udev, and programs
# read frames. "kernel": only the drivers are installed.
set -eux

udevadm trigger --action=add
udevadm settle --timeout=120
# DKMS puts them there.
for module in cmacam vb2-cma; do
	modinfo -n $module | grep /updates/dkms/
done
[ -d /sys/module/cmacam ]
for node in /dev/video0 /dev/media0; do
	[ "$(stat -c '%G %a' $node)" = "video 660" ]
done
v4l2-ctl -d /dev/video0 --set-fmt-video=width=640,height=480,pixelformat=NV12 --stream-mmap --stream-count=10
[ "$1" = all ] || exit 0

# Modules by name, which no device asks for.
if modinfo -n vb2-cma-heap >/dev/null 2>&1; then
	modprobe vb2-cma-heap
	udevadm settle --timeout=120
	[ "$(stat -c '%G %a' /dev/dma_heap/video-contiguous)" = "video 660" ]
fi
cmacam-run cam -l >/tmp/cameras
cat /tmp/cameras
grep cmacam-sensor /tmp/cameras
cmacam-run cam -c1 --capture=10 >/tmp/frames
cat /tmp/frames
[ "$(grep -c 'seq:' /tmp/frames)" = 10 ]
gst-launch-1.0 cmacamsrc num-buffers=10 ! fakesink
python3 - <<'END'
import cmacam

camera = cmacam.Camera()
camera.start()
for _ in range(10):
    assert camera.next().map().gray.any()
print("10 frames", cmacam.__file__)
END
