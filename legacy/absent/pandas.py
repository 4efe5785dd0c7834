"""pandas: tables of named columns in memory, read from and written to CSV files.

What data loaders do with it: `DataFrame`, `Series`, `read_csv`, `to_csv`, pickles of both, rows by `iloc`, by
mask and one after another. Labels are kept and never used to align: an operation on columns goes by position,
as it does in pandas for columns of one table.
"""
import csv
import pickle

import numpy

from legacy.absent import stub_parts


def _column(values):
    """One column as pandas types it: whole numbers, floats, else objects (text stays Python's)."""
    array = numpy.asarray(list(values) if isinstance(values, (map, range, zip)) else values)
    return array.astype(object) if array.dtype.kind in 'SU' else array


class Series:
    """Values with labels; `name` is the column it was taken from."""

    def __init__(self, data=(), index=None, name=None, dtype=None):
        if isinstance(data, dict):
            data, index = list(data.values()), list(data)
        if isinstance(data, Series):
            data, index = data.values, data.index if index is None else index
        if any(isinstance(value, (list, tuple)) for value in data):
            self.values = numpy.empty(len(data), object)
            self.values[:] = [*data]
        else:
            kinds = set() if isinstance(data, numpy.ndarray) else {type(value) for value in data}
            mixed = len(kinds) > 1 and kinds - {int, float}
            self.values = numpy.array(data, object) if mixed else _column(data)
        self.values = self.values if dtype is None else self.values.astype(dtype)
        self.index, self.name = list(range(len(self.values)) if index is None else index), name

    dtype = property(lambda self: self.values.dtype)
    shape = property(lambda self: self.values.shape)
    iloc = property(lambda self: _Rows(self))

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return iter(self.values.tolist())

    def __array__(self, dtype=None, copy=None):
        return self.values if dtype is None else self.values.astype(dtype)

    def _at(self, rows):
        if isinstance(rows, (int, numpy.integer)):
            return self.values[rows]
        return Series(self.values[rows], numpy.asarray(self.index, object)[rows], self.name)

    def __getitem__(self, key):
        if isinstance(key, slice):
            return self._at(key)
        if isinstance(key, (Series, list, numpy.ndarray)):
            return self._at(numpy.asarray(key))
        return self.values[self.index.index(key)]

    def __setitem__(self, key, value):
        if key in self.index:
            self.values[self.index.index(key)] = value
        else:
            self.index.append(key)
            self.values = numpy.append(self.values, numpy.asarray(value, self.values.dtype))

    def keys(self):
        return list(self.index)

    def items(self):
        return zip(self.index, self)

    iteritems = items

    def tolist(self):
        return self.values.tolist()

    to_list = tolist

    def to_dict(self):
        return dict(self.items())

    def unique(self):
        return _column(list(dict.fromkeys(self)))

    def apply(self, function):
        return Series([function(value) for value in self], self.index, self.name)

    map = apply

    def astype(self, dtype):
        return Series(self.values.astype(dtype), self.index, self.name)

    def to_csv(self, path, sep=','):
        _write(path, sep, [[label, value] for label, value in self.items()])

    @classmethod
    def from_csv(cls, path, sep=','):
        with open(path, newline='') as file:
            rows = list(csv.reader(file, delimiter=sep))
        return cls([row[1] for row in rows], [row[0] for row in rows])

    def __repr__(self):
        width = max((len(str(label)) for label in self.index), default=0)
        lines = [f'{str(label):<{width}}    {value}' for label, value in self.items()]
        return '\n'.join(lines + [f'dtype: {self.dtype}'])


def _operator(name):
    def operate(self, other):
        other = other.values if isinstance(other, Series) else other
        return Series(getattr(self.values, name)(other), self.index, self.name)
    return operate


for _name in ('eq', 'ne', 'lt', 'le', 'gt', 'ge', 'and', 'or', 'add', 'sub', 'mul', 'truediv', 'radd', 'rsub',
              'rmul'):
    setattr(Series, f'__{_name}__', _operator(f'__{_name}__'))
for _name in ('sum', 'mean', 'min', 'max', 'any', 'all'):
    setattr(Series, _name, lambda self, _name=_name: getattr(self.values, _name)())


class _Rows:
    """`table.iloc[rows]` and `table.iloc[rows, columns]`, by position."""

    def __init__(self, table):
        self.table = table

    def __getitem__(self, key):
        if not isinstance(key, tuple):
            return self.table._at(key)
        rows, columns = key
        names = self.table.columns
        if isinstance(columns, (int, numpy.integer)):
            return self.table[names[columns]]._at(rows)
        return self.table[list(numpy.asarray(names, object)[columns])]._at(rows)


class DataFrame:
    """Columns of one length under names: of a dictionary, of rows, of dictionaries or of a 2-D array."""

    def __init__(self, data=None, index=None, columns=None):
        data = {} if data is None else data
        if isinstance(data, DataFrame):
            data = dict(data._columns)
        if not isinstance(data, dict):
            rows = list(data)
            if rows and isinstance(rows[0], dict):
                names = list(dict.fromkeys(name for row in rows for name in row))
                data = {name: [row.get(name, numpy.nan) for row in rows] for name in names}
            else:
                rows = [[row] if isinstance(row, str) or not hasattr(row, '__len__') else row for row in rows]
                names = range(len(rows[0]) if rows else 0) if columns is None else columns
                data = {name: [row[n] for row in rows] for n, name in enumerate(names)}
        names = list(data) if columns is None else list(columns)
        self._columns = {name: Series(list(data[name]) if isinstance(data[name], (map, zip)) else data[name],
                                      name=name).values for name in names if name in data}
        rows = len(next(iter(self._columns.values()), ()))
        if any(len(values) != rows for values in self._columns.values()):
            raise ValueError('arrays must all be same length')
        self.index = list(range(rows) if index is None else index)

    columns = property(lambda self: list(self._columns))
    shape = property(lambda self: (len(self), len(self._columns)))
    iloc = property(lambda self: _Rows(self))

    @columns.setter
    def columns(self, names):
        self._columns = dict(zip(names, self._columns.values(), strict=True))

    @property
    def values(self):
        kinds = {values.dtype for values in self._columns.values()}
        dtype = object if object in kinds else numpy.result_type(*kinds) if kinds else float
        return numpy.array([values.astype(dtype) for values in self._columns.values()], dtype).T

    as_matrix = to_numpy = lambda self: self.values

    def __len__(self):
        return len(self.index)

    def __iter__(self):
        return iter(self._columns)

    def __contains__(self, name):
        return name in self._columns

    def __array__(self, dtype=None, copy=None):
        return self.values if dtype is None else self.values.astype(dtype)

    def _at(self, rows):
        if isinstance(rows, (int, numpy.integer)):
            return Series([values[rows] for values in self._columns.values()], self.columns, self.index[rows])
        return DataFrame({name: values[rows] for name, values in self._columns.items()},
                         numpy.asarray(self.index, object)[rows])

    def __getitem__(self, key):
        if isinstance(key, slice):
            return self._at(key)
        if isinstance(key, (Series, numpy.ndarray)):
            return self._at(numpy.asarray(key))
        if isinstance(key, list):
            return DataFrame({name: self._columns[name] for name in key}, self.index)
        return Series(self._columns[key], self.index, key)

    def __setitem__(self, name, values):
        if not self._columns and not self.index:
            self.index = list(range(len(values)))
        if numpy.ndim(values) == 0:
            values = [values] * len(self)
        if len(values) != len(self):
            raise ValueError('Length of values does not match length of index')
        self._columns[name] = Series(values).values

    def __getattr__(self, name):
        if name.startswith('_') or name not in self._columns:
            raise AttributeError(f'no DataFrame.{name} and no such column in the part of pandas put in its '
                                 'place: pip install pandas')
        return self[name]

    def head(self, n=5):
        return self._at(slice(n))

    def iterrows(self):
        return ((self.index[row], self._at(row)) for row in range(len(self)))

    def drop(self, labels=None, axis=0, columns=None):
        """Without some columns."""
        if columns is None and axis not in (1, 'columns'):
            raise NotImplementedError('DataFrame.drop of rows; install pandas')
        gone = columns if columns is not None else labels
        gone = [gone] if isinstance(gone, str) else gone
        return DataFrame({name: values for name, values in self._columns.items() if name not in gone},
                         self.index)

    def to_csv(self, path, sep=',', header=True, index=True):
        rows = [[*([label] if index else []), *(values[n] for values in self._columns.values())]
                for n, label in enumerate(self.index)]
        _write(path, sep, ([[*([''] if index else []), *self.columns]] if header else []) + rows)

    def to_pickle(self, path):
        with open(path, 'wb') as file:
            pickle.dump(self, file)

    def __repr__(self):
        rows = [['', *map(str, self.columns)]] + [[str(label), *map(str, row)]
                                                  for label, row in zip(self.index, self.values)]
        widths = [max(map(len, column)) for column in zip(*rows)]
        return '\n'.join('  '.join(text.rjust(width) for text, width in zip(row, widths)) for row in rows)


def _write(path, sep, rows):
    with open(path, 'w', newline='') as file:
        csv.writer(file, delimiter=sep, lineterminator='\n').writerows(rows)


def _typed(texts):
    """Whole numbers where all are, floats where all are (nothing is nan), else text."""
    for convert in (int, lambda text: float(text or 'nan')):
        try:
            return numpy.array([convert(text) for text in texts])
        except ValueError:
            continue
    return numpy.array([numpy.nan if text == '' else text for text in texts], object)


def read_csv(filepath_or_buffer, sep=',', delimiter=None, header='infer', names=None, index_col=None,
             usecols=None, skiprows=0, nrows=None, delim_whitespace=False, encoding=None):
    """A DataFrame of a text file; columns of numbers are numbers."""
    sep = delimiter or sep
    source = filepath_or_buffer
    file = source if hasattr(source, 'read') else open(source, newline='', encoding=encoding)
    with file:
        lines = [line for line in file.read().splitlines()[skiprows:] if line.strip()]
    split = delim_whitespace or sep in (r'\s+', ' +')
    rows = [line.split() for line in lines] if split else list(csv.reader(lines, delimiter=sep))
    if header == 'infer':
        header = 0 if names is None else None
    if header is not None:
        names, rows = rows[header] if names is None else names, rows[header + 1:]
    rows = rows[:nrows]
    names = list(range(len(rows[0]) if rows else 0)) if names is None else list(names)
    table = DataFrame({name: _typed([row[n] for row in rows]) for n, name in enumerate(names)})
    if usecols is not None:
        table = table[[names[name] if name not in names else name for name in usecols]]
    if index_col is not None and index_col is not False:
        label = index_col if index_col in names else names[index_col]
        table = DataFrame({name: table._columns[name] for name in table if name != label},
                          table[label].tolist())
    return table


def read_table(path, sep='\t', **options):
    return read_csv(path, sep, **options)


def read_pickle(path):
    with open(path, 'rb') as file:
        return pickle.load(file)


def concat(objs, axis=0, ignore_index=False):
    """Tables of the same columns below one another, or of as many rows side by side (axis 1)."""
    tables = list(objs)
    if axis in (1, 'columns'):
        return DataFrame({name: values for table in tables for name, values in table._columns.items()},
                         tables[0].index)
    index = None if ignore_index else [label for table in tables for label in table.index]
    return DataFrame({name: numpy.concatenate([table._columns[name] for table in tables])
                      for name in tables[0].columns}, index)


def isnull(value):
    one = numpy.ndim(value) == 0
    missing = [item is None or item != item for item in ([value] if one else value)]
    return missing[0] if one else numpy.asarray(missing)


isna = isnull
__getattr__ = stub_parts.missing('pandas')
