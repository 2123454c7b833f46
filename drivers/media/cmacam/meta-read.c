// SPDX-License-Identifier: GPL-2.0-only
/*
 * read() and poll() of the metadata node. The driver keeps the newest records
 * in a ring. Each open file has its own place in the ring, as it has on input
 * devices.
 */
#include <linux/cleanup.h>
#include <linux/cmacam.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "../compat.h"
#include "cmacam.h"

/**
 * struct meta_file - an open file of the metadata node
 * @fh: the file as V4L2 knows it; the first member, because v4l2_fh_release()
 *	frees the memory at this address
 * @next: number of the record that the file reads next; guarded by
 *	&cmacam_meta.slock
 * @plain: number of calls of read() without room for statistics since the last
 *	one with room; guarded by &cmacam_meta.slock
 * @stats: use of the statistics by this file
 * @lock: held while a read() of this file uses @data
 * @data: what read() copies to the program
 */
struct meta_file {
	struct v4l2_fh fh;
	u32 next;
	unsigned int plain;
	struct cmacam_feed_user stats;
	struct mutex lock; /* see the kernel-doc above */
	struct cmacam_frame_data data;
};

static struct meta_file *to_meta_file(struct file *file)
{
	struct v4l2_fh *fh = file->private_data;

	return container_of(fh, struct meta_file, fh);
}

/*
 * Only ioctls of a file make that file the owner. So the answer changes
 * meanwhile only if the program itself calls them at the same time.
 */
static bool owns_queue(struct cmacam_meta *meta, struct file *file)
{
	return READ_ONCE(meta->queue.owner) == file->private_data;
}

static bool has_record(struct cmacam_meta *meta, struct meta_file *mf)
{
	guard(spinlock_irqsave)(&meta->slock);

	return mf->next != meta->written;
}

static bool is_gone(struct cmacam_meta *meta)
{
	return !video_is_registered(&meta->vdev);
}

static int take_record(struct cmacam_meta *meta, struct meta_file *mf,
		       struct cmacam_frame_meta *record)
{
	u32 overrun = 0;

	guard(spinlock_irqsave)(&meta->slock);

	if (mf->next == meta->written)
		return -EAGAIN;

	if (meta->written - mf->next > CMACAM_META_RECORDS)
		overrun = meta->written - mf->next - CMACAM_META_RECORDS;
	mf->next += overrun;
	*record = meta->ring[mf->next++ % CMACAM_META_RECORDS];
	record->overrun = overrun;

	return 0;
}

/* Statistics cost DMA, so a file that no longer asks for them loses them. */
static int follow_stats(struct cmacam_device *cam, struct meta_file *mf,
			bool wanted)
{
	bool enough;

	scoped_guard(spinlock_irqsave, &cam->meta.slock) {
		mf->plain = wanted ? 0 : mf->plain + 1;
		enough = mf->plain >= CMACAM_STATS_READS;
	}

	if (wanted)
		return cmacam_feed_use(cam, &mf->stats);
	if (enough)
		cmacam_feed_drop(cam, &mf->stats);

	return 0;
}

/*
 * A page fault can take any time, so user memory is written with the lock of
 * this file only. The record is taken before the statistics: the statistics of
 * its frame, which were finished before the record, are there by then.
 */
static ssize_t read_now(struct cmacam_device *cam, struct meta_file *mf,
			char __user *to, bool stats)
{
	struct cmacam_frame_data *data = &mf->data;
	size_t size = sizeof(data->meta);
	int ret;

	ret = mutex_lock_interruptible(&mf->lock);
	if (ret)
		return ret;

	ret = take_record(&cam->meta, mf, &data->meta);
	if (ret)
		goto out;

	if (stats && cmacam_feed_read(cam, &mf->stats, &data->stats)) {
		data->meta.flags |= CMACAM_META_FLAG_STATS;
		size = sizeof(*data);
	}
	if (copy_to_user(to, data, size))
		ret = -EFAULT;

out:
	mutex_unlock(&mf->lock);

	return ret ?: size;
}

/**
 * cmacam_meta_read() - read a record, as in &struct v4l2_file_operations
 * @file: the file
 * @data: memory of the program
 * @count: size of this memory, bytes
 * @pos: ignored
 *
 * Return: number of bytes, or one of the errors that
 * &V4L2_META_FMT_CMACAM documents
 */
ssize_t cmacam_meta_read(struct file *file, char __user *data, size_t count,
			 loff_t *pos)
{
	bool stats = count >= sizeof(struct cmacam_frame_data);
	struct cmacam_device *cam = video_drvdata(file);
	struct cmacam_meta *meta = &cam->meta;
	struct meta_file *mf = to_meta_file(file);
	ssize_t ret;

	if (owns_queue(meta, file))
		return -EBUSY;
	if (count < sizeof(struct cmacam_frame_meta))
		return -EINVAL;

	ret = follow_stats(cam, mf, stats);
	if (ret)
		return ret;

	for (;;) {
		ret = read_now(cam, mf, data, stats);
		if (ret != -EAGAIN || file->f_flags & O_NONBLOCK)
			return ret;

		ret = wait_event_interruptible(meta->readable,
					       has_record(meta, mf) ||
					       is_gone(meta));
		if (ret)
			return ret;
		if (is_gone(meta))
			return -ENODEV;
	}
}

/**
 * cmacam_meta_poll() - wait for a record or for a buffer, as in &struct
 *	v4l2_file_operations
 * @file: the file; if it has buffers, it waits for a buffer
 * @wait: table of what the program waits for
 *
 * Return: EPOLL*
 */
__poll_t cmacam_meta_poll(struct file *file, poll_table *wait)
{
	struct cmacam_device *cam = video_drvdata(file);
	struct cmacam_meta *meta = &cam->meta;

	if (owns_queue(meta, file))
		return vb2_fop_poll(file, wait);

	poll_wait(file, &meta->readable, wait);

	return has_record(meta, to_meta_file(file)) ? EPOLLIN | EPOLLRDNORM : 0;
}

/**
 * cmacam_meta_open() - open the node, as in &struct v4l2_file_operations
 * @file: the file, whose first record is the next one
 *
 * Return: 0 or -ENOMEM
 */
int cmacam_meta_open(struct file *file)
{
	struct cmacam_device *cam = video_drvdata(file);
	struct meta_file *mf = kzalloc_obj(*mf);

	if (!mf)
		return -ENOMEM;

	mutex_init(&mf->lock);
	scoped_guard(spinlock_irqsave, &cam->meta.slock)
		mf->next = cam->meta.written;

	v4l2_fh_init(&mf->fh, video_devdata(file));
	v4l2_fh_add(&mf->fh, file);

	return 0;
}

/**
 * cmacam_meta_release() - close the node, as in &struct v4l2_file_operations
 * @file: the file
 *
 * Return: 0
 */
int cmacam_meta_release(struct file *file)
{
	cmacam_feed_drop(video_drvdata(file), &to_meta_file(file)->stats);

	return vb2_fop_release(file);
}
