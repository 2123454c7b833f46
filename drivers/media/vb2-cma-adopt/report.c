// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refusals in words: in the kernel's log, and in the parameter last_error.
 */
#define pr_fmt(fmt) "vb2-cma-adopt: " fmt

#include <linux/cleanup.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>

#include "adopt.h"

#define TEXT_SIZE	480

static DEFINE_SPINLOCK(text_lock); /* guards the text */
static char text[TEXT_SIZE];

static void keep(const char *name, struct va_format *words)
{
	guard(spinlock_irqsave)(&text_lock);
	snprintf(text, sizeof(text), "%s%s%pV", name, *name ? ": " : "", words);
}

/**
 * adopt_refuse() - say why a request is refused
 * @error: negative error code for the caller
 * @format: the sentence, without a line feed
 *
 * Return: @error
 */
int adopt_refuse(int error, const char *format, ...)
{
	struct va_format words = { .fmt = format };
	va_list args;

	va_start(args, format);
	words.va = &args;
	keep("", &words);
	pr_notice("%pV\n", &words);
	va_end(args);

	return error;
}

/**
 * adopt_fault() - say what a driver does that does not fit
 * @name: name of its node
 * @format: the sentence, without a line feed
 *
 * Any context.
 */
void adopt_fault(const char *name, const char *format, ...)
{
	struct va_format words = { .fmt = format };
	va_list args;

	va_start(args, format);
	words.va = &args;
	keep(name, &words);
	pr_err("%s: %pV\n", name, &words);
	va_end(args);
}

static int get_last_error(char *buffer, const struct kernel_param *kp)
{
	guard(spinlock_irqsave)(&text_lock);
	return sysfs_emit(buffer, "%s\n", text);
}

static const struct kernel_param_ops last_error_ops = {
	.get = get_last_error,
};

module_param_cb(last_error, &last_error_ops, NULL, 0444);
MODULE_PARM_DESC(last_error, "Why the last request was refused (read only)");
