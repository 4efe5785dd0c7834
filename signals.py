"""How signals end a program: at once while it starts, quietly while it works, after the step while it trains.

Whatever the caller has set to be ignored stays ignored: SIGHUP under nohup, SIGINT of a shell's background jobs.
The exit status is 128 + the signal's number, as shells, Docker and Slurm report it.
"""
import contextlib
import os
import signal
import threading

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def name(number):
    """15 → 'SIGTERM'."""
    return signal.Signals(number).name


class Stopped(SystemExit):
    """Raised where a signal arrives, so that files written aside are removed on the way out."""

    def __init__(self, number):
        super().__init__(128 + number)
        self.name = name(number)


@contextlib.contextmanager
def handled(handler):
    """Within it, `handler(number, frame)` is called for each of STOPPING. Outside the main thread: no effect."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in STOPPING}
    before = {number: old for number, old in before.items() if old not in (signal.SIG_IGN, None)}
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def at_once():
    """Within it a signal ends the process there and then: for imports, which an exception would leave half-done."""
    return handled(lambda number, _: os._exit(128 + number))


def quietly():
    """Within it a signal raises Stopped."""
    def stop(number, _):
        raise Stopped(number)
    return handled(stop)


class AfterTheStep:
    """Within it the first signal only sets `received`, for a loop to look at; a second one ends the process at once.

    Python calls its handlers between two bytecodes, and so not within a long session.run. The second signal is therefore
    counted by a thread, to which the interpreter writes the number of every signal as it arrives (signal.set_wakeup_fd).
    """

    def __enter__(self):
        self.received = None
        self._handling = handled(self._receive)
        self._handling.__enter__()
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            reader, self._writer = os.pipe()
            os.set_blocking(self._writer, False)
            self._wakeup_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
            self._watcher = threading.Thread(target=_end_at_the_second, args=(reader,), daemon=True)
            self._watcher.start()
        return self

    def __exit__(self, *_):
        if self._main:
            signal.set_wakeup_fd(self._wakeup_before)
            os.close(self._writer)
            self._watcher.join()
        self._handling.__exit__(None, None, None)

    def _receive(self, number, _):
        self.received = self.received or number

    @property
    def status(self):
        return 128 + self.received


def _end_at_the_second(reader):
    count = 0
    with os.fdopen(reader, 'rb', buffering=0) as arrivals:
        while numbers := arrivals.read(1):          # b'' when the writing end is closed
            if numbers[0] in STOPPING:
                count += 1
                if count == 2:
                    os._exit(128 + numbers[0])
