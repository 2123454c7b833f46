/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A metadata node, which delivers a small structure (a record) for each frame.
 */

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <libcamera/base/signal.h>
#include <libcamera/base/span.h>

#include <libcamera/framebuffer.h>

#include "libcamera/internal/mapped_framebuffer.h"
#include "libcamera/internal/v4l2_videodevice.h"

namespace libcamera {

class MediaDevice;

class CmacamRecordNode
{
public:
	static std::unique_ptr<CmacamRecordNode>
	open(const MediaDevice *media, const std::string &entity, uint32_t fourcc, bool dma);

	int start(unsigned int buffers);
	void stop();
	void close();
	bool isRunning() const { return running_; }

	/* Emitted for each record. The bytes are valid only until the slot returns. */
	Signal<Span<const uint8_t>, const FrameMetadata &> ready;

private:
	CmacamRecordNode(std::unique_ptr<V4L2VideoDevice> device, uint32_t fourcc, bool dma);

	int prepare(unsigned int buffers);
	void bufferReady(FrameBuffer *buffer);

	std::unique_ptr<V4L2VideoDevice> device_;
	const V4L2PixelFormat format_;
	const bool dma_;
	bool running_;

	std::vector<std::unique_ptr<FrameBuffer>> buffers_;
	std::map<const FrameBuffer *, MappedFrameBuffer> maps_;
};

} /* namespace libcamera */
