/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One cmacam camera: telling the application of the frames that it misses.
 */

#include "camera_data.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <linux/cmacam.h>

#include <libcamera/base/log.h>

#include "dma_buf_holders.h"
#include "error_log.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

std::string counted(std::size_t count, const std::string &thing)
{
	return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

/* Who has them besides this process, which is the application. */
std::string otherHolders(Span<const DmaBufId> ids)
{
	std::string text;
	for (const DmaBufHolder &holder : dmaBufHolders(ids))
		text += ", process " + std::to_string(holder.pid) + " (" + holder.name + ") has " +
			counted(holder.buffers, "buffer") + " open";

	return text;
}

} /* namespace */

void CmacamCameraData::watchLosses()
{
	losses_.start();
	main_->device()->setLossEventEnabled(true);
}

/*
 * The last word: no record tells what was lost since the last frame. A device
 * that has gone says nothing, be that known here already or not.
 */
void CmacamCameraData::unwatchLosses()
{
	std::optional<uint32_t> lost;

	if (!unplugged_) {
		main_->device()->setLossEventEnabled(false);
		lost = main_->device()->framesLost();
	}

	if (!losses_.stopped(lost.value_or(losses_.total())))
		return;

	LOG(Cmacam, Warning) << counted(losses_.count(), "frame")
			     << " lost until the camera stopped";
	setCmacamLastError(id(), {});
}

/**
 * \brief Tell of lost frames in the log, and by cmacam::lastError()
 *
 * The driver is not to repeat what is known: each time would wake this thread.
 */
void CmacamCameraData::tellLosses(CmacamLossWatch::News news)
{
	if (news == CmacamLossWatch::News::None)
		return;

	std::string text;
	const bool begun = news == CmacamLossWatch::News::Begun;
	main_->device()->setLossEventEnabled(!losses_.isStarved());

	if (begun) {
		text = "Frames are lost from number " + std::to_string(losses_.first()) +
		       " on: " + whoHoldsBuffers();
		LOG(Cmacam, Warning) << text;
	} else {
		LOG(Cmacam, Warning) << counted(losses_.count(), "frame")
				     << " lost, none since number " << losses_.wholeSince();
	}

	setCmacamLastError(id(), text);
}

std::string CmacamCameraData::whoHoldsBuffers()
{
	auto held = [](CmacamOutput *output, std::size_t queued) {
		const std::size_t all = output->buffers().size();
		return std::to_string(all - std::min(queued, all)) + " of its " +
		       counted(all, "buffer") + " of " +
		       output->stream()->configuration().toString();
	};
	const std::size_t main = std::count_if(inFlight_.begin(), inFlight_.end(),
					       [](const InFlight &frame) { return frame.main; });
	const std::size_t lores = std::count_if(inFlight_.begin(), inFlight_.end(),
						[](const InFlight &frame) { return frame.lores; });

	std::vector<DmaBufId> ids = main_->buffers();
	std::string text = "the application holds " + held(main_.get(), main);
	if (paired_) {
		text += " and " + held(lores_.get(), lores);
		ids.insert(ids.end(), lores_->buffers().begin(), lores_->buffers().end());
	}

	return text + otherHolders(ids);
}

} /* namespace libcamera */
