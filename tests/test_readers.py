"""readers.py, cifar.py, labels.py: listings, IDX, CIFAR-10, zip, lmdb and labels."""
import gzip
import io
import os
import pickle
import pickletools
import struct
import tarfile
import zipfile

import numpy as np
import pytest

import bad_inputs
import cifar
import images
import labels
import readers
from bad_inputs import image_bytes, write
from errors import UserError


# ---------------------------------------------------------------- listings

def test_listing_is_recursive_sorted_and_without_hidden_files(tmp_path):
    for name in ('b.jpg', 'a.jpg', 'sub/c.JPG', 'sub/deep/d.txt', '.hidden.jpg', '.git/x.jpg', '__MACOSX/a.jpg', 'sub/._c.JPG'):
        write(tmp_path, name, b'x')
    listing = readers.list_files(str(tmp_path))
    assert listing.names == ['a.jpg', 'b.jpg', 'sub/c.JPG', 'sub/deep/d.txt']
    assert (listing.folders, listing.skipped) == (2, [])


def test_links_are_followed_once_and_odd_entries_are_skipped(tmp_path):
    write(tmp_path, 'in/a.jpg', b'x')
    os.symlink('..', tmp_path / 'in' / 'up')                        # a loop
    os.symlink('a.jpg', tmp_path / 'in' / 'b.jpg')
    os.symlink('nowhere', tmp_path / 'in' / 'dangling.jpg')
    os.symlink('self.jpg', tmp_path / 'in' / 'self.jpg')
    os.mkfifo(tmp_path / 'in' / 'pipe.jpg')
    listing = readers.list_files(str(tmp_path))
    assert listing.names == ['in/a.jpg', 'in/b.jpg']
    assert [name for name, reason in listing.skipped] == ['in/dangling.jpg', 'in/pipe.jpg', 'in/self.jpg']
    assert dict(listing.skipped)['in/dangling.jpg'] == 'a link to nothing'


def test_a_folder_that_may_not_be_listed_is_skipped(tmp_path, monkeypatch):
    """By a stand-in for os.scandir: root, who runs many a container, may list everything."""
    write(tmp_path, 'open/a.jpg', b'x')
    write(tmp_path, 'shut/b.jpg', b'x')
    scandir = os.scandir

    def guarded(path):
        if str(path).endswith('shut'):
            raise PermissionError(13, 'Permission denied')
        return scandir(path)
    monkeypatch.setattr(readers.os, 'scandir', guarded)
    listing = readers.list_files(str(tmp_path))
    assert listing.names == ['open/a.jpg']
    assert listing.skipped == [('shut', 'folder that cannot be listed: permission denied')]


def test_strange_names_are_listed_and_read(tmp_path):
    strange = [b'new\nline.png', '🐱.png'.encode(), b'not utf8 \xff.png', b'quote".png', b'-rf.png', b'percent%s.png']
    for i, name in enumerate(strange):
        with open(os.path.join(os.fsencode(tmp_path), name), 'wb') as file:
            file.write(image_bytes((i + 1, 1)))
    listing = readers.list_files(str(tmp_path))
    source = readers.FolderSource(str(tmp_path), listing.names)
    assert sorted(source.picture(i).width for i in range(len(source))) == [1, 2, 3, 4, 5, 6]
    assert all('\n' not in source.name(i) and source.name(i).encode() for i in range(len(source)))


@pytest.mark.parametrize('pattern, expected', [
    ('*.jpg', ['a.JPG', 'sub/b.jpg']), ('*.PNG', ['c.png']), ('sub/*', ['sub/b.jpg']), ('?.jpg', ['a.JPG', 'sub/b.jpg']),
    ('[ac].*', ['a.JPG', 'c.png']), (None, ['a.JPG', 'sub/b.jpg', 'c.png', 'd.webp']), ('*.tif', []), ('*', None)])
def test_patterns(pattern, expected):
    names = ['a.JPG', 'sub/b.jpg', 'c.png', 'd.webp', 'notes.txt']
    assert readers.match_images(names, pattern) == (names if expected is None else expected)


# ---------------------------------------------------------------- IDX

@pytest.mark.parametrize('ending, pack', [('', bytes), ('.gz', gzip.compress)])
def test_idx_files_round_trip(tmp_path, ending, pack):
    expected = np.random.default_rng(0).integers(0, 256, (3, 5, 4), np.uint8)
    path = write(tmp_path, 'x-idx3-ubyte' + ending, pack(bad_inputs.idx_images(content=expected.tobytes())))
    np.testing.assert_array_equal(readers.read_idx(path, 3), expected)
    path = write(tmp_path, 'x-idx1-ubyte' + ending, pack(bad_inputs.idx_labels((4, 0, 9))))
    assert readers.read_idx(path, 1).tolist() == [4, 0, 9]


def test_the_sample_digits():
    folder = os.path.join(os.path.dirname(readers.__file__), 'data', 'mnist')
    parts = readers.find_idx(readers.list_files(folder).names)
    digits, values = readers.read_idx_folder(folder, {'t10k': parts['t10k']}, True)
    assert digits.shape == (10_000, 28, 28, 1) and values.dtype == np.int32
    assert values[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(values).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert abs(digits.mean() / 255 - 0.1325) < 1e-4                 # the known mean of the test digits


def test_idx_names_in_all_spellings_and_raw_before_gz():
    names = ['raw/train-images-idx3-ubyte.gz', 'raw/train-images-idx3-ubyte', 'train-labels.idx1-ubyte', 't10k-labels-idx1-ubyte',
             'unrelated-images-idx3-ubyte']
    assert readers.find_idx(names) == {'train': {'images': 'raw/train-images-idx3-ubyte', 'labels': 'train-labels.idx1-ubyte'}}


def test_train_comes_before_t10k(tmp_path):
    bad_inputs.idx(bad_inputs.idx_images(content=bytes(60)), bad_inputs.idx_labels((1, 1, 1)))(tmp_path)
    bad_inputs.idx(bad_inputs.idx_images(2, content=bytes([9] * 40)), bad_inputs.idx_labels((2, 2)), 't10k')(tmp_path)
    parts = readers.find_idx(os.listdir(tmp_path))
    digits, values = readers.read_idx_folder(str(tmp_path), parts, True)
    assert values.tolist() == [1, 1, 1, 2, 2] and digits[:, 0, 0, 0].tolist() == [0, 0, 0, 9, 9]


# ---------------------------------------------------------------- CIFAR-10

PIXELS = np.random.default_rng(5).integers(0, 256, (4, 3072), np.uint8)
VALUES = [3, 0, 9, 3]


def python2_pickle():
    """A batch as the python version of record spells it: protocol 2, byte strings as Python 2 str."""
    def string(text):
        text = text if isinstance(text, bytes) else text.encode()
        return b'U' + bytes([len(text)]) + text if len(text) < 256 else b'T' + struct.pack('<I', len(text)) + text
    array = (b'cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85' + string('b') + b'\x87Rq\x05(K\x01'
             + b'K\x04M\x00\x0c\x86cnumpy\ndtype\nq\x06' + string('u1') + b'K\x00K\x01\x87Rq\x07(K\x03' + string('|') + b'NNN'
             + b'J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89' + string(PIXELS.tobytes()) + b'tb')
    names = b''.join(string(f'{i}.png') for i in range(4))
    return (b'\x80\x02}q\x01(' + string('data') + b'q\x02' + array + string('labels') + b']q\x08('
            + b''.join(b'K' + bytes([v]) for v in VALUES) + b'e' + string('batch_label') + string('training batch 1 of 5')
            + string('filenames') + b'](' + names + b'eu.')


def test_the_hand_made_pickle_is_what_python_reads():
    batch = pickle.loads(python2_pickle(), encoding='bytes')
    np.testing.assert_array_equal(batch[b'data'], PIXELS)
    assert batch[b'labels'] == VALUES


@pytest.mark.parametrize('content', [
    python2_pickle(), *(pickle.dumps({'data': PIXELS, 'labels': VALUES}, protocol) for protocol in (2, 3, 4)),
    pickle.dumps({b'data': np.asfortranarray(PIXELS), b'labels': VALUES}, 4)])
def test_python_batches_are_read_without_unpickling(content, monkeypatch):
    monkeypatch.setattr(pickle, 'loads', None)
    monkeypatch.setattr(pickle, 'Unpickler', None)
    pixels, values = cifar.read_batch(content, 'data_batch_1')
    np.testing.assert_array_equal(pixels, PIXELS)
    assert values.tolist() == VALUES


def test_inert_pickle_agrees_with_pickle_on_plain_data():
    value = {'a': [1, -5, 2 ** 40, True, None, 'text', (1, 2, (3,)), []], 'b': {'c': b'bytes'}, 'd': (), 'e': 'ü' * 300}
    for protocol in range(5):
        if protocol > 2:                                            # before, bytes are a call of _codecs.encode
            assert cifar.inert_pickle(pickle.dumps(value, protocol)) == value
        plain = {key: item for key, item in value.items() if key != 'b'}
        assert cifar.inert_pickle(pickle.dumps({**plain, 'a': value['a'][:3]}, protocol)) == {**plain, 'a': value['a'][:3]}


def test_a_pickle_that_calls_is_kept_as_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for content in (b"cos\nsystem\n(S'touch ran'\ntR.", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x09touch ran\x85R.",
                    b"(S'touch ran'\nios\nsystem\n.", b"\x80\x02cbuiltins\neval\nX\x0f\x00\x00\x00open('ran','w')\x85R."):
        try:
            result = cifar.inert_pickle(content)
        except ValueError:
            continue
        assert isinstance(result, cifar.Call) and isinstance(result.function, str)
    assert os.listdir(tmp_path) == []
    assert len(list(pickletools.genops(content))) > 3               # the last one is a real pickle


def test_deeply_nested_pickles_do_no_harm():
    assert cifar.inert_pickle(b'\x80\x02)' + b'\x85' * 200_000 + b'.') is not None
    with pytest.raises(ValueError, match='key'):
        cifar.inert_pickle(b'\x80\x02})' + b'\x85' * 200_000 + b'Ns.')


@pytest.fixture
def cifar_archive(tmp_path):
    def make(kind):
        path = os.path.join(tmp_path, f'cifar-10-{kind}.tar.gz')
        with tarfile.open(path, 'w:gz') as archive:
            for batch in ('test_batch', 'data_batch_2', 'data_batch_1'):
                content = bad_inputs.cifar_bin(label=int(batch[-1]) if batch[-1].isdigit() else 0)
                if kind == 'python':
                    records = np.frombuffer(content, np.uint8).reshape(-1, 3073)
                    content = pickle.dumps({'data': records[:, 1:], 'labels': records[:, 0].tolist()}, 2)
                member = tarfile.TarInfo(f'../../{batch}' + ('.bin' if kind == 'binary' else ''))
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path
    return make


@pytest.mark.parametrize('kind', ['binary', 'python'])
def test_archives_are_read_in_place(cifar_archive, tmp_path, kind):
    cifar_archive(kind)
    before = sorted(os.listdir(tmp_path.parent))
    names = cifar.find_cifar(os.listdir(tmp_path))
    pictures, values = cifar.read_cifar(str(tmp_path), names)
    assert pictures.shape == (4, 32, 32, 3) and values.tolist() == [1, 1, 2, 2]
    assert len(os.listdir(tmp_path)) == 1 and sorted(os.listdir(tmp_path.parent)) == before


def test_binary_batches_channels_and_order(tmp_path):
    image = np.arange(3072, dtype=np.int64).reshape(3, 32, 32) % 251
    write(tmp_path, 'cifar-10-batches-bin/data_batch_1.bin', bytes([6]) + image.astype(np.uint8).tobytes())
    names = cifar.find_cifar(['cifar-10-batches-bin/data_batch_1.bin', 'cifar-10-batches-bin/batches.meta.txt',
                              'cifar-10-batches-bin/test_batch.bin'])
    pictures, values = cifar.read_cifar(str(tmp_path), names)
    np.testing.assert_array_equal(pictures[0], image.transpose(1, 2, 0))
    assert values.tolist() == [6] and cifar.CLASSES[6] == 'frog'


def test_an_archive_bomb_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar, 'MAX_ARCHIVE_BYTES', 2 ** 20)
    path = os.path.join(tmp_path, 'cifar-10-binary.tar.gz')
    with tarfile.open(path, 'w:gz') as archive:
        member = tarfile.TarInfo('filler')
        member.size = 2 ** 22
        archive.addfile(member, io.BytesIO(bytes(2 ** 22)))
    with pytest.raises(UserError, match='more than a CIFAR-10 archive'):
        cifar.read_archive(path)


# ---------------------------------------------------------------- zip and lmdb

def test_zip_images_are_read_in_place(tmp_path):
    path = os.path.join(tmp_path, 'img_align_celeba.zip')
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('img/000002.png', image_bytes((2, 1)), zipfile.ZIP_DEFLATED)
        archive.writestr('img/000001.png', image_bytes((1, 1)))
        archive.writestr('../../000003.png', image_bytes((3, 1)))
        archive.writestr('__MACOSX/img/._1.png', b'x')
        archive.writestr('img/readme.txt', b'x')
        archive.writestr('img/4.png', image_bytes((4, 1)), zipfile.ZIP_BZIP2)
    source = readers.ZipSource(path)
    assert source.names == ['../../000003.png', 'img/000001.png', 'img/000002.png', 'img/4.png']
    assert [source.picture(i).width for i in range(3)] == [3, 1, 2]
    with pytest.raises(images.Unreadable, match='compression method 12'):
        source.picture(3)
    assert os.listdir(tmp_path) == ['img_align_celeba.zip'] and not os.path.exists(tmp_path / '../../000003.png')


def test_a_zip_entry_that_lies_about_its_size_is_unreadable(tmp_path):
    path = os.path.join(tmp_path, 'a.zip')
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a.png', image_bytes((64, 64)))
        archive.writestr('big.png', bytes(images.MAX_FILE_BYTES + 1))
    with open(path, 'r+b') as file:
        data = file.read()
        at = data.rindex(b'PK\x01\x02', 0, data.index(b'big.png', data.index(b'PK\x01\x02')))
        first = data.index(b'PK\x01\x02')
        file.seek(first + 24)
        file.write(struct.pack('<I', 5))                            # a.png: says 5 bytes
        assert at > first
    source = readers.ZipSource(path)
    for i, words in enumerate(['CRC|crc', 'bytes, more than']):
        with pytest.raises(images.Unreadable, match=words):
            source.picture(i)


def lmdb_folder(folder, values):
    lmdb = pytest.importorskip('lmdb', reason='LSUN needs the optional package lmdb')
    with lmdb.open(str(folder), map_size=2 ** 24) as environment, environment.begin(write=True) as transaction:
        for i, value in enumerate(values):
            transaction.put(f'key{i:03}'.encode(), value)
    return str(folder)


def test_lsun_categories_and_images(tmp_path):
    kitchen = lmdb_folder(tmp_path / 'kitchen_train_lmdb', [image_bytes((9, 1), format='WEBP')])
    bedroom = lmdb_folder(tmp_path / 'bedroom_train_lmdb', [image_bytes((i + 1, 1), format='WEBP') for i in range(3)] + [b'?'])
    source = readers.LmdbSource([bedroom, kitchen])
    assert len(source) == 5
    assert [source.picture(i).width for i in (0, 1, 2, 4)] == [1, 2, 3, 9]
    with pytest.raises(images.Unreadable):
        source.picture(3)
    assert 'key003' in source.name(3)
    index, classes = source.categories()
    assert index.tolist() == [0, 0, 0, 0, 1] and classes == ('bedroom', 'kitchen')


def test_a_cut_lmdb_is_an_error_not_a_crash(tmp_path):
    folder = lmdb_folder(tmp_path / 'x_lmdb', [os.urandom(50_000) for _ in range(20)])
    path = os.path.join(folder, 'data.mdb')
    os.truncate(path, os.path.getsize(path) // 2)
    with pytest.raises(UserError, match='incomplete'):
        readers.LmdbSource([folder])


def test_lsun_without_lmdb_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'lmdb', None)
    with pytest.raises(UserError, match='pip install lmdb'):
        readers.LmdbSource([str(tmp_path)])


# ---------------------------------------------------------------- labels

def test_labels_from_folders_below_the_shared_one():
    index, classes = labels.from_folders(['all/cat/1.jpg', 'all/dog/x/2.jpg', 'all/cat/3.jpg', 'all/4.jpg'])
    assert index.tolist() == [0, 1, 0, -1] and classes == ('cat', 'dog')
    index, classes = labels.from_folders([f'{i}/a.jpg' for i in (10, 9, 1)])
    assert index.tolist() == [2, 1, 0] and classes == ('1', '9', '10')


@pytest.mark.parametrize('text', ['a.jpg,cat\nb.jpg,dog\n', 'file,label\r\na.jpg,cat\r\nb.jpg,dog\r\n', 'a.jpg;cat\nb.jpg;dog',
                                  'a.jpg\tcat\nb.jpg\tdog\n\n', '\ufeffimage_id,size,class\na,9,cat\nb,7,dog\n',
                                  '"sub/a.jpg","cat"\n"b.jpg","dog"\n'])
def test_csv_dialects(tmp_path, text):
    path = write(tmp_path, 'labels.csv', text)
    index, classes = labels.from_csv(path, ['b.jpg', 'sub/a.jpg' if 'sub' in text else 'a.jpg'])
    assert index.tolist() == [1, 0] and classes == ('cat', 'dog')


def test_csv_names_match_whole_then_bare_then_without_extension(tmp_path):
    names = ['x/1.jpg', 'y/2.jpg']
    for text in ('x/1.jpg,a\ny/2.jpg,b\n', '1.jpg,a\n2.jpg,b\n', '1,a\n2,b\n', 'x\\1.jpg,a\ny\\2.jpg,b\n'):
        assert labels.from_csv(write(tmp_path, 'l.csv', text), names)[0].tolist() == [0, 1]
    assert labels.from_csv(write(tmp_path, 'l.csv', '2.jpg,b\n9.jpg,c'), names) [0].tolist() == [-1, 0]
    with pytest.raises(UserError, match='1.jpg stands for x/1.jpg and y/1.jpg'):
        labels.from_csv(write(tmp_path, 'l.csv', '1.jpg,a\n'), ['x/1.jpg', 'y/1.jpg'])


def test_too_many_classes(tmp_path):
    path = write(tmp_path, 'l.csv', ''.join(f'{i}.jpg,{i * 7}\n' for i in range(1001)))
    with pytest.raises(UserError, match='1,001 different labels'):
        labels.from_csv(path, [f'{i}.jpg' for i in range(1001)])


ATTRIBUTES = '3\nMale Smiling Young\n1.jpg  1 -1 -1\n2.jpg -1  1 -1\n3.jpg  1  1  1\n'


def test_celeba_attributes_make_combined_classes(tmp_path):
    names = ['img/3.jpg', 'img/2.jpg', 'img/1.jpg', 'img/0.jpg']
    path = write(tmp_path, 'list_attr_celeba.txt', ATTRIBUTES)
    index, classes = labels.from_attributes(path, ['Male'], names)
    assert index.tolist() == [1, 0, 1, -1] and classes == ('not_Male', 'Male')
    index, classes = labels.from_attributes(path, ['Young', 'Male'], names)
    assert [classes[i] for i in index[:3]] == ['Young Male', 'not_Young not_Male', 'not_Young Male']


def test_celeba_attributes_as_csv(tmp_path):
    path = write(tmp_path, 'list_attr_celeba.csv', 'image_id,Male,Smiling\n1.jpg,1,-1\n2.jpg,-1,1\n')
    index, classes = labels.from_attributes(path, ['Smiling'], ['1.jpg', '2.jpg'])
    assert index.tolist() == [0, 1]
