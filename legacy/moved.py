"""TensorFlow's own modules (`tensorflow.python.ops.…`), which scripts import from: names that have moved
since.

Nobody promised these modules, so most of what was in them went elsewhere without a note. A name that its
module has lost is looked for in TensorFlow's public modules and then, by its definition, in the sources of
TensorFlow installed here.
"""
import functools
import importlib
import os
import re

from legacy import notes

PUBLIC = ('', 'nn', 'train', 'math', 'image', 'summary', 'initializers', 'linalg', 'random', 'io', 'errors')
# Folders of tensorflow/python that old scripts import from, in the order of preference.
FOLDERS = (
    'ops', 'framework', 'training', 'util', 'platform', 'client', 'lib', 'summary', 'saved_model', 'data',
    'eager', 'checkpoint', 'trackable', 'distribute', 'tools',
)


# Names that were changed in place, not moved.
RENAMED = {'is_sequence': 'is_nested', 'is_sequence_or_composite': 'is_nested_or_composite'}


def find(path, name, missing):
    """What `tensorflow.python.….name` is today, or `missing`. `path` is canonical (`tf.python.ops.x`)."""
    module = path.replace('tf.python', 'tensorflow.python', 1)
    try:
        return importlib.import_module(f'{module}.{name}')
    except ModuleNotFoundError as error:
        if not f'{module}.{name}'.startswith(error.name or ''):
            raise
    if name in RENAMED:
        found = getattr(importlib.import_module(module), RENAMED[name], None)
        if found is not None:
            return _said(path, name, f'{module}.{RENAMED[name]}', found)
    if name == 'RegisterShape':                     # shapes have been computed in C++ since TensorFlow 1.0
        return lambda op_type: lambda function: function
    import tensorflow.compat.v1 as tf
    for part in PUBLIC:
        found = getattr(getattr(tf, part) if part else tf, name, None)
        if found is not None:
            return _said(path, name, 'tf.' + (part + '.' if part else '') + name, found)
    for place in _definitions().get(name, ()):
        try:
            found = getattr(importlib.import_module(place), name)
        except (ImportError, AttributeError):
            continue
        return _said(path, name, f'{place}.{name}', found)
    modules = [place for place in _modules() if place.endswith('.' + name)]
    return importlib.import_module(modules[0]) if modules else missing


def _said(path, name, place, found):
    notes.say(f'{path.replace("tf.", "tensorflow.", 1)}.{name} is {place} now', f'moved {path}.{name}')
    return found


@functools.lru_cache(None)
def _modules():
    """Dotted names of the modules below `tensorflow.python`, those of FOLDERS first."""
    import tensorflow
    root = os.path.join(os.path.dirname(tensorflow.__file__), 'python')
    found = []
    for folder in FOLDERS:
        for base, folders, files in os.walk(os.path.join(root, folder)):
            folders.sort()
            dotted = os.path.relpath(base, root).replace(os.sep, '.')
            found += [f'tensorflow.python.{dotted}.{file[:-3]}' for file in sorted(files)
                      if file.endswith('.py') and not file.endswith('_test.py') and file != '__init__.py']
    return found


@functools.lru_cache(None)
def _definitions():
    """{name: modules that define a function or class of that name at the top}."""
    import tensorflow
    root = os.path.dirname(tensorflow.__file__)
    defined = {}
    for module in _modules():
        path = os.path.join(root, *module.split('.')[1:]) + '.py'
        with open(path, encoding='utf-8') as file:
            for name in re.findall(r'^(?:def|class) (\w+)', file.read(), re.M):
                defined.setdefault(name, []).append(module)
    return defined
