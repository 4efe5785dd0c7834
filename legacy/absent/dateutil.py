"""dateutil.tz and dateutil.parser as far as log file names need them."""
import datetime
import types

from legacy.absent import stub_parts

tz = types.ModuleType('dateutil.tz')
tz.tzlocal = lambda: datetime.datetime.now().astimezone().tzinfo
tz.tzutc = lambda: datetime.timezone.utc
parser = types.ModuleType('dateutil.parser')
parser.parse = lambda text, **kwargs: datetime.datetime.fromisoformat(text)
__getattr__ = stub_parts.missing('dateutil')
