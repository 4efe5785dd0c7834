"""mpl_toolkits: imported far more often than used; its place is held."""
from legacy.absent import stub_parts

__getattr__ = stub_parts.missing('mpl_toolkits')
