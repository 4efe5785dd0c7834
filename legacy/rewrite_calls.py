"""How single calls and divisions are written today: the half of rewrite.Rewriter that looks at arguments."""
import re

import libcst as cst
from libcst import metadata

from legacy import symbols
from legacy.rewrite_facts import AXIS_NAMES, FLOATS, IMAGEIO, LOGITS_FIRST, RENAMED_CALLS, SCOPES
from legacy.rewrite_tree import (as_keyword, bare, call, clean_commas, floor_divide, swapped, with_argument,
                                 without_double_parentheses)


class Calls(cst.CSTTransformer):
    """Needs from Rewriter: module, called, whole, true_division, canonical(), helper(), tf(), note(),
    line().
    """

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
            self.note(original_node, f'{name} with data_format → {helper}: NCHW on a CPU too')
            return updated_node.with_changes(func=cst.parse_expression(helper))
        if name == 'tf.flags.DEFINE_integer':
            return self._flag(original_node, updated_node)
        return self._method(original_node, updated_node, name)

    def _method(self, original_node, updated_node, name):
        keywords = {arg.keyword.value for arg in updated_node.args if arg.keyword}
        if (
            self.module.python2
            and isinstance(updated_node.func, cst.Name)
            and updated_node.func.value == 'print'
        ):
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
            return cst.Call(cst.Attribute(separator, cst.Name('join')), [cst.Arg(updated_node.args[0].value)])
        if name == 'tf.Session' and self.module.gpu:
            return self._soft_placement(original_node, updated_node)
        if method in ('minimize', 'apply_gradients') and self.module.reused:
            self.note(original_node,
                      f'.{method}() → helpers.{method}(): works in a scope that is being reused')
            optimizer = cst.Arg(updated_node.func.value)
            return updated_node.with_changes(func=cst.parse_expression(self.helper(method)),
                                             args=clean_commas([optimizer, *updated_node.args]))
        if name in ('pickle.load', 'pickle.loads') and self.module.python2 and len(updated_node.args) == 1:
            self.note(original_node, f'{name}: encoding="latin1" reads what Python 2 wrote')
            return with_argument(updated_node, 'encoding', "'latin1'")
        if name == 'np.fromstring' and 'sep' not in keywords:
            self.note(original_node, 'np.fromstring → np.frombuffer(…).copy()')
            buffer = updated_node.with_deep_changes(updated_node.func, attr=cst.Name('frombuffer'))
            return cst.Call(cst.Attribute(buffer, cst.Name('copy')))
        if name == 'np.load' and 'allow_pickle' not in keywords:
            self.note(
                original_node,
                'np.load reads no pickled objects any more; add allow_pickle=True if the file '
                'is yours and has some',
                True,
            )
        if name in IMAGEIO:
            self.note(original_node,
                      f'{name} → helpers.imageio2.{name[8:]}: floats to bytes, fps and seconds')
            return updated_node.with_changes(func=cst.parse_expression(self.helper('imageio2.' + name[8:])))
        if name == 'tf.flags.DEFINE_boolean' or name == 'tf.flags.DEFINE_bool':
            self.note(original_node, 'boolean flags: --flag False sets it to True today; type --noflag or '
                                     '--flag=False', True)
        return updated_node

    def _soft_placement(self, original_node, node):
        """A graph pinned to /gpu:0 runs without one only where the session may move it."""
        if any(arg.keyword and arg.keyword.value == 'config' for arg in node.args):
            self.note(original_node, 'the graph is pinned to a GPU: without one it runs only with '
                                     'tf.ConfigProto(allow_soft_placement=True)', True)
            return node
        self.note(
            original_node, 'tf.Session() → allow_soft_placement: operations pinned to /gpu:0 run without one'
        )
        config = cst.parse_expression(self.tf('tf.ConfigProto') + '(allow_soft_placement=True)')
        return node.with_changes(args=clean_commas([*node.args, as_keyword(cst.Arg(config), 'config')]))

    def _keywords(self, node, names):
        return node.with_changes(args=[
            arg.with_changes(keyword=cst.Name(names[arg.keyword.value]))
            if arg.keyword and arg.keyword.value in names else arg for arg in node.args])

    def _logits_first(self, original_node, node, name):
        """By position it was (logits, labels) up to 0.12; 1.x took keywords only, 2.x takes (labels,
        logits).
        """
        order = ['logits', 'labels', *(['dim'] if name.startswith('tf.nn.softmax') else []), 'name']
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
        return node.with_changes(
            args=clean_commas([*rest, first if first.keyword else as_keyword(first, 'values')])
        )

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
        if isinstance(node.func, cst.Attribute) and \
                re.fullmatch(r'(np|numpy|math)\.inf|float\(.*|\d+\.\d*|\d+e\d+', text):
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
        divided = call(self.helper('div'), bare(updated_node.left), bare(updated_node.right))
        return divided.with_changes(lpar=updated_node.lpar, rpar=updated_node.rpar)

    def leave_AugAssign(self, original_node, updated_node):
        if not isinstance(original_node.operator, cst.DivideAssign) or self.true_division \
                or self.number_kind(original_node.value) == 'float':
            return updated_node
        if self.number_kind(original_node.target) == 'int' and self.number_kind(original_node.value) == 'int':
            self.note(original_node, 'whole numbers: /= → //=')
            return updated_node.with_changes(operator=cst.FloorDivideAssign(
                updated_node.operator.whitespace_before, updated_node.operator.whitespace_after))
        self.note(
            original_node, '/= → helpers.div: write //= where both sides are whole numbers, else /=', True
        )
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
