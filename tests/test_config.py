"""Settings: upstream's defaults, what resolved() fills in, and one clear line for every value that cannot be."""
import dataclasses
import json
import math
import os

import pytest

from config import VISUALIZE_OPTIONS, Config, flag_fields, grid_size, nearest
from errors import UserError

# main.py of DCGAN-tensorflow: every flag of its two versions, with its default; option: visualize(..., 0).
UPSTREAM = dict(
    epoch=25, learning_rate=0.0002, beta1=0.5, train_size=math.inf, batch_size=64, input_height=108, input_width=None,
    output_height=64, output_width=None, dataset='celebA', input_fname_pattern='*.jpg', data_dir='./data',
    out_dir='./out',
    out_name='', checkpoint_dir='checkpoint', sample_dir='samples', train=False, crop=False, visualize=False,
    export=False,
    freeze=False, max_to_keep=1, sample_freq=200, ckpt_freq=200, z_dim=100, z_dist='uniform_signed', G_img_sum=False)


@pytest.mark.parametrize('name', UPSTREAM)
def test_default_is_upstreams(name):
    assert getattr(Config(), name) == UPSTREAM[name]


def test_every_flag_has_a_group_and_a_sentence():
    for field in flag_fields():
        assert field.metadata['group'] and field.metadata['help'].endswith('.'), field.name
    groups = [field.metadata['group'] for field in flag_fields()]
    changes = sum(a != b for a, b in zip(groups, groups[1:]))
    assert changes == len(set(groups)) - 1, 'flags of one group stand together'


def test_what_the_program_sets_is_no_flag():
    assert {field.name for field in dataclasses.fields(Config)} - {field.name for field in flag_fields()} == {
        'y_dim', 'pattern_is_default'}


def test_config_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().epoch = 3


def test_widths_follow_heights_unless_given():
    cfg = Config(input_height=96, output_height=48).resolved()
    assert (cfg.input_width, cfg.output_width) == (96, 48)
    cfg = Config(input_height=80, input_width=512, output_height=33, output_width=47).resolved()
    assert (cfg.input_width, cfg.output_width) == (512, 47)


def test_resolving_twice_changes_nothing():
    cfg = Config(option='2', plugin='mine.py', out_dir='~/x', c_dim=3).resolved()
    assert cfg.resolved() == cfg


def test_paths_expand_home_and_variables(monkeypatch):
    monkeypatch.setenv('HOME', '/home/somebody')
    monkeypatch.setenv('PLACE', '/some where')
    cfg = Config(dataset='$PLACE/faces', data_dir='~/data', out_dir='${PLACE}/out', checkpoint_dir='~/ck',
                 plugin='~/gan.py',
                 z_file='~/z.npy').resolved()
    assert cfg.dataset == '/some where/faces' and cfg.data_dir == '/home/somebody/data'
    assert cfg.out_dir == '/some where/out' and cfg.checkpoint_dir == '/home/somebody/ck'
    assert cfg.plugin == '/home/somebody/gan.py' and cfg.z_file == '/home/somebody/z.npy'


def test_a_plugin_file_becomes_absolute_and_a_plugin_name_stays():
    assert Config(plugin='my/gan.py').resolved().plugin == os.path.abspath('my/gan.py')
    assert Config(plugin='mnist').resolved().plugin == 'mnist'


@pytest.mark.parametrize('number, name', list(enumerate(VISUALIZE_OPTIONS)))
def test_upstreams_option_numbers_are_names(number, name):
    assert Config(option=str(number)).resolved().option == name
    assert Config(option=number).resolved().option == name
    assert Config(option=name).resolved().option == name


@pytest.mark.parametrize('name, value, words', [
    ('output_height', 0, 'at least 1'), ('output_width', -3, 'at least 1'), ('batch_size', 0, 'at least 1'),
    ('epoch', 0, 'at least 1'), ('z_dim', 0, 'at least 1'), ('d_steps', 0, 'at least 1'),
    ('ckpt_freq', 0, 'at least 1'),
    ('max_to_keep', 0, 'at least 1'), ('gf_dim', 0, 'at least 1'), ('input_height', -1, 'at least 1'),
    ('cache_mb', -1, '0 or more'), ('keep_every', -1, '0 or more'), ('time_limit', -0.5, '0 or more'),
    ('search', -2, '0 or more'), ('seed', -1, '0 or more'), ('seed', 2 ** 63, 'below 2^63'),
    ('generate_test_images', -1, '0 or more'),
    ('learning_rate', 0.0, 'positive number'), ('learning_rate', math.nan, 'positive number'),
    ('d_learning_rate', math.inf, 'positive number'), ('g_learning_rate', -1e-4, 'positive number'),
    ('beta1', 1.0, 'not including, 1'), ('beta1', -0.1, 'from 0'), ('beta1', math.nan, 'from 0'),
    ('label_smoothing', 1.5, 'from 0 to 1'), ('dropout', -0.1, 'from 0'), ('max_bad_images', 2.0, 'from 0 to 1'),
    ('train_size', 0.0, 'at least 1'), ('train_size', math.nan, 'at least 1'), ('time_limit', math.nan, '0 or more'),
    ('c_dim', '2', 'auto | 1 | 3'), ('c_dim', '4', 'auto | 1 | 3'),
    ('z_dist', 'uniform_sined', 'did you mean uniform_signed?'), ('loss', 'hing', 'did you mean hinge?'),
    ('option', '5', '0 to 4'), ('option', 'grd', 'did you mean grid?'), ('option', '-1', '0 to 4'),
    ('option', '²', '0 to 4'),
    ('grid', '4', 'rows x columns'), ('grid', '0x4', 'rows x columns'), ('grid', '4x', 'rows x columns'),
    ('grid', '²x2', 'rows x columns'), ('dropout', 1.0, 'not including, 1'),
])
def test_a_value_that_cannot_be_is_one_line_naming_flag_and_value(name, value, words):
    with pytest.raises(UserError) as error:
        Config(**{name: value}).resolved()
    message = str(error.value)
    assert f'--{name}={value}' in message and words in message and '\n' not in message
    assert error.value.status == 1


def test_an_empty_data_set_is_named():
    with pytest.raises(UserError, match='--dataset is empty'):
        Config(dataset='').resolved()


def test_grid_size():
    assert grid_size('4x6') == (4, 6) and grid_size('4X6') == (4, 6)


def test_nearest_proposes_only_what_is_close():
    assert nearest('hing', ('', 'hinge')) == ' (did you mean hinge?)'
    assert nearest('zzz', ('', 'hinge')) == ''


def test_learning_rates_of_both_players():
    cfg = Config(learning_rate=1e-3, g_learning_rate=5e-4)
    assert (cfg.d_lr, cfg.g_lr) == (1e-3, 5e-4)
    assert (Config().d_lr, Config().g_lr) == (2e-4, 2e-4)


def test_with_data_sets_channels_and_classes():
    class Data:
        image_shape = (8, 8, 1)
    cfg = Config().resolved().with_data(Data, 10)
    assert cfg.c_dim == 1 and cfg.y_dim == 10


def test_settings_survive_json():
    cfg = Config(train_size=7, d_steps=2).resolved()
    assert Config(**json.loads(json.dumps(dataclasses.asdict(cfg)))) == cfg
