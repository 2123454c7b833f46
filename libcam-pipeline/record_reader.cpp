/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the records of finished frames, and their statistics, by read().
 */

#include "record_reader.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <libcamera/base/log.h>

#include "libcamera/internal/media_device.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

/*
 * The driver writes the record before it completes the buffer, so this never
 * passes. With another driver, a frame comes without metadata after this time.
 */
constexpr int kPatience = 20; /* ms */

/* The timestamp of a V4L2 buffer counts microseconds. */
uint64_t bufferTime(uint64_t timestamp)
{
	return timestamp - timestamp % 1000;
}

} /* namespace */

/**
 * \class CmacamRecordReader
 * \brief Gets the record of each frame when the buffer of the frame is there
 *
 * The driver makes the record of a frame readable before it completes the
 * buffer of the frame. So nobody has to wait for the node: the handler takes
 * the record when it has the buffer. One call of read() returns the record and
 * the newest statistics, which usually are those of the same frame.
 *
 * A file gets only the records that are written after its open(). So each
 * session has a file of its own. When the file is closed, the driver stops the
 * statistics.
 */

/**
 * \brief Find the metadata node of a camera
 * \return The reader, or nullptr if there is no such node
 */
std::unique_ptr<CmacamRecordReader> CmacamRecordReader::create(const MediaDevice *media)
{
	const MediaEntity *entity = media->getEntityByName("cmacam-metadata");
	if (!entity)
		return nullptr;

	auto reader = std::make_unique<CmacamRecordReader>();
	reader->node_ = entity->deviceNode();

	return reader;
}

/**
 * \brief Begin a session, before the first frame of which a record is wanted
 * \return 0 on success or a negative error code otherwise
 */
int CmacamRecordReader::start()
{
	UniqueFD file(open(node_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	if (!file.isValid()) {
		const int ret = -errno;
		LOG(Cmacam, Error) << "Cannot open " << node_ << ": " << strerror(-ret);
		return ret;
	}

	start(std::move(file));

	return 0;
}

/**
 * \brief Begin a session with an open file
 * \param[in] file The file, non-blocking, each read() of which returns one record
 */
void CmacamRecordReader::start(UniqueFD file)
{
	file_ = std::move(file);
	hasRecord_ = false;
	hasStatistics_ = false;
	statisticsFailed_ = false;
}

/**
 * \brief End a session
 */
void CmacamRecordReader::stop()
{
	file_.reset();
}

/**
 * \brief Have the driver take statistics from the next frame on
 *
 * Without this call, statistics begin after the first take() that asks for them.
 */
void CmacamRecordReader::prepareStatistics()
{
	if (!hasRecord_)
		readNext(true);
}

/**
 * \brief Take the record of a frame whose buffer is complete
 * \param[in] timestamp Timestamp of the V4L2 buffer, which increases with each call
 * \param[in] statistics Whether to read statistics as well, see takeStatistics()
 * \return The record, valid until the next call, or nullptr if the record was missed
 */
const cmacam_frame_meta *CmacamRecordReader::take(uint64_t timestamp, bool statistics)
{
	/* Earlier records belong to frames whose buffers have not come. */
	while (!hasRecord_ || bufferTime(data_.meta.timestamp) < timestamp) {
		int ret = readNext(statistics);
		if (ret == -EAGAIN) {
			pollfd wait{file_.get(), POLLIN, 0};
			poll(&wait, 1, kPatience);
			ret = readNext(statistics);
		}
		if (ret)
			return nullptr;
	}

	/* A later one waits for its buffer. */
	if (bufferTime(data_.meta.timestamp) != timestamp)
		return nullptr;

	hasRecord_ = false;

	return &data_.meta;
}

/**
 * \brief Take the statistics that came with the last records
 * \return The statistics, valid until the next take(), or nullptr if there are no new ones
 */
const cmacam_frame_stats *CmacamRecordReader::takeStatistics()
{
	return std::exchange(hasStatistics_, false) ? &data_.stats : nullptr;
}

int CmacamRecordReader::readNext(bool statistics)
{
	statistics = statistics && !statisticsFailed_;
	hasRecord_ = false;

	int ret = readFile(statistics ? sizeof(data_) : sizeof(data_.meta));
	if (statistics && ret < 0 && ret != -EAGAIN && ret != -ENODEV) {
		LOG(Cmacam, Warning) << "Automatic exposure and white balance are off, because "
					"statistics cannot start: "
				     << strerror(-ret);
		statisticsFailed_ = true;
		ret = readFile(sizeof(data_.meta));
	}
	if (ret < 0)
		return ret;

	hasRecord_ = data_.meta.version == CMACAM_META_VERSION;
	if (hasRecord_ && data_.meta.flags & CMACAM_META_FLAG_STATS)
		hasStatistics_ = true;

	return hasRecord_ ? 0 : -EPROTO;
}

int CmacamRecordReader::readFile(std::size_t size)
{
	const ssize_t got = read(file_.get(), &data_, size);
	if (got < 0)
		return -errno;

	return got < static_cast<ssize_t>(sizeof(data_.meta)) ? -EPROTO : 0;
}

} /* namespace libcamera */
