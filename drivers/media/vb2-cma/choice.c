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
	struct vcma_choice *choice = param->arg;
	int index = __sysfs_match_string(choice->names, choice->count, value);
	char known[80];
	size_t i, n = 0;

	if (index >= 0) {
		WRITE_ONCE(choice->value, index);
		return 0;
	}

	for (i = 0; i < choice->count; i++)
		n += scnprintf(known + n, sizeof(known) - n, " %s",
			       choice->names[i]);
	pr_err("vb2-cma: %s=%.*s is not a known value; the values are:%s\n",
	       param->name, (int)strcspn(value, "\n"), value, known);

	return index;
}

static int choice_get(char *buffer, const struct kernel_param *param)
{
	const struct vcma_choice *choice = param->arg;

	return sysfs_emit(buffer, "%s\n",
			  choice->names[READ_ONCE(choice->value)]);
}

const struct kernel_param_ops vcma_choice_ops = {
	.set = choice_set,
	.get = choice_get,
};
