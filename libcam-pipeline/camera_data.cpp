/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One cmacam camera: its devices and how they are set up and started.
 */

#include "camera_data.h"

#include <cerrno>

#include <linux/cmacam.h>

#include <libcamera/base/log.h>

#include <libcamera/control_ids.h>

#include "libcamera/internal/media_device.h"
#include "libcamera/internal/pipeline_handler.h"

#include "error_log.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

/*
 * One metadata buffer more than frames in flight: a record is copied out and
 * its buffer queued again at once, so the node never runs out of buffers.
 */
constexpr unsigned int kMetadataBuffers = CmacamCameraData::kMaxQueued + 1;

} /* namespace */

CmacamCameraData::CmacamCameraData(PipelineHandler *pipe, std::shared_ptr<MediaDevice> media)
	: Camera::Private(pipe),
	  media_(std::move(media)),
	  sequenceBase_(0),
	  failed_(false),
	  unplugged_(false),
	  removed_(false)
{
	recordTimer_.timeout.connect(&recordTimer_, [this]() { completeLateFrames(); });
}

CmacamCameraData::~CmacamCameraData()
{
	media_->disconnected.disconnect(this);
}

/**
 * \brief Open the devices and learn what the camera can do
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::init()
{
	sensor_ = CameraSensorFactoryBase::create(media_->getEntityByName("cmacam-sensor"));
	if (!sensor_)
		return -ENODEV;

	video_ = std::make_unique<CmacamCaptureDevice>(media_->getEntityByName("cmacam-capture"));
	int ret = video_->open();
	if (ret)
		return ret;

	metadata_ = V4L2VideoDevice::fromEntityName(media_.get(), "cmacam-metadata");
	ret = metadata_->open();
	if (ret)
		return ret;

	video_->bufferReady.connect(video_.get(), [this](FrameBuffer *b) { videoReady(b); });
	video_->unplugged.connect(video_.get(), [this]() { unplug(); });
	metadata_->bufferReady.connect(metadata_.get(),
				       [this](FrameBuffer *b) { metadataReady(b); });

	media_->disconnected.connect(this, [this]() { remove(); });

	ret = initFormats();
	if (ret)
		return ret;

	properties_ = sensor_->properties();
	controls_ = std::make_unique<CmacamSensorControls>(sensor_.get());

	return updateControls();
}

int CmacamCameraData::initFormats()
{
	for (const auto &[fourcc, ranges] : video_->formats()) {
		PixelFormat format = fourcc.toPixelFormat();
		if (format.isValid())
			formats_[format] = ranges;
	}

	if (formats_.empty()) {
		LOG(Cmacam, Error) << "The capture node offers no format that libcamera knows";
		return -EINVAL;
	}

	return 0;
}

int CmacamCameraData::updateControls()
{
	int ret = controls_->readLimits();
	if (ret) {
		LOG(Cmacam, Error) << "The sensor's timing controls cannot be read";
		return ret;
	}

	controlInfo_ = ControlInfoMap(controls_->info(), controls::controls);

	return 0;
}

/**
 * \brief Set the format of the whole pipeline
 * \param[in] format What the capture node shall write
 *
 * The sensor has one mode; the DMA channel converts and scales.
 *
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::configure(const V4L2DeviceFormat &format)
{
	V4L2SubdeviceFormat sensorFormat =
		sensor_->getFormat(sensor_->mbusCodes(), sensor_->resolution());
	int ret = sensor_->setFormat(&sensorFormat);
	if (ret)
		return report(ret);

	V4L2DeviceFormat applied = format;
	ret = video_->setFormat(&applied);
	if (ret)
		return report(ret);

	if (applied.size != format.size || applied.fourcc != format.fourcc) {
		LOG(Cmacam, Error) << "Asked for " << format << ", got " << applied;
		return -EINVAL;
	}

	return updateControls();
}

int CmacamCameraData::exportBuffers(unsigned int count,
				    std::vector<std::unique_ptr<FrameBuffer>> *buffers)
{
	return report(video_->exportBuffers(count, buffers));
}

/**
 * \brief Start streaming, with nothing queued to the video node yet
 * \param[in] controls Controls of the first frames, or nullptr
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::start(const ControlList *controls)
{
	if (unplugged_)
		return -ENODEV;

	int ret = controls_->reset();
	if (!ret && controls)
		ret = controls_->apply(*controls);
	if (ret)
		return report(ret);

	ret = video_->importBuffers(kMaxQueued);
	if (ret)
		return report(ret);

	/* First, so that the record of the very first frame finds a buffer. */
	ret = startMetadata();
	if (!ret) {
		sequenceBase_ = 0;
		ret = report(video_->streamOn());
	}
	if (ret) {
		stopMetadata();
		video_->releaseBuffers();
	}

	return ret;
}

int CmacamCameraData::startMetadata()
{
	V4L2DeviceFormat format;
	format.fourcc = V4L2PixelFormat(V4L2_META_FMT_CMACAM);
	int ret = metadata_->setFormat(&format);
	if (ret)
		return ret;

	ret = metadata_->allocateBuffers(kMetadataBuffers, &metadataBuffers_);
	if (ret < 0)
		return ret;

	for (const std::unique_ptr<FrameBuffer> &buffer : metadataBuffers_) {
		MappedFrameBuffer map(buffer.get(), MappedFrameBuffer::MapFlag::Read);
		if (!map.isValid())
			return map.error();

		metadataMaps_.emplace(buffer.get(), std::move(map));

		ret = metadata_->queueBuffer(buffer.get());
		if (ret)
			return ret;
	}

	return metadata_->streamOn();
}

void CmacamCameraData::stopMetadata()
{
	metadata_->streamOff();
	metadataMaps_.clear();
	metadata_->releaseBuffers();
	metadataBuffers_.clear();
}

/**
 * \brief Stop streaming; every queued request has completed on return
 */
void CmacamCameraData::stop()
{
	if (!unplugged_) {
		/* Emits bufferReady as cancelled for all that the driver still holds. */
		video_->streamOff();
		stopMetadata();
		video_->releaseBuffers();
	}

	/* With a request that came when the camera had gone, see queueRequest(). */
	cancelQueued();
}

/**
 * \brief Log the driver's own words for a failed operation and keep them
 * \param[in] ret Result of the operation
 * \return \a ret
 */
int CmacamCameraData::report(int ret)
{
	if (ret >= 0 && !failed_)
		return ret;

	failed_ = ret < 0;
	const std::string text = failed_ ? video_->lastError() : std::string();
	if (!text.empty())
		LOG(Cmacam, Error) << text;

	setCmacamLastError(id(), text);

	return ret;
}

} /* namespace libcamera */
