/* SPDX-License-Identifier: MIT */
#include "camera.h"

#include <linux/cmacam.h>

#include "../witness.h"
#include "support/dma_buf.h"

std::string nameOf(Source source)
{
	return source == Source::V4l2 ? "V4l2" : "DmaBuf";
}

Camera::Camera() : queue_(setting("VIDEO_NODE"))
{
}

Camera::~Camera()
{
	EXPECT_NO_THROW({
		if (streaming_)
			stop();
		releaseBuffers();
	});
}

size_t Camera::setSize(Size size)
{
	return queue_.setExactFormat(V4L2_PIX_FMT_NV12, size.width, size.height).sizeimage;
}

bool Camera::request(unsigned int count)
{
	if (queue_.tryRequest(count) == 0 && queue_.count() == count)
		return true;
	releaseBuffers();
	return false;
}

bool Camera::create(size_t bytes)
{
	return queue_.tryCreate(1, bytes) == 0;
}

void Camera::releaseBuffers()
{
	queue_.request(0);
}

size_t Camera::bufferBytes(unsigned int index)
{
	return queue_.query(index).length;
}

Mapping Camera::map(unsigned int index, int protection)
{
	return queue_.map(index, protection);
}

Fd Camera::exportBuffer(unsigned int index)
{
	return queue_.exportBuffer(index);
}

void Camera::start(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		queue_.queue(i);
	queue_.start();
	streaming_ = true;
}

Frame Camera::dequeue()
{
	const v4l2_buffer buffer = queue_.dequeue();
	return {buffer.index, buffer.sequence, buffer.bytesused};
}

void Camera::requeue(unsigned int index)
{
	queue_.queue(index);
}

void Camera::stop()
{
	streaming_ = false;
	queue_.stop();
}

std::string Camera::lastError()
{
	v4l2_queryctrl query{};
	query.id = V4L2_CID_CMACAM_LAST_ERROR;
	support::control(queue_.fd(), VIDIOC_QUERYCTRL, &query, "VIDIOC_QUERYCTRL");
	std::string text(query.maximum + 1, '\0');
	v4l2_ext_control value{};
	value.id = query.id;
	value.size = text.size();
	value.string = text.data();
	v4l2_ext_controls controls{};
	controls.count = 1;
	controls.controls = &value;
	support::control(queue_.fd(), VIDIOC_G_EXT_CTRLS, &controls, "VIDIOC_G_EXT_CTRLS");
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

void beginAccess(int dmabuf)
{
	support::sync(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
}

void endAccess(int dmabuf)
{
	support::sync(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
}
