"""Each system's training step against its original's recorded trajectory, and proof that the comparison can fail."""
import dataclasses
import os

import golden
import golden_fixtures
import numpy as np
import plugins
import pytest

FILES = sorted(path.name for path in golden_fixtures.FOLDER.glob('*.npz'))
SMALLEST = 'mlpgan-seed1.npz'


@pytest.fixture
def unpacked(tmp_path):
    return lambda name: golden_fixtures.unpack(golden_fixtures.FOLDER / name, tmp_path)


def changed(path, **arrays):
    """Replaces arrays ('init__generator__0.weight': array) of an unpacked trajectory, or removes those given as None."""
    with np.load(path) as archive:
        content = {key: archive[key] for key in archive.files}
    for key, value in arrays.items():
        content[key.replace('__', '/')] = value
    np.savez(path, **{key: value for key, value in content.items() if value is not None})
    return path


def differing(lines):
    return [line.split()[0] for line in lines.splitlines() if line.endswith('DIFFERS')]


def test_there_is_a_trajectory_of_every_plugin():
    tested = {golden.SYSTEMS[name.split('-')[0]].plugin({'generator/g_h1_lin/Matrix': 0} if 'mnist' in name else {})
              for name in FILES}
    assert tested == set(plugins.names())


@pytest.mark.parametrize('name', FILES)
def test_our_step_agrees_with_the_originals(name, unpacked, capsys):
    assert golden.main([unpacked(name)]) == 0
    lines = capsys.readouterr().out
    assert lines.splitlines()[-1].startswith(f'AGREES: {name}')
    assert 'of the update' in lines and 'final_sampler' in lines and 'loss' in lines


def test_a_final_tensor_that_is_off_by_a_hundredth_of_its_update_fails(unpacked, monkeypatch, capsys):
    monkeypatch.setattr(golden, 'ROUNDINGS', 1)
    path = unpacked(SMALLEST)
    with np.load(path) as archive:
        init, final = (archive[f'{group}/discriminator/2.weight'] for group in ('init', 'final'))
    changed(path, **{'final__discriminator__2.weight': final + 0.01 * (final - init)})
    assert golden.main([path]) == 1
    assert differing(capsys.readouterr().out) == ['discriminator/2/kernel']


def test_a_loss_that_is_off_fails(unpacked, monkeypatch, capsys):
    monkeypatch.setattr(golden, 'ROUNDINGS', 2)
    path = changed(unpacked(SMALLEST), step1__g_loss=np.float32(0.802))
    assert golden.main([path]) == 1
    assert differing(capsys.readouterr().out) == ['step', 'step']


def test_a_sampler_that_is_off_fails(unpacked, capsys):
    path = unpacked(SMALLEST)
    with np.load(path) as archive:
        sampler = archive['final_sampler']
    assert golden.main([changed(path, final_sampler=sampler + 2e-4)]) == 1
    assert differing(capsys.readouterr().out) == ['final_sampler']


def swapped(updates):
    return updates[::-1]


def same_z(updates):
    return tuple(dataclasses.replace(update, z='fresh' if i == 0 else 'step') for i, update in enumerate(updates))


def every_batch(updates):
    return tuple(dataclasses.replace(update, every=1) for update in updates)


@pytest.mark.parametrize('objective', [
    dict(beta2=0.99), dict(updates=swapped), dict(updates=every_batch), dict(updates=same_z)],
    ids=['beta2', 'order', 'every', 'z'])
def test_a_wrong_objective_fails(objective, unpacked, monkeypatch, capsys):
    right = plugins.load('mlp')
    if 'updates' in objective:
        objective = dict(objective, updates=objective['updates'](right.objective.updates))
    wrong = dataclasses.replace(right, objective=dataclasses.replace(right.objective, **objective))
    system = golden.SYSTEMS['mlpgan']
    if objective.get('updates', right.objective.updates)[0].player == 'g':
        system = dataclasses.replace(system, z={0: 'z_g', 1: 'z_d'})
    if objective.get('updates', right.objective.updates)[1].z == 'step':
        system = dataclasses.replace(system, z={0: 'z_d', 'z': 'z_d'})
    monkeypatch.setitem(golden.SYSTEMS, 'mlpgan', system)
    monkeypatch.setattr(plugins, 'load', lambda name: wrong)
    monkeypatch.setattr(golden, 'ROUNDINGS', 1)
    assert golden.main([unpacked(SMALLEST)]) == 1
    assert differing(capsys.readouterr().out)


@pytest.mark.parametrize('change, message', [
    ({'init__generator__9.bias': np.zeros(3)}, 'recorded tensor generator/9/bias has no counterpart'),
    ({'init__discriminator__4.bias': np.zeros(2)}, 'discriminator/4/bias is (2,), in the graph it is (1,)'),
    ({'init__discriminator__4.bias': None}, 'no init/ tensor for discriminator/4/bias'),
    ({'step0__images': None}, 'it has no step0/images')])
def test_a_file_that_does_not_fit_is_named(change, message, unpacked, capsys):
    assert golden.main([changed(unpacked(SMALLEST), **change)]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize('content, name, message', [
    (b'not a zip', 'mlpgan-x.npz', 'not a recorded trajectory'), (b'', 'pix2pix-x.npz', 'no system is called pix2pix')])
def test_other_files_are_refused(content, name, message, tmp_path, capsys):
    (tmp_path / name).write_bytes(content)
    assert golden.main([os.fspath(tmp_path / name)]) == 1
    assert message in capsys.readouterr().err


def test_packing_loses_nothing_but_the_samples_after_the_first(tmp_path):
    random = np.random.RandomState(0)
    init = random.randn(3, 4).astype(np.float32)
    grey = random.randint(0, 256, [40, 30]).astype(np.uint8)
    recorded = {'init/w': init, 'final/w': init + np.float32(1e-4), 'step0/images': (grey / 127.5 - 1).astype(np.float16),
                'step1/images': (grey.astype(np.float32) / 255), 'step0/g_loss': np.float64(0.7),
                'init/n': np.int64(0), 'final/n': np.int64(7), 'sample_z': random.randn(5, 2), 'final_sampler': random.randn(5, 3)}
    np.savez(tmp_path / 'a.npz', **recorded)
    (tmp_path / 'packed').mkdir()
    golden_fixtures.pack(tmp_path / 'a.npz', tmp_path / 'packed' / 'a.npz')
    with np.load(golden_fixtures.unpack(tmp_path / 'packed' / 'a.npz', tmp_path)) as back:
        assert set(back.files) == set(recorded)
        for key, value in recorded.items():
            value = value[:1] if key in golden_fixtures.OUTPUTS else value
            assert back[key].dtype == value.dtype and back[key].tobytes() == np.asarray(value).tobytes(), key
