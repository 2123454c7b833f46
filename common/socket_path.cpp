/* SPDX-License-Identifier: MIT */
/*
 * The name of a server's Unix socket in the file system.
 */
#include "socket_path.h"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cmacam {

namespace {

/* The lock is held for a few system calls, unless by a stranger. */
constexpr int kLockTries = 50;
constexpr std::chrono::milliseconds kLockPause{10};

[[noreturn]] void fail(int code, const std::string &path, const std::string &reason = "")
{
	throw std::system_error(code, std::generic_category(),
				"cannot listen at " + path + (reason.empty() ? "" : ": " + reason));
}

int call(int (*function)(int, const sockaddr *, socklen_t), int fd, const sockaddr_un &address)
{
	return function(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address));
}

/*
 * No system call removes a name only if it still is a certain socket's. So every
 * server looks at its path and changes it under a lock on the folder:
 *
 * - Of two servers that start at once and find the same left-over, the second
 *   looks when the first has bound its socket, and finds that one alive. Without
 *   the lock it could look before, and remove the living socket after that.
 * - A server that ends and finds its own socket knows that no other server binds
 *   one there before the name is removed.
 *
 * The lock is the kernel's: it ends with its process, and needs no file beside the
 * socket. Whoever can read the folder can take it too, and keep it. Therefore
 * nobody waits for it for long: without it a server may still bind a free path,
 * which replaces nothing, but must not remove a left-over. The same goes for
 * file systems that cannot lock a folder.
 */
class FolderLock
{
public:
	explicit FolderLock(const std::string &path)
		: fd_(open(folderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))
	{
		int tries = 0;
		while (!(isHeld_ = flock(fd_, LOCK_EX | LOCK_NB) == 0) && errno == EWOULDBLOCK &&
		       ++tries < kLockTries)
			std::this_thread::sleep_for(kLockPause);
	}
	~FolderLock()
	{
		if (fd_ >= 0)
			close(fd_);
	}
	FolderLock(const FolderLock &) = delete;
	FolderLock &operator=(const FolderLock &) = delete;

	bool isHeld() const { return isHeld_; }

private:
	static std::string folderOf(const std::string &path)
	{
		const std::string folder = std::filesystem::path(path).parent_path();
		return folder.empty() ? "." : folder;
	}

	const int fd_;
	bool isHeld_ = false;
};

/*
 * Whether a socket is there that no process has open any more.
 *
 * connect() says ECONNREFUSED in that case, but for everything that is no socket
 * too. A datagram socket asks without disturbing anybody: a socket of another type
 * answers EPROTOTYPE, also between its bind() and its listen(), and has no
 * connection to accept.
 */
bool isLeftOver(const sockaddr_un &address)
{
	struct stat status{};
	if (lstat(address.sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return false;

	const int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return false;
	const bool refused = call(connect, probe, address) < 0 && errno == ECONNREFUSED;
	close(probe);

	return refused;
}

/* Why a path cannot be bound at which something is. */
[[noreturn]] void failBecauseOf(const std::string &path)
{
	struct stat status{};
	if (lstat(path.c_str(), &status) < 0 || S_ISSOCK(status.st_mode))
		fail(EADDRINUSE, path, "another server is running there");
	if (S_ISREG(status.st_mode))
		fail(EEXIST, path, "an ordinary file is there");
	if (S_ISDIR(status.st_mode))
		fail(EEXIST, path, "a folder is there");
	if (S_ISLNK(status.st_mode))
		fail(EEXIST, path, "a symbolic link is there");
	if (S_ISFIFO(status.st_mode))
		fail(EEXIST, path, "a FIFO is there");
	fail(EEXIST, path, "a device is there");
}

} /* namespace */

SocketPath::SocketPath(int socket, const sockaddr_un &address) : path_(address.sun_path)
{
	const FolderLock lock(path_);

	if (isLeftOver(address)) {
		if (!lock.isHeld())
			fail(EBUSY, path_,
			     "the socket of a dead server is there, and the folder cannot be "
			     "locked "
			     "to replace it");
		if (unlink(path_.c_str()) < 0)
			fail(errno, path_, "the socket of a dead server is there");
	}

	if (call(bind, socket, address) < 0) {
		if (errno == EADDRINUSE)
			failBecauseOf(path_);
		fail(errno, path_);
	}

	struct stat status{};
	if (lstat(path_.c_str(), &status) == 0) {
		device_ = status.st_dev;
		inode_ = status.st_ino;
	}
}

SocketPath::~SocketPath()
{
	if (path_.empty())
		return;

	/* While the socket is open, no other file can have the number of its inode. */
	const FolderLock lock(path_);
	struct stat status{};
	if (lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
	    status.st_ino == inode_)
		unlink(path_.c_str());
}

} /* namespace cmacam */
