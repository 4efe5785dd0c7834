"""What training writes down: exact losses, logs cut back on resume, upstream's line, the curve."""
import csv
import glob
import os
import re
import types

import numpy as np
import pytest
from PIL import Image

import logs
from errors import DiskError, UserError
from logs import EventFile, LossFile, Progress, read_losses, write_curve
from tf1 import tf

COLUMNS = ['d_loss', 'g_loss']


def written(path, steps, columns=COLUMNS, start=0):
    file = LossFile(str(path), columns, start)
    for step in steps:
        file.write(step, step // 3, {'d_loss': np.float32(1) / np.float32(step), 'g_loss': np.float32(step)})
    file.close()
    return path.read_bytes()


def steps_of(path):
    return [int(row['step']) for row in read_losses(str(path))]


# ------------------------------------------------------------------------------------------------ losses.csv

def test_losses_are_written_exactly(tmp_path):
    text = written(tmp_path / 'losses.csv', range(1, 8)).decode()
    assert text.splitlines()[0] == 'step,epoch,d_loss,g_loss' and text.endswith('\n')
    for row in csv.DictReader(text.splitlines()):
        assert np.float32(row['d_loss']) == np.float32(1) / np.float32(int(row['step']))
        assert int(row['epoch']) == int(row['step']) // 3 and float(row['g_loss']) == int(row['step'])


def test_a_metric_that_a_step_lacks_is_an_empty_cell(tmp_path):
    file = LossFile(str(tmp_path / 'losses.csv'), COLUMNS, 0)
    file.write(1, 0, {'d_loss': 0.5, 'd_accuracy_real': 1.0})
    file.close()
    assert (tmp_path / 'losses.csv').read_text() == 'step,epoch,d_loss,g_loss\n1,0,0.5,\n'
    assert list(read_losses(str(tmp_path / 'losses.csv'))) == [{'step': '1', 'epoch': '0', 'd_loss': '0.5',
                                                                'g_loss': ''}]


@pytest.mark.parametrize('torn', [b'', b'8,2,0.12', b'8', b'8,2,0.125,8'])
def test_a_resumed_run_has_the_very_bytes_of_an_uninterrupted_one(torn, tmp_path):
    whole = written(tmp_path / 'whole.csv', range(1, 11))
    path = tmp_path / 'losses.csv'
    written(path, range(1, 8))
    path.write_bytes(path.read_bytes() + torn)
    assert written(path, range(6, 11), start=5) == whole


def test_a_fresh_start_begins_a_new_file(tmp_path):
    path = tmp_path / 'losses.csv'
    written(path, range(1, 5))
    assert written(path, [1]).count(b'\n') == 2


def test_a_resume_beyond_the_last_row_says_that_rows_are_missing(tmp_path):
    written(tmp_path / 'losses.csv', range(1, 4))
    said = []
    file = LossFile(str(tmp_path / 'losses.csv'), COLUMNS, 9, said.append)
    file.write(10, 3, {})
    file.close()
    assert steps_of(tmp_path / 'losses.csv') == [1, 2, 3, 10]
    assert len(said) == 1 and 'ends at step 3, the checkpoint is of step 9' in said[0]


def test_a_resume_without_the_file_begins_one(tmp_path):
    written(tmp_path / 'losses.csv', [6, 7], start=5)
    assert steps_of(tmp_path / 'losses.csv') == [6, 7]


@pytest.mark.parametrize('text', ['step,loss\n1,2\n', 'diary\n', '',
                                  'step,epoch,d_loss,g_loss\n1,0,1,1\nxyz\n3,0,1,1\n',
                                  'step,epoch,d_loss,g_loss\n1,0,1,1\n3,0,1,1\n4,0,1,1\n'])
def test_a_file_that_is_something_else_is_named_and_left_alone(text, tmp_path):
    path = tmp_path / 'losses.csv'
    path.write_text(text)
    with pytest.raises(UserError, match='losses.csv: .*mend it, or move the file away') as error:
        LossFile(str(path), COLUMNS, 4)
    assert '\n' not in str(error.value) and path.read_text() == text


def test_a_torn_last_line_is_no_row(tmp_path):
    path = tmp_path / 'losses.csv'
    written(path, range(1, 4))
    for torn in ('4,1,0.25', '4,1,0.25,4'):
        path.write_bytes(written(path, range(1, 4)) + torn.encode())
        assert steps_of(path) == [1, 2, 3]


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match='cannot be written') as error:
        LossFile(str(tmp_path / 'file' / 'losses.csv'), COLUMNS, 0)
    assert '\n' not in str(error.value)


def test_a_full_disk_leaves_whole_lines_and_a_copy_has_the_lost_row(tmp_path, monkeypatch):
    path = tmp_path / 'losses.csv'
    written(path, range(1, 4))
    file = LossFile(str(path), COLUMNS, 3)
    real = os.write
    with monkeypatch.context() as patched:
        patched.setattr(logs.os, 'write', lambda descriptor, text: real(descriptor, text[:3]))
        with pytest.raises(DiskError, match='losses.csv: cannot be written .No space left on device'):
            file.write(4, 1, {'d_loss': 0.5, 'g_loss': 1.0})
    assert path.read_bytes().endswith(b'\n') and steps_of(path) == [1, 2, 3]
    file.copy(str(tmp_path / 'rescue'))
    file.close()
    assert steps_of(tmp_path / 'rescue' / 'losses.csv') == [1, 2, 3, 4]


# ------------------------------------------------------------------------------------------------ TensorBoard

def summary(value):
    return tf.Summary(value=[tf.Summary.Value(tag='d_loss', simple_value=value)]).SerializeToString()


def events(folder):
    """[(step, value)] of all event files, in their order."""
    paths = sorted(glob.glob(os.path.join(folder, 'events*')))
    found = [tf.Event.FromString(record) for path in paths for record in tf.io.tf_record_iterator(path)]
    return [(event.step, event.summary.value[0].simple_value) for event in found if event.HasField('summary')]


def write_events(folder, steps, start=0):
    file = EventFile(str(folder), start)
    for step in steps:
        file.write(summary(float(step)), step)
    file.flush()
    file.close()


def test_events_are_what_tensorboard_reads(tmp_path):
    write_events(tmp_path, [1, 50])
    path, = glob.glob(str(tmp_path / '*'))
    assert 'tfevents' in os.path.basename(path)
    first = tf.Event.FromString(next(tf.io.tf_record_iterator(path)))
    assert first.file_version == 'brain.Event:2'
    assert events(tmp_path) == [(1, 1.0), (50, 50.0)]


def test_no_step_stands_twice_after_a_resume(tmp_path):
    write_events(tmp_path, [1, 50, 100, 150])
    write_events(tmp_path, [101, 150, 200], start=100)
    assert sorted(events(tmp_path)) == [(1, 1.0), (50, 50.0), (100, 100.0), (101, 101.0), (150, 150.0), (200, 200.0)]
    write_events(tmp_path, [2], start=1)
    assert sorted(events(tmp_path)) == [(1, 1.0), (2, 2.0)]
    assert all(os.path.basename(path).startswith('events') for path in glob.glob(str(tmp_path / '*'))), 'nothing is left aside'


def test_files_that_need_no_cut_are_not_touched(tmp_path):
    write_events(tmp_path, [1, 50])
    path, = glob.glob(str(tmp_path / '*'))
    before = os.stat(path)
    EventFile(str(tmp_path), 50).close()
    assert (os.stat(path).st_ino, os.stat(path).st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize('cut', [1, 5, 20])
def test_the_torn_end_that_a_kill_leaves_is_cut(cut, tmp_path):
    write_events(tmp_path, [1, 50, 100])
    path, = glob.glob(str(tmp_path / '*'))
    with open(path, 'rb+') as file:
        file.truncate(os.path.getsize(path) - cut)
    write_events(tmp_path, [101], start=100)
    assert sorted(events(tmp_path)) == [(1, 1.0), (50, 50.0), (101, 101.0)]


def test_folders_with_glob_characters(tmp_path):
    folder = tmp_path / 'run [1]'
    folder.mkdir()
    write_events(folder, [1, 2])
    EventFile(str(folder), 1).close()
    paths = os.listdir(folder)
    assert [tf.Event.FromString(record).step for name in paths for record in tf.io.tf_record_iterator(str(folder / name))] == [0, 1]


# ------------------------------------------------------------------------------------------------ the screen

CFG = types.SimpleNamespace(epoch=25)


def test_a_pipe_gets_upstreams_line(capsys):
    progress = Progress(CFG, steps_per_epoch=4, step=0, total_steps=100)
    progress.show(6, 1, {'d_loss': 1.25, 'g_loss': 0.75, 'other': 3}, 12.5, 100.0, 0.01)
    progress.show(7, 1, {'d_loss': 2.0}, 13.0, 100.0, 0.01)
    progress.say('saved')
    progress.close()
    assert capsys.readouterr().out.splitlines() == [
        '[       6 Epoch:[ 1/25] [   1/   4] time: 12.5000, d_loss: 1.25000000, g_loss: 0.75000000',
        '[       7 Epoch:[ 1/25] [   2/   4] time: 13.0000, d_loss: 2.00000000, g_loss: 0.75000000', 'saved']


def test_before_the_first_loss_of_a_player_it_is_nan(capsys):
    Progress(CFG, 4, 0, 100).show(1, 0, {'g_loss': 0.5}, 1.0, 1.0, 0.0)
    assert 'd_loss: nan, g_loss: 0.50000000' in capsys.readouterr().out


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(logs.sys.stderr, 'isatty', lambda: True, raising=False)
    progress = Progress(CFG, 4, 2, 10)
    progress.show(3, 0, {'d_loss': 1.25, 'g_loss': 0.75}, 12.5, 123.0, 0.02)
    progress.say('saved')
    progress.close()
    output = capsys.readouterr()
    assert re.search(r'epoch 1/25.*3/10', output.err) and 'Epoch:[' not in output.out
    assert 'saved' in output.out + output.err


# ------------------------------------------------------------------------------------------------ the curve

def test_the_curve_is_a_picture_with_both_colours(tmp_path):
    written(tmp_path / 'losses.csv', range(1, 200))
    write_curve(str(tmp_path / 'losses.csv'), str(tmp_path / 'losses.png'), 400, 200)
    with Image.open(tmp_path / 'losses.png') as image:
        assert image.size == (400, 200) and image.format == 'PNG'
        colours = {colour for _, colour in image.convert('RGB').getcolors(100_000)}
    assert {(31, 119, 180), (214, 39, 40), (255, 255, 255)} <= colours


@pytest.mark.parametrize('rows', [[(1, '0', '0')], [(1, '0.5', '')], [(1, '', '2'), (2, '1', '3')],
                                  [(1, '-3', '-4'), (2, '-5', '-1')]])
def test_the_curve_of_few_or_odd_losses(rows, tmp_path):
    (tmp_path / 'losses.csv').write_text('step,epoch,d_loss,g_loss\n' + ''.join(f'{step},0,{d},{g}\n' for step, d,
                                                                                g in rows))
    write_curve(str(tmp_path / 'losses.csv'), str(tmp_path / 'losses.png'))
    with Image.open(tmp_path / 'losses.png') as image:
        assert image.size == (900, 420)


def test_without_a_step_there_is_no_curve(tmp_path):
    written(tmp_path / 'losses.csv', [])
    write_curve(str(tmp_path / 'losses.csv'), str(tmp_path / 'losses.png'))
    assert not (tmp_path / 'losses.png').exists()
