/* SPDX-License-Identifier: MIT */
/*
 * Pins that last. Memory that stays where it is (contig, carveout) takes them
 * (LONG_TERM=0); pages of a CMA area cannot, since they would keep the kernel
 * from using the area, and get_user_pages() on them would try for ever to move
 * them away. So there each is refused at once (LONG_TERM=EOPNOTSUPP). Memory
 * that cannot be pinned at all says EFAULT.
 */

#include <fcntl.h>

#include "../witness.h"
#include "camera.h"
#include "counters.h"
#include "pins.h"
#include "ring.h"

namespace {

int expectedError()
{
	const std::string name = setting("LONG_TERM");
	if (name == "0")
		return 0;
	EXPECT_TRUE(name == "EOPNOTSUPP" || name == "EFAULT") << name;
	return name == "EFAULT" ? EFAULT : EOPNOTSUPP;
}

bool supported()
{
	return expectedError() == 0;
}

/* A captured frame, as the node maps it and as its dma-buf does. */
class LongTerm : public testing::Test
{
protected:
	LongTerm()
	{
		camera_ = std::make_unique<Camera>();
		camera_->setSize(kHd);
		must(camera_->request(2), "buffers");
		for (Fd &exported : exports_)
			exported = camera_->exportBuffer(&exported - exports_);
		camera_->start(2);
		frame_ = camera_->dequeue();
	}

	~LongTerm() override
	{
		camera_.reset();
		for (Fd &exported : exports_)
			exported.reset();
		expectNothingHeld();
	}

	const Fd &dmabuf() const { return exports_[frame_.index]; }

	std::vector<Mapping> mappings(int protection)
	{
		const size_t size = camera_->bufferBytes(frame_.index);
		std::vector<Mapping> both;
		both.push_back(camera_->map(frame_.index, protection));
		both.emplace_back(dmabuf(), 0, size, protection);
		return both;
	}

	void expectPins(Pin (*pin)(std::span<std::byte>), int protection, int error)
	{
		for (const Mapping &mapping : mappings(protection)) {
			/* Unlike any picture of vivid's, which need not differ from its last. */
			if (protection & PROT_WRITE)
				memset(mapping.data(), 0x11, mapping.size());
			const Bytes before = copyOf(mapping.bytes());
			EXPECT_EQ(pin(mapping.bytes()).error, error);
			if (pin == pinByCapture && error == 0) {
				EXPECT_FALSE(same(mapping.bytes(), before))
					<< "vivid wrote nothing";
			} else {
				EXPECT_TRUE(same(mapping.bytes(), before));
			}
		}
	}

	std::unique_ptr<Camera> camera_;
	Fd exports_[2];
	Frame frame_{};
};

TEST_F(LongTerm, RegisteredBuffers)
{
	expectPins(pinByUring, PROT_READ | PROT_WRITE, expectedError());
}

TEST_F(LongTerm, XdpMemory)
{
	expectPins(pinByXdp, PROT_READ | PROT_WRITE, expectedError());
}

TEST_F(LongTerm, UserPointersForCapture)
{
	expectPins(pinByCapture, PROT_READ | PROT_WRITE, expectedError());
}

TEST_F(LongTerm, UserPointersForOutput)
{
	expectPins(pinByOutput, PROT_READ | PROT_WRITE, expectedError());
}

/* The one pin that a read-only mapping takes. */
TEST_F(LongTerm, UserPointersForOutputReadOnly)
{
	expectPins(pinByOutput, PROT_READ, expectedError());
}

/* io_uring asks for write access, which a read-only mapping cannot give whatever is behind it. */
TEST_F(LongTerm, RegisteredBuffersReadOnly)
{
	expectPins(pinByUring, PROT_READ, supported() ? EFAULT : expectedError());
}

/* A frame goes out of a registered buffer to a disk, and another comes in. */
TEST_F(LongTerm, FixedWriteAndRead)
{
	if (!supported())
		return;
	for (const Mapping &mapping : mappings(PROT_READ | PROT_WRITE)) {
		const auto bytes = mapping.bytes();
		const Bytes before = copyOf(bytes);
		const std::string path = setting("DISK") + "/fixed";
		const Fd file = fileWithBlocks(path, bytes.size());
		Ring ring;
		ASSERT_EQ(ring.registerBuffer(bytes), 0);
		ASSERT_EQ(ring.run(IORING_OP_WRITE_FIXED, file, bytes), int(bytes.size()));

		Bytes back(bytes.size());
		const Fd in(open(path.c_str(), O_RDONLY | O_CLOEXEC));
		ASSERT_EQ(read(in, back.data(), back.size()), ssize_t(back.size()));
		EXPECT_TRUE(same(back, before));

		memset(bytes.data(), 0x5a, bytes.size());
		ASSERT_EQ(ring.run(IORING_OP_READ_FIXED, file, bytes), int(bytes.size()));
		EXPECT_TRUE(same(bytes, before));
	}
}

/*
 * The pin outlives mapping, dma-buf, queue and file: the buffer is parked, a
 * write from it still carries the frame, and it is freed with the ring.
 */
TEST_F(LongTerm, APinnedBufferOutlivesEverything)
{
	if (!supported())
		return;
	const std::string path = setting("DISK") + "/parked";
	const size_t size = camera_->bufferBytes(frame_.index);
	const Fd file = fileWithBlocks(path, size);
	Ring ring;
	Bytes before;
	std::span<std::byte> address;
	{
		const Mapping mapping(dmabuf(), 0, size);
		address = mapping.bytes();
		before = copyOf(address);
		ASSERT_EQ(ring.registerBuffer(address), 0);
	}
	camera_.reset();
	for (Fd &exported : exports_)
		exported.reset();
	EXPECT_EQ(parked().bytes, wholePages(size));
	EXPECT_EQ(parked().buffers, 1u);

	{
		Camera next;
		next.setSize(kHd);
		ASSERT_TRUE(next.request(4));
		for (unsigned int i = 0; i < 4; i++)
			memset(next.map(i).data(), 0xaa, size);
	}
	ASSERT_EQ(ring.run(IORING_OP_WRITE_FIXED, file, address), int(size));
	Bytes back(size);
	const Fd in(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	ASSERT_EQ(read(in, back.data(), back.size()), ssize_t(back.size()));
	EXPECT_TRUE(same(back, before));
	EXPECT_EQ(parked().bytes, wholePages(size));
}

class PinnedFrames : public LongTerm
{
};

/*
 * A program can use pinned pages without a mapping. Nothing tells when it looks
 * at them, so each frame must be valid when it is dequeued.
 */
TEST_F(PinnedFrames, AreValidWithoutAMapping)
{
	constexpr unsigned int kLooks = 3;
	const std::string path = setting("DISK") + "/pinned";
	const unsigned int pinned = frame_.index;
	const size_t size = camera_->bufferBytes(pinned);
	const Fd file = fileWithBlocks(path, size);
	Ring ring;
	std::span<std::byte> address;
	{
		const Mapping mapping = camera_->map(pinned);
		address = mapping.bytes();
		ASSERT_EQ(ring.registerBuffer(address), 0);
	}

	Frame frame = frame_;
	for (unsigned int looks = 0; looks < kLooks;) {
		camera_->requeue(frame.index);
		frame = camera_->dequeue();
		if (frame.index != pinned)
			continue;
		looks++;
		ASSERT_EQ(ring.run(IORING_OP_WRITE_FIXED, file, address), int(size));
		Bytes back(size);
		const Fd in(open(path.c_str(), O_RDONLY | O_CLOEXEC));
		ASSERT_EQ(read(in, back.data(), size), ssize_t(size));
		back.resize(frame.bytes);
		EXPECT_EQ(witness::sha256(back), boardsAccount(back).digest)
			<< "frame " << frame.sequence;
	}
}

} /* namespace */
