# SPDX-License-Identifier: LGPL-2.1-or-later
# The package cmacam: the names of the compiled module, under the name of the package.
from ._cmacam import *  # noqa: F403
from ._cmacam import __doc__  # noqa: F401

__all__ = [name for name in globals() if not name.startswith("_")]

for _name in __all__:
    globals()[_name].__module__ = __name__
