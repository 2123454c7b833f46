/* SPDX-License-Identifier: MIT */
/*
 * Counts people on the lores pictures of frames, in a thread of its own.
 */

#include "watcher.h"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <utility>

using cmacam::Result;

void Watcher::offer(const cmacam::Frame &frame)
{
	std::optional<cmacam::Frame> offered(frame.share());
	offered->hold("people detector");
	{
		std::lock_guard lock(mutex_);
		/* The one before goes back to the camera when offered does. */
		newest_.swap(offered);
	}
	wake_.notify_one();
}

Result<unsigned int> Watcher::finish()
{
	thread_.request_stop();
	thread_.join();
	return looked_;
}

void Watcher::watch(const std::stop_token &stop)
{
	while (true) {
		std::optional<cmacam::Frame> frame;
		{
			std::unique_lock lock(mutex_);
			wake_.wait(lock, stop, [this] { return newest_.has_value(); });
			frame = std::exchange(newest_, std::nullopt);
		}
		if (!frame)
			return;
		Result<void> done;
		try {
			done = look(*frame);
		} catch (const std::exception &exception) {
			/* OpenCV throws, and nobody above would catch it. */
			done = cmacam::Error{EIO, exception.what()};
		}
		if (!done) {
			looked_ = done.error();
			return;
		}
		looked_ = *looked_ + 1;
	}
}

Result<void> Watcher::look(const cmacam::Frame &frame) const
{
	auto pixels = frame.map(cmacam::Stream::Lores);
	if (!pixels)
		return pixels.error();
	const std::size_t people = detector_.find(*pixels).size();
	if (Result<void> ended = pixels->end(); !ended)
		return ended;

	std::printf("people sequence=%u timestamp=%lld count=%zu\n", frame.sequence(),
		    static_cast<long long>(frame.timestamp()), people);
	return {};
}
