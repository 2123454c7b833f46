/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One cmacam camera: its devices and how they are set up and started.
 */

#include "camera_data.h"

#include <cerrno>

#include <libcamera/base/log.h>

#include <libcamera/property_ids.h>

#include "libcamera/internal/media_device.h"
#include "libcamera/internal/request.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

/* Of the modelled sensor: 1.55 um. The kernel has no control that would tell. */
constexpr Size kUnitCell{1550, 1550}; /* nm */

} /* namespace */

CmacamCameraData::CmacamCameraData(PipelineHandler *pipe, std::shared_ptr<MediaDevice> media)
	: Camera::Private(pipe), media_(std::move(media)), unplugged_(false), removed_(false)
{
}

CmacamCameraData::~CmacamCameraData()
{
	media_->disconnected.disconnect(this);
}

/**
 * \brief Open the devices and read the capabilities of the camera
 *
 * The second stream and the statistics exist only if board and driver have them.
 *
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::init()
{
	sensor_ = CameraSensorFactoryBase::create(media_->getEntityByName("cmacam-sensor"));
	if (!sensor_)
		return -ENODEV;

	main_ = CmacamOutput::open(media_.get(), "cmacam-capture");
	records_ = CmacamRecordReader::create(media_.get());
	if (!main_ || !records_)
		return -ENODEV;

	lores_ = CmacamOutput::open(media_.get(), "cmacam-lores");

	errors_ = std::make_unique<CmacamErrorReport>(id(), main_.get(), lores_.get());
	losses_ = std::make_unique<CmacamLossReport>(id(), main_.get(), lores_.get());
	controls_ = std::make_unique<CmacamControlLoop>(pipe(), sensor_.get(), media_.get());
	flow_ = std::make_unique<CmacamRequestFlow>(
		this, CmacamRequestFlow::Stations{main_.get(), lores_.get(), records_.get(),
						  controls_.get(), losses_.get(), errors_.get()});

	for (CmacamOutput *output : {main_.get(), lores_.get()}) {
		if (output)
			output->device()->unplugged.connect(output->device(),
							    [this]() { unplug(); });
	}
	media_->disconnected.connect(this, [this]() { remove(); });

	initProperties();

	return controls_->describe(&controlInfo_);
}

void CmacamCameraData::initProperties()
{
	properties_ = sensor_->properties();
	if (!properties_.contains(properties::UnitCellSize.id()))
		properties_.set(properties::UnitCellSize, kUnitCell);
}

std::set<Stream *> CmacamCameraData::streams()
{
	std::set<Stream *> streams{main_->stream()};
	if (lores_)
		streams.insert(lores_->stream());

	return streams;
}

/**
 * \brief Set the formats of the whole pipeline
 * \param[in] formats Formats of the outputs; the other outputs are disabled
 * \param[in] transform Flips, which the sensor applies
 *
 * The sensor has one mode. The DMA channels convert and scale the picture.
 *
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::configure(const std::vector<OutputFormat> &formats, Transform transform)
{
	if (unplugged_)
		return -ENODEV;

	V4L2SubdeviceFormat sensorFormat =
		sensor_->getFormat(sensor_->mbusCodes(), sensor_->resolution());
	int ret = sensor_->setFormat(&sensorFormat, transform);
	if (ret)
		return errors_->report(ret);

	main_->disable();
	if (lores_)
		lores_->disable();

	for (const OutputFormat &format : formats) {
		LOG(Cmacam, Debug)
			<< "Configuring " << (format.output == main_.get() ? "main" : "lores")
			<< " for " << format.format << ", " << transformToString(transform);
		ret = format.output->configure(format.format);
		if (ret)
			return errors_->report(ret);
	}

	return errors_->report(controls_->describe(&controlInfo_));
}

int CmacamCameraData::exportBuffers(const Stream *stream, unsigned int count,
				    std::vector<std::unique_ptr<FrameBuffer>> *buffers)
{
	CmacamOutput *output = lores_ && stream == lores_->stream() ? lores_.get() : main_.get();

	/* Until udev has said so, libcamera lets applications go on. */
	if (unplugged_)
		return -ENODEV;

	LOG(Cmacam, Debug) << "Exporting " << count << " buffers of "
			   << (output == main_.get() ? "main" : "lores");

	return errors_->report(output->exportBuffers(count, buffers));
}

/**
 * \brief Start streaming while no buffer is queued to the video nodes yet
 * \param[in] controls Controls of the first frames, or nullptr
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::start(const ControlList *controls)
{
	if (unplugged_)
		return -ENODEV;

	LOG(Cmacam, Debug) << "Starting "
			   << (lores_ && lores_->isActive() ? "main and lores" : "main") << " with "
			   << (controls ? controls->size() : 0) << " controls";

	int ret = errors_->report(controls_->start(controls));
	if (!ret) {
		ret = errors_->report(flow_->start());
		if (ret)
			flow_->stop();
	}
	if (ret)
		controls_->stop();

	return ret;
}

/**
 * \brief Stop streaming and complete every queued request
 */
void CmacamCameraData::stop()
{
	controls_->stop();
	if (!unplugged_)
		flow_->stop();

	/* With a request that came when the camera had gone, see queueRequest(). */
	flow_->cancel();
}

/**
 * \brief Queue a request
 * \param[in] request The request
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::queueRequest(Request *request)
{
	if (!unplugged_)
		return flow_->queue(request);

	/*
	 * The request was on its way while the camera was taken out. Once
	 * Camera::disconnect() has run, completing it is a fatal error in
	 * libcamera; the application has got its signal.
	 */
	LOG(Cmacam, Debug) << "Request " << request->sequence()
			   << " came after the camera was unplugged";

	return removed_ ? 0 : -ENODEV;
}

/**
 * \brief Forget exposure and white balance when the application releases the camera
 *
 * While a camera stays acquired, the next session starts with the exposure and
 * the white balance of the last session. Otherwise the picture would jump when
 * an application stops the camera to add a stream.
 */
void CmacamCameraData::release()
{
	controls_->forget();
}

/**
 * \brief Cancel every request and close the devices after the hardware has gone
 *
 * Either poll() or udev reports the removal first. The function runs on the
 * first of these two reports.
 */
void CmacamCameraData::unplug()
{
	if (unplugged_)
		return;

	unplugged_ = true;

	LOG(Cmacam, Warning) << "Camera '" << id() << "' was unplugged";

	losses_->stop(true);
	flow_->cancel();

	records_->stop();
	if (lores_)
		lores_->device()->close();
	main_->device()->close();
}

/**
 * \brief Complete all requests when libcamera is about to disconnect the camera
 *
 * After this function, requests can no longer complete.
 */
void CmacamCameraData::remove()
{
	unplug();
	removed_ = true;
	LOG(Cmacam, Debug) << "Camera '" << id() << "' is removed; no more requests will complete";
}

} /* namespace libcamera */
