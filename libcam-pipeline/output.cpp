/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream of a cmacam camera and the video node that feeds it.
 */

#include "output.h"

#include <algorithm>
#include <cerrno>

#include <libcamera/base/log.h>

#include "libcamera/internal/media_device.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

bool sameLayout(const V4L2DeviceFormat &a, const V4L2DeviceFormat &b)
{
	return a.size == b.size && a.fourcc == b.fourcc && a.planes[0].bpl == b.planes[0].bpl;
}

} /* namespace */

/**
 * \class CmacamOutput
 * \brief The capture node of one stream
 *
 * A request may have no buffer for this stream while the other stream, which is
 * linked with it, needs a frame. Then the scratch buffer takes the frame of
 * this stream.
 */

CmacamOutput::CmacamOutput(const MediaEntity *entity) : device_(entity), active_(false), queued_(0)
{
}

/**
 * \brief Open the node of an entity and read its formats
 * \return The output, or nullptr if the node does not exist, cannot be opened, or has no format
 * that libcamera supports
 */
std::unique_ptr<CmacamOutput> CmacamOutput::open(const MediaDevice *media,
						 const std::string &entity)
{
	const MediaEntity *node = media->getEntityByName(entity);
	if (!node)
		return nullptr;

	std::unique_ptr<CmacamOutput> output(new CmacamOutput(node));
	if (output->device_.open())
		return nullptr;

	for (const auto &[fourcc, listed] : output->device_.formats()) {
		const PixelFormat format = fourcc.toPixelFormat();
		if (!format.isValid())
			continue;
		if (const auto range = output->device_.sizeRange(fourcc))
			output->formats_[format] = {*range};
	}

	if (output->formats_.empty()) {
		LOG(Cmacam, Error) << entity << " has no format that libcamera supports";
		return nullptr;
	}

	return output;
}

/**
 * \brief Set the format of the node
 * \return 0 on success, -EINVAL if the driver changes the format, or another negative error code
 */
int CmacamOutput::configure(const V4L2DeviceFormat &format)
{
	V4L2DeviceFormat applied = format;
	int ret = device_.setFormat(&applied);
	if (ret)
		return ret;

	if (!sameLayout(applied, format)) {
		LOG(Cmacam, Error) << "The driver changed format " << format << " to " << applied;
		return -EINVAL;
	}

	if (!sameLayout(applied, format_))
		scratch_.clear();

	format_ = applied;
	active_ = true;

	return 0;
}

/**
 * \brief Disable this stream, because the configuration does not use it
 */
void CmacamOutput::disable()
{
	scratch_.clear();
	active_ = false;
}

int CmacamOutput::exportBuffers(unsigned int count,
				std::vector<std::unique_ptr<FrameBuffer>> *buffers)
{
	return device_.exportBuffers(count, buffers);
}

/**
 * \brief Prepare the node for buffers
 * \param[in] maxQueued Maximum number of buffers that are queued at the same time
 * \param[in] withScratch Whether a scratch buffer may be needed
 * \return 0 on success or a negative error code
 */
int CmacamOutput::prepare(unsigned int maxQueued, bool withScratch)
{
	noted_.clear();
	bufferIds_.clear();
	queued_ = 0;

	/* Kept over restarts. Without one, only full requests can be served. */
	if (withScratch && scratch_.empty()) {
		if (device_.exportBuffers(1, &scratch_) < 0) {
			LOG(Cmacam, Warning)
				<< "No memory for a scratch buffer of " << format_.size;
			scratch_.clear();
		} else {
			LOG(Cmacam, Debug) << "Allocated a scratch buffer of " << format_.size;
		}
	}

	return device_.importBuffers(maxQueued);
}

/**
 * \brief Start streaming, with or without buffers queued
 * \return 0 on success or a negative error code; after an error, the caller must call stop()
 */
int CmacamOutput::start()
{
	return device_.streamOn();
}

/**
 * \brief Count a buffer of the application as queued to the hardware
 * \param[in] buffer The buffer, which may be destroyed after it has completed
 */
void CmacamOutput::noteQueued(const FrameBuffer *buffer)
{
	queued_++;
	if (std::find(noted_.begin(), noted_.end(), buffer) != noted_.end())
		return;

	noted_.push_back(buffer);
	bufferIds_.push_back(dmaBufId(buffer->planes()[0].fd.get()));
}

/**
 * \brief Count a buffer of the application as returned by the hardware
 */
void CmacamOutput::noteReturned()
{
	queued_--;
}

/**
 * \brief Return the number of the session's buffers that the application holds at present
 */
std::size_t CmacamOutput::held() const
{
	return bufferIds_.size() - std::min(queued_, bufferIds_.size());
}

/**
 * \brief Stop streaming and take all buffers back from the driver
 */
void CmacamOutput::stop()
{
	device_.streamOff();
	device_.releaseBuffers();
}

} /* namespace libcamera */
