/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Searches, in a separate thread, for processes that hold dma-bufs.
 */

#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <vector>

#include <libcamera/base/object.h>
#include <libcamera/base/signal.h>
#include <libcamera/base/thread.h>

#include "dma_buf_holders.h"

namespace libcamera {

class CmacamHolderSearch : public Object
{
public:
	/* Maximum age of a result that search() emits again for the same buffers */
	static constexpr std::chrono::seconds kFresh{1};

	CmacamHolderSearch();
	~CmacamHolderSearch() override;

	void search(std::vector<DmaBufId> buffers);

	/*
	 * Emits the result for the buffers of the last search(). The signal is emitted
	 * once, in the thread of this object.
	 */
	Signal<const std::vector<DmaBufHolder> &> found;

private:
	struct Finding
	{
		std::vector<DmaBufId> buffers;
		std::vector<DmaBufHolder> holders;
		std::chrono::steady_clock::time_point time;
	};

	/* The worker runs in thread_. */
	class Worker : public Object
	{
	public:
		void look(std::vector<DmaBufId> buffers, std::stop_token stop);

		Signal<const Finding &> done;
	};

	void lookAtBuffers();
	void looked(const Finding &finding);

	std::vector<DmaBufId> buffers_;
	std::optional<Finding> last_;
	bool looking_;

	std::stop_source stop_;
	Thread thread_;
	Worker worker_;
};

} /* namespace libcamera */
