"""The command line: every spelling that old tutorials use, precedence of defaults, and errors that say what to type."""
import os
import re
import subprocess
import sys

import pytest

import main
from config import Config, flag_fields
from errors import UserError

ROOT = os.path.dirname(os.path.abspath(main.__file__))
OWN_PLUGIN = '''"""A plugin of one's own."""
import dataclasses
from plugins.dcgan import PLUGIN as DCGAN
PLUGIN = dataclasses.replace(DCGAN, name='mine', flags={flags!r})
'''


def parsed(*arguments):
    return main.parse(arguments)[0]


def own_plugin(tmp_path, **flags):
    path = tmp_path / 'mine.py'
    path.write_text(OWN_PLUGIN.format(flags=flags))
    return str(path)


# ------------------------------------------------------------------------------------------------ spellings

@pytest.mark.parametrize('arguments, train', [
    ([], False), (['--train'], True), (['-train'], True), (['--train=True'], True), (['--train', 'True'], True),
    (['--train', '1'], True), (['--train', 'yes'], True), (['--train', 'False'], False), (['--train=False'], False),
    (['--train', 'false'], False), (['--train=0'], False), (['--train', '0'], False), (['--notrain'], False),
    (['--train', '--notrain'], False), (['--train', 'no'], False),
])
def test_boolean_flags_take_a_separate_value(arguments, train):
    assert parsed(*arguments).train is train
    assert parsed(*arguments, '--crop').train is train
    assert parsed('--crop', *arguments).crop is True


def test_a_value_that_looks_like_a_boolean_belongs_to_its_flag():
    cfg = parsed('--crop', '--epoch', '1', '--out_name', 'false')
    assert cfg.crop is True and cfg.epoch == 1 and cfg.out_name == 'false'


def test_values_with_equals_sign_space_and_leading_dash():
    cfg = parsed('--out_dir=/a b/c=d', '--out_name', 'my run', '--input_fname_pattern', '*.png')
    assert cfg.out_dir == '/a b/c=d' and cfg.out_name == 'my run' and cfg.input_fname_pattern == '*.png'
    with pytest.raises(UserError, match='--keep_every=-1'):
        parsed('--keep_every', '-1')


@pytest.mark.parametrize('old, new, value', [
    ('is_train', 'train', True), ('is_crop', 'crop', True), ('image_size', 'input_height', 120),
    ('output_size', 'output_height', 32)])
def test_flags_of_older_versions_are_understood_with_a_note(old, new, value, capsys):
    cfg = parsed(f'--{old}', str(value))
    assert getattr(cfg, new) == value
    assert capsys.readouterr().err == f'--{old} is now called --{new}\n'
    assert getattr(parsed(f'--{old}={value}'), new) == value


def test_negated_old_flags(capsys):
    assert parsed('--nois_crop').crop is False and parsed('--crop', '--nois_crop').crop is False


def test_the_2016_command_means_the_same():
    old = parsed('--dataset', 'celebA', '--is_train', 'True', '--is_crop', 'True', '--image_size', '108',
                 '--output_size', '64',
                 '--c_dim', '3')
    assert old == parsed('--dataset', 'celebA', '--train', '--crop', '--input_height', '108', '--output_height', '64',
                         '--c_dim=3')


def test_class_is_a_flag_too():
    assert parsed('--class', '3').class_name == '3' and parsed('--class_name=cat').class_name == 'cat'


def test_dashes_in_flag_names_are_underscores():
    assert parsed('--batch-size', '7').batch_size == 7


def test_numbers():
    cfg = parsed('--learning_rate', '1e-4', '--train_size', '1000', '--epoch=3')
    assert cfg.learning_rate == 1e-4 and cfg.train_size == 1000 and cfg.epoch == 3
    assert parsed('--train_size', 'inf').train_size == Config.train_size


def test_the_long_form_of_the_tutorials():
    cfg = parsed(*'--input_height 96 --input_width 96 --output_height 48 --output_width 48 --dataset faces --crop --train --epoch 300 '
                 '--input_fname_pattern *.jpg'.split())
    assert (cfg.dataset, cfg.epoch, cfg.crop, cfg.train, cfg.plugin) == ('faces', 300, True, True, 'dcgan')
    assert not cfg.pattern_is_default and parsed('--dataset', 'faces').pattern_is_default


# ------------------------------------------------------------------------------------------------ precedence

def test_command_line_wins_over_plugin_and_plugin_over_default(tmp_path):
    path = own_plugin(tmp_path, batch_size=8, epoch=3, output_height=20)
    cfg, typed = main.parse(['--plugin', path, '--epoch', '5'])
    assert (cfg.batch_size, cfg.epoch, cfg.beta1) == (8, 5, 0.5)
    assert (cfg.output_height, cfg.output_width) == (20, 20)
    assert cfg.plugin == path
    assert typed == {'plugin', 'epoch'}


def test_a_typed_default_is_typed_all_the_same(tmp_path):
    path = own_plugin(tmp_path, batch_size=8)
    cfg, typed = main.parse(['--plugin', path, '--batch_size', '64'])
    assert cfg.batch_size == 64 and 'batch_size' in typed


def test_a_plugin_is_chosen_by_the_data_sets_name():
    assert parsed('--dataset', 'mnist').plugin == 'mnist'
    assert parsed('--dataset', 'mnist').output_height == 28
    assert parsed('--dataset', 'anything').plugin == 'dcgan'
    assert parsed('--dataset', 'mnist', '--plugin', 'dcgan').plugin == 'dcgan'


def test_a_plugin_path_with_home_is_found(tmp_path, monkeypatch):
    own_plugin(tmp_path, epoch=9)
    monkeypatch.setenv('HOME', str(tmp_path))
    assert parsed('--plugin', '~/mine.py').epoch == 9


def test_every_flag_can_be_typed():
    samples = {bool: 'true', int: '3', float: '0.5', str: 'text'}
    special = {'list_plugins': 'false', 'train_size': '9', 'c_dim': '3', 'z_dist': 'normal01', 'loss': 'hinge',
               'option': 'walk',
               'grid': '2x3', 'plugin': 'dcgan'}
    for field in flag_fields():
        value = special.get(field.name, samples[main.TYPES[field.name]])
        cfg, typed = main.parse([f'--{field.name}', value])
        assert typed == {field.name}
        assert str(getattr(cfg, field.name)).lower() in (value, f'{value}.0')


# ------------------------------------------------------------------------------------------------ mistakes

@pytest.mark.parametrize('arguments, words', [
    (['--visualise'], 'unknown flag --visualise (did you mean --visualize?)'),
    (['--batchsize', '3'], 'did you mean --batch_size?'),
    (['--is_trian'], 'did you mean --is_train?'),
    (['--qqq'], 'unknown flag --qqq; python main.py --help'),
    (['--epoch'], '--epoch needs a value'),
    (['train'], "unexpected argument 'train'"),
    (['--dataset', 'my', 'faces'], "unexpected argument 'faces' after --dataset=my"),
    (['--crop=maybe'], '--crop=maybe: expected true or false'),
    (['--epoch', 'many'], '--epoch=many'),
    (['--learning_rate', 'fast'], '--learning_rate=fast'),
    (['--epoch', '2.5'], '--epoch=2.5'),
    (['--batch_size='], '--batch_size='),
    (['--noepoch'], 'unknown flag --noepoch'),
    (['--nocrop=true'], 'unknown flag --nocrop'),
    (['--', '--train'], 'unexpected argument'),
])
def test_a_usage_error_is_one_line_and_status_2(arguments, words, capsys):
    assert main.main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == '' and re.fullmatch(r'error: [^\n]+\n', output.err) and words in output.err


@pytest.mark.parametrize('arguments, words', [
    (['--output_height', '0'], '--output_height=0: expected a whole number of at least 1'),
    (['--option', '7', '--visualize'], '--option=7'),
    (['--plugin', 'dcgam', '--train'], 'did you mean dcgan?'),
    (['--plugin', 'nowhere/x.py', '--train'], 'no such file'),
    (['--z_dist', 'gauss', '--train'], 'expected uniform_signed | uniform_unsigned | normal01'),
])
def test_a_bad_value_is_one_line_and_status_1(arguments, words, capsys):
    assert main.main(arguments) == 1
    output = capsys.readouterr()
    assert output.out == '' and re.fullmatch(r'error: [^\n]+\n', output.err) and words in output.err


@pytest.mark.parametrize('text, words', [
    ('PLUGIN = 3\n', 'no PLUGIN = Plugin'),
    ('x = (\n', 'line 1'),
    ("import dataclasses\nfrom plugins.dcgan import PLUGIN as P\nPLUGIN = P\n", "PLUGIN.name is 'dcgan'"),
    ("import dataclasses\nfrom plugins.dcgan import PLUGIN as P\n"
     "PLUGIN = dataclasses.replace(P, name='bad', flags=dict(epohc=3))\n", '(did you mean epoch?)'),
    ("import dataclasses\nfrom plugins.dcgan import PLUGIN as P\n"
     "PLUGIN = dataclasses.replace(P, name='bad', flags=dict(epoch='many'))\n", 'many'),
    ("import dataclasses\nfrom plugins.dcgan import PLUGIN as P\n"
     "PLUGIN = dataclasses.replace(P, name='bad', generator=None)\n", 'PLUGIN.generator is None'),
])
def test_a_faulty_plugin_file_is_named(text, words, tmp_path, capsys):
    path = tmp_path / 'bad.py'
    path.write_text(text)
    assert main.main(['--plugin', str(path), '--train']) == 1
    output = capsys.readouterr()
    assert words in output.err and 'bad' in output.err and output.err.count('\n') == 1


def test_an_error_inside_a_plugin_file_keeps_its_traceback(tmp_path):
    path = tmp_path / 'bad.py'
    path.write_text('1 / 0\n')
    with pytest.raises(ZeroDivisionError):
        main.main(['--plugin', str(path), '--train'])


# ------------------------------------------------------------------------------------------------ help and listing

@pytest.mark.parametrize('flag', ['--help', '-h', '-help', '--helpfull'])
def test_help_lists_every_flag_by_group(flag, capsys):
    assert main.main(['--train', flag]) == 0
    text = capsys.readouterr().out
    for field in flag_fields():
        shown = {'class_name': 'class'}.get(field.name, field.name)
        assert re.search(rf'^  --{shown} +\S.*', text, re.M), field.name
        assert text.count(f'\n{field.metadata["group"]}:\n') == 1
    assert '--batch_size             Images a step. [64]' in text
    assert 'uniform_signed | uniform_unsigned | normal01' in text
    assert 'python main.py --dataset faces' in text


def test_list_plugins_has_a_row_for_each(capsys):
    import plugins
    assert main.main(['--list_plugins']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ['name', 'data', 'size', 'objective', 'source']
    assert [line.split()[0] for line in lines[1:]] == plugins.names()
    row = next(line for line in lines if line.startswith('dcgan '))
    assert 'any images, --labels' in row and '64x64' in row and 'non_saturating, D G G' in row


def test_a_mistyped_flag_does_not_wait_for_tensorflow():
    code = 'import sys, main; status = main.main(["--visualise"]); assert "tensorflow" not in sys.modules; sys.exit(status)'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.count('\n') == 1 and 'did you mean --visualize?' in done.stderr


def test_a_closed_pipe_is_no_error():
    done = subprocess.run(f'{sys.executable} main.py --help | head -1', shell=True, cwd=ROOT, capture_output=True,
                          text=True, timeout=60)
    assert done.stderr == '' and done.stdout.startswith('Trains and visualizes')


# ------------------------------------------------------------------------------------------------ dispatch

def test_train_hands_config_and_plugin_to_training(monkeypatch):
    import training
    calls = []
    monkeypatch.setattr(training, 'train', lambda cfg, plugin: calls.append((cfg, plugin)) or 75)
    assert main.main(['--dataset', 'mnist', '--train']) == 75
    assert calls[0][0].train and calls[0][0].dataset == 'mnist' and calls[0][1].name == 'mnist'


def test_without_train_the_run_is_looked_for_and_handed_on(monkeypatch, tmp_path, capsys):
    assert main.main(['--dataset', 'faces', '--out_dir', str(tmp_path / 'none')]) == 1
    error = capsys.readouterr().err
    assert 'train first (the same command with --train)' in error and not (tmp_path / 'none').exists()
    import runs
    import sampling
    calls = []
    monkeypatch.setattr(runs, 'found', lambda cfg, typed, say: ('run', ['checkpoint']))
    monkeypatch.setattr(sampling, 'command', lambda *arguments: calls.append(arguments) or 0)
    assert main.main(['--dataset', 'faces', '--visualize', '--option', '1']) == 0
    cfg, typed, run, found = calls[0]
    assert cfg.option == 'walk' and typed == {'dataset', 'visualize', 'option'} and (run, found) == ('run',
                                                                                                     ['checkpoint'])
