"""The modules under test lie at the root of the repository."""
import os
import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')    # the same kernels, and so the same numbers, on every machine
signal.signal(signal.SIGINT, signal.default_int_handler)   # a job started in the background ignores it, and so would every child

import pytest  # noqa: E402  (after the path is set)


@pytest.fixture(autouse=True)
def determinism_ends_with_the_test():
    """It is a switch of the whole process, and with it on, a graph without a seed cannot draw. TensorFlow has no public way back."""
    yield
    if 'tensorflow' in sys.modules:
        from tensorflow.python.util import _pywrap_determinism
        _pywrap_determinism.enable(False)
