"""The modules under test lie at the root of the repository."""
import os
import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')    # the same kernels, and so the same numbers, on every machine
signal.signal(signal.SIGINT, signal.default_int_handler)   # a job started in the background ignores it, and so would every child
