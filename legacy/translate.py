"""Old source → a syntax tree of today, in memory: Python 2 syntax, division, vanished methods, absolute
paths.

Line numbers stay those of the file, so tracebacks point at the user's own lines.
"""
import ast
import importlib.util
import os
import re
import sys
import warnings

from errors import UserError
from legacy import notes, symbols
from legacy.python2 import ABSENT_BUILTINS, METHODS, MODULES
from legacy.rewrite_facts import installed

PYTHON2_METHODS = {'has_key', 'iteritems', 'itervalues', 'iterkeys', 'viewitems', 'viewvalues', 'viewkeys'}


def _fixers():
    """Names of the lib2to3 fixers for syntax alone (names and methods are restored at run time)."""
    return ['except', 'exec', 'ne', 'numliterals', 'print', 'raise', 'repr', 'throw', 'tuple_params',
            'unicode', 'paren', 'metaclass']


def _refactoring_tool():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            from lib2to3 import refactor
            package = 'lib2to3.fixes.fix_'
        except ImportError:                       # Python ≥ 3.13
            try:
                from fissix import refactor
            except ImportError:
                raise UserError('this script is written in Python 2; to read it on Python '
                    f'{sys.version_info.major}.{sys.version_info.minor}: pip install fissix') from None
            package = 'fissix.fixes.fix_'
        return refactor.RefactoringTool([package + name for name in _fixers()])


def expand_tabs(text):
    """Leading tabs as Python 2 read them: up to the next multiple of 8."""
    return '\n'.join(re.sub(r'^[ \t]+', lambda m: m.group().expandtabs(8), line) for line in text.split('\n'))


def decode(data):
    """Source bytes → text by its coding line; Latin-1 where the bytes are no UTF-8 (Python 2 did not
    mind).
    """
    try:
        return importlib.util.decode_source(data)
    except (UnicodeDecodeError, SyntaxError):
        text = data.decode('latin-1').replace('\r\n', '\n')
        return re.sub(r'^(#.*?coding[:=]).*$', r'\1 utf-8', text, count=2, flags=re.M)


def to_python3(text, filename):
    """Python 2 source as Python 3 source with the same lines; SyntaxError when it is neither."""
    tool = _refactoring_tool()
    text = expand_tabs(text)
    if not text.endswith('\n'):
        text += '\n'
    try:
        return str(tool.refactor_string(text, filename))
    # lib2to3's own ParseError, TokenError: the file is no Python 2 either
    except Exception:
        try:
            compile(text, filename, 'exec', dont_inherit=True)
        except SyntaxError as error:
            raise error from None
        raise


def parse(text, filename):
    """(tree, reason): `reason` says why the file had to be translated, None when it was Python 3 already."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')                       # invalid escapes: the old script's own affair
        try:
            tree = ast.parse(text, filename)
            reason = _print_chevron(tree)
            if reason is None:
                return tree, None
        except SyntaxError as error:
            reason = f'line {error.lineno}: {_syntax_name(error, text)}'
        try:
            return ast.parse(expand_tabs(text),
                             filename), 'tabs mixed with spaces' if 'tab' in reason else reason
        except SyntaxError:
            pass
        return ast.parse(to_python3(text, filename), filename), reason


def _print_chevron(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift) and isinstance(node.left,
            ast.Name) and node.left.id == 'print':
            return f'line {node.lineno}: print statement'
    return None


def _syntax_name(error, text):
    lines = text.split('\n')
    line = lines[(error.lineno or 1) - 1] if (error.lineno or 1) <= len(lines) else ''
    for pattern, name in ((r'\bprint\b', 'print statement'), (r'\bexcept\b.*,', 'except X, e'), (
            r'\braise\b.*,', 'raise X, message'), (r'\bexec\b', 'exec statement'), (r'`', 'backticks'), (
            r'<>', '<> operator'), (r'\b0\d+\b', '0777 literal'), (r'\b\d+[lL]\b', '10L literal'), (
            r'\bur[\'"]', 'ur"" literal'), (r'\b(def|lambda)\b.*\(', 'tuple parameters')):
        if re.search(pattern, line):
            return name
    return 'tabs mixed with spaces' if isinstance(error, TabError) else (error.msg or 'syntax')


# ---- one project, one language -----------------------------------------------------------------------------

def imported_names(tree):
    """(dotted name, level, line) of every import in a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ''
            yield base, node.level, node.lineno
            for alias in node.names:
                yield (base + '.' if base else '') + alias.name, node.level, node.lineno


def module_file(folder, dotted):
    """The file of module `dotted` below `folder`, or None."""
    stem = os.path.join(folder, *dotted.split('.'))
    for path in (stem + '.py', os.path.join(stem, '__init__.py')):
        if os.path.isfile(path):
            return path
    return None


def module_files(folders, dotted):
    """The files of a dotted module and of the packages it is in, below any of the folders."""
    parts = dotted.split('.') if dotted else []
    found = [module_file(folder, '.'.join(parts[:n])) for folder in folders for n in range(len(parts), 0, -1)]
    return [file for file in found if file]


def added_folders(tree, here):
    """Folders that a script puts on sys.path by a literal name: `sys.path.append('..')`,
    `sys.path.insert(0, 'lib')`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and re.match(r'sys\.path\.(append|insert|extend)',
                                                   ast.unparse(node.func)):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield from (os.path.normpath(os.path.join(base, part.value)) for base in (here,
                                                                                              os.getcwd()))


def above(script):
    """The three folders above that of the script, where the packages lie that READMEs put on PYTHONPATH."""
    folder, found = os.path.dirname(os.path.abspath(script)), []
    for _ in range(3):
        folder = os.path.dirname(folder)
        found.append(folder)
    return found


def project_files(script, folders):
    """{path: (tree, reason)} of the script and of every local module it imports, found without running
    anything.
    """
    found, todo = {}, [os.path.abspath(script)]
    folders = list(folders)
    while todo:
        path = todo.pop()
        if path in found:
            continue
        with open(path, 'rb') as file:
            text = decode(file.read())
        try:
            tree, reason = parse(text, path)
        except SyntaxError:
            found[path] = (None, None)
            continue
        found[path] = (tree, reason)
        here = os.path.dirname(path)
        folders += [folder for folder in added_folders(tree, here) if folder not in folders
                    and os.path.isdir(folder)]
        for dotted, level, _ in imported_names(tree):
            bases = [here, *folders]
            if level:
                bases = [os.path.normpath(os.path.join(here, *['..'] * (level - 1)))]
            files = module_files(bases, dotted)
            if not files and not level and not installed(dotted.split('.')[0]):
                files = module_files(above(script), dotted)
            for file in files:
                todo.append(file)
                if file.endswith('__init__.py'):                # a package belongs to the project as a whole
                    package = os.path.dirname(file)
                    todo += [os.path.join(package, name)
                                          for name in os.listdir(package) if name.endswith('.py')]
    return found


def python2_evidence(files, folders):
    """Why a project is Python 2: ('file:line: what') or None. `files` is what `project_files` found.

    A file that does not parse decides; else things that no Python 3 has ever run: unguarded Python 2 modules,
    builtins and
    methods, sibling modules of a package imported without a dot.
    """
    for path, (_, reason) in files.items():
        if reason and reason != 'tabs mixed with spaces':
            return f'{os.path.relpath(path)}: {reason}'
    own_methods = {node.name for tree, _ in files.values() if tree for node in ast.walk(tree)
                   if isinstance(node, ast.FunctionDef)}
    for path, (tree, _) in files.items():
        if tree is None:
            continue
        if any(isinstance(node, (ast.JoinedStr, ast.AnnAssign, ast.Nonlocal, ast.YieldFrom,
                                 ast.AsyncFunctionDef)) for node in ast.walk(tree)):
            return None
    for path, (tree, _) in files.items():
        hit = tree is not None and _evidence_in(tree, path, folders, own_methods)
        if hit:
            return f'{os.path.relpath(path)}:{hit[0]}: {hit[1]}'
    return None


def _evidence_in(tree, path, folders, own_methods):
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx,
                                                                                             ast.Store)}
    bound |= {(alias.asname or alias.name).split('.')[0] for node in ast.walk(tree)
              if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}
    bound |= {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    bound |= {arg.arg for node in ast.walk(tree) if isinstance(node, ast.arguments)
              for arg in node.args + node.kwonlyargs + [a for a in (node.vararg, node.kwarg) if a]}
    guarded = guarded_lines(tree)
    ranges = _lists_of_range(tree)
    here = os.path.dirname(path)
    in_package = os.path.isfile(os.path.join(here, '__init__.py'))
    for node in ast.walk(tree):
        line = getattr(node, 'lineno', 0)
        if line in guarded:
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, 'level', 0):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name
                                                                            for alias in node.names]
            for name in names:
                top = name.split('.')[0]
                if top in MODULES and not module_file(here, top):
                    return line, f'import {name}'
                if in_package and module_file(here, top) and here not in map(os.path.abspath, folders) \
                        and not any(module_file(f, top) for f in folders):
                    return line, f'implicit relative import of {name}'
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in ABSENT_BUILTINS \
                and node.id not in bound and node.id not in ('buffer', 'apply', 'file', 'intern', 'coerce'):
            return line, f'{node.id}'
        elif isinstance(node,
            ast.Attribute) and node.attr in PYTHON2_METHODS and node.attr not in own_methods and not (
            isinstance(node.value, ast.Name) and node.value.id == 'six'):
            return line, f'.{node.attr}()'
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and any(
                _is_range(side) for side in (node.left, node.right)):
            return line, 'range(…) as a list'
        elif isinstance(node, ast.Call) and getattr(node.func, 'attr', '') == 'shuffle' and node.args \
                and getattr(node.args[0], 'id', None) in ranges:
            return line, f'{node.args[0].id} = range(…) as a list'
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) \
                and node.func.attr == 'next' and not (node.args or node.keywords or 'next' in own_methods):
            return line, '.next()'
    return None


def _is_range(node):
    return isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'range'


def _lists_of_range(tree):
    """Names that are only ever assigned a `range(…)`, which is no list in Python 3."""
    assigned = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        assigned.setdefault(name.id, []).append(_is_range(node.value) and name is target)
    return {name for name, kinds in assigned.items() if all(kinds)}


def guarded_lines(tree):
    """Lines inside `try` bodies whose handlers expect a failed import or name, and inside version tests."""
    lines = set()
    for node in ast.walk(tree):
        bodies = []
        if isinstance(node, ast.Try) and any(_catches_import(handler) for handler in node.handlers):
            bodies = node.body + [s for h in node.handlers for s in h.body] + node.orelse
        elif isinstance(node, ast.If) and re.search(r'version|PY[23]', ast.unparse(node.test)):
            bodies = node.body + node.orelse
        for statement in bodies:
            lines.update(range(statement.lineno, statement.end_lineno + 1))
    return lines


def _catches_import(handler):
    if handler.type is None:
        return True
    names = {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)}
    return bool(names & {'ImportError', 'ModuleNotFoundError', 'NameError', 'Exception', 'BaseException'})


# ---- the tree ----------------------------------------------------------------------------------------------

ORDERINGS = {ast.Lt: 'lt', ast.Gt: 'gt', ast.LtE: 'le', ast.GtE: 'ge'}


class Modernise(ast.NodeTransformer):
    """Rewrites what cannot be restored by a name: every rewritten place calls into `__legacy__`
    (python2.Runtime).
    """

    def __init__(self, python2, path_map=(), filename='', true_division=False):
        self.python2 = python2
        self.true_division = true_division
        self.path_map = path_map
        self.filename = os.path.relpath(filename) if os.path.isabs(filename) else filename
        self.shadowed = set()

    def run(self, tree):
        self.shadowed = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
                         and isinstance(node.ctx, ast.Store)}
        self.shadowed |= {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef,
                                                                                    ast.ClassDef))}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                if node.module == '__future__':
                    self.true_division |= any(alias.name == 'division' for alias in node.names)
                self.shadowed |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Name) and node.id in ABSENT_BUILTINS and node.id not in self.shadowed:
                self._note('builtins.' + node.id, node)
        guarded = sorted(guarded_lines(tree))
        tree = self.visit(tree)
        return ast.fix_missing_locations(tree), guarded

    def _note(self, name, node):
        notes.restored(name, symbols.SYMBOLS.get(name), f'{self.filename}:{node.lineno}')

    def _call(self, name, node, *args):
        function = ast.Attribute(ast.Name('__legacy__', ast.Load()), name, ast.Load())
        return ast.copy_location(ast.Call(function, list(args), []), node)

    def _divider(self):
        return 'div2' if self.python2 and not self.true_division else 'div3'

    def visit_ImportFrom(self, node):
        # every __future__ of Python 2 is the present; a notebook's cell may have it anywhere
        return ast.copy_location(ast.Pass(), node) if node.module == '__future__' and not node.level else node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Div):
            return self._call(self._divider(), node, node.left, node.right)
        if isinstance(node.op, ast.Mod) and not isinstance(node.left, ast.Constant) or \
                isinstance(node.op, ast.Mod) and isinstance(node.left.value, str):
            return self._call('mod', node, node.left, node.right)
        return node

    def visit_Compare(self, node):
        self.generic_visit(node)
        name = ORDERINGS.get(type(node.ops[0])) if self.python2 and len(node.ops) == 1 else None
        return self._call(name, node, node.left, node.comparators[0]) if name else node

    def visit_Assign(self, node):
        self.generic_visit(node)
        self._element(node, node.targets[0])
        return node

    def _element(self, node, target):
        """x[i] = y[0]: the value may be an array of one number."""
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) \
                and not isinstance(node.value, (ast.Constant, ast.List, ast.Tuple, ast.Dict)):
            array = ast.copy_location(ast.Name(target.value.id, ast.Load()), target.value)
            node.value = self._call('element', node.value, array, node.value)

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        self._element(node, node.target)
        simple = isinstance(node.target, (ast.Name, ast.Attribute)) and not any(
            isinstance(part, ast.Call) for part in ast.walk(node.target))
        if isinstance(node.op, ast.Div) and simple:
            read = ast.copy_location(type(node.target)(**{**dict(ast.iter_fields(node.target)),
                                                          'ctx': ast.Load()}), node.target)
            return ast.copy_location(ast.Assign([node.target], self._call('i' + self._divider(), node, read,
                                                                          node.value)), node)
        return node

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and node.attr in METHODS:
            return self._call('attr', node, node.value, ast.Constant(node.attr))
        return node

    def visit_Subscript(self, node):
        """d.keys()[0]: the views of a dictionary were lists; a[2.0]: an index may be a float."""
        view = isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute) \
            and node.value.func.attr in ('keys', 'values', 'items') and not node.value.args
        self.generic_visit(node)
        if view and not self.python2:
            node.value = self._call('listed', node.value, node.value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        parts = [self._index(part) for part in parts]
        node.slice = ast.Tuple(parts, ast.Load()) if isinstance(node.slice, ast.Tuple) else parts[0]
        return node

    def _index(self, node):
        """An index, or the ends of a slice, that may turn out to be a float."""
        if isinstance(node, ast.Slice):
            ends = [self._index(end) if end else None for end in (node.lower, node.upper, node.step)]
            return ast.copy_location(ast.Slice(*ends), node)
        if isinstance(node, (ast.Name, ast.Subscript, ast.BinOp, ast.Call)):
            return self._call('index', node, node)
        return node

    def visit_Call(self, node):
        plain = isinstance(node.func, ast.Attribute) and node.func.attr in ('keys', 'values', 'items') \
            and not node.args and not node.keywords
        self.generic_visit(node)
        if self.python2 and plain:
            return self._call('listed', node, node)
        if isinstance(node.func, ast.Name) and node.func.id in ('int',
            'float') and node.func.id not in self.shadowed and len(
            node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
            return self._call('to_' + node.func.id, node, node.args[0])
        return node

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            for old, new in self.path_map:
                if node.value == old or node.value.startswith(old.rstrip('/') + '/'):
                    return ast.copy_location(ast.Constant(new.rstrip('/')
                                                          + node.value[len(old.rstrip('/')):]), node)
        return node

    def visit_JoinedStr(self, node):
        self.generic_visit(node)
        return node

    def visit_Try(self, node):
        self.generic_visit(node)
        if any(handler.type is None or 'BaseException' in ast.unparse(handler.type)
               for handler in node.handlers):
            stop = ast.Attribute(ast.Name('__legacy__', ast.Load()), 'Stop', ast.Load())
            handler = ast.ExceptHandler(stop, None, [ast.Raise()])
            node.handlers.insert(0, ast.copy_location(handler, node.handlers[0]))
        return node


def compile_source(text, filename, python2, path_map=()):
    """(code, lines of guarded imports) of one old module."""
    tree, reason = parse(text, filename)
    if reason:
        what = 'py2:' + (reason.partition(': ')[2] or reason)
        notes.restored(what if what in symbols.SYMBOLS else 'py2:print statement', symbols.SYMBOLS.get(what),
                       f'{os.path.relpath(filename)}:{(reason.split(":")[0]).removeprefix("line ")}')
    tree, guarded = Modernise(python2, path_map, filename).run(tree)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return compile(tree, filename, 'exec', dont_inherit=True), guarded
