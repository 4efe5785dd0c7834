"""tf.contrib.graph_editor: a part of the graph again, with other tensors in the place of some of its own.

Unrolled GANs (Metz et al. 2016) step through their own updates this way.
"""
import tensorflow.compat.v1 as tf

LOOPS = ('Enter', 'RefEnter', 'NextIteration', 'RefNextIteration')


def _key(tensor):
    return tensor.op, tensor.value_index


def _flat(tree):
    """The tensors of nested lists and dictionaries; those of a dictionary are its values."""
    if isinstance(tree, dict):
        return [t for value in tree.values() for t in _flat(value)]
    if isinstance(tree, (list, tuple)):
        return [t for value in tree for t in _flat(value)]
    return [] if tree is None else [tree]


def _mapped(tree, function):
    if isinstance(tree, dict):
        return type(tree)((key, _mapped(value, function)) for key, value in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, '_fields'):
        return type(tree)(*(_mapped(value, function) for value in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(_mapped(value, function) for value in tree)
    return None if tree is None else function(tree)


def _depending(targets, replaced):
    """The operations on the ways from the `replaced` keys to the operations `targets`, each after its
    inputs.
    """
    order, state, stack = [], {}, [(op, False) for op in targets]
    while stack:
        op, done = stack.pop()
        if done:
            state[op] = any(
                _key(t) in replaced or state.get(t.op) for t in op.inputs
            ) or any(state.get(c) for c in op.control_inputs)
            if state[op]:
                order.append(op)
        elif op not in state:
            state[op] = False
            stack.append((op, True))
            before = [t.op for t in op.inputs if _key(t) not in replaced] + list(op.control_inputs)
            stack += [(o, False) for o in before if o not in state]
    return order


def _again(op, inputs, control_inputs, scope):
    """A copy of one operation under its name, made unique, below `scope`."""
    graph = op.graph
    name = graph.unique_name(f'{scope}/{op.name}' if scope else op.name)
    with graph.control_dependencies(None), graph.control_dependencies(control_inputs), tf.device(None):
        copy = graph.create_op(
            op.type, inputs, [t.dtype for t in op.outputs], name=name + '/',
            attrs={key: value for key, value in op.node_def.attr.items() if key != '_output_shapes'},
        )
    copy._set_device(op.device)
    for old, new in zip(op.outputs, copy.outputs):
        new.set_shape(old.shape.merge_with(new.shape) if old.shape.is_compatible_with(new.shape)
                      else new.shape)
    return copy


def _copied(target_ts, replacement_ts, scope):
    """{(operation, output): tensor} of the copies and the replacements, {operation: copy}."""
    replaced = {_key(tf.convert_to_tensor(old)): tf.convert_to_tensor(new)
                for old, new in replacement_ts.items()}
    targets = [tf.convert_to_tensor(t) if not isinstance(t, tf.Operation) else t for t in _flat(target_ts)]
    ops = _depending([t if isinstance(t, tf.Operation) else t.op for t in targets], replaced)
    loop = next((op for op in ops if op.type in LOOPS), None)
    if loop is not None:
        raise NotImplementedError(f'tf.contrib.graph_editor: {loop.name} is part of a tf.while_loop; '
                                  'copies of loops are not restored')
    copies = {}
    for op in ops:
        inputs = [replaced[_key(t)] if _key(t) in replaced else
                  copies[t.op].outputs[t.value_index] if t.op in copies else t for t in op.inputs]
        copies[op] = _again(op, inputs, [copies.get(c, c) for c in op.control_inputs], scope)
    return replaced, copies


def _image(t, replaced, copies):
    if isinstance(t, tf.Operation):
        return copies.get(t, t)
    t = tf.convert_to_tensor(t)
    return replaced.get(_key(t), copies[t.op].outputs[t.value_index] if t.op in copies else t)


def graph_replace(target_ts, replacement_ts, dst_scope='', src_scope='', reuse_dst_scope=False):
    """`target_ts` (tensors, or lists and dictionaries of them) as they would be if each key of
    `replacement_ts` were its value.

    Only what lies between is made again; variables are shared. ValueError when no target depends on a key.
    """
    replaced, copies = _copied(target_ts, replacement_ts, dst_scope)
    if not copies and not any(not isinstance(t, tf.Operation) and _key(tf.convert_to_tensor(t)) in replaced
                              for t in _flat(target_ts)):
        raise ValueError('Targets and replacements are not connected!')
    return _mapped(target_ts, lambda t: _image(t, replaced, copies))


class Copied:
    """What became of each part: `transformed` of an operation or tensor, None where it has no copy."""

    def __init__(self, replaced, copies):
        self._parts = replaced, copies

    def transformed(self, original, missing_fn=None):
        def one(t):
            new = _image(t, *self._parts)
            return new if new is not t else missing_fn(t) if missing_fn else None
        return _mapped(original, one)


def copy_with_input_replacements(sgv, replacement_ts, dst_graph=None, dst_scope='', src_scope='',
                                 reuse_dst_scope=False):
    """(operations, Copied) of a copy of the operations `sgv` that takes the values of `replacement_ts`."""
    ops = list(getattr(sgv, 'ops', sgv))
    replaced, copies = _copied(ops, replacement_ts, dst_scope)
    kept = {op: copy for op, copy in copies.items() if op in set(ops)}
    return list(kept.values()), Copied(replaced, kept)
