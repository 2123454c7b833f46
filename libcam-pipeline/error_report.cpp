/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors of a camera in the driver's own words.
 */

#include "error_report.h"

#include <cerrno>
#include <utility>

#include <libcamera/base/log.h>

#include "error_log.h"
#include "output.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

CmacamErrorReport::CmacamErrorReport(std::string cameraId, CmacamOutput *main, CmacamOutput *lores)
	: cameraId_(std::move(cameraId)), main_(main), lores_(lores), failed_(false)
{
}

/**
 * \brief Log the driver's own words for a failed operation and keep them
 * \param[in] ret Result of the operation
 * \return \a ret, or -ENODEV if the camera has gone: V4L2Device makes -EIO or
 * -EINVAL of that where it deals with controls
 */
int CmacamErrorReport::report(int ret)
{
	if (ret >= 0 && !failed_)
		return ret;

	failed_ = ret < 0;
	if (failed_ && main_->device()->isGone())
		ret = -ENODEV;

	std::string text;
	if (failed_) {
		text = main_->device()->lastError();
		if (text.empty() && lores_ && lores_->isActive())
			text = lores_->device()->lastError();
	}
	if (!text.empty())
		LOG(Cmacam, Error) << text;

	setCmacamLastError(cameraId_, text);

	return ret;
}

} /* namespace libcamera */
