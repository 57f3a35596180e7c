"""The localizer, active from the start; with a recording instead of a camera, and RViz, where asked for.

ros2 launch gar_ssl_ros localize.launch.py image:=/camera/image_raw audio:=/audio rviz:=true
ros2 launch gar_ssl_ros localize.launch.py clip:=$HOME/talk.mp4 rviz:=true
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node

from launch import LaunchDescription

SHARE = Path(get_package_share_directory("gar_ssl_ros"))
ARGUMENTS = {
    "namespace": ("", "namespace of the nodes"),
    "name": ("localizer", "name of the localizer"),
    "params_file": (str(SHARE / "config" / "localize.yaml"), "parameters of the localizer"),
    "reasoner": ("", "who answers the stages; as params_file says where empty"),
    "fallback": ("", "who answers where the reasoner fails; as params_file says where empty"),
    "model": (
        "",
        "of the reasoner omni: the folder of its weights, or its id in the cache; as params_file says where empty",
    ),
    "image": ("image", "the camera's topic, Image or CompressedImage"),
    "audio": ("audio", "the microphone's topic, any audio message"),
    "audio_info": ("audio_info", "the topic that describes the sound, where its messages do not"),
    "detections_in": ("", "the topic of the robot's own detector, Detection2DArray; none where empty"),
    "humans": ("", "true: listen to the faces and bodies of ROS4HRI; as params_file says where empty"),
    "voices": ("", "true: tell who speaks, as ROS4HRI has it; as params_file says where empty"),
    "camera_info": ("", "the camera's calibration, CameraInfo; beside the images where empty"),
    "depth": ("", "a depth image, 16UC1 or 32FC1; none where empty"),
    "depth_camera_info": ("depth_camera_info", "its calibration, where it is not registered to the images"),
    "points": ("", "a PointCloud2 to take distances from; none where empty"),
    "target_frame": ("", "the frame in which positions are told, too; as params_file says where empty"),
    "use_sim_time": ("false", "take the time from /clock"),
    "autostart": ("true", "configure and activate at the start"),
    "log_level": ("info", "of the localizer"),
    "clip": ("", "a recording to play as camera and microphone"),
    "loop": ("true", "play the clip again and again"),
    "rviz": ("false", "start RViz"),
}


def generate_launch_description() -> LaunchDescription:
    """The arguments, and the nodes that they ask for."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_nodes)])


def _full(namespace, topic):
    """A topic's full name, as a node of that namespace resolves it: what RViz, which is in none, has to be given."""
    return topic if topic.startswith("/") else "/" + "/".join(filter(None, [namespace.strip("/"), topic]))


def _nodes(context):
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    switches = ("use_sim_time", "autostart", "loop", "humans", "voices")
    true = {name: given[name].lower() in ("true", "1", "yes", "on") for name in switches}
    topics = [(name, given[name]) for name in ("image", "audio", "audio_info")]
    chosen = {name: given[name] for name in ("reasoner", "fallback", "model") if given[name]}
    eyes = {name: true[name] for name in ("humans", "voices") if given[name]}
    if given["detections_in"]:
        eyes["detections"] = True
    places = {"target_frame": given["target_frame"]} if given["target_frame"] else {}
    if given["depth"] or given["points"]:
        places["depth"] = "image" if given["depth"] else "points"
    optional = ("detections_in", "camera_info", "depth", "points")
    localizer = LifecycleNode(
        package="gar_ssl_ros",
        executable="localizer",
        name=given["name"],
        namespace=given["namespace"],
        parameters=[
            given["params_file"],
            {"use_sim_time": true["use_sim_time"], "autostart": true["autostart"], **chosen, **eyes, **places},
        ],
        remappings=[
            *topics,
            *((name, given[name] or name) for name in optional),
            ("depth_camera_info", given["depth_camera_info"]),
        ],
        arguments=["--ros-args", "--log-level", given["log_level"]],
        output="screen",
        emulate_tty=True,
    )
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", str(SHARE / "rviz" / "localize.rviz")],
        remappings=[
            ("/image", _full(given["namespace"], given["image"].removesuffix("/compressed"))),
            *(
                (f"/localizer/{topic}", _full(given["namespace"], f"{given['name']}/{topic}"))
                for topic in ("image_annotated", "markers")
            ),
        ],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    if not given["clip"]:
        return [localizer, rviz]
    player = Node(
        package="gar_ssl_ros",
        executable="player",
        name="player",
        namespace=given["namespace"],
        parameters=[{"clip": given["clip"], "loop": true["loop"], "wait": 10.0}],
        remappings=topics,
        output="screen",
    )
    return [localizer, player, rviz]
