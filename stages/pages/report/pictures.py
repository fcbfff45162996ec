"""Drawings as data URIs, small enough that some dozens fit one page."""

import base64
import io

from PIL.Image import Image

from ezsd.stages.pages.report.content import Picture

_QUALITY = 82


def as_picture(drawing: Image, alt: str) -> Picture:
    """The drawing as WebP inside its own address; the same pixels give the same text."""
    buffer = io.BytesIO()
    drawing.save(buffer, format="WEBP", quality=_QUALITY, method=4)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(f"data:image/webp;base64,{data}", drawing.width, drawing.height, alt)
