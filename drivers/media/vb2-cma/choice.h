/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters that are one word of a few.
 */
#ifndef VCMA_CHOICE_H
#define VCMA_CHOICE_H

#include <linux/moduleparam.h>

/**
 * struct vcma_choice - the words and the one that is chosen
 * @names: all words
 * @count: number of words
 * @value: index of the chosen one; may change at any moment
 */
struct vcma_choice {
	const char *const *names;
	size_t count;
	unsigned int value;
};

extern const struct kernel_param_ops vcma_choice_ops;

#endif
