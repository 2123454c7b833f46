/* SPDX-License-Identifier: MIT */
/*
 * Runs inside the machine: an application whose camera goes away.
 */

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "check_camera.h"

using libcamera::Request;
using libcamera::StreamRole;

namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr StreamRole kRoles[] = {StreamRole::VideoRecording, StreamRole::Viewfinder};

/* One request for each buffer, of both streams. */
std::vector<std::unique_ptr<Request>> prepare(CheckCamera &camera)
{
	camera.configure({kRoles[0], kRoles[1]});
	camera.allocate();

	return camera.requests();
}

/* Streams until the camera goes away: first the requests come back, then the signal. */
void stream()
{
	CheckCamera camera;
	const auto requests = prepare(camera);

	unsigned int atHardware = 0; /* requests not given back */
	std::mutex mutex;
	std::condition_variable gone;
	bool disconnected = false;
	unsigned int missing = 0;
	camera->requestCompleted.connect(&camera, [&](Request *) {
		std::lock_guard lock(mutex);
		atHardware--;
	});
	camera->disconnected.connect(&camera, [&] {
		std::lock_guard lock(mutex);
		disconnected = true;
		missing = atHardware;
		gone.notify_one();
	});

	camera.start();
	auto queue = [&](Request *request) {
		std::lock_guard lock(mutex);
		if (!camera->queueRequest(request))
			atHardware++;
	};
	for (const auto &request : requests)
		queue(request.get());

	unsigned int frames = 0;
	for (;;) {
		Request *request = camera.next();
		if (request->status() == Request::RequestCancelled)
			break;
		if (++frames == 10) {
			printf("streaming\n");
			fflush(stdout);
		}
		request->reuse(Request::ReuseBuffers);
		queue(request);
	}

	std::unique_lock lock(mutex);
	must(gone.wait_for(lock, kPatience, [&] { return disconnected; }), "never disconnected");
	must(!missing, "disconnected before all requests were given back");
	lock.unlock();
	camera->disconnected.disconnect(&camera);
	printf("disconnected\n");
}

/* Of a thread of this process: 'S' while it waits for somebody. */
char threadState(pid_t thread)
{
	std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
	std::string pid, name;
	char state = 0;
	file >> pid >> name >> state;
	return state;
}

/*
 * stop() is what libcamera's thread does first when the board has gone: nothing
 * has told it so before.
 */
void stop()
{
	/* libcamera's thread looks at these until the camera has stopped. */
	const pid_t stopper = gettid();
	std::atomic<bool> stopping = false;
	std::atomic<unsigned int> frames = 0;
	std::atomic<bool> disconnected = false;

	CheckCamera camera;
	const auto requests = prepare(camera);
	camera->disconnected.connect(&camera, [&] { disconnected = true; });
	camera->requestCompleted.connect(&camera, [&](Request *) {
		if (++frames != 3)
			return;
		const auto limit = std::chrono::steady_clock::now() + kPatience;
		while (!stopping || threadState(stopper) != 'S') {
			if (std::chrono::steady_clock::now() > limit)
				return;
			std::this_thread::yield();
		}
		printf("streaming\n");
		fflush(stdout);
		/* Until the board has been removed. */
		std::cin.get();
	});

	camera.start();
	for (const auto &request : requests)
		must(!camera->queueRequest(request.get()), "cannot queue");
	for (unsigned int i = 0; i < 3; i++)
		must(camera.next()->status() == Request::RequestComplete, "cancelled too early");
	stopping = true;
	camera.stop();
	printf("stopped\n");

	/* Whether libcamera knows by now or not, until udev has told it. */
	must(camera->start() == -ENODEV, "start() does not say that the camera has gone");
	const auto signalBy = std::chrono::steady_clock::now() + kPatience;
	while (!disconnected && std::chrono::steady_clock::now() < signalBy) {
		const int ret = libcamera::FrameBufferAllocator(camera->shared_from_this())
					.allocate(camera.stream(0));
		must(ret == -ENODEV,
		     "allocate() says " + std::to_string(ret) + " of a camera that has gone");
	}
	camera->disconnected.disconnect(&camera);
	must(disconnected, "never disconnected");
}

} /* namespace */

int main(int argc, char **argv)
{
	CLI::App app("Says when it streams, and loses its camera then.");
	app.require_subcommand(1);
	CLI::App *streamApp = app.add_subcommand("stream", "until the camera goes away");
	app.add_subcommand("stop", "a camera that has gone, nobody knows it yet; go on with Enter");
	CLI11_PARSE(app, argc, argv);

	try {
		if (*streamApp)
			stream();
		else
			stop();
	} catch (const std::exception &error) {
		fprintf(stderr, "unplug_check: %s\n", error.what());
		return 1;
	}
	return 0;
}
