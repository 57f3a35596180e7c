"""Images of a camera as a page shows them: JPEG, as they came where they are that already."""

from __future__ import annotations

from typing import Any

from gar_ssl_ros.media.pictures import jpeg
from gar_ssl_ros.messages.images import ImageError, frame_from_message
from gar_ssl_ros.messages.picture_header import picture_header
from gar_ssl_ros.messages.stamps import StampError, stamp_of
from gar_ssl_ros.page.feed import Picture

QUALITY = 80  # of a JPEG that is made here
MOST_BYTES = 2**22  # of one that is passed on as it came
JPEG_BEGINS = b"\xff\xd8\xff"


def picture_from_message(message: Any, now: int) -> Picture:
    """The picture of an Image or CompressedImage; as of `now`, ns, where it has no stamp. Raises ImageError."""
    if not hasattr(message, "encoding"):
        content = bytes(message.data)
        header = picture_header(content) if content.startswith(JPEG_BEGINS) and len(content) <= MOST_BYTES else None
        if header is not None:
            try:
                return Picture(stamp_of(message.header) or now, header.width, header.height, content)
            except StampError as problem:
                raise ImageError(str(problem)) from None
    frame = frame_from_message(message, now)
    return Picture(frame.stamp, frame.width, frame.height, jpeg(frame.image, QUALITY))
