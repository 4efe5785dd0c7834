"""`python -m legacy check PATH`: what a script or folder uses that is gone, what `run` restores, the modern
form.

Static: nothing is executed. Names are followed through imports and aliases
(`from tensorflow.contrib import slim`, `nn = tf.nn`).
Exit status: 0 when `run` is expected to work, 1 when something it cannot restore is used, 2 for wrong usage.
"""
import ast
import dataclasses
import json
import os
import re
import sys

from errors import UserError
from legacy import symbols, translate
from legacy.command import arguments
from legacy.convert import TENSORFLOW_2
from legacy.python2 import ABSENT_BUILTINS, METHODS, MODULES

FIRST_ARGUMENT_CHANGED = {'tf.concat', 'tf.split'}
CROSS_ENTROPIES = {row for row in symbols.SYMBOLS if row.endswith('cross_entropy_with_logits')}
# What looks the same and is only lenient inside `run`: naming every use of np.array helps nobody.
QUIET_PARTS = ('np.', 'os.', 'subprocess.', 'pickle.', 'importlib.', 'csv.', 'random.', 'urllib.request.',
               'tf.nn.', 'tf.depth_to_space', 'tf.space_to_depth', 'tf.reverse', 'tf.image.resize_images')
QUIET = {row.name for row in symbols.SYMBOLS.values() if row.kind == 'changed'
         and row.name.startswith(QUIET_PARTS) and row.name not in CROSS_ENTROPIES}
# What no file of TensorFlow 2 has.
TENSORFLOW_1 = re.compile(r'\b(placeholder|Session|enable_eager\w*|contrib|estimator|tf\.(app|layers))\b')
OF_TENSORFLOW_2 = 'TensorFlow 1 never had it'
# As likely to be a name of the script's own.
COMMON_WORDS = ('file', 'buffer', 'apply', 'intern', 'coerce', 'cmp')
METHOD_ROWS = {name for name in METHODS if '.' + name in symbols.SYMBOLS} - {'decode', 'next', 'value', 'ptp'}


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """One use of one old name. `status` is 'restored' or 'not restored'."""
    file: str
    line: int
    name: str
    status: str
    modern: str
    note: str


def python_files(path):
    """The scripts and notebooks below a path, or the path itself. UserError when there is none."""
    if os.path.isfile(path):
        return [path]
    if not os.path.isdir(path):
        raise UserError(f'no such file or folder: {path}')
    found = [os.path.join(base, name) for base, folders, names in os.walk(path) for name in names
             if name.endswith(('.py', '.ipynb')) and '/.' not in base.replace(os.sep, '/')]
    if not found:
        raise UserError(f'{path} has no .py or .ipynb file')
    return sorted(found)


def check_file(path, local=()):
    """[Finding] of one file. `local` are the names of modules that the project itself has."""
    if path.endswith('.ipynb'):
        from legacy import notebook
        sources = [(notebook.without_magics(source)[0], f'{path} cell {number}') for number,
                   source in notebook.code_cells(path)]
    else:
        sources = [(_text(path), path)]
    findings, names = [], {}
    for text, label in sources:
        try:
            tree, reason = translate.parse(text, label)
        except SyntaxError as error:
            findings.append(Finding(label, error.lineno or 1, 'syntax error', 'not restored', '', error.msg
                                    or 'invalid syntax'))
            continue
        if reason:
            what = 'py2:' + (reason.partition(': ')[2] or reason)
            line = int(reason.split(':')[0].removeprefix('line ')) if reason.startswith('line ') else 1
            row = symbols.SYMBOLS.get(what)
            findings.append(Finding(label, line, what, 'restored', row.modern if row else 'Python 3',
                                    'translated in memory'))
        visitor = _Visitor(label, set(local), names, translate.guarded_lines(tree), _attempts(tree))
        visitor.visit(tree)
        findings += visitor.findings
    return sorted(set(findings))


def _attempts(tree):
    """Lines of `try … except AttributeError`: where a name is missing the script has another way."""
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(isinstance(part, ast.Name) and part.id == 'AttributeError'
                                             for h in node.handlers if h.type for part in ast.walk(h.type)):
            lines.update(range(node.lineno, node.end_lineno + 1))
    return lines


def _own_names(function):
    """The names that are the function's own: its arguments and what it assigns, not what it imports."""
    args = function.args
    names = {a.arg for a in args.posonlyargs + args.args + args.kwonlyargs + [args.vararg, args.kwarg] if a}
    nodes, theirs = list(function.body), set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            theirs.update(node.names)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            nodes += ast.iter_child_nodes(node)
    return names - theirs


class _Visitor(ast.NodeVisitor):
    """Follows names through imports and simple assignments, reports those the table knows."""

    def __init__(self, file, local, names, guarded, attempts):
        self.file, self.local, self.names, self.guarded = file, local, names, guarded
        self.attempts = attempts
        self.findings = []
        self.own = set()

    def report(self, node, row, name=None, note=None):
        if not row.restored and node.lineno in self.attempts:
            return
        status = 'restored' if row.restored else 'not restored'
        self.findings.append(Finding(self.file, node.lineno, name or row.name, status, row.modern, note
                                     if note is not None else row.note))

    def visit_Import(self, node):
        for alias in node.names:
            top = alias.name.split('.')[0]
            if top in self.local:
                continue
            self.names[alias.asname or top] = symbols.canonical(alias.name if alias.asname else top)
            self._module(node, alias.name)

    def visit_ImportFrom(self, node):
        if node.level or (node.module or '').split('.')[0] in self.local:
            return
        self._module(node, node.module)
        for alias in node.names:
            full = symbols.canonical(f'{node.module}.{alias.name}')
            self.names[alias.asname or alias.name] = full
            row = symbols.lookup(full)
            if row is not None and row.name not in QUIET:
                self._use(node, full)
            elif row is None and full.startswith('tf.contrib') and not symbols.is_prefix(full):
                self._use(node, full, imported=True)

    def _module(self, node, name):
        if name in MODULES:
            self.report(node, symbols.SYMBOLS[name])
            return
        row = symbols.lookup(name)
        if row is not None and not symbols.is_prefix(name):
            self._absent_or_report(node, row)
        else:
            top = symbols.SYMBOLS.get(name.split('.')[0])
            if top is not None and top.restore.startswith('absent:'):
                self._absent_or_report(node, top)

    def _absent_or_report(self, node, row):
        if row.restore.startswith('absent:'):
            import importlib.util
            if importlib.util.find_spec(row.name) is not None:
                return
        self.report(node, row)

    def dotted(self, node):
        """The canonical dotted name of an expression, or None when it does not start at an import."""
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.names:
            return None
        return symbols.canonical('.'.join([self.names[node.id]] + parts[::-1]))

    def visit_Assign(self, node):
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name) and isinstance(node.value,
                                                                                           (ast.Attribute,
                                                                                            ast.Name)):
            full = self.dotted(node.value)
            if full is not None and (full.startswith('tf.') or symbols.is_prefix(full)):
                self.names[node.targets[0].id] = full
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self.own.add(node.name)
        hidden = {name: self.names.pop(name) for name in _own_names(node) if name in self.names}
        self.generic_visit(node)
        self.names.update(hidden)

    def visit_Attribute(self, node):
        full = self.dotted(node)
        if full is not None:
            if symbols.is_prefix(full) or self._use(node, full):
                return                                   # the whole chain is one name; a package is none yet
        elif node.attr in METHOD_ROWS and isinstance(node.ctx, ast.Load) and node.attr not in self.own:
            self.report(node, symbols.SYMBOLS['.' + node.attr])
        self.generic_visit(node)

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Store):
            if node.id in ABSENT_BUILTINS:
                self.own.add(node.id)
        elif self._is_gone_builtin(node):
            self.report(node, symbols.SYMBOLS['builtins.' + node.id])

    def _is_gone_builtin(self, node):
        known = node.id in ABSENT_BUILTINS and 'builtins.' + node.id in symbols.SYMBOLS
        if not known or node.id in COMMON_WORDS:
            return False
        return node.id not in self.names and node.id not in self.own and node.lineno not in self.guarded

    def visit_Call(self, node):
        full = self.dotted(node.func) if isinstance(node.func, (ast.Attribute, ast.Name)) else None
        if full in FIRST_ARGUMENT_CHANGED and node.args and isinstance(node.args[0], (ast.Constant,
                                                                                      ast.UnaryOp)):
            self.report(node, symbols.SYMBOLS[full])
        elif full in CROSS_ENTROPIES and node.args and not (isinstance(node.args[0], ast.Constant)
                                                            and node.args[0].value is None):
            self.report(node, symbols.SYMBOLS[full])
        if isinstance(node.func, ast.Name) and full is not None and '.' in full:
            self._use(node.func, full)
        self.generic_visit(node)

    def _use(self, node, full, imported=False):
        """Reports `full` when the table or today's TensorFlow says that it is gone; True when it was
        reported.
        """
        row = symbols.lookup(full)
        while row is None and symbols.is_prefix(full) is False and '.' in full and not full.startswith('tf'):
            return False
        if row is not None:
            if row.name in QUIET or row.name in FIRST_ARGUMENT_CHANGED or row.name in CROSS_ENTROPIES:
                return True
            if row.kind == 'renamed' and _exists_today(full):
                return True
            if row.name in ('tf.flags', 'tf.app', 'tf.__version__', 'tf.VERSION'):
                return False
            self.report(node, row)
            return True
        if not full.startswith('tf.') or symbols.is_prefix(full):
            return False
        above = symbols.covering(full)
        if above is None:
            if _exists_today(full) is False:
                of_2 = _has(_tensorflow(), full.split('.')[1:])
                self.report(node, symbols.Symbol(full, '', 'none', 'gone', OF_TENSORFLOW_2 if of_2 else
                                                 'not in this TensorFlow, and not restored'))
                return True
            return False
        if above.name == 'tf.contrib':
            note = above.note + ('; importing it is free, using it fails' if imported else '')
            self.report(node, dataclasses.replace(above, name=full, restore='x' if imported else ''), full,
                        note)
            return True
        return False


def _exists_today(full):
    """True or False for a `tf.` name in today's compat.v1; None for names below objects that are no modules."""
    parts = full.split('.')[1:]
    if not full.startswith('tf.') or parts[0] in ('python', 'keras', 'core'):
        return None
    return _has(_tensorflow().compat.v1, parts)


def _tensorflow():
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    import tensorflow
    return tensorflow


def _has(value, parts):
    for part in parts:
        try:
            value = getattr(value, part)
        except (AttributeError, ImportError):
            if not hasattr(value, '__path__') and type(value).__name__ not in ('TFModuleWrapper', 'module'):
                return None
            return False
    return True


def local_modules(path):
    """Names of the modules and packages beside and below the checked files: they hide libraries of the
    same name.
    """
    folder = path if os.path.isdir(path) else os.path.dirname(os.path.abspath(path))
    names = set()
    for base, folders, files in os.walk(folder):
        names |= {name[:-3] for name in files if name.endswith('.py')}
        names |= {name for name in folders if os.path.isfile(os.path.join(base, name, '__init__.py'))}
    return names - {'tensorflow', 'numpy', 'scipy'}


def check(path):
    """[Finding] of a script (and the local modules it imports) or of every file of a folder."""
    local = local_modules(path)
    if os.path.isdir(path) or path.endswith('.ipynb'):
        files = python_files(path)
    else:
        python_files(path)
        files = sorted(translate.project_files(path, [os.path.dirname(os.path.abspath(path))]))
        files = [os.path.relpath(file) for file in files]
    old = {file for file in files if file.endswith('.ipynb') or TENSORFLOW_1.search(_text(file))}
    findings = [found for file in files for found in check_file(file, local)
                if file in old or found.note != OF_TENSORFLOW_2]
    return files, findings if old else findings + tensorflow2(files)


def _text(file):
    with open(file, 'rb') as opened:
        return translate.decode(opened.read())


def tensorflow2(files):
    """[Finding] of the first thing in each script that TensorFlow 1 never had; none of them is TensorFlow 1."""
    findings = []
    for file in files:
        try:
            tree = translate.parse(_text(file), file)[0]
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            name = ast.unparse(node) if isinstance(node, ast.Attribute) else ''
            if name in TENSORFLOW_2 or name == 'tf.GradientTape':
                findings.append(Finding(file, node.lineno, name, 'not restored', name,
                                        'of TensorFlow 2, nothing here is of 1: start it without `legacy`'))
                break
    return findings


def main(argv):
    """Prints the report; returns 0 when `run` is expected to work, else 1."""
    args = arguments('check', 'Report what an old script uses that is gone.', argv,
                     ('path', dict(help='a script, a notebook or a folder')),
                     ('--json', dict(action='store_true', help='one JSON object instead of lines')))
    files, findings = check(args.path)
    lost = [f for f in findings if f.status == 'not restored']
    if args.json:
        print(json.dumps({'files': files, 'findings': [dataclasses.asdict(f) for f in findings],
                          'runs': not lost}, indent=1))
        return 1 if lost else 0
    for f in findings:
        tail = f' ({f.note})' if f.note else ''
        print(f'{f.file}:{f.line}: {f.name}: {f.status}' + (f'; today: {f.modern}' if f.modern else '')
              + tail)
    print(
        f'{len(files)} file(s), {len(findings)} use(s) of {len({f.name for f in findings})} gone symbol(s), '
        f'{len(lost)} not restored: '
        + ('`python -m legacy run` is not expected to get past them' if lost
            else '`python -m legacy run` is expected to work'))
    return 1 if lost else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
