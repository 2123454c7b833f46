/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the records of finished frames, and their statistics, from the metadata node.
 */

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <linux/cmacam.h>

#include <libcamera/base/unique_fd.h>

namespace libcamera {

class MediaDevice;

class CmacamRecordReader
{
public:
	static std::unique_ptr<CmacamRecordReader> create(const MediaDevice *media);

	int start();
	void start(UniqueFD file);
	void stop();

	void prepareStatistics();
	const cmacam_frame_meta *take(uint64_t timestamp, bool statistics);
	const cmacam_frame_stats *takeStatistics();

private:
	int readNext(bool statistics);
	int readFile(std::size_t size);

	std::string node_;
	UniqueFD file_;

	cmacam_frame_data data_;
	bool hasRecord_ = false;	/* data_.meta was not taken yet */
	bool hasStatistics_ = false;	/* data_.stats was not taken yet */
	bool statisticsFailed_ = false; /* in this session */
};

} /* namespace libcamera */
