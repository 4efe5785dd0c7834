"""NumPy as it was up to 1.16: the aliases, and the leniencies that are errors now. Only what a script asks
for is put in place.
"""
import builtins
import functools
import operator
import pickle
import warnings  # noqa: F401 (np.warnings)

import numpy

float = builtins.float
int = builtins.int
bool = builtins.bool
object = builtins.object
str = builtins.str
complex = builtins.complex
long = builtins.int
unicode = builtins.str
float_ = numpy.float64
complex_ = numpy.complex128
string_ = numpy.bytes_
unicode_ = numpy.str_
Inf = Infinity = infty = PINF = numpy.inf
NINF = -numpy.inf
NaN = NAN = numpy.nan
PZERO, NZERO = 0.0, -0.0

bool8, int0, uint0, object0, str0 = numpy.bool_, numpy.intp, numpy.uintp, builtins.object, numpy.str_
cfloat, singlecomplex, longcomplex = numpy.complex128, numpy.complex64, numpy.clongdouble
longfloat = numpy.longdouble
_exceptions = getattr(numpy, 'exceptions', numpy)                  # NumPy < 1.25 had them at the top
AxisError, ComplexWarning = _exceptions.AxisError, _exceptions.ComplexWarning
VisibleDeprecationWarning = _exceptions.VisibleDeprecationWarning
RankWarning = getattr(_exceptions, 'RankWarning', None) or numpy.RankWarning
chararray = numpy.char.chararray

alltrue = numpy.all
round_ = numpy.round
disp = print
typeDict = {name: numpy.dtype(name).type for name in (
    'bool', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float16', 'float32',
    'float64', 'complex64', 'complex128')}
sctypes = {'int': [numpy.int8, numpy.int16, numpy.int32, numpy.int64],
           'uint': [numpy.uint8, numpy.uint16, numpy.uint32, numpy.uint64],
           'float': [numpy.float16, numpy.float32, numpy.float64, numpy.longdouble],
           'complex': [numpy.complex64, numpy.complex128, numpy.clongdouble],
           'others': [builtins.bool, builtins.object, builtins.bytes, builtins.str, numpy.void]}
cumproduct = numpy.cumprod
issubclass_ = issubclass
loads = pickle.loads
mat = numpy.asmatrix
rank = numpy.ndim
sometrue = numpy.any
trapz = getattr(numpy, 'trapezoid', None) or getattr(numpy, 'trapz', None)
in1d = getattr(numpy, 'in1d', None) or (lambda ar1, ar2, **kwargs: numpy.isin(numpy.ravel(ar1), ar2,
                                                                              **kwargs))
# noqa: E731
find_common_type = lambda array_types, scalar_types: numpy.result_type(*array_types, *scalar_types)


def asscalar(a):
    return a.item()


def asfarray(a, dtype=numpy.float64):
    return numpy.asarray(a, dtype)


def msort(a):
    return numpy.sort(a, axis=0)


def issctype(rep):
    return isinstance(rep, builtins.type) and issubclass(rep, numpy.generic)


def issubsctype(arg1, arg2):
    return issubclass(numpy.dtype(arg1).type, numpy.dtype(arg2).type)


def maximum_sctype(t):
    """The widest type of the same kind."""
    return {kind[0]: types[-1] for kind, types in sctypes.items()}.get(
        numpy.dtype(t).kind, numpy.dtype(t).type
    )


def deprecate(*args, **kwargs):
    """Decorator; the warning is left out."""
    return args[0] if args and callable(args[0]) else lambda function: function


def obj2sctype(rep, default=None):
    return numpy.dtype(rep).type


class _Cast(dict):
    def __missing__(self, key):
        return lambda x: numpy.asarray(x).astype(key)


cast = _Cast()


def random_integers(low, high=None, size=None):
    """Both ends included."""
    low, high = (1, low) if high is None else (low, high)
    return numpy.random.randint(low, high + 1, size)


# ---- leniencies --------------------------------------------------------------------------------------------

def _whole(size):
    """A size given as a float, taken as the whole number it is (NumPy ≤ 1.11)."""
    if isinstance(size, (builtins.float, numpy.floating)):
        return builtins.int(size)
    if isinstance(size, (list, tuple)):
        return tuple(_whole(s) for s in size)
    return size


def zeros(shape, *args, **kwargs):
    return numpy.zeros(_whole(shape), *args, **kwargs)


def ones(shape, *args, **kwargs):
    return numpy.ones(_whole(shape), *args, **kwargs)


def reshape(a, shape=None, order='C', newshape=None, **kwargs):
    """The second argument was called newshape."""
    return numpy.reshape(a, _whole(newshape if shape is None else shape), order, **kwargs)


def linspace(start, stop, num=50, *args, **kwargs):
    return numpy.linspace(start, stop, _whole(num), *args, **kwargs)


_LAZY = (zip, map, filter, *(type(view) for view in ({}.keys(), {}.values(), {}.items())))


def _listed(items):
    """What Python 2 gave as a list: the result of zip, map and filter, and the views of a dictionary."""
    return list(items) if isinstance(items, _LAZY) else items


def _of_lists(function):
    def call(a, *args, **kwargs):
        return function(_listed(a), *args, **kwargs)
    call.__name__ = function.__name__
    call.__doc__ = function.__doc__
    return call


mean, sum, std, var, median = map(_of_lists, (numpy.mean, numpy.sum, numpy.std, numpy.var, numpy.median))
max, min, amax, amin, sort, argsort = map(
    _of_lists, (numpy.max, numpy.min, numpy.amax, numpy.amin, numpy.sort, numpy.argsort)
)
argmax, argmin, cumsum = map(_of_lists, (numpy.argmax, numpy.argmin, numpy.cumsum))


def prod(a, axis=None, *args, **kwargs):
    """As NumPy's; the product of the dimensions of a shape is a dimension, with `.value`."""
    a = _listed(a)
    if axis is None and not args and not kwargs and (type(a).__name__ == 'TensorShape' or isinstance(
            a, (list, tuple)) and any(type(item).__name__ == 'Dimension' for item in a)):
        return functools.reduce(operator.mul, a)
    return numpy.prod(a, axis, *args, **kwargs)


product = prod


def _make_array(function):
    def make(object, dtype=None, *args, **kwargs):
        object = _listed(object)
        if kwargs.get('copy') is False:
            kwargs['copy'] = None if numpy.lib.NumpyVersion(numpy.__version__) >= '2.0.0' else False
        try:
            return function(object, dtype, *args, **kwargs)
        except ValueError as error:
            if dtype is None and 'inhomogeneous' in builtins.str(error):       # ragged: an array of lists
                return function(object, builtins.object, *args, **kwargs)
            # [array([1.]), array([2.])] as numbers
            if dtype is not None and isinstance(object, (list, tuple)):
                return _from_single(function, object, dtype, error)
            raise
        except OverflowError:                                                  # 300 as a byte went round
            return numpy.asarray(object).astype(dtype)
        except TypeError as error:
            if isinstance(object, (list, tuple)):
                return _from_single(function, object, dtype, error)
            raise
    make.__name__ = function.__name__
    make.__doc__ = function.__doc__
    return make


def _from_single(function, items, dtype, error):
    if all(numpy.size(item) == 1 for item in items):
        return function([numpy.asarray(item).reshape(()).item() for item in items], dtype)
    raise error


array = _make_array(numpy.array)
asarray = _make_array(numpy.asarray)


def _stacking(function):
    """Stacks generators and map objects too: NumPy took any iterable."""
    def stack(arrays, *args, **kwargs):
        if not isinstance(arrays, (list, tuple, numpy.ndarray)):
            arrays = list(arrays)
        return function(arrays, *args, **kwargs)
    stack.__name__ = function.__name__
    return stack


concatenate = _stacking(numpy.concatenate)
dstack = _stacking(numpy.dstack)
hstack = _stacking(numpy.hstack)
row_stack = vstack = _stacking(numpy.vstack)
stack = _stacking(numpy.stack)


def fromstring(string, dtype=numpy.float64, count=-1, sep=''):
    """Binary data as well as text; a copy, as it was (np.frombuffer gives a read-only view)."""
    if sep:
        return numpy.fromstring(string, dtype, count, sep)
    data = string.encode('latin-1') if isinstance(string, builtins.str) else string
    return numpy.frombuffer(data, dtype, count).copy()


def load(file, mmap_mode=None, allow_pickle=True, fix_imports=True, encoding='ASCII'):
    """Pickled arrays load (NumPy < 1.16.3), those of Python 2 too."""
    try:
        return numpy.load(file, mmap_mode, allow_pickle, fix_imports, encoding=encoding)
    except UnicodeError:
        return numpy.load(file, mmap_mode, allow_pickle, fix_imports, encoding='latin1')


def histogram(a, bins=10, range=None, normed=None, weights=None, density=None):
    return numpy.histogram(a, bins, range, weights=weights, density=density if normed is None else normed)
