"""One old module → its modern source. The tree is lossless (libcst), so comments, layout and line order stay.

What is gone is looked up in symbols.py: pure renames are written out (`tf.mul` → `tf.multiply`), TensorFlow ≤ 0.12 calls
get today's argument order, layers of `tf.contrib`, `tf.layers` … come from helpers.py. What cannot be decided from
the text is written so that it is right in every case (helpers.div, helpers.concat) and reported.
"""
import dataclasses
import functools
import importlib.util
import os
import re
import sys

import libcst as cst
from libcst import metadata

from legacy import symbols
from legacy.tf1.sizes import SIZES

TENSORFLOW = 'tensorflow.compat.v1'
HELPERS = 'helpers'

# Modules that helpers.py offers as a whole, by the table's name for the package they stand for.
PACKAGES = {
    'tf.layers': 'layers', 'tf.contrib.layers': 'contrib_layers', 'tf.contrib.slim': 'slim',
    'tf.contrib.framework': 'framework', 'tf.contrib.data': 'contrib_data', 'tf.contrib.rnn': 'rnn',
    'tf.contrib.distributions': 'distributions', 'tf.contrib.opt': 'opt', 'tf.contrib.image': 'image',
    'tf.examples.tutorials.mnist.input_data': 'input_data', 'scipy.misc': 'scipy_misc',
    'keras.datasets': 'keras_datasets', 'tf.keras.datasets': 'keras_datasets',
}
# Functions of TensorFlow <= 0.12 that only need another name and other keywords.
RENAMED_CALLS = {
    'tf.pack': ('tf.stack', {}),
    'tf.unpack': ('tf.unstack', {}),
    'tf.scalar_summary': ('tf.summary.scalar', {'tags': 'name', 'values': 'tensor'}),
    'tf.histogram_summary': ('tf.summary.histogram', {'tag': 'name'}),
    'tf.image_summary': ('tf.summary.image', {'tag': 'name', 'max_images': 'max_outputs'}),
    'tf.audio_summary': ('tf.summary.audio', {'tag': 'name'}),
    'tf.train.SummaryWriter': ('tf.summary.FileWriter', {}),
    'tf.initialize_all_variables': ('tf.global_variables_initializer', {}),
    'tf.initialize_all_tables': ('tf.tables_initializer', {}),
    'tf.batch_matmul': ('tf.matmul', {'x': 'a', 'y': 'b', 'adj_x': 'adjoint_a', 'adj_y': 'adjoint_b'}),
}
SCOPES = {'tf.op_scope': 'tf.name_scope', 'tf.variable_op_scope': 'tf.variable_scope'}
LOGITS_FIRST = {f'tf.nn.{name}_cross_entropy_with_logits' for name in ('sigmoid', 'softmax', 'sparse_softmax')}
AXIS_NAMES = {'axis', 'dim', 'concat_dim', 'split_dim'}
# Changed, but as good as before for a source that keeps to what TensorFlow 1 documented.
LEFT_ALONE = {'tf.app', 'tf.flags', 'tf.image.resize_images', 'tf.reverse', 'tf.concat', 'tf.split'} | LOGITS_FIRST
# Which arguments of a function are sizes, counts or positions, by position; keywords are known by name (SIZES).
SIZE_POSITIONS = {
    **dict.fromkeys(('np.zeros', 'np.ones', 'np.empty', 'np.full', 'np.eye', 'tf.zeros', 'tf.ones', 'tf.fill',
                     'tf.random_normal', 'tf.random_uniform', 'tf.truncated_normal'), (0,)),
    **dict.fromkeys(('np.reshape', 'np.tile', 'np.repeat', 'np.random.rand', 'tf.reshape', 'tf.tile', 'tf.placeholder',
                     'tf.get_variable', 'tf.one_hot', 'tf.image.resize_images', 'tf.image.resize_bilinear',
                     'tf.image.resize_bicubic', 'tf.image.resize_nearest_neighbor', 'tf.random_crop', 'tf.pad',
                     'tf.broadcast_to'), (1,)),
    **dict.fromkeys(('np.linspace', 'tf.constant', 'tf.lin_space', 'tf.linspace', 'tf.nn.conv2d', 'np.random.normal',
                     'np.random.uniform', 'np.random.randint', 'np.random.choice'), (2,)),
    **dict.fromkeys(('tf.slice', 'tf.strided_slice', 'tf.nn.max_pool', 'tf.nn.avg_pool', 'tf.split',
                     'tf.image.resize_image_with_crop_or_pad'), (1, 2)),
    'tf.nn.conv2d_transpose': (2, 3),
    'tf.image.crop_to_bounding_box': (1, 2, 3, 4),
    'tf.image.pad_to_bounding_box': (1, 2, 3, 4),
}
LAYER_SIZES = {
    **dict.fromkeys(('dense', 'fully_connected', 'linear', 'relu'), (1,)),
    **dict.fromkeys(('conv1d', 'conv2d', 'conv3d', 'convolution2d', 'conv2d_transpose', 'convolution2d_transpose',
                     'separable_conv2d'), (1, 2, 3)),
    **dict.fromkeys(('max_pool2d', 'avg_pool2d', 'max_pooling2d', 'average_pooling2d'), (1, 2)),
}
FLAG_DEFINITIONS = {'tf.flags.DEFINE_integer': 'DEFINE_float'}
FLOATS = re.compile(r'np\.(sqrt|mean|std|exp|log|random\.(rand|randn|normal|uniform))$|math\.|time\.|tf\.nn\.(?!top_k)|'
                    r'tf\.(sqrt|to_float|reduce_mean|exp|log|add_n|matmul|tanh|sigmoid|truncated_normal|random_\w+)$')
DOWNLOADS = re.compile(r'(^|\.)(urlretrieve|urlopen|wget|download)$')
ABSOLUTE = re.compile(r'(/(home|Users|data\d?|media|mnt|tmp|root|scratch|hdd|ssd|nfs)/|~/|[A-Z]:\\)\S*$')


@dataclasses.dataclass(frozen=True)
class Note:
    """One line of the report. `look`: a person must look; else it is only counted as a change. library: what is missing."""
    line: int
    text: str
    look: bool = False
    library: str = ''


@dataclasses.dataclass
class Module:
    """What the rewriting of one file needs to know about the project.

    path: relative to the project. python2: its language. tensorflow: whether it or a file that shares imports with it
    uses TensorFlow; gpu: pins operations to a GPU without soft placement; reused: reuses the scope that optimisers are
    made in. exports: {module-level name: dotted import} that the star imports
    of this file bring in. star_imported: whether another file does `from this import *`. siblings: modules of the
    package that this file belongs to, which Python 2 imported without a dot. local: what else of the project it can
    import. old_axis_order: whether the project is older than TensorFlow 1.0.
    """
    path: str
    python2: bool
    tensorflow: bool
    gpu: bool
    reused: bool
    exports: dict
    star_imported: bool
    siblings: frozenset
    local: frozenset
    old_axis_order: bool = False


def rewrite(source, module):
    """(modern source, list of Note) of Python 3 syntax `source`. Raises libcst.ParserSyntaxError."""
    wrapper = metadata.MetadataWrapper(cst.parse_module(source))
    rewriter = Rewriter(module)
    tree = wrapper.visit(rewriter)
    return tree.code, rewriter.notes


class Rewriter(cst.CSTTransformer):
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
        """The dotted module path that a Name stands for by an import (here or through a star import), or None."""
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
        """`flags = tf.app.flags`: the path of a name that is assigned once, at module level, from a dotted path."""
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
            return self.helper('ExponentialMovingAverage'), f'{name} → helpers.ExponentialMovingAverage', False
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
        helper = '.'.join([module.split('.')[-1]] + ([] if attribute in ('MODULE', 'PACKAGE') else [attribute]))
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
        if row.name == 'string.join' or not re.fullmatch(r'[a-z_]+(\.[A-Za-z_]+)+', row.modern) or row.name.split('.')[0] in ('itertools', 'types'):
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

    # ------------------------------------------------------------------------------------- plan, on the way down

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
            for value in ([part.value] if isinstance(part, cst.Index) else [part.lower, part.upper, part.step]):
                if value is not None:
                    self._mark(value)

    def visit_SimpleString(self, node):
        text = node.raw_value
        parent = self.get_metadata(metadata.ParentNodeProvider, node)
        if ABSOLUTE.match(text) and not isinstance(parent, cst.Expr):
            self.note(node, f'absolute path {text}', True)

    # ------------------------------------------------------------------------------------ change, on the way up

    def leave_Attribute(self, original_node, updated_node):
        if original_node in self.plan:
            new = cst.parse_expression(self.plan[original_node])
            return new.with_changes(lpar=updated_node.lpar, rpar=updated_node.rpar) if updated_node.lpar else new
        if updated_node.attr.value in ('__flags', '_FlagValues__flags'):
            self.note(original_node, '.__flags → helpers.flag_values(): the values of the flags, as before TensorFlow 1.5')
            return call(self.helper('flag_values'), updated_node.value)
        if updated_node.attr.value == 'ANTIALIAS':
            self.note(original_node, '.ANTIALIAS → .LANCZOS')
            return updated_node.with_changes(attr=cst.Name('LANCZOS'))
        return updated_node

    def leave_Call(self, original_node, updated_node):
        name = self.called.get(original_node, '')
        if name in RENAMED_CALLS:
            if name.endswith('_summary'):      # `name` was the operation's, beside the tag; now it is the tag
                updated_node = updated_node.with_changes(args=clean_commas([
                    arg for arg in updated_node.args if not (arg.keyword and arg.keyword.value == 'name')]))
            return self._keywords(updated_node, RENAMED_CALLS[name][1])
        if name in LOGITS_FIRST:
            return self._logits_first(original_node, updated_node, name)
        if name in ('tf.concat', 'tf.split'):
            return getattr(self, '_' + name[3:])(original_node, updated_node)
        if name in SCOPES:
            return self._values_last(updated_node)
        if name == 'tf.image.resize_images':
            return self._resize_images(original_node, updated_node)
        if name == 'tf.reverse':
            return self._reverse(original_node, updated_node)
        row = symbols.lookup(name) if name else None
        if row is not None and row.restore.startswith('tf1.nn:') and name != 'tf.nn.conv2d_transpose' \
                and any(arg.keyword and arg.keyword.value == 'data_format' for arg in updated_node.args):
            helper = self.helper('nn.' + row.restore.partition(':')[2])
            self.note(original_node, f'{name} with data_format → helpers.{helper.partition(".")[2]}: NCHW on a CPU too')
            return updated_node.with_changes(func=cst.parse_expression(helper))
        if name in FLAG_DEFINITIONS:
            return self._flag(original_node, updated_node)
        return self._method(original_node, updated_node, name)

    def _method(self, original_node, updated_node, name):
        if self.module.python2 and isinstance(updated_node.func, cst.Name) and updated_node.func.value == 'print':
            return without_double_parentheses(updated_node)
        method = updated_node.func.attr.value if isinstance(updated_node.func, cst.Attribute) else None
        if method == 'tostring' and not updated_node.args and not name:
            self.note(original_node, '.tostring() → .tobytes()')
            return updated_node.with_deep_changes(updated_node.func, attr=cst.Name('tobytes'))
        if method == '_parse_flags' and not updated_node.args:
            self.note(original_node, '._parse_flags() → helpers.parse_flags()')
            return call(self.helper('parse_flags'), updated_node.func.value)
        if name == 'string.join' and updated_node.args:
            self.note(original_node, 'string.join(words, separator) → separator.join(words)')
            separator = updated_node.args[1].value if len(updated_node.args) > 1 else cst.SimpleString("' '")
            return call('x.join', updated_node.args[0].value).with_changes(func=cst.Attribute(separator, cst.Name('join')))
        if name == 'tf.Session' and self.module.gpu:
            return self._soft_placement(original_node, updated_node)
        if method in ('minimize', 'apply_gradients') and self.module.reused:
            self.note(original_node, f'.{method}() → helpers.{method}(): its variables are made in a scope that is reused')
            optimizer = cst.Arg(updated_node.func.value)
            return updated_node.with_changes(func=cst.parse_expression(self.helper(method)),
                                             args=clean_commas([optimizer, *updated_node.args]))
        if name in ('pickle.load', 'pickle.loads') and self.module.python2 and len(updated_node.args) == 1:
            self.note(original_node, f'{name}: encoding="latin1" reads what Python 2 wrote')
            return with_argument(updated_node, 'encoding', "'latin1'")
        if name in ('np.fromstring',) and not any(arg.keyword and arg.keyword.value == 'sep' for arg in updated_node.args):
            self.note(original_node, 'np.fromstring → np.frombuffer(…).copy()')
            buffer = updated_node.with_deep_changes(updated_node.func, attr=cst.Name('frombuffer'))
            return cst.Call(cst.Attribute(buffer, cst.Name('copy')))
        if name == 'np.load' and not any(arg.keyword and arg.keyword.value == 'allow_pickle' for arg in updated_node.args):
            self.note(original_node, 'np.load reads no pickled objects any more; add allow_pickle=True if the file is '
                                     'yours and has some', True)
        if name == 'imageio.mimsave' and any(arg.keyword and arg.keyword.value == 'fps' for arg in updated_node.args):
            self.note(original_node, 'imageio.mimsave(fps=…) → helpers.mimsave')
            return updated_node.with_changes(func=cst.parse_expression(self.helper('mimsave')))
        if name == 'tf.flags.DEFINE_boolean' or name == 'tf.flags.DEFINE_bool':
            self.notes.append(Note(self.line(original_node), 'boolean flags: --flag False sets it to True today; '
                                                             'type --noflag or --flag=False', True))
        return updated_node

    def _soft_placement(self, original_node, node):
        """A graph pinned to /gpu:0 runs without one only where the session may move it."""
        if any(arg.keyword and arg.keyword.value == 'config' for arg in node.args):
            self.note(original_node, 'the graph is pinned to a GPU: without one it runs only with '
                                     'tf.ConfigProto(allow_soft_placement=True)', True)
            return node
        self.note(original_node, 'tf.Session() → allow_soft_placement: operations pinned to /gpu:0 run without one')
        config = cst.parse_expression(self.tf('tf.ConfigProto') + '(allow_soft_placement=True)')
        return node.with_changes(args=clean_commas([*node.args, as_keyword(cst.Arg(config), 'config')]))

    def _keywords(self, node, names):
        return node.with_changes(args=[
            arg.with_changes(keyword=cst.Name(names[arg.keyword.value]))
            if arg.keyword and arg.keyword.value in names else arg for arg in node.args])

    def _logits_first(self, original_node, node, name):
        """By position it was (logits, labels), TensorFlow <= 0.12; 1.x took keywords only, 2.x takes (labels, logits)."""
        order = ['logits', 'labels', 'name'] if not name.startswith('tf.nn.softmax') else ['logits', 'labels', 'dim', 'name']
        positional = [arg for arg in node.args if arg.keyword is None and not arg.star]
        if positional and isinstance(positional[0].value, cst.Name) and positional[0].value.value == 'None':
            order = ['_sentinel', 'labels', 'logits', 'dim', 'name']
        if not positional or any(arg.star for arg in node.args):
            return self._keywords(node, {'targets': 'labels'})
        self.note(original_node, f'{name}(a, b) → (logits=a, labels=b), the order of TensorFlow ≤ 0.12', True)
        named = [arg if arg.keyword else as_keyword(arg, order[n]) for n, arg in enumerate(node.args)]
        return self._keywords(node.with_changes(args=named), {'targets': 'labels'})

    def _concat(self, original_node, node):
        """(axis, values) of TensorFlow <= 0.12 → (values, axis)."""
        node = self._keywords(node, {'concat_dim': 'axis'})
        first = [arg for arg in node.args if arg.keyword is None and not arg.star][:2]
        if len(first) < 2:
            if len(first) == 1 and axis_like(first[0].value):
                self.note(original_node, 'tf.concat(axis, values=…) → keywords')
                return node.with_changes(args=[as_keyword(first[0], 'axis'), *node.args[1:]])
            return node
        order = axis_first(*(arg.value for arg in first))
        if order or order is None and self.module.old_axis_order:
            self.note(original_node, 'tf.concat(axis, values) → tf.concat(values, axis)', order is None)
            return node.with_changes(args=swapped(node.args))
        return node

    def _split(self, original_node, node):
        """(split_dim, num_split, value) of TensorFlow <= 0.12 → (value, num_or_size_splits, axis)."""
        node = self._keywords(node, {'split_dim': 'axis', 'num_split': 'num_or_size_splits'})
        positional = [arg for arg in node.args if arg.keyword is None and not arg.star]
        if positional and axis_like(positional[0].value):
            self.note(original_node, 'tf.split(axis, number, value) → tf.split(value, number, axis)')
            names = ['axis', 'num_or_size_splits', 'value']
            return node.with_changes(args=[arg if arg.keyword or n > 2 else as_keyword(arg, names[n])
                                           for n, arg in enumerate(node.args)])
        return node

    def _values_last(self, node):
        """op_scope(values, name, default_name) → name_scope(name, default_name, values)."""
        first, *rest = node.args
        return node.with_changes(args=clean_commas([*rest, first if first.keyword else as_keyword(first, 'values')]))

    def _resize_images(self, original_node, node):
        """(images, height, width) of TensorFlow <= 0.11 → (images, [height, width])."""
        args = [arg for arg in node.args if arg.keyword is None]
        if len(args) < 3 or isinstance(args[1].value, (cst.List, cst.Tuple)) or \
                'method' in cst.Module([]).code_for_node(args[2].value).lower():
            return node
        self.note(original_node, 'tf.image.resize_images(images, height, width) → (images, [height, width])')
        size = cst.List([cst.Element(args[1].value), cst.Element(args[2].value)])
        return node.with_changes(args=clean_commas([args[0], cst.Arg(size), *node.args[3:]]))

    def _reverse(self, original_node, node):
        flags = node.args[1].value if len(node.args) > 1 else None
        if isinstance(flags, (cst.List, cst.Tuple)) and all(
                isinstance(e.value, cst.Name) and e.value.value in ('True', 'False') for e in flags.elements):
            axes = [str(n) for n, e in enumerate(flags.elements) if e.value.value == 'True']
            self.note(original_node, 'tf.reverse by booleans → by axis numbers')
            new = node.args[1].with_changes(value=cst.parse_expression(f'[{", ".join(axes)}]'), keyword=None)
            return node.with_changes(args=[node.args[0], new, *node.args[2:]])
        return node

    def _flag(self, original_node, node):
        default = node.args[1].value if len(node.args) > 1 else None
        text = cst.Module([]).code_for_node(default) if default is not None else ''
        if re.fullmatch(r"(np|numpy|math)\.inf|float\(.*|\d+\.\d*|\d+e\d+", text) and isinstance(node.func, cst.Attribute):
            self.note(original_node, f'DEFINE_integer with default {text} → DEFINE_float')
            return node.with_deep_changes(node.func, attr=cst.Name('DEFINE_float'))
        return node

    # --------------------------------------------------------------------------------------------- division

    def leave_BinaryOperation(self, original_node, updated_node):
        if not isinstance(original_node.operator, cst.Divide):
            return updated_node
        left, right = original_node.left, original_node.right
        kinds = {self.number_kind(left), self.number_kind(right)}
        if self.true_division:
            if original_node in self.whole and 'float' not in kinds or self._is_dimension(left):
                self.note(original_node, 'a size: / → //')
                return updated_node.with_changes(operator=floor_divide(updated_node.operator))
            return updated_node
        if 'float' in kinds and original_node not in self.whole:
            return updated_node
        if kinds == {'int'} or original_node in self.whole or self._is_dimension(left):
            self.note(original_node, 'whole numbers: / → //')
            return updated_node.with_changes(operator=floor_divide(updated_node.operator))
        self.note(original_node, '/ → helpers.div: write // where both sides are whole numbers, else /', True)
        divided = cst.Call(cst.parse_expression(self.helper('div')),
                           [cst.Arg(bare(updated_node.left), comma=cst.Comma(cst.SimpleWhitespace(''), cst.SimpleWhitespace(' '))),
                            cst.Arg(bare(updated_node.right))])
        return divided.with_changes(lpar=updated_node.lpar, rpar=updated_node.rpar)

    def leave_AugAssign(self, original_node, updated_node):
        if not isinstance(original_node.operator, cst.DivideAssign) or self.true_division \
                or self.number_kind(original_node.value) == 'float':
            return updated_node
        if self.number_kind(original_node.target) == 'int' and self.number_kind(original_node.value) == 'int':
            self.note(original_node, 'whole numbers: /= → //=')
            return updated_node.with_changes(operator=cst.FloorDivideAssign(
                updated_node.operator.whitespace_before, updated_node.operator.whitespace_after))
        self.note(original_node, '/= → helpers.div: write //= where both sides are whole numbers, else /=', True)
        target = updated_node.target
        return cst.Assign([cst.AssignTarget(target)], call(self.helper('div'), target, updated_node.value))

    def number_kind(self, node):
        """'int', 'float' (or an array or tensor of floats) or None where the text does not tell."""
        if isinstance(node, cst.Integer):
            return 'int'
        if isinstance(node, cst.Float):
            return 'float'
        if isinstance(node, cst.UnaryOperation):
            return self.number_kind(node.expression)
        if isinstance(node, cst.BinaryOperation):
            kinds = {self.number_kind(node.left), self.number_kind(node.right)}
            if 'float' in kinds:
                return 'float'
            return 'int' if kinds == {'int'} else None
        if isinstance(node, cst.Call):
            if isinstance(node.func, cst.Name) and node.func.value in ('len', 'int', 'ord'):
                return 'int'
            if isinstance(node.func, cst.Name) and node.func.value == 'float':
                return 'float'
            name = self.canonical(node.func) or ''
            return 'float' if FLOATS.match(name) else None
        if isinstance(node, cst.Name):
            return self._kind_of_constant(node)
        return None

    def _kind_of_constant(self, name):
        """The kind of a name that is assigned one number, once."""
        scope = self.get_metadata(metadata.ScopeProvider, name, None)
        found = list(scope[name.value]) if scope else []
        if len(found) != 1 or not isinstance(found[0], metadata.Assignment):
            return None
        target = self.get_metadata(metadata.ParentNodeProvider, found[0].node, None)
        statement = self.get_metadata(metadata.ParentNodeProvider, target, None) if target else None
        if isinstance(target, cst.AssignTarget) and isinstance(statement, cst.Assign) and \
                isinstance(statement.value, (cst.Integer, cst.Float)):
            return self.number_kind(statement.value)
        return None

    def _is_dimension(self, node):
        """x.get_shape()[1] and x.shape[1] of a tensor: a Dimension does not divide by / any more."""
        return isinstance(node, cst.Subscript) and isinstance(node.value, cst.Call) and \
            isinstance(node.value.func, cst.Attribute) and node.value.func.attr.value == 'get_shape'

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
            self.note(original_node, f'from {base} import … → from .{base} import …: a module of this package')
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
        """The import with the aliases that stay; the other lines are put in its place by leave_SimpleStatementLine."""
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
        if parent is None and not bound and (name in PACKAGES or name.startswith('tf.')) and not path.startswith('tensorflow.python'):
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
            return []                                     # tf.contrib itself: every use of it has been rewritten
        if name.startswith('tf.') and not path.startswith('tensorflow.python'):
            return [f'{local_name} = {self.tf(name)}']
        return self._absent(node, path, bound, local_name, parent)

    def _absent(self, node, path, bound, local_name, parent):
        """A library that is not installed here: dropped where nothing uses it, else in its place a stand-in that says so."""
        top = path.split('.')[0]
        if top in sys.stdlib_module_names or node in self.guarded or not self.module.tensorflow or installed(top):
            return None
        if not self._used(node, local_name, None):
            self.note(node, f'import of {path} removed: not installed here and not used', False)
            return []
        self.notes.append(Note(self.line(node), f'import of {path} → helpers.library(…)', library=top))
        target = self.helper('library') + f'({(path if bound or parent else top)!r})'
        return [f'{local_name} = {target}']

    def _used(self, node, name, ignoring):
        """Whether anything in the file, or a file that takes all its names, refers to an imported name."""
        if self.module.star_imported:
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
        position = insertion_point(body, {self.helpers, *(line.split()[-1].split('.')[0] for line in self.imports)})
        if not position and body and not self.imports:
            blank = [line for line in body[0].leading_lines if line.comment]
            body[0] = body[0].with_changes(leading_lines=blank)
        present = {cst.Module([]).code_for_node(statement).strip() for statement in body}
        added = [cst.parse_statement(line) for line in self.imports if line not in present]
        if added and position == 0 and body:
            added[0] = added[0].with_changes(leading_lines=body[0].leading_lines)
            body[0] = body[0].with_changes(leading_lines=[])
        body = body[:position] + added + body[position:]
        return updated_node.with_changes(body=body, footer=[*footer, *updated_node.footer])


# -------------------------------------------------------------------------------------------------------- the tree

REMOVED = cst.parse_statement('__removed__')


def without_removed(body):
    """(body, footer): statements less those taken out, whose comments move to the next one or the footer."""
    kept, comments = [], []
    for statement in body:
        if statement.deep_equals(REMOVED.with_changes(leading_lines=getattr(statement, 'leading_lines', ()))):
            comments += statement.leading_lines
        elif comments:
            kept.append(statement.with_changes(leading_lines=[*comments, *statement.leading_lines]))
            comments = []
        else:
            kept.append(statement)
    return kept, comments


def insertion_point(body, names):
    """Where added imports go: after TensorFlow's, else after the first imports; before the first use of `names`."""
    position, used = 0, len(body)
    for n, statement in enumerate(body):
        if any(name.value in names for name in every(statement, cst.Name)):
            used = n
            break
    for n, statement in enumerate(body[:used]):
        if isinstance(statement, (cst.FunctionDef, cst.ClassDef)):
            break
        part = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
        if isinstance(part, cst.Import) and any(dotted(alias.name) == TENSORFLOW for alias in part.names):
            is_switch = n + 1 < len(body) and 'disable_v2_behavior' in cst.Module([]).code_for_node(body[n + 1])
            return n + 1 + is_switch
        if isinstance(part, (cst.Import, cst.ImportFrom)) or n == 0 and isinstance(part, cst.Expr):
            position = n + 1
    return position


def dotted(node):
    """'a.b.c' of a Name or Attribute; '' of None."""
    if node is None:
        return ''
    return node.value if isinstance(node, cst.Name) else f'{dotted(node.value)}.{node.attr.value}'


def imported(statement, name):
    """The dotted path that an import statement binds to `name`, or None."""
    if isinstance(statement, cst.Import):
        for alias in statement.names:
            path = dotted(alias.name)
            if alias.asname and alias.asname.name.value == name:
                return path
            if not alias.asname and path.split('.')[0] == name:
                return name
    elif isinstance(statement, cst.ImportFrom) and not statement.relative and not isinstance(statement.names, cst.ImportStar):
        for alias in statement.names:
            if (alias.asname.name.value if alias.asname else alias.name.value) == name:
                return f'{dotted(statement.module)}.{alias.name.value}'
    return None


def every(node, kind):
    """All descendants of a kind, the node included."""
    if isinstance(node, kind):
        yield node
    for child in node.children:
        yield from every(child, kind)


def every_value(node):
    """a.b.c, a.b, a of an attribute chain."""
    while isinstance(node, cst.Attribute):
        yield node
        node = node.value


def guarded_statements(module):
    """Import statements inside `try` bodies: the script has its own answer to their failure."""
    return {statement for attempt in every(module, cst.Try) for statement in every(attempt.body, (cst.Import, cst.ImportFrom))}


def call(function, *values):
    args = [cst.Arg(value, comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(' '))) for value in values[:-1]]
    return cst.Call(cst.parse_expression(function), [*args, cst.Arg(values[-1])])


def without_double_parentheses(node):
    """print((x)) → print(x), as the translation of `print (x)` leaves it; print((x, y)) prints a tuple and stays."""
    only = node.args[0] if len(node.args) == 1 and not node.args[0].keyword and not node.args[0].star else None
    if only is None or not getattr(only.value, 'lpar', ()) or isinstance(only.value, (cst.Tuple, cst.GeneratorExp)):
        return node
    return node.with_changes(args=[only.with_changes(value=only.value.with_changes(lpar=only.value.lpar[1:],
                                                                                   rpar=only.value.rpar[1:]))])


def as_keyword(arg, name):
    return arg.with_changes(keyword=cst.Name(name), equal=cst.AssignEqual(cst.SimpleWhitespace(''), cst.SimpleWhitespace('')))


def with_argument(node, name, value):
    args = list(node.args)
    args[-1] = with_comma(args[-1])
    return node.with_changes(args=[*args, as_keyword(cst.Arg(cst.parse_expression(value)), name)])


def with_comma(arg):
    return arg.with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(' ')))


def clean_commas(items):
    """Items of a list of arguments or names with commas between them and none at the end."""
    items = [item if isinstance(item.comma, cst.Comma) else with_comma(item) for item in items]
    return [*items[:-1], items[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)] if items else items


def swapped(args):
    """The first two arguments exchanged; white space and comments stay where they are."""
    first, second, *rest = args
    return [first.with_changes(value=second.value), second.with_changes(value=first.value), *rest]


def floor_divide(operator):
    return cst.FloorDivide(operator.whitespace_before, operator.whitespace_after)


def bare(node):
    """An operand without its own parentheses, which an argument of a call does not need."""
    return node.with_changes(lpar=[], rpar=[]) if isinstance(node, (cst.BinaryOperation, cst.UnaryOperation)) else node


def axis_like(node):
    if isinstance(node, cst.UnaryOperation):
        return axis_like(node.expression)
    return isinstance(node, cst.Integer) or isinstance(node, cst.Name) and node.value in AXIS_NAMES


def axis_first(first, second):
    """Whether tf.concat's axis stands first: True, False, or None where the text does not tell."""
    if axis_like(first) != axis_like(second):
        return axis_like(first)
    lists = (cst.List, cst.Tuple, cst.ListComp)
    if isinstance(first, lists) != isinstance(second, lists):
        return isinstance(second, lists)
    return None


# ------------------------------------------------------------------------------------------------- today's libraries


@functools.lru_cache(None)
def api_names(folder):
    """The names that a module of tf.compat.v1 offers, read from its source: importing TensorFlow takes seconds."""
    spec = importlib.util.find_spec('tensorflow')
    path = os.path.join(spec.submodule_search_locations[0], '_api', 'v2', 'compat', 'v1', folder) if spec else ''
    if not os.path.isfile(os.path.join(path, '__init__.py')):
        return None
    with open(os.path.join(path, '__init__.py'), encoding='utf-8') as file:
        names = set(re.findall(r'^from \S+ import (?:\w+ as )?(\w+)', file.read(), re.M))
    return names | set(os.listdir(path)) | {'keras', 'python', 'contrib', 'estimator', '__file__'}


def expected_version():
    """The TensorFlow version that `run` shows old scripts, read from the source: importing it imports TensorFlow."""
    with open(os.path.join(os.path.dirname(__file__), 'tf1', 'renamed.py'), encoding='utf-8') as file:
        return re.search(r"^__version__ = '(.+)'$", file.read(), re.M).group(1)


def exists(name):
    """Whether a canonical `tf.a.b` is in tf.compat.v1; parts below a class or function are taken for granted."""
    folder = ''
    for part in name.split('.')[1:]:
        names = api_names(folder)
        if names is None:
            return True
        if part not in names:
            return False
        folder = os.path.join(folder, part)
    return True


def size_positions(name):
    """Positions of the arguments of a NumPy or TensorFlow function that are sizes, counts or positions."""
    if name in SIZE_POSITIONS:
        return SIZE_POSITIONS[name]
    package, _, function = name.rpartition('.')
    return LAYER_SIZES.get(function, ()) if package in PACKAGES else ()


def installed(top):
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False
