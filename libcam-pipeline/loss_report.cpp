/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tells the application of the frames that it misses.
 */

#include "loss_report.h"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <libcamera/base/log.h>
#include <libcamera/base/span.h>

#include "dma_buf_holders.h"
#include "error_log.h"
#include "output.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

std::string counted(std::size_t count, const std::string &thing)
{
	return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string heldOf(CmacamOutput *output)
{
	return std::to_string(output->held()) + " of its " +
	       counted(output->buffers().size(), "buffer") + " of " +
	       output->stream()->configuration().toString();
}

/* The holders besides this process, which is the application. */
std::string otherHolders(Span<const DmaBufId> ids)
{
	std::string text;
	for (const DmaBufHolder &holder : dmaBufHolders(ids))
		text += ", process " + std::to_string(holder.pid) + " (" + holder.name + ") has " +
			counted(holder.buffers, "buffer") + " open";

	return text;
}

} /* namespace */

/**
 * \class CmacamLossReport
 * \brief Says in the log and by cmacam::lastError() what CmacamLossWatch finds worth saying
 */

CmacamLossReport::CmacamLossReport(std::string cameraId, CmacamOutput *main, CmacamOutput *lores)
	: cameraId_(std::move(cameraId)), main_(main), lores_(lores)
{
}

/**
 * \brief A session begins
 */
void CmacamLossReport::start()
{
	watch_.start();
	main_->device()->setLossEventEnabled(true);
}

/**
 * \brief A session ends
 * \param[in] unplugged Whether the camera is known to have gone
 *
 * The driver has the last word: no record tells what was lost since the last
 * frame. A device that has gone says nothing, whether that is known or not.
 */
void CmacamLossReport::stop(bool unplugged)
{
	std::optional<uint32_t> lost;

	if (!unplugged) {
		main_->device()->setLossEventEnabled(false);
		lost = main_->device()->framesLost();
	}

	if (!watch_.stopped(lost.value_or(watch_.total())))
		return;

	LOG(Cmacam, Warning) << counted(watch_.count(), "frame")
			     << " lost until the camera stopped";
	setCmacamLastError(cameraId_, {});
}

/**
 * \brief The driver has lost a frame
 * \param[in] first Its number
 * \param[in] idle Whether no request is queued
 */
void CmacamLossReport::lost(uint32_t first, bool idle)
{
	LOG(Cmacam, Debug) << "The driver has lost frame " << first;
	tell(watch_.lost(first, idle));
}

/**
 * \brief A frame has completed
 * \param[in] sequence Its number
 * \param[in] lost Frames lost before it, since the session began
 * \param[in] idle Whether no request is queued behind it
 */
void CmacamLossReport::completed(uint32_t sequence, uint32_t lost, bool idle)
{
	tell(watch_.completed(sequence, lost, idle));
}

/* The driver is not to repeat what is known: each event would wake this thread. */
void CmacamLossReport::tell(CmacamLossWatch::News news)
{
	if (news == CmacamLossWatch::News::None)
		return;

	std::string text;
	const bool begun = news == CmacamLossWatch::News::Begun;
	main_->device()->setLossEventEnabled(!watch_.isStarved());

	if (begun) {
		text = "Frames are lost from number " + std::to_string(watch_.first()) +
		       " on: " + whoHoldsBuffers();
		LOG(Cmacam, Warning) << text;
	} else {
		LOG(Cmacam, Warning) << counted(watch_.count(), "frame")
				     << " lost, none since number " << watch_.wholeSince();
	}

	setCmacamLastError(cameraId_, text);
}

std::string CmacamLossReport::whoHoldsBuffers() const
{
	std::vector<DmaBufId> ids = main_->buffers();
	std::string text = "the application holds " + heldOf(main_);
	if (lores_ && lores_->isActive()) {
		text += " and " + heldOf(lores_);
		ids.insert(ids.end(), lores_->buffers().begin(), lores_->buffers().end());
	}

	return text + otherHolders(ids);
}

} /* namespace libcamera */
