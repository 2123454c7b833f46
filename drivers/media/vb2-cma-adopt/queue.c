// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exchange of a queue's operations, and what the new ones do.
 *
 * A queue that is not busy has no buffer, so nothing of the old operations is
 * in use. No driver compares its operations, and the DMA address is behind the
 * cookie of both allocators in the same way.
 */
#include <linux/atomic.h>
#include <linux/container_of.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include <media/videobuf2-dma-contig.h>

#include "adopt.h"
#include "vb2-cma.h"

/* For how long a call of a program may keep the lock of a queue. */
#define LOCK_MS		1000

/* Queues whose nodes were unregistered while they had buffers */
static LIST_HEAD(gone_queues);

/* -----------------------------------------------------------------------------
 * The operations of an adopted queue
 */

static struct adopt_queue *from_mem_ops(const struct vb2_buffer *vb)
{
	return container_of(vb->vb2_queue->mem_ops, struct adopt_queue,
			    mem_ops);
}

static void adopted_buf_finish(struct vb2_buffer *vb)
{
	struct adopt_queue *a = from_mem_ops(vb);

	/* First: the driver may look at the frame. */
	if (a->mode == ADOPT_CPU)
		vb2_cma_cpu_buf_finish(vb);
	else
		vb2_cma_buf_finish(vb);
	if (a->stock_ops->buf_finish)
		a->stock_ops->buf_finish(vb);
}

static int refuse_device(const struct adopt_queue *a, struct device *dev)
{
	return adopt_refuse(-EOPNOTSUPP,
			    "%s: the driver allocates a plane for the device %s, which is not the device of the queue",
			    a->name, dev_name(dev));
}

/*
 * Only the device of the queue is known to lose its mappings in time. Drivers
 * of codecs have others as well; see alloc_devs of struct vb2_queue.
 */
static void *adopted_alloc(struct vb2_buffer *vb, struct device *dev,
			   unsigned long size)
{
	struct adopt_queue *a = from_mem_ops(vb);
	char text[VB2_CMA_TEXT];
	void *mem;

	guard(mutex)(&a->lock);

	/* The device may have lost its driver, or be about to. */
	if (a->gone)
		return ERR_PTR(-ENODEV);
	if (dev != a->q->dev)
		return ERR_PTR(refuse_device(a, dev));

	mem = vb2_cma_memops.alloc(vb, dev, size);
	if (mem == ERR_PTR(-ENOMEM)) {
		vb2_cma_explain_alloc(text, sizeof(text), size, 1, 0);
		adopt_refuse(-ENOMEM, "%s: %s", a->name, text);
	}

	return mem;
}

/* The program that streams gets an error, which it gets for no frame. */
static bool is_first_fault(struct adopt_queue *a)
{
	vb2_queue_error(a->q);

	return !atomic_xchg(&a->faulty, 1);
}

/* videobuf2 asks for the address as well, to copy frames for read(). */
static bool is_drivers_call(const struct vb2_buffer *vb)
{
	switch (vb->state) {
	case VB2_BUF_STATE_PREPARING:
	case VB2_BUF_STATE_ACTIVE:
		return true;
	case VB2_BUF_STATE_DEQUEUED:
		return !vb2_fileio_is_active(vb->vb2_queue);
	default:
		return false;
	}
}

/*
 * What a driver writes by the CPU would be dropped when the frame is made valid
 * for the CPU, as if a DMA engine had written it. The address is valid all the
 * same, because drivers do not check it.
 */
static void *adopted_vaddr(struct vb2_buffer *vb, void *buf_priv)
{
	struct adopt_queue *a = from_mem_ops(vb);

	if (is_drivers_call(vb) && is_first_fault(a))
		adopt_fault(a->name,
			    "the driver asks for the kernel's address of a frame, so it writes frames by the CPU: write -%s and then '%s cpu'",
			    a->name, a->name);

	return vb2_cma_memops.vaddr(vb, buf_priv);
}

static void *adopted_cookie(struct vb2_buffer *vb, void *buf_priv)
{
	struct adopt_queue *a = from_mem_ops(vb);

	if (is_first_fault(a))
		adopt_fault(a->name,
			    "the driver asks for a DMA address, so a DMA engine writes the frames: write -%s and then '%s dma'",
			    a->name, a->name);

	return vb2_cma_cpu_memops.cookie(vb, buf_priv);
}

/* -----------------------------------------------------------------------------
 * The exchange
 */

/* Not without a limit: the holder may wait for adopt_lock. */
static bool lock_queue(struct vb2_queue *q)
{
	unsigned long end = jiffies + msecs_to_jiffies(LOCK_MS);

	while (!mutex_trylock(q->lock)) {
		if (time_after(jiffies, end))
			return false;
		usleep_range(1000, 2000);
	}

	return true;
}

/* A program may wait for a frame of a queue whose buffers another one freed. */
static bool is_in_use(struct vb2_queue *q)
{
	return vb2_is_busy(q) || q->waiting_in_dqbuf;
}

static int refuse_busy(const char *name)
{
	return adopt_refuse(-EBUSY,
			    "%s: the queue is busy: it has buffers, or a program streams: end that program first",
			    name);
}

static int check(struct video_device *vdev, const char *name)
{
	struct vb2_queue *q = vdev->queue;

	if (!q)
		return adopt_refuse(-EOPNOTSUPP,
				    "%s: the node does not name its queue, as those of codecs, or does not use videobuf2",
				    name);
	if (q->type != V4L2_BUF_TYPE_VIDEO_CAPTURE &&
	    q->type != V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE)
		return adopt_refuse(-EOPNOTSUPP,
				    "%s: the queue does not capture video",
				    name);
	if (q->mem_ops != &vb2_dma_contig_memops)
		return adopt_refuse(-EOPNOTSUPP,
				    "%s: the driver does not use vb2_dma_contig_memops",
				    name);
	/* Before Linux 7.2, a queue may have neither. */
	if (!q->lock || !q->dev)
		return adopt_refuse(-EOPNOTSUPP,
				    "%s: the queue has no lock, or no device",
				    name);

	return 0;
}

/* A copy of the operations of a driver, with another buf_finish. */
static const struct vb2_ops *wrap(const struct vb2_ops *stock)
{
	typeof(adopted_buf_finish) **buf_finish;
	void *copy;

	copy = kmemdup(stock, sizeof(*stock), GFP_KERNEL);
	if (!copy)
		return NULL;
	buf_finish = copy + offsetof(typeof(*stock), buf_finish);
	*buf_finish = adopted_buf_finish;

	return copy;
}

static int exchange(struct adopt_queue *a)
{
	a->stock_ops = a->q->ops;
	a->stock_mem_ops = a->q->mem_ops;
	a->stock_io_modes = a->q->io_modes;

	a->ops = wrap(a->stock_ops);
	if (!a->ops)
		return -ENOMEM;
	if (a->mode == ADOPT_CPU) {
		a->mem_ops = vb2_cma_cpu_memops;
		a->mem_ops.cookie = adopted_cookie;
	} else {
		a->mem_ops = vb2_cma_memops;
		a->mem_ops.alloc = adopted_alloc;
		a->mem_ops.vaddr = adopted_vaddr;
	}

	a->q->ops = a->ops;
	a->q->mem_ops = &a->mem_ops;
	/* Or the queue would offer what it cannot do. */
	a->q->io_modes &= ~VB2_USERPTR;

	return 0;
}

/* A driver may have made the queue anew, and so have undone it itself. */
static void restore(struct adopt_queue *a)
{
	if (a->q->ops == a->ops)
		a->q->ops = a->stock_ops;
	if (a->q->mem_ops != &a->mem_ops)
		return;
	a->q->mem_ops = a->stock_mem_ops;
	a->q->io_modes |= a->stock_io_modes & VB2_USERPTR;
}

/* The queue has its own operations. The node is given if it is registered. */
static void free_queue(struct adopt_queue *a, struct video_device *vdev)
{
	if (a->device)
		adopt_device_put(a->device, vdev);
	mutex_destroy(&a->lock);
	kfree(a->ops);
	kfree(a);
	adopt_module_put();
}

/**
 * adopt_queue() - give a queue the memory of vb2-cma
 * @vdev: the node of the queue
 * @mode: ADOPT_DMA or ADOPT_CPU
 * @registered: the node may be open already. If it is not, the caller is the
 *	registration of the node, whose driver may hold the lock of the queue.
 *
 * The caller holds adopt_lock.
 *
 * Return: the adopted queue, which holds this module; an error pointer if it is
 * refused, and that was said
 */
struct adopt_queue *adopt_queue(struct video_device *vdev,
				enum adopt_mode mode, bool registered)
{
	const char *name = video_device_node_name(vdev);
	struct adopt_queue *a;
	int ret;

	lockdep_assert_held(&adopt_lock);

	ret = check(vdev, name);
	if (ret)
		return ERR_PTR(ret);

	a = kzalloc_obj(*a);
	if (!a)
		return ERR_PTR(-ENOMEM);
	if (!adopt_module_get()) {
		kfree(a);
		return ERR_PTR(-ENODEV);
	}
	a->vdev = vdev;
	a->q = vdev->queue;
	a->mode = mode;
	mutex_init(&a->lock);
	strscpy(a->name, name);

	if (mode == ADOPT_DMA) {
		a->device = adopt_device_get(a->q->dev, vdev);
		if (IS_ERR(a->device)) {
			ret = PTR_ERR(a->device);
			a->device = NULL;
			goto err_free;
		}
	}

	if (registered && !lock_queue(a->q)) {
		ret = refuse_busy(name);
		goto err_free;
	}
	ret = is_in_use(a->q) ? refuse_busy(name) : exchange(a);
	if (registered)
		mutex_unlock(a->q->lock);
	if (ret)
		goto err_free;

	return a;

err_free:
	free_queue(a, vdev);
	return ERR_PTR(ret);
}

/**
 * adopt_undo() - give a queue its own memory operations back
 * @a: an adopted queue, whose node is registered; freed by this
 *
 * The caller holds adopt_lock.
 *
 * Return: 0; -EBUSY if the queue is busy, or if its last buffers are still in
 * use, and that was said
 */
int adopt_undo(struct adopt_queue *a)
{
	struct vb2_queue *q = a->q;
	int ret = 0;

	lockdep_assert_held(&adopt_lock);

	if (!lock_queue(q))
		return refuse_busy(a->name);
	if (is_in_use(q))
		ret = refuse_busy(a->name);
	else if (a->device && adopt_device_is_last(a->device) &&
		 vb2_cma_device_in_use(q->dev))
		ret = adopt_refuse(-EBUSY,
				   "%s: a program still has frames of the device %s: end that program first",
				   a->name, dev_name(q->dev));
	else
		restore(a);
	mutex_unlock(q->lock);
	if (!ret)
		free_queue(a, a->vdev);

	return ret;
}

/*
 * The last file of a node is closed, which was unregistered before. The driver
 * may free its buffers only in its own callback.
 */
static void release_node(struct video_device *vdev)
{
	void (*release)(struct video_device *vdev) = NULL;
	struct adopt_queue *a, *found = NULL;

	scoped_guard(mutex, &adopt_lock) {
		list_for_each_entry(a, &gone_queues, entry)
			if (a->vdev == vdev)
				found = a;
		if (WARN_ON(!found))
			return;
		list_del(&found->entry);
		release = found->release;
		vdev->release = release;
		if (!is_in_use(found->q))
			restore(found);
	}

	release(vdev);

	guard(mutex)(&adopt_lock);
	free_queue(found, NULL);
}

/**
 * adopt_forsake() - the node of an adopted queue is being unregistered
 * @a: the adopted queue; belongs to this function
 *
 * Programs may have the node open still, and keep buffers in its queue. Then
 * the operations stay until the last file is closed. There must be no reference
 * to the node until then: its release callback may be in the driver's module,
 * which would be gone.
 *
 * The caller holds adopt_lock.
 */
void adopt_forsake(struct adopt_queue *a)
{
	struct video_device *vdev = a->vdev;

	lockdep_assert_held(&adopt_lock);

	scoped_guard(mutex, &a->lock)
		a->gone = true;

	if (lock_queue(a->q)) {
		bool in_use = is_in_use(a->q);

		if (!in_use)
			restore(a);
		mutex_unlock(a->q->lock);
		if (!in_use) {
			free_queue(a, vdev);
			return;
		}
	}

	a->release = vdev->release;
	vdev->release = release_node;
	list_add(&a->entry, &gone_queues);
}
