/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reports the errors of a camera with the error texts of the driver.
 */

#pragma once

#include <string>

namespace libcamera {

class CmacamOutput;

class CmacamErrorReport
{
public:
	/* lores is nullptr if the board has no second stream. */
	CmacamErrorReport(std::string cameraId, CmacamOutput *main, CmacamOutput *lores);

	int report(int ret);

private:
	const std::string cameraId_;
	CmacamOutput *const main_;
	CmacamOutput *const lores_;
	bool failed_;
};

} /* namespace libcamera */
