"""Convolution and transposed convolution as every network uses them, with gradients in the form that is fast on a CPU.

Forward passes are TensorFlow's own. Its CPU kernels (oneDNN, AVX2) reach the matmul rate there and in the gradient of the
input, but only 55 to 75 % of it in the gradient of the filter, which therefore is computed as what it also is: a forward
convolution, with the channels in the place of the batch and the stride as a dilation. The numbers are the same up to
float32 rounding. benchmarks/train_step.py measures it; on a GPU, and with oneDNN off, TensorFlow's own gradients stay.
"""
import os

from tf1 import has_gpu, tf

FEW = 4    # channels of an image (grey, RGB, RGBA): too few to fill the vector registers of a kernel made for many


def convolution(x, w, strides, padding='SAME'):
    """x [B,H,W,in], w [kh,kw,in,out], strides (rows, columns) -> [B,H',W',out]."""
    with _gradients_of(Conv2D='FastConv2D'):
        return tf.nn.conv2d(x, w, strides=[1, *strides, 1], padding=padding)


def transposed_convolution(x, w, output_shape, strides, padding='SAME'):
    """x [B,H,W,in], w [kh,kw,out,in], strides (rows, columns) -> output_shape [B,H',W',out], B may be a tensor."""
    with _gradients_of(Conv2DBackpropInput='FastConv2DTranspose'):
        y = tf.nn.conv2d_transpose(x, w, output_shape=output_shape, strides=[1, *strides, 1], padding=padding)
    y.set_shape([None] + list(output_shape[1:]))
    return y


def _gradients_of(**names):
    fast = os.environ.get('TF_ENABLE_ONEDNN_OPTS') == '1' and not has_gpu()
    return tf.get_default_graph().gradient_override_map(names if fast else {})


@tf.RegisterGradient('FastConv2D')
def _convolution_gradients(op, dy):
    x, w = op.inputs
    strides, padding = op.get_attr('strides'), op.get_attr('padding').decode()
    *kernel, channels, _ = w.shape.as_list()
    if channels <= FEW and padding == 'SAME' and strides[1] == strides[2] > 1:
        dx = subpixel_convolution(dy, w, x.shape.as_list()[1:3], strides[1])
    else:
        dx = tf.nn.conv2d_backprop_input(tf.shape(x), w, dy, strides, padding)
        dx.set_shape(x.shape)
    if channels <= FEW:
        return dx, tf.nn.conv2d_backprop_filter(x, w.shape, dy, strides, padding)
    return dx, filter_gradient(x, dy, kernel, strides[1:3], padding)


@tf.RegisterGradient('FastConv2DTranspose')
def _transposed_convolution_gradients(op, dy):
    _, w, x = op.inputs
    strides, padding = op.get_attr('strides'), op.get_attr('padding').decode()
    *kernel, channels, _ = w.shape.as_list()
    dx = tf.nn.conv2d(dy, w, strides, padding)
    if channels <= FEW:
        return None, tf.nn.conv2d_backprop_filter(dy, w.shape, x, strides, padding), dx
    return None, filter_gradient(dy, x, kernel, strides[1:3], padding), dx


def filter_gradient(x, dy, kernel, strides, padding):
    """dL/dw [kh,kw,in,out] of convolution(x, w, strides, padding), given dy = dL/dy."""
    pads = [_pads(size, k, stride, padding) for size, k, stride in zip(x.shape.as_list()[1:3], kernel, strides)]
    dw = tf.nn.conv2d(tf.transpose(x, [3, 1, 2, 0]), tf.transpose(dy, [1, 2, 0, 3]), strides=1,
                      padding=[(0, 0), *pads, (0, 0)], dilations=list(strides))      # [in,kh or more,kw or more,out]
    return tf.transpose(dw[:, :kernel[0], :kernel[1]], [1, 2, 0, 3])                 # odd sizes leave an unused border


def subpixel_convolution(x, w, output_size, stride):
    """transposed_convolution(x, w, [B, *output_size, out], stride) as one stride-1 convolution and depth_to_space.

    Shi et al. 2016, arXiv:1609.05158. It wastes (stride * taps / k)^2 of the arithmetic, so it pays for few channels only.
    """
    pads, lead, taps = [(0, 0)], [], []
    *kernel, out, in_ = w.shape.as_list()
    for k, size in zip(kernel, output_size):
        before = _pads(size, k, stride, 'SAME')[0]
        high, low = (stride - 1 + before) // stride, -((k - 1 - before) // stride)   # input offsets that reach an output pixel
        first = stride * high - before
        lead.append((first, stride * (high - low + 1) - k - first))
        taps.append(high - low + 1)
        pads.append((-low, high))
    kernel = tf.reshape(tf.pad(w, lead + [(0, 0), (0, 0)]), [taps[0], stride, taps[1], stride, out, in_])
    kernel = tf.transpose(tf.reverse(kernel, [0, 2]), [0, 2, 5, 1, 3, 4])
    kernel = tf.reshape(kernel, [taps[0], taps[1], in_, stride * stride * out])
    y = tf.nn.depth_to_space(tf.nn.conv2d(x, kernel, strides=1, padding=pads + [(0, 0)]), stride)
    return y[:, :output_size[0], :output_size[1]]


def _pads(size, kernel, stride, padding):
    """Zeros (before, after) one dimension, as TensorFlow's SAME and VALID mean."""
    if padding == 'VALID':
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
