/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A node that delivers a small structure with each frame.
 */

#include "record_node.h"

#include <optional>

#include "libcamera/internal/dma_buf_allocator.h"
#include "libcamera/internal/media_device.h"

namespace libcamera {

/**
 * \class CmacamRecordNode
 * \brief Streams from a metadata node into buffers that this class allocates
 *
 * When a buffer is ready, it is read and queued again at once, so that the node
 * always has buffers.
 */

/**
 * \brief Open the node of an entity
 * \param[in] media The media device
 * \param[in] entity Name of the entity
 * \param[in] fourcc Format of the node
 * \param[in] dma Whether the hardware writes the buffers by DMA, so that reads need begin and end
 * of CPU access
 * \return The node, or nullptr if the node does not exist or cannot be opened
 */
std::unique_ptr<CmacamRecordNode> CmacamRecordNode::open(const MediaDevice *media,
							 const std::string &entity, uint32_t fourcc,
							 bool dma)
{
	std::unique_ptr<V4L2VideoDevice> device = V4L2VideoDevice::fromEntityName(media, entity);
	if (!device || device->open())
		return nullptr;

	return std::unique_ptr<CmacamRecordNode>(
		new CmacamRecordNode(std::move(device), fourcc, dma));
}

CmacamRecordNode::CmacamRecordNode(std::unique_ptr<V4L2VideoDevice> device, uint32_t fourcc,
				   bool dma)
	: device_(std::move(device)), format_(fourcc), dma_(dma), running_(false)
{
	device_->bufferReady.connect(device_.get(), [this](FrameBuffer *b) { bufferReady(b); });
}

/**
 * \brief Start streaming
 * \param[in] buffers Number of buffers to allocate
 * \return 0 on success or a negative error code; after an error, the node is stopped
 */
int CmacamRecordNode::start(unsigned int buffers)
{
	int ret = prepare(buffers);
	if (!ret)
		ret = device_->streamOn();

	running_ = true;
	if (ret)
		stop();

	return ret;
}

int CmacamRecordNode::prepare(unsigned int buffers)
{
	V4L2DeviceFormat format;
	format.fourcc = format_;
	int ret = device_->setFormat(&format);
	if (ret)
		return ret;

	ret = device_->allocateBuffers(buffers, &buffers_);
	if (ret < 0)
		return ret;

	for (const std::unique_ptr<FrameBuffer> &buffer : buffers_) {
		MappedFrameBuffer map(buffer.get(), MappedFrameBuffer::MapFlag::Read);
		if (!map.isValid())
			return map.error();

		maps_.emplace(buffer.get(), std::move(map));

		ret = device_->queueBuffer(buffer.get());
		if (ret)
			return ret;
	}

	return 0;
}

/**
 * \brief Stop streaming and free the buffers
 */
void CmacamRecordNode::stop()
{
	if (!running_)
		return;

	running_ = false;
	device_->streamOff();
	maps_.clear();
	device_->releaseBuffers();
	buffers_.clear();
}

/**
 * \brief Close the node of a device that has gone
 */
void CmacamRecordNode::close()
{
	running_ = false;
	maps_.clear();
	device_->close();
	buffers_.clear();
}

void CmacamRecordNode::bufferReady(FrameBuffer *buffer)
{
	if (buffer->metadata().status == FrameMetadata::FrameCancelled)
		return;

	{
		std::optional<DmaSyncer> sync;
		if (dma_)
			sync.emplace(buffer->planes()[0].fd, DmaSyncer::SyncType::Read);

		ready.emit(maps_.at(buffer).planes()[0], buffer->metadata());
	}

	/* Whoever was told may have stopped the node. */
	if (running_)
		device_->queueBuffer(buffer);
}

} /* namespace libcamera */
