"""The Python of 2016 at run time: division, vanished builtins, methods and modules. See translate.py for
the source.
"""
import builtins
import functools
import importlib
import io
import math
import operator
import os
import pickle
import sys
import types

import numpy

from legacy import notes, processes, symbols


class StopRun(BaseException):
    """Ends the script after --stop_after; no `except Exception` of the script can hold it up."""


# ---- division ----------------------------------------------------------------------------------------------

class Quotient(float):
    """The result of `/` on two integers: the float of Python 3 that remembers the integer of Python 2.

    Used as a number it is the float. Used as an index or a size, where a float is an error anyway, it is the
    integer, carried
    through +, −, · and further division the way Python 2 would have computed it.
    """
    __slots__ = ('whole',)

    def __new__(cls, value, whole):
        self = super().__new__(cls, value)
        self.whole = whole
        return self

    def __index__(self):
        if self.whole != float(self):
            notes.say(
                f'{float(self)} is used as an index or a size: taken as {self.whole}, as Python 2 divided',
                'quotient')
        return self.whole

    def __reduce__(self):
        return float, (float(self),)

    def _both(name):
        on_float, on_int = getattr(float, name), getattr(int, name)

        def method(self, other):
            result = on_float(self, other)
            if type(other) is Quotient:
                return Quotient(result, on_int(self.whole, other.whole))
            if type(other) is int and result is not NotImplemented:
                return Quotient(result, on_int(self.whole, other))
            return result
        return method

    for _name in ('add', 'radd', 'sub', 'rsub', 'mul', 'rmul'):
        locals()[f'__{_name}__'] = _both(f'__{_name}__')
    del _both, _name

    def __neg__(self):
        return Quotient(-float(self), -self.whole)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        # to NumPy a plain float, which does not widen float32 arrays as a subclass would
        return getattr(ufunc, method)(*[float(x) if type(x) is Quotient else x for x in inputs], **kwargs)


_INTEGERS = (int, numpy.integer)


def _is_integer(x):
    if isinstance(x, _INTEGERS):
        return True
    if isinstance(x, numpy.ndarray):
        return x.dtype.kind in 'iu'
    return False


def div2(a, b):
    """`a / b` as Python 2 had it: whole numbers divide to whole numbers, in NumPy and TensorFlow too."""
    if _is_integer(a) and _is_integer(b):
        return a // b
    dtype = getattr(a, 'dtype', None) or getattr(b, 'dtype', None)
    if getattr(dtype, 'is_integer', False) and not isinstance(a, float) and not isinstance(b, float):
        return a // b
    return a / b


def _whole(x):
    return x.whole if type(x) is Quotient else x


def div3(a, b):
    """`a / b` of Python 3; of two integers a Quotient."""
    if type(a) in (int, Quotient) and type(b) in (int, Quotient) and b and _whole(b):
        return Quotient(a / b, _whole(a) // _whole(b))
    return a / b


def index(x):
    """A float used as an index, which NumPy ≤ 1.11 took: `one_hot[i, labels[i]]` of float labels.

    Still equal to the float, so that a dictionary finds it; anything else comes back as it is.
    """
    if type(x) is float or isinstance(x, numpy.floating):
        value = float(x)
        return Quotient(value, int(value)) if math.isfinite(value) else x
    if isinstance(x, numpy.ndarray) and x.dtype.kind == 'f':
        notes.say('an array of floats is used as an index: taken as whole numbers, as NumPy 1 took it',
                  'float index')
        return x.astype(numpy.intp)
    return x


def element(array, value):
    """What is assigned to an element or a part of `array`: an array of one number as that number, which NumPy
    ≤ 2.3 took for an element.
    """
    if type(value) is numpy.ndarray and value.ndim and value.size == 1 \
            and isinstance(array, numpy.ndarray) and array.dtype != object:
        return value.reshape(())
    return value


def _in_place(divide):
    def assign(a, b):
        if isinstance(a, numpy.ndarray):
            if a.dtype.kind in 'iu' and divide is div2 and _is_integer(b):
                a //= b
                return a
            return operator.itruediv(a, b)
        return divide(a, b) if isinstance(a, (int, float, numpy.integer)) else operator.itruediv(a, b)
    return assign


# ---- formatting and conversion -----------------------------------------------------------------------------

def _scalar(x):
    """A one-element array as the number it holds: `int(array([3]))`, `'%f' % array([x])` did that
    themselves.
    """
    return x.reshape(()).item() if isinstance(x, numpy.ndarray) and x.ndim and x.size == 1 else x


def _rank(x):
    """Where Python 2 put a value among those of other types: None, numbers, the rest by type."""
    if x is None:
        return 0, ''
    return (1, '') if isinstance(x, (int, float)) else (2, type(x).__name__)


def _ordering(compare):
    def ordered(a, b):
        try:
            return compare(a, b)
        except TypeError:
            if not all(x is None or isinstance(x, (int, float, str, list, tuple, dict)) for x in (a, b)) \
                    or type(a) is type(b) is not type(None):
                raise
            return compare(_rank(a), _rank(b))
    return ordered


def mod(a, b):
    """`a % b`; one-element arrays under %d, %f … are printed as their number."""
    if not isinstance(a, (str, bytes)):
        return a % b
    try:
        return a % b
    except TypeError:
        if isinstance(b, tuple):
            return a % tuple(map(_scalar, b))
        return a % _scalar(b)


def to_int(x):
    return int(_scalar(x))


def to_float(x):
    return float(_scalar(x))


# ---- methods and attributes that objects lost --------------------------------------------------------------

def _dict_method(name):
    def method(obj):
        return getattr(obj, name) if hasattr(obj, name) else None
    return method


def _next(obj):
    return (lambda: next(obj)) if hasattr(obj, '__next__') else None


def _text_decode(obj):
    return (lambda *args, **kwargs: obj) if isinstance(obj, str) else None


def _plain_value(obj):
    """`dim.value` of a dimension that is a plain number by now, `FLAGS.__flags[k].value`, h5py's
    `dataset.value`.
    """
    if obj is None or isinstance(obj, (int, float, str, bool)):
        return Plain(obj)
    if type(obj).__module__.startswith('h5py'):
        return Plain(obj[()])
    return None


class Plain:
    """Wraps a value that is the attribute itself (it may be None)."""

    def __init__(self, value):
        self.value = value


def _pillow(name):
    def constant(obj):
        if getattr(obj, '__name__', '') in ('PIL.Image',):
            return Plain(getattr(obj.Resampling, name))
        return None
    return constant


def _text_size(obj):
    """ImageDraw.textsize and ImageFont.getsize: (width, height) of a text, replaced by boxes in Pillow 10."""
    box = getattr(obj, 'textbbox', None)
    if box is not None:
        return lambda text, *args, **kwargs: tuple(int(v) for v in box((0, 0), text, *args, **kwargs)[2:])
    box = getattr(obj, 'getbbox', None)
    if box is not None and type(obj).__module__.startswith('PIL'):
        return lambda text, *args, **kwargs: tuple(int(v) for v in box(text, *args, **kwargs)[2:])
    return None


def _as_matrix(obj):
    return obj.to_numpy if hasattr(obj, 'to_numpy') else None


def _numpy_method(function):
    def method(obj):
        if isinstance(obj, (numpy.ndarray, numpy.generic)):
            return lambda *args, **kwargs: function(obj, *args, **kwargs)
        return None
    return method


def _itemset(array, *args):
    array[args[0] if len(args) == 2 else args[:-1]] = args[-1]


def _tostring(obj):
    return obj.tobytes if hasattr(obj, 'tobytes') else None


def _function_attribute(name):
    return lambda obj: Plain(getattr(obj, name)) if hasattr(obj, name) else None


METHODS = {'has_key': lambda obj: (lambda key: key in obj) if hasattr(obj, '__contains__') else None,
           'iteritems': _dict_method('items'), 'itervalues': _dict_method('values'),
           'iterkeys': _dict_method('keys'), 'viewitems': _dict_method('items'),
           'viewvalues': _dict_method('values'), 'viewkeys': _dict_method('keys'), 'next': _next,
           'decode': _text_decode, 'value': _plain_value, 'tostring': _tostring,
           'itemset': _numpy_method(_itemset), 'ptp': _numpy_method(numpy.ptp),
           'newbyteorder': _numpy_method(lambda x, order='S': x.view(x.dtype.newbyteorder(order))),
           'ANTIALIAS': _pillow('LANCZOS'), 'LINEAR': _pillow('BILINEAR'), 'CUBIC': _pillow('BICUBIC'),
           'textsize': _text_size, 'getsize': _text_size, 'as_matrix': _as_matrix,
           'func_name': _function_attribute('__name__'), 'func_code': _function_attribute('__code__'),
           'im_func': _function_attribute('__func__'), 'im_self': _function_attribute('__self__'),
           'message': lambda obj: Plain(str(obj)) if isinstance(obj, BaseException) else None,
           'fromstring': lambda obj: obj.frombytes if getattr(obj, '__name__', '') == 'PIL.Image' else None,}


def attr(obj, name):
    """`obj.name`, or what the object of that time had under the name."""
    try:
        return getattr(obj, name)
    except AttributeError:
        found = METHODS[name](obj)
        if found is None:
            raise
        notes.restored('.' + name, symbols.SYMBOLS.get('.' + name))
        return found.value if isinstance(found, Plain) else found


class _ListLike:
    """The result of zip, map or filter, which is also the list it was in Python 2 from its first use as one.

    There is no `__len__`, which list() and tuple() would ask for: the scripts' own `len` knows this class.
    """
    _items = None

    def as_list(self):
        if self._items is None:
            name = type(self).__name__
            notes.say(f'the result of {name}() is used as the list it was in Python 2', name + ' as a list')
            self._items = list(super().__iter__())
        return self._items

    def __iter__(self):
        return super().__iter__() if self._items is None else iter(self._items)

    def __getitem__(self, index):
        return self.as_list()[index]

    def __setitem__(self, index, value):
        self.as_list()[index] = value

    def __array__(self, dtype=None, copy=None):
        return numpy.array(self.as_list(), dtype)

    def __add__(self, other):
        return self.as_list() + list(other)

    def __radd__(self, other):
        return list(other) + self.as_list()

    def __getattr__(self, name):
        if name not in ('append', 'extend', 'insert', 'pop', 'sort', 'reverse', 'index', 'count', 'remove'):
            raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
        return getattr(self.as_list(), name)


def _len(x):
    return len(x.as_list() if isinstance(x, _ListLike) else x)


PYTHON3_BUILTINS = {lazy.__name__: type(lazy.__name__, (_ListLike, lazy), {}) for lazy in (zip, map, filter)}
PYTHON3_BUILTINS['len'] = _len


def _shuffle(x, *args):
    """random.shuffle of what zip and map gave as well."""
    import random
    random.shuffle(x.as_list() if isinstance(x, _ListLike) else x, *args)


def _seed(a=None, *args):
    """random.seed of any value, a date for one, by its hash."""
    import random
    plain = a is None or isinstance(a, (int, float, str, bytes, bytearray))
    random.seed(a if plain else hash(a), *args)


_VIEWS = (type({}.keys()), type({}.values()), type({}.items()))


def listed(x):
    """dict.keys(), .values() and .items() were lists."""
    return list(x) if isinstance(x, _VIEWS) else x


# ---- builtins ----------------------------------------------------------------------------------------------

def _execfile(path, globals_=None, locals_=None):
    frame = sys._getframe(1)
    globals_ = frame.f_globals if globals_ is None else globals_
    loader = frame.f_builtins['__legacy__'].loader
    exec(loader.code_of(path), globals_, frame.f_locals if locals_ is None else locals_)


def _reload(module):
    real = getattr(module, '__wrapped_module__', module)
    return module if real is sys else importlib.reload(real) and module


def _cmp(a, b):
    return (a > b) - (a < b)


ABSENT_BUILTINS = {'xrange': range, 'raw_input': input, 'unicode': str, 'basestring': str, 'long': int,
                   'reduce': functools.reduce, 'unichr': chr, 'cmp': _cmp, 'execfile': _execfile,
                   'file': open, 'reload': _reload, 'buffer': memoryview, 'intern': sys.intern,
                   'apply': lambda f, args=(), kwargs=None: f(*args, **(kwargs or {})),
                   'StandardError': Exception, 'coerce': lambda a, b: (a, b),}


def _range2(*args):
    """A list, from whole floats too (Python 2.7 only warned)."""
    return list(range(*[int(a) if isinstance(a, float) and a.is_integer() else a for a in args]))


def _round2(x, digits=0):
    """Half away from zero, a float."""
    x = float(x)
    scale = 10.0 ** digits
    return float(numpy.copysign(numpy.floor(abs(x) * scale + 0.5) / scale, x))


def _sorted2(iterable, cmp=None, key=None, reverse=False):
    if cmp is not None:
        key = functools.cmp_to_key(cmp)
    return sorted(iterable, key=key, reverse=reverse)


def _map2(function, *iterables):
    if function is None:
        return list(zip(*iterables)) if len(iterables) > 1 else list(*iterables)
    return list(map(function, *iterables))


class _TakesText:
    """A binary file that text may be written to."""

    def write(self, data):
        return super().write(_bytes_of(data))

    def writelines(self, lines):
        super().writelines(map(_bytes_of, lines))


class _Writer(_TakesText, io.BufferedWriter):
    """Opened with 'wb' or 'ab'."""


class _Updater(_TakesText, io.BufferedRandom):
    """Opened with 'w+b' or 'r+b'."""


class _TextWriter(io.TextIOWrapper):
    """A text file that bytes may be written to, an encoded picture for one."""

    def write(self, data):
        return super().write(data.decode('utf-8', 'surrogateescape') if isinstance(data, bytes) else data)


def _bytes_of(data):
    return data.encode('utf-8', 'surrogateescape') if isinstance(data, str) else data


def _open2(path, mode='r', buffering=-1, **kwargs):
    """Python 2 read any bytes as text, and wrote text and bytes into any file."""
    if 'b' not in mode and 'encoding' not in kwargs:
        kwargs.setdefault('errors', 'surrogateescape')
        if set('wax+') & set(mode) and set(kwargs) <= {'errors', 'newline'}:
            plain = mode.replace('U', '').replace('t', '')
            file = _TextWriter(open(path, plain + 'b'), line_buffering=buffering == 1, **kwargs)
            file.mode = mode
            return file
    elif set('wax+') & set(mode) and buffering and not kwargs:
        kind = _Updater if '+' in mode else _Writer
        return kind(io.FileIO(path, mode.replace('b', '').replace('U', '')))
    return open(path, mode.replace('U', ''), buffering, **kwargs)


PYTHON2_BUILTINS = {'map': _map2, 'filter': lambda f, x: list(filter(f, x)), 'zip': lambda
                    *args: list(zip(*args)), 'range': _range2, 'round': _round2, 'sorted': _sorted2,
                    'open': _open2, 'file': _open2,}


# ---- modules -----------------------------------------------------------------------------------------------

MODULES = {'cPickle': 'pickle', 'urllib2': 'urllib.request', 'urlparse': 'urllib.parse', 'Queue': 'queue',
           'StringIO': 'io', 'cStringIO': 'io', 'ConfigParser': 'configparser', 'httplib': 'http.client',
           '__builtin__': 'builtins', 'commands': 'subprocess', 'thread': '_thread', 'Tkinter': 'tkinter',
           'tkMessageBox': 'tkinter.messagebox', 'copy_reg': 'copyreg', 'HTMLParser': 'html.parser',
           'cookielib': 'http.cookiejar', 'SocketServer': 'socketserver', 'exceptions': 'builtins',
           'sets': 'builtins'}


class TextOrBytesIO(io.BytesIO):
    """StringIO.StringIO and cStringIO.StringIO: held bytes, and text went in as well."""

    def __init__(self, initial=b''):
        super().__init__(initial.encode('utf-8', 'surrogateescape') if isinstance(initial, str) else initial)

    def write(self, data):
        return super().write(data.encode('utf-8', 'surrogateescape') if isinstance(data, str) else data)


def _binary(file):
    """The bytes beneath a file opened as text: Python 2 made no difference."""
    return file.buffer if isinstance(file, io.TextIOWrapper) else file


def pickle_load(file, **kwargs):
    """pickle.load as Python 2 wrote and read: text mode files, str that are bytes (Latin-1 keeps every
    byte).
    """
    text, file = file, _binary(file)           # the text file, once nobody holds it, would close the bytes
    kwargs.pop('encoding', None) if kwargs.get('encoding') == 'ASCII' else None
    data = file.read() if not kwargs else None
    if data is None:
        return pickle.load(file, **kwargs)
    stream = io.BytesIO(data)
    try:
        value = pickle.load(stream)
    except UnicodeDecodeError:
        stream.seek(0)
        value = pickle.load(stream, encoding='latin1')
    rest = len(data) - stream.tell()
    if rest and hasattr(file, 'seek') and file.seekable():
        file.seek(-rest, os.SEEK_CUR)                 # several objects in one file
    del text
    return value


def import_module(name, package=None):
    """importlib's, with the modules that the import statements of the calling script find."""
    world = getattr(sys._getframe(1).f_builtins.get('__legacy__'), 'loader', None)
    if world is None or name.startswith('.'):
        return importlib.import_module(name, package)
    return world.module(name)


def pickle_loads(data, **kwargs):
    if isinstance(data, str):
        data = data.encode('latin1')
    try:
        return pickle.loads(data, **kwargs)
    except UnicodeDecodeError:
        return pickle.loads(data, encoding='latin1')


def pickle_dump(obj, file, protocol=None, **kwargs):
    return pickle.dump(obj, _binary(file), protocol, **kwargs)


def _module(name):
    """What stands in for a Python 2 module: today's module with the old names on top."""
    module = types.ModuleType(name)
    real = importlib.import_module(MODULES[name])
    module.__dict__.update({key: value for key, value in vars(real).items() if not key.startswith('__')})
    if name == 'cPickle':
        module.load, module.loads, module.dump = pickle_load, pickle_loads, pickle_dump
    elif name in ('StringIO', 'cStringIO'):
        module.StringIO = TextOrBytesIO
    elif name == 'urllib2':
        error, parse = importlib.import_module('urllib.error'), importlib.import_module('urllib.parse')
        module.URLError, module.HTTPError = error.URLError, error.HTTPError
        module.quote, module.unquote = parse.quote, parse.unquote
        module.urlopen, module.urlretrieve = urlopen, urlretrieve
    elif name == 'sets':
        module.Set, module.ImmutableSet = set, frozenset
    elif name == 'ConfigParser':
        module.SafeConfigParser = real.ConfigParser
    return module


def _attribute(path):
    """The object at a dotted path, modules imported on the way."""
    parts = path.split('.')
    value = importlib.import_module(parts[0])
    for n, part in enumerate(parts[1:], 2):
        if not hasattr(value, part):
            importlib.import_module('.'.join(parts[:n]))
        value = getattr(value, part)
    return value


def _sample(population, k):
    """random.sample of an array, a set or anything else with a length."""
    import random
    if not isinstance(population, (list, tuple, range, str)):
        population = list(population)
    return random.sample(population, k)


_EXPRESSIONS = {
    'itertools.izip': zip, 'itertools.imap': map, 'itertools.ifilter': filter,
    'string.maketrans': str.maketrans, 'string.join': lambda words, sep=' ': sep.join(words),
    'string.replace': str.replace, 'string.split': str.split, 'string.strip': str.strip, 'string.atoi': int,
    'string.atof': float, 'sys.setdefaultencoding': lambda name: None, 'random.sample': _sample,
    'random.shuffle': _shuffle, 'random.seed': _seed,
    'types.StringType': str, 'types.IntType': int, 'types.FloatType': float,
    'types.ListType': list, 'types.DictType': dict, 'types.TupleType': tuple, 'types.NoneType': type(None),
    'types.StringTypes': (str,), 'types.BooleanType': bool,
}


def _csv(name):
    """csv readers and writers on files opened as bytes, which Python 2 asked for."""
    def call(file, *args, **kwargs):
        csv = importlib.import_module('csv')
        if isinstance(file, io.BufferedIOBase):
            file = io.TextIOWrapper(file, errors='surrogateescape', newline='', write_through=True)
        return getattr(csv, name)(file, *args, **kwargs)
    call.__name__ = name
    return call


def stdlib(row):
    """The value for a row of the table that names `python2:STDLIB`."""
    if row.name in MODULES:
        return _module(row.name)
    if row.name == 'subprocess.Popen':
        return _popen_class()
    if row.name.startswith(('subprocess.', 'os.system', 'os.popen')):
        return _process(row.name.split('.')[1])
    if row.name.startswith('csv.'):
        return _csv(row.name.split('.')[1])
    if row.name in _EXPRESSIONS:
        return _EXPRESSIONS[row.name]
    if row.name == 'inspect.getargspec':
        return _getargspec
    if row.name in ('urllib.urlretrieve', 'urllib.request.urlretrieve'):
        return urlretrieve
    if row.name in ('urllib.urlopen', 'urllib.request.urlopen'):
        return urlopen
    return _attribute(row.modern)


def _getargspec(function):
    import collections
    import inspect
    spec = inspect.getfullargspec(function)
    return collections.namedtuple('ArgSpec', 'args varargs keywords defaults')(*spec[:4])


def urlretrieve(url, filename=None, reporthook=None, data=None):
    """Takes the file where it is there already; never downloads."""
    if filename and os.path.isfile(filename):
        return filename, None
    if url.startswith('file:'):
        return importlib.import_module('urllib.request').urlretrieve(url, filename)
    from legacy import network
    raise network.refusal(url, filename)


def _offline(command):
    """True, and said, for a command that would download something."""
    from legacy import network
    if not network.is_download(command):
        return False
    notes.say(str(network.refusal(command if isinstance(command, str) else ' '.join(map(str, command)),
                                  network.output_of(command))))
    return True


def _process(name):
    """os.system and subprocess.*: downloads fail as curl does without a network (status 6), other commands
    run; Python scripts among them as this one does.
    """
    def call(command, *args, **kwargs):
        module = importlib.import_module('os' if name in ('system', 'popen') else 'subprocess')
        if not _offline(command):
            return getattr(module, name)(processes.old_python(command), *args, **kwargs)
        if name == 'system':
            return 6 << 8
        kwargs.pop('shell', None)
        if name == 'popen':
            return module.popen('exit 6')
        return getattr(module, name)(['sh', '-c', 'exit 6'], *args, **kwargs)
    call.__name__ = name
    return call


def _popen_class():
    import subprocess

    class Popen(subprocess.Popen):
        """subprocess.Popen without downloads."""

        def __init__(self, args, *rest, **kwargs):
            if _offline(args):
                args = ['sh', '-c', 'exit 6']
                kwargs['shell'] = False
            args = processes.old_python(args)
            super().__init__(args, *rest, **kwargs)
    return Popen


def urlopen(url, *args, **kwargs):
    from legacy import network
    raise network.refusal(getattr(url, 'full_url', url), None)


class Runtime:
    """What translated source calls, as `__legacy__`."""
    Stop = StopRun
    lt = staticmethod(_ordering(operator.lt))
    gt = staticmethod(_ordering(operator.gt))
    le = staticmethod(_ordering(operator.le))
    ge = staticmethod(_ordering(operator.ge))
    div2 = staticmethod(div2)
    div3 = staticmethod(div3)
    idiv2 = staticmethod(_in_place(div2))
    idiv3 = staticmethod(_in_place(div3))
    mod = staticmethod(mod)
    to_int = staticmethod(to_int)
    to_float = staticmethod(to_float)
    attr = staticmethod(attr)
    index = staticmethod(index)
    element = staticmethod(element)
    listed = staticmethod(listed)

    def __init__(self, loader=None):
        self.loader = loader


def make_builtins(python2, import_, runtime):
    """The builtins dictionary the old modules run with; nobody else's builtins change."""
    names = dict(vars(builtins))
    names.update(ABSENT_BUILTINS if python2 else {**PYTHON3_BUILTINS, **ABSENT_BUILTINS})
    if python2:
        names.update(PYTHON2_BUILTINS)
        names['input'] = lambda prompt='': eval(input(prompt), sys._getframe(1).f_globals,
                                                sys._getframe(1).f_locals)
    names['__import__'] = import_
    names['__legacy__'] = runtime
    return names
