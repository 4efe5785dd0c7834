"""The modules an old script sees: today's, with what is gone put back from the table in symbols.py.

Only the script's own modules see them. They run with their own `__import__`; `sys.modules` keeps the real
TensorFlow, NumPy and
SciPy, so libraries go on working with the interfaces they were written for.
"""
import builtins
import collections.abc
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
import types
import warnings

from legacy import moved, notes, python2, symbols, translate

# Top-level modules with rows in the table, by the name scripts import.
VIEWED = {symbols.canonical(name).split('.')[0] if name != 'np' else 'numpy'
          for name in (row.split('.')[0] for row in symbols.SYMBOLS) if name and not name.startswith('py2:')}
VIEWED = (VIEWED | {'tensorflow', 'numpy'}) - {'tf', 'np', 'builtins'}
_LIBRARIES = tuple(os.path.realpath(p) + os.sep for p in {
    sysconfig.get_path(key) for key in ('stdlib', 'platstdlib', 'purelib', 'platlib')} if p)
_MISSING = object()
OPEN_PARTS = ('np.lib', 'np.core')          # where NumPy's functions lay open too


def table_name(module):
    """`tensorflow.contrib` → `tf.contrib`, `numpy.random` → `np.random`."""
    return symbols.canonical(module)


_OWN = types.ModuleType.__dict__['__dict__'].__get__


class _Attributes(collections.abc.MutableMapping):
    """What a script sees as `tf.logging.__dict__`: the names of `dir`, found when they are asked for."""

    def __init__(self, view):
        self._view = view

    def __getitem__(self, name):
        try:
            return getattr(self._view, name)
        except AttributeError:
            raise KeyError(name) from None

    def __setitem__(self, name, value):
        setattr(self._view, name, value)

    def __delitem__(self, name):
        delattr(self._view, name)

    def __iter__(self):
        return iter(dir(self._view))

    def __len__(self):
        return len(dir(self._view))


class View(types.ModuleType):
    """A module as it was. `path` is its canonical dotted name, `real` today's module or None where it is
    gone.
    """

    __dict__ = property(_Attributes)

    def __init__(self, path, real, world, name):
        super().__init__(name)
        _OWN(self).update({'__wrapped_module__': real, '_view': (path, real, world), '__path__': []})

    def __getattr__(self, name):
        path, real, world = self._view
        if name == '__all__':
            return world.names_of(path, real)
        if name.startswith('__') and name != '__version__':
            if real is None:
                raise AttributeError(name)
            return getattr(real, name)
        value, keep = world.find(path, real, name)
        if keep:
            _OWN(self)[name] = value
        return value

    def __setattr__(self, name, value):
        real = self._view[1]
        if real is None or self._view[0].startswith('tf'):
            _OWN(self)[name] = value
        else:
            setattr(real, name, value)

    def __dir__(self):
        path, real, world = self._view
        return sorted(set(dir(real) if real is not None else []) | set(world.below(path))
                      | set(_OWN(self)))


class World:
    """Everything one run needs to resolve names: views, providers, the project's folders and its language."""

    def __init__(self, script, python2_mode, path_map=(), uses_tensorflow=True):
        self.folder = os.path.dirname(os.path.abspath(script))
        self.python2 = python2_mode
        self.uses_tensorflow = uses_tensorflow
        self.path_map = path_map
        self.views = {}
        self.guarded = {}               # file → lines of imports the script itself guards
        self.runtime = python2.Runtime(self)
        self.builtins = python2.make_builtins(python2_mode, self.import_, self.runtime)
        self.true_division = False

    # ---- the user's source ----

    def is_users(self, path):
        """True for a source file that belongs to the script, not to Python, a library or this project."""
        real = os.path.realpath(path)
        own = os.path.dirname(os.path.abspath(__file__)) + os.sep
        return real.endswith('.py') and not real.startswith(_LIBRARIES + (own,
                                                                          )) and 'site-packages' not in real

    def code_of(self, path, data=None):
        """Compiled, modernised code of a source file. SyntaxError names the file's own line."""
        if data is None:
            with open(path, 'rb') as file:
                data = file.read()
        code, guarded = translate.compile_source(translate.decode(data), path, self.python2, self.path_map)
        self.guarded[path] = set(guarded)
        return code

    def code_of_text(self, tree, filename, mode):
        """Code of a tree that is already Python 3: a notebook's cell."""
        modernise = translate.Modernise(self.python2, self.path_map, filename, self.true_division)
        modern, guarded = modernise.run(tree)
        self.guarded[filename] = set(guarded)
        # `from __future__` in one cell holds for the next ones
        self.true_division = modernise.true_division
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return compile(modern, filename, mode, dont_inherit=True)

    # ---- imports ----

    def import_(self, name, globals=None, locals=None, fromlist=(), level=0):
        """`__import__` of the script's modules."""
        if level:
            return builtins.__import__(name, self._in_package(globals), locals, fromlist, level)
        top = name.partition('.')[0]
        local = self._sibling(name, globals)
        if local is not None:
            return builtins.__import__(name if fromlist else top, globals, locals, fromlist, 1)
        if name == 'legacy' and self._is_local(name):
            return self._scripts_legacy()
        if top in VIEWED and not self._is_local(top):
            return self._import_view(name, fromlist)
        try:
            return builtins.__import__(name, globals, locals, fromlist, 0)
        except ModuleNotFoundError as error:
            if error.name is None or not (name + '.').startswith(error.name + '.') and error.name != top:
                raise
            if self._guarded_here(globals) or self._is_local(top):
                raise
            if self._found_near(top):
                return builtins.__import__(name, globals, locals, fromlist, 0)
            from legacy.absent import stub
            notes.say(f'module {error.name} is not installed; its place is held, using it fails', 'absent '
                      + top)
            module = stub.module(name)
            return module if fromlist else stub.module(top)

    def module(self, name):
        """A module by its full name, as importlib.import_module gives it."""
        top = name.partition('.')[0]
        if name == 'legacy' and self._is_local(name):
            return self._scripts_legacy()
        if top not in VIEWED or self._is_local(top):
            return importlib.import_module(name)
        value = self.resolve(name)
        if not isinstance(value, types.ModuleType):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
        return value

    def _sibling(self, name, globals):
        """The package to search for an implicit relative import: Python 2 looked beside the importing file
        first.
        """
        package = (globals or {}).get('__package__')
        if not package:
            return None
        here = os.path.dirname((globals or {}).get('__file__', ''))
        top = name.partition('.')[0]
        if not (translate.module_file(here, top) or os.path.isdir(os.path.join(here, top))
                and top not in VIEWED):
            return None
        if not self.python2 and importlib.util.find_spec(top) is not None:
            return None
        if top in sys.stdlib_module_names and not self.python2:
            return None
        notes.restored('py2:implicit relative import', symbols.SYMBOLS['py2:implicit relative import'])
        return package

    def _is_local(self, top):
        """A module of that name beside the script hides the library's, as it always did."""
        if top in sys.stdlib_module_names:
            return False
        return translate.module_file(self.folder, top) is not None

    def _scripts_legacy(self):
        """The script's own legacy.py, which is not the package of that name in sys.modules."""
        if 'legacy' not in self.views:
            path = translate.module_file(self.folder, 'legacy')
            spec = importlib.util.spec_from_file_location('legacy', path, loader=Loader('legacy', path, self))
            self.views['legacy'] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(self.views['legacy'])
        return self.views['legacy']

    def _in_package(self, globals):
        """The globals of an import with a dot; those of the script itself say which package its folder is.

        `python -m package.script` told that; by its path a script is in none.
        """
        if (globals or {}).get('__name__') != '__main__' or globals.get('__package__'):
            return globals
        folder, names = self.folder, []
        while os.path.isfile(os.path.join(folder, '__init__.py')):
            folder, name = os.path.split(folder)
            names.insert(0, name)
        if not names:
            return globals
        package = '.'.join(names)
        notes.say(f'the script is taken as part of package {package}, as with python -m', 'package')
        if folder not in sys.path:
            sys.path.append(folder)
        return {**globals, '__package__': package, '__name__': f'{package}.__main__'}

    def _found_near(self, top):
        """Puts the folder on sys.path that has module `top`: the working directory or one above the script.

        READMEs of packages ask for PYTHONPATH=. or `python -m`; without them Python finds no such module.
        """
        for folder in (os.getcwd(), *translate.above(os.path.join(self.folder, 'script'))):
            package = os.path.join(folder, top)
            if folder not in sys.path and (
                translate.module_file(folder, top)
                or os.path.isdir(package)
                and any(name.endswith('.py') for name in os.listdir(package))
            ):
                notes.say(f'module {top} is taken from {os.path.relpath(folder)}, as with PYTHONPATH there',
                          'near ' + folder)
                sys.path.append(folder)
                return True
        return False

    def _guarded_here(self, globals):
        frame = sys._getframe(2)
        return frame.f_lineno in self.guarded.get(frame.f_code.co_filename, ())

    def _import_view(self, name, fromlist):
        self._check(name)
        top = name.partition('.')[0]
        view = self.view(top)
        value = view
        if name != top:
            value = self.resolve(name)
        if not fromlist:
            return view
        # `from x import y` where y is a module that nobody imported yet
        for item in fromlist:
            if item != '*' and isinstance(value, View):
                try:
                    getattr(value, item)
                except AttributeError as error:
                    raise ImportError(f'cannot import name {item!r} from {name!r}: {error}') from None
        return value

    def _check(self, name):
        """ModuleNotFoundError for a module of the table that is absent and that the script expects may be."""
        top = name.partition('.')[0]
        row = symbols.SYMBOLS.get(top)
        if row is not None and row.restore.startswith('absent:') and importlib.util.find_spec(top) is None:
            frame = sys._getframe(3)
            if frame.f_lineno in self.guarded.get(frame.f_code.co_filename, ()) and top in ('cv2', 'seaborn',
                                                                                            'IPython'):
                raise ModuleNotFoundError(f'No module named {top!r}', name=top)

    def view(self, top):
        """The view of a top-level module; real modules without one are returned as they are."""
        if top not in self.views:
            row = symbols.SYMBOLS.get(top)
            if row is not None:
                self.views[top] = self.provide(row)
            else:
                if top == 'tensorflow':
                    real = self._tensorflow()
                else:
                    try:
                        real = importlib.import_module(top)
                    except ModuleNotFoundError:
                        from legacy.absent import stub
                        notes.say(f'module {top} is not installed; its place is held, using it fails',
                                  'absent ' + top)
                        self.views[top] = stub.module(top)
                        return self.views[top]
                self.views[top] = View(table_name(top), real, self, top)
        return self.views[top]

    def _tensorflow(self):
        from legacy import bytes2, session
        session.prepare()
        if self.python2:
            bytes2.install()
        import tensorflow.compat.v1 as v1
        return v1

    def resolve(self, name):
        """The object at a dotted name in the script's spelling; ModuleNotFoundError when nothing is there."""
        canonical = symbols.canonical(name)
        parts = canonical.split('.')
        top = {'tf': 'tensorflow', 'np': 'numpy'}.get(parts[0], parts[0])
        value, done = self.view(top), top
        for part in parts[1:]:
            done += '.' + part
            try:
                value = getattr(value, part)
            except AttributeError as error:
                raise ModuleNotFoundError(f'No module named {name!r} ({error})', name=name) from None
        return value

    def find(self, path, real, name):
        """(value, may be cached) of attribute `name` of the view at canonical `path`."""
        full = f'{path}.{name}'
        canonical = symbols.canonical(full)
        if canonical != full:
            return self.resolve(canonical), True
        row = symbols.lookup(full)
        if row is not None and row.restored and self._wanted(row, real, name):
            value = self.provide(row)
            if row.kind != 'changed' or path == 'tf':
                notes.restored(row.name, row)
            return value, True
        value = self._today(path, real, name)
        if value is not _MISSING:
            if isinstance(value, types.ModuleType) and not isinstance(value, View):
                if path.split('.')[0] == 'tf' or symbols.is_prefix(full) or full in OPEN_PARTS:
                    return View(full, value, self, full), True
                return value, False
            from legacy.tf1 import sizes
            if path.startswith(('tf.python', 'tf.core')):
                return value, False
            return (sizes.accepting_quotients(full, value), True) if path.split('.')[0] == 'tf' else (value,
                path == 'np')
        if symbols.is_prefix(full) or self._alias_below(full):
            return View(full, None, self, full), True
        gone = symbols.covering(full)
        if path.startswith('tf.contrib'):
            from legacy.absent import stub
            notes.say(f'{full} is not restored; its place is held, using it fails', full)
            return stub.module(full), True
        note = f' ({gone.note})' if gone is not None and gone.note and gone.name != 'tf' else ''
        raise AttributeError(f'module {path!r} has no attribute {name!r}{note}')

    def _wanted(self, row, real, name):
        """Renamed things that are still there need nothing put in their place; Keras alone stays Keras 3."""
        if row.name.startswith('keras.') and row.restore.startswith('tf1.') and not self.uses_tensorflow:
            return False
        return row.kind != 'renamed' or real is None or not hasattr(real,
            name) or row.restore == 'python2:STDLIB' and row.name in ('urllib.urlretrieve',)

    def _alias_below(self, full):
        return any(name.startswith(full.replace('tf.', 'tensorflow.', 1) + '.') or name.startswith(full + '.')
                   for name in symbols.ALIASES)

    def _today(self, path, real, name):
        if real is None:
            return _MISSING
        try:
            return getattr(real, name)
        except (AttributeError, ImportError):
            pass
        if path.startswith('tf.python'):
            row = symbols.SYMBOLS.get('tf.' + name)           # math_ops.mul, array_ops.pack
            return self.provide(row) if row and row.restored else moved.find(path, name, _MISSING)
        if path == 'tf':
            root = sys.modules['tensorflow']
            if name in ('python', 'core'):                    # the sources; the protocol buffers
                return importlib.import_module('tensorflow.' + name)
            return getattr(root, name, _MISSING)
        if path in OPEN_PARTS or path == 'scipy':            # scipy.sqrt, scipy.array … were NumPy's
            return getattr(self.view('numpy'), name, _MISSING)
        module = getattr(real, '__name__', '')
        if hasattr(real, '__path__') and not module.startswith('tensorflow._api'):
            try:
                return importlib.import_module(f'{module}.{name}')
            except ModuleNotFoundError as error:
                if error.name != f'{module}.{name}':
                    raise
        return _MISSING

    def names_of(self, path, real):
        """What `from x import *` brings in; of NumPy no `int`, `max` … in the place of Python's."""
        today = getattr(real, '__all__', None) or [n for n in dir(real)
                                                   if not n.startswith('_')] if real is not None else []
        names = set(today) | set(self.below(path))
        if path == 'np':
            names -= set(dir(builtins)) - {'all', 'any', 'sum', 'divmod'} | {'unicode', 'long', 'warnings'}
        return sorted(names)

    def below(self, path):
        prefixes = (path,) + symbols.FALLBACKS.get(path, ())
        return {row[len(p) + 1:].split('.')[0] for p in prefixes for row in symbols.SYMBOLS
                if row.startswith(p + '.')}

    def provide(self, row):
        """The object a row of the table stands for."""
        module, _, name = row.restore.partition(':')
        if module.startswith('='):
            return self._renamed(row)
        if module == 'absent':
            if importlib.util.find_spec(name) is not None:
                real = importlib.import_module(name)
                own = importlib.import_module('legacy.absent.' + name) if name in ('yaml', 'oyaml') else None
                return own.older(real) if own else real
            notes.restored(row.name, row)
            notes.say(f'module {name} is not installed; a small part of it is put in its place', 'absent '
                      + name)
            return importlib.import_module('legacy.absent.' + name)
        if row.restore == 'python2:STDLIB':
            return python2.stdlib(row)
        provider = importlib.import_module('legacy.' + module)
        if name in ('MODULE', 'PACKAGE'):
            return provider if name == 'MODULE' else provider.PACKAGE
        return getattr(provider, name)

    def _renamed(self, row):
        top = row.name.split('.')[0]
        value = self.view({'tf': 'tensorflow', 'np': 'numpy'}.get(top, top))
        for part in row.restore[1:].split('.'):
            value = getattr(value, part)
        return value


class Finder:
    """Finds the script's own modules and loads them through translate.py; everything else is left to
    Python.
    """

    def __init__(self, world):
        self.world = world

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not spec.origin or not isinstance(spec.loader,
                                                             importlib.machinery.SourceFileLoader):
            return None
        if not self.world.is_users(spec.origin):
            return None
        spec.loader = Loader(name, spec.origin, self.world)
        spec.cached = None
        return spec


class Loader(importlib.machinery.SourceFileLoader):
    """Compiles in memory: no .pyc is written beside the user's files."""

    def __init__(self, name, path, world):
        super().__init__(name, path)
        self.world = world

    def get_code(self, fullname):
        return self.world.code_of(self.path)

    def exec_module(self, module):
        module.__dict__['__builtins__'] = self.world.builtins
        code = self.get_code(module.__name__)
        exec(code, module.__dict__)
