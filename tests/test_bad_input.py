"""Bad input of every kind, through the commands that users type: one line that names what and where, the right exit status,
nothing created, nothing changed, and memory bounded."""
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest

import bad_inputs
import cat_faces
import main
import runs
import tiny_runs
from tf1 import tf

ROOT = pathlib.Path(main.__file__).resolve().parent
MEMORY = 600            # MB that a refusal may take at its peak, beyond what the process had: a photo of 50 megapixels takes 400


def listing(folder):
    """{path: size} of everything below a folder, not following links."""
    return {os.path.join(place, name): os.lstat(os.path.join(place, name)).st_size if name in names else None
            for place, folders, names in os.walk(folder) for name in folders + names}


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """A function that runs a command and checks that it is refused in one line with all of `words`, and leaves no trace."""
    monkeypatch.chdir(tmp_path)

    def check(arguments, words, status=1, program=main.main, lines=1):
        before, peak = listing(tmp_path), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        capsys.readouterr()
        assert program(arguments) == status
        output, error = capsys.readouterr()
        assert error.count('\n') == lines and error.endswith('\n'), error
        assert 'Traceback' not in error and error.isprintable() is False     # the newline at its end
        assert all(character.isprintable() or character == '\n' for character in error), repr(error)
        missing = [word for word in words if word not in error]
        assert not missing, error
        after = {path: size for path, size in listing(tmp_path).items() if os.path.basename(path) != 'lock'}
        assert after == {path: size for path, size in before.items() if os.path.basename(path) != 'lock'}
        assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024 < MEMORY
        return output
    return check


def with_photos(tmp_path):
    bad_inputs.good_images(str(tmp_path / 'faces'), 4)
    return ['--train', '--dataset', str(tmp_path / 'faces'), '--output_height', '8', '--out_dir', str(tmp_path / 'out')]


# ------------------------------------------------------------------------------------------------ flags

USAGE = {       # → exit status 2
    'unknown flag': (['--visualise', 'True'], ['--visualise', '--visualize']),
    'flag of another program': (['--lr', '0.1'], ['--lr']),
    'value without a flag': (['faces'], ["'faces'"]),
    'two words without quotes': (['--out_dir', 'my', 'runs'], ["'runs'", 'quotes']),
    'flag without its value': (['--dataset'], ['--dataset', 'needs a value']),
    'boolean of nonsense': (['--crop=perhaps'], ['--crop=perhaps', 'true or false']),
    'number in words': (['--epoch', 'ten'], ['--epoch=ten']),
    'fraction of a step': (['--sample_freq', '1.5'], ['--sample_freq=1.5']),
    'empty number': (['--batch_size='], ['--batch_size=']),
    'rate in words': (['--learning_rate', 'slow'], ['--learning_rate=slow']),
    'hexadecimal of nonsense': (['--z_dim', '0xzz'], ['--z_dim=0xzz']),
    'only dashes': (['---'], ['unknown flag']),
    'dash alone': (['-'], ["'-'"]),
    'emoji as a flag': (['--😀'], ['unknown flag']),
    'newline in a flag': (['--a\nb'], ['unknown flag', '\\n']),
}
VALUES = {      # → exit status 1
    'size 0': (['--output_height', '0'], ['--output_height=0', 'at least 1']),
    'negative width': (['--output_width', '-3'], ['--output_width=-3']),
    'batch of none': (['--batch_size', '0'], ['--batch_size=0']),
    'batch of billions': (['--batch_size', '99999999999'], ['--batch_size=99999999999', 'at most']),
    'z of a quintillion': (['--z_dim', str(10 ** 18)], ['--z_dim', 'at most']),
    'size beyond reason': (['--output_height', '10000000'], ['--output_height=10000000', 'at most']),
    'width beyond reason': (['--gf_dim', str(2 ** 40)], ['--gf_dim', 'at most']),
    'no epochs': (['--epoch', '0'], ['--epoch=0']),
    'negative cache': (['--cache_mb', '-1'], ['--cache_mb=-1']),
    'negative keep_every': (['--keep_every', '-1'], ['--keep_every=-1']),
    'keep nothing': (['--max_to_keep', '0'], ['--max_to_keep=0']),
    'rate of 0': (['--learning_rate', '0'], ['--learning_rate=0']),
    'rate of infinity': (['--learning_rate', 'inf'], ['--learning_rate=inf']),
    'rate of NaN': (['--g_learning_rate', 'nan'], ['--g_learning_rate=nan']),
    'negative rate of D': (['--d_learning_rate', '-1e-4'], ['--d_learning_rate=-0.0001']),
    'beta1 of 1': (['--beta1', '1'], ['--beta1=1']),
    'beta1 of NaN': (['--beta1', 'nan'], ['--beta1=nan']),
    'smoothing of 2': (['--label_smoothing', '2'], ['--label_smoothing=2']),
    'dropout of 1': (['--dropout', '1'], ['--dropout=1']),
    'share above 1': (['--max_bad_images', '1.5'], ['--max_bad_images=1.5']),
    'half an image': (['--train_size', '0.5'], ['--train_size=0.5']),
    'train_size NaN': (['--train_size', 'nan'], ['--train_size=nan']),
    'negative seed': (['--seed', '-1'], ['--seed=-1']),
    'huge seed': (['--seed', str(2 ** 63)], ['--seed', '2^63']),
    'negative time limit': (['--time_limit', '-5'], ['--time_limit=-5']),
    'negative time limit NaN': (['--time_limit', 'nan'], ['--time_limit=nan']),
    'option 5': (['--option', '5'], ['--option=5']),
    'option misspelt': (['--option', 'wlak'], ['--option=wlak', 'walk']),
    'grid of nonsense': (['--grid', '4by6'], ['--grid=4by6', '4x6']),
    'grid of none': (['--grid', '0x4'], ['--grid=0x4']),
    'z_dist misspelt': (['--z_dist', 'normal'], ['--z_dist=normal', 'normal01']),
    'loss misspelt': (['--loss', 'wasserstein'], ['--loss=wasserstein', 'hinge']),
    'channels': (['--c_dim', '7'], ['--c_dim=7', '1', '3']),
    'no data set': (['--dataset', ''], ['--dataset']),
    'unknown plugin': (['--plugin', 'dcgam'], ['--plugin=dcgam', 'dcgan']),
    'plugin file that is not there': (['--plugin', 'nowhere.py'], ['nowhere.py', 'no such file']),
    'labels without classes': (['--plugin', 'mlp', '--labels', 'folder'], ['--labels folder', 'sub-folder']),
    'resume_step without a checkpoint': (['--resume_step', '7'], ['--resume_step=7', 'none']),
}


@pytest.mark.parametrize('name', USAGE)
def test_wrong_usage(name, refused):
    refused(*USAGE[name], status=2)


@pytest.mark.parametrize('name', VALUES)
def test_wrong_values(name, refused, tmp_path):
    arguments, words = VALUES[name]
    refused(with_photos(tmp_path) + arguments, words)


# ------------------------------------------------------------------------------------------------ folders to write to

PLACES = {
    'out_dir is a file': (['--out_dir', 'file'], ['file', 'Not a directory']),
    'out_dir below a file': (['--out_dir', 'file/below'], ['file/below', 'Not a directory']),
    'out_dir in a device': (['--out_dir', '/dev/null/out'], ['/dev/null']),
    'out_dir in the kernel': (['--out_dir', '/proc/out'], ['/proc/out']),
    'checkpoint_dir is a file': (['--checkpoint_dir', '{}/file'], ['file']),
    'sample_dir is a file': (['--sample_dir', '{}/file'], ['file', 'exists']),
    'name of 300 characters': (['--out_name', 'x' * 300], ['File name too long']),
    'name with wildcards': (['--out_name', 'a*b'], ['a*b', 'wildcards']),
    'NUL in a name': (['--out_name', 'a\0b'], ['a\\x00b']),
}


@pytest.mark.parametrize('name', PLACES)
def test_places_that_cannot_be_written_to(name, refused, tmp_path, monkeypatch):
    monkeypatch.setattr('training.DCGAN.from_config', _quick_model)
    monkeypatch.setattr('training._announce', lambda *_: None)
    (tmp_path / 'file').write_text('')
    arguments, words = PLACES[name]
    refused(with_photos(tmp_path) + [argument.replace('{}', str(tmp_path)) for argument in arguments], words)


def _quick_model(sess, cfg, plugin, dataset, start_step=0):
    """What comes between the data and the first file, without the seconds that a graph takes."""
    tf.get_variable('v', [1])
    return type('Model', (), dict(cfg=cfg.with_data(dataset, 0), dataset=dataset))


# ------------------------------------------------------------------------------------------------ data

@pytest.mark.parametrize('name', bad_inputs.FOLDERS)
def test_folders_of_data(name, refused, tmp_path):
    make, settings, words = bad_inputs.FOLDERS[name]
    folder = tmp_path / 'data set'
    folder.mkdir()
    make(str(folder))
    flags = [part for setting, value in settings.items() for part in (f'--{setting}', str(value))]
    refused(['--train', '--dataset', str(folder), '--output_height', '8', '--out_dir', str(tmp_path / 'out'), *flags], words)


@pytest.mark.parametrize('name', bad_inputs.IMAGES)
def test_images(name, refused, tmp_path):
    data, words = bad_inputs.IMAGES[name]
    bad_inputs.write(str(tmp_path / 'faces'), 'näme 😀\n.jpg', data)
    refused(['--train', '--dataset', str(tmp_path / 'faces'), '--out_dir', str(tmp_path / 'out')], ['1 of 1', 'näme 😀\\n.jpg', words])


def unreadable_link(folder):
    os.symlink('/nowhere/at/all.jpg', os.path.join(folder, 'link.jpg'))


def loop_of_folders(folder):
    os.symlink(folder, os.path.join(folder, 'again'))


def pipe(folder):
    os.mkfifo(os.path.join(folder, 'pipe.jpg'))


def folder_called_jpg(folder):
    os.makedirs(os.path.join(folder, 'folder.jpg'))


@pytest.mark.parametrize('make', [unreadable_link, loop_of_folders, pipe, folder_called_jpg])
def test_things_that_are_no_files(make, refused, tmp_path):
    folder = tmp_path / 'faces'
    folder.mkdir()
    make(str(folder))
    refused(['--train', '--dataset', str(folder), '--out_dir', str(tmp_path / 'out')], ['--dataset', 'faces'])


@pytest.mark.parametrize('name', bad_inputs.CATS)
def test_cat_files(name, refused, tmp_path):
    text, words = bad_inputs.CATS[name]
    bad_inputs.write(str(tmp_path / 'photos'), 'a.jpg', bad_inputs.image_bytes((200, 200), format='JPEG'))
    bad_inputs.write(str(tmp_path / 'photos'), 'a.jpg.cat', text)
    refused([str(tmp_path / 'photos'), str(tmp_path / 'cut')], ['a.jpg', words], program=cat_faces.main)


# ------------------------------------------------------------------------------------------------ runs

@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A folder with images and a finished run of one checkpoint."""
    folder = tmp_path_factory.mktemp('trained')
    cfg = tiny_runs.settings(tiny_runs.make_images(folder / 'images'), folder / 'out', epoch=1, max_to_keep=1)
    assert tiny_runs.train(cfg) == 0
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """A copy of that run, and the commands that train it on and that look at it."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return tmp_path / 'out' / 'run'


def commands(run):
    images, common = run.parent.parent / 'images', ['--out_dir', str(run.parent), '--out_name', 'run']
    sizes = [part for name, value in tiny_runs.WIDTHS.items() for part in (f'--{name}', str(value))]
    train = ['--train', '--plugin', 'mlp', '--dataset', str(images), '--output_height', str(tiny_runs.SIZE), '--input_height',
             str(tiny_runs.SIZE), '--batch_size', str(tiny_runs.BATCH), '--epoch', '9', *sizes, *common]
    return train, ['--dataset', str(images), '--plugin', 'mlp', *common]


def cut(name, keep):
    def damage(run):
        path, = (run / 'checkpoint').glob(name)
        content = path.read_bytes()
        path.write_bytes(content[:int(keep * len(content))])
    return damage


def overwritten(name, make):
    def damage(run):
        path, = (run / 'checkpoint').glob(name)
        path.write_bytes(make(len(path.read_bytes())))
    return damage


def gone(name):
    def damage(run):
        path, = (run / 'checkpoint').glob(name)
        path.unlink()
    return damage


def replaced_by_a_folder(name):
    def damage(run):
        path, = (run / 'checkpoint').glob(name)
        path.unlink()
        path.mkdir()
    return damage


def one_bit(run):
    path, = (run / 'checkpoint').glob('*.data*')
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def noise(size):
    return np.random.default_rng(3).bytes(size)


CHECKPOINTS = {
    'index cut': cut('*.index', 0.5), 'index empty': cut('*.index', 0), 'index cut by a byte': cut('*.index', 0.999),
    'index of random bytes': overwritten('*.index', noise), 'index of zeros': overwritten('*.index', bytes),
    'index that is a web page': overwritten('*.index', lambda size: b'<html>' * 99),
    'index that is a folder': replaced_by_a_folder('*.index'),
    'data cut': cut('*.data*', 0.5), 'data empty': cut('*.data*', 0), 'data cut by a byte': cut('*.data*', 0.9999),
    'data of random bytes': overwritten('*.data*', noise), 'data of zeros': overwritten('*.data*', bytes),
    'data gone': gone('*.data*'), 'data that are a folder': replaced_by_a_folder('*.data*'), 'one bit wrong': one_bit,
}


@pytest.mark.parametrize('name', CHECKPOINTS)
def test_damaged_checkpoints(name, run, refused):
    CHECKPOINTS[name](run)
    train, look = commands(run)
    refused(train, ['model.b4-4', 'damaged', 'no other that can be read'])
    assert 'model.b4-4 is damaged' in refused(look, [str(run / 'checkpoint'), 'none of its 1 checkpoints can be read'])


def other_model(run):
    path, = (run / 'checkpoint').glob('*.index')
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.get_variable('conv_1/kernel', initializer=[1.0, 2.0])
        sess.run(tf.global_variables_initializer())
        tf.train.Saver().save(sess, str(path)[:-len('.index')], write_meta_graph=False, write_state=False)


def test_a_checkpoint_of_another_model(run, refused):
    other_model(run)
    for command in commands(run):
        refused(command, ['model.b4-4', 'made by another model', '--plugin'])


def edited(change):
    def damage(path):
        record = json.loads(path.read_text())
        change(record)
        path.write_text(json.dumps(record))
    return damage


def with_setting(name, value):
    return edited(lambda record: record['settings'].update({name: value}))


def as_folder(path):
    path.unlink()
    path.mkdir()


def as_pipe(path):
    path.unlink()
    os.mkfifo(path)


def as_link_to_itself(path):
    path.unlink()
    path.symlink_to(path)


CONFIGS = {
    'empty': (lambda path: path.write_text(''), ['line 1']),
    'cut': (lambda path: path.write_text(path.read_text()[:300]), ['line']),
    'random bytes': (lambda path: path.write_bytes(noise(999)), []),
    'web page': (lambda path: path.write_text('<!DOCTYPE html>'), ['line 1']),
    'not UTF-8': (lambda path: path.write_bytes(path.read_bytes().replace(b'mlp', b'm\xff')), ['utf-8']),
    'a list': (lambda path: path.write_text('[]'), []),
    'a number': (lambda path: path.write_text('3'), []),
    'null': (lambda path: path.write_text('null'), []),
    'an empty object': (lambda path: path.write_text('{}'), ['settings']),
    'nested a million deep': (lambda path: path.write_text('[' * 10 ** 6), []),
    'two megabytes': (lambda path: path.write_text(path.read_text() + ' ' * 2 * 10 ** 6), ['2,00']),
    'a number of 5,000 digits': (lambda path: path.write_text('{"settings": ' + '9' * 5000 + '}'), []),
    'a folder': (as_folder, ['regular file']),
    'a pipe': (as_pipe, ['regular file']),
    'a link to itself': (as_link_to_itself, ['symbolic links']),
    'without settings': (edited(lambda record: record.pop('settings')), ['settings']),
    'without data': (edited(lambda record: record.pop('data')), ['data']),
    'settings in a list': (edited(lambda record: record.update(settings=[1])), ['object']),
    'without a setting': (edited(lambda record: record['settings'].pop('z_dim')), ['z_dim']),
    'unknown setting': (with_setting('batchsize', 4), ['batchsize', 'batch_size']),
    'text for a number': (with_setting('z_dim', 'four'), ['z_dim', "'four'"]),
    'fraction for a whole number': (with_setting('output_height', 3.5), ['output_height', '3.5']),
    'true for a number': (with_setting('gf_dim', True), ['gf_dim', 'True']),
    'text for true': (with_setting('crop', 'no'), ['crop', "'no'"]),
    'null for a text': (with_setting('plugin', None), ['plugin', 'None']),
    'list for a text': (with_setting('dataset', ['x']), ['dataset']),
}


@pytest.mark.parametrize('name', CONFIGS)
def test_damaged_records_of_a_run(name, run, refused):
    damage, words = CONFIGS[name]
    damage(run / 'config.json')
    for command in commands(run):
        refused(command, ['config.json', 'not a record of a run', 'move the folder away', *words])


LOSSES = {
    'another heading': ('a,b\n', ['heading']),
    'a row of text': ('step,epoch,d_loss_real,d_loss_fake,d_loss,g_loss\nhello\n', ['line 2']),
    'a step left out': ('step,epoch,d_loss_real,d_loss_fake,d_loss,g_loss\n1,0,1,1,1,1\n3,0,1,1,1,1\n', ['line 3', 'step 2']),
}


@pytest.mark.parametrize('name', LOSSES)
def test_damaged_losses(name, run, refused):
    text, words = LOSSES[name]
    (run / 'losses.csv').write_text(text)
    os.remove(run / 'FLAGS.json')               # written anew: only now may it be missing
    with contextlib.suppress(FileNotFoundError):
        os.remove(run / 'config.json')
    from logs import LossFile
    from errors import UserError
    with pytest.raises(UserError) as error:
        LossFile(str(run / 'losses.csv'), ['d_loss_real', 'd_loss_fake', 'd_loss', 'g_loss'], 4)
    assert all(word in str(error.value) for word in ['losses.csv', *words]) and '\n' not in str(error.value)
    assert (run / 'losses.csv').read_text() == text


Z_FILES = {
    'missing': (None, 'No such file'), 'text': (b'1 2 3 4\n', 'not a .npy file'), 'empty': (b'', 'not a .npy file'),
    'pickle': (b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }" + b' ' * 59 + b'\n' + bad_inputs.EVIL_PICKLE,
               'not a .npy file'),
    'another width': (np.zeros((2, 3)), '[2, 3]'), 'NaN': (np.full((2, 4), np.nan), 'not finite'), 'no rows': (np.zeros((0, 4)), '[0, 4]'),
    'a cube': (np.zeros((2, 2, 2)), '[2, 2, 2]'), 'complex': (np.zeros((2, 4), complex), 'complex'),
}


@pytest.mark.parametrize('name', Z_FILES)
def test_files_of_z(name, run, refused):
    content, word = Z_FILES[name]
    path = run.parent / 'z.npy'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    refused([*commands(run)[1], '--z_file', str(path)], ['--z_file', 'z.npy', word])


@pytest.mark.parametrize('arguments, words', [
    (['--class', '3'], ['--class=3', 'not conditional']),
    (['--grid', '2x2', '--search', '3'], ['--search=3', '4']),
    (['--out_name', 'nowhere'], ['nowhere', '--train', 'run']),
    (['--checkpoint_dir', 'nowhere'], ['nowhere']),
])
def test_pictures_that_cannot_be_made(arguments, words, run, refused):
    train, look = commands(run)
    refused(look + arguments, words, lines=2 if '--out_name' in arguments else 1)


# ------------------------------------------------------------------------------------------------ as a program

@pytest.mark.parametrize('arguments, status, words', [
    (['--visualise', 'True'], 2, ['--visualize']),
    (['--dataset', '/nowhere/faces', '--train'], 1, ['/nowhere/faces']),
])
def test_as_a_program(arguments, status, words, tmp_path):
    done = subprocess.run([sys.executable, str(ROOT / 'main.py'), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == status and re.fullmatch(r'error: [^\n]+\n', done.stderr) and done.stdout == ''
    assert all(word in done.stderr for word in words) and os.listdir(tmp_path) == []


def test_there_are_enough_of_them():
    assert sum(map(len, (USAGE, VALUES, PLACES, bad_inputs.FOLDERS, bad_inputs.IMAGES, bad_inputs.CATS, CHECKPOINTS, CONFIGS, LOSSES,
                         Z_FILES))) >= 200
