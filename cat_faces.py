"""Cat photos with landmarks → level, square faces of 128×128: the data preparation of CatDCGAN.

    python cat_faces.py SRC DST [--size 128] [--exclude names.txt]

SRC holds the photos of the CAT data set (Zhang, Sun and Tang 2008; on Kaggle as crawford/cat-dataset), in sub-folders or
not, each `x.jpg` with its `x.jpg.cat`: the number of points, 9, then x y of the left eye, right eye, mouth, three points
of the left ear and three of the right ear. As in the original, a photo is turned about the point between the eyes until
they are level, and a square as wide as the ears are apart is cut out, with that point in the middle and at two fifths of
its height; faces of fewer than --size true pixels are left out, the others are resized. Two things are done better than there: a
square that would leave the photo is made smaller instead of being squeezed, and outliers (a mouth above the eyes or
beside the ears, eyes that coincide, landmarks outside the photo) are found by measure. --exclude takes a file with the names of
further photos to leave out, one a line. What was left out, and why, is in DST/skipped.txt.
"""
import argparse
import collections
import concurrent.futures
import math
import os
import sys

import numpy as np
from PIL import Image
from tqdm import tqdm

import readers
import utils
from errors import UserError
from images import Unreadable, decode, printable, read_file

POINTS = 9
LEFT_EYE, RIGHT_EYE, MOUTH, LEFT_EAR, RIGHT_EAR = 0, 1, 2, 3, 8     # the ears: their outer bases
EYES_FROM_TOP = .4              # of the side of the square
EAR_MARGIN = .1                 # of the photo's size: ears may lie that far outside it
MIN_EYE_DISTANCE = .1           # of the distance between the ears; less is a profile or a mistake
MAX_CAT_BYTES = 4096            # a .cat file of record has about 80
GREY = (128, 128, 128)          # what turning brings in from outside the photo, as in the original
MISNAMED = {'00000003_015.jpg': '00000003_019.jpg.cat'}     # the set's one wrong file name, according to its authors


class Outlier(Exception):
    """A photo whose landmarks cannot be those of an upright cat's face; the message says why."""


def parse_cat(text):
    """The text of a .cat file → int [9, 2] points (x, y). Raises Unreadable."""
    words = text.split()
    if not words:
        raise Unreadable('empty')
    try:
        numbers = [int(word) for word in words]
    except ValueError:
        raise Unreadable('expected whole numbers: 9, then 9 times x y') from None
    if numbers[0] != POINTS:
        raise Unreadable(f'starts with {printable(words[0])[:20]}, expected 9, the number of points')
    if len(numbers) != 1 + 2 * POINTS:
        raise Unreadable(f'{len(numbers) - 1} numbers after the 9, expected 18 (9 times x y)')
    if max(map(abs, numbers)) >= 2 ** 31:
        raise Unreadable('a point far outside any photo')
    return np.array(numbers[1:]).reshape(POINTS, 2)


def face_square(points, width, height):
    """Landmarks [9, 2] in a photo of that size → (angle, (x, y), side).

    angle: counter-clockwise turn, in degrees, that makes the eyes level with the mouth below them; (x, y): the point
    between the eyes, about which to turn; side: of the largest square that lies inside the photo once turned, at
    most as wide as the ears are apart. Raises Outlier.
    """
    points = np.asarray(points, np.float64)
    margin = EAR_MARGIN * np.array([width, height]) * (np.arange(POINTS) >= LEFT_EAR)[:, None]
    if (points < -margin).any() or (points > [width, height] + margin).any():
        raise Outlier('landmarks outside the photo')
    left, right = points[LEFT_EYE], points[RIGHT_EYE]
    if (left == right).all():
        raise Outlier('both eyes are at the same point')
    middle = (left + right) / 2
    turned, angle = _level(points, middle, right - left)
    if turned[MOUTH, 1] < 0:                    # the eyes' names are swapped
        turned, angle = _level(points, middle, left - right)
    ears = np.sort(turned[[LEFT_EAR, RIGHT_EAR], 0])
    if turned[MOUTH, 1] <= 0:
        raise Outlier('the mouth is level with the eyes')
    if not ears[0] < turned[MOUTH, 0] < ears[1]:
        raise Outlier('the mouth is not between the ears')
    side = ears[1] - ears[0]
    if math.dist(left, right) < MIN_EYE_DISTANCE * side:
        raise Outlier('the eyes are too close together: a profile')
    x, y = middle
    room = min(2 * x, 2 * (width - x), y / EYES_FROM_TOP, (height - y) / (1 - EYES_FROM_TOP))
    return angle, (x, y), min(side, room)


def _level(points, middle, direction):
    """(points relative to `middle`, turned so that `direction` points right; the angle in degrees)."""
    angle = math.atan2(direction[1], direction[0])
    cosine, sine = math.cos(angle), math.sin(angle)
    x, y = (points - middle).T
    return np.stack([x * cosine + y * sine, y * cosine - x * sine], 1), math.degrees(angle)


def cut_face(picture, points, size):
    """PIL image and landmarks → uint8 [size, size, 3], or None where the face has fewer than size pixels a side.

    Raises Outlier.
    """
    angle, (x, y), side = face_square(points, picture.width, picture.height)
    if side < size:
        return None
    level = picture.convert('RGB').rotate(angle, Image.Resampling.BILINEAR, center=(x, y), fillcolor=GREY)
    box = (x - side / 2, y - side * EYES_FROM_TOP, x + side / 2, y + side * (1 - EYES_FROM_TOP))
    return np.asarray(level.resize((size, size), Image.Resampling.BILINEAR, box=box))


def prepare(source, target, size=128, exclude=()):
    """All photos below `source` → faces at the same relative names below `target`. Returns {outcome: count}.

    Raises UserError when there is nothing to do, or no face was found.
    """
    listing = readers.list_files(source)
    photos = readers.match_images(listing.names)
    there = set(listing.names)
    if not photos:
        raise UserError(f'{printable(source)}: no photos there; give the folder that has CAT_00 … CAT_06, or their images')
    if not any(name.lower().endswith('.cat') for name in listing.names):
        raise UserError(f'{printable(source)}: {len(photos):,} photos but no .cat files with their landmarks')

    def one(name):
        """(outcome, reason)"""
        if os.path.basename(name) in exclude:
            return 'excluded', 'in the --exclude file'
        marks = _landmark_file(name, there)
        if marks is None:
            return 'without landmarks', 'no .cat file'
        try:
            text = read_file(os.path.join(source, marks), MAX_CAT_BYTES).decode('ascii', 'replace')
            points = parse_cat(text)
        except Unreadable as error:
            return 'with unreadable landmarks', f'{printable(marks)}: {error}'
        try:
            # as stored: the landmarks were set on the pixels of the file, whatever its EXIF orientation says
            picture = decode(read_file(os.path.join(source, name)), upright=False)
            face = cut_face(picture, points, size)
        except Unreadable as error:
            return 'unreadable', str(error)
        except Outlier as error:
            return 'outliers', str(error)
        if face is None:
            return 'too small', f'the face has fewer than {size} pixels a side'
        utils.write_image(os.path.join(target, os.path.splitext(name)[0] + '.jpg'), face)
        return 'written', None

    outcomes, skipped = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = tqdm(pool.map(one, photos), 'cutting faces', len(photos), disable=None, leave=False)
        for name, (outcome, reason) in zip(photos, results):
            outcomes[outcome] += 1
            if reason:
                skipped.append(f'{printable(name)}\t{reason}')
    if not outcomes['written']:
        raise UserError(f'{printable(source)}: no face of {size} pixels in {len(photos):,} photos: {_in_words(outcomes)}; '
                        f'the first: {skipped[0]}'.replace('\t', ': '))
    utils.write_lines(os.path.join(target, 'skipped.txt'), skipped)
    return outcomes


def _landmark_file(name, there):
    """The .cat file of a photo, or None."""
    folder, last = os.path.split(name)
    for marks in (name + '.cat', os.path.splitext(name)[0] + '.cat', os.path.join(folder, MISNAMED.get(last, ''))):
        if marks in there:
            return marks
    return None


def _in_words(outcomes):
    return ', '.join(f'{count:,} {outcome}' for outcome, count in outcomes.most_common() if outcome != 'written')


def main(arguments):
    """Returns the exit status."""
    parser = argparse.ArgumentParser('cat_faces.py', description=__doc__.split('\n')[0], allow_abbrev=False)
    parser.add_argument('source', metavar='SRC', help='folder of photos and .cat files')
    parser.add_argument('target', metavar='DST', help='folder for the faces, for example data/cats')
    parser.add_argument('--size', type=int, default=128, help='pixels a side; smaller faces are left out (default 128)')
    parser.add_argument('--exclude', metavar='FILE', help='file with names of photos to leave out, one a line')
    options = parser.parse_args(arguments)
    try:
        if options.size < 1:
            raise UserError(f'--size={options.size}: expected a whole number of at least 1, such as 128', status=2)
        source, target = utils.expand_path(options.source), utils.expand_path(options.target)
        if os.path.realpath(target).startswith(os.path.join(os.path.realpath(source), '')) or \
                os.path.realpath(target) == os.path.realpath(source):
            raise UserError(f'{printable(target)} lies in {printable(source)}: name another folder for the faces')
        outcomes = prepare(source, target, options.size, _names(options.exclude) if options.exclude else ())
    except UserError as error:
        print(error, file=sys.stderr)
        return error.status
    left_out = _in_words(outcomes)
    print(f'{outcomes["written"]:,} faces in {printable(target)}'
          + (f'; left out: {left_out} (see skipped.txt there)' if left_out else ''))
    return 0


def _names(path):
    try:
        text = read_file(utils.expand_path(path), 2 ** 20).decode()
    except (Unreadable, UnicodeDecodeError) as error:
        raise UserError(f'--exclude={printable(path)}: {printable(error)}') from None
    return {os.path.basename(line.strip()) for line in text.splitlines() if line.strip()}


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
