/* SPDX-License-Identifier: MIT */
/*
 * What the kernel lets an application do with the pages of a frame. Runs
 * inside the machine, one case at a time (test_memory.py).
 */

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <linux/videodev2.h>
#include <memory>
#include <span>
#include <string>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

constexpr unsigned int kBuffers = 3;
constexpr size_t kPage = 4096;
constexpr size_t kSpliced = 64 * kPage;

class Fd
{
public:
	explicit Fd(int fd) : fd_(fd) {}
	Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	Fd &operator=(Fd &&) = delete;
	~Fd()
	{
		if (fd_ >= 0)
			close(fd_);
	}
	operator int() const { return fd_; }

private:
	int fd_;
};

class Mapping
{
public:
	Mapping(int fd, off_t offset, size_t size, int protection)
		: address_(mmap(nullptr, size, protection, MAP_SHARED, fd, offset)), size_(size)
	{
		EXPECT_NE(address_, MAP_FAILED) << strerror(errno);
	}
	Mapping(Mapping &&other) noexcept
		: address_(std::exchange(other.address_, MAP_FAILED)), size_(other.size_)
	{
	}
	Mapping &operator=(Mapping &&) = delete;
	~Mapping()
	{
		if (address_ != MAP_FAILED)
			munmap(address_, size_);
	}
	std::byte *data() const { return static_cast<std::byte *>(address_); }
	/* Whole pages, which is what direct I/O takes. */
	std::span<std::byte> pages() const { return {data(), size_ / kPage * kPage}; }

private:
	void *address_;
	size_t size_;
};

/* A queue of mapped buffers, streaming until the end of the test. */
class Memory : public testing::Test
{
protected:
	Memory() : node_(open(getenv("VIDEO_NODE"), O_RDWR | O_CLOEXEC)) {}

	void SetUp() override
	{
		ASSERT_GE(node_, 0) << strerror(errno);
		start(V4L2_PIX_FMT_NV12);
	}

	void TearDown() override { stop(); }

	void start(uint32_t pixels)
	{
		v4l2_format format{};
		format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		format.fmt.pix.width = 1280;
		format.fmt.pix.height = 720;
		format.fmt.pix.pixelformat = pixels;
		control(VIDIOC_S_FMT, &format);
		size_ = format.fmt.pix.sizeimage;
		request(kBuffers);
		for (unsigned int i = 0; i < kBuffers; i++) {
			v4l2_buffer buffer = describe(i);
			control(VIDIOC_QUERYBUF, &buffer);
			maps_.emplace_back(node_, buffer.m.offset, size_, PROT_READ | PROT_WRITE);
			control(VIDIOC_QBUF, &buffer);
		}
		int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		control(VIDIOC_STREAMON, &type);
	}

	void stop()
	{
		int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		control(VIDIOC_STREAMOFF, &type);
		maps_.clear();
		request(0);
	}

	/* Index of the next finished buffer. */
	unsigned int frame()
	{
		v4l2_buffer buffer = describe(0);
		control(VIDIOC_DQBUF, &buffer);
		return buffer.index;
	}

	Fd exportBuffer(unsigned int index)
	{
		v4l2_exportbuffer exported{};
		exported.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		exported.index = index;
		exported.flags = O_RDWR | O_CLOEXEC;
		control(VIDIOC_EXPBUF, &exported);
		return Fd(exported.fd);
	}

	void control(unsigned long request, void *argument)
	{
		ASSERT_EQ(ioctl(node_, request, argument), 0) << request << ": " << strerror(errno);
	}

	void request(unsigned int count)
	{
		v4l2_requestbuffers request{};
		request.count = count;
		request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		request.memory = V4L2_MEMORY_MMAP;
		control(VIDIOC_REQBUFS, &request);
		ASSERT_EQ(request.count, count);
	}

	static v4l2_buffer describe(unsigned int index)
	{
		v4l2_buffer buffer{};
		buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
		buffer.memory = V4L2_MEMORY_MMAP;
		buffer.index = index;
		return buffer;
	}

	Fd node_;
	size_t size_ = 0;
	std::vector<Mapping> maps_;
};

std::vector<std::byte> copyOf(std::span<const std::byte> bytes)
{
	return {bytes.begin(), bytes.end()};
}

/* Registering io_uring buffers takes a long-term pin: 0, or the errno. */
int longTermPin(std::span<std::byte> bytes)
{
	io_uring_params parameters{};
	Fd ring(static_cast<int>(syscall(SYS_io_uring_setup, 4, &parameters)));
	EXPECT_GE(ring, 0) << strerror(errno);
	iovec vector{bytes.data(), bytes.size()};
	return syscall(SYS_io_uring_register, static_cast<int>(ring), IORING_REGISTER_BUFFERS,
		       &vector, 1)
		       ? errno
		       : 0;
}

TEST_F(Memory, DirectIo)
{
	const auto bytes = maps_[frame()].pages();
	const std::string path = std::string(getenv("DISK")) + "/frame";
	Fd out(open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_DIRECT | O_CLOEXEC, 0600));
	ASSERT_GE(out, 0) << strerror(errno);
	ASSERT_EQ(write(out, bytes.data(), bytes.size()), ssize_t(bytes.size())) << strerror(errno);

	Fd in(open(path.c_str(), O_RDONLY | O_CLOEXEC));
	std::vector<std::byte> back(bytes.size());
	ASSERT_EQ(read(in, back.data(), back.size()), ssize_t(back.size()));
	EXPECT_EQ(memcmp(back.data(), bytes.data(), back.size()), 0);
}

TEST_F(Memory, ReadByProcessVm)
{
	const auto bytes = maps_[frame()].pages();
	std::vector<std::byte> back(bytes.size());
	iovec local{back.data(), back.size()};
	iovec remote{bytes.data(), bytes.size()};
	ASSERT_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), ssize_t(bytes.size()))
		<< strerror(errno);
	EXPECT_EQ(memcmp(back.data(), bytes.data(), back.size()), 0);
}

TEST_F(Memory, LongTermPinFailsAtOnce)
{
	const unsigned int index = frame();
	const Fd exported = exportBuffer(index);
	const Mapping writable(exported, 0, size_, PROT_READ | PROT_WRITE);
	const Mapping readOnly(exported, 0, size_, PROT_READ);

	EXPECT_EQ(longTermPin(maps_[index].pages()), EOPNOTSUPP);
	EXPECT_EQ(longTermPin(writable.pages()), EOPNOTSUPP);
	EXPECT_EQ(longTermPin(readOnly.pages()), EOPNOTSUPP);
}

TEST_F(Memory, DmaBufOutlivesItsQueue)
{
	const unsigned int index = frame();
	const Fd exported = exportBuffer(index);
	const Mapping mapping(exported, 0, size_, PROT_READ);
	const auto before = copyOf(mapping.pages());

	stop();
	start(V4L2_PIX_FMT_GREY);
	for (unsigned int i = 0; i < kBuffers; i++)
		frame();
	EXPECT_EQ(memcmp(mapping.data(), before.data(), before.size()), 0);
}

TEST_F(Memory, PagesInAPipeOutliveTheirBuffer)
{
	std::array<int, 2> ends;
	ASSERT_EQ(pipe(ends.data()), 0);
	const Fd out(ends[0]);
	const Fd in(ends[1]);
	ASSERT_GE(fcntl(in, F_SETPIPE_SZ, 1 << 20), 0);

	const auto bytes = maps_[frame()].pages().first(kSpliced);
	const auto before = copyOf(bytes);
	iovec vector{bytes.data(), bytes.size()};
	ASSERT_EQ(vmsplice(in, &vector, 1, 0), ssize_t(kSpliced)) << strerror(errno);

	/* Freed under the pipe, the pages would now be filled with other frames. */
	stop();
	start(V4L2_PIX_FMT_GREY);
	for (const Mapping &mapping : maps_)
		memset(mapping.data(), 0xaa, size_);
	for (unsigned int i = 0; i < kBuffers; i++)
		frame();

	std::vector<std::byte> back(kSpliced);
	for (size_t have = 0; have < kSpliced;) {
		const ssize_t got = read(out, back.data() + have, kSpliced - have);
		ASSERT_GT(got, 0) << strerror(errno);
		have += got;
	}
	EXPECT_EQ(memcmp(back.data(), before.data(), kSpliced), 0);
}

} /* namespace */
