/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why libcamera does not list the camera of a board that is plugged in.
 */
#include "device_access.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cmacam {

namespace fs = std::filesystem;

namespace {

constexpr const char *kDriver = "sys/bus/pci/drivers/cmacam";

/* A descriptor that is closed. */
class OpenFile
{
public:
	explicit OpenFile(int fd) : fd_(fd) {}
	~OpenFile()
	{
		if (fd_ >= 0)
			::close(fd_);
	}
	OpenFile(OpenFile &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

	bool isOpen() const { return fd_ >= 0; }

private:
	OpenFile(const OpenFile &) = delete;
	OpenFile &operator=(const OpenFile &) = delete;

	int fd_;
};

std::vector<std::string> entries(const fs::path &folder)
{
	std::error_code ignored;
	std::vector<std::string> names;

	for (const fs::directory_entry &entry : fs::directory_iterator(folder, ignored))
		names.push_back(entry.path().filename());
	std::ranges::sort(names);
	return names;
}

/* The nodes that libcamera opens: those of media first. */
std::vector<std::string> nodesOf(const fs::path &device)
{
	std::vector<std::string> nodes;

	for (const std::string &name : entries(device))
		if (name.starts_with("media"))
			nodes.push_back(name);
	for (const std::string &name : entries(device / "video4linux"))
		nodes.push_back(name);
	return nodes;
}

std::string userName(uid_t id)
{
	std::array<char, 1024> strings{};
	passwd entry{}, *found = nullptr;

	getpwuid_r(id, &entry, strings.data(), strings.size(), &found);
	return found ? found->pw_name : std::to_string(id);
}

std::string groupName(gid_t id)
{
	std::array<char, 4096> strings{};
	group entry{}, *found = nullptr;

	getgrgid_r(id, &entry, strings.data(), strings.size(), &found);
	return found ? found->gr_name : std::to_string(id);
}

Error noRight(const fs::path &path)
{
	constexpr mode_t kGroupRights = S_IRGRP | S_IWGRP;
	const std::string text = "No right to open " + path.string();
	struct stat node{};

	if (stat(path.c_str(), &node) < 0)
		return {EACCES, text};
	if ((node.st_mode & kGroupRights) == kGroupRights)
		return {EACCES, text + ", which is for the group '" + groupName(node.st_gid) +
					"': add the user to this group, and log in again"};
	return {EACCES, text + ", which is for its owner '" + userName(node.st_uid) +
				"' only: a rule of udev can give it to a group"};
}

std::optional<Error> openError(const fs::path &path)
{
	if (OpenFile(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)).isOpen())
		return std::nullopt;

	switch (errno) {
	case EACCES:
	case EPERM:
		return noRight(path);
	case EMFILE:
		return tooManyFiles("The camera", 1);
	case ENFILE:
		return Error{ENFILE, "The system has too many open files for the camera"};
	case ENOENT:
		return Error{ENODEV,
			     "A board is plugged in, but there is no node " + path.string() +
				     ": udev has not made it, or this container has no access"};
	default:
		return std::nullopt;
	}
}

} /* namespace */

std::optional<Error> findAccessError(const fs::path &root)
{
	const fs::path driver = root / kDriver;

	for (const std::string &device : entries(driver)) {
		/* The driver's attributes have no colon, the addresses of its devices have. */
		if (device.find(':') == std::string::npos)
			continue;
		for (const std::string &node : nodesOf(driver / device))
			if (auto error = openError(root / "dev" / node))
				return error;
	}
	return std::nullopt;
}

Error tooManyFiles(const std::string &what, std::size_t count)
{
	rlimit limit{};

	getrlimit(RLIMIT_NOFILE, &limit);
	return {EMFILE, what + " needs " + std::to_string(count) +
				(count == 1 ? " more open file" : " more open files") +
				", but the process may have " + std::to_string(limit.rlim_cur) +
				" in all: close some, or raise the limit (ulimit -n)"};
}

bool canOpenFiles(std::size_t count)
{
	std::vector<OpenFile> files;

	while (files.size() < count) {
		files.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
		if (!files.back().isOpen())
			return false;
	}
	return true;
}

} /* namespace cmacam */
