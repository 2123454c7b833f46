/* SPDX-License-Identifier: MIT */
/*
 * Waits for frames, for cameras that come and go, and for a timer, in one thread
 * with one epoll.
 */

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>

#include <cmacam/camera.h>
#include <cmacam/camera_monitor.h>
#include <cmacam/dma_buf.h>

namespace {

constexpr std::chrono::milliseconds kNow{0};

int fail(const std::string &what)
{
	std::fprintf(stderr, "event-loop: %s\n", what.c_str());
	return 1;
}

/* A file descriptor, and what to do when it is readable; false ends the program. */
struct Watch
{
	int fd;
	std::function<bool()> readable;
};

cmacam::UniqueFd everySecond()
{
	cmacam::UniqueFd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	const itimerspec second{{1, 0}, {1, 0}};
	timerfd_settime(timer.get(), 0, &second, nullptr);
	return timer;
}

} /* namespace */

int main(int argc, char **argv)
{
	cmacam::CameraOptions options;
	options.main = {"NV12", 640, 480};
	unsigned int frames = 100;

	CLI::App app("Prints frames, cameras that come and go, and seconds, from one event loop.");
	app.add_option("--camera", options.id, "libcamera id; default: the first camera");
	app.add_option("--frames", frames, "end after this number of frames")
		->capture_default_str();
	CLI11_PARSE(app, argc, argv);

	auto monitor = cmacam::CameraMonitor::create();
	if (!monitor)
		return fail(monitor.error().what);
	auto camera = cmacam::Camera::open(options);
	if (!camera)
		return fail(camera.error().what);
	if (auto started = camera->start(); !started)
		return fail(started.error().what);
	const auto fd = camera->fd();
	if (!fd)
		return fail(fd.error().what);
	const cmacam::UniqueFd timer = everySecond();

	std::string failure;
	const std::vector<Watch> watches = {
		{*fd,
		 [&] {
			 auto frame = camera->next(kNow);
			 if (frame)
				 std::printf("frame sequence=%u\n", frame->sequence());
			 else if (frame.error().code != ETIMEDOUT && frame.error().code != EBUSY)
				 failure = frame.error().what;
			 return failure.empty() && (!frame || --frames);
		 }},
		{monitor->fd(),
		 [&] {
			 if (const auto change = monitor->next(kNow))
				 std::printf("camera %s id=%s\n",
					     change->present ? "present" : "gone",
					     change->id.c_str());
			 return true;
		 }},
		{timer.get(),
		 [&] {
			 std::uint64_t seconds = 0;
			 if (read(timer.get(), &seconds, sizeof(seconds)) == sizeof(seconds))
				 std::printf("second lost=%llu\n",
					     static_cast<unsigned long long>(
						     camera->statistics().lost));
			 return true;
		 }},
	};

	const cmacam::UniqueFd loop(epoll_create1(EPOLL_CLOEXEC));
	for (const Watch &watch : watches) {
		epoll_event event{};
		event.events = EPOLLIN;
		event.data.u64 = static_cast<std::uint64_t>(&watch - watches.data());
		if (epoll_ctl(loop.get(), EPOLL_CTL_ADD, watch.fd, &event) < 0)
			return fail("epoll_ctl failed");
	}
	bool running = frames > 0;
	while (running) {
		epoll_event event{};
		if (epoll_wait(loop.get(), &event, 1, -1) == 1)
			running = watches[event.data.u64].readable();
	}

	return failure.empty() ? 0 : fail(failure);
}
