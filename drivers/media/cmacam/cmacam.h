/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Declarations that the files of the cmacam driver share: the board, its nodes
 * and its formats.
 *
 * Lifetimes: the v4l2_device in struct cmacam_device holds the reference count
 * of that structure. Every open node holds a reference, so the structure can
 * outlive the hardware. v4l2_device.release frees the structure after the last
 * file is closed. The engine accesses registers only between the operations
 * init and cleanup of &struct cmacam_engine_ops. The sensor accesses registers
 * only while &cmacam_sensor.gone is false.
 */
#ifndef CMACAM_H
#define CMACAM_H

#include <linux/dma-fence.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/poll.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <media/media-device.h>
#include <media/media-entity.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>
#include <media/v4l2-event.h>
#include <media/v4l2-subdev.h>
#include <media/videobuf2-v4l2.h>

#include "cmacam-regs.h"
#include "engine.h"
#include "vb2-cma.h"

#define CMACAM_NAME		"cmacam"
#define CMACAM_MBUS_CODE	MEDIA_BUS_FMT_SRGGB10_1X10
#define CMACAM_MIN_SIZE		16
#define CMACAM_SIZE_STEP	2
#define CMACAM_SIMPLE_CTRLS	16	/* maximum number */
#define CMACAM_FEED_BUFFERS	4

struct dentry;

/**
 * struct cmacam_colours - colour encoding of the values of a format
 * @space: V4L2_COLORSPACE_*
 * @encoding: V4L2_YCBCR_ENC_*
 * @quantization: V4L2_QUANTIZATION_*
 * @transfer: V4L2_XFER_FUNC_*
 */
struct cmacam_colours {
	u32 space;
	u32 encoding;
	u32 quantization;
	u32 transfer;
};

/**
 * struct cmacam_format - a pixel format that a channel can write
 * @fourcc: V4L2_PIX_FMT_*
 * @code: CMACAM_FMT_*
 * @bytes: bytes per pixel in the first plane
 * @align: alignment of a stride, bytes, a power of two; with this alignment, no
 *	sample and no group of samples is split at the end of a line
 * @halves: size of all planes, in halves of the size of the first plane
 * @colours: colour encoding of the values
 */
struct cmacam_format {
	u32 fourcc;
	u8 code;
	u8 bytes;
	u8 align;
	u8 halves;
	const struct cmacam_colours *colours;
};

/* formats.c */
int cmacam_formats_check_parameter(struct device *dev);
const struct cmacam_format *
cmacam_format_by_index(const struct cmacam_channel *ch, unsigned int index);
const struct cmacam_format *
cmacam_format_by_fourcc(const struct cmacam_channel *ch, u32 fourcc);
void cmacam_format_fill(const struct cmacam_channel *ch,
			const struct v4l2_rect *array,
			struct v4l2_pix_format *pix);
u32 cmacam_format_width_step(const struct cmacam_channel *ch,
			     const struct cmacam_format *format);
u32 cmacam_format_min_width(const struct cmacam_channel *ch,
			    const struct cmacam_format *format);
u32 cmacam_format_max_width(const struct cmacam_channel *ch,
			    const struct v4l2_rect *array,
			    const struct cmacam_format *format);
bool cmacam_format_is_packed(const struct cmacam_channel *ch,
			     const struct cmacam_format *format, u32 width);
bool cmacam_formats_usable(const struct cmacam_channel *ch,
			   const struct v4l2_rect *array);

/**
 * struct cmacam_sensor - the sensor subdev
 * @sd: the subdev
 * @pdev: parent device of the subdev, which gives the subdev a stable place in
 *	sysfs
 * @id: device number of @pdev
 * @regs: register block of the board
 * @pad: source pad of the subdev
 * @handler: control handler, whose lock also guards the active state of the
 *	subdev
 * @array: rectangle that contains all pixels of the sensor
 * @pixel_rate: pixels per second
 * @line_length: pixels per line, blanking included
 * @exposure_margin: minimum difference between the frame length and the
 *	exposure, lines
 * @default_exposure: default exposure, lines; while the frame is too short for
 *	this value, the default of the exposure control is lower
 * @vblank: control of the vertical blanking
 * @exposure: control of the exposure time; master of the cluster of all
 *	controls from @exposure to @simple
 * @gain: control of the analogue gain
 * @pattern: control of the test pattern
 * @hflip: control of the horizontal flip
 * @vflip: control of the vertical flip
 * @simple: other controls, in the order of the table sensor_controls
 * @asked: frame interval that cmacam_sensor_set_interval() set last; guarded by
 *	the lock of @handler
 * @holds: number of nested holds of the registers; while @holds is not zero,
 *	the board does not sample the sensor registers; guarded by the lock of
 *	@handler
 * @gone: true if the registers are no longer mapped; guarded by the lock of
 *	@handler
 * @users_lock: guards @users
 * @users: number of nodes that stream
 */
struct cmacam_sensor {
	struct v4l2_subdev sd;
	struct platform_device *pdev;
	int id;
	void __iomem *regs;
	struct media_pad pad;
	struct v4l2_ctrl_handler handler;
	struct v4l2_rect array;
	u32 pixel_rate;
	u32 line_length;
	u32 exposure_margin;
	u32 default_exposure;
	struct v4l2_ctrl *vblank;
	struct {
		struct v4l2_ctrl *exposure;
		struct v4l2_ctrl *gain;
		struct v4l2_ctrl *pattern;
		struct v4l2_ctrl *hflip;
		struct v4l2_ctrl *vflip;
		struct v4l2_ctrl *simple[CMACAM_SIMPLE_CTRLS];
	};
	struct v4l2_fract asked;
	unsigned int holds;
	bool gone;
	struct mutex users_lock; /* see the kernel-doc above */
	unsigned int users;
};

/**
 * struct cmacam_allocator - an allocator for the memory of the frames
 * @name: value of the module parameter that selects the allocator
 * @mem_ops: operations of the allocator
 * @flags: V4L2_MEMORY_FLAG_* that every allocation gets, even if user space did
 *	not request them
 */
struct cmacam_allocator {
	const char *name;
	const struct vb2_mem_ops *mem_ops;
	u8 flags;
};

/**
 * struct cmacam_buffer - a buffer of a &struct cmacam_video
 * @vb: the V4L2 buffer
 * @list: entry in &cmacam_video.pending or in &cmacam_video.active
 * @waiting: true while another device uses the buffer; while the buffer is in a
 *	list, @waiting changes only with &cmacam_engine.lock held
 * @signalled: true if @fence has signalled; can be set in any context
 * @told: true if the driver has reported that @fence is late
 * @since: time at which the buffer was queued, jiffies
 * @fence: fence that the buffer waits for, referenced
 * @fence_cb: callback that is added to @fence
 */
struct cmacam_buffer {
	struct vb2_v4l2_buffer vb;
	struct list_head list;
	bool waiting;
	bool signalled;
	bool told;
	unsigned long since;
	struct dma_fence *fence;
	struct dma_fence_cb fence_cb;
};

struct cmacam_device;
struct cmacam_feed;

/**
 * struct cmacam_video - a capture, lores or statistics node
 * @cam: the board
 * @channel: channel of the engine that fills the buffers of the node
 * @vdev: video device of the node
 * @pad: sink pad of the node
 * @queue: queue of the node's buffers
 * @lock: serialises ioctls and the queue
 * @handler: control handler of the node
 * @frames_lost: control V4L2_CID_CMACAM_FRAMES_LOST
 * @last_error: control V4L2_CID_CMACAM_LAST_ERROR
 * @linked: control V4L2_CID_CMACAM_LINKED, which only the lores node has
 * @has_error: true if the text of @last_error is not empty
 * @pix: current format; for the statistics node, only sizeimage is used
 * @code: current format as CMACAM_FMT_*
 * @pending: queued buffers whose address the engine does not have yet, in the
 *	order of VIDIOC_QBUF. Either the engine has no room for the address, or
 *	another device still uses the buffer. Guarded by &cmacam_engine.lock.
 * @active: buffers whose address the engine has, in the order in which the
 *	engine got the addresses; guarded by &cmacam_engine.lock
 * @frames: number of frames delivered since streaming began; guarded by
 *	&cmacam_engine.lock
 * @errors: number of corrupted frames among @frames; guarded by
 *	&cmacam_engine.lock
 * @lost: number of frames lost since streaming began; guarded by
 *	&cmacam_engine.lock
 * @feed: the feed of statistics, while it uses the channel of the statistics
 *	node in place of @queue, else NULL; changes only with @lock and with
 *	&cmacam_engine.lock held
 * @fences: work that gives a waiting buffer to the engine after the buffer's
 *	fence has signalled
 */
struct cmacam_video {
	struct cmacam_device *cam;
	struct cmacam_channel *channel;
	struct video_device vdev;
	struct media_pad pad;
	struct vb2_queue queue;
	struct mutex lock; /* see the kernel-doc above */
	struct v4l2_ctrl_handler handler;
	struct v4l2_ctrl *frames_lost;
	struct v4l2_ctrl *last_error;
	struct v4l2_ctrl *linked;
	bool has_error;
	struct v4l2_pix_format pix;
	u32 code;
	struct list_head pending;
	struct list_head active;
	u32 frames;
	u32 errors;
	u32 lost;
	struct cmacam_feed *feed;
	struct delayed_work fences;
};

/**
 * struct cmacam_meta - the metadata node
 * @vdev: video device of the node
 * @pad: sink pad of the node
 * @queue: queue of the node's buffers
 * @mem_ops: operations on the memory of the buffers
 * @lock: serialises ioctls and the queue
 * @slock: guards all members below
 * @pending: list of the queued buffers
 * @last: timestamp of the newest frame whose record was written or lost, ns
 * @lost: number of records that were lost while the node streamed, because no
 *	buffer was queued
 * @missed: number of these records since the last record that got a buffer
 * @ring: the newest records, for read(); record n is at n % CMACAM_META_RECORDS
 * @written: number of records that were written to @ring
 * @readable: queue of the readers that wait for a record
 */
struct cmacam_meta {
	struct video_device vdev;
	struct media_pad pad;
	struct vb2_queue queue;
	struct vb2_mem_ops mem_ops;
	struct mutex lock; /* see the kernel-doc above */
	spinlock_t slock; /* see the kernel-doc above */
	struct list_head pending;
	u64 last;
	u32 lost;
	u32 missed;
	struct cmacam_frame_meta ring[CMACAM_META_RECORDS];
	u32 written;
	wait_queue_head_t readable;
};

/**
 * struct cmacam_feed_buffer - a buffer of statistics
 * @list: entry in &cmacam_feed.idle or in &cmacam_feed.active
 * @data: address for the CPU
 * @addr: address for the engine
 * @with_cpu: true if the CPU may read @data
 */
struct cmacam_feed_buffer {
	struct list_head list;
	const void *data;
	dma_addr_t addr;
	bool with_cpu;
};

/**
 * struct cmacam_feed - statistics for read() of the metadata node
 * @users: number of files that get statistics; guarded by the lock of the
 *	statistics node
 * @failed: true if the channel will deliver no more statistics
 * @memory: memory of all buffers
 * @addr: address of @memory for the engine
 * @size: size of @memory, bytes
 * @buffers: the buffers
 * @idle: list of the buffers that neither the engine nor @newest has
 * @active: list of the buffers whose address the engine has, in the order in
 *	which the engine got the addresses
 * @newest: buffer with the newest statistics, or NULL
 * @timestamp: &cmacam_frame_meta.timestamp of the frame of @newest
 * @exposure: exposure of this frame, lines
 * @gain: gain of this frame, 1/256
 *
 * &cmacam_engine.lock guards all members from @idle on, and @failed. The feed
 * exists while &cmacam_video.feed of the statistics node is not NULL.
 */
struct cmacam_feed {
	unsigned int users;
	bool failed;
	void *memory;
	dma_addr_t addr;
	size_t size;
	struct cmacam_feed_buffer buffers[CMACAM_FEED_BUFFERS];
	struct list_head idle;
	struct list_head active;
	struct cmacam_feed_buffer *newest;
	u64 timestamp;
	u32 exposure;
	u32 gain;
};

/**
 * struct cmacam_feed_user - use of the statistics by a file
 * @counted: true if the file is one of &cmacam_feed.users; changes only with
 *	the lock of the statistics node held
 * @timestamp: &cmacam_feed.timestamp of the statistics that the file has read
 *	last; guarded by &cmacam_engine.lock
 */
struct cmacam_feed_user {
	bool counted;
	u64 timestamp;
};

/**
 * struct cmacam_device - one board
 * @dev: the bus device
 * @mdev: media device
 * @v4l2_dev: V4L2 device, which holds the reference count of this structure
 * @pipe: the only pipeline of the board
 * @engine: DMA engine of the board
 * @sensor: sensor of the board
 * @video: capture, lores and statistics nodes, indexed by CMACAM_CH_*; only the
 *	first &cmacam_engine.num_channels nodes exist
 * @meta: metadata node
 * @feed: statistics for read() of the metadata node
 * @graph_lock: held while nodes are registered and linked; guards
 *	@graph_complete
 * @graph_complete: true if all nodes were registered and linked
 * @debugfs: debugfs directory that contains the statistics file
 * @retire: work that unregisters the nodes when the board no longer answers
 * @retired: true if the nodes are unregistered
 */
struct cmacam_device {
	struct device *dev;

	struct media_device mdev;
	struct v4l2_device v4l2_dev;
	struct media_pipeline pipe;

	struct cmacam_engine engine;
	struct cmacam_sensor sensor;
	struct cmacam_video video[CMACAM_CH_COUNT];
	struct cmacam_meta meta;
	struct cmacam_feed feed;

	struct mutex graph_lock; /* see the kernel-doc above */
	bool graph_complete;

	struct dentry *debugfs;

	struct work_struct retire;
	bool retired;
};

static inline struct cmacam_buffer *cmacam_to_buffer(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct cmacam_buffer, vb);
}

static inline dma_addr_t cmacam_buffer_addr(struct cmacam_buffer *buf)
{
	return vb2_cma_plane_dma_addr(&buf->vb.vb2_buf, 0);
}

static inline struct cmacam_video *
cmacam_channel_video(struct cmacam_channel *ch)
{
	struct cmacam_device *cam =
		container_of(ch->engine, struct cmacam_device, engine);

	return &cam->video[ch->index];
}

/* core.c */
/*
 * DQBUF believes a program that says that it got the last frame, also if it got
 * none, and without STREAMOFF the next program would inherit this. There is no
 * last frame of a camera.
 */
static inline void cmacam_forget_last_frame(struct vb2_queue *q)
{
	vb2_clear_last_buffer_dequeued(q);
}

struct cmacam_device *cmacam_create(struct device *dev,
				    const struct cmacam_engine_ops *ops,
				    void __iomem *regs, int irq,
				    void (*isolate)(struct device *dev,
						    bool isolated));
void cmacam_destroy(struct cmacam_device *cam);
int cmacam_await_graph(struct cmacam_device *cam);

extern const struct dev_pm_ops cmacam_pm_ops;

/* sensor.c */
int cmacam_sensor_register(struct cmacam_device *cam);
void cmacam_sensor_unregister(struct cmacam_sensor *sensor);
void cmacam_sensor_free(struct cmacam_sensor *sensor);
void cmacam_sensor_get_interval(struct cmacam_sensor *sensor,
				struct v4l2_fract *interval);
int cmacam_sensor_set_interval(struct cmacam_sensor *sensor,
			       struct v4l2_fract *interval);
bool cmacam_sensor_meets_interval(struct cmacam_sensor *sensor,
				  const struct v4l2_fract *interval);
void cmacam_sensor_interval_range(struct cmacam_sensor *sensor,
				  struct v4l2_fract *min,
				  struct v4l2_fract *max);
int cmacam_sensor_start(struct cmacam_sensor *sensor);
void cmacam_sensor_stop(struct cmacam_sensor *sensor);
int cmacam_sensor_restore(struct cmacam_sensor *sensor);

/* video.c: capture, lores and statistics nodes */
int cmacam_video_register(struct cmacam_device *cam, unsigned int channel);

/* video-pending.c: buffers whose address the engine does not have yet */
void cmacam_pending_init(struct cmacam_video *video);
void cmacam_pending_add(struct vb2_buffer *vb);
void cmacam_pending_refill(struct cmacam_channel *ch);
void cmacam_pending_stop(struct cmacam_video *video);

/* video-sizes.c: frame sizes and frame intervals that the nodes enumerate */
void cmacam_video_raise_size(const struct cmacam_video *video,
			     struct v4l2_pix_format *pix);
int cmacam_video_enum_framesizes(struct file *file, void *priv,
				 struct v4l2_frmsizeenum *fsize);
int cmacam_video_enum_frameintervals(struct file *file, void *priv,
				     struct v4l2_frmivalenum *ival);

/* video-node.c: functions that all nodes share */
int cmacam_allocator_check_parameter(struct device *dev);
const struct cmacam_allocator *cmacam_allocator(void);
int cmacam_register_node(struct cmacam_device *cam, struct video_device *vdev,
			 struct media_pad *pad);
struct cmacam_video *cmacam_file_video(struct file *file);
bool cmacam_video_leads(const struct cmacam_video *video);
void cmacam_video_init(struct cmacam_device *cam, unsigned int channel);
int cmacam_video_register_node(struct cmacam_video *video, const char *name);
void cmacam_video_free(struct cmacam_video *video);
__printf(2, 3)
void cmacam_video_error(struct cmacam_video *video, const char *format, ...);
int cmacam_video_querycap(struct file *file, void *priv,
			  struct v4l2_capability *cap);
int cmacam_video_reqbufs(struct file *file, void *priv,
			 struct v4l2_requestbuffers *p);
int cmacam_video_create_bufs(struct file *file, void *priv,
			     struct v4l2_create_buffers *p);
int cmacam_video_qbuf(struct file *file, void *priv, struct v4l2_buffer *b);
int cmacam_video_prepare_buf(struct file *file, void *priv,
			     struct v4l2_buffer *b);
ssize_t cmacam_video_read(struct file *file, char __user *data, size_t count,
			  loff_t *pos);

/* video-queue.c: buffer queues of the nodes */
int cmacam_video_queue_init(struct cmacam_video *video, u32 type);
int cmacam_video_await(struct cmacam_video *video);
int cmacam_video_run(struct cmacam_video *video);
void cmacam_video_halt(struct cmacam_video *video);
void cmacam_video_suspend(struct cmacam_video *video);
int cmacam_video_resume(struct cmacam_video *video);
extern const struct cmacam_engine_client cmacam_video_client;

/* meta.c */
void cmacam_meta_init(struct cmacam_meta *meta);
int cmacam_meta_register(struct cmacam_device *cam);
void cmacam_meta_unregister(struct cmacam_meta *meta);
void cmacam_meta_complete(struct cmacam_device *cam,
			  struct cmacam_frame_meta *record);
int cmacam_meta_enum(struct v4l2_fmtdesc *f, u32 format,
		     const char *description);

/* meta-read.c: records by read() */
int cmacam_meta_open(struct file *file);
int cmacam_meta_release(struct file *file);
ssize_t cmacam_meta_read(struct file *file, char __user *data, size_t count,
			 loff_t *pos);
__poll_t cmacam_meta_poll(struct file *file, poll_table *wait);

/* stats-feed.c: statistics by read() */
void cmacam_feed_refill(struct cmacam_video *video);
unsigned int cmacam_feed_done(struct cmacam_video *video,
			      const struct cmacam_frame *frame);
void cmacam_feed_reset(struct cmacam_video *video);
int cmacam_feed_use(struct cmacam_device *cam, struct cmacam_feed_user *user);
void cmacam_feed_drop(struct cmacam_device *cam,
		      struct cmacam_feed_user *user);
void cmacam_feed_end(struct cmacam_device *cam);
bool cmacam_feed_read(struct cmacam_device *cam, struct cmacam_feed_user *user,
		      struct cmacam_frame_stats *to);

/* events.c */
int cmacam_subscribe_event(struct v4l2_fh *fh,
			   const struct v4l2_event_subscription *sub);
int cmacam_sensor_subscribe_event(struct v4l2_subdev *sd, struct v4l2_fh *fh,
				  struct v4l2_event_subscription *sub);
void cmacam_event_lost(struct cmacam_video *video, u32 first, u32 count);
void cmacam_event_frame_start(struct cmacam_video *video, u32 sequence);

#endif
