"""Notebooks under `run`: code cells in order in one `__main__`; magics and shell lines skipped and named;
figures saved as files.

A cell's last expression is printed, as the notebook would have shown it. Figures that are open when a cell
ends (or when it calls
plt.show()) are written to `<notebook>-figures/cell<NN>-<n>.png` in the working directory.
"""
import ast
import json
import linecache
import os
import re
import sys

from errors import UserError
from legacy import notes, translate

MAGIC = re.compile(r'^\s*(%|!|\?)|^\s*[\w.]+\?{1,2}\s*$')


PYLAB = ('import numpy; import matplotlib; import numpy as np; import matplotlib.pyplot as plt; '
         'from matplotlib.pyplot import *; from numpy import *')


def code_cells(path):
    """[(number, source)] of the code cells, numbered from 1 in the order of the notebook. UserError when
    it is none.
    """
    try:
        with open(path, encoding='utf-8') as file:
            book = json.load(file)
    except ValueError as error:
        raise UserError(f'{path} is not a notebook: {error}') from None
    cells = book.get('cells')
    if cells is None:                                         # format 3
        cells = [cell for sheet in book.get('worksheets', []) for cell in sheet['cells']]
    sources = [cell.get('source', cell.get('input', '')) for cell in cells if cell.get('cell_type') == 'code']
    return [(n, ''.join(source)) for n, source in enumerate(sources, 1)]


def without_magics(source):
    """(source with magics and shell lines blanked, the lines taken out); `%%` takes the whole cell unless
    it only times it, `%pylab` is the imports it stands for.
    """
    lines, skipped = source.split('\n'), []
    first = next((n for n, line in enumerate(lines) if line.strip()), None)
    if first is not None and lines[first].startswith('%%'):
        skipped.append(lines[first])
        if not re.match(r'%%(time|timeit|capture|prun)\b', lines[first]):
            return '', skipped
        lines[first] = ''
    inside = _string_lines('\n'.join('' if MAGIC.match(line) else line for line in lines))
    for n, line in enumerate(lines):
        if re.match(r'\s*%pylab\b', line) and n + 1 not in inside:
            lines[n] = PYLAB
        elif MAGIC.match(line) and n + 1 not in inside:
            skipped.append(line.strip())
            lines[n] = line[:len(line) - len(line.lstrip())] + 'pass' if line[:1].isspace() else ''
    return '\n'.join(lines), skipped


def _string_lines(source):
    """Numbers of the lines inside strings that span several; a `%` there is text."""
    try:
        tree = translate.parse(source, '<cell>')[0]
    except SyntaxError:
        return set()
    return {n for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
            and node.end_lineno > node.lineno for n in range(node.lineno + 1, node.end_lineno + 1)}


def trees(path):
    """{cell name: (tree, why it had to be translated or None)} of the cells that parse."""
    found = {}
    for number, source in code_cells(path):
        name = f'{os.path.basename(path)} cell {number}'
        try:
            found[name] = translate.parse(without_magics(source)[0], name)
        except SyntaxError:
            continue
    return found


def python2_evidence(path):
    """Why a notebook is Python 2, or None: a cell that does not parse, or what no Python 3 runs."""
    for name, (tree, reason) in trees(path).items():
        if reason and reason != 'tabs mixed with spaces':
            return f'{name}: {reason}'
        hit = translate.python2_evidence({path: (tree, None)}, [os.path.dirname(os.path.abspath(path))])
        if hit:
            return hit
    return None


def execute(path, world, main):
    """Runs the cells in `main`. A failing cell ends the run with its traceback, as running all cells does."""
    name = os.path.basename(path)
    folder = os.path.splitext(name)[0] + '-figures'
    for number, source in code_cells(path):
        text, skipped = without_magics(source)
        for line in skipped:
            print(f'legacy: {name} cell {number}: skipped {line}', file=sys.stderr)
        filename = f'{name} cell {number}'
        linecache.cache[filename] = (len(source), None, [line + '\n' for line in source.split('\n')],
                                     filename)
        body, last = _split(text, filename)
        notes.SAID.discard('show')
        _run(body, filename, world, main)
        if last is not None:
            value = eval(world.code_of_text(last, filename, 'eval'), main.__dict__)
            if value is not None and not isinstance(value, list) and type(value).__module__.split('.')[
                0] not in ('legacy', 'matplotlib'):
                print(repr(value))
        save_figures(folder, number)


def _split(text, filename):
    """(tree of the statements, tree of a last expression or None)."""
    tree, _ = translate.parse(text, filename)
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not text.rstrip().endswith(';'):
        last = tree.body.pop()
        if not (isinstance(last.value, ast.Call) and getattr(last.value.func, 'id', '') == 'print'):
            return tree, ast.Expression(last.value)
        tree.body.append(last)
    return tree, None


def _run(tree, filename, world, main):
    if tree.body:
        exec(world.code_of_text(tree, filename, 'exec'), main.__dict__)


def save_figures(folder, number):
    """Writes every open figure and closes it."""
    pyplot = sys.modules.get('matplotlib.pyplot') or sys.modules.get('legacy.absent.matplotlib.pyplot')
    if pyplot is None:
        return
    for n, figure in enumerate(pyplot.get_fignums(), 1):
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f'cell{number:02d}-{n}.png')
        pyplot.figure(figure).savefig(path)
        print(f'legacy: figure saved as {path}', file=sys.stderr)
    pyplot.close('all')
