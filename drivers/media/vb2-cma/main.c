// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: what it brings up and takes down.
 */
#include <linux/module.h>

#include "backend.h"
#include "cma-buf.h"

static int __init vb2_cma_init(void)
{
	int ret;

	ret = cma_carveout_init();
	if (ret)
		return ret;

	ret = cma_buf_device_init();
	if (ret)
		goto err_carveout;
	cma_buf_debugfs_init();

	return 0;

err_carveout:
	cma_carveout_exit();
	return ret;
}

static void __exit vb2_cma_exit(void)
{
	cma_buf_debugfs_exit();
	cma_buf_device_exit();
	cma_buf_park_exit();
	cma_carveout_exit();
	cma_buf_account_exit();
}

module_init(vb2_cma_init);
module_exit(vb2_cma_exit);

MODULE_DESCRIPTION("Cacheable contiguous buffers for videobuf2");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
