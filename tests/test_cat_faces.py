"""cat_faces.py on drawn cats whose landmarks are known exactly."""
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

import bad_inputs
import cat_faces
import readers
from errors import UserError
from images import Unreadable

ROOT = os.path.dirname(os.path.abspath(cat_faces.__file__))
LEFT, RIGHT, MOUTH = (255, 0, 0), (0, 255, 0), (0, 0, 255)
# A face of ear distance 1 about the point between its eyes, y downwards.
SHAPE = np.array([(-.2, 0), (.2, 0), (0, .3), (-.5, -.3), (-.4, -.7), (-.3, -.4), (.3, -.4), (.4, -.7), (.5, -.3)])


def drawn_cat(width=600, height=500, middle=(300, 250), ears=200, degrees=0):
    """(PIL photo, points): a face as wide as `ears`, leaning clockwise by `degrees`; a coloured disc at each eye and mouth."""
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    points = SHAPE @ turn * ears + middle
    picture = Image.new('RGB', (width, height), (90, 90, 90))
    draw = ImageDraw.Draw(picture)
    for (x, y), colour in zip(points, (LEFT, RIGHT, MOUTH)):
        radius = ears * .06
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return picture, np.rint(points).astype(int)


def where(face, colour):
    """The centre (x, y) of the pixels of that colour, in parts of the side."""
    rows, columns = np.nonzero((abs(face.astype(int) - colour) < 90).all(-1))
    return (columns.mean() + .5) / len(face), (rows.mean() + .5) / len(face)


def cat_text(points):
    return f'{len(points)} ' + ' '.join(str(int(n)) for n in np.ravel(points)) + ' \n'


def save(folder, name, picture, points):
    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
    picture.save(os.path.join(folder, name), quality=95)
    bad_inputs.write(folder, name + '.cat', cat_text(points))


@pytest.mark.parametrize('degrees', [0, 10, -25, 44, 90, -120, 180])
def test_faces_come_out_level_and_at_the_same_place(degrees):
    face = cat_faces.cut_face(*drawn_cat(degrees=degrees), 128)
    assert face.shape == (128, 128, 3) and face.dtype == np.uint8
    for colour, expected in [(LEFT, (.3, .4)), (RIGHT, (.7, .4)), (MOUTH, (.5, .7))]:
        np.testing.assert_allclose(where(face, colour), expected, atol=.015)


def test_swapped_eyes_are_put_right():
    picture, points = drawn_cat(degrees=15)
    face = cat_faces.cut_face(picture, points[[1, 0, *range(2, 9)]], 128)
    np.testing.assert_allclose(where(face, LEFT), (.3, .4), atol=.015)
    np.testing.assert_allclose(where(face, MOUTH), (.5, .7), atol=.015)


def test_the_square_stays_in_the_photo_and_keeps_its_shape():
    for middle in [(80, 250), (520, 250), (300, 420)]:
        picture, points = drawn_cat(middle=middle, ears=200)
        angle, centre, side = cat_faces.face_square(points, *picture.size)
        assert angle == 0 and centre == middle and side < 200
        assert min(centre[0] - side / 2, centre[1] - .4 * side, 600 - centre[0] - side / 2, 500 - centre[1] - .6 * side) > -1e-9
        if side >= 128:
            left, right = where(cat_faces.cut_face(picture, points, 128), LEFT), where(cat_faces.cut_face(picture, points, 128), RIGHT)
            np.testing.assert_allclose(right[0] - left[0], 80 / side, atol=.02)
            np.testing.assert_allclose(left[1], .4, atol=.02)


def test_a_face_of_127_pixels_is_too_small_and_one_of_128_is_kept():
    points = np.rint(SHAPE * 1000) / 1000
    photo = Image.new('RGB', (600, 500))
    assert cat_faces.cut_face(photo, points * 127 + (300, 250), 128) is None
    assert cat_faces.cut_face(photo, points * 128 + (300, 250), 128).shape == (128, 128, 3)


@pytest.mark.parametrize('change, words', [
    (lambda p: p.__setitem__(1, p[0]), 'same point'), (lambda p: p.__setitem__(0, (-3, 10)), 'outside'),
    (lambda p: p.__setitem__(2, (9000, 10)), 'outside'), (lambda p: p.__setitem__(3, (-300, 200)), 'outside'),
    (lambda p: p.__setitem__(2, (300, 250)), 'level'), (lambda p: p.__setitem__(2, (500, 260)), 'not between the ears'),
    (lambda p: p.__setitem__(1, p[0] + (5, 0)), 'profile')])
def test_outliers_are_found_by_measure(change, words):
    picture, points = drawn_cat()
    change(points)
    with pytest.raises(cat_faces.Outlier, match=words):
        cat_faces.face_square(points, *picture.size)


def test_ears_may_lie_a_little_outside():
    picture, points = drawn_cat(middle=(300, 130))
    assert points[4, 1] < 0
    assert cat_faces.face_square(points, *picture.size)[2] == 200


@pytest.mark.parametrize('name', bad_inputs.CATS)
def test_a_malformed_cat_file_is_named_with_its_fault(name):
    text, words = bad_inputs.CATS[name]
    with pytest.raises((Unreadable, cat_faces.Outlier)) as caught:
        cat_faces.face_square(cat_faces.parse_cat(text), 200, 200)
    assert words in str(caught.value) and '\n' not in str(caught.value)


def test_a_folder_of_photos_as_on_kaggle(tmp_path):
    source, target = tmp_path / 'archive', tmp_path / 'cats'
    save(source, 'CAT_00/00000001_000.jpg', *drawn_cat(degrees=20))
    save(source, 'CAT_01/00000001_000.jpg', *drawn_cat())
    save(source, 'CAT_01/small.jpg', *drawn_cat(ears=100))
    save(source, 'CAT_01/drawing.jpg', *drawn_cat())
    save(source, 'CAT_02/odd.jpg', drawn_cat()[0], drawn_cat()[1][[0, 0, *range(2, 9)]])
    save(source, 'CAT_02/broken.jpg', *drawn_cat())
    bad_inputs.write(source, 'CAT_02/broken.jpg', bad_inputs.JPEG[:300])
    drawn_cat()[0].save(source / 'CAT_02' / 'alone.jpg')
    for i, (text, _) in enumerate(bad_inputs.CATS.values()):
        save(source, f'CAT_03/{i:02}.jpg', *drawn_cat())
        bad_inputs.write(source, f'CAT_03/{i:02}.jpg.cat', text)
    drawn_cat()[0].save(source / 'CAT_00' / '00000003_015.jpg')
    bad_inputs.write(source, 'CAT_00/00000003_019.jpg.cat', cat_text(drawn_cat()[1]))
    exclude = bad_inputs.write(tmp_path, 'names.txt', 'drawing.jpg\n')
    done = subprocess.run([sys.executable, 'cat_faces.py', str(source), str(target), '--exclude', exclude], cwd=ROOT,
                          capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == '', done.stderr
    assert readers.match_images(readers.list_files(str(target)).names) == [
        'CAT_00/00000001_000.jpg', 'CAT_00/00000003_015.jpg', 'CAT_01/00000001_000.jpg']
    with Image.open(target / 'CAT_00' / '00000001_000.jpg') as face:
        np.testing.assert_allclose(where(np.asarray(face), MOUTH), (.5, .7), atol=.02)
    skipped = dict(line.split('\t') for line in (target / 'skipped.txt').read_text().splitlines())
    assert set(skipped) == {'CAT_01/small.jpg', 'CAT_01/drawing.jpg', 'CAT_02/odd.jpg', 'CAT_02/broken.jpg', 'CAT_02/alone.jpg',
                            *(f'CAT_03/{i:02}.jpg' for i in range(len(bad_inputs.CATS)))}
    assert 'truncated' in skipped['CAT_02/broken.jpg'].lower() and skipped['CAT_02/alone.jpg'] == 'no .cat file'
    assert '3 faces' in done.stdout and '1 too small' in done.stdout and '1 excluded' in done.stdout
    assert not [name for _, _, names in os.walk(target) for name in names if name.startswith('.')]


@pytest.mark.parametrize('arguments, status, words', [
    (['nowhere', 'out'], 1, 'no such file'), (['empty', 'out'], 1, 'no photos'), (['photos', 'out'], 1, 'no .cat files'),
    (['bad', 'out'], 1, 'no face of 128'), (['bad', 'bad/out'], 1, 'name another folder'), (['bad'], 2, 'DST'),
    (['bad', 'out', '--size', '0'], 2, '--size=0'), (['bad', 'out', '--siz', '5'], 2, '--siz'),
    (['bad', 'out', '--exclude', 'none.txt'], 1, 'none.txt')])
def test_mistakes_are_one_line_and_leave_nothing(tmp_path, monkeypatch, capsys, arguments, status, words):
    monkeypatch.chdir(tmp_path)
    os.mkdir('empty')
    bad_inputs.write('photos', 'a.jpg', bad_inputs.JPEG)
    bad_inputs.write('bad', 'a.jpg', bad_inputs.JPEG)
    bad_inputs.write('bad', 'a.jpg.cat', '9')
    try:
        got = cat_faces.main(arguments)
    except SystemExit as stop:
        got = stop.code
    error = capsys.readouterr().err
    assert got == status and words in error
    assert status == 2 or error.count('\n') == 1
    assert not os.path.exists('out') and not os.path.exists('bad/out')


def test_prepare_reports_a_target_that_cannot_be_written(tmp_path):
    save(tmp_path / 'in', 'a.jpg', *drawn_cat())
    bad_inputs.write(tmp_path, 'file', 'x')
    with pytest.raises(UserError, match='cannot be written'):
        cat_faces.prepare(str(tmp_path / 'in'), str(tmp_path / 'file'))
