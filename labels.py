"""Labels of image files: from sub-folders, from a CSV file, from CelebA's attribute list.

Each function takes the images' names relative to their folder and returns (int32 labels [N], class names), with
-1 for an image that the source of labels does not mention. Raises UserError that names file and line.
"""
import collections
import csv
import difflib
import io
import itertools
import posixpath
import re

import numpy as np

from errors import UserError
from images import Unreadable, printable, read_file

MAX_CLASSES = 1000              # more are a sign that the column of the file names or of a measure was taken
MAX_LABEL_BYTES = 2 ** 27       # a CSV for 1,000,000 images has about 30 MB
MAX_ATTRIBUTES = 6              # 2 ** 6 classes

FILE_HEADINGS = {'file', 'files', 'filename', 'file_name', 'fname', 'image', 'image_id', 'image_name', 'img', 'id',
                 'name', 'path'}
LABEL_HEADINGS = ('label', 'labels', 'class', 'class_name', 'category', 'target', 'y')
ATTRIBUTE_FILE = re.compile(r'list_attr_celeba\.(txt|csv)$')


def from_folders(names):
    """One class a sub-folder, counted below the folder that all images share."""
    parts = [name.split('/')[:-1] for name in names]
    shared = len(posixpath.commonprefix(parts))
    classes = [folders[shared] if len(folders) > shared else None for folders in parts]
    if len({name for name in classes if name is not None}) < 2:
        inside = printable('/'.join(parts[0][:shared]))
        raise UserError(f'--labels folder: all images lie in one folder{f" ({inside})" if inside else ""}; '
                        'put each class in a sub-folder of its own, or give --labels file.csv')
    return _numbered(classes, '--labels folder')


def from_csv(path, names):
    """A file of `file,label` rows (comma, semicolon or tab; a heading row may name the columns).

    The file is a name relative to the data folder, a bare file name, or one without its extension. Labels are any
    text; classes are sorted, as numbers when all of them are whole numbers.
    """
    table = read_csv(path)
    return _numbered(_look_up(table, names, path), printable(path))


def from_attributes(path, wanted, names):
    """CelebA's attribute list: the attributes in `wanted`, each yes or no, make 2 ** len(wanted) classes."""
    attributes, table = read_attributes(path)
    unknown = [name for name in wanted if name not in attributes]
    if unknown:
        near = difflib.get_close_matches(unknown[0], attributes, 1)
        raise UserError(f'--labels {printable(",".join(wanted))}: {printable(path)} has no attribute '
                        f'{printable(unknown[0])}' + (f' (did you mean {printable(near[0])}?)' if near else '')
                        + f'; it has {printable(", ".join(attributes))}')
    if len(wanted) > MAX_ATTRIBUTES or len(set(wanted)) < len(wanted):
        raise UserError(f'--labels {printable(",".join(wanted))}: give up to {MAX_ATTRIBUTES} different attributes')
    columns = [attributes.index(name) for name in wanted]
    rows = _look_up(table, names, path)
    labels = np.full(len(names), -1, np.int32)
    for at, row in enumerate(rows):
        if row is not None:
            labels[at] = int(''.join('1' if row[column] == '1' else '0' for column in columns), 2)
    classes = [' '.join(name if yes else f'not_{name}' for name, yes in zip(wanted, chosen))
               for chosen in itertools.product((0, 1), repeat=len(wanted))]
    return labels, tuple(classes)


def read_csv(path):
    """A CSV file → {file name: label}, both str. Raises UserError."""
    return parse_csv(_bytes(path), printable(path))


def parse_csv(data, title):
    """The bytes of a CSV file → {file name: label}. Raises UserError that starts with `title`."""
    text = _text(data, title)
    first = text.split('\n', 1)[0]
    delimiter = next((mark for mark in ',;\t' if mark in first), ',')
    table, label_column = {}, None
    try:
        reader = csv.reader(io.StringIO(text, newline=''), delimiter=delimiter, strict=True)
        for row in reader:
            if not any(row):
                continue
            if label_column is None:                    # the first row: headings, or already a file
                label_column = 1
                heading = [cell.strip().lower() for cell in row]
                if heading[0] in FILE_HEADINGS and len(row) > 1:
                    label_column = next((heading.index(name) for name in LABEL_HEADINGS if name in heading[1:]), 1)
                    continue
            where = f'{title}: line {reader.line_num}'
            if len(row) <= label_column:
                raise UserError(f'{where}: {len(row)} column(s), expected file{delimiter}label')
            name, label = row[0].strip().replace('\\', '/'), row[label_column].strip()
            if not name or not label:
                raise UserError(f'{where}: empty {"label" if name else "file name"}')
            if table.setdefault(name, label) != label:
                raise UserError(f'{where}: {printable(name)} is {printable(label)} here and {printable(table[name])} above')
    except csv.Error as error:
        raise UserError(f'{title}: line {reader.line_num}: {error}') from None
    if not table:
        raise UserError(f'{title}: no rows; expected lines of file,label')
    return table


def read_attributes(path):
    """list_attr_celeba (.txt of record, .csv as on Kaggle) → (names, {file name: ('1' or '-1', …)}). Raises UserError."""
    return parse_attributes(_bytes(path), printable(path), path.lower().endswith('.csv'))


def parse_attributes(data, title, comma=False):
    """The bytes of an attribute list, with commas or with spaces → (attribute names, {file name: values})."""
    lines = _text(data, title).splitlines()
    cells = (lambda line: [cell.strip() for cell in line.split(',')]) if comma else str.split
    heading = 0 if comma else 1                         # the .txt starts with the number of images
    if len(lines) <= heading + 1:
        raise UserError(f'{title}: {len(lines)} line(s), expected one of attribute names and one per image')
    attributes = cells(lines[heading])[1 if comma else 0:]
    table = {}
    for number, line in enumerate(lines[heading + 1:], heading + 2):
        if not line.strip():
            continue
        name, *values = cells(line)
        if len(values) != len(attributes) or not set(values) <= {'1', '-1'}:
            raise UserError(f'{title}: line {number}: {len(values)} values, expected {len(attributes)}, each 1 or -1')
        table[name] = tuple(values)
    if not attributes or not table:
        raise UserError(f'{title}: no attributes or no images in it')
    return attributes, table


def _bytes(path):
    try:
        return read_file(path, MAX_LABEL_BYTES)
    except Unreadable as error:
        raise UserError(f'{printable(path)}: {error}') from None


def _text(data, title):
    try:
        return data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        line = data.count(b'\n', 0, error.start) + 1
        raise UserError(f'{title}: line {line}: not UTF-8 text; save the file as UTF-8') from None


def _look_up(table, names, path):
    """The table's entry of each name (whole, without folders, without extension), None where there is none."""
    keys = [lambda name: name, posixpath.basename, lambda name: posixpath.splitext(posixpath.basename(name))[0]]
    key = max(keys, key=lambda key: sum(key(name) in table for name in names))
    found = [table.get(key(name)) for name in names]
    if all(entry is None for entry in found):
        raise UserError(f'{printable(path)}: none of its {len(table):,} file names, such as '
                        f'{printable(next(iter(table)))}, is an image here, such as {printable(names[0])}')
    taken = collections.Counter(key(name) for name, entry in zip(names, found) if entry is not None)
    twice, times = taken.most_common(1)[0]
    if times > 1:
        same = [name for name in names if key(name) == twice][:2]
        raise UserError(f'{printable(path)}: {printable(twice)} stands for {printable(same[0])} and '
                        f'{printable(same[1])}; write names relative to the data folder')
    return found


def _numbered(classes, where):
    """Class names or None, one an image → (int32 labels, sorted class names)."""
    different = {name for name in classes if name is not None}
    if len(different) > MAX_CLASSES:
        raise UserError(f'{where}: {len(different):,} different labels, at most {MAX_CLASSES:,} are classes; '
                        'is it the right column?')
    numeric = all(re.fullmatch(r'[+-]?[0-9]{1,9}', name) for name in different)
    ordered = sorted(different, key=(lambda name: (int(name), name)) if numeric else None)
    index = {name: at for at, name in enumerate(ordered)}
    labels = np.array([-1 if name is None else index[name] for name in classes], np.int32)
    return labels, tuple(printable(name) for name in ordered)
