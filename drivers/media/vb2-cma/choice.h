/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters that are one word of a few.
 */
#ifndef CMA_CHOICE_H
#define CMA_CHOICE_H

#include <linux/moduleparam.h>

/**
 * struct cma_choice - the words and the one that is chosen
 * @names: all words
 * @count: so many
 * @value: index of the chosen one; may change at any moment
 */
struct cma_choice {
	const char *const *names;
	size_t count;
	unsigned int value;
};

extern const struct kernel_param_ops cma_choice_ops;

#endif
