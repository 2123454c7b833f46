// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module, and what holds it.
 */
#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "adopt.h"

/* Guards the nodes, the adopted queues and their devices. */
DEFINE_MUTEX(adopt_lock);

static void put_references(struct work_struct *work);

static atomic_t references; /* to be put */
static DECLARE_WORK(put_work, put_references);

/**
 * adopt_module_get() - take a reference to this module
 *
 * Return: false if the module is being unloaded
 */
bool adopt_module_get(void)
{
	return try_module_get(THIS_MODULE);
}

static void put_references(struct work_struct *work)
{
	int count = atomic_xchg(&references, 0);

	while (count--)
		module_put(THIS_MODULE);
}

/**
 * adopt_module_put() - put a reference to this module, a little later
 *
 * The caller is code of this module, and runs on for a moment. The end of the
 * module waits for the work.
 */
void adopt_module_put(void)
{
	atomic_inc(&references);
	schedule_work(&put_work);
}

static int __init adopt_init(void)
{
	return adopt_nodes_start();
}
module_init(adopt_init);

static void __exit adopt_exit(void)
{
	adopt_nodes_stop();
	flush_work(&put_work);
}
module_exit(adopt_exit);

MODULE_DESCRIPTION("Memory of vb2-cma for the queues of other drivers");
MODULE_LICENSE("GPL");
