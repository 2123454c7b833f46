/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds out, in a thread of its own, which processes hold dma-bufs.
 */

#include "holder_search.h"

#include <utility>

#include <libcamera/base/log.h>

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

/**
 * \class CmacamHolderSearch
 * \brief Calls dmaBufHolders() where it delays no frame
 *
 * The question comes up when frames are being lost, in the thread that
 * completes them, and the answer takes from milliseconds to a second, as the
 * machine has processes. The thread is started with the first question. It
 * takes one look at a time, and none while the last one is fresh.
 */

CmacamHolderSearch::CmacamHolderSearch() : looking_(false), thread_("CmacamHolders")
{
	worker_.moveToThread(&thread_);
	worker_.done.connect(this, &CmacamHolderSearch::looked);
}

/*
 * A look that is under way ends with the process that it has reached. It reads
 * from /proc only, and from no file system that could be dead. Still the maps
 * of a process can wait for as long as that process changes its mappings.
 */
CmacamHolderSearch::~CmacamHolderSearch()
{
	stop_.request_stop();
	thread_.exit();
	thread_.wait();
}

/**
 * \brief Ask which other processes have any of \a buffers open or mapped
 * \param[in] buffers The buffers
 *
 * The answer is found. A question that was not answered yet is forgotten.
 */
void CmacamHolderSearch::search(std::vector<DmaBufId> buffers)
{
	buffers_ = std::move(buffers);
	if (looking_)
		return;

	if (last_ && last_->buffers == buffers_ &&
	    std::chrono::steady_clock::now() - last_->time < kFresh)
		found.emit(last_->holders);
	else
		lookAtBuffers();
}

void CmacamHolderSearch::lookAtBuffers()
{
	looking_ = true;
	thread_.start();
	worker_.invokeMethod(&Worker::look, ConnectionTypeQueued, buffers_,
			     stop_.get_token());
}

void CmacamHolderSearch::looked(const Finding &finding)
{
	LOG(Cmacam, Debug) << finding.holders.size() << " other processes hold any of "
			   << finding.buffers.size() << " buffers";
	looking_ = false;
	last_ = finding;

	/* Another session may have begun meanwhile, with other buffers. */
	if (finding.buffers == buffers_)
		found.emit(last_->holders);
	else
		lookAtBuffers();
}

void CmacamHolderSearch::Worker::look(std::vector<DmaBufId> buffers, std::stop_token stop)
{
	Finding finding;
	finding.holders = dmaBufHolders(buffers, kDmaBufLink, stop);
	finding.buffers = std::move(buffers);
	finding.time = std::chrono::steady_clock::now();
	done.emit(finding);
}

} /* namespace libcamera */
