// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters that are one word of a few.
 */
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "choice.h"

static int choice_set(const char *value, const struct kernel_param *param)
{
	struct cma_choice *choice = param->arg;
	int index = __sysfs_match_string(choice->names, choice->count, value);
	size_t i;

	if (index >= 0) {
		WRITE_ONCE(choice->value, index);
		return 0;
	}

	pr_err("vb2-cma: %s=%.*s is not known; there are:", param->name,
	       (int)strcspn(value, "\n"), value);
	for (i = 0; i < choice->count; i++)
		pr_cont(" %s", choice->names[i]);
	pr_cont("\n");

	return index;
}

static int choice_get(char *buffer, const struct kernel_param *param)
{
	const struct cma_choice *choice = param->arg;

	return sysfs_emit(buffer, "%s\n",
			  choice->names[READ_ONCE(choice->value)]);
}

const struct kernel_param_ops cma_choice_ops = {
	.set = choice_set,
	.get = choice_get,
};
