"""imageio as it was up to 2.27: images of floats and other numbers are brought to bytes as they are written.

Source of the conversion: imageio/core/util.py, image_as_uint, of imageio 2.4.
"""
import imageio.v2
import numpy

from legacy import notes

imread, mimread = imageio.v2.imread, imageio.v2.mimread


def as_bytes(image):
    """uint8 of an image: floats in [0, 1] times 255, other numbers stretched from their smallest to their
    largest.

    uint16 and wider lose their low bits. ValueError when there is no finite smallest or largest.
    """
    image = numpy.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.dtype == numpy.uint8:
        return image
    if image.dtype == bool:
        return image.astype(numpy.uint8) * 255
    notes.say(f'imageio: images of {image.dtype} are written as bytes, as imageio did then', 'imageio')
    if image.dtype.kind == 'f' and numpy.nanmin(image) >= 0 and numpy.nanmax(image) <= 1:
        return (image.astype(numpy.float64) * 255 + 0.499999999).astype(numpy.uint8)
    if image.dtype in (numpy.uint16, numpy.uint32, numpy.uint64):
        return numpy.right_shift(image, 8 * (image.dtype.itemsize - 1)).astype(numpy.uint8)
    low, high = numpy.nanmin(image), numpy.nanmax(image)
    if not numpy.isfinite(low) or not numpy.isfinite(high):
        raise ValueError('Minimum or maximum image value is not finite')
    if low == high:
        return image.astype(numpy.uint8)
    return ((image.astype(numpy.float64) - low) / (high - low) * 255 + 0.499999999).astype(numpy.uint8)


def imwrite(uri, im, format=None, **kwargs):
    im = numpy.asarray(im)
    if im.ndim not in (2, 3) or im.ndim == 3 and im.shape[2] not in (1, 3, 4):
        raise ValueError('Image must be 2D (grayscale, RGB, or RGBA).')
    keeps = im.dtype == numpy.uint16 and im.ndim == 2 and str(uri).lower().endswith('.png')
    return imageio.v2.imwrite(uri, im if keeps else as_bytes(im), format, **kwargs)


imsave = imwrite


def _milliseconds(uri, kwargs):
    """GIFs: Pillow wants the milliseconds of a frame; it was seconds, or frames a second."""
    if not str(uri).lower().endswith('.gif'):
        return kwargs
    if 'fps' in kwargs:
        kwargs['duration'] = 1000.0 / kwargs.pop('fps')
    elif 'duration' in kwargs and numpy.max(kwargs['duration']) < 20:
        kwargs['duration'] = (numpy.asarray(kwargs['duration']) * 1000.0).tolist()
    return kwargs


def mimwrite(uri, ims, format=None, **kwargs):
    """Frames as one file; `fps` and `duration` as they were."""
    return imageio.v2.mimwrite(uri, [as_bytes(im) for im in ims], format, **_milliseconds(uri, kwargs))


mimsave = mimwrite


def get_writer(uri, format=None, mode='?', **kwargs):
    """A writer whose append_data takes any numbers."""
    writer = imageio.v2.get_writer(uri, format, mode, **_milliseconds(uri, kwargs))
    plain = writer.append_data
    writer.append_data = lambda im, meta=None: plain(as_bytes(im), meta or {})
    return writer


save = get_writer
