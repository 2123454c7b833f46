/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors of a camera in the driver's own words.
 */

#pragma once

#include <string>

namespace libcamera {

class CmacamOutput;

class CmacamErrorReport
{
public:
	/* lores may be nullptr. */
	CmacamErrorReport(std::string cameraId, CmacamOutput *main, CmacamOutput *lores);

	int report(int ret);

private:
	const std::string cameraId_;
	CmacamOutput *const main_;
	CmacamOutput *const lores_;
	bool failed_;
};

} /* namespace libcamera */
