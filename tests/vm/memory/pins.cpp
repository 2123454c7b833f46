/* SPDX-License-Identifier: MIT */
#include "pins.h"

#include <fcntl.h>
#include <linux/if_xdp.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "ring.h"

namespace {

constexpr int kVividLimitMs = 10'000;

Fd vividNode(const std::string &name)
{
	for (int i = 0; i < 64; i++) {
		const std::string node = "video" + std::to_string(i);
		const std::string path = "/sys/class/video4linux/" + node + "/name";
		if (access(path.c_str(), R_OK) == 0 && contents(path).starts_with(name))
			return Fd(open(("/dev/" + node).c_str(), O_RDWR | O_CLOEXEC));
	}
	ADD_FAILURE() << "no node is called " << name;
	return Fd();
}

/* The pages are pinned when they are queued; capture also fills them. */
Pin pinByVivid(const std::string &name, uint32_t type, std::span<std::byte> bytes)
{
	auto node = std::make_shared<Fd>(vividNode(name));
	v4l2_format format{};
	format.type = type;
	EXPECT_EQ(ioctl(*node, VIDIOC_G_FMT, &format), 0) << because();
	format.fmt.pix.width = 640;
	format.fmt.pix.height = 480;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_NV12;
	format.fmt.pix.bytesperline = 0;
	format.fmt.pix.sizeimage = 0;
	EXPECT_EQ(ioctl(*node, VIDIOC_S_FMT, &format), 0) << because();
	EXPECT_LE(format.fmt.pix.sizeimage, bytes.size());

	v4l2_requestbuffers request{};
	request.count = 1;
	request.type = type;
	request.memory = V4L2_MEMORY_USERPTR;
	EXPECT_EQ(ioctl(*node, VIDIOC_REQBUFS, &request), 0) << because();

	v4l2_buffer buffer{};
	buffer.type = type;
	buffer.memory = V4L2_MEMORY_USERPTR;
	buffer.m.userptr = reinterpret_cast<uintptr_t>(bytes.data());
	buffer.length = bytes.size();
	buffer.bytesused = format.fmt.pix.sizeimage;
	if (ioctl(*node, VIDIOC_QBUF, &buffer))
		return {errno, {}};
	if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE) {
		int streaming = type;
		must(ioctl(*node, VIDIOC_STREAMON, &streaming) == 0, "VIDIOC_STREAMON");
		pollfd wait{*node, POLLIN, 0};
		EXPECT_EQ(poll(&wait, 1, kVividLimitMs), 1) << "vivid never filled the buffer";
	}
	return {0, node};
}

} /* namespace */

Pin pinByUring(std::span<std::byte> bytes)
{
	auto ring = std::make_shared<Ring>();
	return {ring->registerBuffer(bytes), ring};
}

Pin pinByXdp(std::span<std::byte> bytes)
{
	auto socket = std::make_shared<Fd>(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
	xdp_umem_reg memory{};
	memory.addr = reinterpret_cast<uintptr_t>(bytes.data());
	memory.len = bytes.size() / kPage * kPage;
	memory.chunk_size = kPage;
	if (setsockopt(*socket, SOL_XDP, XDP_UMEM_REG, &memory, sizeof(memory)))
		return {errno, {}};
	return {0, socket};
}

Pin pinByCapture(std::span<std::byte> bytes)
{
	return pinByVivid("vivid-000-vid-cap", V4L2_BUF_TYPE_VIDEO_CAPTURE, bytes);
}

Pin pinByOutput(std::span<std::byte> bytes)
{
	return pinByVivid("vivid-000-vid-out", V4L2_BUF_TYPE_VIDEO_OUTPUT, bytes);
}
