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
 * Whoever has a request with one of them under way shares them, so that they
 * may be given up at any time; memory that was exported lives on with whoever
 * holds its file descriptor.
 */
class StreamBuffers
{
public:
	/**
	 * Allocates as many as @config, which has been applied, asks for.
	 * Errors: ENOMEM and others of FrameBufferAllocator::allocate(), in the
	 * driver's words; EINVAL for a format that the library does not know.
	 */
	static Result<std::shared_ptr<StreamBuffers>>
	allocate(const std::shared_ptr<libcamera::Camera> &camera,
		 const libcamera::StreamConfiguration &config);

	/** Somebody else's dma-bufs, each with the layout of @model in one piece. */
	static std::shared_ptr<StreamBuffers> import(std::span<const int> fds,
						     const StreamBuffers &model);

	size_t size() const { return buffers_.size(); }
	libcamera::FrameBuffer *operator[](size_t buffer) const { return buffers_[buffer]; }
	/* Whether they are somebody else's, who may use them again once they are given up. */
	bool areForeign() const { return !imported_.empty(); }
	unsigned int stride() const { return layout_.planes.front().stride; }
	/* The same for all, without file descriptors. */
	const FrameLayout &layout() const { return layout_; }
	/* That of one buffer; its descriptors are open as long as this object. */
	FrameLayout layout(size_t buffer) const;
	/* Whether all planes of a frame lie in one dma-buf. */
	bool areInOnePiece() const { return inOnePiece_; }
	/* The dma-buf of each first plane; open as long as this object. */
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
