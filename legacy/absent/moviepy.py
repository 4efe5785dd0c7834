"""moviepy.editor.VideoClip and ImageSequenceClip: GIFs are written with Pillow, other videos with imageio
where it can.
"""
import sys
import types

import numpy

from legacy.absent import stub_parts


class VideoClip:
    """`make_frame(t)` gives an RGB array for a time in seconds."""

    def __init__(self, make_frame=None, ismask=False, duration=None, **kwargs):
        self.make_frame, self.duration, self.fps = make_frame, duration, None

    def set_duration(self, duration):
        self.duration = duration
        return self

    def set_fps(self, fps):
        self.fps = fps
        return self

    def get_frame(self, t):
        return self.make_frame(t)

    def iter_frames(self, fps=None):
        fps = fps or self.fps or 24
        for n in range(int(round(self.duration * fps))):
            frame = numpy.asarray(self.make_frame(n / fps))
            frame = frame if frame.dtype == numpy.uint8 else numpy.clip(frame, 0, 255).astype(numpy.uint8)
            yield frame[..., 0] if frame.ndim == 3 and frame.shape[2] == 1 else frame

    def write_gif(self, filename, fps=None, **kwargs):
        from PIL import Image
        fps = fps or self.fps or 24
        frames = [Image.fromarray(frame) for frame in self.iter_frames(fps)]
        frames[0].save(filename, save_all=True, append_images=frames[1:], duration=int(1000 / fps), loop=0)

    def write_videofile(self, filename, fps=None, **kwargs):
        import imageio.v2
        fps = fps or self.fps or 24
        imageio.v2.mimwrite(filename, list(self.iter_frames(fps)), fps=fps)


class ImageSequenceClip(VideoClip):
    """Frames given as arrays or file names."""

    def __init__(self, sequence, fps=None, durations=None, **kwargs):
        import imageio.v2
        frames = [imageio.v2.imread(f) if isinstance(f, str) else f for f in sequence]
        fps = fps or 1.0 / numpy.mean(durations)
        super().__init__(lambda t: frames[min(len(frames) - 1, int(t * fps + 1e-6))],
                         duration=len(frames) / fps)
        self.fps = fps


editor = types.ModuleType('moviepy.editor')
editor.VideoClip, editor.ImageSequenceClip = VideoClip, ImageSequenceClip
editor.mpy = editor
editor.__getattr__ = stub_parts.missing('moviepy.editor')
sys.modules.setdefault('legacy.absent.moviepy.editor', editor)
__getattr__ = stub_parts.missing('moviepy')
