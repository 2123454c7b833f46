/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcamera pipeline handler for cmacam boards.
 */

#include "pipeline_handler.h"

#include <cstring>
#include <set>
#include <utility>

#include <libcamera/base/log.h>

#include <libcamera/camera.h>
#include <libcamera/stream.h>

#include "libcamera/internal/device_enumerator.h"
#include "libcamera/internal/media_device.h"

#include "camera_data.h"
#include "configuration.h"

namespace libcamera {

LOG_DEFINE_CATEGORY(Cmacam)

PipelineHandlerCmacam::PipelineHandlerCmacam(CameraManager *manager)
	: PipelineHandler(manager, CmacamRequestFlow::kMaxQueued)
{
}

CmacamCameraData *PipelineHandlerCmacam::cameraData(Camera *camera)
{
	return static_cast<CmacamCameraData *>(camera->_d());
}

std::unique_ptr<CameraConfiguration>
PipelineHandlerCmacam::generateConfiguration(Camera *camera, Span<const StreamRole> roles)
{
	return CmacamCameraConfiguration::generate(cameraData(camera), roles);
}

int PipelineHandlerCmacam::configure(Camera *camera, CameraConfiguration *config)
{
	CmacamCameraData *data = cameraData(camera);
	auto *cmacamConfig = static_cast<CmacamCameraConfiguration *>(config);

	int ret = data->configure(cmacamConfig->outputs(), cmacamConfig->transform());
	if (ret)
		return ret;

	for (unsigned int i = 0; i < config->size(); i++)
		config->at(i).setStream(cmacamConfig->outputs()[i].output->stream());

	return 0;
}

int PipelineHandlerCmacam::exportFrameBuffers(Camera *camera, Stream *stream,
					      std::vector<std::unique_ptr<FrameBuffer>> *buffers)
{
	return cameraData(camera)->exportBuffers(stream, stream->configuration().bufferCount,
						 buffers);
}

int PipelineHandlerCmacam::start(Camera *camera, const ControlList *controls)
{
	return cameraData(camera)->start(controls);
}

void PipelineHandlerCmacam::stopDevice(Camera *camera)
{
	cameraData(camera)->stop();
}

int PipelineHandlerCmacam::queueRequestDevice(Camera *camera, Request *request)
{
	return cameraData(camera)->queueRequest(request);
}

void PipelineHandlerCmacam::releaseDevice(Camera *camera)
{
	cameraData(camera)->release();
}

bool PipelineHandlerCmacam::match(DeviceEnumerator *enumerator)
{
	DeviceMatch dm("cmacam");
	dm.add("cmacam-sensor");
	dm.add("cmacam-capture");
	dm.add("cmacam-metadata");

	/*
	 * libcamera ends its search at the first handler that matches nothing, so a
	 * board that fails must not hide the next one. It stays acquired for as
	 * long as this handler lives: the next search would find it again.
	 */
	while (std::shared_ptr<MediaDevice> media = acquireMediaDevice(enumerator, dm)) {
		if (addCamera(std::move(media)))
			return true;
	}

	return false;
}

bool PipelineHandlerCmacam::addCamera(std::shared_ptr<MediaDevice> media)
{
	auto data = std::make_unique<CmacamCameraData>(this, media);
	if (int ret = data->init(); ret) {
		LOG(Cmacam, Error) << "The board on " << media->deviceNode()
				   << " cannot be used: " << strerror(-ret);
		return false;
	}

	const std::string id = data->id();
	LOG(Cmacam, Debug) << "Camera '" << id << "' on " << media->deviceNode() << ", "
			   << (data->lores() ? "two streams" : "one stream");
	std::set<Stream *> streams = data->streams();
	registerCamera(Camera::create(std::move(data), id, streams));

	/*
	 * After the camera's own slot, which completes the requests: slots run
	 * in the order of connection, and this one disconnects the camera.
	 */
	hotplugMediaDevice(std::move(media));

	return true;
}

} /* namespace libcamera */
