/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a cmacam camera can be asked for, and what it answers.
 */

#include "configuration.h"

#include <algorithm>
#include <vector>

#include <libcamera/base/log.h>

#include <libcamera/color_space.h>
#include <libcamera/formats.h>

#include "libcamera/internal/bayer_format.h"
#include "libcamera/internal/camera_sensor.h"

#include "camera_data.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

/* One at the hardware, one at the application, one on the way, one spare. */
constexpr unsigned int kDefaultBuffers = 4;

constexpr Size kViewfinderSize{640, 480};
constexpr Size kVideoSize{1280, 720};

struct Defaults
{
	PixelFormat format;
	Size size;
};

Defaults defaultsFor(StreamRole role)
{
	switch (role) {
	case StreamRole::Raw:
		return {formats::SRGGB10, kViewfinderSize};
	case StreamRole::VideoRecording:
	case StreamRole::StillCapture:
		return {formats::NV12, kVideoSize};
	case StreamRole::Viewfinder:
	default:
		return {formats::NV12, kViewfinderSize};
	}
}

bool isRaw(const PixelFormat &format)
{
	return PixelFormatInfo::info(format).colourEncoding == PixelFormatInfo::ColourEncodingRAW;
}

} /* namespace */

CmacamCameraConfiguration::CmacamCameraConfiguration(CmacamCameraData *data)
	: camera_(data->_o<Camera>()->shared_from_this()), data_(data)
{
}

/**
 * \brief Make the default configuration for \a roles
 *
 * The defaults are small: buffers are contiguous memory, of which a machine
 * may have little, and every size up to the sensor's is offered.
 *
 * \return The configuration, or nullptr if the roles need more than one stream
 */
std::unique_ptr<CmacamCameraConfiguration>
CmacamCameraConfiguration::generate(CmacamCameraData *data, Span<const StreamRole> roles)
{
	auto config = std::make_unique<CmacamCameraConfiguration>(data);

	if (roles.empty())
		return config;

	if (roles.size() > 1) {
		LOG(Cmacam, Error)
			<< "The camera has one stream, " << roles.size() << " were asked for";
		return nullptr;
	}

	const Defaults defaults = defaultsFor(roles[0]);

	StreamConfiguration cfg{StreamFormats(data->formats())};
	cfg.pixelFormat = defaults.format;
	cfg.size = defaults.size;
	cfg.bufferCount = kDefaultBuffers;

	config->addConfiguration(cfg);
	if (config->validate() == Invalid)
		return nullptr;

	return config;
}

/**
 * \brief The size in \a range that is closest to \a size, not larger if possible
 */
Size CmacamCameraConfiguration::nearestSize(const SizeRange &range, const Size &size)
{
	auto fit = [](unsigned int value, unsigned int min, unsigned int max, unsigned int step) {
		value = std::clamp(value, min, max);
		return step ? min + (value - min) / step * step : value;
	};

	return {fit(size.width, range.min.width, range.max.width, range.hStep),
		fit(size.height, range.min.height, range.max.height, range.vStep)};
}

/* The sensor has one mode: the whole array, neither binned nor skipped. */
bool CmacamCameraConfiguration::sensorConfigFits() const
{
	CameraSensor *sensor = data_->sensor();
	const Size size = sensor->resolution();
	const BayerFormat bayer = BayerFormat::fromMbusCode(sensor->mbusCodes().front());

	return sensorConfig->isValid() && sensorConfig->bitDepth == bayer.bitDepth &&
	       sensorConfig->outputSize == size && sensorConfig->analogCrop.size() == size;
}

CameraConfiguration::Status CmacamCameraConfiguration::validate()
{
	Status status = Valid;

	if (config_.empty())
		return Invalid;

	if (sensorConfig && !sensorConfigFits()) {
		LOG(Cmacam, Error)
			<< "The sensor has no such mode, only " << data_->sensor()->resolution();
		return Invalid;
	}

	const Orientation requested = orientation;
	data_->sensor()->computeTransform(&orientation);
	if (orientation != requested)
		status = Adjusted;

	if (config_.size() > 1) {
		config_.resize(1);
		status = Adjusted;
	}

	StreamConfiguration &cfg = config_[0];

	const auto &formats = data_->formats();
	if (!formats.count(cfg.pixelFormat)) {
		cfg.pixelFormat =
			formats.count(formats::NV12) ? formats::NV12 : formats.begin()->first;
		status = Adjusted;
	}

	const Size size = nearestSize(formats.at(cfg.pixelFormat).front(), cfg.size);
	if (cfg.size != size) {
		LOG(Cmacam, Debug) << "Adjusting size from " << cfg.size << " to " << size;
		cfg.size = size;
		status = Adjusted;
	}

	const unsigned int bufferCount =
		std::clamp(cfg.bufferCount ? cfg.bufferCount : kDefaultBuffers, 1U,
			   CmacamCameraData::kMaxQueued);
	if (cfg.bufferCount && cfg.bufferCount != bufferCount)
		status = Adjusted;
	cfg.bufferCount = bufferCount;

	deviceFormat_ = {};
	deviceFormat_.fourcc = data_->video()->toV4L2PixelFormat(cfg.pixelFormat);
	deviceFormat_.size = cfg.size;
	if (data_->video()->tryFormat(&deviceFormat_))
		return Invalid;

	if (deviceFormat_.size != cfg.size) {
		cfg.size = deviceFormat_.size;
		status = Adjusted;
	}

	/* Stride and frame size are the driver's to choose; they are outputs. */
	cfg.stride = deviceFormat_.planes[0].bpl;
	cfg.frameSize = deviceFormat_.planes[0].size;

	const ColorSpace colorSpace = deviceFormat_.colorSpace.value_or(
		isRaw(cfg.pixelFormat) ? ColorSpace::Raw : ColorSpace::Rec709);
	if (cfg.colorSpace && cfg.colorSpace != colorSpace)
		status = Adjusted;
	cfg.colorSpace = colorSpace;

	return status;
}

} /* namespace libcamera */
