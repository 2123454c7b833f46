/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StreamBuffers: the buffers of one stream for one configuration.
 */
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <libcamera/camera.h>
#include <libcamera/framebuffer.h>
#include <libcamera/framebuffer_allocator.h>
#include <libcamera/stream.h>

#include "error.h"

namespace cmacam::gst {

/* One plane of a frame, within the frame's single dma-buf. */
struct PlaneLayout
{
	size_t offset;
	size_t length;
	unsigned int stride;
};

/*
 * Whoever has a request with one of them under way shares them, so that they
 * may be given up at any time; memory that was exported lives on with whoever
 * holds its file descriptor.
 */
class StreamBuffers
{
public:
	/**
	 * Allocates as many as @config, which has been applied, asks for.
	 * Returns nullptr and fills @error (NoSpace, Open, Settings) on failure.
	 */
	static std::shared_ptr<StreamBuffers>
	allocate(const std::shared_ptr<libcamera::Camera> &camera,
		 const libcamera::StreamConfiguration &config, MaybeError &error);

	/** Somebody else's dma-bufs, each with the layout of @model. */
	static std::shared_ptr<StreamBuffers> import(std::span<const int> fds,
						     const StreamBuffers &model);

	size_t size() const { return buffers_.size(); }
	libcamera::FrameBuffer *operator[](size_t buffer) const { return buffers_[buffer]; }
	/* Whether they are somebody else's, who may use them again once they are given up. */
	bool areForeign() const { return !imported_.empty(); }
	unsigned int stride() const { return planes_.front().stride; }
	/* The same for all. */
	const std::vector<PlaneLayout> &planes() const { return planes_; }
	/* The dma-bufs; open as long as this object. */
	std::vector<int> fds() const;

private:
	explicit StreamBuffers(std::shared_ptr<libcamera::Camera> camera);
	StreamBuffers(const StreamBuffers &) = delete;
	StreamBuffers &operator=(const StreamBuffers &) = delete;

	std::shared_ptr<libcamera::Camera> camera_;
	libcamera::FrameBufferAllocator allocator_;
	std::vector<std::unique_ptr<libcamera::FrameBuffer>> imported_;
	std::vector<libcamera::FrameBuffer *> buffers_;
	std::vector<PlaneLayout> planes_;
};

} /* namespace cmacam::gst */
