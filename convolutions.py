"""Convolution and transposed convolution as every network uses them, with the slow parts said in the words a CPU is fast at.

TensorFlow's own CPU kernels (oneDNN, AVX2) reach the matmul rate going forward and in the gradient of the input. Two parts do
not, and are computed another way, to the same numbers up to float32 rounding:
  - the gradient of the filter (55 to 75 % of the rate): a forward convolution with the stride as a dilation;
  - the transposed convolution to the few channels of an image (a quarter of the rate): a sub-pixel convolution.
benchmarks/train_step.py measures both. On a GPU, and with oneDNN off, TensorFlow's own kernels do everything.
"""
import os

from tf1 import has_gpu, tf

FEW = 4                   # channels of an image: grey, RGB, RGBA
# The dilated form wins on the inner layers of a 48x48 DCGAN (31, 29, 43 ms -> 26, 23, 22); at 16x16 maps it ties, at 32x32 it loses.
LARGEST_DILATED_MAP = 12 * 12
FEWEST_DILATED_CHANNELS = 16
BATCH_MULTIPLE = 8        # the batch takes the place of the channels, which are vectorised in eights


def convolution(x, w, strides, padding='SAME'):
    """x [B,H,W,in], w [kh,kw,in,out], strides (rows, columns) -> [B,H',W',out]."""
    with _gradient_of('Conv2D', 'FastConvolution'):
        return tf.nn.conv2d(x, w, strides=[1, *strides, 1], padding=padding)


def transposed_convolution(x, w, output_shape, strides, padding='SAME'):
    """x [B,H,W,in], w [kh,kw,out,in], strides (rows, columns) -> output_shape [B,H',W',out], B may be a tensor."""
    if _fast() and _subpixel_wins(w, strides, padding):
        y = _subpixel_with_plain_gradients(x, tf.convert_to_tensor(w), output_shape[1:3], strides)
    else:
        with _gradient_of('Conv2DBackpropInput', 'FastTransposedConvolution'):
            y = tf.nn.conv2d_transpose(x, w, output_shape=output_shape, strides=[1, *strides, 1], padding=padding)
    y.set_shape([None] + list(output_shape[1:]))
    return y


def _fast():
    return os.environ.get('TF_ENABLE_ONEDNN_OPTS') == '1' and not has_gpu()


def _gradient_of(op_type, name):
    return tf.get_default_graph().gradient_override_map({op_type: name} if _fast() else {})


@tf.RegisterGradient('FastConvolution')
def _convolution_gradients(op, dy):
    x, w = op.inputs
    strides, padding = op.get_attr('strides')[1:3], op.get_attr('padding').decode()
    if _subpixel_wins(w, strides, padding):
        dx = _subpixel_convolution(dy, w, x.shape.as_list()[1:3], strides)
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
    place of the batch, the batch that of the channels, and the stride becomes a dilation.
    """
    batch, height, width, _ = dy.shape.as_list()
    kh, kw, *channels = w.shape.as_list()
    if batch is None or batch % BATCH_MULTIPLE or height * width > LARGEST_DILATED_MAP or min(channels) < FEWEST_DILATED_CHANNELS:
        return tf.nn.conv2d_backprop_filter(x, w.shape, dy, [1, *strides, 1], padding)
    pads = [_pads(size, k, stride, padding) for size, k, stride in zip(x.shape.as_list()[1:3], (kh, kw), strides)]
    dw = tf.nn.conv2d(tf.transpose(x, [3, 1, 2, 0]), tf.transpose(dy, [1, 2, 0, 3]), strides=1,
                      padding=[(0, 0), *pads, (0, 0)], dilations=list(strides))
    return tf.transpose(dw[:, :kh, :kw], [1, 2, 0, 3])        # rows that no tap reads come too, at odd sizes


def _subpixel_wins(w, strides, padding):
    # It computes (stride taps / k)^2 as many products, 1.4 for 5x5 at stride 2; at stride 3 it ties.
    kh, kw, out, _ = w.shape.as_list()
    return out <= FEW and padding == 'SAME' and tuple(strides) == (2, 2) and min(kh, kw) >= 2


def _subpixel_with_plain_gradients(x, w, size, strides):
    """The gradients of the sub-pixel form are slower than those of the transposed convolution that it computes."""
    @tf.custom_gradient
    def forward(x, w):
        def gradients(dy):
            return tf.nn.conv2d(dy, w, [1, *strides, 1], 'SAME'), _filter_gradient(dy, w, x, strides, 'SAME')
        return _subpixel_convolution(x, w, size, strides), gradients
    return forward(x, w)


def _subpixel_convolution(x, w, size, strides):
    """transposed_convolution(x, w, [B, *size, out], strides) as a stride-1 convolution, a group of maps for each phase of the
    output pixels, and depth_to_space (Shi et al. 2016, arXiv:1609.05158)."""
    stride = strides[0]
    kh, kw, out, in_ = w.shape.as_list()
    taps, kernel_pads, input_pads = [], [], []
    for k, n in zip((kh, kw), size):
        before = _pads(n, k, stride, 'SAME')[0]
        last, first = (stride - 1 + before) // stride, -((k - 1 - before) // stride)   # output block q reads inputs q+first..q+last
        lead = stride * last - before
        taps.append(last - first + 1)
        kernel_pads.append((lead, stride * taps[-1] - k - lead))
        input_pads.append((-first, last))
    kernel = tf.reshape(tf.pad(w, kernel_pads + [(0, 0), (0, 0)]), [taps[0], stride, taps[1], stride, out, in_])
    kernel = tf.transpose(tf.reverse(kernel, [0, 2]), [0, 2, 5, 1, 3, 4])
    kernel = tf.reshape(kernel, [*taps, in_, stride * stride * out])
    y = tf.nn.conv2d(x, kernel, strides=1, padding=[(0, 0), *input_pads, (0, 0)])
    return tf.nn.depth_to_space(y, stride)[:, :size[0], :size[1]]


def _pads(size, kernel, stride, padding):
    """Zeros (before, after) one dimension, as TensorFlow's SAME and VALID mean."""
    if padding == 'VALID':
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
