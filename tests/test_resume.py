"""A run stopped at any step and started again ends with the same bits as one that was never stopped: for every plugin."""
import os
import signal

import pytest

import plugins
import runs
import tiny_runs

KILLED_AT, STOPPED_AT = 5, 4          # between two checkpoints: the kill loses steps, the signal saves where it stops
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize('number, plugin', [(SIGNALS[i % 3], name) for i, name in enumerate(plugins.names())])
def test_a_run_that_is_killed_and_then_stopped_ends_with_the_same_bits(number, plugin, tmp_path, capsys):
    images = tiny_runs.make_images(tmp_path / 'images')
    whole = tiny_runs.settings(images, tmp_path / 'whole', plugin)
    cfg = tiny_runs.settings(images, tmp_path / 'killed', plugin)
    run = runs.for_training(cfg)

    with tiny_runs.after_step(KILLED_AT, lambda: tiny_runs.snapshot(whole, cfg.out_dir)):
        assert tiny_runs.train(whole) == 0
    tiny_runs.assert_whole(run.folder)
    assert tiny_runs.logged_steps(run)[-1] == KILLED_AT and run.checkpoints()[-1].step == 3

    with tiny_runs.after_step(STOPPED_AT, lambda: os.kill(os.getpid(), number)):
        assert tiny_runs.train(cfg, print) == 128 + number
    said = capsys.readouterr().out
    assert f'resuming from {run.checkpoint_dir}/model.b4-3, step 3' in said
    assert (f'stopped by {number.name}: saved at step 4 of 7 in {run.checkpoint_dir}; the same command resumes there' in said)
    assert run.checkpoints()[-1].step == STOPPED_AT and tiny_runs.logged_steps(run)[-1] == STOPPED_AT

    assert tiny_runs.train(cfg) == 0
    tiny_runs.assert_same(cfg, whole)
