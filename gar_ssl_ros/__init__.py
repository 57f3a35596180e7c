"""Which thing in view is making the sound, and why: training-free sound source localization for robots."""

import pkgutil

# Beside this source tree ROS 2 installs the generated gar_ssl_ros.msg, .srv and .action: let both be found.
__path__ = pkgutil.extend_path(__path__, __name__)

__version__ = "0.1.0"
