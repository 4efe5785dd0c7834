"""scipy.misc's image functions (removed in SciPy 1.2–1.3), with their contrast stretching.

Written from the documented behaviour: `bytescale` maps [cmin, cmax] (the array's own minimum and maximum by
default) to
[low, high] unless the array is uint8 already; `toimage`, `imsave` and `imresize` pass everything through it.
"""
import importlib

import numpy
from PIL import Image, ImageFilter

INTERPOLATION = {'nearest': Image.Resampling.NEAREST, 'lanczos': Image.Resampling.LANCZOS,
                 'bilinear': Image.Resampling.BILINEAR, 'bicubic': Image.Resampling.BICUBIC,
                 'cubic': Image.Resampling.BICUBIC}


def bytescale(data, cmin=None, cmax=None, high=255, low=0):
    """[cmin, cmax] → [low, high] as uint8; uint8 data unchanged. ValueError for a range outside 0 … 255."""
    data = numpy.asarray(data)
    if data.dtype == numpy.uint8:
        return data
    if high > 255:
        raise ValueError('`high` should be less than or equal to 255.')
    if low < 0:
        raise ValueError('`low` should be greater than or equal to 0.')
    if high < low:
        raise ValueError('`high` should be greater than or equal to `low`.')
    cmin = data.min() if cmin is None else cmin
    cmax = data.max() if cmax is None else cmax
    span = cmax - cmin
    if span < 0:
        raise ValueError('`cmax` should be larger than `cmin`.')
    scaled = (data - cmin) * ((high - low) / float(span or 1)) + low
    return (scaled.clip(low, high) + 0.5).astype(numpy.uint8)


def toimage(arr, high=255, low=0, cmin=None, cmax=None, pal=None, mode=None, channel_axis=None):
    """[H,W] or [H,W,3|4] (or the channels elsewhere) → PIL image, stretched as bytescale does."""
    data = numpy.asarray(arr)
    if numpy.iscomplexobj(data):
        raise ValueError('Cannot convert a complex-valued array.')
    shape = data.shape
    if not (len(shape) == 2 or len(shape) == 3 and (3 in shape or 4 in shape)):
        raise ValueError("'arr' does not have a suitable array shape for any mode.")
    if len(shape) == 2:
        if mode == 'F':
            return Image.fromarray(data.astype(numpy.float32))
        if mode == 'I':
            return Image.fromarray(data.astype(numpy.int32))
        if mode == '1':
            return Image.fromarray(bytescale(data, cmin, cmax, 255, 0) > 127)
        image = Image.fromarray(bytescale(data, cmin, cmax, high, low))
        if pal is not None:
            image.putpalette(numpy.asarray(pal, numpy.uint8).tobytes())
        return image
    if channel_axis is None:
        channel_axis = next(n for size in (3, 4) for n in (2, 0, 1) if shape[n] == size)
    data = numpy.moveaxis(data, channel_axis, 2)
    return Image.fromarray(numpy.ascontiguousarray(bytescale(data, cmin, cmax, high, low)),
                           mode=mode if mode in ('YCbCr', 'CMYK') else None)


def fromimage(im, flatten=False, mode=None, dtype=None):
    """PIL image → array: [H,W] or [H,W,C] uint8, [H,W] float32 with `flatten`."""
    if mode is not None and im.mode != mode:
        im = im.convert(mode)
    elif mode is None and im.mode == 'P':
        im = im.convert('RGBA' if 'transparency' in im.info else 'RGB')
    if flatten:
        im = im.convert('F')
    elif im.mode == '1':
        im = im.convert('L')
    data = numpy.array(im)
    return data if dtype is None else data.astype(dtype)


def imread(name, flatten=False, mode=None):
    """Image file → uint8 array ([H,W] float32 with `flatten`)."""
    with Image.open(name) as image:
        return fromimage(image, flatten, mode)


def imsave(name, arr, format=None):
    """Writes [H,W] or [H,W,3|4]; anything but uint8 is stretched to its full contrast first."""
    toimage(numpy.asarray(arr), channel_axis=2 if numpy.ndim(arr) == 3 and numpy.shape(arr)[2] in (3, 4)
            else None).save(name, **({} if format is None else {'format': format}))


def imresize(arr, size, interp='bilinear', mode=None):
    """Resizes (stretched to uint8 first): `size` in percent (int), as a fraction (float) or (height,
    width).
    """
    image = toimage(arr, mode=mode)
    if isinstance(size, (int, numpy.integer)):
        width, height = (numpy.array(image.size) * (size / 100.0)).astype(int)
    elif isinstance(size, (float, numpy.floating)):
        width, height = (numpy.array(image.size) * size).astype(int)
    else:
        height, width = int(size[0]), int(size[1])
    return fromimage(image.resize((int(width), int(height)), INTERPOLATION[interp]))


def imrotate(arr, angle, interp='bilinear'):
    """Rotates anticlockwise by `angle` degrees, same size."""
    return fromimage(toimage(arr).rotate(angle, resample=INTERPOLATION[interp]))


def imfilter(arr, ftype):
    """A named PIL filter: 'blur', 'edge_enhance', 'sharpen', …"""
    return fromimage(toimage(arr).filter(getattr(ImageFilter, ftype.upper())))


def imshow(arr):
    """There is no window here: the image is not shown."""
    from legacy import notes
    notes.say('scipy.misc.imshow: no window here, nothing shown', 'imshow')


def threshold(a, threshmin=None, threshmax=None, newval=0):
    """scipy.stats.threshold (until SciPy 0.19): `newval` where `a` is below threshmin or above threshmax."""
    result = numpy.array(a)
    outside = numpy.zeros(result.shape, bool)
    if threshmin is not None:
        outside |= result < threshmin
    if threshmax is not None:
        outside |= result > threshmax
    result[outside] = newval
    return result


def wavfile_write(filename, rate, data):
    """scipy.io.wavfile.write with a rate that may be a whole float, `16e3`."""
    importlib.import_module('scipy.io.wavfile').write(filename, int(rate), data)


def _elsewhere(module, name):
    def call(*args, **kwargs):
        return getattr(importlib.import_module(module), name)(*args, **kwargs)
    call.__name__ = name
    return call


comb = _elsewhere('scipy.special', 'comb')
factorial = _elsewhere('scipy.special', 'factorial')
logsumexp = _elsewhere('scipy.special', 'logsumexp')
face = _elsewhere('scipy.datasets', 'face')
ascent = _elsewhere('scipy.datasets', 'ascent')
