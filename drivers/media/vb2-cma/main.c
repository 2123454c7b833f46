// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: what it brings up and takes down.
 */
#include <linux/cacheinfo.h>
#include <linux/module.h>

#include "../compat.h"
#include "backend.h"
#include "vcma-buf.h"

static int __init vb2_cma_init(void)
{
	int ret;

	/*
	 * A mapping of a program and a mapping of the kernel would not see the
	 * same, and the DMA API would synchronise only the latter.
	 */
	if (cpu_dcache_is_aliasing()) {
		pr_err("vb2-cma: this CPU is not supported, because its data cache can hold several copies of one address\n");
		return -EOPNOTSUPP;
	}

	ret = vcma_carveout_init();
	if (ret)
		return ret;

	ret = vcma_device_init();
	if (ret)
		goto err_carveout;
	vcma_debugfs_init();
	if (!IS_ENABLED(CONFIG_FS_DAX))
		pr_notice("vb2-cma: this kernel has no FS_DAX: a long-term pin of CMA memory for writing fails with EFAULT, and one for reading only does not return until its process is killed\n");

	return 0;

err_carveout:
	vcma_carveout_exit();
	return ret;
}

static void __exit vb2_cma_exit(void)
{
	vcma_debugfs_exit();
	vcma_device_exit();
	vcma_park_exit();
	vcma_area_exit();
	vcma_carveout_exit();
	vcma_account_exit();
}

module_init(vb2_cma_init);
module_exit(vb2_cma_exit);

MODULE_DESCRIPTION("Cacheable contiguous buffers for videobuf2");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
