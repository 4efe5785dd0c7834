"""tf.contrib.image: rotate and transform."""
import sys

import tensorflow.compat.v1 as tf


def transform(images, transforms, interpolation='NEAREST', output_shape=None, name=None):
    """Projective transforms [8] or [N, 8] from output to input pixels; images [H,W], [H,W,C] or [N,H,W,C]."""
    images = tf.convert_to_tensor(images)
    rank = len(images.shape)
    batch = images[None, :, :, None] if rank == 2 else images[None] if rank == 3 else images
    transforms = tf.convert_to_tensor(transforms, tf.float32)
    transforms = transforms[None] if len(transforms.shape) == 1 else transforms
    transforms = tf.broadcast_to(transforms, [tf.shape(batch)[0], 8])
    size = tf.shape(batch)[1:3] if output_shape is None else tf.convert_to_tensor(output_shape)
    result = tf.raw_ops.ImageProjectiveTransformV3(images=batch, transforms=transforms, output_shape=size,
                                                   fill_value=0.0, interpolation=interpolation,
                                                   fill_mode='CONSTANT', name=name)
    result.set_shape([batch.shape[0], None, None, batch.shape[3]] if output_shape is not None
                     else batch.shape)
    return result[0, :, :, 0] if rank == 2 else result[0] if rank == 3 else result


def angles_to_projective_transforms(angles, image_height, image_width, name=None):
    """Anticlockwise rotations (radians) about the centre as [N, 8] transforms."""
    angles = tf.reshape(tf.convert_to_tensor(angles, tf.float32), [-1])
    width, height = tf.to_float(image_width) - 1, tf.to_float(image_height) - 1
    cos, sin, zero = tf.cos(angles), tf.sin(angles), tf.zeros_like(angles)
    dx = (width - (cos * width - sin * height)) / 2.0
    dy = (height - (sin * width + cos * height)) / 2.0
    return tf.stack([cos, -sin, dx, sin, cos, dy, zero, zero], 1)


def rotate(images, angles, interpolation='NEAREST', name=None):
    shape = tf.shape(images)
    at = 0 if len(images.shape) < 4 else 1
    return transform(images, angles_to_projective_transforms(angles, shape[at], shape[at + 1]), interpolation,
                     name=name)


MODULE = sys.modules[__name__]


def __getattr__(name):
    if name.startswith('__'):
        raise AttributeError(name)
    from legacy.absent import stub
    return stub.module('tf.contrib.image.' + name)
