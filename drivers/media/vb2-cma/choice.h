/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters whose value is a name from a list.
 */
#ifndef VCMA_CHOICE_H
#define VCMA_CHOICE_H

#include <linux/moduleparam.h>

/**
 * struct vcma_choice - a module parameter whose value is a name from a list
 * @names: names that the parameter accepts
 * @count: number of entries of @names
 * @value: index of the current name in @names; can change at any time
 */
struct vcma_choice {
	const char *const *names;
	size_t count;
	unsigned int value;
};

extern const struct kernel_param_ops vcma_choice_ops;

#endif
