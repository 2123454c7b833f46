/* SPDX-License-Identifier: MIT */
/*
 * Readers that cannot be trusted: what they send, how long they keep frames, and
 * what happens when there are no file descriptors left.
 */

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <future>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sharing_fixture.h"

using cmacam::FrameClient;
using cmacam::UniqueFd;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kAtOnce{0};
constexpr int kLingerSeconds = 6;

#ifdef SO_PASSRIGHTS
constexpr int kPassRights = SO_PASSRIGHTS;
#else
constexpr int kPassRights = 83;
#endif

/* The file descriptor of the socket that listens at a path of this process. */
int listeningSocket(const std::string &path)
{
	for (int fd = 3; fd < 1024; fd++) {
		int listens = 0;
		socklen_t size = sizeof(listens);
		sockaddr_un address{};
		socklen_t length = sizeof(address);
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens &&
		    getsockname(fd, reinterpret_cast<sockaddr *>(&address), &length) == 0 &&
		    path == address.sun_path)
			return fd;
	}

	return -1;
}

/* Connections behave as on a kernel that cannot refuse descriptors. */
void allowDescriptors(const std::string &path)
{
	const int on = 1;
	setsockopt(listeningSocket(path), SOL_SOCKET, kPassRights, &on, sizeof(on));
}

/* The end of a connection that holds data back, so that its close() waits for kLingerSeconds. */
struct SlowFile
{
	UniqueFd slow;
	UniqueFd listening;
	UniqueFd peer;
};

SlowFile slowFile()
{
	SlowFile file{UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
		      UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), UniqueFd()};
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t size = sizeof(address);
	auto *generic = reinterpret_cast<sockaddr *>(&address);
	EXPECT_EQ(bind(file.listening.get(), generic, size), 0);
	EXPECT_EQ(listen(file.listening.get(), 1), 0);
	EXPECT_EQ(getsockname(file.listening.get(), generic, &size), 0);
	EXPECT_EQ(connect(file.slow.get(), generic, size), 0);
	file.peer = UniqueFd(accept(file.listening.get(), nullptr, nullptr));

	const std::vector<char> data(1 << 16);
	while (::send(file.slow.get(), data.data(), data.size(), MSG_DONTWAIT) > 0)
		;
	const linger waits{1, kLingerSeconds};
	EXPECT_EQ(setsockopt(file.slow.get(), SOL_SOCKET, SO_LINGER, &waits, sizeof(waits)), 0);
	return file;
}

cmacam::Result<void> sendWith(const UniqueFd &socket, int fd)
{
	share::Return back;
	back.buffer = back.serial = 0;
	return cmacam::sendPacket(socket.get(), share::bytesOf(back), std::span(&fd, 1));
}

milliseconds cpuTime()
{
	timespec time{};
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return std::chrono::duration_cast<milliseconds>(std::chrono::seconds(time.tv_sec) +
							std::chrono::nanoseconds(time.tv_nsec));
}

/* While it lives, this process can open no further file descriptor. */
class NoDescriptors
{
public:
	NoDescriptors()
	{
		getrlimit(RLIMIT_NOFILE, &before_);
		const UniqueFd next(dup(STDIN_FILENO));
		rlimit none = before_;
		none.rlim_cur = static_cast<rlim_t>(next.get());
		setrlimit(RLIMIT_NOFILE, &none);
	}
	~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

	NoDescriptors(const NoDescriptors &) = delete;
	NoDescriptors &operator=(const NoDescriptors &) = delete;

private:
	rlimit before_{};
};

} /* namespace */

TEST_F(SharingTest, ReadersGetReadOnlyBuffers)
{
	serve();
	const UniqueFd raw = rawReader();
	FrameClient client = reader(1);
	EXPECT_EQ(publish(0, 0), 2U);
	EXPECT_EQ(fake.readers(), 1) << "one is enough for all who do not know the buffer";

	share::Any message;
	pollfd polled{raw.get(), POLLIN, 0};
	ASSERT_EQ(poll(&polled, 1, static_cast<int>(milliseconds(kLimit).count())), 1);
	const auto packet =
		cmacam::receivePacket(raw.get(), std::as_writable_bytes(std::span(&message, 1)));
	ASSERT_TRUE(packet);
	ASSERT_EQ(packet->descriptorCount, 1U);
	const int fd = packet->descriptors[0].get();
	EXPECT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	EXPECT_EQ(mmap(nullptr, 64, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	void *seen = mmap(nullptr, 64, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(seen, MAP_FAILED);
	EXPECT_EQ(mprotect(seen, 64, PROT_READ | PROT_WRITE), -1);
	munmap(seen, 64);

	auto frame = client.next();
	ASSERT_TRUE(frame) << frame.error().what;
	EXPECT_TRUE(frame->map());
	const auto written = frame->map(cmacam::Stream::Main, cmacam::Access::ReadWrite);
	ASSERT_FALSE(written);
	EXPECT_EQ(written.error().code, EACCES) << written.error().what;
}

TEST_F(SharingTest, BuffersThatCannotBeReadOnlyAreNotShared)
{
	fake.setReaderError(EOPNOTSUPP);
	serve();
	FrameClient client = reader();
	const auto refused = server->publish({source, 0, {0, 0}});
	ASSERT_FALSE(refused);
	EXPECT_EQ(refused.error().code, EOPNOTSUPP);
	EXPECT_NE(refused.error().what.find("ShareOptions::writable"), std::string::npos)
		<< refused.error().what;
	EXPECT_TRUE(source->leases.holders().empty());
	EXPECT_EQ(client.next(kAtOnce).error().code, ETIMEDOUT);

	server.reset();
	options.writable = true;
	serve();
	FrameClient trusted = reader();
	publish(0, 1);
	auto frame = trusted.next();
	ASSERT_TRUE(frame) << frame.error().what;
	EXPECT_TRUE(frame->map(cmacam::Stream::Main, cmacam::Access::ReadWrite));
}

/* A kernel since Linux 6.16 refuses to send them, an older one delivers them. */
TEST_F(SharingTest, DescriptorsOfReadersAreRefused)
{
	serve();
	FrameClient polite = reader(1);
	const UniqueFd refused = rawReader();
	const auto sent = sendWith(refused, STDIN_FILENO);
	if (sent)
		expectFarewell(refused, EPROTO, "file descriptor");
	else
		EXPECT_EQ(sent.error().code, EPERM) << sent.error().what;

	allowDescriptors(options.path);
	const UniqueFd old = rawReader();
	ASSERT_TRUE(sendWith(old, STDIN_FILENO));
	expectFarewell(old, EPROTO, "file descriptor");

	publish(0, 0);
	EXPECT_TRUE(polite.next());
}

/* close() of such a file waits. It must not do so with a lock that publish() takes. */
TEST_F(SharingTest, FilesThatAreSlowToCloseDoNotStallTheCamera)
{
	/* The thread that listens waits in the log until the server has the last descriptor. */
	struct Gate
	{
		std::atomic<bool> isFirst = true;
		std::promise<void> inLog;
		std::promise<void> isSent;
	};
	const auto gate = std::make_shared<Gate>();
	options.log = [gate](const std::string &) {
		if (!gate->isFirst.exchange(false))
			return;
		gate->inLog.set_value();
		gate->isSent.get_future().wait();
	};
	serve();
	allowDescriptors(options.path);
	const UniqueFd raw = rawReader();
	gate->inLog.get_future().wait();

	SlowFile file = slowFile();
	EXPECT_TRUE(sendWith(raw, file.slow.get()));
	file.slow.reset();
	gate->isSent.set_value();

	for (std::uint32_t i = 0; i < 200; i++) {
		const auto before = std::chrono::steady_clock::now();
		publish(i % 2, i);
		ASSERT_LT(std::chrono::steady_clock::now() - before,
			  std::chrono::seconds(kLingerSeconds) / 2);
		std::this_thread::sleep_for(milliseconds(5));
	}
	/* The reset of the connection ends the wait. */
	file.peer.reset();
}

TEST_F(SharingTest, WithoutDescriptorsTheServerWaitsAndSaysSo)
{
	serve();
	FrameClient polite = reader(1);
	const UniqueFd waiting(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	sockaddr_un address{};
	address.sun_family = AF_UNIX;
	options.path.copy(address.sun_path, sizeof(address.sun_path) - 1);
	publish(0, 0);
	ASSERT_TRUE(polite.next());
	ASSERT_TRUE(allBack());
	{
		const NoDescriptors none;
		ASSERT_EQ(connect(waiting.get(), reinterpret_cast<sockaddr *>(&address),
				  sizeof(address)),
			  0);
		ASSERT_TRUE(isTold("no reader can connect: Too many open files"));

		const milliseconds before = cpuTime();
		std::this_thread::sleep_for(milliseconds(500));
		EXPECT_LT(cpuTime() - before, milliseconds(100)) << "a loop that is busy";

		publish(0, 1);
		EXPECT_TRUE(polite.next()) << "who is connected is served";
		/* A buffer that the reader does not know needs a descriptor of the server. */
		ASSERT_TRUE(allBack());
		EXPECT_EQ(publish(1, 2), 0U);
		EXPECT_TRUE(isTold("cannot lend buffer 1"));
		EXPECT_EQ(server->readers().size(), 1U);
	}
	send(waiting, share::Hello{.credits = 1});
	EXPECT_EQ(hear(waiting).message.header.type, share::Type::Welcome);
	EXPECT_EQ(publish(1, 3), 2U);
	std::lock_guard lock(mutex);
	EXPECT_EQ(told.find("no reader can connect"), told.rfind("no reader can connect"))
		<< "once, not at each attempt: " << told;
}

TEST_F(SharingTest, WithoutDescriptorsTheReaderSaysSo)
{
	serve();
	FrameClient client = reader(1);
	publish(0, 0);
	{
		const NoDescriptors none;
		const auto error = client.next().error();
		EXPECT_EQ(error.code, EMFILE) << error.what;
		EXPECT_NE(error.what.find("no file descriptor left"), std::string::npos)
			<< error.what;
	}
	EXPECT_EQ(client.next().error().code, EMFILE) << "the buffer is not sent again";
}

TEST_F(SharingTest, SharesOfAFrameAreNoFurtherFrames)
{
	serve();
	FrameClient client = reader(2);
	publish(0, 0);
	const auto frame = client.next();
	ASSERT_TRUE(frame);
	const cmacam::Frame other = frame->share();
	EXPECT_EQ(client.holders().size(), 2U);
	EXPECT_EQ(client.next(kAtOnce).error().code, ETIMEDOUT) << "one of two frames is held";
	publish(1, 1);
	const auto second = client.next();
	ASSERT_TRUE(second);
	EXPECT_EQ(client.next(kAtOnce).error().code, EBUSY);
}

TEST_F(SharingTest, TheLogMayAskTheServer)
{
	options.log = [this](const std::string &line) {
		const std::size_t count = server->readers().size();
		std::lock_guard lock(mutex);
		told += line + " " + std::to_string(count) + "\n";
	};
	serve();
	FrameClient client = reader(1);
	EXPECT_TRUE(isTold("has connected, with 1 credits 1\n"));
	publish(0, 0);
	/* One that is let go by publish(), in the thread of the camera. */
	const UniqueFd raw = rawReader();
	options.log = {};
	server->close("the end");
	EXPECT_TRUE(isTold("was disconnected: the end"));
}

TEST_F(SharingTest, ASlowReaderLeavesFramesToTheOthers)
{
	options.reserve = 2; /* so that one buffer may be lent */
	options.patience = 120;
	serve();
	FrameClient quick = reader(1);
	FrameClient slow = reader(1);

	unsigned int got = 0;
	unsigned int slowly = 0;
	std::optional<cmacam::Frame> kept;
	std::uint32_t since = 0;
	for (std::uint32_t i = 0; i < 400; i++) {
		/* A camera does not fill a buffer that a reader holds. */
		const unsigned int buffer = kept && kept->buffer() == i % 2 ? (i + 1) % 2 : i % 2;
		publish(buffer, i);
		if (quick.next(kAtOnce))
			got++;
		if (auto frame = kept ? cmacam::Result<cmacam::Frame>(cmacam::Error{EBUSY, ""})
				      : slow.next(kAtOnce)) {
			kept.emplace(*std::move(frame));
			since = i;
			slowly++;
		}
		if (kept && i - since >= 50)
			kept.reset();
		ASSERT_TRUE(becomes([&] {
			return server->readers()[0].held == 0 &&
			       server->readers()[1].held == (kept ? 1U : 0U);
		}));
	}
	EXPECT_GE(got, 180U);
	EXPECT_GE(slowly, 3U);
}

/*
 * All of it at once: a process floods, stalls, lies, sends descriptors, dies and connects
 * again, while a camera publishes and a good reader reads.
 */
TEST_F(SharingTest, NothingThatAReaderDoesDisturbsOthers)
{
	constexpr int kRounds = 60;
	options.patience = 20;
	options.readers = 4;
	serve();
	FrameClient good = reader(1);

	const pid_t rude = fork();
	if (rude == 0) {
		/* Sockets that are left open and silent, as far as there is room. */
		std::vector<UniqueFd> left;
		for (int round = 0;; round++) {
			auto connected = cmacam::connectTo(options.path);
			if (!connected)
				continue;
			UniqueFd socket = *std::move(connected);
			share::Hello hello;
			hello.credits = round % 3 ? 0xffffffff : 0;
			if (round % 7)
				static_cast<void>(
					cmacam::sendPacket(socket.get(), share::bytesOf(hello)));
			share::Return back;
			back.buffer = static_cast<std::uint32_t>(round * 0x10001);
			back.serial = static_cast<std::uint32_t>(round);
			const std::array<char, 9000> much{};
			switch (round % 6) {
			case 0: /* a flood */
				for (int i = 0; i < 1000; i++)
					static_cast<void>(cmacam::sendPacket(socket.get(),
									     share::bytesOf(back)));
				break;
			case 1: /* a size that no message has */
				static_cast<void>(cmacam::sendPacket(
					socket.get(), std::as_bytes(std::span(much))));
				break;
			case 2: /* a message of another type than its size */
				back.header.type = share::Type::Buffer;
				static_cast<void>(
					cmacam::sendPacket(socket.get(), share::bytesOf(back)));
				break;
			case 3:
				static_cast<void>(sendWith(socket, STDIN_FILENO));
				break;
			case 4: /* dies with a message half way */
				shutdown(socket.get(), SHUT_RD);
				break;
			default: /* stalls */
				left.push_back(std::move(socket));
				if (left.size() > 30)
					left.clear();
			}
		}
	}

	unsigned int seen = 0;
	milliseconds longest{0};
	const auto end = std::chrono::steady_clock::now() + kLimit;
	std::uint32_t sequence = 0;
	while (seen < kRounds && std::chrono::steady_clock::now() < end) {
		const auto before = std::chrono::steady_clock::now();
		publish(sequence % 3, sequence);
		longest = std::max(longest, std::chrono::duration_cast<milliseconds>(
						    std::chrono::steady_clock::now() - before));
		sequence++;
		if (auto frame = good.next(milliseconds(5))) {
			seen++;
			EXPECT_TRUE(frame->map());
		}
	}
	kill(rude, SIGKILL);
	ASSERT_EQ(waitpid(rude, nullptr, 0), rude);
	EXPECT_EQ(seen, static_cast<unsigned int>(kRounds)) << "of " << sequence;
	EXPECT_LT(longest, milliseconds(500));
	EXPECT_TRUE(allBack());
	EXPECT_TRUE(becomes([this] { return server->readers().size() == 1; }));
	EXPECT_EQ(good.next(kAtOnce).error().code, ETIMEDOUT) << "it was never disconnected";
}
