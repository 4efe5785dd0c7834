"""The part of OpenCV that reads, writes, resizes, turns and converts pictures (BGR, uint8), on Pillow."""
import os

import numpy
from PIL import Image, ImageFilter
from scipy import ndimage

from legacy import notes
from legacy.absent import stub_parts

__version__ = '3.4.0'
IMREAD_UNCHANGED, IMREAD_GRAYSCALE, IMREAD_COLOR = -1, 0, 1
CV_LOAD_IMAGE_UNCHANGED, CV_LOAD_IMAGE_GRAYSCALE, CV_LOAD_IMAGE_COLOR = -1, 0, 1
IMWRITE_JPEG_QUALITY = 1
INTER_NEAREST, INTER_LINEAR, INTER_CUBIC, INTER_AREA, INTER_LANCZOS4 = 0, 1, 2, 3, 4
COLOR_BGR2RGB = COLOR_RGB2BGR = 4
COLOR_BGR2GRAY, COLOR_RGB2GRAY, COLOR_GRAY2BGR, COLOR_GRAY2RGB = 6, 7, 8, 8.0
BORDER_CONSTANT, BORDER_REPLICATE, BORDER_REFLECT, BORDER_REFLECT_101 = 0, 1, 2, 4
_EDGES = {0: 'grid-constant', 1: 'nearest', 2: 'reflect', 4: 'mirror'}             # scipy.ndimage's names
WINDOW_NORMAL = 0
FONT_HERSHEY_SIMPLEX = 0
_FILTERS = {0: Image.Resampling.NEAREST, 1: Image.Resampling.BILINEAR, 2: Image.Resampling.BICUBIC,
            3: Image.Resampling.BOX, 4: Image.Resampling.LANCZOS}


def imread(filename, flags=IMREAD_COLOR):
    """BGR uint8 [H,W,3] ([H,W] for flags 0), None where there is no readable picture."""
    if not os.path.isfile(filename):
        return None
    with Image.open(filename) as picture:
        if flags == IMREAD_GRAYSCALE:
            return numpy.array(picture.convert('L'))
        data = numpy.array(picture.convert('RGB') if flags != IMREAD_UNCHANGED or picture.mode == 'P'
                           else picture)
    return data if data.ndim == 2 else _swap(data)


def _swap(data):
    return numpy.ascontiguousarray(data[..., [2, 1, 0] + list(range(3, data.shape[2]))])


def imwrite(filename, img, params=None):
    """Rounds and clips to 0 … 255; BGR in, the file as named."""
    data = numpy.asarray(img)
    if data.dtype != numpy.uint8:
        data = numpy.clip(numpy.rint(data), 0, 255).astype(numpy.uint8)
    data = data[..., 0] if data.ndim == 3 and data.shape[2] == 1 else data
    if os.path.dirname(filename) and not os.path.isdir(os.path.dirname(filename)):
        return False
    Image.fromarray(data if data.ndim == 2 else _swap(data)).save(filename)
    return True


def resize(src, dsize=None, dst=None, fx=0, fy=0, interpolation=INTER_LINEAR):
    """`dsize` is (width, height). Shrinking does not average unless INTER_AREA is asked for."""
    data = numpy.asarray(src)
    height, width = data.shape[:2]
    size = (int(dsize[0]), int(dsize[1])) if dsize else (int(round(width * fx)), int(round(height * fy)))
    if interpolation == INTER_LINEAR:
        return _bilinear(data, size)
    planes = data.reshape(height, width, -1)
    kind = data.dtype if data.dtype == numpy.uint8 else numpy.float32
    parts = [numpy.asarray(Image.fromarray(planes[..., n].astype(kind)).resize(size,
                                                                               _FILTERS[int(interpolation)]))
             for n in range(planes.shape[2])]
    return numpy.stack(parts, -1).reshape((size[1], size[0]) + data.shape[2:]).astype(data.dtype)


def _bilinear(data, size):
    """Two points per axis around each target's centre."""
    x = numpy.clip((numpy.arange(size[0]) + 0.5) * data.shape[1] / size[0] - 0.5, 0, data.shape[1] - 1)
    y = numpy.clip((numpy.arange(size[1]) + 0.5) * data.shape[0] / size[1] - 0.5, 0, data.shape[0] - 1)
    x0, y0 = x.astype(int), y.astype(int)
    x1, y1 = numpy.minimum(x0 + 1, data.shape[1] - 1), numpy.minimum(y0 + 1, data.shape[0] - 1)
    wx = (x - x0).reshape((1, -1) + (1,) * (data.ndim - 2))
    wy = (y - y0).reshape((-1, 1) + (1,) * (data.ndim - 2))
    values = data.astype(numpy.float64)
    top = values[y0][:, x0] * (1 - wx) + values[y0][:, x1] * wx
    bottom = values[y1][:, x0] * (1 - wx) + values[y1][:, x1] * wx
    result = top * (1 - wy) + bottom * wy
    return numpy.rint(result).astype(data.dtype) if data.dtype.kind in 'iu' else result.astype(data.dtype)


def cvtColor(src, code, dst=None):
    data = numpy.asarray(src)
    if code == COLOR_BGR2RGB:
        return _swap(data)
    if code in (COLOR_BGR2GRAY, COLOR_RGB2GRAY):
        weights = [0.114, 0.587, 0.299] if code == COLOR_BGR2GRAY else [0.299, 0.587, 0.114]
        grey = data[..., :3] @ numpy.array(weights)
        return numpy.rint(grey).astype(data.dtype) if data.dtype.kind in 'iu' else grey.astype(data.dtype)
    if code == COLOR_GRAY2BGR:
        return numpy.repeat(data.reshape(data.shape[:2] + (1,)), 3, 2)
    raise NotImplementedError(
        f'cv2.cvtColor code {code}: module cv2 is not installed (pip install opencv-python)')


def flip(src, flipCode):
    data = numpy.asarray(src)
    return data[::-1] if flipCode == 0 else data[:, ::-1] if flipCode > 0 else data[::-1, ::-1]


def getRotationMatrix2D(center, angle, scale):
    """[2,3]: turns by `angle` degrees, counter-clockwise, about `center` (x, y)."""
    a, b = scale * numpy.cos(numpy.radians(angle)), scale * numpy.sin(numpy.radians(angle))
    return numpy.array([[a, b, (1 - a) * center[0] - b * center[1]],
                        [-b, a, b * center[0] + (1 - a) * center[1]]])


def warpAffine(src, M, dsize, dst=None, flags=INTER_LINEAR, borderMode=BORDER_CONSTANT, borderValue=0):
    """The point (x, y) of `src` lands on M·(x, y, 1) of a picture of `dsize` (width, height)."""
    data, matrix = numpy.asarray(src), numpy.asarray(M, numpy.float64)
    inverse = numpy.linalg.inv(matrix[:, :2])
    x, y = numpy.meshgrid(numpy.arange(int(dsize[0])), numpy.arange(int(dsize[1])))
    points = inverse @ (numpy.stack([x.ravel(), y.ravel()]) - matrix[:, 2:])
    planes = data.reshape(data.shape[:2] + (-1,))
    border = list(numpy.ravel(borderValue)) + [0] * planes.shape[2]         # a number is (number, 0, 0)
    parts = [ndimage.map_coordinates(
        planes[..., n].astype(numpy.float64), points[::-1], order=0 if flags & 7 == INTER_NEAREST else 1,
        mode=_EDGES[borderMode], cval=border[n]) for n in range(planes.shape[2])]
    result = numpy.stack(parts, -1).reshape((int(dsize[1]), int(dsize[0])) + data.shape[2:])
    return numpy.rint(result).astype(data.dtype) if data.dtype.kind in 'iu' else result.astype(data.dtype)


def copyMakeBorder(src, top, bottom, left, right, borderType, dst=None, value=0):
    modes = {BORDER_CONSTANT: 'constant', BORDER_REPLICATE: 'edge', BORDER_REFLECT: 'symmetric',
             BORDER_REFLECT_101: 'reflect'}
    data = numpy.asarray(src)
    return numpy.pad(data, [(top, bottom), (left, right)] + [(0, 0)] * (data.ndim - 2),
                     mode=modes[borderType])


def GaussianBlur(src, ksize, sigmaX, *args, **kwargs):
    radius = sigmaX or 0.3 * ((ksize[0] - 1) * 0.5 - 1) + 0.8
    return numpy.asarray(Image.fromarray(numpy.asarray(src,
                                                       numpy.uint8)).filter(ImageFilter.GaussianBlur(radius)))


def imshow(winname, mat):
    notes.say('cv2.imshow: no window here, nothing shown', 'imshow')


def waitKey(delay=0):
    return -1


def namedWindow(*args):
    """No windows here."""


destroyAllWindows = destroyWindow = moveWindow = resizeWindow = namedWindow
__getattr__ = stub_parts.missing('cv2')
