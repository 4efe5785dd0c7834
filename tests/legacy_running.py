"""Runs `python -m legacy …` as a user does: another folder, another process."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def legacy(*words, cwd, **environment):
    """The finished process of `python -m legacy WORDS` in `cwd`; stdout and stderr as text."""
    env = {**os.environ, 'PYTHONPATH': str(ROOT), 'MPLBACKEND': 'Agg', 'TF_CPP_MIN_LOG_LEVEL': '2',
           **environment}
    return subprocess.run([sys.executable, '-m', 'legacy', *map(str, words)], cwd=cwd, env=env,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
