"""Graph-mode layers with the names, signatures and variables of DCGAN-tensorflow (ops.py there).

Images are float32 [B,H,W,C]. Variables are resource variables made by `get_variable` in the current variable scope,
so every call reads them as the control dependencies around it say.
"""
import contextlib

import convolutions
from convolutions import convolution, transposed_convolution
from tf1 import tf

image_summary = tf.summary.image
scalar_summary = tf.summary.scalar
histogram_summary = tf.summary.histogram
merge_summary = tf.summary.merge
SummaryWriter = tf.summary.FileWriter

# Rows of w that are whole pages fall on the same few lines of the cache, and a product that reads w as it lies runs at half its
# rate; 16 columns more bring [64,3636] x [3636,1024] from 5.9 ms to 4.3. From 350 rows of x on oneDNN packs w, below 16 the
# copy costs more than it saves.
PAGE = 1024               # floats
PAGED_BATCHES = range(16, 350)


def concat(tensors, axis, *args, **kwargs):
    return tf.concat(tensors, axis, *args, **kwargs)


# Moving averages are updated in place where a layer is used (as upstream's updates_collections=None does), except inside
# collect_updates(), where the caller decides which passes move them: model.py runs one update per pass of the schedule.
_collectors = []


@contextlib.contextmanager
def collect_updates():
    """Within it, batch_norm appends its moving-average updates to the list that this yields."""
    updates = []
    _collectors.append(updates)
    try:
        yield updates
    finally:
        _collectors.remove(updates)


# Dropout draws its masks from a key that model.py sets to (seed, step, update), so that a resumed run repeats them.
_random_keys = []


@contextlib.contextmanager
def random_key(key):
    """Within it, dropout derives its masks from `key`, an int [2] tensor, one fold for each call."""
    _random_keys.append([key, 0])
    try:
        yield
    finally:
        _random_keys.pop()


def dropout(x, rate, training, name='dropout'):
    """Zeroes a share `rate` (to 2^-16) of x and scales the rest by 1/(1-rate); the identity when not training."""
    if not training or rate == 0:
        return x
    if not _random_keys:
        raise ValueError('dropout needs a random key: use it inside a plugin\'s network, or within ops.random_key(key)')
    key, calls = _random_keys[-1]
    _random_keys[-1][1] += 1
    with tf.name_scope(name):
        key = tf.random.experimental.stateless_fold_in(key, calls)
        # 16 random bits an element: drawing is what dropout costs, and a float takes 32.
        pairs = tf.random.stateless_uniform([(tf.size(x) + 1) // 2], key, minval=None, maxval=None, dtype=tf.int32)
        bits = tf.reshape(tf.bitcast(pairs, tf.int16), [-1])[:tf.size(x)]
        keep = tf.reshape(bits, tf.shape(x)) >= tf.constant(round(rate * 2**16) - 2**15, tf.int16)
        return tf.where(keep, x / (1.0 - rate), tf.zeros_like(x))


class batch_norm:
    """Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) over all axes but the last.

    Variables `<name>/{beta,gamma,moving_mean,moving_variance}`. With train=True the batch's own statistics are used and
    the moving averages follow with decay `momentum`, the variance's by the unbiased one, n/(n-1) of the batch's (as the fused
    kernels of TF1 and PyTorch do); with train=False the moving averages are used.
    """

    def __init__(self, epsilon=1e-5, momentum=0.9, name='batch_norm'):
        self.epsilon, self.momentum, self.name = epsilon, momentum, name

    def __call__(self, x, train=True):
        channels = x.shape[-1]
        with tf.variable_scope(self.name):
            gamma, beta, moving_mean, moving_variance = self._variables(channels)
            image = x if len(x.shape) == 4 else tf.reshape(x, [-1, 1, 1, channels])
            if train:
                y, mean, variance = tf.nn.fused_batch_norm(image, gamma, beta, epsilon=self.epsilon, is_training=True)
                y = self._update_moving_averages(y, (moving_mean, mean), (moving_variance, variance))
            else:
                y, _, _ = tf.nn.fused_batch_norm(image, gamma, beta, moving_mean, moving_variance,
                                                 epsilon=self.epsilon, is_training=False)
            return y if len(x.shape) == 4 else tf.reshape(y, [-1, channels])

    def folded(self, kernel, bias, axis):
        """(kernel, bias) of the layer that computes self(layer(x), train=False): no pass over the maps, nor over their gradient.

        bias: None for none. axis: of the kernel's output channels.
        """
        with tf.variable_scope(self.name):
            gamma, beta, moving_mean, moving_variance = self._variables(kernel.shape[axis])
            scale = gamma * tf.rsqrt(moving_variance + self.epsilon)
            across = [-1 if axis == other else 1 for other in range(len(kernel.shape))]
            return kernel * tf.reshape(scale, across), ((0.0 if bias is None else bias) - moving_mean) * scale + beta

    def _variables(self, channels):
        variable = lambda name, value, trainable: tf.get_variable(
            name, [channels], initializer=tf.constant_initializer(value), trainable=trainable, use_resource=True)
        beta, gamma = variable('beta', 0.0, True), variable('gamma', 1.0, True)
        return gamma, beta, variable('moving_mean', 0.0, False), variable('moving_variance', 1.0, False)

    def _update_moving_averages(self, y, *pairs):
        earlier = _collectors[-1] if _collectors else []
        with tf.control_dependencies(earlier):       # two passes move the averages one after the other, in the order they are built
            updates = [moving.assign_sub((moving - value) * (1.0 - self.momentum)) for moving, value in pairs]
        if _collectors:
            _collectors[-1].extend(updates)
            return y
        with tf.control_dependencies(updates):
            return tf.identity(y)


def conv_cond_concat(x, y):
    """Concatenates the condition y [B,1,1,K] to every pixel of x [B,H,W,C]: [B,H,W,C+K]."""
    shape = tf.shape(x)
    return tf.concat([x, tf.broadcast_to(y, [shape[0], x.shape[1], x.shape[2], y.shape[3]])], 3)


def conv2d(input_, output_dim, k_h=5, k_w=5, d_h=2, d_w=2, stddev=0.02, name='conv2d', y=None):
    """Strided convolution, SAME padding: [B,H,W,C] -> [B,ceil(H/d_h),ceil(W/d_w),output_dim]. Variables w, biases.

    y: a condition [B,K]; the layer's input is then conv_cond_concat(input_, y).
    """
    with tf.variable_scope(name):
        w = tf.get_variable('w', [k_h, k_w, _channels(input_, y), output_dim], use_resource=True,
                            initializer=tf.truncated_normal_initializer(stddev=stddev))
        biases = tf.get_variable('biases', [output_dim], initializer=tf.constant_initializer(0.0), use_resource=True)
        return _affine(lambda x, w: convolution(x, w, (d_h, d_w)), input_, y, w, 2, biases)


def deconv2d(input_, output_shape, k_h=5, k_w=5, d_h=2, d_w=2, stddev=0.02, name='deconv2d', with_w=False, y=None):
    """Transposed convolution, SAME padding, to output_shape [B,H,W,C] (B may be a tensor). Variables w [k_h,k_w,out,in], biases.

    y: a condition [B,K]; the layer's input is then conv_cond_concat(input_, y).
    """
    with tf.variable_scope(name):
        w = tf.get_variable('w', [k_h, k_w, output_shape[-1], _channels(input_, y)], use_resource=True,
                            initializer=tf.random_normal_initializer(stddev=stddev))
        biases = tf.get_variable('biases', [output_shape[-1]], initializer=tf.constant_initializer(0.0), use_resource=True)
        layer = lambda x, w: transposed_convolution(x, w, [tf.shape(x)[0], *output_shape[1:]], (d_h, d_w))
        deconv = _affine(layer, input_, y, w, 3, biases)
        return (deconv, w, biases) if with_w else deconv


def _channels(x, y):
    return int(x.shape[3]) + (0 if y is None else int(y.shape[1]))


def _affine(layer, x, y, w, axis, biases):
    """layer(x, w) + biases, of x with the condition y, if there is one; axis: of w's input channels."""
    if y is None:
        return tf.nn.bias_add(layer(x, w), biases)
    if not convolutions.fast():
        return tf.nn.bias_add(layer(conv_cond_concat(x, y[:, tf.newaxis, tf.newaxis, :]), w), biases)
    # The maps of y are constant, so what the layer makes of them is y times what it makes of each unit y.
    (height, width, channels), conditions = x.shape.as_list()[1:], int(y.shape[1])
    of_x, of_y = tf.split(w, [channels, conditions], axis)
    units = tf.broadcast_to(tf.eye(conditions)[:, tf.newaxis, tf.newaxis, :], [conditions, height, width, conditions])
    return tf.nn.bias_add(layer(x, of_x), biases) + tf.tensordot(y, layer(units, of_y), 1)


def lrelu(x, leak=0.2, name='lrelu'):
    """Leaky ReLU, max(x, leak*x) for leak < 1 (Maas et al. 2013)."""
    return tf.nn.leaky_relu(x, leak, name=name)


def linear(input_, output_size, scope=None, stddev=0.02, bias_start=0.0, with_w=False):
    """Dense layer [B,n] -> [B,output_size]. Variables Matrix [n,output_size], bias."""
    with tf.variable_scope(scope or 'Linear'):
        matrix = tf.get_variable('Matrix', [input_.shape[1], output_size], tf.float32, use_resource=True,
                                 initializer=tf.random_normal_initializer(stddev=stddev))
        bias = tf.get_variable('bias', [output_size], initializer=tf.constant_initializer(bias_start), use_resource=True)
        output = _product(input_, matrix) + bias
        return (output, matrix, bias) if with_w else output


def _product(x, w):
    """x [B,n] times w [n,m] -> [B,m]."""
    batch, rows, columns = x.shape[0], int(w.shape[0]), int(w.shape[1])
    if not (convolutions.fast() and batch in PAGED_BATCHES and rows >= PAGE and columns % PAGE == 0):
        return tf.matmul(x, w)

    @tf.custom_gradient
    def padded(x, w):
        def gradients(dy):
            return tf.matmul(dy, w, transpose_b=True), tf.matmul(x, dy, transpose_a=True)
        return tf.matmul(x, tf.pad(w, [[0, 0], [0, 16]]))[:, :columns], gradients
    return padded(x, tf.convert_to_tensor(w))


# Layers with the variable names of tf.layers and Keras: kernel, bias. Without an initialiser the kernel is Glorot uniform
# (Glorot and Bengio 2010) and the bias 0, the defaults of both. norm: a batch_norm that follows on its moving averages.

def dense(x, units, name, kernel_initializer=None, bias_initializer=None, norm=None):
    """Dense layer [B,n] -> [B,units]. Variables kernel [n,units], bias."""
    kernel, bias = _kernel_and_bias(name, [x.shape[1], units], 1, kernel_initializer, bias_initializer, norm=norm)
    return _product(x, kernel) + bias


def conv(x, filters, size, stride, name, padding='SAME', use_bias=True, kernel_initializer=None, norm=None):
    """Convolution with a size x size (or (rows, columns)) kernel: [B,H,W,C] -> [B,H',W',filters]. Variables kernel, bias."""
    kernel, bias = _kernel_and_bias(name, [*_pair(size), x.shape[3], filters], 3, kernel_initializer, use_bias=use_bias, norm=norm)
    y = convolution(x, kernel, (stride, stride), padding)
    return y if bias is None else tf.nn.bias_add(y, bias)


def conv_transpose(x, output_shape, size, stride, name, padding='SAME', use_bias=True, kernel_initializer=None, norm=None):
    """Transposed convolution to output_shape [B,H,W,filters] (B may be a tensor). Variables kernel [rows,columns,out,in], bias."""
    shape = [*_pair(size), output_shape[3], x.shape[3]]
    kernel, bias = _kernel_and_bias(name, shape, 2, kernel_initializer, use_bias=use_bias, norm=norm)
    y = transposed_convolution(x, kernel, output_shape, (stride, stride), padding)
    return y if bias is None else tf.nn.bias_add(y, bias)


def fan_in_uniform():
    """PyTorch's default for weights, kaiming_uniform_(a=sqrt(5)): U(-b, b), b = 1/sqrt(fan_in).

    fan_in is rows * columns * in for a convolution, n for a dense layer, and rows * columns * *out* for a transposed
    convolution, whose weight PyTorch stores as (in, out, rows, columns) and reads as if it were (out, in, rows, columns).
    """
    return tf.variance_scaling_initializer(scale=1 / 3, mode='fan_in', distribution='uniform')   # b = sqrt(3 * scale / fan_in)


def _kernel_and_bias(name, shape, axis, kernel_initializer, bias_initializer=None, use_bias=True, norm=None):
    """A layer's variables (bias None without one), with the norm folded in; axis: of the kernel's output channels."""
    with tf.variable_scope(name):
        kernel = tf.get_variable('kernel', shape, tf.float32, use_resource=True,
                                 initializer=kernel_initializer or tf.glorot_uniform_initializer())
        bias = tf.get_variable('bias', [shape[axis]], tf.float32, use_resource=True,
                               initializer=bias_initializer or tf.zeros_initializer()) if use_bias else None
    return norm.folded(kernel, bias, axis) if norm else (kernel, bias)


def _pair(value):
    return value if isinstance(value, tuple) else (value, value)
