"""The scores of tf.contrib.gan.eval: Inception score, Fréchet, kernel and sliced Wasserstein distances.

After tensorflow/contrib/gan/python/eval/python/{classifier_metrics,sliced_wasserstein}_impl.py of TensorFlow
1.15. Classifiers are functions of images or frozen graphs on disk; none is downloaded.
"""
import functools
import os
import tarfile

import numpy
import tensorflow.compat.v1 as tf

from legacy import network
from legacy.tf1 import contrib_layers

INCEPTION_URL = 'http://download.tensorflow.org/models/frozen_inception_v1_2015_12_05.tar.gz'
INCEPTION_FROZEN_GRAPH = 'inceptionv1_for_inception_score.pb'
INCEPTION_INPUT = 'Mul:0'
INCEPTION_OUTPUT = 'logits:0'
INCEPTION_FINAL_POOL = 'pool_3:0'
INCEPTION_DEFAULT_IMAGE_SIZE = 299

__all__ = [
    'INCEPTION_DEFAULT_IMAGE_SIZE', 'INCEPTION_FINAL_POOL', 'INCEPTION_FROZEN_GRAPH', 'INCEPTION_INPUT',
    'INCEPTION_OUTPUT', 'INCEPTION_URL', 'classifier_score', 'classifier_score_from_logits',
    'diagonal_only_frechet_classifier_distance_from_activations', 'frechet_classifier_distance',
    'frechet_classifier_distance_from_activations', 'frechet_inception_distance',
    'get_graph_def_from_disk', 'get_graph_def_from_resource', 'get_graph_def_from_url_tarball',
    'inception_score', 'kernel_classifier_distance', 'kernel_classifier_distance_and_std',
    'kernel_classifier_distance_and_std_from_activations', 'kernel_classifier_distance_from_activations',
    'kernel_inception_distance', 'kernel_inception_distance_and_std',
    'mean_only_frechet_classifier_distance_from_activations', 'preprocess_image', 'run_image_classifier',
    'run_inception', 'sliced_wasserstein_distance',
]


# ---- classifiers -------------------------------------------------------------------------------------------

def preprocess_image(images, height=INCEPTION_DEFAULT_IMAGE_SIZE, width=INCEPTION_DEFAULT_IMAGE_SIZE,
                     scope=None):
    """Images [B,H,W,C] or [H,W,C] of 0 … 255, resized, in [-1, 1)."""
    single = images.shape.ndims == 3
    with tf.name_scope(scope, 'preprocess', [images]):
        images = tf.cast(images, tf.float32) if not images.dtype.is_floating else images
        images = tf.expand_dims(images, 0) if single else images
        images = (tf.image.resize_bilinear(images, [height, width]) - 128.0) / 128.0
        return images[0] if single else images


def get_graph_def_from_disk(filename):
    """The GraphDef of a frozen graph."""
    with tf.gfile.GFile(filename, 'rb') as file:
        return tf.GraphDef.FromString(file.read())


get_graph_def_from_resource = get_graph_def_from_disk


def get_graph_def_from_url_tarball(url, filename, tar_filename=None):
    """The GraphDef in a member of a .tar.gz that lies at tar_filename. DownloadRefused when it does not."""
    path = tar_filename or os.path.basename(url)
    if not os.path.exists(path):
        raise network.refusal(url, path)
    with tarfile.open(path, 'r:gz') as archive:
        return tf.GraphDef.FromString(archive.extractfile(filename).read())


def _inception():
    return get_graph_def_from_url_tarball(INCEPTION_URL, INCEPTION_FROZEN_GRAPH)


def _in_batches(function, tensor, num_batches, dtype=None):
    """`function` of the equal parts of a tensor, one after another, joined."""
    if num_batches == 1:
        return function(tensor)
    parts = tf.map_fn(function, tf.stack(tf.split(tensor, num_batches)), dtype=dtype, parallel_iterations=1,
                      back_prop=False, swap_memory=True, name='RunClassifier')
    return tf.nest.map_structure(lambda part: tf.concat(tf.unstack(part, num_batches), 0), parts)


def run_image_classifier(tensor, graph_def, input_tensor, output_tensor, num_batches=1, dtypes=None,
                         scope='RunClassifier'):
    """What a frozen graph makes of images: a tensor, or a list when output_tensor is one."""
    names = [output_tensor] if isinstance(output_tensor, str) else list(output_tensor)

    def classify(images):
        return tf.import_graph_def(graph_def, {input_tensor: images}, names, name=scope)

    outputs = _in_batches(classify, tensor, num_batches, dtypes or [tf.float32] * len(names))
    return outputs[0] if isinstance(output_tensor, str) else outputs


def run_inception(images, graph_def=None, default_graph_def_fn=_inception,
                  image_size=INCEPTION_DEFAULT_IMAGE_SIZE, input_tensor=INCEPTION_INPUT,
                  output_tensor=INCEPTION_OUTPUT, num_batches=1):
    """Outputs [B,N] of Inception for images [B,299,299,3] in [-1,1]. Its graph is that of INCEPTION_URL."""
    images = tf.convert_to_tensor(images)
    images.shape.assert_is_compatible_with([None, image_size, image_size, None])
    graph_def = default_graph_def_fn() if graph_def is None else graph_def
    outputs = run_image_classifier(images, graph_def, input_tensor, output_tensor, num_batches)
    if isinstance(outputs, list):
        return [contrib_layers.flatten(output) for output in outputs]
    return contrib_layers.flatten(outputs)


# ---- Inception score (arXiv 1606.03498) --------------------------------------------------------------------

def _in_double(score):
    """A score of activations [B,N], computed in float64 and given in their own type."""
    @functools.wraps(score)
    def of_activations(*activations):
        activations = [tf.convert_to_tensor(a) for a in activations]
        for a in activations:
            a.shape.assert_has_rank(2)
        return tf.cast(score(*[tf.cast(a, tf.float64) for a in activations]), activations[0].dtype)
    return of_activations


@_in_double
def classifier_score_from_logits(logits):
    """exp of the mean KL divergence of each image's classes [B,N] from the classes of all."""
    p = tf.nn.softmax(logits)
    q = tf.reduce_mean(p, axis=0)
    divergence = tf.reduce_sum(p * (tf.nn.log_softmax(logits) - tf.log(q)), axis=1)
    return tf.exp(tf.reduce_mean(divergence))


def classifier_score(images, classifier_fn, num_batches=1):
    """`classifier_score_from_logits` of the logits that classifier_fn gives."""
    return classifier_score_from_logits(_in_batches(classifier_fn, images, num_batches))


# ---- Fréchet distance (arXiv 1706.08500) -------------------------------------------------------------------

def _matrix_root(matrix, epsilon=1e-10):
    """Square root of a symmetric matrix without negative eigenvalues."""
    s, u, v = tf.svd(matrix)
    roots = tf.where(tf.less(s, epsilon), s, tf.sqrt(s))
    return tf.matmul(tf.matmul(u, tf.diag(roots)), v, transpose_b=True)


def _covariance(activations, mean):
    centred = activations - mean
    examples = tf.cast(tf.shape(activations)[0], tf.float64)
    return tf.matmul(centred, centred, transpose_a=True) / (examples - 1)


@_in_double
def frechet_classifier_distance_from_activations(real_activations, generated_activations):
    """‖m − m'‖² + tr(S + S' − 2(S S')^½) of Gaussians fitted to activations [B,N]."""
    mean, mean_w = (tf.reduce_mean(a, axis=0) for a in (real_activations, generated_activations))
    sigma, sigma_w = _covariance(real_activations, mean), _covariance(generated_activations, mean_w)
    root = _matrix_root(sigma)
    root_trace = tf.trace(_matrix_root(tf.matmul(root, tf.matmul(sigma_w, root))))
    return tf.trace(sigma + sigma_w) - 2.0 * root_trace + tf.reduce_sum(tf.squared_difference(mean, mean_w))


@_in_double
def mean_only_frechet_classifier_distance_from_activations(real_activations, generated_activations):
    """‖m − m'‖²."""
    return tf.reduce_sum(tf.squared_difference(tf.reduce_mean(real_activations, axis=0),
                                               tf.reduce_mean(generated_activations, axis=0)))


@_in_double
def diagonal_only_frechet_classifier_distance_from_activations(real_activations, generated_activations):
    """The Fréchet distance of Gaussians whose dimensions are independent."""
    mean, variance = tf.nn.moments(real_activations, axes=[0])
    mean_w, variance_w = tf.nn.moments(generated_activations, axes=[0])
    trace = tf.reduce_sum(variance + variance_w - 2.0 * tf.sqrt(variance * variance_w))
    return trace + tf.reduce_sum(tf.squared_difference(mean, mean_w))


def frechet_classifier_distance(real_images, generated_images, classifier_fn, num_batches=1):
    """`frechet_classifier_distance_from_activations` of what classifier_fn gives."""
    return frechet_classifier_distance_from_activations(
        _in_batches(classifier_fn, real_images, num_batches),
        _in_batches(classifier_fn, generated_images, num_batches))


# ---- kernel distance (arXiv 1801.01401) --------------------------------------------------------------------

def kernel_classifier_distance_and_std_from_activations(real_activations, generated_activations,
                                                        max_block_size=1024, dtype=None):
    """(unbiased squared MMD of activations [B,N] under (x·y / N + 1)³, standard error of it over blocks)."""
    real = tf.convert_to_tensor(real_activations)
    dtype = dtype or real.dtype
    real, generated = tf.cast(real, dtype), tf.cast(generated_activations, dtype)
    counts = [tf.shape(a)[0] for a in (real, generated)]
    blocks = tf.cast(tf.ceil(tf.maximum(*counts) / max_block_size), tf.int32)
    # as equal as can be: the last blocks have one more
    starts = []
    for count in counts:
        size = count // blocks
        longer = count - size * blocks
        sizes = tf.concat([tf.fill([blocks - longer], size), tf.fill([longer], size + 1)], 0)
        starts.append(tf.concat([[0], tf.cumsum(sizes)], 0))
    features = tf.cast(real.shape[1], dtype)

    def kernel(a, b):
        return (tf.matmul(a, b, transpose_b=True) / features + 1) ** 3

    def without_diagonal(a):
        n, values = tf.cast(tf.shape(a)[0], dtype), kernel(a, a)
        return (tf.reduce_sum(values) - tf.trace(values)) / (n * (n - 1))

    def distance(i):
        r, g = real[starts[0][i]:starts[0][i + 1]], generated[starts[1][i]:starts[1][i + 1]]
        return without_diagonal(r) + without_diagonal(g) - 2 * tf.reduce_mean(kernel(r, g))

    distances = tf.map_fn(distance, tf.range(blocks), dtype=dtype, back_prop=False)
    mean, n = tf.reduce_mean(distances), tf.cast(blocks, dtype)
    variance = tf.reduce_sum(tf.square(distances - mean)) / (n - 1)        # of one block: 0 / 0, not a number
    return mean, tf.sqrt(variance / n)


def kernel_classifier_distance_from_activations(real_activations, generated_activations, max_block_size=1024,
                                                dtype=None):
    """The first of `kernel_classifier_distance_and_std_from_activations`."""
    return kernel_classifier_distance_and_std_from_activations(
        real_activations, generated_activations, max_block_size, dtype)[0]


def kernel_classifier_distance_and_std(real_images, generated_images, classifier_fn, num_classifier_batches=1,
                                       max_block_size=1024, dtype=None):
    """The kernel distance of what classifier_fn gives, and its standard error."""
    return kernel_classifier_distance_and_std_from_activations(
        _in_batches(classifier_fn, real_images, num_classifier_batches),
        _in_batches(classifier_fn, generated_images, num_classifier_batches), max_block_size, dtype)


def kernel_classifier_distance(real_images, generated_images, classifier_fn, num_classifier_batches=1,
                               max_block_size=1024, dtype=None):
    """The first of `kernel_classifier_distance_and_std`."""
    return kernel_classifier_distance_and_std(real_images, generated_images, classifier_fn,
                                              num_classifier_batches, max_block_size, dtype)[0]


_POOL = functools.partial(run_inception, output_tensor=INCEPTION_FINAL_POOL)
inception_score = functools.partial(classifier_score, classifier_fn=run_inception)
frechet_inception_distance = functools.partial(frechet_classifier_distance, classifier_fn=_POOL)
kernel_inception_distance = functools.partial(kernel_classifier_distance, classifier_fn=_POOL)
kernel_inception_distance_and_std = functools.partial(kernel_classifier_distance_and_std, classifier_fn=_POOL)


# ---- sliced Wasserstein distance (arXiv 1710.10196) --------------------------------------------------------

_BINOMIAL = numpy.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]).astype('float32').reshape(5, 5, 1, 1) / 256.0


def _blurred(images, gain):
    """Images [B,H,W,C] under a 5×5 binomial filter, reflected at the edges."""
    shape = tf.shape(images)
    padded = tf.pad(images, [[0, 0], [2, 2], [2, 2], [0, 0]], mode='REFLECT')
    planes = tf.reshape(tf.transpose(padded, [0, 3, 1, 2]), [-1, shape[1] + 4, shape[2] + 4, 1])
    planes = tf.nn.conv2d(planes, tf.constant(_BINOMIAL * gain), [1] * 4, 'VALID')
    planes = tf.reshape(planes, [shape[0], shape[3], shape[1], shape[2]])
    return tf.transpose(planes, [0, 2, 3, 1])


def _laplacian_pyramid(images, levels):
    """What each halving of the images loses, and the smallest images."""
    pyramid = [tf.cast(images, tf.float32)]
    for _ in range(levels - 1):
        small = _blurred(pyramid[-1], 1)[:, ::2, ::2]
        spread = tf.concat([small] + 3 * [tf.zeros_like(small)], 0)        # zeros between the pixels
        pyramid[-1] -= _blurred(tf.batch_to_space(spread, [[0, 0], [0, 0]], 2), 4)
        pyramid.append(small)
    return pyramid


def _patches(images, per_image, size):
    """Normalised random patches [B·per_image, size·size·3]."""
    def cut(images):
        batch, height, width, channels = images.shape
        count, half = per_image * batch, size // 2
        patch, y, x, channel = numpy.ogrid[0:count, -half:half + 1, -half:half + 1, 0:3]
        y = y + numpy.random.randint(half, height - half, size=(count, 1, 1, 1))
        x = x + numpy.random.randint(half, width - half, size=(count, 1, 1, 1))
        return images.reshape(-1)[((patch // per_image * height + y) * width + x) * channels + channel]

    patches = tf.py_func(cut, [images], images.dtype, stateful=False)
    mean, variance = tf.nn.moments(patches, [1, 2, 3], keep_dims=True)
    patches = (patches - mean) / tf.sqrt(variance)
    return tf.reshape(patches, [-1, (size // 2 * 2 + 1) ** 2 * 3])


def _sorted_rows(matrix):
    """Every column in descending order."""
    return tf.transpose(tf.nn.top_k(tf.transpose(matrix), tf.shape(matrix)[0])[0])


def _sliced(a, b, samples, directions):
    """Mean distance of a and b [N,F] projected on random directions and sorted."""
    distances = []
    for _ in range(samples):
        projection = tf.random_normal([tf.shape(a)[1], directions])
        projection *= tf.rsqrt(tf.reduce_sum(tf.square(projection), 0, keepdims=True))
        distances.append(tf.reduce_mean(tf.abs(
            _sorted_rows(tf.matmul(a, projection)) - _sorted_rows(tf.matmul(b, projection)))))
    return tf.reduce_mean(distances)


def _sliced_svd(a, b):
    """Mean distance of a and b projected on the principal directions of both and sorted."""
    s, u, _ = tf.svd(tf.concat([a, b], 0))
    projected_a, projected_b = tf.split(u * s, 2, axis=0)
    return tf.reduce_mean(tf.abs(_sorted_rows(projected_a[:, ::-1]) - _sorted_rows(projected_b[:, ::-1])))


def sliced_wasserstein_distance(real_images, fake_images, resolution_min=16, patches_per_image=64,
                                patch_size=7, random_sampling_count=1, random_projection_dim=7 * 7 * 3,
                                use_svd=False):
    """[(distance of two draws of real patches, distance of real and fake ones)] for each level.

    Images [B,H,H,3] of one shape; levels of the pyramid from the whole resolution down to resolution_min.
    """
    height = int(real_images.shape[1])
    real_images.shape.assert_is_compatible_with([None, None, height, 3])
    fake_images.shape.assert_is_compatible_with(real_images.shape)
    levels = int(numpy.log2(height)) - int(numpy.log2(min(resolution_min, height))) + 1

    def distance(a, b):
        if use_svd:
            return _sliced_svd(a, b)
        return _sliced(a, b, random_sampling_count, random_projection_dim)

    scores = []
    for real, fake in zip(_laplacian_pyramid(real_images, levels), _laplacian_pyramid(fake_images, levels)):
        first, second, of_fake = (_patches(x, patches_per_image, patch_size) for x in (real, real, fake))
        scores.append((distance(first, second), distance(first, of_fake)))
    return scores
