/* SPDX-License-Identifier: MIT */
/* The smallest application of the installed library: do headers and libraries fit? */

#include <cmacam/frame.h>
#include <cmacam/sharing.h>
#ifdef WITH_CAMERA
#include <cmacam/camera.h>
#endif

#include <cstdio>

int main()
{
#ifdef WITH_CAMERA
	/* Only whether it links: a build machine has no camera. */
	auto *open = &cmacam::Camera::open;
	if (!open)
		return 1;
#endif
	const auto layout = cmacam::contiguousLayout(-1, cmacam::PixelFormat::Nv12, 64, 48, 64);
	const auto frame = cmacam::Frame::fromDmaBuf(*layout);
	std::puts(frame ? "a frame of nothing" : frame.error().what.c_str());
	return frame ? 1 : 0;
}
