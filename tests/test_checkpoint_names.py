"""Old DCGAN checkpoints find their way into today's names."""
import pytest

import checkpoint_names
from checkpoint_names import Rule, canonical, match
from errors import UserError

GRAPH = {
    'generator/g_h0_lin/Matrix': (100, 4096),
    'generator/g_bn0/beta': (256,),
    'generator/g_bn0/gamma': (256,),
    'generator/g_bn0/moving_mean': (256,),
    'generator/g_bn0/moving_variance': (256,),
    'discriminator/d_bn1/moving_mean': (128,),
    'discriminator/d_h4_lin/Matrix': (8192, 1),
}


@pytest.mark.parametrize('old, new', [
    ('g_h0_lin/Matrix', 'generator/g_h0_lin/Matrix'),
    ('g_bn0/beta', 'generator/g_bn0/beta'),
    ('d_bn1/moving_mean', 'discriminator/d_bn1/moving_mean'),
    ('d_h0_conv/w/Adam_1', 'discriminator/d_h0_conv/w/Adam_1'),
    ('generator/generator/g_h1/w/Adam', 'generator/g_h1/w/Adam'),
    ('discriminator/generator/g_h1/w/Adam', 'generator/g_h1/w/Adam'),
    ('g_bn0/g_bn0_1/moments/moments_1/mean/ExponentialMovingAverage', 'generator/g_bn0/moving_mean'),
    ('g_bn2/g_bn2/moments/normalize/variance/ExponentialMovingAverage', 'generator/g_bn2/moving_variance'),
    ('d_bn3_1/scratch/d_bn3_1/scratch/moments/moments_1/variance/ExponentialMovingAverage',
     'discriminator/d_bn3/moving_variance'),
    ('generator/g_bn0/generator/g_bn0/moments/Squeeze_1/ExponentialMovingAverage',
     'generator/g_bn0/moving_variance'),
    ('generator/g_bn0/generator/g_bn0/moments/Squeeze/ExponentialMovingAverage', 'generator/g_bn0/moving_mean'),
    ('conv1/bn/conv1/bn/moments/Squeeze/ExponentialMovingAverage', 'conv1/bn/moving_mean'),
    ('generator/g_bn0/BatchNorm/gamma', 'generator/g_bn0/gamma'),
])
def test_old_spellings_meet_todays_name(old, new):
    assert canonical(old) == new
    assert canonical(new) == new


@pytest.mark.parametrize('name', [
    'generator/dense/kernel', 'generator/batch_trans_conv1/gamma', 'global_step', 'beta1_power_1', 'conv1/w',
    'generator/g_h1/w/ExponentialMovingAverage',  # averaged weights are not the weights
    'generator/g_bn0/moments/Squeeze/ExponentialMovingAverage/biased',
])
def test_other_names_are_left_alone(name):
    assert canonical(name) == name


def test_equal_names_match_and_nothing_is_left_over():
    result = match(GRAPH, GRAPH)
    assert result.mapping == tuple((name, name) for name in sorted(GRAPH))
    assert result.complete and not result.renamed and not result.unused


def test_a_checkpoint_without_scopes_loads_whole():
    old = {
        'g_h0_lin/Matrix': (100, 4096), 'g_bn0/beta': (256,), 'g_bn0/gamma': (256,),
        'd_h3_lin/Matrix': (8192, 1),
        'g_bn0/g_bn0/moments/moments_1/mean/ExponentialMovingAverage': (256,),
        'g_bn0/g_bn0/moments/moments_1/variance/ExponentialMovingAverage': (256,),
        'd_bn1/d_bn1/moments/moments_1/mean/ExponentialMovingAverage': (128,),
        'd_bn1/d_bn1_1/moments/moments_1/mean/ExponentialMovingAverage': (128,),
        'd_bn1/d_bn1/moments/moments_1/mean/ExponentialMovingAverage/biased': (128,),
    }
    result = match(old, GRAPH)
    assert result.complete and len(result.mapping) == len(GRAPH)
    assert dict(result.mapping)['discriminator/d_h4_lin/Matrix'] == 'd_h3_lin/Matrix'
    assert dict(result.mapping)['discriminator/d_bn1/moving_mean'] == (
        'd_bn1/d_bn1/moments/moments_1/mean/ExponentialMovingAverage')  # the pass over real images
    assert result.unused == (
        'd_bn1/d_bn1/moments/moments_1/mean/ExponentialMovingAverage/biased',
        'd_bn1/d_bn1_1/moments/moments_1/mean/ExponentialMovingAverage')


def test_the_last_layer_is_renamed_only_for_the_unconditional_net():
    conditional = {'discriminator/d_h3_lin/Matrix': (1024, 1)}
    assert match(conditional, conditional).mapping == (('discriminator/d_h3_lin/Matrix',) * 2,)
    both = {'discriminator/d_h3_lin/Matrix': (1024, 1), 'discriminator/d_h4_lin/Matrix': (1, 1)}
    result = match(conditional, both)
    assert result.missing == ('discriminator/d_h4_lin/Matrix',)
    slots = match({'discriminator/d_h3_lin/Matrix/Adam': (8, 1)},
                  {'discriminator/d_h4_lin/Matrix/Adam': (8, 1)})
    assert slots.complete


def test_missing_unused_and_wrong_shapes_are_told_apart():
    result = match({'generator/g_h0_lin/Matrix': (64, 4096), 'extra': ()},
                   {'generator/g_h0_lin/Matrix': [100, 4096], 'global_step': []})
    assert result.mapping == ()
    assert result.missing == ('global_step',)
    assert result.unused == ('extra',)
    name = 'generator/g_h0_lin/Matrix'
    assert result.mismatched == ((name, name, (100, 4096), (64, 4096)),)
    assert not result.complete


def test_a_source_of_the_right_shape_is_preferred():
    result = match({'g_bn0/beta': (8,), 'generator/generator/g_bn0/beta': (256,)},
                   {'generator/g_bn0/beta': (256,)})
    assert result.mapping == (('generator/g_bn0/beta', 'generator/generator/g_bn0/beta'),)
    assert result.unused == ('g_bn0/beta',)


def test_rules_win_over_everything_else():
    rules = (('G/*/kernel', 'generator/*/Matrix'), ('junk*', '-'))
    result = match({'G/g_h0_lin/kernel': (1,), 'junk/a': (1,), 'generator/g_h0_lin/Matrix': (1,)},
                   {'generator/g_h0_lin/Matrix': (1,), 'junk/a': (1,)}, rules)
    assert result.mapping == (('generator/g_h0_lin/Matrix', 'G/g_h0_lin/kernel'),)
    assert result.missing == ('junk/a',)


def test_a_rule_may_lead_to_an_old_spelling():
    result = match({'net/g_bn0/beta': (4,)}, {'generator/g_bn0/beta': (4,)}, (('net/*', '*'),))
    assert result.mapping == (('generator/g_bn0/beta', 'net/g_bn0/beta'),)


def test_a_rule_may_not_merge_two_tensors():
    with pytest.raises(UserError, match='both a and b of the file become x'):
        match({'a': (), 'b': ()}, {'x': ()}, (('*', 'x'),))


def test_rules_put_each_star_back_in_its_place():
    assert Rule('net/*/bn*/b', 'generator/*/g_bn*/beta').apply('net/one/bn2/b') == 'generator/one/g_bn2/beta'
    assert Rule('a*b', 'c').apply('axxb') == 'c'
    assert Rule('a.c', 'x').apply('abc') is None


def test_a_rules_file_is_read_with_comments(tmp_path):
    path = tmp_path / 'rules.txt'
    path.write_text('# batch norm\n\ng_bn*/beta -> generator/g_bn*/beta   # moved\nold -> -\n')
    assert checkpoint_names.read_rules(path) == (Rule('g_bn*/beta', 'generator/g_bn*/beta'), Rule('old', '-'))


@pytest.mark.parametrize('text, said', [
    ('a b\n', 'line 1: "a b" is not a rule'),
    ('\na ->\n', 'line 2: "a ->" is not a rule'),
    ('a -> b*\n', 'line 1: rule "a -> b'),
])
def test_a_bad_rule_names_its_file_and_line(tmp_path, text, said):
    path = tmp_path / 'rules.txt'
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        checkpoint_names.read_rules(path)
    assert said in str(caught.value) and str(path) in str(caught.value)


def test_a_missing_rules_file_is_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match='cannot be read'):
        checkpoint_names.read_rules(tmp_path / 'none.txt')
