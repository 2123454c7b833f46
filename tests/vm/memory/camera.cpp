/* SPDX-License-Identifier: MIT */
#include "camera.h"

#include <fcntl.h>
#include <linux/cmacam.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "../witness.h"

namespace {

constexpr int kFrameLimitMs = 30'000;

v4l2_buffer describe(unsigned int index)
{
	v4l2_buffer buffer{};
	buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	buffer.memory = V4L2_MEMORY_MMAP;
	buffer.index = index;
	return buffer;
}

void sync(int dmabuf, uint64_t flags)
{
	dma_buf_sync argument{flags | DMA_BUF_SYNC_RW};
	EXPECT_EQ(ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &argument), 0) << because();
}

} /* namespace */

std::string nameOf(Source source)
{
	return source == Source::V4l2 ? "V4l2" : "DmaBuf";
}

Camera::Camera() : node_(open(setting("VIDEO_NODE").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK))
{
}

Camera::~Camera()
{
	if (streaming_)
		stopStreaming();
	EXPECT_EQ(freeBuffers(), 0) << because();
}

void Camera::control(unsigned long request, void *argument)
{
	must(ioctl(node_, request, argument) == 0, "ioctl " + std::to_string(_IOC_NR(request)));
}

size_t Camera::setSize(Size size)
{
	v4l2_format format{};
	format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	format.fmt.pix.width = size.width;
	format.fmt.pix.height = size.height;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_NV12;
	control(VIDIOC_S_FMT, &format);
	must(format.fmt.pix.width == size.width && format.fmt.pix.height == size.height, "size");
	return frameBytes_ = format.fmt.pix.sizeimage;
}

bool Camera::request(unsigned int count)
{
	v4l2_requestbuffers request{};
	request.count = count;
	request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	request.memory = V4L2_MEMORY_MMAP;
	if (ioctl(node_, VIDIOC_REQBUFS, &request) == 0 && request.count == count)
		return true;
	releaseBuffers();
	return false;
}

bool Camera::create(size_t bytes)
{
	v4l2_create_buffers request{};
	request.count = 1;
	request.memory = V4L2_MEMORY_MMAP;
	request.format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	control(VIDIOC_G_FMT, &request.format);
	request.format.fmt.pix.sizeimage = bytes;
	return ioctl(node_, VIDIOC_CREATE_BUFS, &request) == 0 && request.count == 1;
}

int Camera::freeBuffers()
{
	v4l2_requestbuffers request{};
	request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	request.memory = V4L2_MEMORY_MMAP;
	return ioctl(node_, VIDIOC_REQBUFS, &request);
}

void Camera::releaseBuffers()
{
	must(freeBuffers() == 0, "VIDIOC_REQBUFS(0)");
}

size_t Camera::bufferBytes(unsigned int index)
{
	v4l2_buffer buffer = describe(index);
	control(VIDIOC_QUERYBUF, &buffer);
	return buffer.length;
}

Mapping Camera::map(unsigned int index, int protection)
{
	v4l2_buffer buffer = describe(index);
	control(VIDIOC_QUERYBUF, &buffer);
	return Mapping(node_, buffer.m.offset, buffer.length, protection);
}

Fd Camera::exportBuffer(unsigned int index)
{
	v4l2_exportbuffer exported{};
	exported.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	exported.index = index;
	exported.flags = O_RDWR | O_CLOEXEC;
	control(VIDIOC_EXPBUF, &exported);
	return Fd(exported.fd);
}

void Camera::start(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		v4l2_buffer buffer = describe(i);
		control(VIDIOC_QBUF, &buffer);
	}
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	control(VIDIOC_STREAMON, &type);
	streaming_ = true;
}

Frame Camera::dequeue()
{
	pollfd wait{node_, POLLIN, 0};
	must(poll(&wait, 1, kFrameLimitMs) == 1, "waiting for a frame");
	v4l2_buffer buffer = describe(0);
	control(VIDIOC_DQBUF, &buffer);
	return {buffer.index, buffer.sequence, buffer.bytesused};
}

int Camera::stopStreaming()
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	streaming_ = false;
	return ioctl(node_, VIDIOC_STREAMOFF, &type);
}

void Camera::stop()
{
	must(stopStreaming() == 0, "VIDIOC_STREAMOFF");
}

std::string Camera::lastError()
{
	v4l2_queryctrl query{};
	query.id = V4L2_CID_CMACAM_LAST_ERROR;
	control(VIDIOC_QUERYCTRL, &query);
	std::string text(query.maximum + 1, '\0');
	v4l2_ext_control value{};
	value.id = query.id;
	value.size = text.size();
	value.string = text.data();
	v4l2_ext_controls controls{};
	controls.count = 1;
	controls.controls = &value;
	control(VIDIOC_G_EXT_CTRLS, &controls);
	return text.c_str();
}

Written boardsAccount(std::span<const std::byte> frame)
{
	const auto mark = witness::readMark(frame);
	must(mark.has_value(), "the board's mark");
	/* The machine may see the end of the log late. */
	Written written{};
	within(5, [&] {
		std::istringstream log(contents(setting("BOARD_LOG")));
		for (std::string line; std::getline(log, line);) {
			const size_t digest = line.find(" sha256=");
			if (word(line, "nonce") != mark->nonce || digest == line.npos)
				continue;
			written = {word(line, "addr").value(), line.substr(digest + 8, 64)};
			return true;
		}
		return false;
	});
	EXPECT_FALSE(written.digest.empty()) << "not in the board's log";
	return written;
}

std::vector<uint64_t> pageFrames(std::span<const std::byte> mapping)
{
	constexpr uint64_t present = 1ULL << 63;
	constexpr uint64_t frameMask = (1ULL << 55) - 1;
	std::vector<uint64_t> entries(wholePages(mapping.size()) / kPage);
	Fd file(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	const auto first = reinterpret_cast<uintptr_t>(mapping.data()) / kPage;
	const size_t bytes = entries.size() * sizeof(entries[0]);
	EXPECT_EQ(pread(file, entries.data(), bytes, first * sizeof(entries[0])), ssize_t(bytes));
	for (uint64_t &entry : entries)
		entry = entry & present ? entry & frameMask : 0;
	return entries;
}

void beginAccess(int dmabuf)
{
	sync(dmabuf, DMA_BUF_SYNC_START);
}

void endAccess(int dmabuf)
{
	sync(dmabuf, DMA_BUF_SYNC_END);
}
