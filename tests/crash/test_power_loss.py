"""The short form of the power cuts: every third moment of a run; and that the simulation would notice a forgotten fsync."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
import power_loss  # noqa: E402
from errors import UserError  # noqa: E402


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    return power_loss.record(str(tmp_path_factory.mktemp('recorded')))


def test_whatever_a_power_cut_leaves_goes_on_from_the_last_checkpoint(recording, tmp_path):
    assert power_loss.replay(recording, str(tmp_path), mixed=1, resumes=2, seed=1, every=3) > 100


@pytest.mark.parametrize('forgotten', [r'losses\.csv', r'events\..*', r'model\.b4-6\..*', r'\.train_00000004\.png\..*', 'samples', 'logs',
                                       'run', 'out', 'checkpoint'])
def test_the_simulation_notices_a_forgotten_fsync(recording, tmp_path, forgotten):
    less = recording.without_syncs(forgotten)
    assert len(less.events) < len(recording.events)
    with pytest.raises((AssertionError, OSError, UserError)):
        power_loss.replay(less, str(tmp_path), mixed=6, resumes=0, seed=1, every=1000, say=lambda line: None)       # after the saves only
