"""Every audio message that ROS 2 has, by its full name. A further one is a file beside this one, and a line here."""

from __future__ import annotations

from gar_ssl_ros.messages.audio import introlab, mgonzs13, ros_drivers

# In the order in which sound is rather published in them.
_TYPES = (
    ros_drivers.AUDIO_DATA_STAMPED,
    ros_drivers.AUDIO_DATA,
    mgonzs13.AUDIO_STAMPED,
    *introlab.AUDIO_FRAMES,
)
AUDIO_TYPES = {one.name: one for one in _TYPES}
# Those in which sound is published, by whose they are. No other package has a message of that name.
PUBLISHED = {one.family: one for one in _TYPES if one.write is not None}
INFO_TYPES = {one.info.name: one.info for one in _TYPES if one.info is not None}
