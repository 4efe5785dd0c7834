"""mpl_toolkits: grids of images; 3-D axes are drawn flat. Anything else holds its place."""
import types

from legacy.absent import stub_parts
from legacy.absent.matplotlib import gridspec, pyplot


class ImageGrid:
    """rows × cols axes with a small gap; a sequence of them in row order."""

    def __init__(self, fig, rect, nrows_ncols, axes_pad=0.02, **kwargs):
        rows, cols = nrows_ncols
        pad = axes_pad[0] if isinstance(axes_pad, (tuple, list)) else axes_pad or 0.0
        gap = pad * max(rows, cols) / max(min(fig.size), 0.1)
        grid = gridspec.GridSpec(rows, cols, wspace=gap, hspace=gap)
        self.axes_all = [fig.add_subplot(grid[n]) for n in range(rows * cols)]
        self.nrows, self.ncols = rows, cols

    def __getitem__(self, n):
        return self.axes_all[n]

    def __len__(self):
        return len(self.axes_all)

    def __iter__(self):
        return iter(self.axes_all)


axes_grid1 = types.ModuleType('mpl_toolkits.axes_grid1')
axes_grid1.ImageGrid = axes_grid1.AxesGrid = ImageGrid
axes_grid1.make_axes_locatable = lambda axes: pyplot.left_out('make_axes_locatable')()
axes_grid = axes_grid1
__getattr__ = stub_parts.missing('mpl_toolkits')
