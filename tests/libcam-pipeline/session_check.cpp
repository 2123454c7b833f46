/* SPDX-License-Identifier: MIT */
/*
 * Runs inside the machine, on a board that marks its frames: what an
 * application may do with streams and buffers.
 */

#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <random>
#include <spawn.h>
#include <sstream>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <linux/vb2-cma.h>

#include <cmacam/last_error.h>

#include "../vm/witness.h"
#include "check_camera.h"
#include "support/dma_buf.h"

using libcamera::FrameBuffer;
using libcamera::FrameMetadata;
using libcamera::Request;
using libcamera::StreamRole;

namespace {

constexpr StreamRole kRoles[] = {StreamRole::VideoRecording, StreamRole::Viewfinder};

void checkMark(const CheckCamera &camera, const FrameBuffer &buffer, unsigned int channel)
{
	const cmacam_mark mark = camera.mark(buffer);
	must(mark.sequence == buffer.metadata().sequence, "a frame with another's sequence");
	must(mark.channel == channel, "a frame of the other stream");
}

/* Requests that want both streams or either, at random: frames stay together. */
void halves(unsigned int frames)
{
	CheckCamera camera;
	camera.configure({kRoles[0], kRoles[1]}, [](auto &config) {
		config.at(0).size = {320, 240};
		config.at(1).size = {160, 120};
		config.at(0).bufferCount = config.at(1).bufferCount = 6;
	});
	camera.allocate();

	std::mt19937 random(1);
	std::vector<std::unique_ptr<Request>> requests;
	auto queue = [&](Request *request, unsigned int slot) {
		const unsigned int which = random() % 3;
		for (unsigned int i = 0; i < 2; i++)
			if (which != i)
				must(!request->addBuffer(camera.stream(i),
							 camera.buffers(i)[slot].get()),
				     "cannot add a buffer");
		must(!camera->queueRequest(request), "cannot queue");
	};

	for (unsigned int slot = 0; slot < 6; slot++)
		requests.push_back(camera->createRequest(slot));
	camera.start();
	for (const auto &request : requests)
		queue(request.get(), request->cookie());

	unsigned int both = 0;
	for (unsigned int i = 0; i < frames; i++) {
		Request *request = camera.next();
		must(request->status() == Request::RequestComplete, "a request was cancelled");
		for (const auto &[stream, buffer] : request->buffers()) {
			must(buffer->metadata().status == FrameMetadata::FrameSuccess,
			     "a frame is in error");
			must(buffer->metadata().sequence == i, "a frame was lost");
			checkMark(camera, *buffer, stream == camera.stream(1));
		}
		both += request->buffers().size() == 2;

		const unsigned int slot = request->cookie();
		request->reuse();
		queue(request, slot);
	}

	camera.stop();
	must(both > frames / 5 && both < frames / 2, "hardly any choice was made");
	printf("frames=%u both=%u\n", frames, both);
}

void runWith(CheckCamera &camera, const std::vector<FrameBuffer *> &buffers, unsigned int frames)
{
	std::vector<std::unique_ptr<Request>> requests;
	for (FrameBuffer *buffer : buffers) {
		requests.push_back(camera->createRequest());
		must(!requests.back()->addBuffer(camera.stream(0), buffer), "cannot add a buffer");
	}

	camera.start();
	for (const auto &request : requests)
		must(!camera->queueRequest(request.get()), "cannot queue");
	for (unsigned int i = 0; i < frames; i++) {
		Request *request = camera.next();
		must(request->status() == Request::RequestComplete, "a request was cancelled");
		checkMark(camera, *request->buffers().begin()->second, 0);
		request->reuse(Request::ReuseBuffers);
		must(!camera->queueRequest(request), "cannot queue");
	}
	camera.stop();
}

/* Configured again for the same size, with the buffers of the first time. */
void keep(unsigned int sessions)
{
	CheckCamera camera;
	camera.configure({StreamRole::Viewfinder});
	camera.allocate();
	std::vector<FrameBuffer *> buffers;
	for (const auto &buffer : camera.buffers(0))
		buffers.push_back(buffer.get());

	runWith(camera, buffers, 8);
	for (unsigned int i = 1; i < sessions; i++) {
		camera.configure({StreamRole::Viewfinder});
		runWith(camera, buffers, 8);
	}
	printf("sessions=%u\n", sessions);
}

libcamera::SharedFD allocateFrom(const std::string &heap, size_t size)
{
	auto buffer = support::allocateFromHeap(support::Fd::open(heap, O_RDWR), size);
	return libcamera::SharedFD(libcamera::UniqueFD(buffer.release()));
}

/* A buffer for NV12 in a file that may not be a dma-buf, or too small. */
std::unique_ptr<FrameBuffer> bufferIn(const libcamera::SharedFD &fd,
				      const libcamera::StreamConfiguration &config)
{
	const unsigned int luma = config.stride * config.size.height;
	const std::vector<FrameBuffer::Plane> planes{{fd, 0, luma}, {fd, luma, luma / 2}};
	return std::make_unique<FrameBuffer>(planes);
}

std::unique_ptr<FrameBuffer> foreign(const std::string &heap,
				     const libcamera::StreamConfiguration &config, size_t size)
{
	return bufferIn(allocateFrom(heap, size), config);
}

/* Buffers of a dma-heap; then one that is too small. */
void import(const std::string &heap, unsigned int frames)
{
	CheckCamera camera;
	camera.configure({StreamRole::Viewfinder});
	const libcamera::StreamConfiguration &config = camera.config(0);

	std::vector<std::unique_ptr<FrameBuffer>> owned;
	std::vector<FrameBuffer *> buffers;
	for (unsigned int i = 0; i < 3; i++) {
		owned.push_back(foreign(heap, config, config.frameSize));
		camera.map(0, *owned.back());
		buffers.push_back(owned.back().get());
	}
	runWith(camera, buffers, frames);

	const auto small = foreign(heap, config, config.frameSize / 2);
	auto request = camera->createRequest();
	must(!request->addBuffer(camera.stream(0), small.get()), "cannot add a buffer");
	camera.start();
	must(!camera->queueRequest(request.get()), "cannot queue");
	must(camera.next()->status() == Request::RequestCancelled, "a small buffer was taken");
	printf("frames=%u refused: %s\n", frames, cmacam::lastError(camera->id()).c_str());
}

/*
 * Both streams, without memory for a scratch buffer of main. The node of main
 * refuses a buffer, after that of lores has taken the other one of the request.
 */
void unpaired(unsigned int frames)
{
	CheckCamera camera;
	camera.configure({kRoles[0], kRoles[1]}, [](auto &config) {
		config.at(0).size = {1920, 1080};
		config.at(1).size = {320, 240};
		config.at(0).bufferCount = config.at(1).bufferCount = 2;
	});
	camera.allocate();

	const auto requests = camera.requests();
	libcamera::UniqueFD file(memfd_create("not a dma-buf", MFD_CLOEXEC));
	const auto refused = bufferIn(libcamera::SharedFD(std::move(file)), camera.config(0));
	const auto bad = camera->createRequest();
	must(!bad->addBuffer(camera.stream(0), refused.get()), "cannot add a buffer");
	must(!bad->addBuffer(camera.stream(1), camera.buffers(1)[0].get()), "cannot add a buffer");

	auto take = [&] {
		Request *request = camera.next();
		must(request->status() == Request::RequestComplete, "a request was cancelled");
		for (unsigned int i = 0; i < 2; i++) {
			const FrameBuffer *buffer = request->findBuffer(camera.stream(i));
			must(buffer->metadata().status == FrameMetadata::FrameSuccess,
			     "a frame is in error");
			checkMark(camera, *buffer, i);
		}
		request->reuse(Request::ReuseBuffers);
		return request;
	};

	camera.start();
	for (const auto &request : requests)
		must(!camera->queueRequest(request.get()), "cannot queue");
	for (unsigned int n = 0; n < frames; n++)
		must(!camera->queueRequest(take()), "cannot queue");

	/* All frames are here, and the hardware has nothing. */
	Request *first = take(), *second = take();
	must(!camera->queueRequest(bad.get()), "cannot queue");
	must(camera.next()->status() == Request::RequestCancelled,
	     "a file was taken for a dma-buf");

	for (Request *request : {first, second})
		must(!camera->queueRequest(request), "cannot queue");
	for (unsigned int n = 0; n < frames; n++)
		must(!camera->queueRequest(take()), "cannot queue");
	camera.stop();
	printf("frames=%u\n", 2 * frames + 2);
}

/* Of the first frames of both streams: good or in error. */
void states(unsigned int frames)
{
	CheckCamera camera;
	camera.configure({kRoles[0], kRoles[1]});
	camera.allocate();
	auto request = camera->createRequest();
	for (unsigned int i = 0; i < 2; i++)
		must(!request->addBuffer(camera.stream(i), camera.buffers(i)[0].get()),
		     "cannot add a buffer");

	std::string said;
	camera.start();
	for (unsigned int n = 0; n < frames; n++) {
		must(!camera->queueRequest(request.get()), "cannot queue");
		must(camera.next() == request.get(), "another request");
		said += n ? "," : "";
		for (unsigned int i = 0; i < 2; i++) {
			const FrameBuffer *buffer = request->findBuffer(camera.stream(i));
			const FrameMetadata::Status status = buffer->metadata().status;
			said += status == FrameMetadata::FrameSuccess ? 'G'
				: status == FrameMetadata::FrameError ? 'E'
								      : '?';
		}
		request->reuse(Request::ReuseBuffers);
	}
	camera.stop();
	printf("states=%s\n", said.c_str());
}

/* One request, although there are more buffers. */
void single(unsigned int frames)
{
	CheckCamera camera;
	camera.configure({StreamRole::Viewfinder});
	camera.allocate();
	auto request = camera->createRequest();
	must(!request->addBuffer(camera.stream(0), camera.buffers(0)[0].get()),
	     "cannot add a buffer");

	camera.start();
	for (unsigned int n = 0; n < frames; n++) {
		must(!camera->queueRequest(request.get()), "cannot queue");
		must(camera.next() == request.get(), "another request");
		printf("frame seq=%u\n", request->buffers().begin()->second->metadata().sequence);
		request->reuse(Request::ReuseBuffers);
	}
	camera.stop();
}

/* Requests of which the first has to wait for a file that becomes readable. */
void fence(int fd)
{
	CheckCamera camera;
	camera.configure({StreamRole::Viewfinder});
	camera.allocate();

	std::vector<std::unique_ptr<Request>> requests;
	for (const auto &buffer : camera.buffers(0)) {
		std::unique_ptr<libcamera::Fence> fence;
		if (requests.empty())
			fence = std::make_unique<libcamera::Fence>(libcamera::UniqueFD(dup(fd)));
		requests.push_back(camera->createRequest(requests.size()));
		must(!requests.back()->addBuffer(camera.stream(0), buffer.get(), std::move(fence)),
		     "cannot add a buffer");
	}

	const auto signalled = [fd]() {
		pollfd waits{fd, POLLIN, 0};
		return poll(&waits, 1, 0) == 1;
	};

	camera.start();
	for (const auto &request : requests)
		must(!camera->queueRequest(request.get()), "cannot queue");
	must(!signalled(), "the fence has signalled too early");
	puts("queued");
	fflush(stdout);

	for (std::size_t i = 0; i < requests.size(); i++) {
		const Request *request = camera.next();
		must(request->status() == Request::RequestComplete, "a request was cancelled");
		must(signalled(), "a request did not wait for the fence");
		printf("complete %lu seq=%u\n", static_cast<unsigned long>(request->cookie()),
		       request->buffers().begin()->second->metadata().sequence);
	}
	camera.stop();
}

libcamera::StreamConfiguration streamOf(const std::string &wish)
{
	char format[16] = "";
	libcamera::StreamConfiguration stream;
	must(sscanf(wish.c_str(), "%ux%u-%15[^/@]/%u", &stream.size.width, &stream.size.height,
		    format, &stream.bufferCount) >= 3,
	     "no stream: " + wish);
	stream.pixelFormat = libcamera::PixelFormat::fromString(format);
	if (wish.ends_with("/Srgb"))
		stream.colorSpace = libcamera::ColorSpace::Srgb;
	if (const auto at = wish.find('@'); at != std::string::npos)
		stream.stride = static_cast<unsigned int>(std::stoul(wish.substr(at + 1)));
	return stream;
}

/* What validate() makes of it: possible, or invalid. */
void adjust(CheckCamera &camera, const std::string &wish)
{
	auto config = camera->generateConfiguration();
	std::istringstream words(wish);
	for (std::string word; words >> word;) {
		if (word == "rotated")
			config->orientation = libcamera::Orientation::Rotate90;
		else
			config->addConfiguration(streamOf(word));
	}

	static constexpr const char *names[] = {"valid", "adjusted", "invalid"};
	const auto status = config->validate();
	const bool strides = wish.find('@') != std::string::npos;
	std::string made = names[status];
	for (const libcamera::StreamConfiguration &stream : *config) {
		made += " " + stream.toString() + "/" + std::to_string(stream.bufferCount);
		made += strides ? "@" + std::to_string(stream.stride) : "";
	}
	printf("%s: %s\n", wish.c_str(), made.c_str());
	if (status == libcamera::CameraConfiguration::Invalid)
		return;

	must(config->orientation == libcamera::Orientation::Rotate0, "cannot turn by 90 degrees");
	must(config->validate() == libcamera::CameraConfiguration::Valid, "adjusted for ever");
	must(!camera->configure(config.get()), "cannot be configured");
}

void adjustAll(const std::vector<std::string> &wishes)
{
	CheckCamera camera;
	for (const std::string &wish : wishes)
		adjust(camera, wish);
}

/* Two frames of each pair of streams: what can be proven about both pictures. */
void pairs(const std::vector<std::string> &wishes)
{
	CheckCamera camera;
	for (const std::string &wish : wishes) {
		camera.configure({kRoles[0], kRoles[1]}, [&](auto &config) {
			std::istringstream words(wish);
			for (libcamera::StreamConfiguration &stream : config) {
				std::string word;
				words >> word;
				stream = streamOf(word);
			}
		});
		camera.allocate();
		auto request = camera->createRequest();
		for (unsigned int i = 0; i < 2; i++)
			must(!request->addBuffer(camera.stream(i), camera.buffers(i)[0].get()),
			     "cannot add a buffer");

		camera.start();
		for (unsigned int n = 0; n < 2; n++) {
			must(!camera->queueRequest(request.get()), "cannot queue");
			must(camera.next() == request.get(), "another request");
			for (unsigned int i = 0; i < 2; i++) {
				const FrameBuffer *buffer = request->findBuffer(camera.stream(i));
				const cmacam::MappedFrame frame = camera.open(*buffer);
				const auto first = frame.planes().front().data;
				const auto last = frame.planes().back().data;
				const std::span bytes(first.data(), last.data() + last.size());
				printf("frame stream=%u seq=%u", i, buffer->metadata().sequence);
				witness::printEvidence(bytes, bytes, true);
				putchar('\n');
			}
			request->reuse(Request::ReuseBuffers);
		}
		camera.stop();
	}
}

/* A process that does nothing but have a dma-buf open. */
class Bystander
{
public:
	explicit Bystander(int dmaBuf)
	{
		int ends[2];
		must(!pipe2(ends, O_CLOEXEC), "cannot make a pipe");
		stop_.reset(ends[1]);
		const libcamera::UniqueFD input(ends[0]);

		char *argv[] = {name_, nullptr};
		posix_spawn_file_actions_t actions;
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
		posix_spawn_file_actions_adddup2(&actions, dmaBuf, kInherited);
		const int ret = posix_spawnp(&pid_, name_, &actions, nullptr, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
		must(!ret, "cannot start a bystander");
	}

	~Bystander()
	{
		stop_.reset();
		waitpid(pid_, nullptr, 0);
	}

	pid_t pid() const { return pid_; }

private:
	static constexpr int kInherited = 9;
	char name_[4] = "cat";
	libcamera::UniqueFD stop_;
	pid_t pid_ = 0;
};

/* A dma-buf to read the buffer of another dma-buf, as a FrameServer gives it to its readers. */
libcamera::UniqueFD readerOf(int dmaBuf)
{
	const libcamera::UniqueFD node(open("/dev/vb2-cma", O_RDWR | O_CLOEXEC));
	vb2_cma_reader request{};
	request.fd = dmaBuf;
	libcamera::UniqueFD reader(ioctl(node.get(), VB2_CMA_IOC_READER, &request));
	must(reader.isValid(), "cannot make a dma-buf to read");
	return reader;
}

/* Of an application that has all 4 buffers. */
std::string waitForError(CheckCamera &camera)
{
	for (unsigned int i = 0; i < 3000; i++) {
		const std::string text = cmacam::lastError(camera->id());
		if (text.find("holds 4") != std::string::npos)
			return text;
		std::this_thread::sleep_for(std::chrono::milliseconds(20));
	}
	throw std::runtime_error("nothing is said of lost frames");
}

/* Keeps everything until it is told of it, then lets go. */
void starve(unsigned int streams, unsigned int rounds)
{
	CheckCamera camera;
	camera.configure(std::vector<StreamRole>(kRoles, kRoles + streams), [](auto &config) {
		for (libcamera::StreamConfiguration &stream : config) {
			stream.size = {320, 240};
			stream.bufferCount = 4;
		}
	});
	camera.allocate();
	const Bystander bystander(camera.buffers(0)[1]->planes()[0].fd.get());
	const Bystander reader(readerOf(camera.buffers(0)[2]->planes()[0].fd.get()).get());

	std::vector<std::unique_ptr<Request>> requests;
	for (unsigned int slot = 0; slot < 4; slot++) {
		requests.push_back(camera->createRequest());
		for (unsigned int i = 0; i < streams; i++)
			must(!requests.back()->addBuffer(camera.stream(i),
							 camera.buffers(i)[slot].get()),
			     "cannot add a buffer");
	}

	printf("bystander=%d reader=%d\n", bystander.pid(), reader.pid());
	camera.start();
	unsigned int next = 0;
	unsigned int lost = 0;
	for (unsigned int round = 0; round < rounds; round++) {
		for (const auto &request : requests)
			must(!camera->queueRequest(request.get()), "cannot queue");
		auto take = [&] {
			Request *request = camera.next();
			const FrameMetadata &metadata =
				request->buffers().begin()->second->metadata();
			lost += metadata.sequence - next;
			next = metadata.sequence + 1;
			request->reuse(Request::ReuseBuffers);
			return request;
		};

		/* What was held in the round before is let go of by now. */
		while (round && !cmacam::lastError(camera->id()).empty())
			must(!camera->queueRequest(take()), "cannot queue");
		if (round) {
			printf("healed lost=%u\n", lost);
			lost = 0;
		}

		for (unsigned int i = 0; i < requests.size(); i++)
			take();
		printf("said: %s\n", waitForError(camera).c_str());
		fflush(stdout);
	}
	camera.stop();
	must(cmacam::lastError(camera->id()).empty(), "said of a camera that is stopped");
}

} /* namespace */

int main(int argc, char **argv)
{
	unsigned int count = 0;
	std::string heap;

	CLI::App app("Tries what an application may do with streams and buffers.");
	app.require_subcommand(1);
	CLI::App *halvesApp = app.add_subcommand("halves", "requests that want either stream");
	halvesApp->add_option("frames", count)->required();
	CLI::App *keepApp = app.add_subcommand("keep", "the same buffers after configure()");
	keepApp->add_option("sessions", count)->required();
	CLI::App *importApp = app.add_subcommand("import", "buffers of a dma-heap");
	importApp->add_option("heap", heap)->required();
	importApp->add_option("frames", count)->required();
	CLI::App *unpairedApp =
		app.add_subcommand("unpaired", "a request of which half is refused");
	unpairedApp->add_option("frames", count)->required();
	CLI::App *singleApp = app.add_subcommand("single", "one request at a time");
	singleApp->add_option("frames", count)->required();
	int fd = -1;
	CLI::App *fenceApp = app.add_subcommand("fence", "the first request waits for a fence");
	fenceApp->add_option("fd", fd, "an open sync_file")->required();
	CLI::App *statesApp = app.add_subcommand("states", "which frames are in error");
	statesApp->add_option("frames", count)->required();
	std::vector<std::string> wishes;
	CLI::App *adjustApp = app.add_subcommand("adjust", "what validate() makes of wishes");
	adjustApp->add_option("wishes", wishes,
			      "WIDTHxHEIGHT-FORMAT[/BUFFERS][/Srgb][@STRIDE]..., rotated");
	CLI::App *pairsApp = app.add_subcommand("pairs", "two frames of each pair of streams");
	pairsApp->add_option("wishes", wishes, "pairs of WIDTHxHEIGHT-FORMAT[@STRIDE]");
	unsigned int streams = 1;
	CLI::App *starveApp = app.add_subcommand("starve", "keeps every buffer until told");
	starveApp->add_option("streams", streams)->required();
	starveApp->add_option("rounds", count)->required();
	CLI11_PARSE(app, argc, argv);

	try {
		if (*halvesApp)
			halves(count);
		else if (*keepApp)
			keep(count);
		else if (*importApp)
			import(heap, count);
		else if (*unpairedApp)
			unpaired(count);
		else if (*singleApp)
			single(count);
		else if (*fenceApp)
			fence(fd);
		else if (*statesApp)
			states(count);
		else if (*adjustApp)
			adjustAll(wishes);
		else if (*pairsApp)
			pairs(wishes);
		else if (*starveApp)
			starve(streams, count);
	} catch (const std::exception &error) {
		fprintf(stderr, "session_check: %s\n", error.what());
		return 1;
	}
	return 0;
}
