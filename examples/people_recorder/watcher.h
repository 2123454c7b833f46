/* SPDX-License-Identifier: MIT */
/*
 * Counts people in the lores pictures of frames. A separate thread does this work.
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
	 * Offers a frame to the thread, which gets a separate lease on the frame. offer() does
	 * not wait for the detector. After each frame, the thread continues with the newest
	 * frame that was offered and skips older frames.
	 */
	void offer(const cmacam::Frame &frame);

	/*
	 * Waits until the thread has examined the last frame that was offered. Returns the number
	 * of examined frames, or the first error.
	 */
	cmacam::Result<unsigned int> finish();

private:
	void watch(const std::stop_token &stop);
	cmacam::Result<void> look(const cmacam::Frame &frame) const;

	const PeopleDetector detector_{1.2};
	std::mutex mutex_;
	std::condition_variable_any wake_;
	std::optional<cmacam::Frame> newest_;
	cmacam::Result<unsigned int> looked_{0U};
	std::jthread thread_; /* the last member, because the thread uses all other members */
};
