"""Recorded trajectories, packed small for the repository: tests/fixtures/golden/*.npz <-> files for tests/golden.py.

    python tests/golden_fixtures.py FILE.npz ...      packs them into tests/fixtures/golden

Nothing is rounded; of each sampled batch only the first image stays. A final tensor is kept as the bits in which it differs
from the initial one, which are few; images as their 256 levels; the bytes of floats by significance; all squeezed by LZMA.
"""
import os
import pathlib
import sys
import zipfile

import numpy as np

FOLDER = pathlib.Path(__file__).parent / 'fixtures' / 'golden'
OUTPUTS = ('sample_z', 'sample_labels', 'final_sampler', 'final_sampler_scores', 'final_sampler_with_final_moving_stats')
LEVELS = {f'levels {low} {kind}': (low, np.dtype(kind)) for low in (-1, 0) for kind in ('float32', 'float64')}


def pack(source, destination):
    """source: a recorded trajectory. Writes it packed: zip entries `key:dtype:shape:coding`."""
    with np.load(source) as archive, zipfile.ZipFile(destination, 'w', zipfile.ZIP_LZMA) as target:
        for key in archive.files:
            array = archive[key]
            if key == 'final_G_train_mode':        # made with the whole batch's statistics, so it cannot be cut
                continue
            if key in OUTPUTS:
                array = array[:1]
            coding, content = _coded(array, archive['init/' + key[6:]] if key.startswith('final/') else None)
            shape = 'x'.join(map(str, array.shape))
            entry = zipfile.ZipInfo(f'{key}:{array.dtype}:{shape}:{coding}')     # no date: the same bytes always
            entry.compress_type = zipfile.ZIP_LZMA
            target.writestr(entry, content)


def unpack(source, folder):
    """Writes a packed trajectory into `folder`, under its own name, as a file for tests/golden.py; returns its path."""
    arrays = {}
    with zipfile.ZipFile(source) as archive:
        for entry in archive.namelist():
            key, dtype, shape, coding = entry.split(':')
            array = _decoded(archive.read(entry), np.dtype(dtype), coding, arrays.get('init/' + key[6:]))
            arrays[key] = array.reshape([int(size) for size in shape.split('x') if size])
    path = os.path.join(folder, os.path.basename(source))
    np.savez(path, **arrays)
    return path


def _coded(array, initial):
    if initial is not None and array.dtype == np.float32:
        return 'xor', _by_significance(array.view(np.uint32) ^ initial.view(np.uint32))
    for coding, (low, kind) in LEVELS.items():
        levels = np.rint((array - float(low)) * 255 / (1 - low)).clip(0, 255).astype(np.uint8)
        if array.size > 256 and np.array_equal(_values(levels, low, kind).astype(array.dtype), array):
            return coding, levels.tobytes()
    return 'bytes', _by_significance(array)


def _decoded(content, dtype, coding, initial):
    if coding in LEVELS:
        return _values(np.frombuffer(content, np.uint8), *LEVELS[coding]).astype(dtype)
    array = np.ascontiguousarray(np.frombuffer(content, np.uint8).reshape(dtype.itemsize, -1).T).view(dtype)[:, 0]
    return (array.view(np.uint32) ^ initial.view(np.uint32).ravel()).view(dtype) if coding == 'xor' else array


def _by_significance(array):
    return np.ascontiguousarray(array).reshape(-1, 1).view(np.uint8).T.tobytes()


def _values(levels, low, kind):
    """Images as the recordings made them: x / 255, or x / 127.5 - 1."""
    return levels.astype(kind) / kind.type(255 / (1 - low)) + kind.type(low)


if __name__ == '__main__':
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in sys.argv[1:]:
        pack(path, FOLDER / os.path.basename(path))
