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
 * \brief A capture node in the service of one stream
 *
 * The scratch buffer takes the frames of requests that want nothing of this
 * stream while the other one, linked with it, has to go on.
 */

CmacamOutput::CmacamOutput(const MediaEntity *entity) : device_(entity), active_(false), queued_(0)
{
}

/**
 * \brief Open the node of an entity and learn its formats
 * \return The output, or nullptr if there is no such node or it is of no use
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
		LOG(Cmacam, Error) << entity << " offers no format that libcamera knows";
		return nullptr;
	}

	return output;
}

/**
 * \brief Set the format of the node
 * \return 0 on success or a negative error code otherwise
 */
int CmacamOutput::configure(const V4L2DeviceFormat &format)
{
	V4L2DeviceFormat applied = format;
	int ret = device_.setFormat(&applied);
	if (ret)
		return ret;

	if (!sameLayout(applied, format)) {
		LOG(Cmacam, Error) << "Asked for " << format << ", got " << applied;
		return -EINVAL;
	}

	if (!sameLayout(applied, format_))
		scratch_.clear();

	format_ = applied;
	active_ = true;

	return 0;
}

/**
 * \brief The configuration has no use for this stream
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
 * \brief Get ready for buffers to be queued
 * \param[in] maxQueued Buffers to be queued at a time
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
			LOG(Cmacam, Debug) << "A scratch buffer of " << format_.size;
		}
	}

	return device_.importBuffers(maxQueued);
}

/**
 * \brief Start streaming, with or without buffers queued
 * \return 0 on success or a negative error code; stop() undoes the rest
 */
int CmacamOutput::start()
{
	return device_.streamOn();
}

/**
 * \brief Note that a buffer of the application is at the hardware
 * \param[in] buffer The buffer, which may be gone when it has completed
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
 * \brief Note that a buffer of the application has come back from the hardware
 */
void CmacamOutput::noteReturned()
{
	queued_--;
}

/**
 * \brief The number of buffers that the application has, of those it works with
 */
std::size_t CmacamOutput::held() const
{
	return bufferIds_.size() - std::min(queued_, bufferIds_.size());
}

/**
 * \brief Stop streaming; the driver holds no buffer on return
 */
void CmacamOutput::stop()
{
	device_.streamOff();
	device_.releaseBuffers();
}

} /* namespace libcamera */
