"""h5py.File as it was before h5py 3: without a mode a file is opened to read and write, and made if need
be.
"""
import os

import h5py


class File(h5py.File):
    """h5py.File(name, mode=None, …)."""

    def __init__(self, name, mode=None, *args, **kwargs):
        if mode is None:
            writable = not isinstance(name, (str, os.PathLike)) or os.access(
                name if os.path.exists(name) else os.path.dirname(os.path.abspath(name)), os.W_OK)
            mode = 'a' if writable else 'r'
        super().__init__(name, mode, *args, **kwargs)
