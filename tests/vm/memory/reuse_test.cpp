/* SPDX-License-Identifier: MIT */
/*
 * Memory changes hands only when nobody uses it any more, and then without
 * what was in it: pages on their way through the kernel keep their frame
 * whatever becomes of the buffer, and a fresh buffer is black.
 */

#include <fcntl.h>
#include <iterator>
#include <set>
#include <sys/syscall.h>

#include "../witness.h"
#include "camera.h"
#include "counters.h"
#include "in_flight.h"

namespace {

constexpr unsigned int kSeconds = 10;
constexpr unsigned int kMostBuffers = 32;
/* Of a frame each: most of an area, whatever gaps alignment and a parked buffer leave. */
constexpr unsigned int kCovering = 24;
constexpr size_t kSmallest = 1 << 20;

/* A system call's 0, or its error. */
int unload(const char *module)
{
	return syscall(SYS_delete_module, module, O_NONBLOCK) ? errno : 0;
}

/* udev may still look at a node that has just appeared, which holds the driver. */
void unloadDriver()
{
	int error = 0;
	EXPECT_TRUE(within(kSeconds, [&] {
		error = unload("cmacam");
		return error != EWOULDBLOCK;
	})) << "cmacam is in use";
	EXPECT_EQ(error, 0) << strerror(error);
}

void load(const std::string &module, const std::string &parameters)
{
	const Fd file(open((setting("MODULES") + "/" + module).c_str(), O_RDONLY | O_CLOEXEC));
	EXPECT_EQ(syscall(SYS_finit_module, static_cast<int>(file), parameters.c_str(), 0), 0)
		<< module << ": " << because();
	if (module == "cmacam.ko") {
		EXPECT_EQ(access(setting("VIDEO_NODE").c_str(), R_OK), 0) << because();
	}
}

/*
 * Buffers of every size until no more can be had, or as much as the areas of
 * the others have where all RAM is to be had (contig): how many.
 */
unsigned int takeAll(Camera &camera)
{
	const size_t most = std::stoull(setting("AREA"));
	unsigned int count = 0;
	for (size_t size = most / 16, sum = 0;
	     size >= kSmallest && count < kMostBuffers && sum < most;) {
		const size_t next = std::min(size, most - sum);
		if (camera.create(next)) {
			sum += next;
			count++;
		} else {
			size /= 2;
		}
	}
	return count;
}

void fillAll(Camera &camera, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const Mapping mapping = camera.map(i);
		memset(mapping.data(), 0xaa, mapping.size());
	}
}

class Reuse : public testing::Test
{
protected:
	~Reuse() override { expectNothingHeld(); }
};

/*
 * A frame is on its way, in a pipe or in a socket, and all that led there is
 * closed. The consumer's module goes; vb2-cma, whose memory is in use, refuses
 * to (EWOULDBLOCK, "module is in use"). All memory there is is taken and
 * overwritten. What arrives is the frame. Then the buffer is freed, and
 * vb2-cma goes too.
 */
TEST_F(Reuse, PagesInFlightKeepTheirFrame)
{
	const int rounds = std::stoi(setting("ROUNDS"));
	for (int round = 0; round < rounds && !HasFailure(); round++) {
		SCOPED_TRACE("round " + std::to_string(round));
		auto camera = std::make_unique<Camera>();
		const size_t size = camera->setSize(kHd);
		ASSERT_TRUE(camera->request(2));
		camera->start(2);
		const Frame frame = camera->dequeue();
		Mapping mapping = camera->map(frame.index);
		const auto bytes = mapping.bytes().first(frame.bytes);
		const std::string digest = boardsAccount(bytes).digest;
		auto flight = std::make_unique<InFlight>(round % 2 ? InFlight::inSocket(bytes)
								   : InFlight::inPipe(bytes));

		mapping = Mapping();
		camera.reset();
		EXPECT_EQ(parked().buffers, 1u);
		EXPECT_EQ(parked().bytes, wholePages(size));
		EXPECT_EQ(unload("vb2_cma"), EWOULDBLOCK);
		unloadDriver();
		EXPECT_EQ(unload("vb2_cma"), EWOULDBLOCK);

		load("cmacam.ko", "");
		{
			Camera next;
			next.setSize(kVga);
			const unsigned int count = takeAll(next);
			EXPECT_GT(count, 1u);
			fillAll(next, count);
		}
		EXPECT_EQ(witness::sha256(flight->arrive(frame.bytes)), digest);
		flight.reset();
		expectNothingHeld();

		unloadDriver();
		EXPECT_TRUE(within(kSeconds, [] { return unload("vb2_cma") == 0; }));
		load("vb2-cma.ko", setting("PARAMETERS"));
		load("cmacam.ko", "");
	}
}

using Pages = std::set<uint64_t>;

Pages pagesOf(const Mapping &mapping)
{
	const auto frames = witness::pageFrames(mapping.bytes());
	return {frames.begin(), frames.end()};
}

/* Capture into a few buffers, and end with one frame in the pipe, where there is one. */
void capture(const std::string &notes, int pipe)
{
	constexpr unsigned int buffers = 4;
	Camera camera;
	camera.setSize(kHd);
	ASSERT_TRUE(camera.request(buffers));
	camera.start(buffers);
	for (unsigned int i = 0; i < buffers; i++)
		camera.dequeue();

	std::ofstream pages(notes);
	for (unsigned int i = 0; i < buffers; i++) {
		const Mapping mapping = camera.map(i);
		EXPECT_FALSE(allAre(mapping.bytes(), std::byte{0})) << "nothing captured";
		if (i == 0 && pipe >= 0)
			spliceInto(pipe, mapping.bytes());
		for (uint64_t page : pagesOf(mapping))
			pages << page << '\n';
	}
}

/* Look at as many buffers as there can be, before any frame is captured. */
void expectBlack(const Pages &old)
{
	Camera camera;
	camera.setSize(kHd);
	must(camera.request(kCovering), "buffers");
	size_t met = 0;
	for (unsigned int i = 0; i < kCovering; i++) {
		const Mapping mapping = camera.map(i);
		const std::span<std::byte> all(mapping.data(), wholePages(mapping.size()));
		EXPECT_TRUE(allAre(all, std::byte{0})) << "buffer " << i;
		for (uint64_t page : pagesOf(mapping))
			met += old.contains(page);
	}
	printf("%zu of %zu pages met again\n", met, old.size());
	EXPECT_GT(met, 0u) << "no page of the other process came back, so nothing was seen";
}

Pages readPages(const std::string &notes)
{
	std::ifstream file(notes);
	return {std::istream_iterator<uint64_t>(file), {}};
}

TEST_F(Reuse, FreshBuffersAreBlack)
{
	const std::string notes = setting("DISK") + "/pages";
	EXPECT_EQ(inChild([&] {
			  capture(notes, -1);
			  return 0;
		  }),
		  0);
	expectNothingHeld();
	expectBlack(readPages(notes));
}

/* The first time without the parked buffer, then with the very pages that were parked. */
TEST_F(Reuse, BuffersThatWereParkedAreBlack)
{
	const std::string notes = setting("DISK") + "/pages";
	int ends[2];
	ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
	Fd out(ends[0]);
	Fd in(ends[1]);
	EXPECT_EQ(inChild([&] {
			  capture(notes, in);
			  return 0;
		  }),
		  0);
	EXPECT_EQ(parked().buffers, 1u);
	expectBlack(readPages(notes));

	EXPECT_EQ(parked().buffers, 1u);
	in.reset();
	out.reset();
	expectNothingHeld();
	expectBlack(readPages(notes));
}

} /* namespace */
