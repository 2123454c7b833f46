// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has mapped a buffer, who of them begins CPU access properly, and who
 * writes. All under the lock of the buffer, which the caller holds: what
 * follows from a mapping or an access happens in the same hold.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "backend.h"
#include "vcma-buf.h"

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
 * vcma_user_get() - count a new mapping into an address space
 * @buf: the buffer, locked
 * @mm: the address space
 *
 * Cannot fail, because a fork cannot report it. Without memory for an entry
 * the mapping counts for one that never begins access and always writes.
 *
 * An entry compares @mm by its address only. It goes with the last mapping,
 * which the address space outlives, so no other one has this address
 * meanwhile.
 *
 * Return: the entry, for vcma_user_put()
 */
struct vcma_user *vcma_user_get(struct vcma_buf *buf,
				const struct mm_struct *mm)
{
	struct vcma_user *user;

	user = user_of(buf, mm);
	if (!user) {
		user = kzalloc_obj(*user);
		if (user) {
			user->buf = buf;
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
	user->vmas++;

	return user;
}

/* Does anybody refer to a page of the buffer without mapping it? */
static bool has_pinned_pages(const struct vcma_buf *buf)
{
	size_t i;

	/*
	 * Both counts of a page are read one after the other: a mapping that
	 * comes or goes meanwhile may show as a pin. What is certain is only
	 * that there is no pin that is here to stay.
	 */
	for (i = 0; buf->page && i < buf->size >> PAGE_SHIFT; i++) {
		struct folio *folio = page_folio(buf->page + i);

		if (folio_ref_count(folio) > 1 + folio_mapcount(folio))
			return true;
	}

	return false;
}

/**
 * vcma_user_put() - a mapping is gone
 * @user: the entry, its buffer locked; gone with the last mapping
 *
 * Return: true if the last mapping of a process is gone that may have written
 * through one. The entry went with it, so the caller has to remember the write.
 */
bool vcma_user_put(struct vcma_user *user)
{
	struct vcma_buf *buf = user->buf;
	bool written;

	lockdep_assert_held(&buf->lock);

	if (--user->vmas)
		return false;

	written = READ_ONCE(user->written);
	/* With its mappings gone it does not read or write any more. */
	buf->begins -= user->begins;
	buf->writes -= user->writes;
	/* Pages that are pinned for long are used without a mapping. */
	if (buf->backend->longterm && has_pinned_pages(buf))
		buf->pinned = true;

	if (user != &buf->unknown) {
		list_del(&user->list);
		kfree(user);
	}

	return written;
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
	if (!user) {
		buf->strange_begins++;
		return;
	}

	if (!buf->vmaps)
		user->begun = buf->cycle;
	user->begins++;
	user->writes += writes;
	buf->writes += writes;
}

/**
 * vcma_user_ends() - the current process ends access
 * @buf: the buffer, locked
 * @writes: as at the beginning
 *
 * An access that began before the buffer was queued has no count any more.
 */
void vcma_user_ends(struct vcma_buf *buf, bool writes)
{
	struct vcma_user *user;

	lockdep_assert_held(&buf->lock);

	user = current->mm ? user_of(buf, current->mm) : NULL;
	if (user && user->begins) {
		user->begins--;
		buf->begins--;
		if (writes && user->writes) {
			user->writes--;
			buf->writes--;
		}
	} else if (buf->strange_begins) {
		buf->strange_begins--;
		buf->begins--;
	}
}

/**
 * vcma_users_reset() - whatever access is open belongs to the past
 * @buf: the buffer, locked
 */
void vcma_users_reset(struct vcma_buf *buf)
{
	struct vcma_user *user;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(user, &buf->users, list) {
		user->begins = 0;
		user->writes = 0;
	}
	buf->begins = 0;
	buf->strange_begins = 0;
	buf->writes = 0;
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
	return !list_empty(&buf->users) || buf->unknown.vmas || buf->vmaps ||
	       is_pinned(buf);
}

/**
 * vcma_users_disciplined() - may everybody with a mapping be trusted to
 * begin access before looking?
 * @buf: the buffer, locked
 *
 * Who did it in the last cycle, or in this one already, is trusted for this
 * one. The kernel's own mappings are not: who made them does not say.
 *
 * Return: false in doubt
 */
bool vcma_users_disciplined(struct vcma_buf *buf)
{
	struct vcma_user *user;

	lockdep_assert_held(&buf->lock);

	if (buf->vmaps || buf->unknown.vmas || is_pinned(buf))
		return false;
	list_for_each_entry(user, &buf->users, list)
		if (buf->cycle - user->begun > 1)
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

	if (buf->vmaps || buf->unknown.vmas || is_pinned(buf))
		return true;
	list_for_each_entry(user, &buf->users, list)
		if (READ_ONCE(user->written))
			return true;

	return false;
}
