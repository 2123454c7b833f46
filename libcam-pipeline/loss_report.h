/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reports lost frames to the application.
 */

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <libcamera/base/object.h>

#include "holder_search.h"
#include "loss_watch.h"

namespace libcamera {

class CmacamOutput;

class CmacamLossReport : public Object
{
public:
	/* lores is nullptr if the board has no second stream. */
	CmacamLossReport(std::string cameraId, CmacamOutput *main, CmacamOutput *lores);

	void start();
	void stop(bool unplugged);
	void lost(uint32_t first, bool idle);
	void completed(uint32_t sequence, uint32_t lost, bool idle);

private:
	/* A sentence that waits for the result of search_ */
	struct Unsaid
	{
		std::string text;
		unsigned int number; /* nextCmacamError() when the loss began */
	};

	void tell(CmacamLossWatch::News news);
	void tellBegun();
	void say(const std::vector<DmaBufHolder> &holders);

	const std::string cameraId_;
	CmacamOutput *const main_;
	CmacamOutput *const lores_;
	CmacamLossWatch watch_;
	CmacamHolderSearch search_;
	std::vector<Unsaid> unsaid_;
};

} /* namespace libcamera */
