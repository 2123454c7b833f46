/* SPDX-License-Identifier: MIT */
/* A plain V4L2 application that prints what it can prove about each frame. */

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <linux/cmacam.h>
#include <poll.h>
#include <string>
#include <vector>

#include "support/dma_buf.h"
#include "support/v4l2_queue.h"
#include "witness.h"

namespace {

using namespace support;

struct Options
{
	std::string device = "/dev/video0";
	std::string format = "NV12";
	uint32_t width = 640;
	uint32_t height = 480;
	uint32_t stride = 0; /* the driver's choice */
	uint32_t frames = 5;
	uint32_t buffers = 4;
	std::string io = "mmap";
	uint32_t exportHeight = 0;
	uint32_t withholdAfter = 0;
	uint32_t untilSequence = 0;
	bool create = false;
	bool lines = false;
	bool sync = false;
	bool digest = false;
	bool events = false;
	bool forever = false;
	std::string dump;
};

uint32_t fourcc(const std::string &name)
{
	if (name == "SRGGB10")
		return V4L2_PIX_FMT_SRGGB10;
	if (name.size() != 4)
		throw std::invalid_argument(name + ": a fourcc has four characters");
	return v4l2_fourcc(name[0], name[1], name[2], name[3]);
}

class Capture
{
public:
	explicit Capture(const Options &options) : options_(options), queue_(options.device)
	{
		setFormat(options_.exportHeight ? options_.exportHeight : options_.height);
		if (options_.events)
			subscribe();
		if (options_.io != "read")
			allocate();
	}

	void run()
	{
		if (options_.io == "read")
			return runRead();

		queue_.start();
		for (uint32_t done = 0; options_.forever || done < options_.frames;) {
			const v4l2_buffer buffer = dequeue();
			syncExported(buffer.index, DMA_BUF_SYNC_START);
			report(buffer);
			syncExported(buffer.index, DMA_BUF_SYNC_END);
			done++;
			held_.push_back(buffer.index);
			if (!options_.withholdAfter || done <= options_.withholdAfter)
				releaseHeld();
			else if (held_.size() == mappings_.size())
				waitForLoss();
		}
		queue_.stop();
		drainEvents();
	}

private:
	void setFormat(uint32_t height)
	{
		const v4l2_pix_format &format = queue_.setFormat(
			fourcc(options_.format), options_.width, height, options_.stride);
		printf("format width=%u height=%u stride=%u size=%u\n", format.width, format.height,
		       format.bytesperline, format.sizeimage);
	}

	void subscribe()
	{
		v4l2_event_subscription subscription{};
		subscription.type = V4L2_EVENT_CMACAM_LOST;
		control(queue_.fd(), VIDIOC_SUBSCRIBE_EVENT, &subscription,
			"VIDIOC_SUBSCRIBE_EVENT");
	}

	void allocate()
	{
		if (!options_.create)
			queue_.request(options_.buffers);
		else if (queue_.tryCreate(options_.buffers))
			fail("VIDIOC_CREATE_BUFS");
		printf("buffers count=%u flags=0x%x\n", queue_.count(), queue_.flags());
		if (options_.io == "dmabuf")
			importExported();
		else
			for (uint32_t i = 0; i < queue_.count(); i++)
				mappings_.push_back(queue_.map(i));
		for (uint32_t i = 0; i < mappings_.size(); i++)
			queue_.queue(i);
	}

	/* As libcamera does: give the queue up, import what it exported. */
	void importExported()
	{
		std::vector<Fd> exported;
		for (uint32_t i = 0; i < queue_.count(); i++) {
			exported.push_back(queue_.exportBuffer(i));
			mappings_.emplace_back(exported[i], 0, queue_.format().sizeimage,
					       PROT_READ);
		}
		queue_.request(0);
		if (options_.exportHeight)
			setFormat(options_.height);
		queue_.import(std::move(exported));
	}

	void releaseHeld()
	{
		for (uint32_t index : held_)
			queue_.queue(index);
		held_.clear();
	}

	void syncExported(uint32_t index, uint64_t edge)
	{
		if (options_.sync)
			support::sync(queue_.dmaBuf(index), edge | DMA_BUF_SYNC_READ);
	}

	/* Starve the engine until the frame of the wanted number is lost, then let go. */
	void waitForLoss()
	{
		while (lastLost_ < options_.untilSequence)
			awaitEvents();
		releaseHeld();
		options_.withholdAfter = 0;
	}

	void awaitEvents()
	{
		queue_.wait(POLLPRI);
		drainEvents();
	}

	void drainEvents()
	{
		v4l2_event event{};
		while (options_.events && tryControl(queue_.fd(), VIDIOC_DQEVENT, &event) == 0) {
			cmacam_event_lost lost;
			memcpy(&lost, event.u.data, sizeof(lost));
			printf("lost first=%u count=%u total=%u\n", lost.first, lost.count,
			       lost.total);
			lastLost_ = lost.first + lost.count - 1;
		}
	}

	v4l2_buffer dequeue()
	{
		v4l2_buffer buffer;
		int error;
		do {
			if (queue_.wait(POLLIN | (options_.events ? POLLPRI : 0)) & POLLPRI)
				drainEvents();
			error = queue_.tryDequeue(buffer);
		} while (error == EAGAIN);
		if (error)
			fail("VIDIOC_DQBUF");
		return buffer;
	}

	void report(const v4l2_buffer &buffer)
	{
		const std::span<const std::byte> mapping = mappings_[buffer.index].bytes();
		const auto frame = mapping.first(buffer.bytesused);
		printf("frame seq=%u time=%lld.%06ld flags=0x%x bytes=%u index=%u", buffer.sequence,
		       static_cast<long long>(buffer.timestamp.tv_sec),
		       static_cast<long>(buffer.timestamp.tv_usec), buffer.flags, buffer.bytesused,
		       buffer.index);
		if (options_.lines) {
			const auto lines = witness::countLines(frame, buffer.sequence);
			printf(" lines=%zu stale_lines=%zu", lines.all, lines.stale);
		}
		witness::printEvidence(mapping, frame, options_.digest);
		putchar('\n');
		fflush(stdout);
		write(frame);
	}

	void write(std::span<const std::byte> frame)
	{
		if (options_.dump.empty())
			return;
		FILE *file = fopen(options_.dump.c_str(), "ab");
		if (!file || fwrite(frame.data(), frame.size(), 1, file) != 1 || fclose(file))
			fail(options_.dump);
	}

	void runRead()
	{
		std::vector<std::byte> frame(queue_.format().sizeimage);
		for (uint32_t done = 0; done < options_.frames; done++) {
			ssize_t got;
			while ((got = ::read(queue_.fd(), frame.data(), frame.size())) < 0 &&
			       errno == EAGAIN)
				queue_.wait(POLLIN);
			if (got < 0)
				fail("read");
			printf("frame bytes=%zd", got);
			witness::printEvidence(frame, std::span(frame).first(got), options_.digest);
			putchar('\n');
			fflush(stdout);
			write(std::span(frame).first(got));
		}
	}

	Options options_;
	V4l2Queue queue_;
	std::vector<Mapping> mappings_;
	std::vector<uint32_t> held_;
	uint32_t lastLost_ = 0;
};

} /* namespace */

int main(int argc, char **argv)
{
	Options options;
	CLI::App app{"Stream from a V4L2 node and print what can be proven about each frame"};
	app.add_option("--device", options.device, "video node");
	app.add_option("--format", options.format, "fourcc, or SRGGB10");
	app.add_option("--width", options.width, "pixels");
	app.add_option("--height", options.height, "lines");
	app.add_option("--stride", options.stride, "bytes of a line to ask for");
	app.add_option("--frames", options.frames, "frames to dequeue");
	app.add_option("--buffers", options.buffers, "buffers to request");
	app.add_option("--io", options.io, "mmap, dmabuf (export, re-import) or read")
		->check(CLI::IsMember({"mmap", "dmabuf", "read"}));
	app.add_option(
		"--export-height", options.exportHeight,
		"with dmabuf: export buffers of frames of this height, import them for --height");
	app.add_option("--withhold-after", options.withholdAfter,
		       "after this many frames keep every buffer ...");
	app.add_option("--until-lost", options.untilSequence,
		       "... until the frame of this sequence number is lost");
	app.add_flag("--create", options.create, "allocate with CREATE_BUFS, not REQBUFS");
	app.add_flag("--lines", options.lines,
		     "count 64-byte lines without the frame's number (mark mode lines)");
	app.add_flag("--sync", options.sync, "DMA_BUF_IOCTL_SYNC around each look (dmabuf)");
	app.add_flag("--digest", options.digest, "SHA-256 of each frame");
	app.add_flag("--events", options.events, "print the driver's loss events");
	app.add_flag("--forever", options.forever, "until killed");
	app.add_option("--dump", options.dump, "append the frames to this file");
	CLI11_PARSE(app, argc, argv);
	if (options.withholdAfter)
		options.events = true;

	try {
		if (options.lines && options.io == "read")
			throw std::invalid_argument("--lines: read() gives no sequence number");
		Capture(options).run();
	} catch (const std::exception &error) {
		fflush(stdout);
		fprintf(stderr, "v4l2_probe: %s\n", error.what());
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
