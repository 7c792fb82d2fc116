"""The steps as moving pictures: GIF by Pillow, MP4 by PyAV."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import Image

from explorer.export.images import film
from explorer.export.provenance import Facts, facts_text
from explorer.figures import Film
from explorer.figures.animation import animate
from explorer.figures.sheet import BLUE
from explorer.translation import Run

GIF_DPI, MP4_DPI = 60, 96  # 800 by 450 and 1280 by 720 pixels
_SECONDS, _HOLD_SECONDS = 5.0, 2.0
_SLOWEST, _FASTEST = 2, 24
_WHITE = 240
_BT709, _STUDIO_RANGE = 1, 1  # as ITU-T H.273 numbers colors, and FFmpeg ranges


def frame_rate(num_steps: int) -> int:
    """Return whole frames a second at which so many steps take about five seconds."""
    return int(np.clip(round(num_steps / _SECONDS), _SLOWEST, _FASTEST))


def gif_bytes(run: Run, facts: Facts) -> bytes:
    """Return the steps as a GIF that loops, its facts as JSON in the comment."""
    shown = film(run)
    palette = _palette(shown)
    frames = [
        Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.NONE)
        for picture in animate(shown, GIF_DPI)
    ]
    pause = round(1000 / frame_rate(len(frames)), -1)  # GIF counts hundredths of a second
    buffer = io.BytesIO()
    frames[0].save(
        buffer, format="GIF", save_all=True, append_images=frames[1:], loop=0, optimize=False,
        duration=[*[pause] * (len(frames) - 1), int(1000 * _HOLD_SECONDS)],
        comment=facts_text(facts).encode("ascii"),
    )  # fmt: skip
    return buffer.getvalue()


def _palette(shown: Film) -> Image.Image:
    """Return the 256 colors of a film: grays, the curve's blue, and both color maps.

    The same for all frames, so that none flickers; a palette of the most frequent colors would go
    to the noise.
    """
    source, output, _ = shown.comparison.panels()
    shares = np.linspace(0.0, 0.85, 8)[:, None]
    colors = np.concatenate([
        np.linspace([0.0] * 3, [1.0] * 3, 32),
        (1.0 - shares) * np.array(to_rgb(BLUE)) + shares,
        source.colormap(np.linspace(0.0, 1.0, 96))[:, :3],
        output.colormap(np.linspace(0.0, 1.0, 120))[:, :3],
    ])  # fmt: skip
    levels = np.rint(255 * colors).astype(int)
    levels[levels.min(axis=1) > _WHITE] = 255  # Pillow's search may take a light gray for white
    palette = Image.new("P", (1, 1))
    palette.putpalette(levels.ravel().tolist())
    return palette


def mp4_bytes(run: Run, facts: Facts) -> bytes:
    """Return the steps as H.264 in MP4, its facts as JSON in the comment."""
    import av

    rate = frame_rate(run.num_steps)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        container.metadata.update(title=str(facts["title"]), comment=facts_text(facts))
        stream = container.add_stream("libx264", rate=rate, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        context = stream.codec_context
        context.thread_count = 1  # the bytes depend on the number of threads
        # Players take what is not tagged for one standard or the other, by its size.
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _STUDIO_RANGE
        for picture in _held(animate(film(run), MP4_DPI), round(rate * _HOLD_SECONDS)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
        container.mux(stream.encode())
    return buffer.getvalue()


def _held(pictures: Iterator[NDArray[Any]], count: int) -> Iterator[NDArray[Any]]:
    """Yield pictures, and the last one `count` times more."""
    for picture in pictures:
        yield picture
    for _ in range(count):
        yield picture
