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
 * \brief Calls dmaBufHolders() in a separate thread, so that the call delays no frame
 *
 * The thread that completes frames requests a search when frames are lost. A
 * search takes between a few milliseconds and a second, depending on the number
 * of processes. The first search starts the separate thread. At most one search
 * runs at a time. While the last finding is not older than kFresh, search()
 * emits this finding again if the buffers are the same.
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
 * \brief Search for other processes that have any of \a buffers open or mapped
 * \param[in] buffers The buffers
 *
 * The signal found delivers the result. If an earlier search has not delivered
 * its result yet, that result is delivered only if it is for the same buffers.
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
	worker_.invokeMethod(&Worker::look, ConnectionTypeQueued, buffers_, stop_.get_token());
}

void CmacamHolderSearch::looked(const Finding &finding)
{
	LOG(Cmacam, Debug) << finding.holders.size() << " other processes hold at least one of "
			   << finding.buffers.size() << " buffers";
	looking_ = false;
	last_ = finding;

	/* Another session may have begun meanwhile, with other buffers. */
	if (finding.buffers == buffers_)
		found.emit(last_->holders);
	else
		lookAtBuffers();
}

/* In another thread. NOLINTNEXTLINE(performance-unnecessary-value-param) */
void CmacamHolderSearch::Worker::look(std::vector<DmaBufId> buffers, std::stop_token stop)
{
	Finding finding;
	finding.holders = dmaBufHolders(buffers, kDmaBufLink, stop);
	finding.buffers = std::move(buffers);
	finding.time = std::chrono::steady_clock::now();
	done.emit(finding);
}

} /* namespace libcamera */
