"""tf.nn.rnn_cell and tf.contrib.rnn on get_variable: kernel and bias below `rnn/basic_lstm_cell`,
`gru_cell/gates`, …
"""
import collections

import tensorflow.compat.v1 as tf

from legacy.tf1 import core
from legacy.tf1.layers import Layer

LSTMStateTuple = collections.namedtuple('LSTMStateTuple', ('c', 'h'))


class RNNCell(Layer):
    """A cell: state_size, output_size, call(inputs, state) → (output, new state)."""

    def __call__(self, inputs, state, scope=None, *args, **kwargs):
        if scope is not None and self._scope is None:
            self._open(scope)
        return super().__call__(inputs, state, *args, **kwargs)

    def zero_state(self, batch_size, dtype):
        def zeros(size):
            state = tf.zeros(tf.stack([batch_size, size]) if hasattr(batch_size, 'op') else [batch_size,
                                                                                             size], dtype)
            state.set_shape([None if hasattr(batch_size, 'op') else batch_size, size])
            return state
        return tf.nest.map_structure(zeros, self.state_size)

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        return self.zero_state(tf.shape(inputs)[0] if inputs is not None else batch_size, dtype
                               or inputs.dtype)


class Linear:
    """Σ args · W + b, the variables made when it is: kernel and bias (weights and biases before 1.2)."""

    def __init__(self, args, output_size, build_bias=True, bias_initializer=None, kernel_initializer=None):
        args = args if isinstance(args, (list, tuple)) else [args]
        size = sum(core.static_dim(x, 1) for x in args)
        self._kernel = tf.get_variable('kernel', [size, core.count(output_size)], args[0].dtype.base_dtype,
                                       kernel_initializer)
        self._bias = tf.get_variable('bias', [core.count(output_size)], args[0].dtype.base_dtype,
                                     bias_initializer or tf.zeros_initializer()) if build_bias else None

    def __call__(self, args):
        args = list(args) if isinstance(args, (list, tuple)) else [args]
        y = tf.matmul(tf.concat(args, 1) if len(args) > 1 else args[0], self._kernel)
        return y if self._bias is None else tf.nn.bias_add(y, self._bias)


def linear(args, output_size, bias, bias_initializer=None, kernel_initializer=None, scope=None):
    """rnn_cell._linear: args [B, n] or a list of them → [B, output_size]."""
    if isinstance(bias_initializer, (int, float)):                     # bias_start of TensorFlow ≤ 1.0
        bias_initializer = tf.constant_initializer(bias_initializer)
    with tf.variable_scope(scope or tf.get_variable_scope()):
        return Linear(args, output_size, bias, bias_initializer, kernel_initializer)(args)


class BasicRNNCell(RNNCell):
    """tanh([x, h] W + b)."""

    def __init__(self, num_units, activation=None, reuse=None, name=None, dtype=None, **kwargs):
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._activation = core.count(num_units), activation or tf.tanh

    state_size = output_size = property(lambda self: self._num_units)

    def build(self, input_shape):
        size = core.count(input_shape[-1]) + self._num_units
        self.kernel = self.add_variable('kernel', [size, self._num_units])
        self.bias = self.add_variable('bias', [self._num_units], initializer=tf.zeros_initializer())

    def call(self, inputs, state):
        output = self._activation(tf.nn.bias_add(tf.matmul(tf.concat([inputs, state], 1), self.kernel),
                                                 self.bias))
        return output, output


class BasicLSTMCell(RNNCell):
    """Gates i, j, f, o in one kernel; forget_bias added to f."""

    def __init__(self, num_units, forget_bias=1.0, state_is_tuple=True, activation=None, reuse=None,
                 name=None, dtype=None, input_size=None, **kwargs):
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._forget_bias, self._tuple = core.count(num_units), forget_bias, state_is_tuple
        self._activation = activation or tf.tanh

    output_size = property(lambda self: self._num_units)
    state_size = property(lambda self: LSTMStateTuple(self._num_units, self._num_units) if self._tuple else 2
                          * self._num_units)

    def build(self, input_shape):
        size = core.count(input_shape[-1]) + self._num_units
        self.kernel = self.add_variable('kernel', [size, 4 * self._num_units])
        self.bias = self.add_variable('bias', [4 * self._num_units], initializer=tf.zeros_initializer())

    def call(self, inputs, state):
        c, h = state if self._tuple else tf.split(state, 2, 1)
        i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([inputs, h], 1), self.kernel), self.bias), 4,
                              1)
        c = c * tf.sigmoid(f + self._forget_bias) + tf.sigmoid(i) * self._activation(j)
        h = self._activation(c) * tf.sigmoid(o)
        return h, LSTMStateTuple(c, h) if self._tuple else tf.concat([c, h], 1)


class LSTMCell(RNNCell):
    """LSTM with optional peepholes (w_f_diag, w_i_diag, w_o_diag), clipping and projection
    (projection/kernel).
    """

    def __init__(self, num_units, use_peepholes=False, cell_clip=None, initializer=None, num_proj=None,
                 proj_clip=None, num_unit_shards=None, num_proj_shards=None, forget_bias=1.0,
                 state_is_tuple=True, activation=None, reuse=None, name=None, dtype=None, **kwargs):
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._num_proj = core.count(num_units), num_proj
        self._peepholes, self._clip, self._proj_clip = use_peepholes, cell_clip, proj_clip
        self._initializer, self._forget_bias, self._tuple = initializer, forget_bias, state_is_tuple
        self._activation = activation or tf.tanh

    output_size = property(lambda self: self._num_proj or self._num_units)
    state_size = property(lambda self: LSTMStateTuple(self._num_units, self.output_size) if self._tuple
                          else self._num_units + self.output_size)

    def build(self, input_shape):
        n = self._num_units
        self.kernel = self.add_variable('kernel', [core.count(input_shape[-1]) + self.output_size, 4 * n],
                                        initializer=self._initializer)
        self.bias = self.add_variable('bias', [4 * n], initializer=tf.zeros_initializer())
        if self._peepholes:
            self.diagonals = [self.add_variable(f'w_{gate}_diag', [n], initializer=self._initializer)
                              for gate in 'fio']
        if self._num_proj:
            self.projection = self.add_variable('projection/kernel', [n, self._num_proj],
                                                initializer=self._initializer)

    def call(self, inputs, state):
        c, h = state if self._tuple else tf.split(state, [self._num_units, self.output_size], 1)
        i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([inputs, h], 1), self.kernel), self.bias), 4,
                              1)
        peep_f, peep_i, peep_o = [d for d in self.diagonals] if self._peepholes else (0.0, 0.0, 0.0)
        new = tf.sigmoid(f + self._forget_bias + peep_f * c) * c + tf.sigmoid(i + peep_i
                                                                              * c) * self._activation(j)
        if self._clip is not None:
            new = tf.clip_by_value(new, -self._clip, self._clip)
        h = tf.sigmoid(o + peep_o * new) * self._activation(new)
        if self._num_proj:
            h = tf.matmul(h, self.projection)
            if self._proj_clip is not None:
                h = tf.clip_by_value(h, -self._proj_clip, self._proj_clip)
        return h, LSTMStateTuple(new, h) if self._tuple else tf.concat([new, h], 1)


class LayerNormBasicLSTMCell(RNNCell):
    """LSTM with each gate and the state normalised (Ba et al. 2016), and dropout on the candidate.

    One kernel without a bias; gamma and beta below input, transform, forget, output and state.
    """

    def __init__(self, num_units, forget_bias=1.0, input_size=None, activation=tf.tanh, layer_norm=True,
                 norm_gain=1.0, norm_shift=0.0, dropout_keep_prob=1.0, dropout_prob_seed=None, reuse=None):
        super().__init__(_reuse=reuse)
        self._num_units, self._forget_bias, self._activation = core.count(num_units), forget_bias, activation
        self._normalised, self._gain, self._shift = layer_norm, norm_gain, norm_shift
        self._keep, self._seed = dropout_keep_prob, dropout_prob_seed

    output_size = property(lambda self: self._num_units)
    state_size = property(lambda self: LSTMStateTuple(self._num_units, self._num_units))

    def _norm(self, x, scope):
        with tf.variable_scope(scope):
            gamma = tf.get_variable('gamma', [self._num_units], x.dtype.base_dtype,
                                    tf.constant_initializer(self._gain))
            beta = tf.get_variable('beta', [self._num_units], x.dtype.base_dtype,
                                   tf.constant_initializer(self._shift))
        mean, variance = tf.nn.moments(x, [1], keep_dims=True)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-12)

    def call(self, inputs, state):
        c, h = state
        together = linear([inputs, h], 4 * self._num_units, not self._normalised)
        parts = tf.split(together, 4, 1)
        if self._normalised:
            parts = [self._norm(x, name) for x, name in zip(
                parts, ('input', 'transform', 'forget', 'output'))]
        i, j, f, o = parts
        g = self._activation(j)
        if not isinstance(self._keep, float) or self._keep < 1:
            g = tf.nn.dropout(g, self._keep, seed=self._seed)
        new = c * tf.sigmoid(f + self._forget_bias) + tf.sigmoid(i) * g
        if self._normalised:
            new = self._norm(new, 'state')
        h = self._activation(new) * tf.sigmoid(o)
        return h, LSTMStateTuple(new, h)


class LSTMBlockCell(LSTMCell):
    """LSTMCell in the variables of the fused operation, without projection."""

    def __init__(self, num_units, forget_bias=1.0, cell_clip=None, use_peephole=False, dtype=None, reuse=None,
                 name='lstm_cell', **kwargs):
        super().__init__(num_units, use_peepholes=use_peephole, cell_clip=cell_clip or None,
                         forget_bias=forget_bias, reuse=reuse, name=name, dtype=dtype)


class GRUCell(RNNCell):
    """Variables gates/kernel, gates/bias (ones), candidate/kernel, candidate/bias."""

    def __init__(self, num_units, activation=None, reuse=None, kernel_initializer=None, bias_initializer=None,
                 name=None, dtype=None, **kwargs):
        super().__init__(_reuse=reuse, name=name, dtype=dtype)
        self._num_units, self._activation = core.count(num_units), activation or tf.tanh
        self._kernel, self._bias = kernel_initializer, bias_initializer

    state_size = output_size = property(lambda self: self._num_units)

    def build(self, input_shape):
        n, size = self._num_units, core.count(input_shape[-1]) + self._num_units
        self.gates = [self.add_variable('gates/kernel', [size, 2 * n], initializer=self._kernel),
                      self.add_variable('gates/bias', [2 * n], initializer=self._bias
                                        or tf.ones_initializer())]
        self.candidate = [self.add_variable('candidate/kernel', [size, n], initializer=self._kernel),
                          self.add_variable('candidate/bias', [n], initializer=self._bias
                                            or tf.zeros_initializer())]

    def call(self, inputs, state):
        r, u = tf.split(tf.sigmoid(tf.nn.bias_add(tf.matmul(tf.concat([inputs, state], 1), self.gates[0]),
                                                  self.gates[1])), 2, 1)
        c = self._activation(tf.nn.bias_add(tf.matmul(tf.concat([inputs, r * state], 1), self.candidate[0]),
                                            self.candidate[1]))
        new = u * state + (1 - u) * c
        return new, new


class MultiRNNCell(RNNCell):
    """Cells on top of each other, each in the scope `cell_0`, `cell_1`, …"""

    def __init__(self, cells, state_is_tuple=True):
        super().__init__()
        self._cells, self._tuple = list(cells), state_is_tuple

    output_size = property(lambda self: self._cells[-1].output_size)
    state_size = property(lambda self: tuple(c.state_size for c in self._cells) if self._tuple
                          else sum(c.state_size for c in self._cells))

    def call(self, inputs, state):
        states = state if self._tuple else tf.split(state, [c.state_size for c in self._cells], 1)
        new = []
        for n, (cell, part) in enumerate(zip(self._cells, states)):
            with tf.variable_scope(f'cell_{n}'):
                inputs, part = cell(inputs, part)
            new.append(part)
        return inputs, tuple(new) if self._tuple else tf.concat(new, 1)


class _Wrapper(RNNCell):
    def __init__(self, cell):
        super().__init__()
        self._cell = cell

    state_size = property(lambda self: self._cell.state_size)
    output_size = property(lambda self: self._cell.output_size)

    def zero_state(self, batch_size, dtype):
        return self._cell.zero_state(batch_size, dtype)


class DropoutWrapper(_Wrapper):
    """Dropout on inputs, outputs or state by keep probabilities; adds no scope."""

    def __init__(self, cell, input_keep_prob=1.0, output_keep_prob=1.0, state_keep_prob=1.0,
                 variational_recurrent=False, input_size=None, dtype=None, seed=None, **kwargs):
        super().__init__(cell)
        self._keep, self._seed = (input_keep_prob, state_keep_prob, output_keep_prob), seed

    def __call__(self, inputs, state, scope=None):
        def drop(x, keep):
            if isinstance(keep, (int, float)) and keep >= 1:
                return x
            return tf.nest.map_structure(lambda t: tf.nn.dropout(t, keep, seed=self._seed), x)
        output, new = self._cell(drop(inputs, self._keep[0]), state, scope) if scope is not None \
            else self._cell(drop(inputs, self._keep[0]), state)
        return drop(output, self._keep[2]), drop(new, self._keep[1])


class ResidualWrapper(_Wrapper):
    """output + input; adds no scope."""

    def __call__(self, inputs, state, scope=None):
        output, new = self._cell(inputs, state)
        return inputs + output, new


class OutputProjectionWrapper(_Wrapper):
    """A linear map of the output, its kernel and bias beside the cell's."""

    def __init__(self, cell, output_size, activation=None, reuse=None):
        super().__init__(cell)
        self._size, self._activation = core.count(output_size), activation

    output_size = property(lambda self: self._size)

    def call(self, inputs, state):
        output, new = self._cell(inputs, state)
        projected = linear(output, self._size, True)
        return projected if self._activation is None else self._activation(projected), new


class InputProjectionWrapper(_Wrapper):
    """A linear map of the input, its kernel and bias beside the cell's."""

    def __init__(self, cell, num_proj, activation=None, input_size=None, reuse=None):
        super().__init__(cell)
        self._size, self._activation = core.count(num_proj), activation

    def call(self, inputs, state):
        projected = linear(inputs, self._size, True)
        return self._cell(projected if self._activation is None else self._activation(projected), state)


class DeviceWrapper(_Wrapper):
    """A cell that runs on a device."""

    def __init__(self, cell, device):
        super().__init__(cell)
        self._device = device

    def __call__(self, inputs, state, scope=None):
        with tf.device(self._device):
            return self._cell(inputs, state)


def static_rnn(cell, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
    """(outputs, state) for a list of inputs."""
    if sequence_length is not None:
        return tf.nn.static_rnn(cell, inputs, initial_state, dtype, sequence_length, scope)
    with tf.variable_scope(scope or 'rnn'):
        state = initial_state if initial_state is not None else cell.zero_state(
            inputs[0].shape[0].value or tf.shape(inputs[0])[0], dtype or inputs[0].dtype)
        outputs = []
        for n, x in enumerate(inputs):
            if n:
                tf.get_variable_scope().reuse_variables()
            output, state = cell(x, state)
            outputs.append(output)
        return outputs, state


def static_bidirectional_rnn(cell_fw, cell_bw, inputs, initial_state_fw=None, initial_state_bw=None,
                             dtype=None, sequence_length=None, scope=None):
    """(outputs of both joined, forward state, backward state)."""
    with tf.variable_scope(scope or 'bidirectional_rnn'):
        forward, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, 'fw')
        backward, state_bw = static_rnn(cell_bw, inputs[::-1], initial_state_bw, dtype, sequence_length, 'bw')
        return [tf.concat(pair, 1) for pair in zip(forward, backward[::-1])], state_fw, state_bw


def sequence_loss(logits, targets, weights, average_across_timesteps=True, average_across_batch=True,
                  softmax_loss_function=None, name=None):
    """tf.contrib.seq2seq.sequence_loss: cross entropy of logits [B,T,classes] with targets [B,T], weighted by
    `weights` [B,T] and divided by their sum over what is averaged.
    """
    with tf.name_scope(name, 'sequence_loss', [logits, targets, weights]):
        if softmax_loss_function is None:
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
        else:
            classes = tf.shape(logits)[-1]
            loss = softmax_loss_function(labels=tf.reshape(targets, [-1]),
                                         logits=tf.reshape(logits, [-1, classes]))
            loss = tf.reshape(loss, tf.shape(targets))
        weights = tf.cast(weights, loss.dtype)
        axes = [axis for axis, wanted in ((0, average_across_batch), (1, average_across_timesteps)) if wanted]
        loss = loss * weights
        if not axes:
            return loss
        return tf.reduce_sum(loss, axes) / (tf.reduce_sum(weights, axes) + 1e-12)
