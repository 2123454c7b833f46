// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has mapped a buffer, who of them begins CPU access properly, and who
 * writes. All under the lock of the buffer, which the caller holds: what
 * follows from a mapping or an access happens in the same hold.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "backend.h"
#include "vcma-buf.h"

/* For how long a thread that writes can keep others from seeing a device. */
#define WRITER_MS	1000

static struct vcma_user *user_of(struct vcma_buf *buf,
				 const struct mm_struct *mm)
{
	struct vcma_user *user;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(user, &buf->users, list)
		if (user->mm == mm)
			return user;

	return NULL;
}

/**
 * vcma_user_init() - prepare the entry of a process
 * @user: the entry, zeroed
 * @buf: the buffer
 */
void vcma_user_init(struct vcma_user *user, struct vcma_buf *buf)
{
	enum vcma_origin origin;

	user->buf = buf;
	for (origin = 0; origin < VCMA_ORIGINS; origin++)
		user->maps[origin].user = user;
}

static bool has_mapped(const struct vcma_user *user)
{
	return user->maps[VCMA_NODE].vmas || user->maps[VCMA_DMABUF].vmas;
}

/**
 * vcma_maps_get() - count a new mapping into an address space
 * @buf: the buffer, locked
 * @mm: the address space
 * @origin: the file that is mapped
 *
 * Cannot fail, because a fork cannot report it. Without memory for an entry
 * the mapping counts for one that never begins access and always writes.
 *
 * An entry compares @mm by its address only. It goes with the last mapping,
 * which the address space outlives, so no other one has this address
 * meanwhile.
 *
 * Return: the mapping's counter, for vcma_maps_put()
 */
struct vcma_maps *vcma_maps_get(struct vcma_buf *buf,
				const struct mm_struct *mm,
				enum vcma_origin origin)
{
	struct vcma_user *user;

	user = user_of(buf, mm);
	if (!user) {
		user = kzalloc_obj(*user);
		if (user) {
			vcma_user_init(user, buf);
			user->mm = mm;
			/* During a fork the parent runs. */
			if (mm == current->mm) {
				user->pid = current->tgid;
				strscpy(user->comm, current->comm);
			}
			list_add_tail(&user->list, &buf->users);
		} else {
			user = &buf->unknown;
		}
	}
	user->maps[origin].vmas++;

	return &user->maps[origin];
}

/**
 * vcma_maps_origin() - the file that was mapped
 * @maps: the counter of the mapping
 *
 * Return: see &enum vcma_origin
 */
enum vcma_origin vcma_maps_origin(const struct vcma_maps *maps)
{
	return maps - maps->user->maps;
}

/*
 * Is a page of the buffer pinned? Mappings come and go meanwhile, so that the
 * references of a page and its mappings cannot be compared. A pin for a long
 * time is marked as such in the count (FOLL_LONGTERM implies FOLL_PIN), and is
 * never missed. More than a thousand other references look like one.
 */
static bool has_pinned_pages(const struct vcma_buf *buf)
{
	size_t i;

	for (i = 0; buf->page && i < buf->size >> PAGE_SHIFT; i++)
		if (folio_maybe_dma_pinned(page_folio(buf->page + i)))
			return true;

	return false;
}

static void forget_writer(struct vcma_writer *writer)
{
	put_pid(writer->task);
	memset(writer, 0, sizeof(*writer));
}

static void forget_writers(struct vcma_user *user)
{
	unsigned int i;

	for (i = 0; i < VCMA_WRITERS; i++)
		forget_writer(&user->writers[i]);
}

static void forget_begins(struct vcma_user *user)
{
	user->buf->begins -= min(user->buf->begins, user->begins);
	user->begins = 0;
	forget_writers(user);
}

/**
 * vcma_maps_put() - a mapping is gone
 * @maps: its counter, the buffer locked; gone with the last mapping
 *
 * Return: true if the last mapping of a process is gone that may have written
 * through one. The entry went with it, so the caller has to remember the write.
 */
bool vcma_maps_put(struct vcma_maps *maps)
{
	struct vcma_user *user = maps->user;
	struct vcma_buf *buf = user->buf;
	bool written;

	lockdep_assert_held(&buf->lock);

	maps->vmas--;
	if (!user->maps[VCMA_DMABUF].vmas)
		user->synchronises = false;
	if (has_mapped(user))
		return false;

	written = READ_ONCE(user->written);
	/* With its mappings gone it does not read or write any more. */
	forget_begins(user);
	/* Pages that are pinned for long are used without a mapping. */
	if (buf->backend->longterm && has_pinned_pages(buf))
		buf->pinned = true;

	if (user != &buf->unknown) {
		list_del(&user->list);
		kfree(user);
	}

	return written;
}

static struct vcma_writer *writer_of(struct vcma_user *user,
				     const struct pid *task)
{
	unsigned int i;

	for (i = 0; i < VCMA_WRITERS; i++)
		if (user->writers[i].task == task)
			return &user->writers[i];

	return NULL;
}

static bool has_ended(const struct vcma_writer *writer)
{
	const struct task_struct *task;

	guard(rcu)();

	/* The first thread of a process stays visible until all have ended. */
	task = pid_task(writer->task, PIDTYPE_PID);

	return !task || READ_ONCE(task->exit_state);
}

/* A thread that writes, and that may be expected to say when it has written. */
static bool is_writing(const struct vcma_writer *writer)
{
	return writer->task && !writer->renewed &&
	       time_before(jiffies, writer->since +
			   msecs_to_jiffies(WRITER_MS)) &&
	       !has_ended(writer);
}

static struct vcma_writer *any_writer(struct vcma_user *user)
{
	unsigned int i;

	for (i = 0; i < VCMA_WRITERS; i++)
		if (user->writers[i].task)
			return &user->writers[i];

	return NULL;
}

static struct vcma_writer *free_writer(struct vcma_user *user)
{
	unsigned int i;

	for (i = 0; i < VCMA_WRITERS; i++)
		if (!is_writing(&user->writers[i]))
			return &user->writers[i];

	return NULL;
}

static void writer_begins(struct vcma_user *user, bool writes)
{
	struct pid *task = task_pid(current);
	struct vcma_writer *writer = writer_of(user, task);

	if (writer) {
		writer->begins++;
		writer->renewed = true;
		return;
	}
	if (!writes)
		return;

	/* More threads than there is room for are as if they did not begin. */
	writer = free_writer(user);
	if (!writer)
		return;
	forget_writer(writer);
	writer->task = get_pid(task);
	writer->begins = 1;
	writer->since = jiffies;
}

/**
 * vcma_user_begins() - the current process begins access
 * @buf: the buffer, locked
 * @writes: to write
 *
 * By whatever descriptor: what counts is that the process knows when to ask.
 * The kernel asks on behalf of a process that may know nothing of it, but has
 * a mapping of its own meanwhile.
 */
void vcma_user_begins(struct vcma_buf *buf, bool writes)
{
	struct vcma_user *user;

	lockdep_assert_held(&buf->lock);

	buf->begins++;
	user = current->mm ? user_of(buf, current->mm) : NULL;
	if (!user)
		return;

	if (!buf->vmaps)
		user->synchronises = true;
	user->begins++;
	writer_begins(user, writes);
}

/**
 * vcma_user_ends() - the current process ends access
 * @buf: the buffer, locked
 * @writes: as at the beginning
 *
 * An access that began before the buffer was queued has no count any more. A
 * process may end in one thread what it began in another.
 *
 * Return: true if the process may have written, whatever @writes says
 */
bool vcma_user_ends(struct vcma_buf *buf, bool writes)
{
	struct vcma_writer *writer;
	struct vcma_user *user;

	lockdep_assert_held(&buf->lock);

	if (buf->begins)
		buf->begins--;
	user = current->mm ? user_of(buf, current->mm) : NULL;
	if (!user)
		return writes;

	if (user->begins)
		user->begins--;
	writer = writer_of(user, task_pid(current));
	if (!writer && writes)
		writer = any_writer(user);
	/* Of accesses within each other, only the last end is sure. */
	if (writer && !--writer->begins) {
		forget_writer(writer);
		writes = true;
	}

	return writes || READ_ONCE(user->written);
}

/**
 * vcma_users_reset() - whatever access is open belongs to the past
 * @buf: the buffer, locked
 */
void vcma_users_reset(struct vcma_buf *buf)
{
	struct vcma_user *user;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(user, &buf->users, list)
		forget_begins(user);
	buf->begins = 0;
}

/* Pins that outlived their mapping: whose they are cannot be known. */
static bool is_pinned(struct vcma_buf *buf)
{
	if (buf->pinned)
		buf->pinned = has_pinned_pages(buf);

	return buf->pinned;
}

/**
 * vcma_is_mapped() - may anybody look without asking?
 * @buf: the buffer, locked
 *
 * Return: true if there is a mapping of any kind
 */
bool vcma_is_mapped(struct vcma_buf *buf)
{
	return !list_empty(&buf->users) || has_mapped(&buf->unknown) ||
	       buf->vmaps || is_pinned(buf);
}

/**
 * vcma_users_disciplined() - may everybody with a mapping be trusted to
 * begin access before looking?
 * @buf: the buffer, locked
 *
 * Trusted is a process that has mapped dma-bufs only, from its first begin
 * until it unmaps the last one. For a mapping of the node V4L2 promises that
 * there is nothing to begin. The kernel's own mappings are not trusted: who
 * made them does not say.
 *
 * Return: false in doubt
 */
bool vcma_users_disciplined(struct vcma_buf *buf)
{
	struct vcma_user *user;

	lockdep_assert_held(&buf->lock);

	if (buf->vmaps || has_mapped(&buf->unknown) || is_pinned(buf))
		return false;
	list_for_each_entry(user, &buf->users, list)
		if (user->maps[VCMA_NODE].vmas || !user->synchronises)
			return false;

	return true;
}

/**
 * vcma_users_wrote() - may anybody have written through a mapping?
 * @buf: the buffer, locked
 *
 * Return: true in doubt
 */
bool vcma_users_wrote(struct vcma_buf *buf)
{
	struct vcma_user *user;

	lockdep_assert_held(&buf->lock);

	if (buf->vmaps || has_mapped(&buf->unknown) || is_pinned(buf))
		return true;
	list_for_each_entry(user, &buf->users, list)
		if (READ_ONCE(user->written))
			return true;

	return false;
}

/**
 * vcma_users_write() - does a thread write now?
 * @buf: the buffer, locked
 * @except: a thread that is not meant, or NULL
 *
 * Between the begin and the end of its access no device may write. What it
 * has written is in the cache only, where it must not be dropped.
 *
 * Nobody can wait for an end that never comes. A thread that begins again
 * without an end, that has exited, or that began long ago, therefore does not
 * count.
 *
 * Return: true if one does
 */
bool vcma_users_write(struct vcma_buf *buf, const struct pid *except)
{
	struct vcma_writer *writer;
	struct vcma_user *user;
	unsigned int i;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(user, &buf->users, list) {
		for (i = 0; i < VCMA_WRITERS; i++) {
			writer = &user->writers[i];
			if (is_writing(writer) && writer->task != except)
				return true;
		}
	}

	return false;
}
