"""Coverage-guided fuzzing of the parsers (needs the atheris package).

    python tests/fuzz/fuzz.py image -runs=1000000        one target, libFuzzer's own options after it
    python tests/fuzz/fuzz.py all -runs=1400000          every target, one after the other

An input that crashes, takes over a second or over 1 GB ends the run with its bytes in crash-*, timeout-* or oom-* in the
current folder. New inputs are kept in a temporary folder; the seeds in corpus/ are only read.
"""
import subprocess
import sys
import tempfile

import atheris

with atheris.instrument_imports(include=['cat_faces', 'cifar', 'config', 'images', 'labels', 'logs', 'readers', 'PIL']):
    import targets


def main():
    names, options = sys.argv[1:2], sys.argv[2:]
    if names == ['all']:
        # a process each: libFuzzer ends its own
        sys.exit(max(subprocess.call([sys.executable, __file__, name, *options]) for name in targets.TARGETS))
    if not names or names[0] not in targets.TARGETS:
        sys.exit(f'usage: fuzz.py {"|".join(targets.TARGETS)}|all [libFuzzer options]')
    with tempfile.TemporaryDirectory() as found:
        arguments = [sys.argv[0], '-timeout=1', '-rss_limit_mb=1024', '-max_len=16384', *options,
                     found, str(targets.HERE / 'corpus' / names[0])]
        atheris.Setup(arguments, targets.TARGETS[names[0]])
        atheris.Fuzz()


if __name__ == '__main__':
    main()
