/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which other processes hold dma-bufs of ours.
 */

#include "dma_buf_holders.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace libcamera {

namespace {

namespace fs = std::filesystem;

/* The buffers of a process, each once. */
class Found
{
public:
	explicit Found(Span<const DmaBufId> wanted) : wanted_(wanted) {}

	void see(const DmaBufId &seen)
	{
		const auto it =
			std::find_if(wanted_.begin(), wanted_.end(), [&](const DmaBufId &id) {
				return (id.device == seen.device && id.inode == seen.inode) ||
				       (!id.link.empty() && id.link == seen.link);
			});
		if (it != wanted_.end())
			found_.insert(&*it);
	}

	unsigned int count() const { return found_.size(); }

private:
	Span<const DmaBufId> wanted_;
	std::set<const DmaBufId *> found_;
};

/*
 * The kernel part names the dma-bufs of a buffer by the buffer's number. Readers
 * that are not trusted have dma-bufs of their own, which share only this name.
 */
bool isNamedByNumber(int fd)
{
	std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));

	for (std::string line; std::getline(info, line);) {
		if (line.starts_with("exp_name:") && line.ends_with("\tvb2-cma"))
			return true;
	}

	return false;
}

/*
 * Nothing can be seen of processes of other users. stat() is an operation of the
 * file's own file system, and blocks for ever where that is a dead mount: only
 * dma-bufs are asked, which the link tells from all other files.
 */
void seeDescriptors(const fs::path &process, const std::string &prefix, Found *found)
{
	std::error_code error;

	for (fs::directory_iterator it(process / "fd", error), end; !error && it != end;
	     it.increment(error)) {
		std::error_code unread;
		struct stat info;
		const std::string link = fs::read_symlink(it->path(), unread).native();
		if (link.starts_with(prefix) && !stat(it->path().c_str(), &info))
			found->see({info.st_dev, info.st_ino, link});
	}
}

/* A mapping needs no descriptor to live on. */
void seeMappings(const fs::path &process, Found *found)
{
	std::ifstream maps(process / "maps");

	for (std::string line; std::getline(maps, line);) {
		unsigned int major, minor;
		uintmax_t inode;
		int name = 0;
		if (sscanf(line.c_str(), "%*s %*s %*s %x:%x %" SCNuMAX " %n", &major, &minor,
			   &inode, &name) == 3)
			found->see({makedev(major, minor), static_cast<ino_t>(inode),
				    line.substr(name)});
	}
}

std::string nameOf(const fs::path &process)
{
	std::ifstream comm(process / "comm");
	std::string name;
	std::getline(comm, name);

	return name;
}

} /* namespace */

/**
 * \brief Return the identity of the buffer of a dma-buf, which is the same in every process
 * \param[in] fd A file descriptor of the dma-buf
 * \return The identity; all members are 0 or empty if \a fd is not open
 */
DmaBufId dmaBufId(int fd)
{
	struct stat info;
	if (fstat(fd, &info))
		return {};

	DmaBufId id{info.st_dev, info.st_ino};
	std::error_code unread;
	if (isNamedByNumber(fd))
		id.link = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), unread).native();
	/* One without a name is like all others without a name. */
	if (id.link == kDmaBufLink)
		id.link.clear();

	return id;
}

/**
 * \brief Find the other processes that have any of \a buffers open or mapped
 * \param[in] buffers The buffers
 * \param[in] prefix Start of the link target in /proc/PID/fd of a file descriptor of such a buffer
 * \param[in] stop Stop request, which ends the search before the next process
 *
 * The function reads /proc. This takes a few milliseconds on a machine with few
 * processes and up to a second with many processes. So a thread that completes
 * frames must not call this function.
 *
 * \return The processes, without those that this process has no permission to inspect
 */
std::vector<DmaBufHolder> dmaBufHolders(Span<const DmaBufId> buffers, const std::string &prefix,
					const std::stop_token &stop)
{
	std::vector<DmaBufHolder> holders;
	std::error_code error;

	for (fs::directory_iterator it("/proc", error), end;
	     !error && it != end && !stop.stop_requested(); it.increment(error)) {
		const std::string number = it->path().filename();
		pid_t pid = 0;
		std::from_chars(number.data(), number.data() + number.size(), pid);
		if (pid <= 0 || pid == getpid())
			continue;

		Found found(buffers);
		seeDescriptors(it->path(), prefix, &found);
		seeMappings(it->path(), &found);
		if (found.count())
			holders.push_back({pid, nameOf(it->path()), found.count()});
	}

	return holders;
}

} /* namespace libcamera */
