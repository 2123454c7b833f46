/* SPDX-License-Identifier: MIT */
/* Large buffers, many rounds of them, and what is said when there is no room. */

#include <regex>

#include "../witness.h"
#include "camera.h"
#include "counters.h"
#include "in_flight.h"

namespace {

size_t area()
{
	return std::stoull(setting("AREA"));
}

class Sizes : public testing::Test
{
protected:
	~Sizes() override { expectNothingHeld(); }
};

/* Page by page, what the process sees is what the board wrote to. */
TEST_F(Sizes, FourBuffersOf8KAreContiguous)
{
	constexpr unsigned int buffers = 4;
	Camera camera;
	ASSERT_EQ(camera.setSize(k8K), size_t{7680} * 4320 * 3 / 2);
	ASSERT_TRUE(camera.request(buffers)) << camera.lastError();
	std::vector<uint64_t> starts;
	for (unsigned int i = 0; i < buffers; i++) {
		const Mapping mapping = camera.map(i);
		/* All of it is needed for mmap=fault, which maps what was touched. */
		EXPECT_TRUE(allAre(mapping.bytes(), std::byte{0}));
		const auto frames = witness::pageFrames(mapping.bytes());
		for (size_t page = 0; page < frames.size(); page++)
			ASSERT_EQ(frames[page], frames[0] + page) << "buffer " << i;
		starts.push_back(frames[0] * kPage);
	}
	camera.start(buffers);
	for (unsigned int i = 0; i < buffers; i++) {
		const Frame frame = camera.dequeue();
		const Mapping mapping = camera.map(frame.index);
		const auto pixels = mapping.bytes().first(frame.bytes);
		const Written written = boardsAccount(pixels);
		EXPECT_EQ(written.address, starts[frame.index]);
		EXPECT_EQ(witness::sha256(pixels), written.digest);
	}
}

TEST_F(Sizes, NothingIsLostInRounds)
{
	const int rounds = std::stoi(setting("ROUNDS"));
	/* Mostly small: what is counted does not depend on it, and clearing takes its time. */
	constexpr Size sizes[] = {k4K, kVga, kHd, kVga, kHd, kVga, kHd, kVga};
	for (int round = 0; round < rounds && !HasFailure(); round++) {
		SCOPED_TRACE("round " + std::to_string(round));
		Camera camera;
		camera.setSize(sizes[round % std::size(sizes)]);
		ASSERT_TRUE(camera.request(4)) << camera.lastError();
		EXPECT_EQ(liveBuffers().size(), 4u);
		/* Every third is still exported when its queue is given up. */
		const Fd exported = camera.exportBuffer(round % 4);
		camera.releaseBuffers();
		EXPECT_EQ(liveBuffers().size(), 1u);
	}
	expectNothingHeld();

	/*
	 * In pieces, for an area is not one gap only because it is free. The
	 * kernel aligns a piece to 256 pages, which can have 16 KiB each.
	 */
	constexpr int pieces = 16;
	Camera camera;
	camera.setSize(kVga);
	for (int i = 0; i < pieces - 1; i++)
		ASSERT_TRUE(camera.create(area() / pieces)) << i << ": " << camera.lastError();
}

TEST_F(Sizes, ASingleBufferOf90Percent)
{
	Camera camera;
	camera.setSize(kVga);
	ASSERT_TRUE(camera.create(area() / 10 * 9)) << camera.lastError();
}

uint64_t numberBefore(const std::string &text, const std::string &words)
{
	std::smatch match;
	EXPECT_TRUE(std::regex_search(text, match, std::regex("(\\d+) " + words))) << text;
	return match.empty() ? 0 : std::stoull(match[1]);
}

/* Too much is asked for while a pipe holds a frame: one sentence with the right numbers. */
TEST_F(Sizes, ARefusalNamesWhatIsParked)
{
	auto camera = std::make_unique<Camera>();
	const size_t size = camera->setSize(k4K);
	const size_t each = wholePages(size);
	ASSERT_TRUE(camera->request(2));
	auto flight =
		std::make_unique<InFlight>(InFlight::inPipe(camera->map(0).bytes().first(kPage)));
	camera->releaseBuffers();
	ASSERT_EQ(parked().bytes, each);

	/* More than any area, and than all RAM. */
	constexpr uint64_t needed = 3ULL << 30;
	ASSERT_FALSE(camera->create(needed));
	const std::string text = camera->lastError();
	printf("%s\n", text.c_str());
	EXPECT_EQ(numberBefore(text, "bytes of contiguous memory needed"), needed);
	EXPECT_EQ(numberBefore(text, "parked"), each);
	EXPECT_EQ(text.find('\n'), text.npos);

	/* What is parked counts against the area, and comes back. */
	flight.reset();
	expectNothingHeld();
	EXPECT_TRUE(camera->request(2)) << camera->lastError();
	EXPECT_EQ(camera->lastError(), "") << "the failure is over";
}

} /* namespace */
