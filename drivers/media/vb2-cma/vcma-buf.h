/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cacheable, physically contiguous buffer shared by one DMA engine, the CPU
 * and importers. It knows nothing of videobuf2 or of cameras.
 */
#ifndef VCMA_BUF_H
#define VCMA_BUF_H

#include <linux/dma-direction.h>
#include <linux/dma-resv.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct cma;
struct vcma_backend;
struct vcma_buf;
struct vcma_account;
struct device;
struct dma_buf;
struct dma_buf_attachment;
struct mm_struct;
struct page;
struct sg_table;
struct vm_area_struct;

/**
 * enum vcma_owner - whose view of the memory is the true one
 * @VCMA_CPU: the CPU may read and write; caches may be dirty
 * @VCMA_DEVICE: handed to the engine; the CPU must keep off
 * @VCMA_STALE: the engine is done, the caches were not invalidated yet
 *
 * CPU -> DEVICE and STALE -> CPU happen in process context under
 * &vcma_buf.lock. DEVICE -> STALE happens without it, possibly in a hard
 * interrupt. It can also happen in the other two states, if a buffer was
 * queued twice; so STALE is claimed by an atomic exchange before anything is
 * done about it, and a completion that comes later leaves it STALE again.
 */
enum vcma_owner {
	VCMA_CPU,
	VCMA_DEVICE,
	VCMA_STALE,
};

/**
 * enum vcma_sync_mode - how much cache maintenance there is
 * @VCMA_SYNC_AUTO: what is needed, when it is needed
 * @VCMA_SYNC_CONTRACT: all that the DMA API asks for, at queue and dequeue
 */
enum vcma_sync_mode {
	VCMA_SYNC_AUTO,
	VCMA_SYNC_CONTRACT,
};

/**
 * struct vcma_rect - a part of a buffer
 * @offset: of the first byte
 * @stride: bytes from line to line
 * @line_bytes: bytes of a line
 * @lines: lines
 */
struct vcma_rect {
	size_t offset;
	size_t stride;
	size_t line_bytes;
	size_t lines;
};

/**
 * struct vcma_user - a process that has mapped a buffer
 * @list: entry in &vcma_buf.users
 * @buf: the buffer
 * @mm: its address space, for comparison only; NULL: not known which
 * @comm: name of the task that mapped first
 * @pid: and its thread group
 * @vmas: mappings; the entry goes with the last
 * @begun: cycle of the buffer in which it last began CPU access
 * @begins: of its CPU accesses, in this cycle, those that did not end
 * @writes: of them, those that write
 * @written: it may have written through a mapping; stays set, because the
 *	first write to a page is the only one that faults
 */
struct vcma_user {
	struct list_head list;
	struct vcma_buf *buf;
	const struct mm_struct *mm;
	char comm[16];
	pid_t pid;
	unsigned int vmas;
	u64 begun;
	unsigned int begins;
	unsigned int writes;
	bool written;
};

/**
 * struct vcma_stats - cache maintenance since the buffer exists
 * @cpu_bytes: synchronised for the CPU
 * @cpu_syncs: number of calls for that
 * @device_bytes: synchronised for devices
 * @device_syncs: number of calls for that
 * @skipped: times that it was not needed
 */
struct vcma_stats {
	u64 cpu_bytes;
	u64 cpu_syncs;
	u64 device_bytes;
	u64 device_syncs;
	u64 skipped;
};

/**
 * struct vcma_view - a device that sees a buffer
 * @list: entry in &vcma_buf.views while it does; devices that read come first,
 *	because handing a buffer to one that only writes may drop dirty lines
 * @dev: the device
 * @addr: where it sees the buffer, in one piece
 * @dir: what it does with it
 * @announces: it tells when it owns the buffer, by vcma_to_device() and
 *	the rest; others, the stock importers, may own it whenever nobody has
 *	an access open
 * @taken: it has owned the buffer since that was last made valid
 * @fresh: it has never owned the buffer, whose zeroes may still be in the
 *	cache only
 * @dirty: the CPU may have written since the device last got the buffer,
 *	other than through the mappings of &vcma_buf.users
 */
struct vcma_view {
	struct list_head list;
	struct device *dev;
	dma_addr_t addr;
	enum dma_data_direction dir;
	bool announces;
	bool taken;
	bool fresh;
	bool dirty;
};

/* Rectangles that are remembered as valid within one cycle. */
#define VCMA_RECTS	8

/**
 * struct vcma_buf - one buffer
 * @id: number in traces and in debugfs
 * @backend: where the memory comes from
 * @dev: the device for which it was allocated, referenced until it is freed
 * @has_engine: @dev is a DMA engine; else it has no view of its own
 * @area: of backend cma, the area that the pages are from
 * @page: first of the contiguous pages; NULL if the memory has none
 * @vaddr: the kernel's address
 * @dma_addr: where @dev sees the memory, if it is an engine
 * @size: bytes, a multiple of the page size
 * @dir: what @dev does with the memory
 * @sync: see &enum vcma_sync_mode
 * @account: sums over all buffers of one user of this module
 * @refcount: the creator, every user mapping and every dma-buf
 * @resv: fences of devices that use it, the same for all its dma-bufs
 * @lock: guards what follows
 * @owner: see &enum vcma_owner
 * @cycle: times that an engine got the buffer
 * @unsynced: stale when a device that only reads got it, which leaves it so
 * @pinned: somebody without a mapping may still refer to the pages
 * @unread: who queued the buffer said that nobody will read it this time
 * @vmaps: mappings of the kernel
 * @begins: CPU accesses that began and did not end, in this cycle
 * @strange_begins: of them, those of processes that have no mapping: nothing
 *	reports their end when the process dies
 * @writes: of the others, those that write
 * @rects: parts that are valid although the buffer is stale
 * @rect_count: number of these parts
 * @users: &struct vcma_user
 * @unknown: stands for users there was no memory for
 * @engine: the view of @dev
 * @views: of all devices, &struct vcma_view
 * @importers: attached to dma-bufs of this buffer
 * @stats: cache maintenance
 * @entry: in the list of all buffers
 * @parked: entry in the list of buffers that wait to be freed
 */
struct vcma_buf {
	unsigned int id;
	const struct vcma_backend *backend;
	struct device *dev;
	bool has_engine;
	struct cma *area;
	struct page *page;
	void *vaddr;
	dma_addr_t dma_addr;
	size_t size;
	enum dma_data_direction dir;
	enum vcma_sync_mode sync;
	struct vcma_account *account;
	refcount_t refcount;
	struct dma_resv resv;

	struct mutex lock; /* see the kernel-doc above */
	enum vcma_owner owner;
	u64 cycle;
	bool unread;
	bool unsynced;
	bool pinned;
	unsigned int vmaps;
	unsigned int begins;
	unsigned int strange_begins;
	unsigned int writes;
	struct vcma_rect rects[VCMA_RECTS];
	unsigned int rect_count;
	struct list_head users;
	struct vcma_user unknown;
	struct vcma_view engine;
	struct list_head views;
	unsigned int importers;
	struct vcma_stats stats;

	struct list_head entry;
	struct list_head parked;
};

/* buf.c */
struct vcma_buf *vcma_buf_alloc(struct device *dev, bool has_engine,
				size_t size, enum dma_data_direction dir,
				gfp_t gfp, const char *account);
struct vcma_buf *vcma_buf_get(struct vcma_buf *buf);
void vcma_buf_put(struct vcma_buf *buf);
void vcma_forget_engine(struct device *dev);
size_t vcma_bytes_held(void);
void vcma_buf_for_each(void (*show)(struct vcma_buf *buf, void *data),
		       void *data);

/* account.c */
struct vcma_account *vcma_account_get(const char *name);
void vcma_account_alloc(struct vcma_buf *buf);
void vcma_account_free(struct vcma_buf *buf);
void vcma_account_sync(struct vcma_buf *buf, bool for_cpu, size_t bytes);
void vcma_account_skip(struct vcma_buf *buf);
void vcma_account_for_each(void (*show)(const char *name, u64 allocs,
					u64 frees,
					const struct vcma_stats *stats,
					void *data), void *data);
const char *vcma_account_name(const struct vcma_buf *buf);
void vcma_account_exit(void);
size_t vcma_bytes_parked(void);
void vcma_park_for_each(void (*show)(struct vcma_buf *buf, void *data),
			void *data);
void vcma_park_exit(void);

/* sync.c */
#define VCMA_NO_CLEAN	BIT(0)	/* the CPU has not written */
#define VCMA_NO_INVALIDATE	BIT(1)	/* the CPU is not going to read */

enum vcma_sync_mode vcma_sync_mode(void);
void vcma_to_device(struct vcma_buf *buf, struct vcma_view *view,
		    unsigned int hints);
void vcma_device_done(struct vcma_buf *buf);
void vcma_finish(struct vcma_buf *buf);
void vcma_written(struct vcma_buf *buf);
void vcma_view_add(struct vcma_buf *buf, struct vcma_view *view);
void vcma_view_del(struct vcma_buf *buf, struct vcma_view *view);

/* access.c */
void vcma_begin_access(struct vcma_buf *buf, enum dma_data_direction dir,
		       const struct vcma_rect *rect);
void vcma_end_access(struct vcma_buf *buf, enum dma_data_direction dir);
void vcma_vmap(struct vcma_buf *buf);
void vcma_vunmap(struct vcma_buf *buf);

/* users.c */
struct vcma_user *vcma_user_get(struct vcma_buf *buf,
				const struct mm_struct *mm);
bool vcma_user_put(struct vcma_user *user);
void vcma_user_begins(struct vcma_buf *buf, bool writes);
void vcma_user_ends(struct vcma_buf *buf, bool writes);
void vcma_users_reset(struct vcma_buf *buf);
bool vcma_is_mapped(struct vcma_buf *buf);
bool vcma_users_disciplined(struct vcma_buf *buf);
bool vcma_users_wrote(struct vcma_buf *buf);

/* mmap.c */
int vcma_mmap(struct vcma_buf *buf, struct vm_area_struct *vma);
int vcma_mmap_own_file(struct vcma_buf *buf, struct vm_area_struct *vma);

/* dmabuf.c */
struct dma_buf *vcma_export(struct vcma_buf *buf, unsigned long flags);
struct vcma_buf *vcma_from_dmabuf(struct dma_buf *dmabuf);
void vcma_announce(struct dma_buf_attachment *attachment);
struct vcma_view *vcma_view(struct dma_buf_attachment *attachment);
int vcma_begin_dmabuf(struct dma_buf *dmabuf, enum dma_data_direction dir,
		      const struct vcma_rect *rect);
size_t vcma_contiguous(struct sg_table *sgt);

/* debugfs.c */
void vcma_debugfs_init(void);
void vcma_debugfs_exit(void);

/* device.c */
int vcma_device_init(void);
void vcma_device_exit(void);

#endif
