"""Commands that users typed, replayed: what they print, what they write, how they end."""
import glob
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import main
from conftest import ROOT

TINY = '--gf_dim 2 --df_dim 2 --batch_size 8 --epoch 1'.split()
SIZE = '--input_height 20 --output_height 16 --crop'.split()


def picture(path, height=24, width=24, mode='RGB', seed=0):
    shape = (height, width, 3) if mode == 'RGB' else (height, width)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8), mode).save(path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with data/faces (24 JPEGs); outputs go to ./out as for a user."""
    monkeypatch.chdir(tmp_path)
    os.makedirs('data/faces')
    for number in range(24):
        picture(f'data/faces/{number:03d}.jpg', seed=number)
    return tmp_path


def run(command, capsys):
    """main.py in this process: (exit status, stdout, stderr)."""
    status = main.main(command.split() if isinstance(command, str) else command)
    out, err = capsys.readouterr()
    return status, out, err


def train(capsys, *more):
    return run(['--dataset', 'faces', *SIZE, *TINY, '--train', *more], capsys)


def test_train_then_the_same_command_without_train_finds_the_run(folder, capsys):
    status, out, err = train(capsys)
    assert status == 0, err
    assert '3 steps per epoch, 3 in all' in out
    assert '[       3 Epoch:[ 0/ 1] [   2/   3] time: ' in out       # upstream's line, because this is no terminal
    run_folder = 'out/faces-dcgan-16x16'
    for name in ('config.json', 'FLAGS.json', 'losses.csv', 'losses.png', 'checkpoint/model.b8-3.index',
                 'samples/train_00000001.png', 'samples/train_00000003.png'):
        assert os.path.exists(f'{run_folder}/{name}'), name
    assert json.load(open(f'{run_folder}/FLAGS.json'))['output_height'] == 16
    for form in (['--train', 'False'], ['--train=False'], ['--notrain'], ['--train', '0'], []):
        for path in glob.glob(f'{run_folder}/samples/test_*'):
            os.remove(path)
        status, out, err = run(['--dataset', 'faces', *SIZE, *TINY, *form], capsys)
        assert status == 0, err
        assert 'model.b8-3' in out
        assert Image.open(f'{run_folder}/samples/test_3.png').size == (8 * 16, 8 * 16)


def test_visualizing_needs_no_data(folder, capsys):
    train(capsys)
    for path in glob.glob('data/faces/*'):
        os.remove(path)
    status, _, err = run(['--dataset', 'faces', *SIZE, '--generate_test_images', '5', '--grid', '2x3', '--seed', '7'], capsys)
    assert status == 0, err
    assert Image.open('out/faces-dcgan-16x16/samples/test_3.png').size == (3 * 16, 2 * 16)
    assert len(glob.glob('out/faces-dcgan-16x16/samples/test_3/*.png')) == 5


def test_the_same_training_command_resumes_and_then_says_that_it_is_done(folder, capsys):
    train(capsys)
    status, out, _ = train(capsys, '--epoch', '2')
    assert status == 0 and 'resuming from' in out and '[       6 Epoch:[ 1/ 2] [   2/   3]' in out
    assert '[       3 Epoch' not in out
    status, out, _ = train(capsys, '--epoch', '2')
    assert status == 0 and '--epoch 2 is reached' in out


def test_the_long_form_of_the_record_command(folder, capsys):
    status, out, err = run(['--input_height', '20', '--input_width', '20', '--output_height', '16', '--output_width', '16', '--dataset', 'faces',
                            '--crop', '--train', *TINY, '--input_fname_pattern', '*.jpg'], capsys)
    assert status == 0, err


def test_thousand_single_images_with_option_1_and_batch_size_1(folder, capsys):
    """#349: --visualize True --batch_size=1 --option=1 --generate_test_images 1000."""
    train(capsys, '--z_dim', '3')
    status, _, err = run(['--dataset', 'faces', *SIZE, '--visualize', 'True', '--batch_size=1', '--option=1', '--generate_test_images', '1000'],
                         capsys)
    assert status == 0, err
    assert len(glob.glob('out/faces-dcgan-16x16/samples/test_3/*.png')) == 1000
    assert len(glob.glob('out/faces-dcgan-16x16/samples/test_arange_*.png')) == 3


def test_misspelt_visualize_is_refused_with_a_suggestion(folder, capsys):
    """#393: --crop False --visualise True."""
    status, out, err = run('--dataset anime2 --input_height 96 --output_height 48 --crop False --visualise True', capsys)
    assert status == 2 and '--visualize' in err and err.count('\n') == 1 and not os.path.exists('out')


def test_crop_false_is_false(folder, capsys):
    status, _, err = run(['--dataset', 'faces', '--crop', 'False', '--output_height', '16', *TINY, '--train'], capsys)
    assert status == 0, err
    assert json.load(open('out/faces-dcgan-16x16/FLAGS.json'))['crop'] is False


def test_grey_bmp_80_by_512(folder, capsys):
    """#174: --input_height 80 --input_width 512 ... --input_fname_pattern "*.bmp" on 8-bit grey."""
    os.makedirs('data/strips')
    for number in range(8):
        picture(f'data/strips/{number}.bmp', 80, 512, 'L', number)
    status, out, err = run(['--dataset', 'strips', '--input_height', '80', '--input_width', '512', '--output_height', '80', '--output_width',
                            '512', '--input_fname_pattern', '*.bmp', '--train', '--crop', *TINY, '--batch_size', '4'], capsys)
    assert status == 0, err
    sample = Image.open('out/strips-dcgan-80x512/samples/train_00000002.png')
    assert sample.mode == 'L' and sample.size == (2 * 512, 2 * 80)


def test_batch_size_11_on_292_pngs(folder, capsys):
    """#100: neither samples nor checkpoint."""
    os.makedirs('data/pngs')
    for number in range(292):
        picture(f'data/pngs/{number}.png', 8, 8, seed=number)
    status, out, err = run(['--dataset', 'pngs', '--input_fname_pattern', '*.png', '--output_height', '8', *TINY, '--batch_size=11', '--train'],
                           capsys)
    assert status == 0, err
    assert '27 steps per epoch' in out and os.path.exists('out/pngs-dcgan-8x8/checkpoint/model.b11-27.index')
    assert Image.open('out/pngs-dcgan-8x8/samples/train_00000027.png').size == (4 * 8, 3 * 8)


@pytest.mark.parametrize('batch_size', [1, 10])
def test_odd_batch_sizes(folder, capsys, batch_size):
    status, _, err = train(capsys, '--batch_size', str(batch_size), '--train_size', '10')
    assert status == 0, err


def test_fewer_images_than_a_batch(folder, capsys):
    status, out, err = train(capsys, '--batch_size', '64')
    assert status == 0, err
    assert '24 images are fewer than --batch_size 64' in out


def test_odd_and_non_square_output(folder, capsys):
    status, _, err = run(['--dataset', 'faces', '--output_height', '47', '--output_width', '33', *TINY, '--train'], capsys)
    assert status == 0, err


def test_flags_of_still_older_versions(folder, capsys):
    """#178: --image_size 96 --output_size 48 --is_crop True --is_train True."""
    status, _, err = run(['--dataset', 'faces', '--image_size', '20', '--output_size', '16', '--is_crop', 'True', '--is_train', 'True', *TINY],
                         capsys)
    assert status == 0
    assert err.count(' is now called ') == 4


def test_out_dir_absolute_and_with_spaces(folder, capsys):
    status, _, err = train(capsys, '--out_dir', str(folder / 'my runs'))
    assert status == 0, err
    assert os.path.exists(folder / 'my runs' / 'faces-dcgan-16x16' / 'checkpoint' / 'model.b8-3.index')


def test_missing_checkpoint_lists_the_runs_and_creates_nothing(folder, capsys):
    train(capsys)
    before = sorted(glob.glob('**', recursive=True))
    status, _, err = run('--dataset faces --output_height 32 --train False', capsys)
    assert status == 1 and '--out_name faces-dcgan-16x16' in err and 'Traceback' not in err
    assert sorted(glob.glob('**', recursive=True)) == before


def test_export_and_freeze(folder, capsys):
    train(capsys)
    status, _, err = run(['--dataset', 'faces', *SIZE, '--batch_size', '5', '--export', '--freeze'], capsys)
    assert status == 0, err
    assert glob.glob('out/faces-dcgan-16x16/checkpoint/export_b5/model.b5-3.index')
    assert glob.glob('out/faces-dcgan-16x16/checkpoint/frozen_b5/model.b5-000003_frz.pb')


def test_a_loss_that_becomes_nan_stops_and_keeps_the_last_good_checkpoint(folder, capsys):
    train(capsys)
    status, _, err = train(capsys, '--epoch', '3', '--learning_rate', '1e30')
    assert status == 1 and 'step 3 is kept' in err and '--learning_rate' in err and 'Traceback' not in err
    assert [os.path.basename(path) for path in glob.glob('out/faces-dcgan-16x16/checkpoint/*.index')] == ['model.b8-3.index']


@pytest.mark.parametrize('command, expected', [
    ('--dataset nowhere --train', ['nowhere', 'faces']),
    ('--dataset empty --train', ['empty']),
    ('--dataset faces --input_fname_pattern *.tiff --train', ['*.tiff', '.jpg']),
    ('--dataset faces --output_height 0 --train', ['--output_height=0']),
    ('--dataset faces --z_dist gauss --train', ['--z_dist=gauss', 'normal01']),
    ('--dataset faces --plugin dcgam --train', ['dcgam', 'did you mean dcgan']),
    ('--dataset faces --labels folder --plugin anime96 --train', ['--labels']),
    ('--dataset faces --train --out_dir data/faces/000.jpg', ['000.jpg']),
])
def test_mistakes_end_in_one_line(folder, capsys, command, expected):
    os.makedirs('data/empty')
    before = sorted(glob.glob('**', recursive=True))
    status, _, err = run(command, capsys)
    assert status in (1, 2) and err.startswith('error: ') and err.count('\n') == 1
    for part in expected:
        assert part in err
    assert sorted(glob.glob('**', recursive=True)) == before


def test_as_a_process_in_a_pipe(folder):
    """The whole program: nothing but our own lines on stdout and stderr, and the exit status."""
    command = [sys.executable, str(ROOT / 'main.py'), '--dataset', 'faces', *SIZE, *TINY, '--train']
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''
    assert done.stdout.splitlines()[-1].startswith('finished: 3 steps')


def test_checkpoints_and_samples_by_epochs(folder, capsys):
    """cat128 is saved every 5 epochs, mnist_keras drawn after each, whatever the number of steps in them."""
    status, _, err = train(capsys, '--epoch', '5', '--ckpt_epochs', '2', '--sample_epochs', '2', '--max_to_keep', '9', '--batch_size', '10')
    assert status == 0, err
    steps = sorted(int(path.split('-')[-1].split('.')[0]) for path in glob.glob('out/faces-dcgan-16x16/checkpoint/*.index'))
    assert steps == [5, 10, 12]      # 24 images: epochs 2 and 4 end with images 48 and 96; 120 images end the run
    drawn = sorted(int(path[-12:-4]) for path in glob.glob('out/faces-dcgan-16x16/samples/train_????????.png'))
    assert drawn == [1, 5, 10, 12]
