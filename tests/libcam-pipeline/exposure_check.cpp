/* SPDX-License-Identifier: MIT */
/*
 * Runs inside the machine: changes the light by the board's control port and
 * counts the frames until exposure and white balance have settled.
 */

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <random>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "check_camera.h"

namespace controls = libcamera::controls;

namespace {

constexpr unsigned int kSettled = 15; /* frames in the new light */
constexpr unsigned int kWatched = 15; /* frames after that */
constexpr double kTarget = 16 + 110 * 219.0 / 255;
constexpr double kOff = 0.25; /* stops that the mean may be off */
constexpr double kHold = 0.01;
constexpr int32_t kDrift = 300; /* kelvin, as a moving picture has in some frames */

int64_t monotonic()
{
	timespec now{};
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

class Port
{
public:
	explicit Port(const std::string &path) : fd_(open(path.c_str(), O_RDWR | O_CLOEXEC))
	{
		must(fd_ >= 0, "cannot open " + path);
	}
	~Port() { close(fd_); }

	/* In force for all frames that begin after the return. */
	void set(const std::string &key, double value)
	{
		const std::string command = "set " + key + " " + std::to_string(value) + "\n";
		must(write(fd_, command.data(), command.size()) ==
			     static_cast<ssize_t>(command.size()),
		     "the control port takes nothing");
		std::string answer;
		while (answer.empty() || answer.back() != '\n') {
			pollfd ready{fd_, POLLIN, 0};
			must(poll(&ready, 1, 60000) == 1, "the board does not answer");
			char text[256];
			const ssize_t got = read(fd_, text, sizeof(text));
			must(got > 0, "the control port is closed");
			answer.append(text, got);
		}
		must(answer.starts_with("ok"), command + answer);
	}

private:
	int fd_;
};

struct Seen
{
	double exposure; /* time and gain in one number */
	double mean;
	int32_t kelvin;
	int32_t state;
};

class Check
{
public:
	Check() { begin(); }

	/* Requests must not go while the camera has them. */
	~Check() { camera_.stop(); }

	/* The first frame after a restart of the camera, which stays acquired. */
	Seen restart()
	{
		camera_.stop();
		for (const auto &request : requests_)
			request->reuse(libcamera::Request::ReuseBuffers);
		start();
		return next(0);
	}

	/* The first frame after the camera has been released. */
	Seen reacquire()
	{
		camera_.stop();
		requests_.clear();
		camera_.reacquire();
		begin();
		return next(0);
	}

	/* The next frame that began after a moment. */
	Seen next(int64_t after)
	{
		for (;;) {
			libcamera::Request *request = camera_.next();
			must(request->status() == libcamera::Request::RequestComplete,
			     "a request was cancelled");
			const libcamera::ControlList &metadata = request->metadata();
			const Seen seen{
				*metadata.get(controls::ExposureTime) *
					static_cast<double>(*metadata.get(controls::AnalogueGain)),
				camera_.meanLuma(*request->buffers().begin()->second),
				*metadata.get(controls::ColourTemperature),
				*metadata.get(controls::AeState)};
			const int64_t time = *metadata.get(controls::SensorTimestamp);
			request->reuse(libcamera::Request::ReuseBuffers);
			must(!camera_->queueRequest(request), "cannot queue");
			if (time > after)
				return seen;
		}
	}

	Seen last() const { return last_; }

	/* How many frames it took to settle; throws if it was too many. */
	unsigned int settle(int64_t after, const std::string &what)
	{
		std::vector<Seen> frames;
		for (unsigned int i = 0; i < kSettled + kWatched; i++)
			frames.push_back(next(after));

		const Seen &last = frames.back();
		last_ = last;
		const auto wrong = [&](const Seen &f) {
			return std::abs(f.exposure / last.exposure - 1) > kHold;
		};
		const auto unsettled = std::find_if(frames.rbegin(), frames.rend(), wrong);
		const unsigned int count = frames.rend() - unsettled;

		for (const Seen &f : frames)
			printf("%s: exposure %.0f mean %.1f kelvin %d state %d\n", what.c_str(),
			       f.exposure, f.mean, f.kelvin, f.state);
		must(count <= kSettled, what + ": not settled after 15 frames");
		must(std::abs(std::log2(last.mean / kTarget)) < kOff, what + ": wrong brightness");
		must(last.state == controls::AeStateConverged, what + ": AeState");
		return count;
	}

private:
	void begin()
	{
		camera_.configure({libcamera::StreamRole::Viewfinder}, [](auto &config) {
			config.at(0).size = {192, 144}; /* no padding to be averaged */
		});
		camera_.allocate();
		for (const auto &buffer : camera_.buffers(0)) {
			requests_.push_back(camera_->createRequest());
			must(!requests_.back()->addBuffer(camera_.stream(0), buffer.get()),
			     "cannot add a buffer");
		}
		start();
	}

	void start()
	{
		camera_.start();
		for (const auto &request : requests_)
			must(!camera_->queueRequest(request.get()), "cannot queue");
	}

	CheckCamera camera_;
	std::vector<std::unique_ptr<libcamera::Request>> requests_;
	Seen last_{};
};

/*
 * In a light that is not the default one: what was found is there from the first
 * frame on while the camera is acquired, and forgotten with its release.
 */
void restart(Check &check, unsigned int restarts)
{
	Seen found = check.last();
	auto say = [](const char *what, const Seen &first) {
		printf("%s: exposure %.0f mean %.1f kelvin %d\n", what, first.exposure, first.mean,
		       first.kelvin);
	};
	for (unsigned int i = 0; i < restarts; i++) {
		const Seen first = check.restart();
		say("restarted", first);
		must(std::abs(first.exposure / found.exposure - 1) < kHold,
		     "the exposure did not survive a restart");
		must(std::abs(first.kelvin - found.kelvin) < kDrift,
		     "the white balance did not survive a restart");
		found = first;
	}

	const Seen fresh = check.reacquire();
	say("acquired again", fresh);
	must(std::abs(std::log2(fresh.exposure / found.exposure)) > 1 && fresh.kelvin == 5500,
	     "what was found was not forgotten");
}

} /* namespace */

int main(int argc, char **argv)
{
	/* What led to a failure comes before it. */
	setvbuf(stdout, nullptr, _IOLBF, 0);

	std::string path;
	unsigned int steps = 5;
	unsigned int seed = 1;
	unsigned int restarts = 0;

	CLI::App app("Changes the light and counts the frames until the picture is right again.");
	app.add_option("port", path, "the board's control port")->required();
	app.add_option("--steps", steps, "changes of the light")->capture_default_str();
	app.add_option("--seed", seed, "of the random numbers")->capture_default_str();
	app.add_option("--restarts", restarts, "of the camera in the last light");
	CLI11_PARSE(app, argc, argv);

	try {
		Port port(path);
		Check check;
		std::mt19937 random(seed);
		auto pick = [&random](double min, double max) {
			return std::uniform_real_distribution<double>(min, max)(random);
		};

		unsigned int worst = check.settle(0, "start");
		double light = 0;
		for (unsigned int i = 0; i < steps; i++) {
			light = std::clamp(light + pick(-4, 4), -3.0, 6.0);
			port.set("light", light);
			worst = std::max(
				worst, check.settle(monotonic(), "light " + std::to_string(light)));
		}
		printf("steps=%u settled=%u\n", steps, worst);
		if (restarts)
			restart(check, restarts);
		return 0;
	} catch (const std::exception &error) {
		fprintf(stderr, "exposure_check: %s\n", error.what());
		return 1;
	}
}
