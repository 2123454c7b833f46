/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues of other drivers get the memory of vb2-cma.
 */
#ifndef VB2_CMA_ADOPT_H
#define VB2_CMA_ADOPT_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/types.h>

#include <media/v4l2-dev.h>
#include <media/videobuf2-core.h>

struct adopt_device;
struct device;

/**
 * enum adopt_mode - what writes the frames
 * @ADOPT_DEFAULT: what the table of drivers in nodes.c says
 * @ADOPT_DMA: a DMA engine
 * @ADOPT_CPU: the driver, by the CPU; no engine sees the memory
 */
enum adopt_mode {
	ADOPT_DEFAULT,
	ADOPT_DMA,
	ADOPT_CPU,
};

/**
 * struct adopt_queue - a queue that is adopted
 * @entry: entry in the list of the queues whose nodes are unregistered
 * @vdev: its video node
 * @q: the queue
 * @mode: what writes the frames
 * @device: the device that does the DMA; NULL in mode ADOPT_CPU
 * @stock_ops: operations of the driver
 * @stock_mem_ops: memory operations that the driver chose
 * @stock_io_modes: ways to get at frames that the driver offers
 * @ops: copy of @stock_ops, with a buf_finish of this module
 * @mem_ops: copy of the memory operations of vb2-cma, with checks
 * @lock: guards @gone
 * @gone: true if the node is unregistered; nothing is allocated any more
 * @faulty: 1 if the driver does what does not fit @mode, which was said
 * @release: release callback of @vdev, if this module replaced it
 * @name: name of the node, which messages need when the node is gone
 */
struct adopt_queue {
	struct list_head entry;
	struct video_device *vdev;
	struct vb2_queue *q;
	enum adopt_mode mode;
	struct adopt_device *device;
	const struct vb2_ops *stock_ops;
	const struct vb2_mem_ops *stock_mem_ops;
	unsigned int stock_io_modes;
	const struct vb2_ops *ops;
	struct vb2_mem_ops mem_ops;
	struct mutex lock; /* see the kernel-doc above */
	bool gone;
	atomic_t faulty;
	void (*release)(struct video_device *vdev);
	char name[32];
};

/* main.c */
extern struct mutex adopt_lock;
bool adopt_module_get(void);
void adopt_module_put(void);

/* nodes.c */
int adopt_nodes_start(void);
void adopt_nodes_stop(void);

/* class.c */
const struct class *adopt_find_class(void);

/* queue.c */
struct adopt_queue *adopt_queue(struct video_device *vdev,
				enum adopt_mode mode, bool registered);
int adopt_undo(struct adopt_queue *a);
void adopt_forsake(struct adopt_queue *a);

/* device.c */
struct adopt_device *adopt_device_get(struct device *dev,
				      struct video_device *vdev);
bool adopt_device_is_last(const struct adopt_device *d);
void adopt_device_put(struct adopt_device *d, struct video_device *vdev);

/* report.c */
__printf(2, 3) int adopt_refuse(int error, const char *format, ...);
__printf(2, 3) void adopt_fault(const char *name, const char *format, ...);

#endif
