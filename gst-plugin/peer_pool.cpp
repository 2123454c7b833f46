/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PeerPool: the pool that the next element offers, for the camera to write to.
 */
#include "peer_pool.h"

#include <algorithm>

#include <gst/allocators/gstdmabuf.h>
#include <gst/video/video.h>

#include "caps.h"

namespace cmacam::gst {

namespace {

/* V4L2 has no more in one queue. */
constexpr guint kMostBuffers = 32;

/*
 * The number of a buffer, from 1, on its memory. Addresses do not do: new memory is
 * often where the replaced one was.
 */
GQuark numberQuark()
{
	static const GQuark quark = g_quark_from_static_string("cmacam-peer-buffer");
	return quark;
}

/* Why the camera cannot write a frame of this layout to @buffer; empty if it can. */
std::string unfit(GstBuffer *buffer, std::span<const PlaneLayout> planes, bool isDefault)
{
	if (gst_buffer_n_memory(buffer) != 1 ||
	    !gst_is_dmabuf_memory(gst_buffer_peek_memory(buffer, 0)))
		return "a buffer of the pool does not consist of exactly one dma-buf";

	gsize offset, space;
	const size_t size = planes.back().offset + planes.back().length;
	gst_memory_get_sizes(gst_buffer_peek_memory(buffer, 0), &offset, &space);
	if (offset != 0 || space < size)
		return "a buffer of the pool has " + std::to_string(space) +
		       " bytes, a frame has " + std::to_string(size);

	const GstVideoMeta *meta = gst_buffer_get_video_meta(buffer);
	if (!meta)
		return isDefault ? "" : "a buffer of the pool has no GstVideoMeta";
	for (size_t i = 0; i < planes.size(); i++)
		if (i >= meta->n_planes || meta->offset[i] != planes[i].offset ||
		    meta->stride[i] != gint(planes[i].stride))
			return "the pool's rows have " + std::to_string(meta->stride[0]) +
			       " bytes, the camera's have " + std::to_string(planes[0].stride);
	return {};
}

} /* namespace */

bool OfferedPool::mayHaveDmabufs(const GstCaps *caps) const
{
	if (!pool || wantsDmabufs(caps))
		return pool != nullptr;

	const StructurePtr config(gst_buffer_pool_get_config(pool.get()));
	GstAllocator *allocator = nullptr;
	gst_buffer_pool_config_get_allocator(config.get(), &allocator, nullptr);
	return allocator && GST_IS_DMABUF_ALLOCATOR(allocator);
}

PeerPool::PeerPool(GstBufferPool *pool) : pool_(GST_BUFFER_POOL(gst_object_ref(pool)))
{
}

PeerPool::~PeerPool()
{
	buffers_.clear();
	strangers_.clear();
	gst_buffer_pool_set_active(pool_.get(), FALSE);
}

/*
 * A pool that cannot have exactly what it is asked for changes the configuration,
 * and refuses it. By GStreamer's rules, the change is its proposal.
 */
bool PeerPool::configure(GstCaps *caps, size_t size, size_t count)
{
	GstStructure *config = gst_buffer_pool_get_config(pool_.get());

	gst_buffer_pool_config_set_params(config, caps, size, count, count);
	if (gst_buffer_pool_has_option(pool_.get(), GST_BUFFER_POOL_OPTION_VIDEO_META))
		gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
	if (gst_buffer_pool_set_config(pool_.get(), config))
		return true;

	StructurePtr proposal(gst_buffer_pool_get_config(pool_.get()));
	return gst_buffer_pool_config_validate_params(proposal.get(), caps, size, count, count) &&
	       gst_buffer_pool_set_config(pool_.get(), proposal.release());
}

/* The number of buffers that the pool has then; nothing if it cannot be used. */
std::optional<size_t> PeerPool::activate(GstCaps *caps, size_t size, size_t count)
{
	if (!configure(caps, size, count))
		return std::nullopt;

	/* All are to be the camera's: of a pool without a limit nobody can have all. */
	guint max = 0;
	const StructurePtr config(gst_buffer_pool_get_config(pool_.get()));
	gst_buffer_pool_config_get_params(config.get(), nullptr, nullptr, nullptr, &max);
	if (max < count || max > kMostBuffers || !gst_buffer_pool_set_active(pool_.get(), TRUE))
		return std::nullopt;
	return max;
}

std::shared_ptr<PeerPool> PeerPool::create(const OfferedPool &offered, GstCaps *caps,
					   std::span<const PlaneLayout> planes, bool isDefault,
					   size_t count, std::string &why)
{
	if (offered.max && offered.max < count) {
		why = "the pool has " + std::to_string(offered.max) +
		      " buffers, the camera needs " + std::to_string(count);
		return nullptr;
	}

	/* A pool of video frames does not start with less than its own layout takes. */
	GstVideoInfo info;
	size_t size = planes.back().offset + planes.back().length;
	if (gst_video_info_from_caps(&info, caps))
		size = std::max(size, GST_VIDEO_INFO_SIZE(&info));

	std::shared_ptr<PeerPool> self(new PeerPool(offered.pool.get()));
	const std::optional<size_t> all = self->activate(caps, size, count);
	if (!all) {
		why = "the pool cannot be activated";
		return nullptr;
	}

	while (self->buffers_.size() < *all) {
		GstBuffer *buffer = nullptr;
		GstBufferPoolAcquireParams params{};
		params.flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT;
		if (gst_buffer_pool_acquire_buffer(self->pool_.get(), &buffer, &params) !=
		    GST_FLOW_OK) {
			why = "the pool has no free buffers left";
			return nullptr;
		}
		self->buffers_.emplace_back(buffer);
		if (!(why = unfit(buffer, planes, isDefault)).empty())
			return nullptr;
		GstMemory *memory = gst_buffer_peek_memory(buffer, 0);
		self->fds_.push_back(gst_dmabuf_memory_get_fd(memory));
		gst_mini_object_set_qdata(GST_MINI_OBJECT_CAST(memory), numberQuark(),
					  GSIZE_TO_POINTER(self->fds_.size()), nullptr);
	}
	return self;
}

BufferPtr PeerPool::take(size_t index)
{
	return std::move(buffers_[index]);
}

std::optional<size_t> PeerPool::indexOf(GstBuffer *buffer) const
{
	if (gst_buffer_n_memory(buffer) != 1)
		return std::nullopt;

	const size_t number = GPOINTER_TO_SIZE(gst_mini_object_get_qdata(
		GST_MINI_OBJECT_CAST(gst_buffer_peek_memory(buffer, 0)), numberQuark()));
	if (number == 0 || number > fds_.size())
		return std::nullopt;
	return number - 1;
}

std::optional<size_t> PeerPool::acquire(bool wait)
{
	while (strangers_.size() < fds_.size()) {
		GstBufferPoolAcquireParams params{};
		GstBuffer *buffer = nullptr;
		/*
		 * Who replaces memory may do so with each buffer, and may keep the last
		 * one until there is another frame. So nobody waits for it.
		 */
		if (!wait || !strangers_.empty())
			params.flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT;
		if (gst_buffer_pool_acquire_buffer(pool_.get(), &buffer, &params) != GST_FLOW_OK)
			return std::nullopt;

		BufferPtr owner(buffer);
		if (const auto index = indexOf(buffer)) {
			buffers_[*index] = std::move(owner);
			return index;
		}
		strangers_.push_back(std::move(owner));
	}
	return std::nullopt;
}

void PeerPool::setFlushing(bool flushing)
{
	gst_buffer_pool_set_flushing(pool_.get(), flushing);
}

} /* namespace cmacam::gst */
