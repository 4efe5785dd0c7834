"""toml.load and toml.loads on Python's own reader."""
import tomllib

from legacy.absent import stub_parts

TomlDecodeError = tomllib.TOMLDecodeError
loads = tomllib.loads


def load(f):
    """The tables of a file, open or by its name."""
    if hasattr(f, 'read'):
        return loads(f.read())
    with open(f, encoding='utf-8') as file:
        return loads(file.read())


__getattr__ = stub_parts.missing('toml')
