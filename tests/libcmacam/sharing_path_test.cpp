/* SPDX-License-Identifier: MIT */
/*
 * The path of a server: whatever lies there is kept, except a socket that a killed
 * server left behind.
 */

#include <atomic>
#include <barrier>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sharing_fixture.h"

using cmacam::FrameClient;
using cmacam::FrameServer;
using cmacam::UniqueFd;

namespace {

constexpr char kVideo[] = "the only copy of a video";

void writeVideo(const std::string &path)
{
	std::ofstream(path) << kVideo;
}

std::string content(const std::string &path)
{
	std::ifstream file(path);
	return {std::istreambuf_iterator<char>(file), {}};
}

ino_t inodeAt(const std::string &path)
{
	struct stat status{};
	return lstat(path.c_str(), &status) < 0 ? 0 : status.st_ino;
}

} /* namespace */

TEST_F(SharingTest, NothingButASocketIsReplaced)
{
	const std::string video = folder + "/video.mp4";
	const std::string left = folder + "/left";
	const std::string &path = options.path;
	writeVideo(video);
	leaveSocket(left);

	const auto refused = [&](const std::string &kind) {
		SCOPED_TRACE(kind);
		const ino_t inode = inodeAt(path);
		ASSERT_NE(inode, 0U);
		const auto result = FrameServer::listen(options);
		ASSERT_FALSE(result);
		EXPECT_EQ(result.error().code, EEXIST) << result.error().what;
		EXPECT_NE(result.error().what.find(path + ": " + kind), std::string::npos)
			<< result.error().what;
		EXPECT_EQ(inodeAt(path), inode);
		std::filesystem::remove(path);
	};

	writeVideo(path);
	refused("an ordinary file");
	ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
	refused("a folder");
	ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
	refused("a FIFO");
	/* The device of /dev/null. */
	ASSERT_EQ(mknod(path.c_str(), S_IFCHR | 0600, 0x103), 0);
	refused("a device");
	for (const std::string &target : {video, left, folder + "/nowhere"}) {
		ASSERT_EQ(symlink(target.c_str(), path.c_str()), 0);
		refused("a symbolic link");
	}

	EXPECT_EQ(content(video), kVideo);
	EXPECT_NE(inodeAt(left), 0U);
}

TEST_F(SharingTest, AnOrdinaryFileKeepsItsContent)
{
	writeVideo(options.path);
	EXPECT_FALSE(FrameServer::listen(options));
	EXPECT_EQ(content(options.path), kVideo);
}

/* Of whatever type, and before it listens. */
TEST_F(SharingTest, LivingSocketsAreKept)
{
	for (int type : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
		for (bool listens : {false, true}) {
			const UniqueFd other = boundSocket(type, options.path);
			if (listens && type != SOCK_DGRAM) {
				ASSERT_EQ(::listen(other.get(), 1), 0);
			}
			const ino_t inode = inodeAt(options.path);

			const auto result = FrameServer::listen(options);
			ASSERT_FALSE(result) << type;
			EXPECT_EQ(result.error().code, EADDRINUSE) << result.error().what;
			EXPECT_EQ(inodeAt(options.path), inode);

			/* Nobody has knocked at its door either. */
			pollfd polled{other.get(), POLLIN, 0};
			EXPECT_EQ(poll(&polled, 1, 0) > 0 && (polled.revents & POLLIN), false);
			std::filesystem::remove(options.path);
		}
	}
}

TEST_F(SharingTest, AServerRemovesOnlyItsOwnSocket)
{
	serve();
	std::filesystem::rename(options.path, folder + "/moved");
	writeVideo(options.path);
	server.reset();
	EXPECT_EQ(content(options.path), kVideo);

	std::filesystem::remove(options.path);
	serve();
	std::filesystem::remove(options.path);
	auto second = FrameServer::listen(options);
	ASSERT_TRUE(second) << second.error().what;
	server.reset();
	EXPECT_TRUE(FrameClient::connect(options.path)) << "the second is still there";
}

/* Each sees the socket that was left; the first to replace it is not replaced itself. */
TEST_F(SharingTest, OfServersThatStartAtOnceOneListens)
{
	constexpr int kServers = 4;
	constexpr int kRounds = 200;
	options.log = {};

	for (int round = 0; round < kRounds; round++) {
		leaveSocket(options.path);
		std::barrier start(kServers), end(kServers);
		std::atomic<int> listening = 0;
		std::atomic<int> reached = 0;
		{
			std::vector<std::jthread> servers;
			for (int i = 0; i < kServers; i++) {
				servers.emplace_back([&] {
					start.arrive_and_wait();
					const auto one = FrameServer::listen(options);
					listening += one.has_value();
					if (!one) {
						EXPECT_EQ(one.error().code, EADDRINUSE)
							<< one.error().what;
					}
					end.arrive_and_wait();
					if (one && FrameClient::connect(options.path))
						reached++;
				});
			}
		}
		ASSERT_EQ(listening, 1) << "in round " << round;
		ASSERT_EQ(reached, 1) << "in round " << round;
		ASSERT_EQ(inodeAt(options.path), 0U);
	}
}

/* Who locks the folder cannot hold up a server for ever, nor make it replace anything. */
TEST_F(SharingTest, AFolderThatStaysLocked)
{
	const UniqueFd lock(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	ASSERT_EQ(flock(lock.get(), LOCK_EX), 0);

	leaveSocket(options.path);
	const auto result = FrameServer::listen(options);
	ASSERT_FALSE(result);
	EXPECT_EQ(result.error().code, EBUSY) << result.error().what;
	EXPECT_NE(inodeAt(options.path), 0U);

	std::filesystem::remove(options.path);
	serve();
	EXPECT_TRUE(FrameClient::connect(options.path));
}
