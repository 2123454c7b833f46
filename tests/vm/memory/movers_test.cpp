/* SPDX-License-Identifier: MIT */
/*
 * Every system call that takes a frame's pages as they are, without a copy by
 * the CPU: a whole frame goes through it, and what arrives at the far end is
 * the frame whose digest the board wrote into its log. Memory that cannot be
 * pinned (PINS=EFAULT) must make all of them fail, or they would not prove it.
 */

#include <fcntl.h>
#include <future>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "../witness.h"
#include "camera.h"
#include "ring.h"

namespace {

using Span = std::span<std::byte>;

/* What became of a frame: the error, or what arrived. */
struct Arrival
{
	int error;
	Bytes bytes;
};

Arrival failed(int error)
{
	return {error, {}};
}

/* Direct I/O needs a real file system; tmpfs would take it for granted. */
std::string diskPath()
{
	return setting("DISK") + "/frame";
}

Fd diskFile(int flags)
{
	return Fd(open(diskPath().c_str(), O_CREAT | O_RDWR | O_CLOEXEC | flags, 0600));
}

/* All that comes until the end; hardly more than `expected`. */
Bytes drain(int fd, size_t expected)
{
	Bytes bytes(expected + 1);
	size_t have = 0;
	for (ssize_t got = 1; got > 0 && have < bytes.size(); have += std::max(got, ssize_t{0})) {
		got = read(fd, bytes.data() + have, bytes.size() - have);
		EXPECT_GE(got, 0) << because();
	}
	bytes.resize(have);
	return bytes;
}

Arrival fromDisk(ssize_t written, size_t size)
{
	if (written < 0)
		return failed(-written);
	EXPECT_EQ(size_t(written), size);
	return {0, drain(diskFile(0), size)};
}

Arrival byWrite(Span frame)
{
	const Fd out = diskFile(O_DIRECT | O_TRUNC);
	const ssize_t got = write(out, frame.data(), frame.size());
	return fromDisk(got < 0 ? -errno : got, frame.size());
}

Arrival byPwrite(Span frame)
{
	const Fd out = diskFile(O_DIRECT | O_TRUNC);
	const ssize_t got = pwrite(out, frame.data(), frame.size(), 0);
	return fromDisk(got < 0 ? -errno : got, frame.size());
}

Arrival byUringWrite(Span frame)
{
	Ring ring;
	const Fd out = fileWithBlocks(diskPath(), frame.size());
	return fromDisk(ring.run(IORING_OP_WRITE, out, frame), frame.size());
}

Arrival byPipe(Span frame)
{
	int ends[2];
	EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0) << because();
	const Fd out(ends[0]);
	Fd in(ends[1]);
	EXPECT_GE(fcntl(in, F_SETPIPE_SZ, wholePages(frame.size())), 0) << because();
	iovec vector{frame.data(), frame.size()};
	const ssize_t got = vmsplice(in, &vector, 1, 0);
	if (got < 0)
		return failed(errno);
	EXPECT_EQ(size_t(got), frame.size());
	in.reset();
	return {0, drain(out, frame.size())};
}

/*
 * One notification may stand for several calls. On the loopback device the
 * kernel takes the pages for the way out and copies them on the way in, where
 * it says so; COPIED is what msg_zerocopy.rst documents for it.
 */
void reapNotifications(int socket, uint32_t calls)
{
	for (uint32_t reaped = 0; reaped < calls;) {
		pollfd wait{socket, 0, 0};
		ASSERT_EQ(poll(&wait, 1, 10'000 * slower()), 1)
			<< reaped << " of " << calls << " notifications";
		alignas(cmsghdr) std::array<char, 256> control;
		msghdr message{};
		message.msg_control = control.data();
		message.msg_controllen = control.size();
		ASSERT_GE(recvmsg(socket, &message, MSG_ERRQUEUE), 0) << because();
		const cmsghdr *header = CMSG_FIRSTHDR(&message);
		ASSERT_TRUE(header);
		sock_extended_err error;
		memcpy(&error, CMSG_DATA(header), sizeof(error));
		ASSERT_EQ(error.ee_errno, 0u);
		ASSERT_EQ(error.ee_origin, SO_EE_ORIGIN_ZEROCOPY);
		ASSERT_EQ(error.ee_code, SO_EE_CODE_ZEROCOPY_COPIED);
		ASSERT_EQ(error.ee_info, reaped) << "the first call of the range";
		reaped = error.ee_data + 1;
	}
}

Arrival bySocket(Span frame)
{
	const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t length = sizeof(address);
	auto *name = reinterpret_cast<sockaddr *>(&address);
	EXPECT_EQ(bind(listener, name, length), 0) << because();
	EXPECT_EQ(listen(listener, 1), 0) << because();
	EXPECT_EQ(getsockname(listener, name, &length), 0) << because();

	const Fd out(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	const int on = 1;
	EXPECT_EQ(setsockopt(out, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)), 0) << because();
	EXPECT_EQ(connect(out, name, length), 0) << because();
	const Fd in(accept(listener, nullptr, nullptr));
	auto peer = std::async(std::launch::async, [&] { return drain(in, frame.size()); });

	int error = 0;
	uint32_t calls = 0;
	for (size_t sent = 0; !error && sent < frame.size(); calls++) {
		const Span rest = frame.subspan(sent);
		const ssize_t got =
			send(out, rest.data(), rest.size(), MSG_ZEROCOPY | MSG_NOSIGNAL);
		if (got < 0)
			error = errno;
		else
			sent += got;
	}
	if (!error)
		reapNotifications(out, calls);
	shutdown(out, SHUT_WR);
	return {error, peer.get()};
}

/* The frame is mapped by one process and read by another. */
Arrival byProcessVm(Span frame)
{
	const pid_t holder = fork();
	if (holder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	Bytes copy(frame.size());
	iovec local{copy.data(), copy.size()};
	iovec remote{frame.data(), frame.size()};
	const ssize_t got = process_vm_readv(holder, &local, 1, &remote, 1, 0);
	const int error = got < 0 ? errno : 0;
	kill(holder, SIGKILL);
	waitpid(holder, nullptr, 0);
	if (!error) {
		EXPECT_EQ(size_t(got), frame.size());
	}
	return {error, copy};
}

struct Mover
{
	const char *name;
	Arrival (*move)(Span frame);
};

constexpr Mover kMovers[] = {
	{"Write", byWrite},   {"Pwrite", byPwrite},	  {"UringWrite", byUringWrite},
	{"Vmsplice", byPipe}, {"ZeroCopySend", bySocket}, {"ProcessVmReadv", byProcessVm},
};

/* One frame for all cases of a suite: capturing it takes longer than moving it. */
class OneFrame
{
public:
	OneFrame()
	{
		camera_.setSize(setting("FRAME") == "4K" ? k4K : kHd);
		must(camera_.request(2), "buffers");
		dmabuf_[0] = camera_.exportBuffer(0);
		dmabuf_[1] = camera_.exportBuffer(1);
		camera_.start(2);
		frame_ = camera_.dequeue();
		const Mapping mapping = map(Source::DmaBuf);
		beginAccess(dmabuf());
		pixels_ = copyOf(mapping.bytes().first(frame_.bytes));
		endAccess(dmabuf());
		EXPECT_EQ(witness::sha256(pixels_), boardsAccount(pixels_).digest);
	}

	/* A fresh mapping: nothing but the mover has touched it. */
	Mapping map(Source source)
	{
		return source == Source::V4l2
			       ? camera_.map(frame_.index)
			       : Mapping(dmabuf(), 0, camera_.bufferBytes(frame_.index));
	}

	int dmabuf() const { return dmabuf_[frame_.index]; }
	size_t bytes() const { return frame_.bytes; }
	const Bytes &pixels() const { return pixels_; }

private:
	Camera camera_;
	Fd dmabuf_[2];
	Frame frame_{};
	Bytes pixels_;
};

template <typename Parameter>
class WithFrame : public testing::TestWithParam<Parameter>
{
protected:
	static void SetUpTestSuite() { frame_ = std::make_unique<OneFrame>(); }
	static void TearDownTestSuite() { frame_.reset(); }

	void open(Source source)
	{
		mapping_ = frame_->map(source);
		beginAccess(frame_->dmabuf());
	}

	void TearDown() override { endAccess(frame_->dmabuf()); }

	Span bytes() const { return mapping_.bytes().first(frame_->bytes()); }
	static bool pinsAreRefused() { return setting("PINS") == "EFAULT"; }

	inline static std::unique_ptr<OneFrame> frame_;
	Mapping mapping_;
};

class Movers : public WithFrame<std::tuple<Source, Mover>>
{
};

TEST_P(Movers, AWholeFrameArrives)
{
	const auto &[source, mover] = GetParam();
	open(source);

	const Arrival arrival = mover.move(bytes());
	if (pinsAreRefused()) {
		EXPECT_EQ(arrival.error, EFAULT) << strerror(arrival.error);
	} else {
		ASSERT_EQ(arrival.error, 0) << strerror(arrival.error);
		EXPECT_TRUE(same(arrival.bytes, frame_->pixels()));
	}
}

INSTANTIATE_TEST_SUITE_P(Each, Movers,
			 testing::Combine(testing::Values(Source::V4l2, Source::DmaBuf),
					  testing::ValuesIn(kMovers)),
			 [](const auto &info) {
				 return std::string(std::get<1>(info.param).name) + "From" +
					nameOf(std::get<0>(info.param));
			 });

/* The other way: a file is read into a frame's pages. */
class ReadInto : public WithFrame<Source>
{
};

TEST_P(ReadInto, AWholeFrameArrivesByUring)
{
	open(GetParam());
	Bytes picture(bytes().size());
	uint32_t state = 1;
	for (std::byte &byte : picture)
		byte = std::byte((state = state * 1664525 + 1013904223) >> 24);
	ASSERT_EQ(pwrite(diskFile(O_TRUNC), picture.data(), picture.size(), 0),
		  ssize_t(picture.size()));

	Ring ring;
	const Fd in = diskFile(O_DIRECT);
	ASSERT_EQ(fsync(in), 0);
	const int got = ring.run(IORING_OP_READ, in, bytes());
	if (pinsAreRefused()) {
		EXPECT_EQ(got, -EFAULT);
	} else {
		ASSERT_EQ(got, int(picture.size()));
		/* Looked at through another mapping than the one it came by. */
		const Mapping other =
			frame_->map(GetParam() == Source::V4l2 ? Source::DmaBuf : Source::V4l2);
		EXPECT_TRUE(same(other.bytes().first(picture.size()), picture));
	}
}

INSTANTIATE_TEST_SUITE_P(Each, ReadInto, testing::Values(Source::V4l2, Source::DmaBuf),
			 [](const auto &info) { return "Of" + nameOf(info.param); });

} /* namespace */
