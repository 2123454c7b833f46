/* SPDX-License-Identifier: MIT */
/*
 * Counts people on the lores pictures of frames, in a thread of its own.
 */

#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <cmacam/frame.h>

#include "../people/detector.h"

class Watcher
{
public:
	Watcher() : thread_([this](const std::stop_token &stop) { watch(stop); }) {}

	/*
	 * Look at this frame, with a lease of its own, as soon as the last one is done,
	 * unless a newer one is offered meanwhile. Never waits.
	 */
	void offer(const cmacam::Frame &frame);

	/* Wait for what was offered; the number of frames looked at, or the first error. */
	cmacam::Result<unsigned int> finish();

private:
	void watch(const std::stop_token &stop);
	cmacam::Result<void> look(const cmacam::Frame &frame) const;

	const PeopleDetector detector_{1.2};
	std::mutex mutex_;
	std::condition_variable_any wake_;
	std::optional<cmacam::Frame> newest_;
	cmacam::Result<unsigned int> looked_{0U};
	std::jthread thread_; /* last: it uses all of the above */
};
