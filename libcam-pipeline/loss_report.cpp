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
std::string otherHolders(const std::vector<DmaBufHolder> &holders)
{
	std::string text;
	for (const DmaBufHolder &holder : holders)
		text += ", process " + std::to_string(holder.pid) + " (" + holder.name + ") has " +
			counted(holder.buffers, "buffer") + " open";

	return text;
}

} /* namespace */

/**
 * \class CmacamLossReport
 * \brief Reports the events of CmacamLossWatch in the log and through cmacam::lastError()
 *
 * When frames begin to be lost, the report counts the buffers that the
 * application holds. The search for other processes that hold buffers takes
 * longer. The sentence about the loss waits for the result of this search. If a
 * later sentence is due before that, the waiting sentence is logged first,
 * without the result. Its error has the number of the time when the loss began,
 * so that cmacam::lastError() prefers an error that came while the sentence
 * waited.
 */

CmacamLossReport::CmacamLossReport(std::string cameraId, CmacamOutput *main, CmacamOutput *lores)
	: cameraId_(std::move(cameraId)), main_(main), lores_(lores)
{
	search_.found.connect(this,
			      [this](const std::vector<DmaBufHolder> &holders) { say(holders); });
}

/**
 * \brief Begin a session
 */
void CmacamLossReport::start()
{
	watch_.start();
	main_->device()->setLossEventEnabled(true);
}

/**
 * \brief End a session
 * \param[in] unplugged Whether the camera is known to have gone
 *
 * The function reads the number of lost frames from the driver, because no
 * record reports the frames that were lost after the last completed frame. If
 * the device has gone, the number from the last record is used.
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

	say({});
	LOG(Cmacam, Warning) << counted(watch_.count(), "frame")
			     << " lost until the camera stopped";
	clearCmacamLossError(cameraId_);
}

/**
 * \brief Handle the notification that the driver has lost a frame
 * \param[in] first Sequence number of the first lost frame
 * \param[in] idle Whether no request is queued
 */
void CmacamLossReport::lost(uint32_t first, bool idle)
{
	LOG(Cmacam, Debug) << "The driver has lost frame " << first;
	tell(watch_.lost(first, idle));
}

/**
 * \brief Handle a completed frame
 * \param[in] sequence Sequence number of the frame
 * \param[in] lost Number of frames lost before this frame since the session began
 * \param[in] idle Whether no request is queued after this frame
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

	main_->device()->setLossEventEnabled(!watch_.isStarved());

	if (news == CmacamLossWatch::News::Begun) {
		tellBegun();
		return;
	}

	say({});
	LOG(Cmacam, Warning) << counted(watch_.count(), "frame") << " lost, none since number "
			     << watch_.wholeSince();
	clearCmacamLossError(cameraId_);
}

void CmacamLossReport::tellBegun()
{
	std::vector<DmaBufId> ids;
	std::string held;
	for (CmacamOutput *output : {main_, lores_}) {
		/* The application may use a stream now and then only, such as for stills. */
		if (!output || !output->isActive() || output->buffers().empty())
			continue;
		held += (held.empty() ? "" : " and ") + heldOf(output);
		ids.insert(ids.end(), output->buffers().begin(), output->buffers().end());
	}

	unsaid_.push_back({"Frames are lost from number " + std::to_string(watch_.first()) +
				   " on: the application holds " +
				   (held.empty() ? heldOf(main_) : held),
			   nextCmacamError()});
	search_.search(std::move(ids));
}

/* What waits for the holders, or cannot wait any longer. */
void CmacamLossReport::say(const std::vector<DmaBufHolder> &holders)
{
	const std::string others = otherHolders(holders);

	for (const Unsaid &begun : unsaid_)
		LOG(Cmacam, Warning) << begun.text << others;
	if (!unsaid_.empty())
		setCmacamLossError(cameraId_, unsaid_.back().number, unsaid_.back().text + others);

	unsaid_.clear();
}

} /* namespace libcamera */
