"""oyaml: yaml that keeps the order of keys."""
import functools

from legacy.absent import stub_parts, yaml
from legacy.absent.yaml import *  # noqa: F401,F403

dump = safe_dump = functools.partial(yaml.dump, sort_keys=False)
__getattr__ = stub_parts.missing('oyaml')
