/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcamera pipeline handler for cmacam boards.
 */

#pragma once

#include <memory>
#include <vector>

#include "libcamera/internal/pipeline_handler.h"

namespace libcamera {

class CmacamCameraData;
class MediaDevice;

class PipelineHandlerCmacam : public PipelineHandler
{
public:
	explicit PipelineHandlerCmacam(CameraManager *manager);

	std::unique_ptr<CameraConfiguration>
	generateConfiguration(Camera *camera, Span<const StreamRole> roles) override;
	int configure(Camera *camera, CameraConfiguration *config) override;

	int exportFrameBuffers(Camera *camera, Stream *stream,
			       std::vector<std::unique_ptr<FrameBuffer>> *buffers) override;

	int start(Camera *camera, const ControlList *controls) override;
	void stopDevice(Camera *camera) override;

	int queueRequestDevice(Camera *camera, Request *request) override;

	bool match(DeviceEnumerator *enumerator) override;

private:
	void releaseDevice(Camera *camera) override;

	bool addCamera(std::shared_ptr<MediaDevice> media);
	static CmacamCameraData *cameraData(Camera *camera);
};

} /* namespace libcamera */
