"""Coverage-guided fuzzing of the parsers (needs the atheris package).

    python tests/fuzz/fuzz.py all                            10 million inputs over all targets, one after the other
    python tests/fuzz/fuzz.py image -runs=1000000            one target, libFuzzer's own options after it
    python tests/fuzz/fuzz.py image -runs=1000000 found      ... and keeps the inputs that reach new code in the folder found
    python tests/fuzz/fuzz.py image crash-1234               the one input in a file

An input that crashes, takes over a second of processor time or brings the process over 1 GB ends the run with its bytes in
crash-*, timeout-* or oom-* in the current folder. The seeds in corpus/ are only read.
"""
import importlib
import os
import resource
import subprocess
import sys
import tempfile
import time

import atheris

INSTRUMENTED = ['cat_faces', 'cifar', 'config', 'images', 'labels', 'logs', 'readers', 'PIL',
                'pickletools', 'tarfile', 'zipfile']
# Inputs of `all`, 10 million in all, and the longest input in bytes: a batch of CIFAR-10 needs over 3,073, the others show in
# short inputs all that they show in long ones.
RUNS = dict(image=400_000, idx=1_100_000, csv=1_100_000, attributes=1_100_000, cat=1_100_000, pickle=1_000_000, cifar_batch=1_000_000,
            tar=500_000, zip=500_000, record=1_100_000, losses=1_100_000)
LONGEST = dict(image=16384, cifar_batch=16384, tar=8192, zip=16384, losses=10240)
SECONDS, MEGABYTES = 1, 1024

with atheris.instrument_imports(include=INSTRUMENTED):
    import targets
    for name in 'Bmp', 'Gif', 'Jpeg', 'Mpo', 'Png', 'Tiff', 'WebP':         # Pillow would import them when the first image is opened
        importlib.import_module(f'PIL.{name}ImagePlugin')
    if sys.argv[1:2] == ['losses']:
        import logs         # noqa: F401 (brings in TensorFlow, whose 600 MB the other targets do without)


def within_limits(function):
    """The function, of one input, with an error when the input takes too long or too much.

    Processor time, unlike libFuzzer's own limit: a busy machine slows no input down.
    """
    def limited(data):
        before = time.process_time()
        function(data)
        seconds = time.process_time() - before
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if seconds > SECONDS or megabytes > MEGABYTES:
            raise RuntimeError(f'{seconds:.2f} s of processor time, {megabytes:.0f} MB at most')
    return limited


def write_dictionary(path, words):
    """libFuzzer's format: one quoted word a line, bytes that are not plain as \\xNN."""
    plain = lambda byte: chr(byte) if 32 < byte < 127 and byte not in b'"\\' else f'\\x{byte:02x}'
    with open(path, 'w', encoding='ascii') as file:
        file.writelines(f'"{"".join(map(plain, word))}"\n' for word in words)


def main():
    names, options = sys.argv[1:2], sys.argv[2:]
    if names == ['all']:
        # a process each: libFuzzer ends its own
        sys.exit(max(subprocess.call([sys.executable, __file__, name, f'-runs={runs}', *options]) for name, runs in RUNS.items()))
    if not names or names[0] not in targets.TARGETS:
        sys.exit(f'usage: fuzz.py {"|".join(targets.TARGETS)}|all [libFuzzer options] [folder]')
    with tempfile.TemporaryDirectory() as aside:
        dictionary, found = os.path.join(aside, 'words'), os.path.join(aside, 'found')
        os.mkdir(found)
        write_dictionary(dictionary, targets.WORDS.get(names[0], [b'\n']))          # libFuzzer refuses an empty one
        arguments = [sys.argv[0], f'-timeout={30 * SECONDS}', f'-rss_limit_mb={MEGABYTES}', f'-max_len={LONGEST.get(names[0], 4096)}',
                     f'-dict={dictionary}', *options]
        if not any(map(os.path.isfile, options)):
            arguments += [found, str(targets.HERE / 'corpus' / names[0])]
        atheris.Setup(arguments, within_limits(targets.TARGETS[names[0]]))
        atheris.Fuzz()


if __name__ == '__main__':
    main()
