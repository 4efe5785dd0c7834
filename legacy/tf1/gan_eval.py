"""tf.contrib.gan.eval: summaries of a model, grids of images; the scores are in gan_metrics.py.

After tensorflow/contrib/gan/python/eval/python/{summaries,eval_utils}_impl.py of TensorFlow 1.15.
"""
import math

import numpy
import tensorflow.compat.v1 as tf

from legacy.tf1.gan_metrics import *  # noqa: F401,F403
from legacy.tf1.gan_tuples import CycleGANModel

# ---- grids -------------------------------------------------------------------------------------------------


def _require_grid(array, grid_shape):
    if grid_shape[0] * grid_shape[1] != int(array.shape[0]):
        raise ValueError(f'Grid shape {grid_shape} incompatible with minibatch size {int(array.shape[0])}.')


def image_grid(input_tensor, grid_shape, image_shape=(32, 32), num_channels=3):
    """[1, rows·H, columns·W, C] of images [rows·columns, H, W, C] or [rows·columns, H·W·C]."""
    _require_grid(input_tensor, grid_shape)
    size = list(image_shape) + [num_channels]
    ndims = input_tensor.shape.ndims
    if ndims not in (2, 4):
        raise ValueError('Unrecognized input tensor format.')
    if input_tensor.shape.as_list()[1:] != (size if ndims == 4 else [math.prod(size)]):
        raise ValueError('Image shape and number of channels incompatible with input tensor. '
                         f'{input_tensor.shape} vs {size}')
    (rows, columns), (height, width, channels) = grid_shape, size
    images = tf.reshape(input_tensor, [rows, columns, height, width, channels])
    return tf.reshape(tf.transpose(images, [0, 2, 1, 3, 4]), [1, rows * height, columns * width, channels])


def python_image_grid(input_array, grid_shape):
    """[rows·H, columns·W, C] of an array of images [rows·columns, H, W, C]."""
    _require_grid(input_array, grid_shape)
    if input_array.ndim != 4:
        raise ValueError('Unrecognized input array format.')
    (rows, columns), (height, width, channels) = grid_shape, input_array.shape[1:]
    images = numpy.reshape(input_array, (rows, columns, height, width, channels))
    return images.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def image_reshaper(images, num_cols=None):
    """[1, H, W, C]: a list of images [h,w,C], C 1 or 3, in rows; the places left over are black."""
    if isinstance(images, tf.Tensor):
        images = tf.unstack(images)
    for image in images:
        image.shape.assert_has_rank(3)
        image.shape.assert_is_fully_defined()
        if image.shape[-1] not in (1, 3):
            raise ValueError('image_reshaper only supports 1 or 3 channel images.')
    columns = num_cols or math.ceil(math.sqrt(len(images)))
    images = list(images) + [tf.zeros_like(images[-1])] * (-len(images) % columns)
    rows = [tf.concat(images[n:n + columns], 1) for n in range(0, len(images), columns)]
    return tf.expand_dims(tf.concat(rows, 0), 0)


# ---- summaries ---------------------------------------------------------------------------------------------

def _require_images(*tensors):
    for tensor in tensors:
        tensor.shape.assert_has_rank(4)
        tensor.shape[1:].assert_is_fully_defined()


def _each_way(function, model, suffix, *args):
    """`function` on both models of a CycleGANModel."""
    for way in ('x2y', 'y2x'):
        with tf.name_scope(f'cyclegan_{way}_{suffix}'):
            function(getattr(model, 'model_' + way), *args)


def add_gan_model_image_summaries(gan_model, grid_size=4, model_summaries=True):
    """Grids of real and generated images, grid_size² of each, and `add_gan_model_summaries`."""
    if isinstance(gan_model, CycleGANModel):
        return _each_way(add_gan_model_image_summaries, gan_model, 'image_summaries', grid_size,
                         model_summaries)
    _require_images(gan_model.real_data, gan_model.generated_data)
    for name in ('real_data', 'generated_data'):
        data = getattr(gan_model, name)
        height, width, channels = data.shape.as_list()[1:]
        grid = image_grid(data[:grid_size ** 2], (grid_size, grid_size), (height, width), channels)
        tf.summary.image(name, grid, max_outputs=1)
    if model_summaries:
        add_gan_model_summaries(gan_model)


def add_image_comparison_summaries(gan_model, num_comparisons=2, display_diffs=False):
    """Input, output and target of an image to image model above one another, with |output − target|."""
    if isinstance(gan_model, CycleGANModel):
        return _each_way(add_image_comparison_summaries, gan_model, 'image_comparison_summaries',
                         num_comparisons, display_diffs)
    kinds = [gan_model.generator_inputs, gan_model.generated_data, gan_model.real_data]
    _require_images(*kinds)
    for kind in kinds[1:]:
        kind.shape.assert_is_compatible_with(kinds[0].shape)
    images = [image for kind in kinds for image in tf.unstack(kind[:num_comparisons])]
    if display_diffs:
        images += tf.unstack(tf.abs(tf.cast(kinds[1][:num_comparisons], tf.float32)
                                    - tf.cast(kinds[2][:num_comparisons], tf.float32)))
    tf.summary.image('image_comparison', image_reshaper(images, num_comparisons), max_outputs=1)


def add_cyclegan_image_summaries(cyclegan_model):
    """An image, what it becomes and what comes back, each way."""
    if not isinstance(cyclegan_model, CycleGANModel):
        raise ValueError(f'`cyclegan_model` was not a CycleGANModel. Instead, was {type(cyclegan_model)}')
    for way, back in (('x2y', 'x'), ('y2x', 'y')):
        model = getattr(cyclegan_model, 'model_' + way)
        kinds = model.generator_inputs, model.generated_data, getattr(cyclegan_model, 'reconstructed_' + back)
        _require_images(*kinds)
        with tf.name_scope(f'{way}_image_comparison_summaries'):
            images = [image for kind in kinds for image in tf.unstack(kind[:1])]
            tf.summary.image('image_comparison', image_reshaper(images, len(images)), max_outputs=1)


def add_stargan_image_summaries(stargan_model, num_images=2, display_diffs=False):
    """Each image beside what it becomes in every domain, and the differences below."""
    _require_images(stargan_model.input_data)
    domains = stargan_model.input_data_domain_label.shape.as_list()[-1]

    def row(image):
        images = tf.tile(tf.expand_dims(image, 0), [domains, 1, 1, 1])
        with tf.variable_scope(stargan_model.generator_scope, reuse=True):
            generated = stargan_model.generator_fn(images, tf.eye(domains))
        shown = [image] + tf.unstack(generated, domains)
        if display_diffs:
            shown += [tf.zeros_like(image)] + tf.unstack(generated - images, domains)
        return image_reshaper(shown, domains + 1)[0]

    rows = [row(image) for image in tf.unstack(stargan_model.input_data[:num_images])]
    tf.summary.image('stargan_image_generation', tf.stack(rows), max_outputs=num_images)


def add_gan_model_summaries(gan_model):
    """Histograms of the variables of both networks."""
    if isinstance(gan_model, CycleGANModel):
        return _each_way(add_gan_model_summaries, gan_model, 'summaries')
    for name in ('generator_variables', 'discriminator_variables'):
        with tf.name_scope(name):
            for variable in getattr(gan_model, name):
                tf.summary.histogram(variable.name, variable)


def add_regularization_loss_summaries(gan_model):
    """The regularization loss of both networks."""
    if isinstance(gan_model, CycleGANModel):
        return _each_way(add_regularization_loss_summaries, gan_model, 'regularization_loss_summaries')
    for name in ('generator', 'discriminator'):
        scope = getattr(gan_model, name + '_scope')
        if scope:
            tf.summary.scalar(name + '_regularization_loss', tf.losses.get_regularization_loss(scope.name))
