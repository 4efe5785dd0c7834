"""Measures how much memory training takes and prints it beside the estimate that is made before the first step.

    python tests/memory_table.py                                   the table in memory.py
    python tests/memory_table.py dcgan 64 48 gf_dim=32 df_dim=32   one row: plugin, batch, size, settings that differ
"""
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
STEPS = 3
CASES = ('mlp 64 28', 'mnist_keras 32 28', 'mnist 64 28', 'dcgan 64 48 gf_dim=32 df_dim=32', 'dcgan 16 48', 'dcgan 64 48',
         'dcgan 128 48', 'dcgan 32 96', 'dcgan 64 48 gf_dim=128 df_dim=128', 'anime96 16 96', 'anime96 32 96', 'anime96 128 96',
         'cat128 4 128', 'cat128 8 128')


def measure(case):
    """(estimate, measured) in MB of one case, in a process of its own."""
    done = subprocess.run([sys.executable, __file__, *case.split()], capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()[-2:]]


def train(name, batch, size, *changes):
    """Trains a few steps in this process. Returns the bytes that were estimated."""
    sys.path.insert(0, str(ROOT))
    import numpy as np
    import config
    import data
    import memory
    import plugins
    import training
    plugin = plugins.load(name)
    channels, classes = 1 if plugin.flags.get('dataset') == 'mnist' else 3, 10 if plugin.conditional == 'always' else 0
    count = STEPS * batch
    images = np.random.default_rng(0).integers(0, 256, (count, size, size, channels), np.uint8)
    labels = np.arange(count, dtype=np.int32) % classes if classes else None
    plugin = dataclasses.replace(plugin, dataset=lambda cfg: data.from_arrays(images, labels, classes))
    changes = {field: int(value) for field, value in (change.split('=') for change in changes)}
    estimates = []
    memory.warning = lambda needed, there, cfg: estimates.append(needed)
    with tempfile.TemporaryDirectory() as folder:
        cfg = config.Config(**{**plugin.flags, 'dataset': 'noise', 'plugin': name, 'batch_size': batch, 'output_height': size, 'epoch': 1,
                               'out_dir': folder, 'train': True, **changes}).resolved()
        assert training.train(cfg, plugin, lambda line: None) == 0
    return estimates[0]


def peak_mb():
    """Of this process: ru_maxrss, unlike this, keeps what the process was that started it."""
    status = pathlib.Path('/proc/self/status').read_text()
    return int(re.search(r'VmHWM:\s+(\d+) kB', status)[1]) / 1024


def main():
    if len(sys.argv) > 1:
        estimate = train(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
        print(estimate / 2 ** 20, peak_mb())
        return
    print('plugin batch size ...                 estimate   measured (MB)')
    for case in CASES:
        estimate, measured = measure(case)
        print(f'{case:<36}  {estimate:8.0f}   {measured:8.0f}   {estimate / measured - 1:+.0%}', flush=True)


if __name__ == '__main__':
    os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')
    main()
