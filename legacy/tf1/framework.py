"""tf.contrib.framework: arg_scope, model variables and their collections, checkpoint helpers."""
import contextlib
import functools
import inspect
import re

import numpy
import tensorflow.compat.v1 as tf

from legacy.tf1 import core

nest = tf.nest
is_tensor = tf.is_tensor
zero_initializer = tf.zeros_initializer
list_variables = tf.train.list_variables
load_checkpoint = tf.train.load_checkpoint
load_variable = tf.train.load_variable
init_from_checkpoint = tf.train.init_from_checkpoint
get_global_step = tf.train.get_global_step
assert_global_step = lambda step: step          # noqa: E731

# ---- arg_scope ---------------------------------------------------------------------------------------------

_STACK = [{}]


def _key(function):
    return getattr(function, '_key_op', None) or (getattr(function, '__module__', ''), getattr(function,
                                                                                               '__name__',
                                                                                               str(function)))


def has_arg_scope(function):
    return hasattr(function, '_key_op')


def current_arg_scope():
    return _STACK[-1]


def arg_scoped_arguments(function):
    return _KEYWORDS[_key(function)]


_KEYWORDS = {}


def add_arg_scope(function):
    """Lets `arg_scope` set defaults for the function's arguments."""
    key = (function.__module__, function.__qualname__)
    parameters = inspect.signature(function).parameters.values()
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]

    @functools.wraps(function)
    def call(*args, **kwargs):
        defaults = _STACK[-1].get(key)
        if defaults:
            given = set(names[:len(args)])
            kwargs = {**{k: v for k, v in defaults.items() if k not in given}, **kwargs}
        return function(*args, **kwargs)
    call._key_op = key
    _KEYWORDS[key] = tuple(p.name for p in parameters
                           if p.default is not p.empty) if not takes_any else tuple(names)
    return call


@contextlib.contextmanager
def arg_scope(list_ops_or_scope, **kwargs):
    """Defaults for the listed functions inside the block; a scope got from `as` can be entered again."""
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError(
                'When attempting to re-use a scope by suppling a dictionary, kwargs must be empty.')
        scope = dict(list_ops_or_scope)
    else:
        if not isinstance(list_ops_or_scope, (list, tuple)):
            raise TypeError('list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)')
        scope = dict(_STACK[-1])
        for function in list_ops_or_scope:
            key = _key(function)
            if not has_arg_scope(function):
                raise ValueError(f'{key} is not decorated with @add_arg_scope')
            scope[key] = {**scope.get(key, {}), **kwargs}
    _STACK.append(scope)
    try:
        yield scope
    finally:
        _STACK.pop()


# ---- variables ---------------------------------------------------------------------------------------------

@add_arg_scope
def variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True,
             collections=None, caching_device=None, device=None, partitioner=None, custom_getter=None,
             use_resource=None, synchronization=None, aggregation=None):
    """get_variable in GLOBAL_VARIABLES and `collections`."""
    collections = list(collections or [tf.GraphKeys.GLOBAL_VARIABLES])
    getter = tf.get_variable if custom_getter is None else functools.partial(custom_getter, tf.get_variable)
    with tf.device(device or ''):
        return getter(name, shape=None if shape is None else [core.count(s) for s in shape], dtype=dtype,
                      initializer=initializer, regularizer=regularizer, trainable=trainable,
                      collections=list(dict.fromkeys(collections)), caching_device=caching_device,
                      partitioner=partitioner, use_resource=use_resource)


@add_arg_scope
def model_variable(name, shape=None, dtype=tf.float32, initializer=None, regularizer=None, trainable=True,
                   collections=None, caching_device=None, device=None, partitioner=None, custom_getter=None,
                   use_resource=None, synchronization=None, aggregation=None):
    """A variable in GLOBAL_VARIABLES and MODEL_VARIABLES besides `collections`."""
    collections = list(collections or []) + [tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES]
    return variable(name, shape, dtype, initializer, regularizer, trainable, collections, caching_device,
                    device, partitioner, custom_getter, use_resource)


def local_variable(initial_value, validate_shape=True, name=None, use_resource=None):
    return tf.Variable(initial_value, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES],
                       validate_shape=validate_shape, name=name)


def add_model_variable(var):
    if not any(v is var for v in tf.get_collection(tf.GraphKeys.MODEL_VARIABLES)):
        tf.add_to_collection(tf.GraphKeys.MODEL_VARIABLES, var)


def get_variables(scope=None, suffix=None, collection=tf.GraphKeys.GLOBAL_VARIABLES):
    """Variables of a collection by scope (a name prefix, a pattern or a variable scope) and suffix."""
    if isinstance(scope, tf.VariableScope):
        scope = scope.name
    if suffix is not None:
        scope = (scope or '') + '.*' + suffix
    return tf.get_collection(collection, scope)


def get_model_variables(scope=None, suffix=None):
    return get_variables(scope, suffix, tf.GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope=None, suffix=None):
    return get_variables(scope, suffix, tf.GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(scope=None, suffix=None):
    return get_variables(scope, suffix, tf.GraphKeys.TRAINABLE_VARIABLES)


def get_variables_by_suffix(suffix, scope=None):
    return get_variables(scope=scope, suffix=suffix)


def get_variables_by_name(given_name, scope=None):
    return [v for v in get_variables(scope) if re.search(f'(^|/){re.escape(given_name)}:0$', v.name)]


def get_unique_variable(var_op_name):
    found = [v for v in get_variables(var_op_name) if v.op.name == var_op_name]
    if len(found) != 1:
        raise ValueError(f'Variable {var_op_name} does not uniquely identify a variable')
    return found[0]


def get_variable_full_name(var):
    return var.op.name


def filter_variables(var_list, include_patterns=None, exclude_patterns=None, reg_search=True):
    match = re.search if reg_search else re.match
    kept = [v for v in var_list if not include_patterns or any(match(p, v.name) for p in include_patterns)]
    return [v for v in kept if not any(match(p, v.name) for p in exclude_patterns or ())]


def get_variables_to_restore(include=None, exclude=None):
    """Global variables whose names start with a scope in `include` and with none in `exclude`."""
    kept = tf.global_variables() if include is None else [v for scope in include
                                                          for v in get_variables(scope)]
    dropped = {id(v) for scope in exclude or () for v in get_variables(scope)}
    return [v for v in kept if id(v) not in dropped]


def create_global_step(graph=None):
    return tf.train.create_global_step(graph)


def get_or_create_global_step(graph=None):
    return tf.train.get_or_create_global_step(graph)


def get_name_scope():
    return tf.get_default_graph().get_name_scope()


def assert_same_float_dtype(tensors=None, dtype=None):
    from tensorflow.python.ops import check_ops
    return check_ops.assert_same_float_dtype(tensors, dtype)


# ---- values into variables ---------------------------------------------------------------------------------

def assign_from_values(var_names_to_values):
    """(assign op, feed_dict) that together set variables to arrays."""
    ops, feed = [], {}
    for name, value in var_names_to_values.items():
        var = get_unique_variable(name)
        placeholder = tf.placeholder(var.dtype.base_dtype, var.shape)
        ops.append(var.assign(placeholder))
        feed[placeholder] = numpy.reshape(value, var.shape.as_list())
    return tf.group(*ops), feed


def assign_from_values_fn(var_names_to_values):
    assign, feed = assign_from_values(var_names_to_values)
    return lambda session: session.run(assign, feed)


def _named(var_list):
    if isinstance(var_list, dict):
        return var_list
    return {v.op.name: v for v in var_list}


def assign_from_checkpoint(model_path, var_list, ignore_missing_vars=False):
    reader = tf.train.NewCheckpointReader(model_path)
    values = {}
    for name, var in _named(var_list).items():
        if not reader.has_tensor(name):
            if not ignore_missing_vars:
                raise ValueError(f'Checkpoint is missing variable [{name}]')
            continue
        values[var.op.name] = reader.get_tensor(name)
    return assign_from_values(values)


def assign_from_checkpoint_fn(model_path, var_list, ignore_missing_vars=False, reshape_variables=False):
    named = _named(var_list)
    if ignore_missing_vars:
        reader = tf.train.NewCheckpointReader(model_path)
        named = {name: v for name, v in named.items() if reader.has_tensor(name)}
    if not named:
        return None
    saver = tf.train.Saver(named, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)
