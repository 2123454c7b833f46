/* SPDX-License-Identifier: MIT */
/*
 * A file that frames are written to with O_DIRECT.
 */

#include "direct_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <unistd.h>

using cmacam::Error;
using cmacam::Result;

namespace {

/* Address, length and offset of an O_DIRECT write are multiples of this. */
constexpr std::size_t kBlock = 4096;

/* Up to the end of a block there is memory: a mapping is made of whole pages. */
std::span<const std::byte> wholeBlocks(const cmacam::FrameView &frame)
{
	const std::byte *begin = frame.planes().front().data.data();
	const auto last = frame.planes().back().data;
	const auto size = static_cast<std::size_t>(last.data() + last.size() - begin);
	return {begin, (size + kBlock - 1) / kBlock * kBlock};
}

} /* namespace */

Result<DirectFile> DirectFile::create(const std::string &path, bool overwrite)
{
	const int whereOneIs = overwrite ? O_TRUNC : O_EXCL;
	cmacam::UniqueFd fd(
		open(path.c_str(), O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC | whereOneIs, 0644));
	if (!fd.isValid() && errno == EEXIST)
		return Error{EEXIST, path + " is there already; --overwrite replaces it"};
	if (!fd.isValid())
		return Error{errno, path + ": " + std::strerror(errno)};

	return DirectFile(path, std::move(fd));
}

Result<std::size_t> DirectFile::append(const cmacam::FrameView &frame)
{
	auto left = wholeBlocks(frame);
	const std::size_t bytes = left.size();
	while (!left.empty()) {
		const ssize_t written = write(fd_.get(), left.data(), left.size());
		if (written < 0)
			return Error{errno, path_ + ": " + std::strerror(errno)};
		left = left.subspan(static_cast<std::size_t>(written));
	}

	return bytes;
}
