/* SPDX-License-Identifier: MIT */
#include "descriptors.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fuzz {

namespace {

using support::Fd;

/* Replaces a random element if a list is full. */
template <typename T>
void addTo(std::vector<T> &list, size_t limit, Random &random, T element)
{
	if (list.size() < limit)
		list.push_back(std::move(element));
	else
		random.pick(list) = std::move(element);
}

/* Removes a random element. */
template <typename T>
T takeFrom(std::vector<T> &list, Random &random)
{
	T &place = random.pick(list);
	T taken = std::move(place);
	place = std::move(list.back());
	list.pop_back();
	return taken;
}

int nothingToClose()
{
	errno = EBADF;
	return -1;
}

} /* namespace */

int Descriptors::own(Random &random, Kind kind) const
{
	std::vector<int> found;
	for (const NodeFile &file : files_)
		if (file.kind == kind)
			found.push_back(file.fd);
	return found.empty() ? -1 : random.pick(found);
}

int Descriptors::node(Random &random, Kind kind)
{
	/* Any other file gets EBUSY from most calls on buffers. */
	const int owner = owners_[indexOf(kind)];
	if (owner >= 0 && random.percent(50))
		return owner;

	const bool shares = random.percent(70);
	const int owned = own(random, kind);
	if (shares)
		return shared_[indexOf(kind)];
	return owned >= 0 ? owned : open(random, kind);
}

int Descriptors::keepNode(Random &random, Kind kind, int fd)
{
	if (fd >= 0)
		addTo(files_, kMaxNodeFiles, random, {kind, Fd(fd)});
	/* The file that had to go may have owned buffers. */
	for (int &owner : owners_)
		if (std::ranges::none_of(
			    files_, [owner](const NodeFile &file) { return file.fd == owner; }))
			owner = -1;
	return fd;
}

int Descriptors::open(Random &random, Kind kind)
{
	/* Nearly all calls need both directions. */
	const int access = random.percent(90) ? O_RDWR : random.percent(50) ? O_RDONLY : O_WRONLY;
	return keepNode(random, kind,
			::open(nodes_.path(kind).c_str(), access | O_NONBLOCK | O_CLOEXEC));
}

Fd Descriptors::openAlone(Kind kind) const
{
	const int fd = ::open(nodes_.path(kind).c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? Fd() : Fd(fd);
}

int Descriptors::duplicate(Random &random, Kind kind)
{
	return keepNode(random, kind, fcntl(node(random, kind), F_DUPFD_CLOEXEC, 0));
}

int Descriptors::closeNode(Random &random)
{
	if (files_.empty())
		return nothingToClose();
	NodeFile file = takeFrom(files_, random);
	std::ranges::replace(owners_, static_cast<int>(file.fd), -1);
	return close(file.fd.release());
}

void Descriptors::addDmaBuf(Random &random, int fd)
{
	const off_t bytes = lseek(fd, 0, SEEK_END);
	addTo(dmaBufs_, kMaxDmaBufs, random, {Fd(fd), bytes < 0 ? 0 : static_cast<size_t>(bytes)});
}

const DmaBuf *Descriptors::dmaBuf(Random &random)
{
	return dmaBufs_.empty() ? nullptr : &random.pick(dmaBufs_);
}

int Descriptors::dmaBufOrNone(Random &random)
{
	const DmaBuf *buffer = dmaBuf(random);
	return buffer ? static_cast<int>(buffer->fd) : -1;
}

int Descriptors::closeDmaBuf(Random &random)
{
	if (dmaBufs_.empty())
		return nothingToClose();
	return close(takeFrom(dmaBufs_, random).fd.release());
}

void Descriptors::addSyncFile(Random &random, int fd)
{
	addTo(syncFiles_, kMaxSyncFiles, random, Fd(fd));
}

int Descriptors::syncFileOrNone(Random &random)
{
	return syncFiles_.empty() ? -1 : static_cast<int>(random.pick(syncFiles_));
}

void Descriptors::adopt(Random &random, int fd)
{
	struct stat status{};
	const bool known = fstat(fd, &status) == 0;
	const auto kind =
		known && S_ISCHR(status.st_mode) ? nodes_.kindOf(status.st_rdev) : std::nullopt;
	if (kind)
		keepNode(random, *kind, fd);
	else
		addDmaBuf(random, fd);
}

int Descriptors::wrong(Random &random)
{
	if (random.percent(20))
		return -1;
	if (random.percent(30))
		return dmaBufOrNone(random);
	return shared_[indexOf(random.pick(kAllKinds))];
}

void Descriptors::closeUnknown() const
{
	std::vector<int> known = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
	known.insert(known.end(), kept_.begin(), kept_.end());
	known.insert(known.end(), shared_.begin(), shared_.end());
	known.insert(known.end(), syncFiles_.begin(), syncFiles_.end());
	for (const NodeFile &file : files_)
		known.push_back(file.fd);
	for (const DmaBuf &buffer : dmaBufs_)
		known.push_back(buffer.fd);
	std::ranges::sort(known);

	int first = 0;
	for (const int fd : known) {
		if (fd > first)
			close_range(first, fd - 1, 0);
		first = fd + 1;
	}
	close_range(first, ~0U, 0);
}

} /* namespace fuzz */
