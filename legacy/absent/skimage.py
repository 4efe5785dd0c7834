"""skimage.io, .transform.resize, .color and a few conversions, on Pillow and SciPy."""
import glob
import types

import numpy
from PIL import Image

from legacy.absent import stub_parts


def imread(fname, as_gray=False, as_grey=False, plugin=None, **kwargs):
    """uint8 [H,W] or [H,W,C]; floats in [0, 1] when grey was asked for."""
    with Image.open(fname) as picture:
        data = numpy.array(picture.convert('RGB') if picture.mode == 'P' else picture)
    return rgb2gray(data) if (as_gray or as_grey) and data.ndim == 3 else data


def imsave(fname, arr, plugin=None, **kwargs):
    data = img_as_ubyte(arr)
    Image.fromarray(data[..., 0] if data.ndim == 3 and data.shape[2] == 1 else data).save(fname)


def img_as_float(image):
    data = numpy.asarray(image)
    return data / float(numpy.iinfo(data.dtype).max) if data.dtype.kind in 'iu' else data.astype(float)


def img_as_ubyte(image):
    data = numpy.asarray(image)
    if data.dtype == numpy.uint8:
        return data
    if data.dtype.kind == 'f' and (data.min() < -1 or data.max() > 1):
        raise ValueError('Images of type float must be between -1 and 1.')
    data = img_as_float(data) if data.dtype.kind != 'b' else data.astype(float)
    return numpy.rint(numpy.clip(data, 0, 1) * 255).astype(numpy.uint8)


def resize(image, output_shape, order=1, mode='reflect', preserve_range=False, anti_aliasing=False, **kwargs):
    """Floats in [0, 1] (the input's own range with preserve_range), sampled at pixel centres."""
    from scipy import ndimage
    data = numpy.asarray(image)
    values = data.astype(float) if preserve_range else img_as_float(data)
    shape = tuple(int(n) for n in output_shape)
    shape = shape + data.shape[len(shape):]
    factors = [old / new for old, new in zip(data.shape, shape)]
    if anti_aliasing:
        values = ndimage.gaussian_filter(values, [max(0, (f - 1) / 2) for f in factors], mode='mirror')
    grid = numpy.meshgrid(*[(numpy.arange(new) + 0.5) * f - 0.5 for new, f in zip(shape, factors)],
                          indexing='ij')
    mode = {'reflect': 'mirror', 'symmetric': 'reflect', 'edge': 'nearest', 'constant': 'constant',
            'wrap': 'grid-wrap'}[mode]
    return numpy.clip(ndimage.map_coordinates(values, grid, order=order, mode=mode), values.min(),
                      values.max())


def rescale(image, scale, **kwargs):
    data = numpy.asarray(image)
    return resize(data, [int(round(n * scale)) for n in data.shape[:2]], **kwargs)


def rgb2gray(rgb):
    return img_as_float(rgb)[..., :3] @ numpy.array([0.2125, 0.7154, 0.0721])


def gray2rgb(image):
    return numpy.repeat(numpy.asarray(image)[..., None], 3, -1)


def imread_collection(pattern, **kwargs):
    names = sorted(glob.glob(pattern)) if isinstance(pattern, str) else pattern
    return [imread(name) for name in names]


def mean_squared_error(image0, image1):
    return numpy.mean((numpy.asarray(image0, float) - numpy.asarray(image1, float)) ** 2)


def _range(image, data_range):
    """The difference of the greatest and the least value that an image of this type can have."""
    if data_range is not None:
        return data_range
    kind = numpy.asarray(image).dtype
    if kind.kind in 'iu':
        return float(numpy.iinfo(kind).max) - float(numpy.iinfo(kind).min)
    return 2.0 if numpy.min(image) < 0 else 1.0


def peak_signal_noise_ratio(image_true, image_test, data_range=None, **kwargs):
    """10 · log10(range² / mean squared error), in decibels."""
    error = mean_squared_error(image_true, image_test)
    return 10 * numpy.log10(_range(image_true, data_range) ** 2 / error)


def structural_similarity(im1, im2, win_size=None, gradient=False, data_range=None, multichannel=False,
                          gaussian_weights=False, full=False, channel_axis=None, **kwargs):
    """Mean structural similarity (Wang et al. 2004) over windows of 7 pixels, or Gaussian ones of deviation
    1.5.

    skimage's defaults: sample covariance (K / (K − 1)) with even windows, borders left out.
    """
    from scipy import ndimage
    x, y = numpy.asarray(im1), numpy.asarray(im2)
    if multichannel or channel_axis is not None:
        parts = [
            structural_similarity(
                x[..., c], y[..., c], win_size, False, data_range, gaussian_weights=gaussian_weights,
                full=full,
            )
            for c in range(x.shape[-1])
        ]
        if not full:
            return numpy.mean(parts)
        return numpy.mean([p[0] for p in parts]), numpy.stack([p[1] for p in parts], -1)
    span, size = _range(x, 2.0 if data_range is None and x.dtype.kind == 'f' else data_range), win_size or 7
    if gaussian_weights:
        size = win_size or 11
        smooth = lambda v: ndimage.gaussian_filter(v, 1.5, truncate=3.5)    # noqa: E731
    else:
        smooth = lambda v: ndimage.uniform_filter(v, size)                  # noqa: E731
    x, y = x.astype(float), y.astype(float)
    count = size ** x.ndim
    bessel = count / (count - 1.0)
    mx, my = smooth(x), smooth(y)
    vx, vy, vxy = bessel * (smooth(x * x) - mx * mx), bessel * \
                            (smooth(y * y) - my * my), bessel * (smooth(x * y) - mx * my)
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    values = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx ** 2 + my ** 2 + c1) * (vx + vy + c2))
    edge = (size - 1) // 2
    mean = values[tuple(slice(edge, n - edge) for n in values.shape)].mean()
    return (mean, values) if full else mean


def _module(name, **members):
    module = types.ModuleType('skimage.' + name)
    module.__dict__.update(members, __getattr__=stub_parts.missing('skimage.' + name))
    return module


io = _module('io', imread=imread, imsave=imsave, imread_collection=imread_collection, imshow=lambda *a,
             **k: None, show=lambda: None)
transform = _module('transform', resize=resize, rescale=rescale)
color = _module('color', rgb2gray=rgb2gray, gray2rgb=gray2rgb)
measure = _module('measure', compare_ssim=structural_similarity, structural_similarity=structural_similarity,
                  compare_psnr=peak_signal_noise_ratio, compare_mse=mean_squared_error)
metrics = _module(
    'metrics', structural_similarity=structural_similarity, mean_squared_error=mean_squared_error,
    peak_signal_noise_ratio=peak_signal_noise_ratio,
)
util = _module('util', img_as_float=img_as_float, img_as_ubyte=img_as_ubyte)
__getattr__ = stub_parts.missing('skimage')
