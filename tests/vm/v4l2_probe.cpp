/* SPDX-License-Identifier: MIT */
/* A plain V4L2 application that prints what it can prove about each frame. */

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <linux/cmacam.h>
#include <linux/dma-buf.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <system_error>
#include <vector>

#include "witness.h"

namespace {

constexpr int frameLimitMs = 60'000;

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

[[noreturn]] void fail(const std::string &what)
{
	throw std::system_error(errno, std::generic_category(), what);
}

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
	explicit Capture(const Options &options)
		: options_(options),
		  fd_(open(options.device.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK))
	{
		if (fd_ < 0)
			fail(options.device);
		setFormat(options_.exportHeight ? options_.exportHeight : options_.height);
		if (options_.events)
			subscribe();
		if (options_.io != "read")
			allocate();
	}

	~Capture() { close(fd_); }
	Capture(const Capture &) = delete;
	Capture &operator=(const Capture &) = delete;

	void run()
	{
		if (options_.io == "read")
			return runRead();

		int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		control(VIDIOC_STREAMON, &type, "VIDIOC_STREAMON");
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
		control(VIDIOC_STREAMOFF, &type, "VIDIOC_STREAMOFF");
		drainEvents();
	}

private:
	void control(unsigned long request, void *argument, const char *name)
	{
		int status;
		do {
			status = ioctl(fd_, request, argument);
		} while (status < 0 && errno == EINTR);
		if (status < 0)
			fail(name);
	}

	void setFormat(uint32_t height)
	{
		v4l2_format format{};
		format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		format.fmt.pix.width = options_.width;
		format.fmt.pix.height = height;
		format.fmt.pix.pixelformat = fourcc(options_.format);
		format.fmt.pix.bytesperline = options_.stride;
		control(VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
		printf("format width=%u height=%u stride=%u size=%u\n", format.fmt.pix.width,
		       format.fmt.pix.height, format.fmt.pix.bytesperline,
		       format.fmt.pix.sizeimage);
		size_ = format.fmt.pix.sizeimage;
	}

	void subscribe()
	{
		v4l2_event_subscription subscription{};
		subscription.type = V4L2_EVENT_CMACAM_LOST;
		control(VIDIOC_SUBSCRIBE_EVENT, &subscription, "VIDIOC_SUBSCRIBE_EVENT");
	}

	uint32_t requestBuffers()
	{
		v4l2_requestbuffers request{};
		request.count = options_.buffers;
		request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		request.memory = V4L2_MEMORY_MMAP;
		control(VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
		printf("buffers count=%u flags=0x%x\n", request.count, request.flags);
		return request.count;
	}

	uint32_t createBuffers()
	{
		v4l2_create_buffers request{};
		request.count = options_.buffers;
		request.memory = V4L2_MEMORY_MMAP;
		request.format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		control(VIDIOC_G_FMT, &request.format, "VIDIOC_G_FMT");
		control(VIDIOC_CREATE_BUFS, &request, "VIDIOC_CREATE_BUFS");
		printf("buffers count=%u flags=0x%x\n", request.count, request.flags);
		return request.count;
	}

	void allocate()
	{
		const uint32_t count = options_.create ? createBuffers() : requestBuffers();
		for (uint32_t i = 0; i < count; i++)
			mappings_.push_back(options_.io == "dmabuf" ? mapExported(i)
								    : mapBuffer(i));
		memory_ = V4L2_MEMORY_MMAP;
		if (options_.io == "dmabuf") {
			/* As libcamera does: give the queue up, import what it exported. */
			v4l2_requestbuffers request{};
			request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
			request.memory = V4L2_MEMORY_MMAP;
			control(VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
			if (options_.exportHeight)
				setFormat(options_.height);
			request.count = mappings_.size();
			request.memory = V4L2_MEMORY_DMABUF;
			control(VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
			memory_ = V4L2_MEMORY_DMABUF;
		}
		for (uint32_t i = 0; i < mappings_.size(); i++)
			queue(i);
	}

	std::span<const std::byte> map(int fd, off_t offset)
	{
		void *address = mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, offset);
		if (address == MAP_FAILED)
			fail("mmap");
		return {static_cast<const std::byte *>(address), size_};
	}

	std::span<const std::byte> mapBuffer(uint32_t index)
	{
		v4l2_buffer buffer = describe(index);
		control(VIDIOC_QUERYBUF, &buffer, "VIDIOC_QUERYBUF");
		return map(fd_, buffer.m.offset);
	}

	std::span<const std::byte> mapExported(uint32_t index)
	{
		v4l2_exportbuffer exported{};
		exported.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		exported.index = index;
		exported.flags = O_RDWR | O_CLOEXEC;
		control(VIDIOC_EXPBUF, &exported, "VIDIOC_EXPBUF");
		exports_.push_back(exported.fd);
		return map(exported.fd, 0);
	}

	v4l2_buffer describe(uint32_t index) const
	{
		v4l2_buffer buffer{};
		buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		buffer.memory = memory_;
		buffer.index = index;
		if (memory_ == V4L2_MEMORY_DMABUF && index < exports_.size())
			buffer.m.fd = exports_[index];
		return buffer;
	}

	void queue(uint32_t index)
	{
		v4l2_buffer buffer = describe(index);
		control(VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
	}

	void releaseHeld()
	{
		for (uint32_t index : held_)
			queue(index);
		held_.clear();
	}

	void syncExported(uint32_t index, uint64_t edge)
	{
		if (!options_.sync)
			return;
		dma_buf_sync sync{edge | DMA_BUF_SYNC_READ};
		if (ioctl(exports_.at(index), DMA_BUF_IOCTL_SYNC, &sync) < 0)
			fail("DMA_BUF_IOCTL_SYNC");
	}

	/* Starve the engine until the frame of the wanted number is lost, then let go. */
	void waitForLoss()
	{
		while (lastLost_ < options_.untilSequence)
			awaitEvents();
		releaseHeld();
		options_.withholdAfter = 0;
	}

	short waitFor(short events)
	{
		pollfd wait{fd_, events, 0};
		int status;
		do {
			status = poll(&wait, 1, frameLimitMs);
		} while (status < 0 && errno == EINTR);
		if (status < 0)
			fail("poll");
		if (status == 0)
			throw std::runtime_error("no frame and no event within 60 s");
		return wait.revents;
	}

	void awaitEvents()
	{
		waitFor(POLLPRI);
		drainEvents();
	}

	void drainEvents()
	{
		v4l2_event event{};
		while (options_.events && ioctl(fd_, VIDIOC_DQEVENT, &event) == 0) {
			cmacam_event_lost lost;
			memcpy(&lost, event.u.data, sizeof(lost));
			printf("lost first=%u count=%u total=%u\n", lost.first, lost.count,
			       lost.total);
			lastLost_ = lost.first + lost.count - 1;
		}
	}

	v4l2_buffer dequeue()
	{
		v4l2_buffer buffer = describe(0);
		for (;;) {
			const short ready = waitFor(POLLIN | (options_.events ? POLLPRI : 0));
			if (ready & POLLPRI)
				drainEvents();
			if (ioctl(fd_, VIDIOC_DQBUF, &buffer) == 0)
				return buffer;
			if (errno != EAGAIN && errno != EINTR)
				fail("VIDIOC_DQBUF");
		}
	}

	void report(const v4l2_buffer &buffer)
	{
		const auto mapping = mappings_[buffer.index];
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
		std::vector<std::byte> frame(size_);
		for (uint32_t done = 0; done < options_.frames; done++) {
			ssize_t got;
			while ((got = ::read(fd_, frame.data(), frame.size())) < 0 &&
			       errno == EAGAIN)
				waitFor(POLLIN);
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
	int fd_;
	uint32_t size_ = 0;
	uint32_t memory_ = V4L2_MEMORY_MMAP;
	std::vector<std::span<const std::byte>> mappings_;
	std::vector<int> exports_;
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
