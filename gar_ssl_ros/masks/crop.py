"""What a segmenter looks at: a box, and something around it."""

from __future__ import annotations

from gar_ssl_ros.gar.boxes import Box, box_from_reply


def pixels_of_box(box: Box, width: int, height: int) -> tuple[slice, slice] | None:
    """Rows and columns of an image that a box takes up, rounded; one at least each way; None where it lies outside."""
    inside = box_from_reply(box.sides, width, height)
    if inside is None:
        return None
    x1, y1 = min(round(inside.x1), width - 1), min(round(inside.y1), height - 1)
    return slice(y1, max(y1 + 1, round(inside.y2))), slice(x1, max(x1 + 1, round(inside.x2)))


def grown(box: Box, share: float) -> Box:
    """By a share of its sides to each side."""
    across, down = share * box.width, share * box.height
    return Box(box.x1 - across, box.y1 - down, box.x2 + across, box.y2 + down)


def outside(box: Box, width: int, height: int) -> str:
    """That a box is none of the image, as a sentence."""
    return f"{[round(side, 1) for side in box.sides]} takes up no pixel of the {width}x{height} image"
