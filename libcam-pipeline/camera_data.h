/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens, configures and starts the devices of one cmacam camera.
 */

#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <libcamera/framebuffer.h>
#include <libcamera/stream.h>
#include <libcamera/transform.h>

#include "libcamera/internal/camera.h"
#include "libcamera/internal/camera_sensor.h"

#include "control_loop.h"
#include "error_report.h"
#include "loss_report.h"
#include "output.h"
#include "record_reader.h"
#include "request_flow.h"

namespace libcamera {

class MediaDevice;

class CmacamCameraData : public Camera::Private
{
public:
	CmacamCameraData(PipelineHandler *pipe, std::shared_ptr<MediaDevice> media);
	~CmacamCameraData() override;

	int init();

	/* An output and its format. configure() disables each output that is not in formats. */
	struct OutputFormat
	{
		CmacamOutput *output;
		V4L2DeviceFormat format;
	};

	int configure(const std::vector<OutputFormat> &formats, Transform transform);
	int exportBuffers(const Stream *stream, unsigned int count,
			  std::vector<std::unique_ptr<FrameBuffer>> *buffers);
	int start(const ControlList *controls);
	void stop();
	int queueRequest(Request *request);
	void release();

	const std::string &id() const { return sensor_->id(); }
	CameraSensor *sensor() { return sensor_.get(); }
	CmacamOutput *main() { return main_.get(); }
	CmacamOutput *lores() { return lores_.get(); } /* nullptr if the board has no lores */
	std::set<Stream *> streams();

private:
	void initProperties();
	void unplug();
	void remove();

	/* The order matters: the destructor of a member may use all members above that member. */
	std::shared_ptr<MediaDevice> media_;
	std::unique_ptr<CameraSensor> sensor_;
	std::unique_ptr<CmacamOutput> main_;
	std::unique_ptr<CmacamOutput> lores_;
	std::unique_ptr<CmacamRecordReader> records_;
	std::unique_ptr<CmacamErrorReport> errors_;
	std::unique_ptr<CmacamLossReport> losses_;
	std::unique_ptr<CmacamControlLoop> controls_;
	std::unique_ptr<CmacamRequestFlow> flow_;

	bool unplugged_;
	bool removed_;
};

} /* namespace libcamera */
