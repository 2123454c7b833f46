/* SPDX-License-Identifier: MIT */
#include "pins.h"

#include <linux/if_xdp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>

#include "ring.h"
#include "support/v4l2_queue.h"

namespace {

std::string vividNode(const std::string &name)
{
	for (int i = 0; i < 64; i++) {
		const std::string node = "video" + std::to_string(i);
		const std::string path = "/sys/class/video4linux/" + node + "/name";
		if (access(path.c_str(), R_OK) == 0 && contents(path).starts_with(name))
			return "/dev/" + node;
	}
	throw std::runtime_error("no node is called " + name);
}

/* The pages are pinned when they are queued; capture also fills them. */
Pin pinByVivid(const std::string &name, v4l2_buf_type type, std::span<std::byte> bytes)
{
	auto queue = std::make_shared<support::V4l2Queue>(vividNode(name), type);
	EXPECT_LE(queue->setExactFormat(V4L2_PIX_FMT_NV12, 640, 480).sizeimage, bytes.size());
	queue->request(1, V4L2_MEMORY_USERPTR);
	if (const int error = queue->tryQueue(0, bytes))
		return {error, {}};
	if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE) {
		queue->start();
		queue->wait(POLLIN);
	}
	return {0, queue};
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
