"""`tensor._shape = TensorShape(...)`: until TensorFlow 1.4 an assigned static shape was the shape.

Inception scores loosen the batch of a frozen graph this way, whose pictures come one at a time. TensorFlow
now keeps shapes in C++, where they can only become more precise, so operations made later read such a tensor
through `placeholder_with_default`, which hides what is known.
"""
from tensorflow.compat import v1 as tf
from tensorflow.python.framework import ops, tensor


def install():
    """Makes static shapes assignable, as `tensor._shape` and as `tensor.__dict__['_shape_val']`."""
    native, shape = ops.SymbolicTensor._shape, tensor.Tensor.shape

    def assign(self, value):
        self.__dict__['_shape_val'] = tf.TensorShape(value)

    def assigned_or_inferred(self):
        value = self.__dict__.get('_shape_val')
        return shape.fget(self) if value is None else value

    ops.SymbolicTensor._shape = property(native.__get__, assign)
    ops.SymbolicTensor.shape = property(assigned_or_inferred, doc=shape.__doc__)
    create = ops.Graph._create_op_internal

    def create_on_assigned(self, op_type, inputs, *args, **kwargs):
        return create(self, op_type, [_loosened(x, shape) for x in inputs], *args, **kwargs)

    ops.Graph._create_op_internal = create_on_assigned


def _loosened(value, inferred):
    """A tensor as what is made of it shall see it: itself, or one whose static shape is the assigned one."""
    own = getattr(value, '__dict__', {})
    assigned, known = own.get('_shape_val'), None
    if assigned is not None:
        known = inferred.fget(value)
    if known is None or assigned == known or not known.is_compatible_with(assigned):
        return value
    if '_loosened' not in own:
        del own['_shape_val']
        own['_loosened'] = tf.placeholder_with_default(value, assigned)
        own['_shape_val'] = assigned
    return own['_loosened']
