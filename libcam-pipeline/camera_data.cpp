/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One cmacam camera: its devices and how they are set up and started.
 */

#include "camera_data.h"

#include <algorithm>
#include <cerrno>

#include <linux/cmacam.h>

#include <libcamera/base/log.h>

#include <libcamera/control_ids.h>
#include <libcamera/property_ids.h>

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

/* Of the modelled sensor: 1.55 um. The kernel has no control that would tell. */
constexpr Size kUnitCell{1550, 1550}; /* nm */

} /* namespace */

CmacamCameraData::CmacamCameraData(PipelineHandler *pipe, std::shared_ptr<MediaDevice> media)
	: Camera::Private(pipe),
	  media_(std::move(media)),
	  ipa_(makeCmacamIpa(pipe)),
	  sequenceBase_(0),
	  paired_(false),
	  followsStarts_(false),
	  quietRequests_(0),
	  statisticsFailed_(false),
	  failed_(false),
	  unplugged_(false),
	  removed_(false)
{
	recordTimer_.timeout.connect(&recordTimer_, [this]() { completeLateFrames(); });
	startTimer_.timeout.connect(&startTimer_, [this]() { startStreaming(); });
}

CmacamCameraData::~CmacamCameraData()
{
	media_->disconnected.disconnect(this);
}

/**
 * \brief Open the devices and learn what the camera can do
 *
 * Second stream and statistics are there or not, as board and driver have them.
 *
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::init()
{
	sensor_ = CameraSensorFactoryBase::create(media_->getEntityByName("cmacam-sensor"));
	if (!sensor_)
		return -ENODEV;

	main_ = CmacamOutput::open(media_.get(), "cmacam-capture");
	metadata_ = CmacamRecordNode::open(media_.get(), "cmacam-metadata", V4L2_META_FMT_CMACAM,
					   false);
	if (!main_ || !metadata_)
		return -ENODEV;

	lores_ = CmacamOutput::open(media_.get(), "cmacam-lores");
	if (media_->getEntityByName("cmacam-stats"))
		statistics_ = CmacamRecordNode::open(media_.get(), "cmacam-stats",
						     V4L2_META_FMT_CMACAM_STATS, true);

	CmacamCaptureDevice *device = main_->device();
	device->bufferReady.connect(device, [this](FrameBuffer *b) { mainReady(b); });
	device->unplugged.connect(device, [this]() { unplug(); });
	device->lost.connect(device, [this](uint32_t first) {
		LOG(Cmacam, Debug) << "The driver has lost frame " << first;
		tellLosses(losses_.lost(first, inFlight_.empty()));
	});
	if (lores_) {
		device = lores_->device();
		device->bufferReady.connect(device, [this](FrameBuffer *b) { loresReady(b); });
		device->unplugged.connect(device, [this]() { unplug(); });
	}

	metadata_->ready.connect(
		&recordTimer_,
		[this](Span<const uint8_t> d, const FrameMetadata &m) { recordReady(d, m); });
	if (statistics_)
		statistics_->ready.connect(&recordTimer_,
					   [this](Span<const uint8_t> d, const FrameMetadata &m) {
						   statisticsReady(d, m);
					   });

	sensor_->device()->frameStart.connect(&recordTimer_, [this](uint32_t sequence) {
		schedule_.frameStarted(sequence);
		writeDueControls();
	});

	media_->disconnected.connect(this, [this]() { remove(); });

	initProperties();
	controls_ = std::make_unique<CmacamSensorControls>(sensor_.get());

	return updateControls();
}

void CmacamCameraData::initProperties()
{
	properties_ = sensor_->properties();
	if (!properties_.contains(properties::UnitCellSize.id()))
		properties_.set(properties::UnitCellSize, kUnitCell);
}

int CmacamCameraData::updateControls()
{
	int ret = controls_->readLimits();
	if (ret) {
		LOG(Cmacam, Error) << "The sensor's timing controls cannot be read";
		return ret;
	}

	ControlInfoMap::Map map;
	controls_->addControls(&map);

	cmacam::ipa::SensorInfo info = controls_->info();
	info.statistics = !!statistics_;
	ret = ipa_.init(info, &map);
	if (ret)
		return ret;

	controlInfo_ = ControlInfoMap(std::move(map), controls::controls);

	return 0;
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
 * \param[in] formats What the outputs shall write
 * \param[in] transform Flips, applied by the sensor
 *
 * The sensor has one mode; the DMA channels convert and scale.
 *
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::configure(const std::vector<OutputFormat> &formats, Transform transform)
{
	V4L2SubdeviceFormat sensorFormat =
		sensor_->getFormat(sensor_->mbusCodes(), sensor_->resolution());
	int ret = sensor_->setFormat(&sensorFormat, transform);
	if (ret)
		return report(ret);

	main_->disable();
	if (lores_)
		lores_->disable();

	for (const OutputFormat &format : formats) {
		LOG(Cmacam, Debug)
			<< "Configuring " << (format.output == main_.get() ? "main" : "lores")
			<< " for " << format.format << ", " << transformToString(transform);
		ret = format.output->configure(format.format);
		if (ret)
			return report(ret);
	}

	paired_ = lores_ && lores_->isActive();

	return report(updateControls());
}

int CmacamCameraData::exportBuffers(const Stream *stream, unsigned int count,
				    std::vector<std::unique_ptr<FrameBuffer>> *buffers)
{
	CmacamOutput *output = lores_ && stream == lores_->stream() ? lores_.get() : main_.get();

	LOG(Cmacam, Debug) << "Exporting " << count << " buffers of "
			   << (output == main_.get() ? "main" : "lores");

	return report(output->exportBuffers(count, buffers));
}

/**
 * \brief Start streaming, with nothing queued to the video nodes yet
 * \param[in] controls Controls of the first frames, or nullptr
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::start(const ControlList *controls)
{
	if (unplugged_)
		return -ENODEV;

	LOG(Cmacam, Debug) << "Starting " << (paired_ ? "main and lores" : "main") << " with "
			   << (controls ? controls->size() : 0) << " controls";

	int ret = report(startControls(controls));
	if (!ret) {
		ret = report(startDevices());
		if (ret)
			stopDevices();
	}
	if (ret)
		ipa_.stop();

	return ret;
}

int CmacamCameraData::startControls(const ControlList *controls)
{
	cmacam::ipa::SensorInfo info = controls_->info();
	info.statistics = !!statistics_;
	int ret = ipa_.start(info);
	if (ret)
		return ret;
	controls_->reset();

	if (controls) {
		ipa_.queueRequest(0, *controls);
		controls_->queueRequest(*controls);
	}

	return controls_->write(ipa_.settings());
}

/*
 * The board starts with the main node, which startStreaming() starts. The
 * record of the very first frame has to find a buffer, and the linked channel
 * has to be there already.
 */
int CmacamCameraData::startDevices()
{
	schedule_.clear();
	join_.setPaired(paired_);
	sequenceBase_ = 0;
	statisticsFailed_ = false;

	int ret = metadata_->start(kMetadataBuffers);
	if (ret)
		return ret;

	if (paired_) {
		ret = setLinked();
		if (!ret)
			ret = lores_->prepare(kMaxQueued, true);
		if (!ret)
			ret = lores_->start();
		if (ret)
			return ret;
	}

	watchLosses();

	ret = main_->prepare(kMaxQueued, paired_);
	if (ret)
		return ret;

	std::size_t wanted = kMaxQueued;
	for (const CmacamOutput *output : {main_.get(), lores_.get()}) {
		if (output && output->isActive())
			wanted = std::min<std::size_t>(
				wanted, output->stream().configuration().bufferCount);
	}
	quietStart_.begin(wanted);

	return 0;
}

/*
 * The first requests are there. Main gets all their buffers before it streams:
 * the first frames find them however busy the machine is.
 */
void CmacamCameraData::startStreaming()
{
	startTimer_.stop();

	const std::vector<Request *> requests = quietStart_.end();
	std::vector<Request *> refused;

	/* Before the first is given away: no frame has begun. */
	if (std::any_of(requests.begin(), requests.end(),
			[](Request *request) { return !request->controls().empty(); }))
		followStarts();

	for (Request *request : requests) {
		if (giveToHardware(request))
			refused.push_back(request);
	}

	LOG(Cmacam, Debug) << "Streaming starts with " << inFlight_.size() << " requests";
	if (int ret = main_->start(); ret < 0) {
		/* No frame is going to come. A success is not reported: that would hide a refusal.
		 */
		report(ret);
		cancelQueued();
		return;
	}
	followStatistics();

	for (Request *request : refused)
		pipe()->cancelRequest(request);
}

/* The n-th buffers of both nodes are to show the same frame. */
int CmacamCameraData::setLinked()
{
	ControlList list(lores_->device()->controls());
	list.set(V4L2_CID_CMACAM_LINKED, 1);

	return lores_->device()->setControls(&list);
}

void CmacamCameraData::stopDevices()
{
	if (followsStarts_)
		sensor_->device()->setFrameStartEnabled(false);
	followsStarts_ = false;

	if (statistics_)
		statistics_->stop();
	unwatchLosses();
	main_->stop();
	if (paired_)
		lores_->stop();
	metadata_->stop();
}

/**
 * \brief Stop streaming; every queued request has completed on return
 */
void CmacamCameraData::stop()
{
	LOG(Cmacam, Debug) << "Stopping with " << inFlight_.size() << " requests at the hardware";

	if (!unplugged_)
		stopDevices();

	ipa_.stop();

	/* With a request that came when the camera had gone, see queueRequest(). */
	cancelQueued();
}

/**
 * \brief Log the driver's own words for a failed operation and keep them
 * \param[in] ret Result of the operation
 * \return \a ret, or -ENODEV if the camera has gone: of that V4L2Device makes
 * -EIO or -EINVAL where it deals with controls
 */
int CmacamCameraData::report(int ret)
{
	if (ret >= 0 && !failed_)
		return ret;

	failed_ = ret < 0;
	if (failed_ && main_->device()->isGone())
		ret = -ENODEV;

	std::string text;
	if (failed_) {
		text = main_->device()->lastError();
		if (text.empty() && paired_)
			text = lores_->device()->lastError();
	}
	if (!text.empty())
		LOG(Cmacam, Error) << text;

	setCmacamLastError(id(), text);

	return ret;
}

} /* namespace libcamera */
