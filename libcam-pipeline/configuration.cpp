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
#include "offered_formats.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

constexpr Size kViewfinderSize{640, 480};
constexpr Size kVideoSize{1280, 720};

/* For a configuration that says nothing. */
constexpr unsigned int kDefaultBuffers = 4;

/*
 * One buffer at the hardware, one at the application, one on the way: stills
 * need no more. What is looked at or processed has a spare one. Encoders keep
 * some frames for reference.
 */
struct Defaults
{
	PixelFormat format;
	Size size;
	unsigned int buffers;
};

Defaults defaultsFor(StreamRole role)
{
	switch (role) {
	case StreamRole::Raw:
		return {formats::SRGGB10, kViewfinderSize, 4};
	case StreamRole::VideoRecording:
		return {formats::NV12, kVideoSize, 6};
	case StreamRole::StillCapture:
		return {formats::NV12, kVideoSize, 3};
	case StreamRole::Viewfinder:
	default:
		return {formats::NV12, kViewfinderSize, 4};
	}
}

bool isRaw(const PixelFormat &format)
{
	return PixelFormatInfo::info(format).colourEncoding == PixelFormatInfo::ColourEncodingRAW;
}

} /* namespace */

CmacamCameraConfiguration::CmacamCameraConfiguration(CmacamCameraData *data)
	: camera_(data->_o<Camera>()->shared_from_this()),
	  data_(data),
	  transform_(Transform::Identity)
{
}

/**
 * \brief Make the default configuration for \a roles
 *
 * The default sizes are small, because buffers are contiguous memory and a
 * machine may have little of it. The application can set every size up to that
 * of the sensor.
 *
 * \return The configuration, or nullptr if the camera does not support these roles
 */
std::unique_ptr<CmacamCameraConfiguration>
CmacamCameraConfiguration::generate(CmacamCameraData *data, Span<const StreamRole> roles)
{
	auto config = std::make_unique<CmacamCameraConfiguration>(data);

	if (roles.empty())
		return config;

	const std::size_t streams = data->streams().size();
	if (roles.size() > streams) {
		LOG(Cmacam, Error) << "The camera has " << streams << " stream(s), but "
				   << roles.size() << " were requested";
		return nullptr;
	}

	std::vector<StreamConfiguration> wanted(roles.size());
	for (unsigned int i = 0; i < roles.size(); i++) {
		const Defaults defaults = defaultsFor(roles[i]);
		wanted[i].pixelFormat = defaults.format;
		wanted[i].size = defaults.size;
		wanted[i].bufferCount = defaults.buffers;
	}

	for (unsigned int i = 0; i < roles.size(); i++) {
		CmacamOutput *output = i == mainIndex(wanted) ? data->main() : data->lores();
		if (!output->formats().count(wanted[i].pixelFormat)) {
			LOG(Cmacam, Error) << "Only one stream can be raw";
			return nullptr;
		}

		StreamConfiguration cfg{StreamFormats(cmacam::offeredFormats(output->formats()))};
		cfg.pixelFormat = wanted[i].pixelFormat;
		cfg.size = wanted[i].size;
		cfg.bufferCount = wanted[i].bufferCount;
		config->addConfiguration(cfg);
	}

	if (config->validate() == Invalid)
		return nullptr;

	return config;
}

/**
 * \brief Return the size in \a range that is nearest to \a size
 *
 * Width and height are rounded down, but not below the minimum of \a range.
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

/**
 * \brief Return the index of the stream that the main output feeds
 *
 * If only one of two streams is raw, the main output feeds it, because the
 * other output has no raw formats. Otherwise the main output feeds the larger
 * stream. If both have the same size, the main output feeds the first stream.
 */
unsigned int CmacamCameraConfiguration::mainIndex(Span<const StreamConfiguration> configs)
{
	if (configs.size() < 2)
		return 0;

	const bool raw[] = {isRaw(configs[0].pixelFormat), isRaw(configs[1].pixelFormat)};
	if (raw[0] != raw[1])
		return raw[1];

	return configs[0].size < configs[1].size;
}

/**
 * \brief Return the stride that an application requests
 * \param[in] cfg Configuration from the application
 * \param[in] validated Result of the last validate() for this stream
 *
 * validate() also returns a stride. Applications that change size or format
 * afterwards leave this stride in the configuration. The function ignores such
 * a stride: otherwise a smaller frame would keep the long lines of a larger one.
 *
 * \return The stride in bytes, or 0 if the application requests none
 */
unsigned int CmacamCameraConfiguration::wantedStride(const StreamConfiguration &cfg,
						     const StreamConfiguration &validated)
{
	const bool changed = cfg.size != validated.size || cfg.pixelFormat != validated.pixelFormat;

	return changed && cfg.stride == validated.stride ? 0 : cfg.stride;
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
			<< "The only mode of the sensor is " << data_->sensor()->resolution();
		return Invalid;
	}

	const Orientation requested = orientation;
	transform_ = data_->sensor()->computeTransform(&orientation);
	if (orientation != requested)
		status = Adjusted;

	const std::size_t streams = data_->streams().size();
	if (config_.size() > streams) {
		config_.resize(streams);
		status = Adjusted;
	}

	outputs_.clear();
	validated_.resize(config_.size());
	const unsigned int main = mainIndex(config_);
	for (unsigned int i = 0; i < config_.size(); i++) {
		const Status result = validateStream(i, i == main ? data_->main() : data_->lores());
		if (result == Invalid)
			return Invalid;
		if (result == Adjusted)
			status = Adjusted;
	}

	return status;
}

/* Adjust a stream to what its output can do, and add it to outputs_. */
CameraConfiguration::Status CmacamCameraConfiguration::validateStream(unsigned int index,
								      CmacamOutput *output)
{
	StreamConfiguration *cfg = &config_[index];
	const unsigned int stride = wantedStride(*cfg, validated_[index]);
	Status status = Valid;

	const CmacamOutput::Formats &formats = output->formats();
	if (!formats.count(cfg->pixelFormat)) {
		cfg->pixelFormat =
			formats.count(formats::NV12) ? formats::NV12 : formats.begin()->first;
		status = Adjusted;
	}

	const Size size = nearestSize(formats.at(cfg->pixelFormat).front(), cfg->size);
	if (cfg->size != size) {
		LOG(Cmacam, Debug) << "Adjusting size from " << cfg->size << " to " << size;
		cfg->size = size;
		status = Adjusted;
	}

	const unsigned int bufferCount =
		std::clamp(cfg->bufferCount ? cfg->bufferCount : kDefaultBuffers, 1U,
			   CmacamRequestFlow::kMaxQueued);
	if (cfg->bufferCount && cfg->bufferCount != bufferCount)
		status = Adjusted;
	cfg->bufferCount = bufferCount;

	V4L2DeviceFormat format;
	format.fourcc = output->device()->toV4L2PixelFormat(cfg->pixelFormat);
	format.size = cfg->size;
	format.planes[0].bpl = stride;
	if (output->device()->tryFormat(&format))
		return Invalid;

	if (format.size != cfg->size) {
		cfg->size = format.size;
		status = Adjusted;
	}

	if (stride && stride != format.planes[0].bpl) {
		LOG(Cmacam, Debug)
			<< "Adjusting stride from " << stride << " to " << format.planes[0].bpl;
		status = Adjusted;
	}
	cfg->stride = format.planes[0].bpl;
	cfg->frameSize = format.planes[0].size;

	const ColorSpace colorSpace = format.colorSpace.value_or(
		isRaw(cfg->pixelFormat) ? ColorSpace::Raw : ColorSpace::Rec709);
	if (cfg->colorSpace && cfg->colorSpace != colorSpace)
		status = Adjusted;
	cfg->colorSpace = colorSpace;

	outputs_.push_back({output, format});
	validated_[index] = *cfg;

	return status;
}

} /* namespace libcamera */
