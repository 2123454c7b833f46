/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of GStreamer. Header only: the library does not link to GStreamer; the
 * program links gstreamer-video-1.0 and gstreamer-allocators-1.0.
 */

#pragma once

#include <cerrno>
#include <memory>
#include <string>

#include <gst/allocators/gstdmabuf.h>
#include <gst/video/video.h>

#include <cmacam/frame.h>
#include <cmacam/mapping_pair.h>
#include <cmacam/result.h>

namespace cmacam {

/**
 * Where the pixels of \a buffer lie.
 *
 * \param[in] buffer A buffer of dma-buf memory; its file descriptors are borrowed
 * \param[in] info Of its caps; strides and offsets of a GstVideoMeta go before
 *
 * \return EINVAL if the library does not know the format, or if the memory is no
 * dma-buf
 */
inline Result<FrameLayout> layoutOf(GstBuffer *buffer, const GstVideoInfo &info)
{
	const std::string name = gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&info));
	const FormatInfo *format = nullptr;
	for (const FormatInfo &row : formats()) {
		if (!row.bayer && name == row.gstreamer)
			format = &row;
	}
	if (!format)
		return Error{EINVAL, "the video format " + name + " is not supported"};

	const auto width = static_cast<unsigned int>(GST_VIDEO_INFO_WIDTH(&info));
	const auto height = static_cast<unsigned int>(GST_VIDEO_INFO_HEIGHT(&info));
	const GstVideoMeta *meta = gst_buffer_get_video_meta(buffer);
	FrameLayout layout{format->format, width, height, {}};

	for (unsigned int i = 0; i < format->planeCount; i++) {
		const PlaneFormat &plane = format->planes[i];
		const gsize offset = meta ? meta->offset[i] : GST_VIDEO_INFO_PLANE_OFFSET(&info, i);
		const gint stride = meta ? meta->stride[i] : GST_VIDEO_INFO_PLANE_STRIDE(&info, i);
		const unsigned int lines = height / plane.vertical;

		guint index = 0;
		guint length = 0;
		gsize skip = 0;
		if (stride < 0 ||
		    !gst_buffer_find_memory(buffer, offset, 1, &index, &length, &skip))
			return Error{EINVAL,
				     "plane " + std::to_string(i) + " is not in the buffer"};
		GstMemory *memory = gst_buffer_peek_memory(buffer, index);
		if (!gst_is_dmabuf_memory(memory))
			return Error{EINVAL, "the buffer's memory is not a dma-buf"};

		layout.planes.push_back({gst_dmabuf_memory_get_fd(memory), memory->offset + skip,
					 static_cast<std::size_t>(stride) * lines,
					 width / plane.horizontal, lines,
					 static_cast<unsigned int>(stride), plane.sampleSize});
	}

	return layout;
}

/** A reference on a GstBuffer. */
class GstFrameSource final : public FrameSource
{
public:
	/** \param[in] pixels Shared with the GstMemory that they belong to */
	GstFrameSource(GstBuffer *buffer, std::shared_ptr<MappingPair> pixels)
		: buffer_(gst_buffer_ref(buffer)), pixels_(std::move(pixels))
	{
	}
	~GstFrameSource() override { gst_clear_buffer(&buffer_); }

	Result<const FrameMapping *> mapping(unsigned int, Stream stream, Access access) override
	{
		if (stream != Stream::Main)
			return Error{ENOENT, "a GstBuffer has one stream"};
		return pixels_->get(access);
	}

	/* The reference ends with the last frame, which is this source's end too. */
	void giveBack(unsigned int) noexcept override {}

private:
	GstBuffer *buffer_;
	std::shared_ptr<MappingPair> pixels_;
};

namespace details {

/* What a GstMemory keeps, so that each is mapped once for as long as it lives. */
using KeptMapping = std::shared_ptr<MappingPair>;

inline bool isSame(const FrameLayout &a, const FrameLayout &b)
{
	bool same = a.format == b.format && a.width == b.width && a.height == b.height &&
		    a.planes.size() == b.planes.size();
	for (std::size_t i = 0; same && i < a.planes.size(); i++)
		same = a.planes[i].offset == b.planes[i].offset &&
		       a.planes[i].stride == b.planes[i].stride;
	return same;
}

} /* namespace details */

/**
 * A lease on \a buffer, which is referenced until the frame is released.
 *
 * Its sequence is the buffer's offset, its timestamp the PTS: the time of the
 * pipeline, not CLOCK_MONOTONIC. Not for two threads with the same memory at
 * once, as in two branches behind a tee: serialise those.
 *
 * \return The errors of layoutOf() and of FrameMapping::map()
 */
inline Result<Frame> frameOf(GstBuffer *buffer, const GstVideoInfo &info)
{
	static const GQuark quark = g_quark_from_static_string("cmacam-mapping");

	const Result<FrameLayout> layout = layoutOf(buffer, info);
	if (!layout)
		return layout.error();

	GstMiniObject *owner = GST_MINI_OBJECT_CAST(gst_buffer_peek_memory(buffer, 0));
	auto *kept = static_cast<details::KeptMapping *>(gst_mini_object_get_qdata(owner, quark));
	if (kept) {
		const Result<const FrameMapping *> mapping = (*kept)->get(Access::Read);
		if (!mapping || !details::isSame((*mapping)->layout(), *layout))
			kept = nullptr;
	}
	if (!kept) {
		Result<MappingPair> pixels = MappingPair::map(*layout);
		if (!pixels)
			return pixels.error();
		auto fresh = std::make_unique<details::KeptMapping>(
			std::make_shared<MappingPair>(*std::move(pixels)));
		kept = fresh.release();
		gst_mini_object_set_qdata(owner, quark, kept, [](gpointer mapping) {
			delete static_cast<details::KeptMapping *>(mapping);
		});
	}

	const bool counted = GST_BUFFER_OFFSET_IS_VALID(buffer);
	const bool timed = GST_BUFFER_PTS_IS_VALID(buffer);
	return Frame(std::make_shared<GstFrameSource>(buffer, *kept), 0,
		     {counted ? static_cast<std::uint32_t>(GST_BUFFER_OFFSET(buffer)) : 0,
		      timed ? static_cast<std::int64_t>(GST_BUFFER_PTS(buffer)) : 0});
}

} /* namespace cmacam */
