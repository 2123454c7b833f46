/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The user space interface that the cmacam driver adds to the V4L2
 * specification: two metadata formats, one event and three controls.
 */
#ifndef _UAPI_LINUX_CMACAM_H
#define _UAPI_LINUX_CMACAM_H

#include <linux/types.h>
#include <linux/videodev2.h>

/**
 * define V4L2_META_FMT_CMACAM - format of the metadata capture node
 *
 * Each buffer contains one &struct cmacam_frame_meta with the values from the
 * completion entry of the frame. The metadata buffer has the sequence number
 * and the timestamp of the capture node's buffer with the same frame. While the
 * capture node does not stream, the metadata buffer has the sequence number and
 * the timestamp of the lores node's buffer. While neither the capture node nor
 * the lores node streams, the metadata buffer has the sequence number and the
 * timestamp of the statistics node's buffer.
 *
 * A program can also read() the records, without buffers:
 *
 * - Each read() returns one record, the oldest that this file has not read. An
 *   open file has its own place in the sequence of records, which begins at the
 *   next record when the file is opened. So each reader gets each record.
 * - When a video buffer can be dequeued, the record of its frame can be read.
 * - The driver keeps the newest &CMACAM_META_RECORDS records. A file that does
 *   not read them in time misses the oldest ones; &cmacam_frame_meta.overrun of
 *   its next record counts the missed records.
 * - A read() with room for a &struct cmacam_frame_data makes the driver take
 *   statistics, and returns the newest statistics that this file has not read
 *   yet, after the record. If there are none, it returns the record alone. The
 *   flag CMACAM_META_FLAG_STATS distinguishes the two cases. The first of these
 *   calls starts the statistics, and the sensor with them if no node streams.
 *   The statistics end when the file is closed, or after &CMACAM_STATS_READS
 *   calls in a row without room for statistics.
 * - If there is no record, read() waits for one, or fails with EAGAIN if the
 *   file is non-blocking. poll() reports POLLIN when there is a record.
 *
 * read() fails with EINVAL if there is no room for a record. It fails with
 * EBUSY if this file has buffers of this node (VIDIOC_REQBUFS), or if it has
 * room for statistics while a program streams from the statistics node. Other
 * files can read while one file streams from this node. While a file gets
 * statistics by read(), streaming from the statistics node fails with EBUSY.
 */
#define V4L2_META_FMT_CMACAM	v4l2_fourcc('C', 'M', 'C', 'M')

/**
 * define CMACAM_META_VERSION - current value of &cmacam_frame_meta.version
 *
 * The size of a record never changes. Later versions give a meaning to reserved
 * words, where 0 means that nothing is known. Records of version 1 had another
 * layout, without a version.
 */
#define CMACAM_META_VERSION	2

/**
 * define CMACAM_META_RECORDS - number of records that read() can be behind
 */
#define CMACAM_META_RECORDS	32

/**
 * define CMACAM_STATS_READS - number of calls of read() without room for
 *	statistics after which a file no longer gets statistics
 */
#define CMACAM_STATS_READS	16

/**
 * struct cmacam_frame_meta - values that were in force for one frame
 * @version: CMACAM_META_VERSION of the driver
 * @flags: CMACAM_META_FLAG_*
 * @timestamp: start of exposure, CLOCK_MONOTONIC, ns
 * @realtime: the same moment, CLOCK_REALTIME, ns; it belongs to the setting of
 *	the clock at the end of the frame
 * @tai: the same moment, CLOCK_TAI, ns; see @realtime
 * @pixel_rate: pixels per second; a line takes line_length / pixel_rate seconds
 * @sequence: number of the frame; lost frames are counted as well
 * @exposure: exposure time, lines
 * @gain: analogue gain, 1/256
 * @pattern: index in the sensor's V4L2_CID_TEST_PATTERN menu
 * @line_length: length of a line, pixels, blanking included
 * @frame_length: length of a frame, lines, blanking included
 * @lost: number of frames lost between the start of streaming and this frame
 * @overrun: number of records that this file (read()) or this queue (streaming)
 *	has missed between its previous record and this record
 * @flip: bit 0: horizontal flip, bit 1: vertical flip
 * @crop_left: left edge of the crop rectangle, pixels of the sensor's array
 * @crop_top: top edge of the crop rectangle, lines of the sensor's array
 * @crop_width: width of the crop rectangle, pixels of the sensor's array
 * @crop_height: height of the crop rectangle, lines of the sensor's array
 * @red_gain: red gain of the white balance, 1/256
 * @blue_gain: blue gain of the white balance, 1/256
 * @brightness: offset that was added to each 8-bit code
 * @contrast: factor that changed the distance of each code from code 128, 1/256
 * @saturation: factor that changed the chroma, 1/256
 * @sharpness: strength of the sharpening, 1/256; 0 means no sharpening
 * @reserved: zero
 */
struct cmacam_frame_meta {
	__u32 version;
	__u32 flags;
	__u64 timestamp;
	__u64 realtime;
	__u64 tai;
	__u64 pixel_rate;
	__u32 sequence;
	__u32 exposure;
	__u32 gain;
	__u32 pattern;
	__u32 line_length;
	__u32 frame_length;
	__u32 lost;
	__u32 overrun;
	__u32 flip;
	__u32 crop_left;
	__u32 crop_top;
	__u32 crop_width;
	__u32 crop_height;
	__u32 red_gain;
	__u32 blue_gain;
	__s32 brightness;
	__u32 contrast;
	__u32 saturation;
	__u32 sharpness;
	__u32 reserved[11];
};

/**
 * define CMACAM_META_FLAG_ERROR - the frame is corrupted
 */
#define CMACAM_META_FLAG_ERROR	0x00000001
/**
 * define CMACAM_META_FLAG_STATS - statistics follow the record in this read()
 */
#define CMACAM_META_FLAG_STATS	0x00000002

/**
 * define V4L2_META_FMT_CMACAM_STATS - format of the statistics capture node
 *
 * Each buffer contains one &struct cmacam_stats, which the board wrote in
 * little-endian byte order. The timestamp of the buffer equals the timestamp of
 * the video buffer with the same frame.
 */
#define V4L2_META_FMT_CMACAM_STATS	v4l2_fourcc('C', 'M', 'S', 'T')

#define CMACAM_STATS_HISTOGRAM	256
#define CMACAM_STATS_ZONES_X	16
#define CMACAM_STATS_ZONES_Y	12

/**
 * struct cmacam_stats_zone - one cell of a grid over the picture
 * @red: mean of the red samples, 8-bit code * 256
 * @green: mean of the green samples, 8-bit code * 256
 * @blue: mean of the blue samples, 8-bit code * 256
 * @saturated: share of samples in which red, green or blue is 255; the unit is
 *	1/65535
 */
struct cmacam_stats_zone {
	__le16 red;
	__le16 green;
	__le16 blue;
	__le16 saturated;
};

/**
 * struct cmacam_stats - statistics of one frame, taken before white balance
 * @size: number of bytes that the board wrote
 * @sequence: number of the frame
 * @samples: sum of @histogram
 * @reserved: zero
 * @histogram: number of samples with each luma code (BT.709, full range)
 * @zones: grid over the picture after crop and flip: rows from top to bottom,
 *	zones of a row from left to right
 */
struct cmacam_stats {
	__le32 size;
	__le32 sequence;
	__le32 samples;
	__le32 reserved[5];
	__le32 histogram[CMACAM_STATS_HISTOGRAM];
	struct cmacam_stats_zone
		zones[CMACAM_STATS_ZONES_Y][CMACAM_STATS_ZONES_X];
};

/**
 * struct cmacam_frame_stats - statistics that read() returns after a record
 * @timestamp: &cmacam_frame_meta.timestamp of the frame that the statistics
 *	describe. Usually this is the frame of the record.
 * @exposure: exposure time of this frame, lines
 * @gain: analogue gain of this frame, 1/256
 * @reserved: zero
 * @stats: the statistics
 */
struct cmacam_frame_stats {
	__u64 timestamp;
	__u32 exposure;
	__u32 gain;
	__u32 reserved[4];
	struct cmacam_stats stats;
};

/**
 * struct cmacam_frame_data - a record with statistics, as read() returns them
 * @meta: the record
 * @stats: the statistics, if &cmacam_frame_meta.flags contain
 *	CMACAM_META_FLAG_STATS
 */
struct cmacam_frame_data {
	struct cmacam_frame_meta meta;
	struct cmacam_frame_stats stats;
};

/**
 * define V4L2_EVENT_CMACAM_LOST - event: frames were lost
 *
 * The node that has lost the frames (capture, lores or statistics) sends the
 * event. A node loses a frame if no buffer is queued or if the board drops the
 * frame. The field u.data of &struct v4l2_event contains a
 * &struct cmacam_event_lost.
 *
 * The driver keeps a limited number of events for each file. If a program does
 * not fetch them in time, the driver joins the two oldest events if their
 * frames are consecutive. Otherwise the driver forgets the oldest event, and
 * the field total of the next event is larger than the counts explain.
 */
#define V4L2_EVENT_CMACAM_LOST	(V4L2_EVENT_PRIVATE_START + 0x434d0000)

/**
 * struct cmacam_event_lost - a range of frames that a node has lost
 * @first: sequence number of the first lost frame
 * @count: number of lost frames
 * @total: number of all lost frames since streaming began
 */
struct cmacam_event_lost {
	__u32 first;
	__u32 count;
	__u32 total;
};

/* Controls of the capture, lores and statistics nodes */
#define V4L2_CID_CMACAM_BASE		(V4L2_CID_USER_BASE + 0x12b0)
/**
 * define V4L2_CID_CMACAM_FRAMES_LOST - number of lost frames
 *
 * The control is a read-only integer: the number of frames that this node has
 * lost since streaming last began on this node.
 */
#define V4L2_CID_CMACAM_FRAMES_LOST	(V4L2_CID_CMACAM_BASE + 0)
/**
 * define V4L2_CID_CMACAM_LAST_ERROR - the last error of this node
 *
 * The control is a read-only string: one sentence with the cause of the error.
 * If memory was missing, the sentence contains the number of needed bytes, the
 * number of free bytes and the setting to change. When an allocation succeeds
 * with all requested buffers, the driver empties the string. If VIDIOC_QBUF or
 * VIDIOC_PREPARE_BUF imports a dma-buf, the driver empties the string before
 * the import.
 */
#define V4L2_CID_CMACAM_LAST_ERROR	(V4L2_CID_CMACAM_BASE + 1)
/**
 * define V4L2_CID_CMACAM_LINKED - link the lores node with the capture node
 *
 * The control is a boolean of the lores node. It cannot be set while the lores
 * node streams. A linked lores node takes frames only together with the capture
 * node. While the capture node does not stream, the lores node waits. The n-th
 * buffer of the lores node and the n-th buffer of the capture node contain the
 * same frame, with the same sequence number and the same timestamp. If one of
 * the two nodes loses a frame, the other node loses this frame as well.
 */
#define V4L2_CID_CMACAM_LINKED		(V4L2_CID_CMACAM_BASE + 2)

#endif
