"""The loop around the step: disks that refuse, rollback, time limits, NaN, a second process, an output nobody reads."""
import dataclasses
import errno
import glob
import math
import os
import re
import resource
import shutil
import sys

import numpy as np
import pytest

import checkpoints
import logs
import memory
import plugins
import runs
import tiny_runs
import training
from errors import DiskError, UserError
from tf1 import tf


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return tiny_runs.make_images(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='module')
def finished(images, tmp_path_factory):
    """The Config of a run of 7 steps that was never stopped, and the folder of a copy made at step 6, which has checkpoints 3 and 6."""
    cfg = tiny_runs.settings(images, tmp_path_factory.mktemp('whole'))
    copy = str(tmp_path_factory.mktemp('copy'))
    with tiny_runs.after_step(6, lambda: tiny_runs.snapshot(cfg, copy)):
        assert tiny_runs.train(cfg) == 0
    return cfg, copy


@pytest.fixture
def at_step_6(images, finished, tmp_path):
    """The Config of such a copy, to be trained on."""
    shutil.copytree(finished[1], tmp_path / 'out')
    return tiny_runs.settings(images, tmp_path / 'out')


def everything(folder):
    """{path: content} of all files below a folder."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), 'rb') as file:
                found[os.path.relpath(os.path.join(place, name), folder)] = file.read()
    return found


def steps(cfg):
    return [checkpoint.step for checkpoint in runs.for_training(cfg).checkpoints()]


# ------------------------------------------------------------------------------------------------ beginning and end

def test_a_finished_run_has_everything_and_says_so_when_started_again(finished, capsys):
    cfg, _ = finished
    run = runs.for_training(cfg)
    tiny_runs.assert_whole(run.folder)
    assert tiny_runs.logged_steps(run) == [1, 2, 3, 4, 5, 6, 7] and tiny_runs.event_steps(cfg) == [1]
    assert sorted(os.listdir(run.sample_dir)) == ['train_00000001.png', 'train_00000004.png', 'train_00000007.png', 'training.gif']
    assert sorted(os.listdir(run.folder)) == ['FLAGS.json', 'checkpoint', 'config.json', 'lock', 'logs', 'losses.csv', 'losses.png', 'samples']
    assert tf.train.latest_checkpoint(run.checkpoint_dir).endswith('model.b4-7') and steps(cfg) == [6, 7]
    before = everything(run.folder)
    assert tiny_runs.train(cfg, print) == 0
    assert '--epoch 2 is reached: the run is at step 7 of 7; a larger --epoch goes on' in capsys.readouterr().out
    assert everything(run.folder) == before


def test_the_start_says_what_comes_when_and_where(images, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, 'available', lambda: 1000)
    monkeypatch.setattr(runs, 'create', lambda run: (_ for _ in ()).throw(UserError('far enough')))
    cfg, said = tiny_runs.settings(images, tmp_path / 'out'), []
    with pytest.raises(UserError, match='far enough'):
        tiny_runs.train(cfg, said.append)
    text = '\n'.join(said)
    assert '4 steps per epoch, 7 in all; first sample at step 1, then every 4' in text and 'checkpoint every 3 and at the end' in text
    assert re.search(r'warning: a step takes about 0\.\d GB of memory and 0\.0 GB are free: .*--batch_size \(4\)', text)
    assert os.listdir(tmp_path) == []


def test_a_folder_called_checkpoint_in_the_working_folder_is_not_taken_for_the_run(images, finished, tmp_path, monkeypatch):
    shutil.copytree(runs.for_training(finished[0]).checkpoint_dir, tmp_path / 'checkpoint')
    monkeypatch.chdir(tmp_path)
    assert training._start(runs.for_training(tiny_runs.settings(images, 'out')), tiny_runs.settings(images, 'out')) is None


def test_a_time_limit_saves_and_ends_in_time_and_the_run_goes_on(at_step_6, finished, capsys):
    limited = dataclasses.replace(at_step_6, time_limit=1e-4, epoch=3)
    assert tiny_runs.train(limited) == 75
    assert '--time_limit of 0.0001 minutes is reached: saved at step 7 of 11' in capsys.readouterr().out and steps(at_step_6) == [6, 7]
    for name, value in tiny_runs.tensors(at_step_6).items():
        np.testing.assert_array_equal(value, tiny_runs.tensors(finished[0])[name])


def test_the_time_limit_leaves_room_for_a_step_and_a_save():
    loop = training._Loop.__new__(training._Loop)
    loop.stopping, loop.progress = type('Nothing', (), dict(received=None)), type('Nothing', (), dict(gone=None))
    loop.cfg, loop.seconds = type('Cfg', (), dict(time_limit=1.0)), dict(step=3.0, save=4.0)
    clock = training.time.monotonic()
    loop.began = clock - 60 + 15            # 15 s are left, 14 are needed
    assert loop._reason_to_stop() is None
    loop.began = clock - 60 + 13
    assert loop._reason_to_stop()[1] == 75
    loop.cfg.time_limit = 0.0
    assert loop._reason_to_stop() is None


def test_when_nobody_reads_the_output_the_run_is_saved(at_step_6, monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, 'w') as closed:
        monkeypatch.setattr(sys, 'stdout', closed)
        assert tiny_runs.train(dataclasses.replace(at_step_6, epoch=3)) == 141
        monkeypatch.undo()
    assert 'nobody reads the output any more (Broken pipe): saved at step 7 of 11' in capsys.readouterr().err
    assert steps(at_step_6) == [6, 7]


# ------------------------------------------------------------------------------------------------ one writer

def test_a_second_process_is_refused_before_it_reads_data_and_changes_nothing(at_step_6, monkeypatch):
    folder = runs.for_training(at_step_6).folder
    with runs.Lock(folder):
        before = everything(folder)
        monkeypatch.setattr(plugins.Plugin, 'open_dataset', lambda *_: pytest.fail('data were read'))
        with pytest.raises(UserError, match=rf'process {os.getpid()} on \S+ is training this run.*--out_name'):
            tiny_runs.train(dataclasses.replace(at_step_6, resume_step=3))
        assert everything(folder) == before


def test_two_runs_do_not_share_a_checkpoint_folder(images, at_step_6, tmp_path):
    shared = runs.for_training(at_step_6).checkpoint_dir
    other = tiny_runs.settings(images, tmp_path / 'other', checkpoint_dir=shared)
    with runs.Lock(shared), pytest.raises(UserError, match='is training this run'):
        tiny_runs.train(other)
    assert not (tmp_path / 'other').exists()


# ------------------------------------------------------------------------------------------------ rollback and damage

def test_going_back_sets_later_checkpoints_and_samples_aside_and_cuts_the_logs(at_step_6, finished, capsys):
    run = runs.for_training(at_step_6)
    back = dataclasses.replace(at_step_6, resume_step=3, max_to_keep=9)
    for _ in range(2):                                      # going back twice overwrites nothing
        assert tiny_runs.train(back, print) == 0
    said = capsys.readouterr().out
    assert f'the checkpoints after step 3 are now in {run.checkpoint_dir}/after-3\n' in said and '/after-3-2\n' in said
    assert sorted(os.listdir(os.path.join(run.checkpoint_dir, 'after-3'))) == ['model.b4-6.data-00000-of-00001', 'model.b4-6.index']
    assert sorted(os.listdir(os.path.join(run.sample_dir, 'after-3'))) == ['train_00000004.png']
    assert sorted(os.listdir(os.path.join(run.sample_dir, 'after-3-2'))) == ['train_00000004.png', 'train_00000007.png']
    assert steps(at_step_6) == [3, 6, 7]
    shutil.rmtree(os.path.join(run.sample_dir, 'after-3'))
    shutil.rmtree(os.path.join(run.sample_dir, 'after-3-2'))
    tiny_runs.assert_same(at_step_6, finished[0])


def test_a_step_without_a_checkpoint_lists_those_there_are_and_moves_nothing(at_step_6):
    before = everything(runs.for_training(at_step_6).folder)
    with pytest.raises(UserError, match=r'--resume_step=5: no checkpoint of that step in .*; there are: 3, 6\. --max_to_keep'):
        tiny_runs.train(dataclasses.replace(at_step_6, resume_step=5))
    after = everything(runs.for_training(at_step_6).folder)
    assert {**after, 'lock': b''} == {**before, 'lock': b''}


def test_a_damaged_checkpoint_is_passed_over_and_never_outlives_a_good_one(at_step_6, finished, capsys):
    run = runs.for_training(at_step_6)
    data, = glob.glob(os.path.join(run.checkpoint_dir, 'model.b4-6.data*'))
    with open(data, 'r+b') as file:
        file.seek(100)
        file.write(b'damage')
    assert tiny_runs.train(dataclasses.replace(at_step_6, max_to_keep=1), print) == 0
    assert f'checkpoint {run.checkpoint_dir}/model.b4-6 is damaged' in capsys.readouterr().out
    assert steps(at_step_6) == [7] and os.path.exists(os.path.join(run.checkpoint_dir, 'after-3', 'model.b4-6.index'))
    tiny_runs.assert_same(at_step_6, finished[0])


def test_when_all_checkpoints_are_damaged_it_says_so_and_moves_nothing(at_step_6):
    run = runs.for_training(at_step_6)
    for path in glob.glob(os.path.join(run.checkpoint_dir, '*.index')):
        open(path, 'w').close()
    with pytest.raises(UserError, match='no other that can be read; move the folder away to start anew'):
        tiny_runs.train(at_step_6)
    assert steps(at_step_6) == [3, 6]


# ------------------------------------------------------------------------------------------------ disks that refuse

def refuse(monkeypatch, folder, number):
    """From now on no checkpoint can be written below `folder`."""
    fsync_file = checkpoints.fsync_file

    def refusing(path):
        if path.startswith(str(folder)):
            raise OSError(number, os.strerror(number))
        fsync_file(path)
    monkeypatch.setattr(checkpoints, 'fsync_file', refusing)


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_leaves_older_checkpoints_and_the_rescued_state_goes_on_with_the_same_bits(
        number, at_step_6, finished, tmp_path, monkeypatch):
    run, rescue = runs.for_training(at_step_6), tmp_path / 'rescue'
    before = everything(run.checkpoint_dir)
    refuse(monkeypatch, run.folder, number)
    with pytest.raises(UserError) as error:
        tiny_runs.train(dataclasses.replace(at_step_6, rescue_dir=str(rescue)))
    monkeypatch.undo()
    message = str(error.value)
    assert os.strerror(number) in message and 'older checkpoints are untouched' in message and '\n' not in message
    assert everything(run.checkpoint_dir) == before
    for source, target in re.findall(r'(\S+) to (\S+?)(?: and|$)', message.partition('to go on from it, move ')[2]):
        for path in glob.glob(source):
            shutil.move(path, os.path.join(target, os.path.basename(path)))
    assert steps(at_step_6)[-1] == 7 and tiny_runs.logged_steps(run)[-1] == 7
    for name, value in tiny_runs.tensors(at_step_6).items():
        np.testing.assert_array_equal(value, tiny_runs.tensors(finished[0])[name])


def test_a_row_that_cannot_be_written_ends_the_run_and_a_resume_writes_it(at_step_6, finished, monkeypatch):
    def full(*_):
        raise DiskError('losses.csv: cannot be written (No space left on device)')
    monkeypatch.setattr(logs.LossFile, 'write', full)
    with pytest.raises(UserError, match=r'No space left.*the run is intact up to step 6 and resumes there; --rescue_dir'):
        tiny_runs.train(at_step_6)
    monkeypatch.undo()
    assert steps(at_step_6) == [3, 6]
    assert tiny_runs.train(at_step_6) == 0
    tiny_runs.assert_same(at_step_6, finished[0])


def test_tensorflow_s_own_writing_fails_in_one_line_and_leaves_nothing_aside(at_step_6):
    run = runs.for_training(at_step_6)
    before = everything(run.checkpoint_dir)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with tiny_runs.before_saving(lambda _: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))):
        try:
            with pytest.raises(UserError) as error:
                tiny_runs.train(at_step_6)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert 'model.b4-7' in str(error.value) and 'too large' in str(error.value).lower(), str(error.value)
    assert '\n' not in str(error.value)
    assert everything(run.checkpoint_dir) == before and not os.path.exists(os.path.join(run.checkpoint_dir, checkpoints.UNWRITTEN))


def test_an_output_folder_that_cannot_be_made_is_one_line_and_nothing_is_made(images, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match=r'--out_dir: cannot make .*file/sub.* \(Not a directory\)'):
        tiny_runs.train(tiny_runs.settings(images, tmp_path / 'file' / 'sub'))
    assert os.listdir(tmp_path) == ['file']


def test_a_run_that_cannot_be_written_to_is_one_line(at_step_6):
    lock = os.path.join(runs.for_training(at_step_6).folder, 'lock')
    os.remove(lock)
    os.mkdir(lock)
    with pytest.raises(UserError, match='lock: cannot be written'):
        tiny_runs.train(at_step_6)


# ------------------------------------------------------------------------------------------------ health

def test_a_loss_that_becomes_nan_stops_before_anything_bad_is_saved(images, tmp_path):
    cfg = tiny_runs.settings(images, tmp_path, learning_rate=1e30, ckpt_freq=1)
    with pytest.raises(UserError, match=r'became (nan|inf|-inf) at step \d: nothing of it is saved, .*--learning_rate'):
        tiny_runs.train(cfg)
    for checkpoint in runs.for_training(cfg).checkpoints():
        reader = tf.train.NewCheckpointReader(checkpoint.prefix)
        assert all(np.isfinite(reader.get_tensor(name)).all() for name in reader.get_variable_to_shape_map())
    rows = list(logs.read_losses(runs.for_training(cfg).losses_csv))
    assert all(math.isfinite(float(value)) for row in rows for value in row.values() if value)


@pytest.mark.parametrize('name', ['generator/', 'Adam'])
def test_a_weight_or_a_moment_of_its_gradient_that_becomes_nan_is_named_and_not_saved(name, at_step_6):
    poisoned = []

    def poison(loop):
        variable = next(variable for variable in tf.global_variables() if name in variable.op.name)
        poisoned.append(variable.op.name)
        variable.load(np.full(variable.shape, np.nan, np.float32), loop.sess)
    with tiny_runs.before_saving(poison), pytest.raises(UserError) as error:
        tiny_runs.train(at_step_6)
    assert f'{poisoned[0]} became nan at step 7: nothing of it is saved, the checkpoint of step 6 is kept' in str(error.value)
    assert steps(at_step_6) == [3, 6]


@pytest.mark.parametrize('error', [tf.errors.ResourceExhaustedError(None, None, 'OOM when allocating tensor with shape[9]\nmore'), MemoryError()])
def test_out_of_memory_names_batch_size_and_widths(error):
    cfg = tiny_runs.config.Config(dataset='x', batch_size=999, gf_dim=77, df_dim=66, output_height=55, output_width=44)
    with pytest.raises(UserError) as told, training._memory_in_words(cfg, 'at step 3'):
        raise error
    message = str(told.value)
    assert message.startswith('out of memory at step 3 with --batch_size 999, --gf_dim 77, --df_dim 66 and 55x44 images') and '\n' not in message
