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
 * \brief Log and store the driver's error text of a failed operation
 * \param[in] ret Result of the operation
 *
 * After a successful operation, the stored text of the camera is deleted if the
 * last operation had failed. V4L2Device returns -EIO or -EINVAL for controls of
 * a device that has gone, so the function returns -ENODEV instead.
 *
 * \return \a ret, or -ENODEV if the operation failed and the camera has gone
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
