"""One old module → its modern source. The tree is lossless (libcst), so comments, layout and line order stay.

What is gone is looked up in symbols.py: pure renames are written out (`tf.mul` → `tf.multiply`), calls of
TensorFlow ≤ 0.12 get today's argument order, layers of `tf.contrib`, `tf.layers` … come from helpers.py. What
cannot be decided from the text is written so that it is right in every case (helpers.div), or reported.
"""
import dataclasses
import re
import sys

import libcst as cst
from libcst import metadata

from legacy import symbols
from legacy.rewrite_calls import Calls
from legacy.rewrite_facts import (ABSOLUTE, DOWNLOADS, LEFT_ALONE, PACKAGES, RENAMED_CALLS, SCOPES, exists,
                                  expected_version, installed, size_positions)
from legacy.rewrite_tree import (
    REMOVED, call, clean_commas, dotted, every, every_value, guarded_statements, imported, insertion_point,
    without_removed,
)
from legacy.tf1.sizes import SIZES

TENSORFLOW = 'tensorflow.compat.v1'
HELPERS = 'helpers'


@dataclasses.dataclass(frozen=True)
class Note:
    """One line of the report. look: a person must look; else it is only counted as a change. library: what is
    missing.
    """
    line: int
    text: str
    look: bool = False
    library: str = ''


@dataclasses.dataclass
class Module:
    """What the rewriting of one file needs to know about the project.

    path: relative to the project. python2: its language. tensorflow: whether it or a file that shares imports
    with it uses TensorFlow; gpu: pins operations to a GPU without soft placement; reused: reuses the scope
    that optimisers are made in. exports: {module-level name: dotted import} that the star imports of this
    file bring in. star_names: names that files which do `from this import *` mention. siblings: modules of
    the package that this file belongs to, which Python 2 imported without a dot. local: what else of the
    project it can import. old_axis_order: whether the project is older than TensorFlow 1.0.
    """
    path: str
    python2: bool
    tensorflow: bool
    gpu: bool
    reused: bool
    exports: dict
    star_names: frozenset
    siblings: frozenset
    local: frozenset
    old_axis_order: bool = False


def rewrite(source, module):
    """(modern source, list of Note) of Python 3 syntax `source`. Raises libcst.ParserSyntaxError."""
    wrapper = metadata.MetadataWrapper(cst.parse_module(source))
    rewriter = Rewriter(module)
    tree = wrapper.visit(rewriter)
    return tree.code, rewriter.notes


class Rewriter(Calls):
    """Visits once; decides on the way down (`plan`), changes on the way up."""

    METADATA_DEPENDENCIES = (metadata.ScopeProvider, metadata.PositionProvider, metadata.ParentNodeProvider)

    def __init__(self, module):
        super().__init__()
        self.module = module
        self.notes = []
        self.plan = {}              # node → text of the expression that takes its place
        self.whole = set()          # divisions whose result is a size, a count or an index
        self.called = {}            # call → canonical name of its function
        self.true_division = not module.python2
        self.tf_name = None
        self.imports = []           # import lines to add, in order
        self.functions_with_imports = []

    # ------------------------------------------------------------------------------------------------- names

    def visit_Module(self, node):
        self.futures = {alias.name.value for statement in node.body
                        if isinstance(statement, cst.SimpleStatementLine) for part in statement.body
                        if isinstance(part, cst.ImportFrom) and dotted(part.module) == '__future__'
                        for alias in part.names}
        self.true_division |= 'division' in self.futures
        self.guarded = guarded_statements(node)
        names = {name.value for name in every(node, cst.Name)}
        self.helpers = HELPERS if HELPERS not in names else 'legacy_helpers'
        for statement in every(node, cst.Import):
            for alias in statement.names:
                if symbols.canonical(dotted(alias.name)) == 'tf' and self.tf_name is None:
                    self.tf_name = alias.asname.name.value if alias.asname else 'tensorflow'
        self.tf_name = self.tf_name or next((name for name, target in self.module.exports.items()
                                             if target == 'tensorflow'), None)

    def binding(self, name):
        """The dotted module path that a Name stands for by an import (here or through a star import), or
        None.
        """
        scope = self.get_metadata(metadata.ScopeProvider, name, None)
        if scope is None:
            return None
        found = list(scope[name.value])
        for assignment in found:
            if isinstance(assignment, (metadata.ImportAssignment,)):
                target = imported(assignment.node, name.value)
                if target:
                    return target
        if found and not all(isinstance(assignment, metadata.BuiltinAssignment) for assignment in found):
            return self.alias_of(found)
        return self.module.exports.get(name.value)

    def alias_of(self, found):
        """`flags = tf.app.flags`: the path of a name that is assigned once, at module level, from a dotted
        path.
        """
        if len(found) != 1 or not isinstance(found[0].scope, metadata.GlobalScope):
            return None
        target = self.get_metadata(metadata.ParentNodeProvider, found[0].node, None)
        statement = self.get_metadata(metadata.ParentNodeProvider, target, None) if target else None
        if isinstance(target, cst.AssignTarget) and isinstance(statement, cst.Assign) \
                and isinstance(statement.value, cst.Attribute) and len(statement.targets) == 1:
            return self.path(statement.value)
        return None

    def path(self, node):
        """The dotted import path of a Name or Attribute, or None where it does not start at an import."""
        parts = []
        while isinstance(node, cst.Attribute):
            parts.append(node.attr.value)
            node = node.value
        base = self.binding(node) if isinstance(node, cst.Name) else None
        return '.'.join([base, *reversed(parts)]) if base else None

    def canonical(self, node):
        path = self.path(node)
        return symbols.canonical(path) if path else None

    def line(self, node):
        return self.get_metadata(metadata.PositionProvider, node).start.line

    def note(self, node, text, look=False):
        self.notes.append(Note(self.line(node), text, look))

    def add_import(self, line):
        if line not in self.imports:
            self.imports.append(line)

    def helper(self, path):
        """`helpers.<path>`, with the import that it needs."""
        alias = '' if self.helpers == HELPERS else f' as {self.helpers}'
        self.add_import(f'from legacy import helpers{alias}')
        return f'{self.helpers}.{path}'

    def tf(self, path):
        """`tf.<path>` under the name that TensorFlow has in this file."""
        if self.tf_name is None:
            self.tf_name = 'tf'
            self.add_import(f'import {TENSORFLOW} as tf')
        return path if path.split('.')[0] != 'tf' else '.'.join([self.tf_name, *path.split('.')[1:]])

    def replacement(self, name):
        """(text, note, look) for a canonical dotted name that is gone, or None where it can stay."""
        if name in RENAMED_CALLS:
            return self.tf(RENAMED_CALLS[name][0]), f'{name} → {RENAMED_CALLS[name][0]}', False
        if name in PACKAGES:
            return self.helper(PACKAGES[name]), f'{name} → helpers.{PACKAGES[name]}', False
        if name in ('tf.__version__', 'tf.VERSION'):
            return repr(expected_version()), f'{name} → the version whose behaviour the code expects', True
        if name == 'tf.train.ExponentialMovingAverage':
            return (
                self.helper('ExponentialMovingAverage'), f'{name} → helpers.ExponentialMovingAverage', False,
            )
        row = symbols.lookup(name)
        if row is None or not row.restored or name in LEFT_ALONE:
            return None
        module, _, attribute = row.restore.partition(':')
        if module.startswith('=') and name.startswith('tf.'):
            return self.tf(row.modern), f'{name} → {row.modern}', False
        if name in SCOPES:
            return self.tf(SCOPES[name]), f'{name} → {SCOPES[name]}', False
        if module in ('flags', 'python2', 'translate', 'absent'):
            return self._stdlib(row) if row.restore == 'python2:STDLIB' else None
        if name.startswith('np.'):
            return self._numpy(row)
        if row.kind == 'changed' and name != 'tf.nn.conv2d_transpose':
            return None
        helper = '.'.join([module.split('.')[-1]] + \
                          ([] if attribute in ('MODULE', 'PACKAGE') else [attribute]))
        return self.helper(helper), f'{name} → helpers.{helper}', False

    def _replacement_below(self, name):
        """`replacement` of a name or of the longest part of it that has one: tf.keras.datasets.mnist."""
        parts = name.split('.')
        for n in range(len(parts), 1, -1):
            found = self.replacement('.'.join(parts[:n]))
            if found:
                text, note, look = found
                return '.'.join([text, *parts[n:]]), note, look
        return None

    def _stdlib(self, row):
        if row.name == 'string.join' or row.name.split('.')[0] in ('itertools', 'types') \
                or not re.fullmatch(r'[a-z_]+(\.[A-Za-z_]+)+', row.modern):
            return None
        module = row.modern.rpartition('.')[0]
        if module != row.name.rpartition('.')[0] and module != 'str':
            self.add_import(f'import {module}')
        return row.modern, f'{row.name} → {row.modern}', row.name == 'inspect.getargspec'

    def _numpy(self, row):
        if row.kind == 'changed':
            return None
        modern = row.modern
        if not re.fullmatch(r'-?[\w.]+', modern) or row.name == 'np.find_common_type':
            helper = f'numpy1.{row.name[3:]}'
            return self.helper(helper), f'{row.name} → helpers.{helper}', False
        return modern, f'{row.name} → {modern}', False

    # ---------------------------------------------------------------------------------- plan, on the way down

    def visit_Attribute(self, node):
        parent = self.get_metadata(metadata.ParentNodeProvider, node)
        if isinstance(parent, cst.Attribute) and parent.value is node:
            return
        self._plan_chain(node)

    def visit_Import(self, node):
        return False

    visit_ImportFrom = visit_Import

    def _plan_chain(self, node):
        """Finds the longest part of a.b.c that the table speaks of, and plans what takes its place."""
        chain = [node]
        while isinstance(chain[-1].value, cst.Attribute):
            chain.append(chain[-1].value)
        base = chain[-1].value
        root = self.binding(base) if isinstance(base, cst.Name) else None
        if root is None:
            return
        if symbols.canonical(root) in PACKAGES or self._replaced_at_import(root):
            return                                        # the name itself has been bound to a helper
        for part in chain:
            name = self.canonical(part)
            if part.attr.value == '__flags':
                return
            found = self.replacement(name)
            if found:
                text, note, look = found
                if name.startswith('np.'):
                    text = re.sub(r'^(-?)np\.', rf'\1{base.value}.', text) if root == 'numpy' else text
                self.plan[part] = text
                self.note(part, note, look)
                return
            if name.startswith('tf.contrib') and symbols.covering(name) is symbols.SYMBOLS['tf.contrib'] \
                    and not symbols.is_prefix(name):
                self.note(part, f'{name} is gone and has no helper: the code fails when it gets here', True)
                return
        name = self.canonical(node)
        if name and name.startswith('tf.') and not exists(name):
            self.note(node, f'{name} is not in today\'s TensorFlow', True)

    def _replaced_at_import(self, root):
        name = symbols.canonical(root)
        return name not in ('tf', 'np') and self._replacement_below(name) is not None

    def visit_Call(self, node):
        name = self.canonical(node.func)
        if name:
            self.called[node] = name
            if DOWNLOADS.search(name) and not name.startswith('tf.'):
                self.note(node, f'{name} downloads: check that the address still answers', True)
        self._mark_sizes(node, name)

    def _mark_sizes(self, node, name):
        """Divisions in arguments that are sizes must give whole numbers."""
        positions = size_positions(name) if name else ()
        bare = node.func.value if isinstance(node.func, cst.Name) else ''
        for n, argument in enumerate(node.args):
            keyword = argument.keyword.value if argument.keyword else None
            if keyword in SIZES - {'axis', 'limit', 'k'} or keyword is None and n in positions \
                    or bare in ('range', 'xrange') and not name:
                self._mark(argument.value)

    def _mark(self, node):
        """Marks the divisions that make up a size: through lists and arithmetic, not into calls."""
        if isinstance(node, cst.BinaryOperation):
            if isinstance(node.operator, cst.Divide):
                self.whole.add(node)
            self._mark(node.left)
            self._mark(node.right)
        elif isinstance(node, (cst.List, cst.Tuple)):
            for element in node.elements:
                self._mark(element.value)

    def visit_Subscript(self, node):
        for element in node.slice:
            part = element.slice
            for value in (
                [part.value] if isinstance(part, cst.Index) else [part.lower, part.upper, part.step]
            ):
                if value is not None:
                    self._mark(value)

    def visit_SimpleString(self, node):
        text = node.raw_value
        parent = self.get_metadata(metadata.ParentNodeProvider, node)
        if ABSOLUTE.match(text) and not isinstance(parent, cst.Expr):
            self.note(node, f'absolute path {text}', True)

    # ---------------------------------------------------------------------------------- change, on the way up

    def leave_Attribute(self, original_node, updated_node):
        if original_node in self.plan:
            new = cst.parse_expression(self.plan[original_node])
            return (
                new.with_changes(lpar=updated_node.lpar, rpar=updated_node.rpar) if updated_node.lpar else new
            )
        if updated_node.attr.value in ('__flags', '_FlagValues__flags'):
            self.note(original_node, '.__flags → helpers.flag_values(): the values, as before TensorFlow 1.5')
            return call(self.helper('flag_values'), updated_node.value)
        if updated_node.attr.value == 'ANTIALIAS':
            self.note(original_node, '.ANTIALIAS → .LANCZOS')
            return updated_node.with_changes(attr=cst.Name('LANCZOS'))
        return updated_node

    # ---------------------------------------------------------------------------------------------- imports

    def leave_Import(self, original_node, updated_node):
        kept, extra = [], []
        for alias in original_node.names:
            path, bound = dotted(alias.name), alias.asname.name.value if alias.asname else None
            outcome = self._import(original_node, path, bound)
            if outcome is None:
                kept.append(alias)
            else:
                extra += outcome
        return self._rewritten(original_node, updated_node, kept, extra)

    def leave_ImportFrom(self, original_node, updated_node):
        if original_node.relative or original_node.module is None:
            return updated_node
        base = dotted(original_node.module)
        if base == '__future__':
            return self._future(original_node, updated_node)
        if self._is_sibling(base):
            self.note(original_node,
                      f'from {base} import … → from .{base} import …: a module of this package')
            return updated_node.with_changes(relative=[cst.Dot()])
        if isinstance(original_node.names, cst.ImportStar):
            if base.split('.')[0] == 'tensorflow':
                self.note(original_node, f'from {base} import *: names cannot be traced; name them', True)
            return updated_node
        kept, extra = [], []
        for alias in original_node.names:
            bound = alias.asname.name.value if alias.asname else alias.name.value
            outcome = self._import(original_node, f'{base}.{alias.name.value}', bound, parent=base)
            if outcome is None:
                kept.append(alias)
            else:
                extra += outcome
        return self._rewritten(original_node, updated_node, kept, extra)

    def _future(self, original_node, updated_node):
        self.note(original_node, 'from __future__ import … is the rule in Python 3')
        return self._rewritten(original_node, updated_node, [], [])

    def _rewritten(self, original_node, updated_node, kept, extra):
        """The import with the aliases that stay; leave_SimpleStatementLine adds the lines that take others'
        place.
        """
        if len(kept) == len(original_node.names):
            return updated_node
        self.pending = getattr(self, 'pending', [])
        self.pending += extra
        if kept:
            return updated_node.with_changes(names=clean_commas(kept))
        return cst.RemoveFromParent()

    def _import(self, node, path, bound, parent=None):
        """None to keep an imported name as it is, or the lines that take its place."""
        name = symbols.canonical(path)
        top = path.split('.')[0]
        local_name = bound or top
        if parent is None and self._is_sibling(path):
            self.note(node, f'import {path} → from . import: a module of this package')
            above, _, last = path.rpartition('.')
            if bound:
                return [f'from .{above} import {last} as {bound}']
            return [f'from . import {top}'] + ([f'from .{above} import {last} as _'] if above else [])
        if top in self.module.local:
            return None
        if path == TENSORFLOW:
            return None
        if name == 'tf':
            self.note(node, 'tensorflow → tensorflow.compat.v1 in graph mode')
            return [f'import {TENSORFLOW} as {local_name}', f'{local_name}.disable_v2_behavior()']
        if name in PACKAGES and (bound or parent):
            self.note(node, f'{name} → helpers.{PACKAGES[name]}')
            as_name = '' if local_name == PACKAGES[name] else f' as {local_name}'
            return [f'from legacy.helpers import {PACKAGES[name]}{as_name}']
        if parent is None and not bound and (name in PACKAGES or name.startswith('tf.')) \
                and not path.startswith('tensorflow.python'):
            rest = [] if top == 'tensorflow' else [f'import {top}']
            return rest if self._used(node, top, [path]) else []
        found = self._replacement_below(name)
        if found and (bound or parent):
            self.note(node, found[1], found[2])
            return [f'{local_name} = {found[0]}']
        if name.startswith('tf.contrib') and not symbols.is_prefix(name):
            self.note(node, f'{name} is gone and has no helper', True)
            return None
        if name.startswith('tf.contrib'):
            return []  # tf.contrib itself: every use of it has been rewritten
        if name.startswith('tf.') and not path.startswith('tensorflow.python'):
            return [f'{local_name} = {self.tf(name)}']
        return self._absent(node, path, bound, local_name, parent)

    def _absent(self, node, path, bound, local_name, parent):
        """A library that is not installed here: dropped where nothing uses it, else a stand-in takes its
        place.
        """
        top = path.split('.')[0]
        if (
            top in sys.stdlib_module_names
            or node in self.guarded
            or not self.module.tensorflow
            or installed(top)
        ):
            return None
        if not self._used(node, local_name, None):
            self.note(node, f'import of {path} removed: not installed here and not used', False)
            return []
        self.notes.append(Note(self.line(node), f'import of {path} → helpers.library(…)', library=top))
        target = self.helper('library') + f'({(path if bound or parent else top)!r})'
        return [f'{local_name} = {target}']

    def _used(self, node, name, ignoring):
        """Whether anything in the file, or a file that takes all its names, refers to an imported name."""
        if name in self.module.star_names:
            return True
        scope = self.get_metadata(metadata.ScopeProvider, node, None)
        for assignment in (scope[name] if scope else ()):
            if isinstance(assignment, metadata.ImportAssignment) and assignment.node is node:
                for access in assignment.references:
                    if not ignoring or self._outermost(access.node) not in self.plan and \
                            not any(part in self.plan for part in every_value(self._outermost(access.node))):
                        return True
        return False

    def _outermost(self, node):
        parent = self.get_metadata(metadata.ParentNodeProvider, node, None)
        while isinstance(parent, cst.Attribute) and parent.value is node:
            node, parent = parent, self.get_metadata(metadata.ParentNodeProvider, parent, None)
        return node

    def _is_sibling(self, path):
        top = path.split('.')[0]
        return top in self.module.siblings

    # ------------------------------------------------------------------------------------------- statements

    def leave_SimpleStatementLine(self, original_node, updated_node):
        pending, self.pending = getattr(self, 'pending', []), []
        only = original_node.body[0] if len(original_node.body) == 1 else None
        if isinstance(only, cst.Expr) and self.called.get(only.value) == 'sys.setdefaultencoding':
            self.note(original_node, 'sys.setdefaultencoding() removed: text is Unicode')
            return REMOVED.with_changes(leading_lines=updated_node.leading_lines)
        if not pending and updated_node.body:
            return updated_node
        lines = [cst.parse_statement(line) for line in pending]
        if updated_node.body:
            return cst.FlattenSentinel([updated_node, *lines])
        if not lines:
            return REMOVED.with_changes(leading_lines=updated_node.leading_lines)
        lines[0] = lines[0].with_changes(leading_lines=updated_node.leading_lines)
        lines[-1] = lines[-1].with_changes(trailing_whitespace=updated_node.trailing_whitespace)
        return cst.FlattenSentinel(lines)

    def leave_IndentedBlock(self, original_node, updated_node):
        body, footer = without_removed(updated_node.body)
        return updated_node.with_changes(body=body or [cst.parse_statement('pass')],
                                         footer=[*footer, *updated_node.footer])

    def leave_Module(self, original_node, updated_node):
        body, footer = without_removed(updated_node.body)
        names = {self.helpers, *(line.split()[-1].split('.')[0] for line in self.imports)}
        position = insertion_point(body, names, TENSORFLOW, 'disable_v2_behavior')
        if body and not updated_node.header and body[0] is not updated_node.body[0]:
            body[0] = body[0].with_changes(
                leading_lines=[line for line in body[0].leading_lines if line.comment])
        present = {cst.Module([]).code_for_node(statement).strip() for statement in body}
        added = [cst.parse_statement(line) for line in self.imports if line not in present]
        if added and position == 0 and body:
            added[0] = added[0].with_changes(leading_lines=body[0].leading_lines)
            body[0] = body[0].with_changes(leading_lines=[])
        body = body[:position] + added + body[position:]
        return updated_node.with_changes(body=body, footer=[*footer, *updated_node.footer])
