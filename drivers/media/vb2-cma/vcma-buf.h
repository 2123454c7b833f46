/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cacheable, physically contiguous buffer that one DMA engine, the CPU and
 * importers share. This code does not depend on videobuf2 or on cameras.
 */
#ifndef VCMA_BUF_H
#define VCMA_BUF_H

#include <linux/dma-direction.h>
#include <linux/dma-resv.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct vcma_backend;
struct vcma_buf;
struct vcma_account;
struct device;
struct dma_buf;
struct dma_buf_attachment;
struct mm_struct;
struct page;
struct pid;
struct sg_table;
struct vm_area_struct;

/**
 * enum vcma_owner - owner of a buffer
 * @VCMA_CPU: the CPU may read and write the buffer; the caches may be dirty
 * @VCMA_DEVICE: the engine has the buffer; the CPU must not access the buffer
 * @VCMA_STALE: the engine has finished, but the caches are not invalidated yet
 *
 * The changes CPU -> DEVICE and STALE -> CPU happen in process context, under
 * &vcma_buf.lock. The change to STALE happens without this lock, possibly in a
 * hard interrupt. Usually, the state before STALE is DEVICE. If a buffer was
 * queued twice, the state before STALE can also be CPU or STALE. Therefore, an
 * atomic exchange replaces STALE by CPU before the caches are invalidated. If
 * another completion follows this exchange, the state is STALE again.
 */
enum vcma_owner {
	VCMA_CPU,
	VCMA_DEVICE,
	VCMA_STALE,
};

/**
 * enum vcma_sync_mode - extent of the cache maintenance
 * @VCMA_SYNC_AUTO: only necessary maintenance, at the time when it is necessary
 * @VCMA_SYNC_CONTRACT: all maintenance that the DMA API demands, for the whole
 *	buffer, when the buffer is queued and when the buffer is dequeued
 */
enum vcma_sync_mode {
	VCMA_SYNC_AUTO,
	VCMA_SYNC_CONTRACT,
};

/**
 * struct vcma_rect - a rectangular part of a buffer
 * @offset: offset of the first byte of the part in the buffer, bytes
 * @stride: bytes from the start of a line to the start of the next line
 * @line_bytes: number of bytes in each line of the part
 * @lines: number of lines of the part
 */
struct vcma_rect {
	size_t offset;
	size_t stride;
	size_t line_bytes;
	size_t lines;
};

/**
 * enum vcma_origin - the file through which a process has mapped a buffer
 * @VCMA_NODE: a video node; V4L2 promises that such a mapping is valid after
 *	VIDIOC_DQBUF
 * @VCMA_DMABUF: a dma-buf; the process has to call DMA_BUF_IOCTL_SYNC
 * @VCMA_ORIGINS: number of origins
 */
enum vcma_origin {
	VCMA_NODE,
	VCMA_DMABUF,
	VCMA_ORIGINS,
};

/**
 * struct vcma_maps - mappings of one process and one origin
 * @user: the process
 * @vmas: number of mappings
 *
 * &vm_area_struct.vm_private_data of each mapping points to it.
 */
struct vcma_maps {
	struct vcma_user *user;
	unsigned int vmas;
};

/* Maximum number of threads of a process that are recorded as writers */
#define VCMA_WRITERS	4

/**
 * struct vcma_writer - a thread that has begun a CPU access that writes
 * @task: the thread; NULL in an entry that is not in use
 * @begins: number of open CPU accesses of the thread
 * @since: time of the first of them, jiffies
 * @renewed: true if the thread has begun another access without an end. Such a
 *	thread may never call the end.
 */
struct vcma_writer {
	struct pid *task;
	unsigned int begins;
	unsigned long since;
	bool renewed;
};

/**
 * struct vcma_user - a process that has mapped a buffer
 * @list: entry in &vcma_buf.users
 * @buf: the buffer
 * @mm: address space of the process, used only for comparisons; NULL in
 *	&vcma_buf.unknown
 * @comm: name of the task that made the first mapping; empty if a fork made the
 *	first mapping
 * @pid: thread group ID of the task that made the first mapping; 0 if a fork
 *	made the first mapping
 * @maps: number of mappings for each origin; the entry is freed with the last
 *	mapping
 * @synchronises: true if the process has begun a CPU access since it mapped a
 *	dma-buf of the buffer; accesses that begin while the kernel has a
 *	mapping do not count
 * @begins: number of the process's open CPU accesses in the current cycle; only
 *	for messages, because a process may forget the end
 * @writers: threads of the process that write
 * @written: true if the process may have written through a mapping. The flag
 *	stays set, because only the first write to a page causes a page fault.
 */
struct vcma_user {
	struct list_head list;
	struct vcma_buf *buf;
	const struct mm_struct *mm;
	char comm[16];
	pid_t pid;
	struct vcma_maps maps[VCMA_ORIGINS];
	bool synchronises;
	unsigned int begins;
	struct vcma_writer writers[VCMA_WRITERS];
	bool written;
};

/**
 * struct vcma_stats - statistics of the cache maintenance
 * @cpu_bytes: number of bytes synchronised for the CPU
 * @cpu_syncs: number of synchronisations for the CPU
 * @device_bytes: number of bytes synchronised for devices
 * @device_syncs: number of synchronisations for devices
 * @skipped: number of synchronisations that were skipped
 */
struct vcma_stats {
	u64 cpu_bytes;
	u64 cpu_syncs;
	u64 device_bytes;
	u64 device_syncs;
	u64 skipped;
};

/**
 * struct vcma_view - a device that has mapped a buffer
 * @list: entry in &vcma_buf.views. In this list, devices that read come before
 *	devices that only write, because maintenance for a device that only
 *	writes may drop dirty lines.
 * @dev: the device
 * @addr: DMA address of the buffer for the device; the buffer is contiguous at
 *	that address
 * @dir: direction of the device's DMA
 * @announces: true if the device's driver announces when the device owns the
 *	buffer. Such a driver calls vcma_to_device(), vcma_device_done() and
 *	vcma_finish(). A driver that does not announce is called a stock
 *	importer. The device of a stock importer may own the buffer whenever no
 *	CPU access is open.
 * @taken: true if the device has owned the buffer since the buffer was last
 *	made valid for the CPU
 * @must_clean: true if the cache may have what user space knows nothing of: the
 *	zeroes from the allocation, or what a device that snoops the caches
 *	wrote; no promise of user space then prevents that the buffer is
 *	cleaned when the device gets it
 * @dirty: true if the CPU, or a device that snoops the caches, may have written
 *	to the buffer since the device last got the buffer; writes through the
 *	mappings of &vcma_buf.users do not count
 */
struct vcma_view {
	struct list_head list;
	struct device *dev;
	dma_addr_t addr;
	enum dma_data_direction dir;
	bool announces;
	bool taken;
	bool must_clean;
	bool dirty;
};

/* Maximum number of parts of a buffer that are recorded as valid in a cycle */
#define VCMA_RECTS	8

/**
 * struct vcma_buf - one buffer
 * @id: number of the buffer in traces and in debugfs
 * @backend: source of the memory
 * @dev: device for which the buffer was allocated, referenced until the buffer
 *	is freed
 * @has_engine: true if @dev is a DMA engine that accesses the buffer. The
 *	member @engine is valid only while @has_engine is true. If the buffer
 *	has pages, vcma_forget_engine() sets @has_engine to false.
 * @area: source of the pages, a CMA area or a device that allocates from one;
 *	used only by the backend cma
 * @page: first of the contiguous pages; NULL if the memory has no pages
 * @vaddr: address of the memory in the kernel's address space; NULL until
 *	vcma_vaddr() is called, unless the memory came with an address
 * @dma_addr: DMA address of the memory for @dev; valid only while @has_engine
 *	is true
 * @size: size of the memory, bytes, a multiple of the page size
 * @wc: true if the mappings of the memory are write-combining
 * @dir: direction of the DMA of @dev
 * @sync: extent of the cache maintenance of the buffer
 * @account: sum of the statistics of all buffers with the same account name
 * @refcount: reference count: one for the creator, one for each mapping in user
 *	space and one for each dma-buf
 * @lost: true if the memory cannot be freed because its device is gone
 * @resv: fences of devices that use the buffer; shared by all dma-bufs of the
 *	buffer
 * @lock: guards the members from @owner to @stats
 * @owner: current owner of the buffer
 * @unsynced: true if the buffer was stale when a device that only reads got the
 *	buffer; the caches still have to be invalidated
 * @pinned: true if pages may be pinned for a long time, and so be used without
 *	a mapping
 * @unread: true if the program that queued the buffer has promised that the CPU
 *	will not read the buffer in this cycle
 * @early: true if a CPU access began after a device got the buffer, and maybe
 *	before the buffer was dequeued
 * @vmaps: number of mappings in the kernel's address space
 * @begins: number of open CPU accesses in the current cycle; only for messages,
 *	because a process may forget the end
 * @rects: parts of the buffer that are valid although the buffer is stale
 * @rect_count: number of entries of @rects in use
 * @users: list of the processes that have mapped the buffer, &struct vcma_user
 * @unknown: common entry for all mappings whose &struct vcma_user could not be
 *	allocated
 * @engine: access of @dev to the buffer; valid only while @has_engine is true
 * @views: list of the views of all devices, &struct vcma_view
 * @importers: number of attachments to dma-bufs of this buffer
 * @stats: statistics of the cache maintenance
 * @entry: entry in the list of all buffers
 * @parked: entry in the list of buffers whose pages have other references
 * @grace: entry in the list of buffers whose pages are freed after a grace
 *	period
 */
struct vcma_buf {
	unsigned int id;
	const struct vcma_backend *backend;
	struct device *dev;
	bool has_engine;
	void *area;
	struct page *page;
	void *vaddr;
	dma_addr_t dma_addr;
	size_t size;
	bool wc;
	enum dma_data_direction dir;
	enum vcma_sync_mode sync;
	struct vcma_account *account;
	refcount_t refcount;
	bool lost;
	struct dma_resv resv;

	struct mutex lock; /* see the kernel-doc above */
	enum vcma_owner owner;
	bool unread;
	bool unsynced;
	bool pinned;
	bool early;
	unsigned int vmaps;
	unsigned int begins;
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
	struct llist_node grace;
};

/*
 * Maximum size of a buffer, bytes. An entry of a scatterlist has a length of 32
 * bits, and the buffer is one entry.
 */
#define VCMA_SIZE_MAX	((size_t)(UINT_MAX & PAGE_MASK))

/* buf.c */
struct vcma_buf *vcma_buf_alloc(struct device *dev, bool has_engine,
				size_t size, enum dma_data_direction dir,
				gfp_t gfp, const char *account);
struct vcma_buf *vcma_buf_get(struct vcma_buf *buf);
void vcma_buf_put(struct vcma_buf *buf);
void vcma_write_back(struct vcma_buf *buf, struct device *dev);
void *vcma_vaddr(struct vcma_buf *buf);
void vcma_wait_until_freed(void);
void vcma_forget_engine(struct device *dev);
bool vcma_has_engine(struct device *dev);
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

/* attribute.c */
void vcma_attribute_reset(void);
int vcma_attribute_apply(struct vcma_buf *buf);
bool vcma_attribute_undo(const struct vcma_buf *buf);
const char *vcma_attribute_refusal(void);
const char *vcma_attribute_unfit(const struct vcma_buf *buf,
				 struct device *dev);
const char *vcma_attribute_name(const struct vcma_buf *buf);

/* sync.c */
#define VCMA_NO_CLEAN	BIT(0)	/* promise: the CPU has not written */
#define VCMA_NO_INVALIDATE	BIT(1)	/* promise: the CPU will not read */

enum vcma_sync_mode vcma_sync_mode(void);
void vcma_to_device(struct vcma_buf *buf, struct vcma_view *view,
		    unsigned int hints);
void vcma_device_done(struct vcma_buf *buf);
void vcma_finish(struct vcma_buf *buf);
void vcma_written(struct vcma_buf *buf);
void vcma_view_add(struct vcma_buf *buf, struct vcma_view *view);
void vcma_view_again(struct vcma_buf *buf, struct vcma_view *view);
void vcma_view_del(struct vcma_buf *buf, struct vcma_view *view);

/* access.c */
void vcma_begin_access(struct vcma_buf *buf, enum dma_data_direction dir,
		       const struct vcma_rect *rect);
void vcma_end_access(struct vcma_buf *buf, enum dma_data_direction dir);
void vcma_vmap(struct vcma_buf *buf);
void vcma_vunmap(struct vcma_buf *buf);
void vcma_filled(struct vcma_buf *buf);

/* users.c */
void vcma_user_init(struct vcma_user *user, struct vcma_buf *buf);
struct vcma_maps *vcma_maps_get(struct vcma_buf *buf,
				const struct mm_struct *mm,
				enum vcma_origin origin);
bool vcma_maps_put(struct vcma_maps *maps);
enum vcma_origin vcma_maps_origin(const struct vcma_maps *maps);
void vcma_user_begins(struct vcma_buf *buf, bool writes);
bool vcma_user_ends(struct vcma_buf *buf, bool writes);
void vcma_users_reset(struct vcma_buf *buf);
bool vcma_is_mapped(struct vcma_buf *buf);
bool vcma_users_disciplined(struct vcma_buf *buf);
bool vcma_users_wrote(struct vcma_buf *buf);
bool vcma_users_write(struct vcma_buf *buf, const struct pid *except);

/* mmap.c */
int vcma_mmap(struct vcma_buf *buf, struct vm_area_struct *vma,
	      enum vcma_origin origin);
int vcma_mmap_own_file(struct vcma_buf *buf, struct vm_area_struct *vma);

/* dmabuf.c */
struct dma_buf *vcma_export(struct vcma_buf *buf, unsigned long flags);
struct dma_buf *vcma_export_reader(struct vcma_buf *buf);
bool vcma_is_read_only(const struct dma_buf *dmabuf);
struct vcma_buf *vcma_from_dmabuf(struct dma_buf *dmabuf);
void vcma_announce(struct dma_buf_attachment *attachment);
struct vcma_view *vcma_view(struct dma_buf_attachment *attachment);
int vcma_begin_dmabuf(struct dma_buf *dmabuf, enum dma_data_direction dir,
		      const struct vcma_rect *rect);
int vcma_end_dmabuf(struct dma_buf *dmabuf, enum dma_data_direction dir);
size_t vcma_contiguous(struct sg_table *sgt);
bool vcma_bounced(struct device *dev, struct sg_table *sgt);

/* debugfs.c */
void vcma_debugfs_init(void);
void vcma_debugfs_exit(void);

/* device.c */
int vcma_device_init(void);
void vcma_device_exit(void);

#endif
