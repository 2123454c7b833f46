/* SPDX-License-Identifier: MIT */
/*
 * What it takes to look at frames: captures some with one kind of buffers and
 * one kind of reader, and prints what it could count, in key=value lines.
 *
 * The figures are of a steady state. Every buffer that will be used goes round
 * once first; then each frame that is counted is one QBUF, one DQBUF and one
 * look.
 */

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <linux/cmacam.h>
#include <linux/vb2-cma.h>
#include <map>
#include <span>
#include <sys/resource.h>

#include "cmacam-regs.h"
#include "frames.h"
#include "support/dma_buf.h"
#include "support/v4l2_queue.h"

namespace {

using namespace support;
using bench::sumOf;

enum class Source {
	Queue,	/* the queue's own buffers, mapped from the video node */
	Export, /* the queue's own, exported, given up and imported: libcamera's way */
	Heap,	/* imported from a dma-heap */
};

enum class Reader { None, Tenth, Once, Twice };

struct Options
{
	std::string device = "/dev/video0";
	uint32_t width = 640;
	uint32_t height = 480;
	uint32_t frames = 8;
	uint32_t buffers = 4;
	Source source = Source::Export;
	std::string heap;
	Reader reader = Reader::Once;
	bool check = false;
	std::string marker;
};

/* Lines of full width, of one plane. */
struct Rectangle
{
	size_t offset;
	uint32_t stride;
	uint32_t lines;

	size_t size() const { return static_cast<size_t>(stride) * lines; }
};

/* What a reader of NV12 looks at: all, or the middle tenth of the lines of both planes. */
std::vector<Rectangle> region(const v4l2_pix_format &format, Reader reader)
{
	if (reader == Reader::None)
		return {};
	if (reader != Reader::Tenth)
		return {{0, format.bytesperline, format.height / 2 * 3}};
	const uint32_t lines = format.height / 20 * 2;
	const uint32_t first = (format.height - lines) / 4 * 2;
	const size_t chroma = static_cast<size_t>(format.bytesperline) * format.height;
	return {{static_cast<size_t>(first) * format.bytesperline, format.bytesperline, lines},
		{chroma + static_cast<size_t>(first / 2) * format.bytesperline, format.bytesperline,
		 lines / 2}};
}

/* Begins and ends CPU access to a part of a dma-buf where it can be had, else to all of it. */
class Sync
{
public:
	explicit Sync(bool parts)
	{
		/* Other allocators have no such node. */
		const int fd = parts ? ::open(path, O_RDWR | O_CLOEXEC) : -1;
		if (fd >= 0)
			device_ = Fd(fd);
	}

	void begin(int dmaBuf, std::span<const Rectangle> parts) { edge(dmaBuf, parts, true); }
	void end(int dmaBuf, std::span<const Rectangle> parts) { edge(dmaBuf, parts, false); }
	const char *kind() const { return kind_; }

private:
	static constexpr const char *path = "/dev/vb2-cma";

	void edge(int dmaBuf, std::span<const Rectangle> parts, bool start)
	{
		/* A buffer of the queue's own: videobuf2 synchronises. */
		if (dmaBuf < 0 || parts.empty())
			return;
		const uint32_t flags =
			(start ? DMA_BUF_SYNC_START : DMA_BUF_SYNC_END) | DMA_BUF_SYNC_READ;
		if (device_.isValid() && edgeOfParts(dmaBuf, parts, flags))
			return;
		support::sync(dmaBuf, flags);
		kind_ = "whole";
	}

	/* Whether the exporter can do it; it is asked once. */
	bool edgeOfParts(int dmaBuf, std::span<const Rectangle> parts, uint32_t flags)
	{
		if (refused_)
			return false;
		for (const Rectangle &part : parts) {
			vb2_cma_sync sync{};
			sync.fd = dmaBuf;
			sync.flags = flags;
			sync.offset = part.offset;
			sync.stride = sync.line_bytes = part.stride;
			sync.lines = part.lines;
			const int error = tryControl(device_, VB2_CMA_IOC_SYNC, &sync);
			if (error == EOPNOTSUPP) {
				refused_ = true;
				return false;
			}
			if (error)
				fail("VB2_CMA_IOC_SYNC");
		}
		kind_ = "part";
		return true;
	}

	Fd device_;
	bool refused_ = false;
	const char *kind_ = "none";
};

uint64_t nanoseconds(clockid_t clock)
{
	timespec now;
	clock_gettime(clock, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

uint64_t pageFaults()
{
	rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/*
 * What happened between two looks. The process's CPU clock is the sum of
 * se.sum_exec_runtime (schedstat) over all threads, brought up to date when it
 * is read, which the files in /proc are not.
 */
struct Meter
{
	uint64_t wall = nanoseconds(CLOCK_MONOTONIC);
	uint64_t cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t faults = pageFaults();

	void print(const char *what) const
	{
		printf("%s_ns=%" PRIu64 " %s_cpu_ns=%" PRIu64 " %s_faults=%" PRIu64 "\n", what,
		       nanoseconds(CLOCK_MONOTONIC) - wall, what,
		       nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, what, pageFaults() - faults);
	}
};

class Bench
{
public:
	explicit Bench(const Options &options)
		: options_(options), queue_(options.device), sync_(options.reader == Reader::Tenth)
	{
		region_ = region(
			queue_.setExactFormat(V4L2_PIX_FMT_NV12, options.width, options.height),
			options.reader);
		if (!options.marker.empty())
			marker_ = Fd::open(options.marker, O_WRONLY);
	}

	void run()
	{
		prepare();
		queue_.start();
		round(std::min(options_.frames, queue_.count()));
		/* What the round found does not count: a fresh buffer is nobody's frame. */
		lines_ = staleLines_ = 0;
		mark("begin");
		const Meter meter;
		round(options_.frames);
		meter.print("stream");
		mark("end");
		queue_.stop();
		printf("frames=%u frame_bytes=%u buffers=%u sync=%s sum=%" PRIu64 "\n",
		       options_.frames, queue_.format().sizeimage, queue_.count(), sync_.kind(),
		       sum_);
		if (options_.check)
			printf("lines=%zu stale_lines=%zu\n", lines_, staleLines_);
	}

private:
	void prepare()
	{
		const Meter allocate;
		std::vector<Fd> imported = allocateBuffers();
		allocate.print("allocate");
		adopt(std::move(imported));
		if (options_.reader == Reader::None)
			return;

		const Meter map;
		for (uint32_t i = 0; i < queue_.count(); i++)
			mappings_.push_back(queue_.map(i));
		map.print("map");
		const Meter touch;
		const size_t page = sysconf(_SC_PAGESIZE);
		for (const Mapping &mapping : mappings_)
			for (size_t i = 0; i < mapping.bytes().size(); i += page)
				sum_ += std::to_integer<uint64_t>(mapping.bytes()[i]);
		touch.print("touch");
	}

	/* Gets the buffers; of a heap's it returns the dma-bufs. With fewer than wanted it throws.
	 */
	std::vector<Fd> allocateBuffers()
	{
		std::vector<Fd> dmaBufs;
		if (options_.source != Source::Heap) {
			queue_.requestAll(options_.buffers);
			return dmaBufs;
		}
		const Fd heap = Fd::open(options_.heap, O_RDWR);
		for (uint32_t i = 0; i < options_.buffers; i++)
			dmaBufs.push_back(allocateFromHeap(heap, queue_.format().sizeimage));
		return dmaBufs;
	}

	/* Where they are to be imported, the queue takes them from then on. */
	void adopt(std::vector<Fd> dmaBufs)
	{
		if (options_.source == Source::Queue)
			return;
		if (options_.source == Source::Export) {
			for (uint32_t i = 0; i < queue_.count(); i++)
				dmaBufs.push_back(queue_.exportBuffer(i));
			queue_.request(0);
		}
		queue_.import(std::move(dmaBufs));
	}

	/* Capture that many frames, with no buffer queued before and none after. */
	void round(uint32_t frames)
	{
		uint32_t queued = 0;
		for (; queued < std::min(frames, queue_.count()); queued++)
			queue_.queue(queued);
		for (uint32_t done = 0; done < frames; done++) {
			const v4l2_buffer buffer = queue_.dequeue();
			look(buffer);
			if (queued < frames) {
				queue_.queue(buffer.index);
				queued++;
			}
		}
	}

	/* Twice is two stages that know nothing of each other: each synchronises for itself. */
	void look(const v4l2_buffer &buffer)
	{
		const int stages = options_.reader == Reader::Twice ? 2 : 1;
		for (int stage = 0; stage < stages && !region_.empty(); stage++) {
			sync_.begin(queue_.dmaBuf(buffer.index), region_);
			for (const Rectangle &part : region_)
				read(mappings_[buffer.index].bytes(), part, buffer.sequence);
			sync_.end(queue_.dmaBuf(buffer.index), region_);
		}
	}

	void read(std::span<const std::byte> frame, const Rectangle &part, uint32_t sequence)
	{
		if (options_.check)
			return countLines(frame, part, sequence);
		sum_ += sumOf(frame.subspan(part.offset, part.size()));
	}

	/* A part may begin in the middle of a line: what counts are the stamps in it. */
	void countLines(std::span<const std::byte> frame, const Rectangle &part, uint32_t sequence)
	{
		const size_t end = part.offset + part.size();
		const size_t first = CMACAM_MARK_LINE + CMACAM_MARK_LINE_SEQUENCE -
				     part.offset % CMACAM_MARK_LINE;
		uint32_t stamp;

		for (size_t i = part.offset + first % CMACAM_MARK_LINE; i + sizeof(stamp) <= end;
		     i += CMACAM_MARK_LINE) {
			memcpy(&stamp, &frame[i], sizeof(stamp));
			lines_++;
			staleLines_ += stamp != sequence;
		}
	}

	void mark(const std::string &what) const
	{
		const std::string text = "memory_reader " + what;
		if (marker_.isValid() && write(marker_, text.data(), text.size()) < 0)
			fail(options_.marker);
	}

	const Options &options_;
	V4l2Queue queue_;
	Sync sync_;
	std::vector<Rectangle> region_;
	Fd marker_;
	std::vector<Mapping> mappings_;
	uint64_t sum_ = 0;
	size_t lines_ = 0;
	size_t staleLines_ = 0;
};

int parseAndRun(int argc, char **argv)
{
	const std::map<std::string, Source> sources{
		{"queue", Source::Queue}, {"export", Source::Export}, {"heap", Source::Heap}};
	const std::map<std::string, Reader> readers{{"none", Reader::None},
						    {"tenth", Reader::Tenth},
						    {"once", Reader::Once},
						    {"twice", Reader::Twice}};
	Options options;
	CLI::App app{"Capture NV12 frames, read their pixels, and measure the costs"};
	app.add_option("--device", options.device, "video node");
	app.add_option("--width", options.width, "width of a frame, pixels");
	app.add_option("--height", options.height, "height of a frame, lines");
	app.add_option("--frames", options.frames,
		       "number of frames to measure, after one round of all buffers");
	app.add_option("--buffers", options.buffers, "number of buffers");
	app.add_option("--source", options.source,
		       "memory of the buffers: queue, export (and import again) or heap")
		->transform(CLI::Transformer(sources));
	app.add_option("--heap", options.heap,
		       "dma-heap that allocates the buffers of --source heap");
	app.add_option("--reader", options.reader,
		       "how much of each frame is read: none, tenth, once or twice")
		->transform(CLI::Transformer(readers));
	app.add_flag("--check", options.check,
		     "count the 64-byte lines that do not have the frame's number (the board "
		     "needs --mark lines)");
	app.add_option("--marker", options.marker,
		       "path of the trace_marker that gets a line at the start and at the end of "
		       "counting");
	CLI11_PARSE(app, argc, argv);

	Bench(options).run();
	return EXIT_SUCCESS;
}

} /* namespace */

int main(int argc, char **argv)
{
	try {
		return parseAndRun(argc, argv);
	} catch (const std::exception &error) {
		fflush(stdout);
		fprintf(stderr, "memory_reader: %s\n", error.what());
		return EXIT_FAILURE;
	}
}
