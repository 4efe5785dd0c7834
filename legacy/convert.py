"""`python -m legacy convert SRC DST`: an old script or project → a modern source, and a report of what to
look at.

The result is Python 3 on `tensorflow.compat.v1` and helpers.py; it runs with plain `python`. Comments and
layout stay. rewrite.py changes one file; here are the project (its language, its imports, what is copied) and
CONVERSION.md.
"""
import ast
import collections
import dataclasses
import difflib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import warnings

from errors import UserError
from legacy import translate
from legacy.command import arguments

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPORT = 'CONVERSION.md'
SKIPPED_FOLDERS = {'.git', '.hg', '.svn', '__pycache__', '.ipynb_checkpoints'}
TENSORFLOW_2 = {'tf.function', 'tf.summary.create_file_writer',
                'tf.optimizers.Adam', 'tf.keras.optimizers.Adam'}
COPY_LIMIT_MB = 20       # larger files are data: they are named in the report instead of copied

# lib2to3's fixers for a Python 2 file; rewrite.py does imports of siblings and division, which they get
# wrong.
FIXERS = (
    'apply basestring dict except exec execfile filter funcattrs getcwdu has_key imports input intern '
    'itertools itertools_imports long map metaclass methodattrs ne next nonzero numliterals operator paren '
    'print raise raw_input reduce reload renames repr standarderror sys_exc throw tuple_params unicode '
    'urllib xrange xreadlines zip'
).split()


def main(argv):
    """Runs the command line; returns the exit status: 0, or 1 when a file could not be converted. Raises
    UserError.
    """
    args = arguments(
        'convert',
        'Write a modern source of an old TensorFlow 1 script or project, and a report of what to look at.',
        argv, ('source', dict(metavar='SRC', help='script or folder')),
        ('target', dict(metavar='DST', help='script or folder to write; it must not exist')),
    )
    source, target = os.path.abspath(args.source), os.path.abspath(args.target)
    check_paths(args, source, target)
    rewrite = rewriter()
    if os.path.isdir(source):
        project = Project(source, python_files(source))
        status = convert_folder(project, target, rewrite)
        where = os.path.join(args.target, REPORT)
    else:
        project = Project(os.path.dirname(source), python_files(os.path.dirname(source)))
        status = convert_file(project, os.path.basename(source), target, rewrite)
        where = report_beside(args.target)
    looks = sum(note.look for notes in project.notes.values() for note in notes)
    print(f'converted {len(project.notes)} file(s) to {args.target}; {looks} place(s) to look at: {where}')
    for path, reason in project.failed.items():
        print(f'legacy convert: {path}: not converted: {reason}', file=sys.stderr)
    return status


def check_paths(args, source, target):
    """Raises UserError for a source that is not there and a target that is."""
    if not os.path.exists(source):
        raise UserError(f'{args.source}: no such file or folder')
    if os.path.isfile(source) and not source.endswith('.py'):
        raise UserError(f'{args.source}: not a Python file; expected a script (.py) or a folder'
                        + (', and notebooks run with: python -m legacy run ' + args.source
                           if source.endswith('.ipynb') else ''))
    if os.path.exists(target) and not (
        os.path.isdir(target) and os.path.isdir(source) and not os.listdir(target)
    ):
        raise UserError(
            f'{args.target}: exists already; name a {"folder" if os.path.isdir(source) else "file"} '
            'that does not'
        )
    if os.path.isdir(source) and (target + os.sep).startswith(source + os.sep):
        raise UserError(f'{args.target}: lies inside {args.source}; name a folder outside it')
    if os.path.isdir(source) and not python_files(source):
        raise UserError(f'{args.source}: no Python files in this folder')
    if os.path.isfile(source) and os.path.exists(report_beside(target)):
        raise UserError(
            f'{report_beside(args.target)}: exists already; move it away, the report is written there')


def rewriter():
    """The module rewrite. Raises UserError where libcst is not installed."""
    try:
        from legacy import rewrite
    except ImportError as error:
        if error.name != 'libcst':
            raise
        raise UserError('convert needs the package libcst: pip install -r requirements-legacy.txt') from None
    return rewrite


def report_beside(target):
    """Where the report of a single converted file goes."""
    return os.path.join(os.path.dirname(target), REPORT)


# ------------------------------------------------------------------------------------------------ the project


def python_files(root):
    """Python files below a folder, relative, sorted."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        found += [os.path.relpath(os.path.join(folder, name), root) for name in files if name.endswith('.py')]
    return sorted(found)


class Project:
    """The Python files of a folder: what they are written in, who imports whom.

    texts: {path: source}; trees: {path: ast or None}; reasons: {path: why it is no Python 3};
    imports: {path: files it imports}; language: {path: why it is Python 2, or None}; tensorflow: {path:
    whether it or a file it shares imports with uses TensorFlow}; groups: {path: it and the files it shares
    imports with}; modern: {path: why it is TensorFlow 2, which stays as it is}.
    notes: {path: notes of the conversion}; failed: {path: why}; left: paths that were not copied.
    """

    def __init__(self, root, paths):
        self.root, self.paths = root, paths
        self.search_path = set()       # folders that the project must put on sys.path for its imports to work
        self.texts, self.trees, self.reasons = {}, {}, {}
        self.notes, self.failed, self.left = {}, {}, []
        for path in paths:
            with open(os.path.join(root, path), 'rb') as file:
                self.texts[path] = translate.decode(file.read())
            try:
                self.trees[path], self.reasons[path] = translate.parse(self.texts[path], path)
            except SyntaxError as error:
                self.trees[path], self.reasons[path] = None, None
                self.failed[path] = f'line {error.lineno}: neither Python 3 nor Python 2 ({error.msg})'
        self.stars = collections.defaultdict(set)          # file → files whose names it takes with *
        self.imports = {path: self._imports_of(path) for path in paths}
        self.imported = set().union(*self.imports.values()) if paths else set()
        self.language, self.tensorflow, self.modern, self.groups = {}, {}, {}, {}
        for group in self._groups():
            self.groups.update(dict.fromkeys(group, group))
            self.tensorflow.update(dict.fromkeys(group, any(
                imports_tensorflow(self.trees[path]) for path in group)))
            folders = {os.path.join(root, os.path.dirname(path))
                       for path in group if not self.in_package(path)}
            files = {os.path.join(root, path): (self.trees[path], self.reasons[path]) for path in group}
            modern = next(filter(None, (is_tensorflow2(self.trees[path]) for path in group)), None)
            if modern:
                self.modern.update(dict.fromkeys(group, modern))
            why = translate.python2_evidence(files, sorted(folders | {root}))
            why = why and why.replace(os.path.relpath(root) + os.sep, '', 1)
            self.language.update(dict.fromkeys(group, why))

    def in_package(self, path):
        """Whether a file is a module of a package that the rest of the project imports, not a script of its
        own.
        """
        folder = os.path.dirname(path)
        if not folder or folder in self.search_path \
                or not os.path.isfile(os.path.join(self.root, folder, '__init__.py')):
            return False
        return any(other.startswith(folder + os.sep) for importer, others in self.imports.items()
                   if os.path.dirname(importer) != folder for other in others)

    def folders_of(self, path):
        """Where the imports of a file are looked up: its own folder, those above it."""
        folder = os.path.dirname(path)
        found = [folder]
        while folder:
            folder = os.path.dirname(folder)
            found.append(folder)
        return found

    def _find(self, folders, dotted):
        """The file of a module: in one of `folders`, else the only one of its name (a folder put on
        sys.path).
        """
        for folder in folders:
            file = translate.module_file(os.path.join(self.root, folder), dotted)
            if file:
                return os.path.relpath(file, self.root)
        if '.' in dotted or dotted in sys.stdlib_module_names:
            return None
        anywhere = [path for path in self.paths if path.endswith(os.sep + dotted + '.py')]
        if len(anywhere) != 1 or importlib.util.find_spec(dotted) is not None:
            return None
        self.search_path.add(os.path.dirname(anywhere[0]))
        return anywhere[0]

    def _imports_of(self, path):
        found = set()
        for node in ast.walk(self.trees[path] or ast.Module([], [])):
            if not isinstance(node, (ast.Import, ast.ImportFrom)):
                continue
            level = getattr(node, 'level', 0)
            folders = self.folders_of(path)[level - 1:level] if level else self.folders_of(path)
            base = getattr(node, 'module', None) or ''
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else \
                [base] * bool(base) + ['.'.join(filter(None, (base, alias.name))) for alias in node.names]
            for dotted in names:
                parts = dotted.split('.')
                for n in range(len(parts), 0, -1):
                    file = self._find(folders, '.'.join(parts[:n])) if dotted else None
                    if file and file != path:
                        found.add(file)
            if isinstance(node, ast.ImportFrom) and node.names[0].name == '*' and base:
                file = self._find(folders, base)
                if file:
                    self.stars[path].add(file)
        return found

    def _groups(self):
        """Files that import one another, directly or not: each group has one language."""
        neighbours = collections.defaultdict(set)
        for path, others in self.imports.items():
            for other in others & set(self.paths):
                neighbours[path].add(other)
                neighbours[other].add(path)
        left = set(self.paths)
        while left:
            group, todo = set(), [min(left)]
            while todo:
                path = todo.pop()
                if path not in group:
                    group.add(path)
                    todo += neighbours[path]
            left -= group
            yield sorted(group)

    def exports(self, path, seen=()):
        """{name: dotted import} of the modules that `from this file import *` brings in."""
        found = {}
        for star in self.stars.get(path, ()):
            if star not in seen:
                found.update(self.exports(star, (*seen, path)))
        tree = self.trees.get(path)
        for node in tree.body if tree else ():
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.split('.')[0]
                    found[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    if alias.name != '*' and not self._find(self.folders_of(path), node.module):
                        found[alias.asname or alias.name] = f'{node.module}.{alias.name}'
        return found

    def star_exports(self, path):
        """{name: dotted import} that the star imports of a file bring into it."""
        found = {}
        for star in sorted(self.stars.get(path, ())):
            found.update(self.exports(star))
        return found

    def star_names(self, path):
        """The names that the files mention which take all names of this one, directly or not."""
        takers, todo = set(), [path]
        while todo:
            taken = todo.pop()
            new = {taker for taker, stars in self.stars.items() if taken in stars} - takers
            takers |= new
            todo += new
        return frozenset(
            node.id
            for taker in takers
            for node in ast.walk(self.trees[taker] or ast.Module([], []))
            if isinstance(node, ast.Name)
        )

    def modules_in(self, folder):
        """Names that `import` finds in a folder of the project."""
        full = os.path.join(self.root, folder)
        return frozenset(
            name.removesuffix('.py')
            for name in os.listdir(full)
            if name.endswith('.py')
            or os.path.isdir(os.path.join(full, name))
            and python_files(os.path.join(full, name))
        )

    def old_axis_order(self):
        """Whether the project is of a TensorFlow before 1.0, by names that 1.0 took away."""
        names = 'pack|unpack|mul|sub|neg|(scalar|image|histogram)_summary|merge_all_summaries|batch_matmul'
        return any(re.search(rf'\btf\.({names})\(', text) for text in self.texts.values())

    def has(self, group_of, pattern):
        """Whether a pattern occurs in a file or in one that it shares imports with."""
        return any(re.search(pattern, self.texts[path]) for path in self.groups[group_of])

    def module(self, path, rewrite):
        """What rewrite needs to know about a file."""
        local = frozenset().union(*(self.modules_in(folder) for n, folder in enumerate(self.folders_of(path))
                                    if n or not self.in_package(path)))
        implicit = self.in_package(path) and self.language[path]
        siblings = self.modules_in(os.path.dirname(path)) - {'__init__'} if implicit else frozenset()
        return rewrite.Module(
            path=path, python2=bool(self.language[path]), tensorflow=self.tensorflow[path],
            gpu=self.has(path, r'device\([^)]*gpu') and not self.has(path, 'allow_soft_placement'),
            reused=self.has(path, r'get_variable_scope\(\)\s*\.reuse_variables\('),
            exports=self.star_exports(path), star_names=self.star_names(path), siblings=siblings, local=local,
            old_axis_order=self.old_axis_order(),
        )


def imports_tensorflow(tree):
    """Whether a file imports TensorFlow itself, not just a data reader from below it."""
    return any(isinstance(node, ast.Import) and any(alias.name == 'tensorflow' for alias in node.names)
               or isinstance(node, ast.ImportFrom) and node.module == 'tensorflow'
               for node in ast.walk(tree or ast.Module([], [])))


def is_tensorflow2(tree):
    """The first thing in a file that TensorFlow 1 never had, or None."""
    for node in ast.walk(tree or ast.Module([], [])):
        text = ast.unparse(node) if isinstance(node, ast.Attribute) else ''
        if text in TENSORFLOW_2:
            return text
    return None


# --------------------------------------------------------------------------------------------- the conversion


def convert_text(project, path, rewrite):
    """The modern source of a file; its notes go into project.notes.

    The old text comes back if it cannot be converted, with the reason in project.failed.
    """
    old = project.texts[path]
    if path in project.failed or path in project.modern or not old.strip():
        return old
    text = old
    if project.language[path]:
        text = from_python2(old, path, print_function=project.reasons[path] is None)
    elif project.reasons[path]:
        text = translate.expand_tabs(old)
    try:
        new, notes = rewrite.rewrite(utf8(text), project.module(path, rewrite))
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')              # invalid escapes in strings are the old source's own
            compile(new, path, 'exec', dont_inherit=True)
    except (rewrite.cst.ParserSyntaxError, SyntaxError) as error:
        project.failed[path] = f'the translated source has an error: {str(error).splitlines()[0]}'
        return old
    lines = line_map(text, new)
    project.notes[path] = [dataclasses.replace(note, line=lines.get(note.line, note.line)) for note in notes]
    return new


def from_python2(text, path, print_function):
    """Python 3 source of Python 2 source, by lib2to3's fixers. print_function: print is called, not
    stated.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')                  # lib2to3 is deprecated from 3.11 on and gone in 3.13
        try:
            from lib2to3 import refactor
        except ImportError:
            try:
                from fissix import refactor
            except ImportError:
                raise UserError(f'{path} is Python 2; reading it needs the package fissix on this Python: '
                                'pip install -r requirements-legacy.txt') from None
    package = refactor.__name__.partition('.')[0]
    fixers = [f'{package}.fixes.fix_{name}' for name in FIXERS]
    tool = refactor.RefactoringTool(fixers, {'print_function': print_function})
    tool.log_message = tool.log_debug = lambda *args: None
    text = translate.expand_tabs(text)
    return str(tool.refactor_string(text if text.endswith('\n') else text + '\n', path))


def utf8(text):
    """Text whose coding line, if it has one, says what it will be written in."""
    return re.sub(r'\A((?:.*\n)?[ \t]*#.*?coding[:=][ \t]*)(?!utf-?8)[-\w.]+', r'\g<1>utf-8', text, count=1)


def line_map(old, new):
    """{line of the old text: line of the new text}, from 1."""
    found = {}
    matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    for _, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        for n in range(old_start, old_end):
            found[n + 1] = min(new_start + n - old_start, max(new_end - 1, new_start)) + 1
    return found


def convert_folder(project, target, rewrite):
    """Writes the whole project to `target`, which appears complete or not at all."""
    parent = os.path.dirname(target)
    try:
        os.makedirs(parent, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='.converting-', dir=parent) as aside:
            draft = os.path.join(aside, 'project')
            copy_others(project, draft)
            for path in project.paths:
                write(os.path.join(draft, path), convert_text(project, path, rewrite))
                shutil.copymode(os.path.join(project.root, path), os.path.join(draft, path))
            write(os.path.join(draft, REPORT), report(project, os.path.basename(project.root)))
            if os.path.isdir(target):
                os.rmdir(target)
            os.replace(draft, target)
    except OSError as error:
        raise UserError(f'{target}: cannot be written ({error.strerror or error})') from error
    return 1 if project.failed else 0


def convert_file(project, path, target, rewrite):
    """Writes one converted script, and the report beside it."""
    new = convert_text(project, path, rewrite)
    project.failed = {name: why for name, why in project.failed.items() if name == path}
    if path in project.failed:
        raise UserError(f'{path}: {project.failed[path]}')
    beside = sorted(other for other in project.imports[path])
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        write(target, new)
        write(report_beside(target), report(project, path, beside))
    except OSError as error:
        raise UserError(f'{target}: cannot be written ({error.strerror or error})') from error
    return 0


def copy_others(project, draft):
    """Copies what is no Python file; large files are left where they are."""
    for folder, folders, files in os.walk(project.root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        here = os.path.join(draft, os.path.relpath(folder, project.root))
        os.makedirs(here, exist_ok=True)
        for name in [*files, *(name for name in folders if os.path.islink(os.path.join(folder, name)))]:
            source = os.path.join(folder, name)
            path = os.path.relpath(source, project.root)
            if os.path.islink(source):
                os.symlink(os.path.realpath(source), os.path.join(here, name))
            elif path not in project.texts and os.path.isfile(source):
                if os.path.getsize(source) > COPY_LIMIT_MB << 20:
                    project.left.append(path)
                else:
                    shutil.copy2(source, os.path.join(here, name))


def write(path, text):
    """Writes a text file whole: aside, then into place."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    draft = path + '.part'
    with open(draft, 'w', encoding='utf-8', errors='surrogateescape', newline='') as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


# ------------------------------------------------------------------------------------------------- the report


def report(project, name, beside=()):
    """CONVERSION.md: how to run the result, what a person must look at, what has been changed."""
    lines = [
        f'# {name}, converted',
        '',
        'Python 3 on `tensorflow.compat.v1`. '
        'Run it with the project that has `legacy/helpers.py` on the path:',
        '', f'    PYTHONPATH={ROOT} python SCRIPT.py …', '',
    ]
    reasons = sorted({why for why in project.language.values() if why})
    if reasons:
        lines += ['It was Python 2 (' + '; '.join(reasons) + '): `/` on whole numbers, lists from `map` and '
                  '`dict.keys()`, implicit relative imports have been written out.', '']
    if beside:
        lines += [
            'It imports local modules that are not converted; convert their folder: '
            + ', '.join(beside)
            + '.', '',
        ]
    lines += _look_at(project)
    libraries = collections.Counter(note.library for notes in project.notes.values()
                                    for note in notes if note.library)
    if libraries:
        lines += [
            '## Libraries',
            '',
            'Not installed where this was converted, so `helpers.library` stands in for them '
            '(or says, where they are used, that they are missing). '
            'Install them and write the imports again:',
            ', '.join(f'{name} ({count} imports)' for name, count in sorted(libraries.items())) + '.', '',
        ]
    counts = collections.Counter(note.text for notes in project.notes.values()
                                 for note in notes if not note.look)
    if counts:
        lines += ['## Changed', '', '| change | places |', '| --- | ---: |']
        lines += [f'| {text.replace("|", chr(92) + "|")} | {count} |'
                  for text, count in sorted(counts.items())] + ['']
    if project.modern:
        lines += ['## Left as they are', '', 'TensorFlow 2 already: ' + ', '.join(
            f'{path} ({why})' for path, why in sorted(project.modern.items())), '']
    if project.failed:
        failed = [f'- {path}: {reason}' for path, reason in sorted(project.failed.items())]
        lines += ['## Not converted', '', *failed, '']
    notebooks = [path for path in all_files(project.root) if path.endswith('.ipynb')] if not beside else []
    if notebooks:
        lines += ['## Notebooks', '', 'They are copied as they are; `python -m legacy run` runs them: '
                  + ', '.join(notebooks), '']
    if project.left:
        lines += ['## Not copied', '',
                  f'Larger than {COPY_LIMIT_MB} MB: ' + ', '.join(sorted(project.left)), '']
    return '\n'.join(lines)


def _look_at(project):
    lines = []
    for path, notes in sorted(project.notes.items()):
        grouped = collections.defaultdict(list)
        for note in notes:
            if note.look:
                grouped[note.text].append(note.line)
        if grouped:
            lines += [f'### {path}', '']
            lines += [f'- line {", ".join(map(str, sorted(set(places))))}: {text}' for text, places in
                      sorted(grouped.items(), key=lambda item: min(item[1]))] + ['']
    return ['## To look at', '', *(lines or ['Nothing.', ''])]


def all_files(root):
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        found += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return sorted(found)
