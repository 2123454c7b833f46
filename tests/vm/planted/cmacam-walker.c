// SPDX-License-Identifier: GPL-2.0-only
/*
 * A slow get_user_pages_fast(), for the tests. That function reads a page table
 * without a lock, and takes a reference to the page later. Between these two
 * steps, this module waits until a test says that the page's buffer is freed.
 * The page must still have its owner then.
 *
 * get_user_pages_fast() runs with interrupts disabled. Here they are enabled,
 * because on x86 the page could not be unmapped meanwhile: the CPU that unmaps
 * the page interrupts the others and waits for them. Other machines have no
 * need for that. RCU waits for both kinds of readers.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/processor.h>
#include <linux/rcupdate.h>
#include <linux/uaccess.h>

#define LIMIT	(10 * HZ)

static bool walking;
module_param(walking, bool, 0644);
MODULE_PARM_DESC(walking, "set while the page is looked at; a test clears it");

/* Returns 0 if the page had an owner until the end. */
static int look_at(struct page *page)
{
	unsigned long end = jiffies + LIMIT;

	WRITE_ONCE(walking, true);
	while (READ_ONCE(walking) && page_ref_count(page) &&
	       time_before(jiffies, end))
		cpu_relax();

	if (!get_page_unless_zero(page))
		return -ESTALE;
	put_page(page);

	return READ_ONCE(walking) ? -ETIMEDOUT : 0;
}

/* The data is the address of a page in the caller's memory. */
static ssize_t walker_write(struct file *file, const char __user *data,
			    size_t count, loff_t *offset)
{
	struct page *page;
	u64 address;
	int ret;

	if (count != sizeof(address))
		return -EINVAL;
	if (copy_from_user(&address, data, sizeof(address)))
		return -EFAULT;
	if (get_user_pages_fast(address, 1, 0, &page) != 1)
		return -EFAULT;

	/* From here on, the page is known, but nothing keeps it. */
	rcu_read_lock();
	put_page(page);
	ret = look_at(page);
	rcu_read_unlock();
	WRITE_ONCE(walking, false);

	return ret ?: count;
}

static const struct file_operations walker_fops = {
	.owner = THIS_MODULE,
	.write = walker_write,
};

static struct miscdevice walker_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "cmacam-walker",
	.fops = &walker_fops,
};

module_misc_device(walker_misc);

MODULE_DESCRIPTION("Slow lockless walk to a page, for tests");
MODULE_LICENSE("GPL");
