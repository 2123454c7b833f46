// SPDX-License-Identifier: GPL-2.0-only
/*
 * What there is to see in debugfs, vb2-cma/: one line per thing, key=value
 * words, the same whether a person reads it or a program.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "backend.h"
#include "vcma-buf.h"

static struct dentry *debugfs_dir;

static const char *const owner_names[] = {
	[VCMA_CPU] = "cpu",
	[VCMA_DEVICE] = "device",
	[VCMA_STALE] = "stale",
};

static void show_stats(struct seq_file *file, const struct vcma_stats *stats)
{
	seq_printf(file,
		   " cpu_bytes=%llu cpu_syncs=%llu device_bytes=%llu device_syncs=%llu skipped=%llu",
		   stats->cpu_bytes, stats->cpu_syncs, stats->device_bytes,
		   stats->device_syncs, stats->skipped);
}

/* Which pins of a mapping's pages succeed; see vcma_mmap(). */
static const char *pins_of(const struct vcma_buf *buf)
{
	if (buf->wc || buf->backend->mmap)
		return "none";
	if (buf->backend->longterm)
		return "any";
	return IS_ENABLED(CONFIG_FS_DAX) ? "short" : "short,no-fs-dax";
}

static void show_identity(struct seq_file *file, const struct vcma_buf *buf)
{
	seq_printf(file,
		   "id=%u backend=%s attribute=%s pins=%s size=%zu dma=%pad queue=\"%s\"",
		   buf->id, buf->backend->name, vcma_attribute_name(buf),
		   pins_of(buf), buf->size, &buf->dma_addr,
		   vcma_account_name(buf));
}

static unsigned int count_maps(const struct vcma_user *user)
{
	return user->maps[VCMA_NODE].vmas + user->maps[VCMA_DMABUF].vmas;
}

static void show_buf(struct vcma_buf *buf, void *data)
{
	unsigned int maps = 0;
	struct seq_file *file = data;
	struct vcma_user *user;

	guard(mutex)(&buf->lock);

	list_for_each_entry(user, &buf->users, list)
		maps += count_maps(user);

	show_identity(file, buf);
	seq_printf(file, " state=%s maps=%u vmaps=%u begins=%u importers=%u",
		   owner_names[READ_ONCE(buf->owner)],
		   maps + count_maps(&buf->unknown), buf->vmaps, buf->begins,
		   buf->importers);
	show_stats(file, &buf->stats);
	list_for_each_entry(user, &buf->users, list)
		seq_printf(file, " user=%d:%s%s", user->pid, user->comm,
			   READ_ONCE(user->written) ? ":writes" : "");
	seq_putc(file, '\n');
}

static int buffers_show(struct seq_file *file, void *unused)
{
	vcma_buf_for_each(show_buf, file);
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(buffers);

static void count_buf(struct vcma_buf *buf, void *data)
{
	unsigned int *count = data;

	(*count)++;
}

static void show_parked(struct vcma_buf *buf, void *data)
{
	show_identity(data, buf);
	seq_putc(data, '\n');
}

static int parked_show(struct seq_file *file, void *unused)
{
	unsigned int count = 0;

	vcma_park_for_each(count_buf, &count);
	seq_printf(file, "bytes=%zu buffers=%u\n", vcma_bytes_parked(), count);
	vcma_park_for_each(show_parked, file);

	return 0;
}

DEFINE_SHOW_ATTRIBUTE(parked);

static void show_account(const char *name, u64 allocs, u64 frees,
			 const struct vcma_stats *stats, void *data)
{
	seq_printf(data, "queue=\"%s\" allocs=%llu frees=%llu", name, allocs,
		   frees);
	show_stats(data, stats);
	seq_putc(data, '\n');
}

static int queues_show(struct seq_file *file, void *unused)
{
	vcma_account_for_each(show_account, file);
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(queues);

/**
 * vcma_debugfs_init() - make the folder
 */
void vcma_debugfs_init(void)
{
	debugfs_dir = debugfs_create_dir("vb2-cma", NULL);
	debugfs_create_file("buffers", 0444, debugfs_dir, NULL, &buffers_fops);
	debugfs_create_file("parked", 0444, debugfs_dir, NULL, &parked_fops);
	debugfs_create_file("queues", 0444, debugfs_dir, NULL, &queues_fops);
}

/**
 * vcma_debugfs_exit() - remove it, when nobody reads it any more
 */
void vcma_debugfs_exit(void)
{
	debugfs_remove_recursive(debugfs_dir);
}
