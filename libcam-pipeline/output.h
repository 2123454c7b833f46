/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream of a cmacam camera, and the video node that delivers the frames of this stream.
 */

#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <libcamera/framebuffer.h>
#include <libcamera/pixel_format.h>
#include <libcamera/stream.h>

#include "capture_device.h"
#include "dma_buf_holders.h"

namespace libcamera {

class MediaDevice;

class CmacamOutput
{
public:
	using Formats = std::map<PixelFormat, std::vector<SizeRange>>;

	static std::unique_ptr<CmacamOutput> open(const MediaDevice *media,
						  const std::string &entity);

	CmacamCaptureDevice *device() { return &device_; }
	Stream *stream() { return &stream_; }
	const Stream &stream() const { return stream_; }
	const Formats &formats() const { return formats_; }

	int configure(const V4L2DeviceFormat &format);
	void disable();
	bool isActive() const { return active_; }

	int exportBuffers(unsigned int count, std::vector<std::unique_ptr<FrameBuffer>> *buffers);
	int prepare(unsigned int maxQueued, bool withScratch);
	int start();
	void stop();

	void noteQueued(const FrameBuffer *buffer);
	void noteReturned();
	const std::vector<DmaBufId> &buffers() const { return bufferIds_; }
	std::size_t held() const;

	FrameBuffer *scratch() { return scratch_.empty() ? nullptr : scratch_.front().get(); }

private:
	explicit CmacamOutput(const MediaEntity *entity);

	CmacamCaptureDevice device_;
	Stream stream_;
	Formats formats_;
	V4L2DeviceFormat format_;
	bool active_;

	/* Buffers that the application uses in this session */
	std::vector<const FrameBuffer *> noted_;
	std::vector<DmaBufId> bufferIds_;
	/* Number of these buffers that are queued to the node */
	std::size_t queued_;

	/* The scratch buffer; empty if there is none */
	std::vector<std::unique_ptr<FrameBuffer>> scratch_;
};

} /* namespace libcamera */
