/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the cmacam driver share: the board, its nodes, its
 * formats.
 *
 * Lifetimes: struct cmacam_device is reference-counted by its v4l2_device.
 * Every open node holds a reference, so all of it outlives the hardware and
 * is freed in v4l2_device.release, after the last file is closed. Registers
 * are touched only by an engine that is started, and by the sensor while
 * &cmacam_sensor.gone is not set.
 */
#ifndef CMACAM_H
#define CMACAM_H

#include <linux/dma-fence.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
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
#define CMACAM_SIMPLE_CTRLS	16	/* at most */

struct dentry;

/**
 * struct cmacam_colours - what the values of a format mean
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
 * @bytes: per pixel in the first plane
 * @align: of a stride, bytes, a power of two: no sample or pair of samples may
 *	be split
 * @halves: size of all planes, in halves of the first one
 * @colours: what the values mean
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
 * @pdev: its struct device, which gives it a stable place in sysfs
 * @id: number of @pdev
 * @regs: register block of the board
 * @pad: the source
 * @handler: controls; its lock is also that of the active state
 * @array: all pixels
 * @pixel_rate: pixels per second
 * @line_length: pixels per line, blanking included
 * @exposure_margin: lines by which exposure stays below the frame length
 * @default_exposure: lines; the exposure control's own default is less while
 *	the frame is too short for it
 * @vblank: control
 * @exposure: master of a cluster with those that follow
 * @gain: control
 * @pattern: control
 * @hflip: control
 * @vflip: control
 * @simple: controls, in the order of their table in sensor.c
 * @asked: the last interval that was set as such; guarded by the handler's lock
 * @holds: reasons why the board may not sample its registers now; guarded by
 *	the handler's lock
 * @gone: the registers are no longer there; guarded by the handler's lock
 * @users_lock: guards @users
 * @users: nodes that stream
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
 * struct cmacam_allocator - where the memory of the frames comes from
 * @name: value of the module parameter
 * @mem_ops: its operations
 * @flags: V4L2_MEMORY_FLAG_* that every allocation gets, asked for or not
 */
struct cmacam_allocator {
	const char *name;
	const struct vb2_mem_ops *mem_ops;
	u8 flags;
};

/**
 * struct cmacam_buffer - a buffer of a node that a channel fills
 * @vb: the buffer
 * @list: entry among the node's pending or active ones
 * @waiting: a device still uses it; changed with &cmacam_engine.lock held once
 *	it is in a list
 * @signalled: the fence has; set in any context
 * @told: that it is late was reported
 * @since: when it was queued, jiffies
 * @fence: what it waits for, referenced
 * @fence_cb: at that fence
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

/**
 * struct cmacam_video - a node that a channel of the engine fills
 * @cam: the board
 * @channel: the channel
 * @vdev: the node
 * @pad: the sink
 * @queue: its buffers
 * @lock: serialises ioctls and the queue
 * @handler: controls
 * @frames_lost: control
 * @last_error: control
 * @linked: control, of the lores node only
 * @has_error: the control is not empty
 * @pix: current format; of the statistics node only its sizeimage
 * @code: the same as CMACAM_FMT_*
 * @pending: buffers that the engine has no room for yet, or must not have yet,
 *	in the order of QBUF; &engine.lock
 * @active: buffers whose address the engine has, in that order; &engine.lock
 * @frames: delivered since streaming began; &engine.lock
 * @errors: those of them that are corrupted; &engine.lock
 * @lost: missing since streaming began; &engine.lock
 * @fences: hands buffers to the engine that no other device uses any more
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
	struct delayed_work fences;
};

/**
 * struct cmacam_meta - the metadata node
 * @vdev: the node
 * @pad: the sink
 * @queue: its buffers
 * @lock: serialises ioctls and the queue
 * @slock: guards what follows
 * @pending: buffers to fill
 * @last: timestamp of the frame whose record was the last, ns
 * @lost: records that found no buffer
 */
struct cmacam_meta {
	struct video_device vdev;
	struct media_pad pad;
	struct vb2_queue queue;
	struct mutex lock; /* see the kernel-doc above */
	spinlock_t slock; /* see the kernel-doc above */
	struct list_head pending;
	u64 last;
	u32 lost;
};

/**
 * struct cmacam_device - one board
 * @dev: the bus device
 * @mdev: media device
 * @v4l2_dev: holds the reference count of this structure
 * @pipe: the one pipeline
 * @engine: DMA engine
 * @sensor: sensor
 * @video: the nodes that the engine's channels fill, by CMACAM_CH_*; those
 *	beyond &cmacam_engine.num_channels do not exist
 * @meta: metadata node
 * @debugfs: folder with the statistics
 * @retire: takes the nodes away when the board is found to be gone
 * @retired: that is done
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
struct cmacam_device *cmacam_create(struct device *dev,
				    const struct cmacam_engine_ops *ops,
				    void __iomem *regs, int irq,
				    void (*isolate)(struct device *));
void cmacam_destroy(struct cmacam_device *cam);

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

/* video.c: the nodes that the engine fills */
int cmacam_video_register(struct cmacam_device *cam, unsigned int channel);

/* video-pending.c: buffers that the engine does not have yet */
void cmacam_pending_init(struct cmacam_video *video);
void cmacam_pending_add(struct vb2_buffer *vb);
void cmacam_pending_refill(struct cmacam_channel *ch);
void cmacam_pending_stop(struct cmacam_video *video);

/* video-sizes.c: what they enumerate */
void cmacam_video_raise_size(const struct cmacam_video *video,
			     struct v4l2_pix_format *pix);
int cmacam_video_enum_framesizes(struct file *file, void *priv,
				 struct v4l2_frmsizeenum *fsize);
int cmacam_video_enum_frameintervals(struct file *file, void *priv,
				     struct v4l2_frmivalenum *ival);

/* video-node.c: what the nodes have in common */
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

/* video-queue.c: their buffers */
int cmacam_video_queue_init(struct cmacam_video *video, u32 type);
void cmacam_video_suspend(struct cmacam_video *video);
int cmacam_video_resume(struct cmacam_video *video);
extern const struct cmacam_engine_client cmacam_video_client;

/* meta.c */
int cmacam_meta_register(struct cmacam_device *cam);
void cmacam_meta_complete(struct cmacam_device *cam,
			  const struct cmacam_frame *frame);
int cmacam_meta_enum(struct v4l2_fmtdesc *f, u32 format,
		     const char *description);
extern const struct v4l2_file_operations cmacam_meta_fops;

/* events.c */
int cmacam_subscribe_event(struct v4l2_fh *fh,
			   const struct v4l2_event_subscription *sub);
int cmacam_sensor_subscribe_event(struct v4l2_subdev *sd, struct v4l2_fh *fh,
				  struct v4l2_event_subscription *sub);
void cmacam_event_lost(struct cmacam_video *video, u32 first, u32 count);
void cmacam_event_frame_start(struct cmacam_video *video, u32 sequence);

#endif
