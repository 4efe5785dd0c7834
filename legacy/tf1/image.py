"""tf.contrib.image: rotate, translate, transform and warp by a flow."""
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


def translate(images, translations, interpolation='NEAREST', name=None):
    """Moves images right and down by `translations` [2] or [N, 2], (dx, dy) in pixels."""
    moves = tf.reshape(tf.convert_to_tensor(translations, tf.float32), [-1, 2])
    one, zero = tf.ones_like(moves[:, 0]), tf.zeros_like(moves[:, 0])
    transforms = tf.stack([one, zero, -moves[:, 0], zero, one, -moves[:, 1], zero, zero], 1)
    return transform(images, transforms, interpolation, name=name)


def interpolate_bilinear(grid, query_points, name='interpolate_bilinear', indexing='ij'):
    """Values [B,N,C] of `grid` [B,H,W,C] at `query_points` [B,N,2]: (row, column) with `indexing` 'ij',
    (x, y) with 'xy'; points outside take the value at the border. ValueError: another indexing.
    """
    if indexing not in ('ij', 'xy'):
        raise ValueError("Indexing mode must be 'ij' or 'xy'")
    with tf.name_scope(name):
        grid, points = tf.convert_to_tensor(grid), tf.convert_to_tensor(query_points)
        shape = tf.shape(grid)
        below, parts = [], []
        for axis, coordinate in enumerate(tf.unstack(points, axis=2)[::1 if indexing == 'ij' else -1]):
            last = tf.cast(shape[axis + 1] - 2, points.dtype)
            floor = tf.minimum(tf.maximum(tf.floor(coordinate), 0.0), last)
            below.append(tf.cast(floor, tf.int32))
            parts.append(tf.clip_by_value(tf.cast(coordinate - floor, grid.dtype), 0.0, 1.0)[:, :, None])
        pixels = tf.reshape(grid, [-1, shape[3]])
        image = tf.range(shape[0])[:, None] * shape[1] * shape[2]

        def at(row, column):
            return tf.gather(pixels, image + (below[0] + row) * shape[2] + below[1] + column)
        top = at(0, 0) + parts[1] * (at(0, 1) - at(0, 0))
        bottom = at(1, 0) + parts[1] * (at(1, 1) - at(1, 0))
        values = top + parts[0] * (bottom - top)
        values.set_shape([grid.shape[0], points.shape[1], grid.shape[3]])
        return values


def dense_image_warp(image, flow, name='dense_image_warp'):
    """out[b, y, x] = image[b, y - flow[b, y, x, 0], x - flow[b, y, x, 1]], bilinear; image [B,H,W,C] of at
    least 2 × 2 pixels, flow [B,H,W,2].
    """
    with tf.name_scope(name):
        image, flow = tf.convert_to_tensor(image), tf.convert_to_tensor(flow)
        shape = tf.shape(image)
        rows, columns = tf.meshgrid(tf.range(shape[1]), tf.range(shape[2]), indexing='ij')
        points = tf.cast(tf.stack([rows, columns], 2), flow.dtype)[None] - flow
        values = interpolate_bilinear(image, tf.reshape(points, [shape[0], -1, 2]))
        values = tf.reshape(values, shape)
        values.set_shape(image.shape)
        return values
