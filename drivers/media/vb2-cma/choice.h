/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters whose value is one of a few names.
 */
#ifndef VCMA_CHOICE_H
#define VCMA_CHOICE_H

#include <linux/moduleparam.h>

/**
 * struct vcma_choice - the names and the current choice
 * @names: the names
 * @count: number of names
 * @value: index of the chosen name; can change at any time
 */
struct vcma_choice {
	const char *const *names;
	size_t count;
	unsigned int value;
};

extern const struct kernel_param_ops vcma_choice_ops;

#endif
