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

#include <cmacam/frame_layout.h>
#include <cmacam/result.h>

namespace cmacam {

/*
 * Each request that the camera has keeps a reference to this object. So the stream
 * may drop its buffers at any time. The memory of a buffer lives as long as one of
 * its file descriptors is open.
 */
class StreamBuffers
{
public:
	/**
	 * Allocate config.bufferCount buffers for @config. The camera must already be
	 * configured with @config. Errors: ENOMEM and other errors of
	 * FrameBufferAllocator::allocate(), with the driver's sentence; EINVAL for a format
	 * that libcmacam does not know.
	 */
	static Result<std::shared_ptr<StreamBuffers>>
	allocate(const std::shared_ptr<libcamera::Camera> &camera,
		 const libcamera::StreamConfiguration &config);

	/**
	 * Make an object from the dma-bufs @fds, which have another owner. Each dma-buf has
	 * all planes of a frame, in the layout of @model.
	 */
	static std::shared_ptr<StreamBuffers> import(std::span<const int> fds,
						     const StreamBuffers &model);

	size_t size() const { return buffers_.size(); }
	libcamera::FrameBuffer *operator[](size_t buffer) const { return buffers_[buffer]; }
	/*
	 * Whether the buffers have another owner. After this object is destroyed, the owner
	 * may use the buffers again.
	 */
	bool areForeign() const { return !imported_.empty(); }
	unsigned int stride() const { return layout_.planes.front().stride; }
	/* The layout that all buffers share, without file descriptors. */
	const FrameLayout &layout() const { return layout_; }
	/* The layout of one buffer. This object owns the file descriptors in the layout. */
	FrameLayout layout(size_t buffer) const;
	/* Whether all planes of a frame lie in one dma-buf. */
	bool areInOnePiece() const { return inOnePiece_; }
	/*
	 * The file descriptor of each buffer's first plane. This object owns the file
	 * descriptors.
	 */
	std::vector<int> fds() const;

private:
	explicit StreamBuffers(std::shared_ptr<libcamera::Camera> camera);
	StreamBuffers(const StreamBuffers &) = delete;
	StreamBuffers &operator=(const StreamBuffers &) = delete;

	std::shared_ptr<libcamera::Camera> camera_;
	libcamera::FrameBufferAllocator allocator_;
	std::vector<std::unique_ptr<libcamera::FrameBuffer>> imported_;
	std::vector<libcamera::FrameBuffer *> buffers_;
	FrameLayout layout_{};
	bool inOnePiece_ = true;
};

} /* namespace cmacam */
