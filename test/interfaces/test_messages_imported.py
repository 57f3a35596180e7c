"""`import sensor_msgs.msg` without ROS 2, each case in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
INSTALL = "from gar_ssl_ros import interfaces\ninterfaces.install()\n"


def run(code: str, *arguments: str) -> str:
    """What the code prints; it fails where the code does."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nothing_is_importable_before_it_is_installed_and_after_it_is_uninstalled():
    told = run(
        "import importlib.util, sys\n"
        "from gar_ssl_ros import interfaces\n"
        "import gar_ssl_ros\n"
        "def there(): return [importlib.util.find_spec(name) is not None for name in ('std_msgs', 'std_srvs')]\n"
        "before, path = there(), list(sys.meta_path)\n"
        "interfaces.install({'gar_ssl_ros': __import__('pathlib').Path('.')})\n"
        "installed = there()\n"
        "import std_msgs.msg, std_srvs.srv, gar_ssl_ros.msg\n"
        "interfaces.uninstall()\n"
        "assert sys.meta_path == path\n"
        "assert not hasattr(gar_ssl_ros, 'msg')\n"
        "assert not [name for name in sys.modules if name.startswith(('std_msgs', 'std_srvs', 'gar_ssl_ros.msg'))]\n"
        "print(before, installed, there())"
    )
    assert told == "[False, False] [True, True] [False, False]"


def test_classes_are_where_rosidl_has_them():
    run(
        INSTALL + "from std_srvs.srv import SetBool, SetBool_Request\n"
        "import std_srvs.srv, sensor_msgs.msg, sensor_msgs\n"
        "from sensor_msgs.msg import *\n"
        "from sensor_msgs.msg._camera_info import CameraInfo as again\n"
        "assert again is CameraInfo is sensor_msgs.msg.CameraInfo\n"
        "assert SetBool_Request is SetBool.Request is std_srvs.srv._set_bool.SetBool_Request\n"
        "assert CameraInfo.__module__ == 'sensor_msgs.msg._camera_info'\n"
        "assert 'Image' in dir(sensor_msgs.msg)\n"
        "try: from sensor_msgs.msg import Nothing\n"
        "except ImportError: pass\n"
        "else: raise AssertionError\n"
        "try: import sensor_msgs.srvs\n"
        "except ModuleNotFoundError: pass\n"
        "else: raise AssertionError\n"
    )


def test_the_projects_own_messages_come_with_its_folder():
    told = run(
        "from pathlib import Path\n"
        "from gar_ssl_ros import interfaces\n"
        "interfaces.install({'gar_ssl_ros': Path('.')})\n"
        "from gar_ssl_ros.msg import SoundSource, SoundSourceArray\n"
        "from gar_ssl_ros.srv import Localize\n"
        "from vision_msgs.msg import BoundingBox2D\n"
        "assert type(SoundSource().box) is BoundingBox2D\n"
        "assert type(Localize.Response().result) is SoundSourceArray\n"
        "print(SoundSourceArray.__module__)"
    )
    assert told == "gar_ssl_ros.msg._sound_source_array"


def test_a_real_package_is_never_shadowed(tmp_path):
    package = tmp_path / "std_msgs"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "msg.py").write_text("class Header: real = True\n")
    told = run(
        "import sys\nsys.path.insert(0, sys.argv[1])\n" + INSTALL + "from std_msgs.msg import Header\n"
        "from std_srvs.srv import SetBool\n"
        "print(Header.real, SetBool.Request())\n"
        "try: interfaces.get_message('std_msgs/msg/Header')\n"
        "except interfaces.InterfaceError as problem: print(problem)",
        str(tmp_path),
    )
    assert told.splitlines() == [
        "True std_srvs.srv.SetBool_Request(data=False)",
        f"std_msgs/msg/Header is ROS 2's own ({package / 'msg.py'}), which needs ROS 2's rclpy: "
        "source all of ROS 2, or take it off PYTHONPATH",
    ]


def test_messages_travel_between_processes_by_pickle():
    run(
        INSTALL + "import pickle\n"
        "from sensor_msgs.msg import Image\n"
        "from audio_common_msgs.msg import AudioStamped, AudioDataStamped\n"
        "for message in (Image(data=b'ab'), AudioStamped(), AudioDataStamped()):\n"
        "    assert pickle.loads(pickle.dumps(message)) == message\n"
        "stamped = AudioStamped()\n"
        "stamped.audio.audio_data.int16_data = [1]\n"
        "assert pickle.loads(pickle.dumps(stamped)).audio.audio_data.int16_data[0] == 1\n"
    )


def test_a_type_is_found_by_its_name():
    told = run(
        INSTALL + "from sensor_msgs.msg import Image\n"
        "from std_srvs.srv import SetBool\n"
        "assert interfaces.get_message('sensor_msgs/msg/Image') is Image\n"
        "assert interfaces.get_message('std_srvs/srv/SetBool_Request') is SetBool.Request\n"
        "assert interfaces.get_service('std_srvs/srv/SetBool') is SetBool\n"
        "for get, name in ((interfaces.get_message, 'sensor_msgs/msg/Nothing'),\n"
        "                  (interfaces.get_message, 'no_msgs/msg/Image'), (interfaces.get_message, 'Image'),\n"
        "                  (interfaces.get_message, ''), (interfaces.get_message, 'std_srvs/srv/SetBool'),\n"
        "                  (interfaces.get_service, 'sensor_msgs/msg/Image')):\n"
        "    try: get(name)\n"
        "    except interfaces.InterfaceError as problem: print(problem)\n"
        "    else: raise AssertionError(name)\n"
    )
    assert told.splitlines() == [
        "sensor_msgs/msg/Nothing: there is no such message",
        "no_msgs/msg/Image: there is no such message",
        "Image: there is no such message",
        ": there is no such message",
        "std_srvs/srv/SetBool: there is no such message",
        "sensor_msgs/msg/Image: there is no such service",
    ]


def test_bags_have_a_store_of_every_message():
    told = run(
        INSTALL + "plain = interfaces.typestore()\n"
        "from sensor_msgs.msg import Image\n"
        "data = interfaces.serialize(Image(width=3))\n"
        "assert plain.deserialize_cdr(data, 'sensor_msgs/msg/Image').width == 3\n"
        "assert plain.hash_rihs01('sensor_msgs/msg/Image') == interfaces.type_hash(Image)\n"
        "mine = interfaces.typestore('audio_common_msgs/msg/AudioStamped')\n"
        "from audio_common_msgs.msg import AudioStamped\n"
        "message = mine.deserialize_cdr(interfaces.serialize(AudioStamped()), 'audio_common_msgs/msg/AudioStamped')\n"
        "print(message.audio.info.rate, len(plain.fielddefs) > 150)"
    )
    assert told == "0 True"
