"""Signals end a program at once while it starts, quietly while it works, after the step while it trains."""
import contextlib
import hashlib
import os
import signal
import time

import pytest

import main
import signals


def status_of(action, *numbers):
    """The exit status of a child process that does `action` while the signals arrive, a tenth of a second apart."""
    ready, begun = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os._exit(action(lambda: os.write(begun, b'.')))
        finally:
            os._exit(99)                # an exception
    os.read(ready, 1)
    os.close(ready)
    os.close(begun)
    for number in numbers:
        time.sleep(0.1)
        os.kill(pid, number)
    started = time.monotonic()
    _, status = os.waitpid(pid, 0)
    assert time.monotonic() - started < 10          # at once, on a machine that has other things to do
    return os.waitstatus_to_exitcode(status)


def work(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)


def in_native_code(_):
    """Does not come back to the interpreter for a minute, as a long session.run: no Python handler is called meanwhile."""
    hashlib.pbkdf2_hmac('sha256', b'password', b'salt', 10 ** 8)


@pytest.mark.parametrize('number', signals.STOPPING)
def test_the_first_signal_lets_the_step_finish(number):
    def action(begin):
        with signals.AfterTheStep() as stopping:
            begin()
            work(0.5)
            return 7 if stopping.received == number and stopping.status == 128 + number else 8
    assert status_of(action, number) == 7


@pytest.mark.parametrize('first, second', [(signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGTERM)])
@pytest.mark.parametrize('wait', [work, in_native_code])
def test_the_second_signal_ends_at_once_even_in_native_code(first, second, wait):
    def action(begin):
        with signals.AfterTheStep():
            begin()
            wait(20)
            return 8
    assert status_of(action, first, second) == 128 + second


@pytest.mark.parametrize('number', signals.STOPPING)
@pytest.mark.parametrize('context', [signals.AfterTheStep, signals.quietly, signals.at_once])
def test_what_the_caller_ignores_stays_ignored(context, number):
    def action(begin):
        signal.signal(number, signal.SIG_IGN)               # as nohup does with SIGHUP
        with context() as stopping:
            begin()
            work(0.4)
            return 8 if getattr(stopping, 'received', None) else 7
    assert status_of(action, number, number) == 7


@pytest.mark.parametrize('number', signals.STOPPING)
def test_at_once(number):
    def action(begin):
        with signals.at_once(), contextlib.suppress(BaseException):
            begin()
            work(20)
        return 8
    assert status_of(action, number) == 128 + number


def test_handlers_are_as_before_afterwards():
    before = [signal.getsignal(number) for number in signals.STOPPING]
    for context in (signals.AfterTheStep, signals.quietly, signals.at_once):
        with context():
            assert signal.getsignal(signal.SIGTERM) not in before
        assert [signal.getsignal(number) for number in signals.STOPPING] == before
    wakeup = signal.set_wakeup_fd(-1)
    assert wakeup == -1


@pytest.mark.parametrize('number', signals.STOPPING)
@pytest.mark.parametrize('arguments', [['--train'], []])
def test_a_signal_while_data_are_read_or_pictures_made_is_one_line(number, arguments, tmp_path, monkeypatch, capsys):
    import data
    import runs
    interrupted = lambda *_: os.kill(os.getpid(), number)
    monkeypatch.setattr(data, 'open_dataset', interrupted)
    monkeypatch.setattr(runs, 'found', interrupted)
    assert main.main(['--dataset', 'faces', '--out_dir', str(tmp_path / 'out'), *arguments]) == 128 + number
    output = capsys.readouterr()
    assert output.err == f'stopped by {number.name}\n' and output.out == ''
    assert not os.listdir(tmp_path)


def test_a_file_that_is_being_written_is_removed_on_the_way_out(tmp_path):
    from utils import atomic_write

    def writer(file):
        file.write(b'half')
        file.flush()
        os.kill(os.getpid(), signal.SIGTERM)
        work(1)
    with pytest.raises(SystemExit) as stopped, signals.quietly():
        atomic_write(str(tmp_path / 'file'), writer)
    assert stopped.value.code == 143 and not os.listdir(tmp_path)
