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

	void see(const DmaBufId &id)
	{
		if (std::find(wanted_.begin(), wanted_.end(), id) != wanted_.end() &&
		    std::find(found_.begin(), found_.end(), id) == found_.end())
			found_.push_back(id);
	}

	unsigned int count() const { return found_.size(); }

private:
	Span<const DmaBufId> wanted_;
	std::vector<DmaBufId> found_;
};

/* Of processes of other users there is nothing to be seen. */
void seeDescriptors(const fs::path &process, Found *found)
{
	std::error_code error;

	for (fs::directory_iterator it(process / "fd", error), end; !error && it != end;
	     it.increment(error)) {
		struct stat info;
		if (!stat(it->path().c_str(), &info))
			found->see({info.st_dev, info.st_ino});
	}
}

/* A mapping needs no descriptor to live on. */
void seeMappings(const fs::path &process, Found *found)
{
	std::ifstream maps(process / "maps");

	for (std::string line; std::getline(maps, line);) {
		unsigned int major, minor;
		uintmax_t inode;
		if (sscanf(line.c_str(), "%*s %*s %*s %x:%x %" SCNuMAX, &major, &minor, &inode) ==
		    3)
			found->see({makedev(major, minor), static_cast<ino_t>(inode)});
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
 * \brief By what to know a dma-buf again
 * \param[in] fd A descriptor of it
 * \return Its identity, all 0 if \a fd is not open
 */
DmaBufId dmaBufId(int fd)
{
	struct stat info;
	if (fstat(fd, &info))
		return {};

	return {info.st_dev, info.st_ino};
}

/**
 * \brief Which other processes have any of \a buffers open or mapped
 *
 * Asks /proc, which takes a few milliseconds on a machine with few processes
 * and longer with many: not for every frame.
 *
 * \return The processes, as far as this one may look into them
 */
std::vector<DmaBufHolder> dmaBufHolders(Span<const DmaBufId> buffers)
{
	std::vector<DmaBufHolder> holders;
	std::error_code error;

	for (fs::directory_iterator it("/proc", error), end; !error && it != end;
	     it.increment(error)) {
		const std::string number = it->path().filename();
		pid_t pid = 0;
		std::from_chars(number.data(), number.data() + number.size(), pid);
		if (pid <= 0 || pid == getpid())
			continue;

		Found found(buffers);
		seeDescriptors(it->path(), &found);
		seeMappings(it->path(), &found);
		if (found.count())
			holders.push_back({pid, nameOf(it->path()), found.count()});
	}

	return holders;
}

} /* namespace libcamera */
