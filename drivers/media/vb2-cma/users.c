// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has mapped a buffer, who of them begins CPU access properly, and who
 * writes.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "cma-buf.h"

static struct cma_buf_user *find_user(struct cma_buf *buf,
				      const struct mm_struct *mm)
{
	struct cma_buf_user *user;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(user, &buf->users, list)
		if (user->mm == mm)
			return user;

	return NULL;
}

/**
 * cma_buf_user_get() - a mapping into an address space comes into being
 * @buf: the buffer
 * @mm: the address space
 *
 * Cannot fail, because a fork cannot be told. Without memory for an entry
 * the mapping counts for one that never begins access and always writes.
 *
 * An entry compares @mm by its address only. It goes with the last mapping,
 * which the address space outlives, so no other one has this address
 * meanwhile.
 *
 * Return: the entry, for cma_buf_user_put()
 */
struct cma_buf_user *cma_buf_user_get(struct cma_buf *buf,
				      const struct mm_struct *mm)
{
	struct cma_buf_user *user;

	guard(mutex)(&buf->lock);

	user = find_user(buf, mm);
	if (!user) {
		user = kzalloc_obj(*user);
		if (user) {
			user->buf = buf;
			user->mm = mm;
			user->pid = current->tgid;
			strscpy(user->comm, current->comm);
			list_add_tail(&user->list, &buf->users);
		} else {
			user = &buf->unknown;
		}
	}
	user->vmas++;
	cma_buf_mapped(buf);

	return user;
}

/**
 * cma_buf_user_put() - a mapping is gone
 * @user: the entry; gone with the last mapping
 */
void cma_buf_user_put(struct cma_buf_user *user)
{
	struct cma_buf *buf = user->buf;

	guard(mutex)(&buf->lock);

	if (--user->vmas)
		return;

	/* What it wrote may be in the cache still. */
	if (READ_ONCE(user->written)) {
		buf->dirty = true;
		buf->dirty_importers = true;
	}
	if (user == &buf->unknown)
		return;
	list_del(&user->list);
	kfree(user);
}

/**
 * cma_buf_user_begins() - the current process begins access
 * @buf: the buffer, locked
 *
 * By whatever descriptor: what counts is that the process knows when to ask.
 */
void cma_buf_user_begins(struct cma_buf *buf)
{
	struct cma_buf_user *user;

	user = current->mm ? find_user(buf, current->mm) : NULL;
	if (user)
		user->begun = buf->cycle;
}

/**
 * cma_buf_users_disciplined() - may everybody with a mapping be trusted to
 * begin access before looking?
 * @buf: the buffer, locked
 *
 * Who did it in the last cycle, or in this one already, is trusted for this
 * one. The kernel's own mappings are not: who made them does not say.
 *
 * Return: false in doubt
 */
bool cma_buf_users_disciplined(struct cma_buf *buf)
{
	struct cma_buf_user *user;

	lockdep_assert_held(&buf->lock);

	if (buf->vmaps || buf->unknown.vmas)
		return false;
	list_for_each_entry(user, &buf->users, list)
		if (buf->cycle - user->begun > 1)
			return false;

	return true;
}

/**
 * cma_buf_users_wrote() - may anybody have written through a mapping?
 * @buf: the buffer, locked
 *
 * Return: true in doubt
 */
bool cma_buf_users_wrote(struct cma_buf *buf)
{
	struct cma_buf_user *user;

	lockdep_assert_held(&buf->lock);

	if (buf->vmaps || buf->unknown.vmas)
		return true;
	list_for_each_entry(user, &buf->users, list)
		if (READ_ONCE(user->written))
			return true;

	return false;
}
