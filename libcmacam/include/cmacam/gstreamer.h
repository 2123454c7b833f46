/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * Functions that make frames from GStreamer buffers.
 *
 * libcmacam does not link to GStreamer, because all code that uses GStreamer is in
 * this header. A program that includes this header must link gstreamer-video-1.0
 * and gstreamer-allocators-1.0.
 */

#pragma once

#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gst/allocators/gstdmabuf.h>
#include <gst/video/video.h>

#include <cmacam/frame.h>
#include <cmacam/mapping_pair.h>
#include <cmacam/result.h>

namespace cmacam {

/**
 * Find out where the pixels of a buffer lie.
 *
 * \param[in] buffer A buffer of dma-buf memory. The file descriptors in the layout
 * still belong to the buffer
 * \param[in] info The video info of the buffer's caps. If the buffer has a
 * GstVideoMeta, the function takes strides and offsets from the meta and not from
 * \a info
 *
 * \return The layout; EINVAL if libcmacam does not support the format, if a plane
 * does not begin within the buffer, or if the memory of a plane is not a dma-buf
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

/** The source of one frame, which has a reference to the frame's GstBuffer. */
class GstFrameSource final : public FrameSource
{
public:
	/**
	 * Take a reference to a buffer.
	 *
	 * \param[in] buffer The buffer
	 * \param[in] pixels The mapping of the buffer's memory. The GstMemory keeps this
	 * mapping too
	 * \param[in] known What is known of the frame; nothing if only GStreamer's own fields
	 * describe the buffer
	 */
	GstFrameSource(GstBuffer *buffer, std::shared_ptr<MappingPair> pixels,
		       const std::optional<FrameInfo> &known = std::nullopt)
		: buffer_(gst_buffer_ref(buffer)), pixels_(std::move(pixels)), known_(known)
	{
	}

	/** Drop the reference to the buffer. */
	~GstFrameSource() override { gst_clear_buffer(&buffer_); }

	Result<const FrameMapping *> mapping(unsigned int, Stream stream, Access access) override
	{
		if (stream != Stream::Main)
			return Error{ENOENT, "a GstBuffer has one stream"};
		return pixels_->get(access);
	}

	/** Do nothing, because the last frame destroys this source and so drops the reference. */
	void giveBack(unsigned int) noexcept override {}

	std::vector<NamedValue> metadata(unsigned int) const override
	{
		return known_ ? metadataOf(*known_) : std::vector<NamedValue>();
	}

private:
	GstBuffer *buffer_;
	std::shared_ptr<MappingPair> pixels_;
	std::optional<FrameInfo> known_;
};

namespace details {

/* The mapping that a GstMemory keeps, so that no later frame maps the same memory again. */
using KeptMapping = std::shared_ptr<MappingPair>;

/* A number of the GstCustomMeta; 0 if it has no such field. */
template <typename T>
T numberOf(const GstStructure *fields, const char *name)
{
	const GValue *value = gst_structure_get_value(fields, name);

	if (value && G_VALUE_HOLDS_UINT(value))
		return static_cast<T>(g_value_get_uint(value));
	if (value && G_VALUE_HOLDS_UINT64(value))
		return static_cast<T>(g_value_get_uint64(value));
	if (value && G_VALUE_HOLDS_INT64(value))
		return static_cast<T>(g_value_get_int64(value));
	if (value && G_VALUE_HOLDS_DOUBLE(value))
		return static_cast<T>(g_value_get_double(value));
	return {};
}

inline AeState aeStateOf(const GstStructure *fields)
{
	const gchar *name = gst_structure_get_string(fields, "ae-state");
	const std::string_view state = name ? name : "";

	if (state == "searching")
		return AeState::Searching;
	return state == "converged" ? AeState::Converged : AeState::Idle;
}

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
 * Read the GstCustomMeta that cmacamsrc puts on its buffers. The meta stays with the frame
 * behind queues and tees, and behind elements that convert or copy the frame.
 *
 * \param[in] buffer A buffer
 *
 * \return The number of the frame, its time, and how it was exposed; nothing if the buffer
 * has no such meta
 */
inline std::optional<FrameInfo> infoOf(GstBuffer *buffer)
{
	static constexpr const char *kName = "GstCmacamFrame";

	/* Without cmacamsrc in this process, GStreamer does not know the meta. */
	GstCustomMeta *meta =
		gst_meta_get_info(kName) ? gst_buffer_get_custom_meta(buffer, kName) : nullptr;
	if (!meta)
		return std::nullopt;

	using std::chrono::microseconds;
	const GstStructure *fields = gst_custom_meta_get_structure(meta);
	FrameInfo info;
	info.sequence = details::numberOf<std::uint32_t>(fields, "sequence");
	info.timestamp = details::numberOf<std::int64_t>(fields, "timestamp");
	info.lost = details::numberOf<std::uint32_t>(fields, "lost");
	info.aeState = details::aeStateOf(fields);
	info.wallClock = details::numberOf<std::int64_t>(fields, "wall-clock");
	info.exposure = microseconds(details::numberOf<std::int64_t>(fields, "exposure-time"));
	info.duration = microseconds(details::numberOf<std::int64_t>(fields, "frame-duration"));
	info.analogueGain = details::numberOf<double>(fields, "analogue-gain");
	info.digitalGain = details::numberOf<double>(fields, "digital-gain");
	return info;
}

/**
 * Make a frame from a buffer. The frame has a reference to the buffer until the
 * frame is released.
 *
 * For a buffer of cmacamsrc, Frame::info() has the result of infoOf(), and
 * Frame::metadata() has the same values with libcamera's names. For any other buffer,
 * Frame::sequence() returns the offset of the buffer, and Frame::timestamp() returns the
 * PTS, which is a running time of the pipeline and not a time of CLOCK_MONOTONIC. Several
 * threads may call frameOf() at the same time, also for buffers
 * that share memory, such as the buffers in the branches behind a tee.
 *
 * \param[in] buffer A buffer of dma-buf memory
 * \param[in] info The video info of the buffer's caps
 *
 * \return The frame; the errors of layoutOf() and of FrameMapping::map()
 */
inline Result<Frame> frameOf(GstBuffer *buffer, const GstVideoInfo &info)
{
	static const GQuark quark = g_quark_from_static_string("cmacam-mapping");

	const Result<FrameLayout> layout = layoutOf(buffer, info);
	if (!layout)
		return layout.error();

	/* The data of a mini object have no lock that lasts until the mapping is copied. */
	static std::mutex mutex;
	std::unique_lock lock(mutex);
	GstMiniObject *owner = GST_MINI_OBJECT_CAST(gst_buffer_peek_memory(buffer, 0));
	auto *kept = static_cast<details::KeptMapping *>(gst_mini_object_get_qdata(owner, quark));
	if (kept) {
		const Result<const FrameMapping *> mapping = (*kept)->get(Access::Read);
		if (!mapping || !details::isSame((*mapping)->layout(), *layout))
			kept = nullptr;
	}
	if (!kept) {
		Result<MappingPair> mapped = MappingPair::map(*layout);
		if (!mapped)
			return mapped.error();
		auto fresh = std::make_unique<details::KeptMapping>(
			std::make_shared<MappingPair>(*std::move(mapped)));
		kept = fresh.release();
		gst_mini_object_set_qdata(owner, quark, kept, [](gpointer mapping) {
			delete static_cast<details::KeptMapping *>(mapping);
		});
	}

	const details::KeptMapping pixels = *kept;
	lock.unlock();

	const std::optional<FrameInfo> known = infoOf(buffer);
	FrameInfo own;
	if (GST_BUFFER_OFFSET_IS_VALID(buffer))
		own.sequence = static_cast<std::uint32_t>(GST_BUFFER_OFFSET(buffer));
	if (GST_BUFFER_PTS_IS_VALID(buffer))
		own.timestamp = static_cast<std::int64_t>(GST_BUFFER_PTS(buffer));
	return Frame(std::make_shared<GstFrameSource>(buffer, pixels, known), 0,
		     known.value_or(own));
}

} /* namespace cmacam */
