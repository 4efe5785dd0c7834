"""Runs on disk: names without the clock, found again in a fixed order of places, one writer at a time."""
import dataclasses
import json
import math
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest

import checkpoints
import data
import runs
from config import Config
from errors import DiskError, UserError

SETTINGS = dict(dataset='faces', plugin='dcgan', output_height=48)


def config(tmp_path, **changes):
    return Config(**{**SETTINGS, 'out_dir': str(tmp_path / 'out'), **changes}).resolved()


def a_run(cfg, steps=(), age=None):
    """A run on disk as training leaves it, with empty checkpoints (found by their names); age: seconds since 1970."""
    run = runs.for_training(cfg)
    runs.create(run)
    dataset = data.from_arrays(np.zeros((5, cfg.output_height, cfg.output_width, 3), np.uint8), name=cfg.dataset)
    runs.write_record(run, cfg.with_data(dataset, 0), dataset, {'tensorflow': '2'})
    for step in steps:
        path = os.path.join(run.checkpoint_dir, f'model.b64-{step}.index')
        open(path, 'w').close()
        if age:
            os.utime(path, (age, age))
    return run


def everything(folder):
    return sorted(os.path.join(place, name) for place, folders, files in os.walk(folder) for name in folders + files)


# ------------------------------------------------------------------------------------------------ names and places

@pytest.mark.parametrize('changes, name', [
    (dict(), 'faces-dcgan-48x48'), (dict(dataset='mnist', plugin='mnist', output_height=28), 'mnist-28x28'),
    (dict(dataset='/data/my faces/', output_width=33), 'my faces-dcgan-48x33'),
    (dict(plugin='/home/me/gan.py'), 'faces-gan-48x48'),
    (dict(dataset='./x/y'), 'y-dcgan-48x48')])
def test_the_default_name_is_made_of_data_plugin_and_size(changes, name, tmp_path):
    cfg = config(tmp_path, **changes)
    assert runs.default_name(cfg) == name
    assert runs.for_training(cfg).folder == str(tmp_path / 'out' / name)


def test_folders_are_inside_the_run_unless_absolute(tmp_path):
    run = runs.for_training(config(tmp_path, out_name='mine', sample_dir='pictures',
                                   checkpoint_dir=str(tmp_path / 'ck')))
    assert run.folder == str(tmp_path / 'out' / 'mine') and run.checkpoint_dir == str(tmp_path / 'ck')
    assert run.sample_dir == os.path.join(run.folder, 'pictures') and run.log_dir == os.path.join(run.folder, 'logs')
    assert run.losses_csv == os.path.join(run.folder, 'losses.csv')
    assert not (tmp_path / 'out').exists(), 'nothing is created yet'
    runs.create(run)
    assert all(map(os.path.isdir, (run.folder, run.checkpoint_dir, run.sample_dir, run.log_dir)))


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'out').write_text('a file')
    with pytest.raises(DiskError, match='--out_dir: cannot make .*out'):
        runs.create(runs.for_training(config(tmp_path)))


@pytest.mark.parametrize('name', ['a*b', 'what?', 'faces [1]', 'back\\slash'])
def test_names_that_tensorflow_would_expand_are_refused_before_training(name, tmp_path):
    with pytest.raises(UserError, match='wildcards; give --out_dir and --out_name without them'):
        runs.create(runs.for_training(config(tmp_path, out_name=name)))
    assert everything(tmp_path) == []


# ------------------------------------------------------------------------------------------------ the record

def test_the_record_is_valid_json_and_gives_the_config_back(tmp_path):
    cfg = config(tmp_path, train_size=math.inf, d_steps=3, epoch=7)
    run = a_run(cfg)
    record = json.load(open(os.path.join(run.folder, 'config.json')), parse_constant=pytest.fail)
    assert record['settings']['epoch'] == 7 and record['settings']['train_size'] == 'inf'
    assert record['data'] == {'name': 'faces', 'images': 5, 'shape': [48, 48, 3], 'num_classes': 0, 'class_names': []}
    assert record['versions']['tensorflow'] == '2' and record['versions']['python']
    flags = json.load(open(os.path.join(run.folder, 'FLAGS.json')))
    assert flags['d_steps'] == 3 and 'y_dim' not in flags
    again = run.config()
    assert again.train_size == math.inf and int(again.c_dim) == 3
    assert dataclasses.replace(again, c_dim='auto') == cfg
    assert run.config(seed=5).seed == 5


def test_a_folder_without_a_record_has_an_empty_one(tmp_path):
    assert runs.for_training(config(tmp_path)).record() == {}


@pytest.mark.parametrize('text', ['', '{', '[]', '{}', '{"settings": 3}', '{"settings": {}, "data": []}', 'null',
                                  '\x00\xff',
                                  '{"settings": {"epoch": "many"}, "data": {"class_names": []}, "versions": {}}'])
def test_a_damaged_record_is_one_line_that_names_the_file(text, tmp_path):
    run = a_run(config(tmp_path))
    path = os.path.join(run.folder, 'config.json')
    with open(path, 'w', encoding='latin-1') as file:
        file.write(text)
    for use in (run.record, run.config):
        with pytest.raises(UserError, match='config.json: not a record of a run') as error:
            use()
        assert '\n' not in str(error.value) and 'restore it, or move the folder away' in str(error.value)


def test_a_setting_of_an_unknown_name_is_named(tmp_path):
    run = a_run(config(tmp_path))
    path = os.path.join(run.folder, 'config.json')
    record = json.load(open(path))
    record['settings']['epohc'] = 3
    json.dump(record, open(path, 'w'))
    with pytest.raises(UserError, match=r'unknown setting epohc \(did you mean epoch\?\)'):
        run.config()


# ------------------------------------------------------------------------------------------------ finding

def found(cfg, *typed):
    said = []
    run, checkpoints_ = runs.found(cfg, set(typed), said.append)
    return run, [checkpoint.step for checkpoint in checkpoints_], said


def test_the_same_command_finds_its_run(tmp_path):
    cfg = config(tmp_path)
    made = a_run(cfg, (10, 20))
    assert found(cfg, 'dataset') == (made, [10, 20], [])


def test_a_checkpoint_dir_that_exists_elsewhere_comes_first(tmp_path):
    a_run(config(tmp_path), (10,))
    other = a_run(config(tmp_path, out_dir=str(tmp_path / 'else'), out_name='other'), (7,))
    for path in (other.folder, other.checkpoint_dir, os.path.join(other.checkpoint_dir, 'model.b64-7'),
                 os.path.join(other.checkpoint_dir, 'model.b64-7.index')):
        run, steps, _ = found(config(tmp_path, checkpoint_dir=path), 'checkpoint_dir')
        assert steps == [7]
        assert (run.folder, run.checkpoint_dir) == (other.folder, other.checkpoint_dir)


def test_a_checkpoint_without_a_run_writes_its_pictures_to_a_run_of_ours(tmp_path):
    folder = tmp_path / 'old' / 'celebA_64_64_64'
    folder.mkdir(parents=True)
    (folder / 'DCGAN.model-502.index').write_text('')
    cfg = config(tmp_path, checkpoint_dir=str(tmp_path / 'old'))
    run, steps, _ = found(cfg, 'checkpoint_dir')
    assert steps == [502] and run.checkpoint_dir == str(folder)
    assert run.folder == str(tmp_path / 'out' / 'faces-dcgan-48x48') and run.sample_dir.startswith(run.folder)


def test_a_checkpoint_dir_without_checkpoints_says_what_was_expected(tmp_path):
    with pytest.raises(UserError, match=r'--checkpoint_dir=.*nowhere: no checkpoint there; expected a run, a folder'):
        found(config(tmp_path, checkpoint_dir=str(tmp_path / 'nowhere')), 'checkpoint_dir')


def test_the_newest_run_that_fits_what_was_typed(tmp_path):
    a_run(config(tmp_path, out_name='older'), (5,), age=1e9)
    newer = a_run(config(tmp_path, out_name='newer'), (3,), age=1e9 + 100)
    big = a_run(config(tmp_path, out_name='big', output_height=64), (9,), age=1e9 + 50)
    a_run(config(tmp_path, out_name='cats', dataset='cats'), (4,), age=1e9 + 200)
    run, steps, said = found(config(tmp_path, output_height=96), 'dataset')
    assert run == newer and steps == [3]
    assert len(said) == 1 and newer.folder in said[0]
    assert found(config(tmp_path, output_height=64), 'dataset', 'output_height')[0] == big


def test_a_name_that_was_typed_is_not_replaced_by_another(tmp_path):
    a_run(config(tmp_path, out_name='one'), (5,))
    with pytest.raises(UserError, match='no checkpoint in .*two'):
        found(config(tmp_path, out_name='two'), 'dataset', 'out_name')


def test_no_run_lists_what_there_is_with_the_command_and_creates_nothing(tmp_path):
    a_run(config(tmp_path, dataset='cats'), (5, 6))
    a_run(config(tmp_path, dataset='dogs'))
    before = everything(tmp_path)
    with pytest.raises(UserError) as error:
        found(config(tmp_path), 'dataset')
    first, *others = str(error.value).splitlines()
    assert 'train first (the same command with --train)' in first and 'faces-dcgan-48x48' in first
    assert others == [f'  --out_dir {tmp_path / "out"} --out_name cats-dcgan-48x48   (step 6)'], 'dogs has no checkpoint'
    assert everything(tmp_path) == before
    with pytest.raises(UserError, match='there are no runs in .*none, --out_dir names another place'):
        found(config(tmp_path, out_dir=str(tmp_path / 'none')), 'dataset')
    assert everything(tmp_path) == before


# ------------------------------------------------------------------------------------------------ resuming

@pytest.mark.parametrize('change', [dict(z_dim=50), dict(gf_dim=32), dict(df_dim=32), dict(output_width=49),
                                    dict(c_dim=1),
                                    dict(labels='folder'), dict(dfc_dim=7)])
def test_a_resume_with_another_graph_names_the_setting(change, tmp_path):
    cfg = config(tmp_path)
    run = a_run(cfg, (5,))
    now = dataclasses.replace(cfg.with_data(data.from_arrays(np.zeros((5, 48, 48, 3), np.uint8)), 0), **change)
    name, value = next(iter(change.items()))
    old = run.record()['settings'][name]
    with pytest.raises(UserError, match=f'^--{name}={value}: .*trained with {name}={old}, .*type --{name}={old} to go on'):
        runs.check_resume(run, now)


def test_a_resume_with_other_training_settings_is_fine(tmp_path):
    cfg = config(tmp_path)
    run = a_run(cfg, (5,))
    now = cfg.with_data(data.from_arrays(np.zeros((5, 48, 48, 3), np.uint8)), 0)
    runs.check_resume(run, now)
    runs.check_resume(run, dataclasses.replace(now, epoch=99, learning_rate=1e-5, batch_size=8, seed=4, crop=True))
    runs.check_resume(runs.for_training(config(tmp_path, out_name='new')), now)


def test_a_resume_with_another_plugin_names_both(tmp_path):
    cfg = config(tmp_path, out_name='run')
    run = a_run(cfg, (5,))
    now = dataclasses.replace(cfg.with_data(data.from_arrays(np.zeros((5, 48, 48, 3), np.uint8)), 0), plugin='cat128')
    with pytest.raises(UserError, match='--plugin=cat128: .*trained with plugin dcgan; type --plugin=dcgan'):
        runs.check_resume(run, now)


# ------------------------------------------------------------------------------------------------ one writer

HOLDER = 'import runs, sys, time\nwith runs.Lock(sys.argv[1]):\n    print("locked", flush=True)\n    time.sleep(60)\n'


def test_a_run_that_a_living_process_holds_is_refused_and_a_dead_ones_taken_over(tmp_path):
    root = os.path.dirname(os.path.abspath(runs.__file__))
    with subprocess.Popen([sys.executable, '-c', HOLDER, str(tmp_path)], cwd=root, stdout=subprocess.PIPE,
                          text=True) as holder:
        try:
            assert holder.stdout.readline() == 'locked\n'
            with pytest.raises(UserError) as error:
                with runs.Lock(str(tmp_path)):
                    pytest.fail('two writers')
            assert f'process {holder.pid} on {socket.gethostname()}' in str(error.value) and str(tmp_path) in str(error.value)
            assert 'is training this run' in str(error.value) and '--out_name' in str(error.value)
        finally:
            holder.send_signal(signal.SIGKILL)
    assert runs.Lock.exists(str(tmp_path)), 'a kill leaves the file'
    with runs.Lock(str(tmp_path)):
        assert f'process {os.getpid()}' in open(tmp_path / 'lock').read()
    with runs.Lock(str(tmp_path)):
        pass


def test_one_process_does_not_lock_twice(tmp_path):
    with runs.Lock(str(tmp_path)):
        with pytest.raises(UserError, match=f'process {os.getpid()}'):
            with runs.Lock(str(tmp_path)):
                pytest.fail('two writers')


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DiskError, match='lock: cannot be written'):
        with runs.Lock(str(tmp_path / 'none')):
            pytest.fail('no folder')


def test_checkpoints_of_a_run(tmp_path):
    run = a_run(config(tmp_path), (3, 20, 100))
    assert run.checkpoints() == checkpoints.listed(run.checkpoint_dir)
    assert [found.step for found in run.checkpoints()] == [3, 20, 100]
