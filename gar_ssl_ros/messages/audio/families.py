"""Every audio message that ROS 2 has, by its full name. A further one is a file beside this one, and a line here."""

from __future__ import annotations

from gar_ssl_ros.messages.audio import introlab, mgonzs13, ros_drivers

# In the order in which sound is rather published in them.
_TYPES = (
    mgonzs13.AUDIO_STAMPED,
    ros_drivers.AUDIO_DATA_STAMPED,
    ros_drivers.AUDIO_DATA,
    *introlab.AUDIO_FRAMES,
)
AUDIO_TYPES = {one.name: one for one in _TYPES}
INFO_TYPES = {one.info.name: one.info for one in _TYPES if one.info is not None}
