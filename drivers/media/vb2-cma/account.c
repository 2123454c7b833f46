// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics: of each buffer, and summed up by who uses it.
 */
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vcma-buf.h"

/*
 * Sums outlive the buffers, so that there is something to look at when a
 * stream has ended. There is one per device and direction, or heap; they go
 * with the module.
 */
struct vcma_account {
	struct list_head entry;
	char name[64];
	atomic64_t allocs;
	atomic64_t frees;
	atomic64_t cpu_bytes;
	atomic64_t cpu_syncs;
	atomic64_t device_bytes;
	atomic64_t device_syncs;
	atomic64_t skipped;
};

static DEFINE_MUTEX(accounts_lock); /* guards the list; entries stay */
static LIST_HEAD(accounts);

/**
 * vcma_account_get() - find the sums of a user of this module
 * @name: of the user
 *
 * Return: the account, valid as long as the module; NULL without memory
 */
struct vcma_account *vcma_account_get(const char *name)
{
	struct vcma_account *account;

	guard(mutex)(&accounts_lock);

	list_for_each_entry(account, &accounts, entry)
		if (!strcmp(account->name, name))
			return account;

	account = kzalloc_obj(*account);
	if (!account)
		return NULL;
	strscpy(account->name, name, sizeof(account->name));
	list_add_tail(&account->entry, &accounts);

	return account;
}

/**
 * vcma_account_name() - who uses a buffer
 * @buf: the buffer
 *
 * Return: the name given at allocation, perhaps shortened
 */
const char *vcma_account_name(const struct vcma_buf *buf)
{
	return buf->account->name;
}

/**
 * vcma_account_alloc() - count an allocation
 * @buf: the new buffer
 */
void vcma_account_alloc(struct vcma_buf *buf)
{
	atomic64_inc(&buf->account->allocs);
}

/**
 * vcma_account_free() - count the end of a buffer
 * @buf: the buffer, about to be freed
 */
void vcma_account_free(struct vcma_buf *buf)
{
	atomic64_inc(&buf->account->frees);
}

/**
 * vcma_account_sync() - count cache maintenance
 * @buf: the buffer, locked
 * @for_cpu: before the CPU's access, or after it
 * @bytes: number of bytes
 */
void vcma_account_sync(struct vcma_buf *buf, bool for_cpu, size_t bytes)
{
	struct vcma_account *account = buf->account;

	if (for_cpu) {
		buf->stats.cpu_bytes += bytes;
		buf->stats.cpu_syncs++;
		atomic64_add(bytes, &account->cpu_bytes);
		atomic64_inc(&account->cpu_syncs);
	} else {
		buf->stats.device_bytes += bytes;
		buf->stats.device_syncs++;
		atomic64_add(bytes, &account->device_bytes);
		atomic64_inc(&account->device_syncs);
	}
}

/**
 * vcma_account_skip() - count maintenance that was not needed
 * @buf: the buffer, locked
 */
void vcma_account_skip(struct vcma_buf *buf)
{
	buf->stats.skipped++;
	atomic64_inc(&buf->account->skipped);
}

/**
 * vcma_account_for_each() - look at all sums
 * @show: called for each
 * @data: passed to it
 */
void vcma_account_for_each(void (*show)(const char *name, u64 allocs,
					u64 frees,
					const struct vcma_stats *stats,
					void *data), void *data)
{
	struct vcma_account *account;

	guard(mutex)(&accounts_lock);

	list_for_each_entry(account, &accounts, entry) {
		const struct vcma_stats stats = {
			.cpu_bytes = atomic64_read(&account->cpu_bytes),
			.cpu_syncs = atomic64_read(&account->cpu_syncs),
			.device_bytes = atomic64_read(&account->device_bytes),
			.device_syncs = atomic64_read(&account->device_syncs),
			.skipped = atomic64_read(&account->skipped),
		};

		show(account->name, atomic64_read(&account->allocs),
		     atomic64_read(&account->frees), &stats, data);
	}
}

/**
 * vcma_account_exit() - the module goes, there are no buffers any more
 */
void vcma_account_exit(void)
{
	struct vcma_account *account, *next;

	list_for_each_entry_safe(account, next, &accounts, entry)
		kfree(account);
}
