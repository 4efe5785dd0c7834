"""Convolution and transposed convolution as every network uses them, with the slow parts said in the words a CPU is fast at.

TensorFlow's own CPU kernels (oneDNN, AVX2) reach the matmul rate going forward and in the gradient of the input. Two parts do
not, and are computed another way, to the same numbers up to float32 rounding:
  - the gradient of the filter (55 to 75 % of the rate): a forward convolution with the stride as a dilation;
  - convolutions to the few channels of an image (a quarter of the rate): blocks of pixels as channels.
benchmarks/train_step.py measures both. On a GPU, and with oneDNN off, TensorFlow's own kernels do everything.
"""
import itertools
import math
import os

import numpy as np

from tf1 import has_gpu, tf

FEW = 4                   # channels of an image: grey, RGB, RGBA
SUBPIXEL_STRIDES = 1, 2, 3
BATCH_MULTIPLE = 8        # the batch takes the place of the channels, which are vectorised in eights
# Where the dilated form wins: on the inner layers of a 48x48 DCGAN (31, 29, 43 ms -> 26, 23, 22) and, with wide layers, on large
# maps (138 ms -> 105 for 64x64x128 at batch 8). 4x4 filters on large maps lose: rows of four fill the vector registers badly.
SMALL_MAP = 12 * 12
FEWEST_CHANNELS = {'small': 16, 'large': 64}
BAND = 1_500_000          # elements of dy that a dilated convolution takes as its kernel at a time: 6 MB stay in the cache


def convolution(x, w, strides, padding='SAME'):
    """x [B,H,W,in], w [kh,kw,in,out], strides (rows, columns) -> [B,H',W',out]."""
    if fast() and tuple(strides) == (1, 1) and _subpixel_wins(w.shape[3], w, strides, padding):
        return _subpixel_convolution(x, tf.convert_to_tensor(w))
    with _gradient_of('Conv2D', 'FastConvolution'):
        return tf.nn.conv2d(x, w, strides=[1, *strides, 1], padding=padding)


def transposed_convolution(x, w, output_shape, strides, padding='SAME'):
    """x [B,H,W,in], w [kh,kw,out,in], strides (rows, columns) -> output_shape [B,H',W',out], B may be a tensor."""
    if fast() and _subpixel_wins(w.shape[2], w, strides, padding):
        y = _subpixel_transposed_convolution(x, tf.convert_to_tensor(w), output_shape[1:3], strides)
    else:
        with _gradient_of('Conv2DBackpropInput', 'FastTransposedConvolution'):
            y = tf.nn.conv2d_transpose(x, w, output_shape=output_shape, strides=[1, *strides, 1], padding=padding)
    y.set_shape([None] + list(output_shape[1:]))
    return y


def fast():
    """Whether the other ways are the faster ones here."""
    return os.environ.get('TF_ENABLE_ONEDNN_OPTS') == '1' and not has_gpu()


def _gradient_of(op_type, name):
    return tf.get_default_graph().gradient_override_map({op_type: name} if fast() else {})


@tf.RegisterGradient('FastConvolution')
def _convolution_gradients(op, dy):
    x, w = op.inputs
    strides, padding = op.get_attr('strides')[1:3], op.get_attr('padding').decode()
    if _subpixel_wins(w.shape[2], w, strides, padding):
        dx = _blocks_of_transposed_convolution(dy, w, x.shape.as_list()[1:3], strides)
    else:
        dx = tf.nn.conv2d_backprop_input(tf.shape(x), w, dy, [1, *strides, 1], padding)
    dx.set_shape(x.shape)
    return dx, _filter_gradient(x, w, dy, strides, padding)


@tf.RegisterGradient('FastTransposedConvolution')
def _transposed_convolution_gradients(op, dy):
    _, w, x = op.inputs
    strides, padding = op.get_attr('strides')[1:3], op.get_attr('padding').decode()
    return None, _filter_gradient(dy, w, x, strides, padding), tf.nn.conv2d(dy, w, [1, *strides, 1], padding)


def _filter_gradient(x, w, dy, strides, padding):
    """dL/dw [kh,kw,in,out] of y = convolution(x, w), given dy = dL/dy.

    dw[i,j] = sum over batch and positions p of x[stride p + i] dy[p] is itself a convolution, of x by dy: the channels take the
    place of the batch, the batch that of the channels, and the stride becomes a dilation. It is summed over bands of dy's rows.
    """
    if not _dilated_wins(w, dy):
        return tf.nn.conv2d_backprop_filter(x, w.shape, dy, [1, *strides, 1], padding)
    (rows, columns), (kh, kw) = x.shape.as_list()[1:3], w.shape.as_list()[:2]
    above, left_right = _pads(rows, kh, strides[0], padding)[0], _pads(columns, kw, strides[1], padding)
    height = dy.shape.as_list()[1]
    bands = min(height, math.ceil(math.prod(dy.shape.as_list()) / BAND))
    terms = []
    for start, end in itertools.pairwise(height * band // bands for band in range(bands + 1)):
        top, bottom = start * strides[0] - above, (end - 1) * strides[0] - above + kh      # the rows of x that this band reads
        dw = tf.nn.conv2d(tf.transpose(x[:, max(top, 0):bottom], [3, 1, 2, 0]), tf.transpose(dy[:, start:end], [1, 2, 0, 3]),
                          strides=1, padding=[(0, 0), (max(-top, 0), max(bottom - rows, 0)), left_right, (0, 0)],
                          dilations=list(strides))
        terms.append(dw[:, :kh, :kw])         # rows that no tap reads come too, at odd sizes
    return tf.transpose(tf.add_n(terms), [1, 2, 0, 3])


def _dilated_wins(w, dy):
    batch, height, width, _ = dy.shape.as_list()
    kh, kw, *channels = w.shape.as_list()
    if batch is None or batch % BATCH_MULTIPLE:
        return False
    if height * width <= SMALL_MAP:
        return min(channels) >= FEWEST_CHANNELS['small']
    return min(channels) >= FEWEST_CHANNELS['large'] and kh % 2 == kw % 2 == 1


def _subpixel_wins(out, w, strides, padding):
    """Whether a convolution at stride 1, or a transposed one, to `out` channels is faster in blocks of its output pixels."""
    # It computes more products (1.44 times for 5x5 at strides 1 and 2) and still takes 18 ms for 22 at stride 1, 5.3 for 8.5
    # at stride 2, 44 for 68 at stride 3.
    rows, columns = strides
    return (out <= FEW and padding == 'SAME' and rows == columns and rows in SUBPIXEL_STRIDES
            and min(w.shape.as_list()[:2]) >= max(rows, 2))


# The gradients of the sub-pixel forms are slower than those of the convolutions that they compute, so both are given those.

@tf.custom_gradient
def _subpixel_convolution(x, w):
    """convolution(x, w, (1, 1)), as the transposed convolution by the turned kernel."""
    def gradients(dy):
        return (tf.nn.conv2d_backprop_input(tf.shape(x), w, dy, [1, 1, 1, 1], 'SAME'),
                _filter_gradient(x, w, dy, (1, 1), 'SAME'))
    turned = tf.transpose(tf.reverse(w, [0, 1]), [0, 1, 3, 2])
    size, before = x.shape.as_list()[1:3], [k // 2 for k in w.shape.as_list()[:2]]       # k - 1 less SAME's (k - 1) // 2
    return _blocks(x, turned, size, 1, before), gradients


def _subpixel_transposed_convolution(x, w, size, strides):
    @tf.custom_gradient
    def forward(x, w):
        def gradients(dy):
            return tf.nn.conv2d(dy, w, [1, *strides, 1], 'SAME'), _filter_gradient(dy, w, x, strides, 'SAME')
        return _blocks_of_transposed_convolution(x, w, size, strides), gradients
    return forward(x, w)


def _blocks_of_transposed_convolution(x, w, size, strides):
    return _blocks(x, w, size, strides[0], [_pads(n, k, strides[0], 'SAME')[0] for n, k in zip(size, w.shape.as_list())])


def _blocks(x, w, size, stride, before):
    """The transposed convolution of x by w [kh,kw,out,in] to [B,*size,out], less its first `before` rows and columns.

    A convolution gives whole blocks of pixels, a group of maps for each pixel of a block, and depth_to_space lays them out
    (Shi et al. 2016, arXiv:1609.05158).
    """
    block = max(stride, 2)
    axes = [_block_axis(*shape, stride, block) for shape in zip(size, x.shape.as_list()[1:3], w.shape.as_list(), before)]
    (row_taps, row_zeros, top), (column_taps, column_zeros, left) = axes
    kernel = tf.gather(tf.pad(w, [(0, 1), (0, 1), (0, 0), (0, 0)]), row_taps)          # [rows,block,kw+1,out,in]
    kernel = tf.transpose(tf.gather(kernel, column_taps, axis=2), [0, 2, 5, 1, 3, 4])   # [rows,columns,in,block,block,out]
    kernel = tf.reshape(kernel, [len(row_taps), len(column_taps), w.shape[3], -1])
    y = tf.nn.conv2d(x, kernel, strides=block // stride, padding=[(0, 0), row_zeros, column_zeros, (0, 0)])
    return tf.depth_to_space(y, block)[:, top:top + size[0], left:left + size[1]]


def _block_axis(size, length, taps, before, stride, block):
    """One axis of _blocks: which tap of the filter each input of a block meets at each of its pixels [inputs,block] (`taps`:
    none, a zero), the zeros around the input, and how many pixels of the first block to drop."""
    def inputs(dropped):       # of block 0, first and last; block q reads those block / stride further on
        shift = before - dropped
        return -((taps - 1 - shift) // stride), (block - 1 + shift) // stride
    dropped = min(range(stride), key=lambda dropped: inputs(dropped)[1] - inputs(dropped)[0])
    first, last = inputs(dropped)
    tap = np.arange(block) + before - dropped - stride * np.arange(first, last + 1)[:, np.newaxis]
    blocks = math.ceil((size + dropped) / block)
    after = (blocks - 1) * block // stride + last - (length - 1)
    return np.where((tap >= 0) & (tap < taps), tap, taps), (-first, max(after, 0)), dropped


def _pads(size, kernel, stride, padding):
    """Zeros (before, after) one dimension, as TensorFlow's SAME and VALID mean."""
    if padding == 'VALID':
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
