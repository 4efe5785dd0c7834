"""Every parser against arbitrary bytes and against damaged good files: an answer or its own one-line error, in bounded time."""
import io
import os
import struct
import sys
import time

import pytest
from PIL import Image
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'fuzz'))
import targets  # noqa: E402

# no wall-clock deadline: a busy machine would fail good code; `within_a_second` measures the thread's own time
LIMITS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def within_a_second(function):
    def timed(data):
        before = time.thread_time()
        function(data)
        assert time.thread_time() - before < 1
    return timed


@st.composite
def damaged(draw, seeds):
    """A good file with a few changes: bytes replaced, a piece cut out, doubled, or random bytes put in."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        change = draw(st.sampled_from(['replace', 'cut', 'double', 'insert', 'truncate']))
        if change == 'replace':
            data[start:end] = draw(st.binary(min_size=end - start, max_size=end - start))
        elif change == 'cut':
            del data[start:end]
        elif change == 'double':
            data[start:start] = data[start:end]
        elif change == 'insert':
            data[start:start] = draw(st.binary(max_size=12))
        else:
            del data[start:]
    return bytes(data)


@pytest.mark.parametrize('name', targets.TARGETS)
def test_good_files_are_accepted(name):
    """The seeds reach the inside of the parsers: without that, the tests below would prove nothing."""
    accepted = 0
    for data in targets.corpus(name):
        function = targets.TARGETS[name].__wrapped__
        try:
            function(data)
            accepted += 1
        except (targets.UserError, targets.images.Unreadable):
            pass
    assert accepted >= max(1, len(targets.corpus(name)) - 2)


@pytest.mark.parametrize('name, seed, reason', [
    ('losses', 'torn_heading', 'its heading is not the line step,epoch'),       # rows would have been added to the heading's line
    ('losses', 'negative', 'line 2 is not the row of a step'),
    ('record', 'huge_number', 'learning_rate is .1000.*, expected a number'),
    ('record', 'half_a_character', r"loss is .\\ud800', expected a text")])
def test_what_fuzzing_found_is_refused(name, seed, reason):
    with pytest.raises(targets.UserError, match=reason):
        targets.TARGETS[name].__wrapped__((targets.HERE / 'corpus' / name / seed).read_bytes())


def test_a_zip_entry_without_a_name_is_passed_over():
    source = targets.readers.ZipSource(io.BytesIO((targets.HERE / 'corpus' / 'zip' / 'no_name').read_bytes()))
    assert source.names == source.all_names == ['1.png'] and source.picture(0).mode == 'L'


def test_a_zip_entry_that_is_cut_short_has_a_reason():
    source = targets.readers.ZipSource(io.BytesIO((targets.HERE / 'corpus' / 'zip' / 'cut_short').read_bytes()))
    with pytest.raises(targets.images.Unreadable, match='damaged .EOFError'):
        source.picture(0)


def jpeg_of_many_scans(width, height, scans):
    """A progressive JPEG that goes over its picture again and again: the last scan of a small one repeated, the size changed."""
    small = io.BytesIO()
    Image.new('L', (16, 16), 99).save(small, 'JPEG', progressive=True)
    data = bytearray(small.getvalue()[:-2])
    size = data.index(b'\xff\xc2') + 5
    data[size:size + 4] = struct.pack('>HH', height, width)
    return bytes(data + data[data.rindex(b'\xff\xda'):] * scans + b'\xff\xd9')


def run_length_bmp(width, height, body):
    header = struct.pack('<IiiHHIIiiII', 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b'BM' + struct.pack('<IHHI', 1078 + len(body), 0, 0, 1078) + header + bytes(1024) + body


def lossless_webp(width, height):
    file = io.BytesIO()
    Image.new('RGBA', (width, height), (1, 2, 3, 50)).save(file, 'WEBP', lossless=True, method=0, quality=0)
    return file.getvalue()


@pytest.mark.parametrize('data, reason', [
    (jpeg_of_many_scans(7000, 7000, 300), '30[0-9] scans of 7000x7000 pixels'),                     # took 1.7 s, 14 s with whole scans
    (run_length_bmp(12_000, 4_096, b'\1\7\0\0' * 4_096), 'run-length encoded BMP'),                  # lines ended early: 8 s
    (run_length_bmp(40_000_000, 1, b'\0\2\0\xff\0\1'), '40000000x1 pixels, more than 65,535 a side'),  # 255 lines skipped: 10 GB
    (lossless_webp(5100, 5000), 'of a WebP'),                                                       # took 0.5 GB, 1 GB at 50 million
], ids=['jpeg', 'bmp_lines', 'bmp_skip', 'webp'])
def test_small_files_that_mean_much_work_are_refused(data, reason):
    before = time.thread_time()
    with pytest.raises(targets.images.Unreadable, match=reason):
        targets.images.decode(data)
    assert time.thread_time() - before < 0.2


def test_ordinary_progressive_and_run_length_pictures_are_not_bombs():
    assert targets.images.decode(jpeg_of_many_scans(64, 48, 20)).size == (64, 48)
    picture = targets.images.decode(run_length_bmp(4, 2, b'\4\7\0\0' * 2 + b'\0\1'))
    assert picture.size == (4, 2) and picture.mode == 'L'


@pytest.mark.parametrize('name', targets.TARGETS)
def test_arbitrary_bytes(name):
    LIMITS(given(st.binary(max_size=300))(within_a_second(targets.TARGETS[name])))()


@pytest.mark.parametrize('name', targets.TARGETS)
def test_damaged_files(name):
    LIMITS(given(damaged(targets.corpus(name)))(within_a_second(targets.TARGETS[name])))()


@LIMITS
@given(st.text(alphabet=st.characters(), max_size=200))
def test_names_are_always_printable(name):
    shown = targets.images.printable(name)
    assert '\n' not in shown and shown.isprintable()
    shown.encode()


@LIMITS
@given(st.tuples(*[st.integers(1, 30_000)] * 4))
def test_crop_boxes_lie_inside_and_are_centred(sizes):
    height, width, crop_height, crop_width = sizes
    left, top, right, bottom = targets.images.crop_box(*sizes)
    assert 0 <= left < right <= width and 0 <= top < bottom <= height
    assert abs(left - (width - right)) <= 1 and abs(top - (height - bottom)) <= 1
    if crop_height <= height and crop_width <= width:
        assert (bottom - top, right - left) == (crop_height, crop_width)


@LIMITS
@given(st.lists(st.sampled_from(['a/1.jpg', 'b/1.jpg', 'a/b/2.png', '3.gif', 'x y/é.JPG', 'A/1.JPG']), unique=True, min_size=1),
       st.text(alphabet='*?[]ajpg./!-', max_size=8))
def test_patterns_never_fail(names, pattern):
    assert set(targets.readers.match_images(names, pattern)) <= set(names)
