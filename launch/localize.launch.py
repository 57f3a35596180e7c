"""The localizer, active from the start; with a camera and a microphone, or a recording, and RViz, where asked for.

ros2 launch gar_ssl_ros localize.launch.py camera:=0 microphone:=default rviz:=true
ros2 launch gar_ssl_ros localize.launch.py image:=/camera/image_raw audio:=/audio rviz:=true
ros2 launch gar_ssl_ros localize.launch.py clip:=$HOME/talk.mp4 rviz:=true
ros2 launch gar_ssl_ros localize.launch.py camera:=0 microphone:=ReSpeaker array:=respeaker_usb_4 rviz:=true
"""

from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

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
    "server": ("", "of the reasoner served: where it answers; as params_file says where empty"),
    "student": (
        "",
        "of the reasoner student: the folder that gar-ssl train has filled; as params_file says where empty",
    ),
    "questions_model": (
        "",
        "of the reasoner hear_you_are: the folder of a trained model of questions; as params_file says where empty",
    ),
    "ask_model": ("", "the folder of a trained model that answers ~/ask; as params_file says where empty"),
    "masks": ("", "who tells the pixels of each source, such as grabcut; as params_file says where empty"),
    "masks_model": (
        "",
        "of masks of salient: the model's ONNX file; of sam, sam2, sam3: a folder; as params_file says where empty",
    ),
    "masks_track": ("", "true: know sources again by their masks; as params_file says where empty"),
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
    "array": ("", "the microphone array, such as respeaker_usb_4; as params_file says where empty"),
    "array_to_camera": ("", "where the camera is in the array's frame; by tf, or as params_file says, where empty"),
    "directions_in": ("", "a device's own directions of sound, PoseStamped or OdasSstArrayStamped; none where empty"),
    "use_sim_time": ("false", "take the time from /clock"),
    "autostart": ("true", "configure and activate at the start"),
    "log_level": ("info", "of the localizer"),
    "camera": ("", "start our camera node: the camera's number, part of its name, its address, or a file"),
    "calibration": ("", "a file of camera_calibration, of the camera or the clip"),
    "microphone": ("", "start our microphone node: its number, or part of its name; default is the system's"),
    "clip": ("", "a recording to play as camera and microphone"),
    "loop": ("true", "play the clip again and again"),
    "rviz": ("false", "start RViz"),
    "foxglove": ("false", "start foxglove_bridge, for Foxglove"),
}
# Parameters as they are given.
CHOICES = (
    *("reasoner", "fallback", "model", "server", "student", "questions_model", "ask_model"),
    *("masks", "masks_model"),
)


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


def _camera_topics(given):
    """Of a camera's topics, which are beside each other, the names here."""
    plain = given["image"].removesuffix("/compressed")
    info = given["camera_info"] or "/".join([*plain.split("/")[:-1], "camera_info"])
    return [("image", plain), ("image/compressed", f"{plain}/compressed"), ("camera_info", info)]


def _sources(given, loop):
    """The nodes of a camera and of a microphone, or of a clip, which is both; of what is wanted."""
    if given["clip"] and (given["camera"] or given["microphone"]):
        raise RuntimeError("a clip is camera and microphone at once: give either clip, or camera and microphone")
    sound = [(topic, given[topic]) for topic in ("audio", "audio_info")]
    calibration = {"calibration": _text(given["calibration"])} if given["calibration"] else {}
    if given["clip"]:
        told = {"clip": _text(given["clip"]), "loop": loop, "wait": 10.0, **calibration}
        yield _node(given, "player", told, [*_camera_topics(given), *sound])
    if given["camera"]:
        told = {"device": _text(given["camera"]), "compressed": given["image"].endswith("/compressed"), "wait": 10.0}
        yield _node(given, "camera", {**told, **calibration}, _camera_topics(given))
    if given["microphone"]:
        chosen = {} if given["microphone"] == "default" else {"device": _text(given["microphone"])}
        chosen |= {"array": _text(given["array"])} if given["array"] else {}
        yield _node(given, "microphone", chosen, sound)


def _text(value):
    """A parameter's value as it is: launch would take 0 for a number."""
    return ParameterValue(value, value_type=str)


def _node(given, executable, parameters, remappings):
    return Node(
        package="gar_ssl_ros",
        executable=executable,
        name=executable,
        namespace=given["namespace"],
        parameters=[parameters] if parameters else [],
        remappings=remappings,
        output="screen",
    )


def _foxglove(given):
    """The bridge, or a sentence where it is not installed."""
    try:
        get_package_prefix("foxglove_bridge")
    except PackageNotFoundError:
        return [LogInfo(msg="foxglove_bridge is not installed: sudo apt install ros-$ROS_DISTRO-foxglove-bridge")]
    layout = SHARE / "foxglove" / "localize.json"
    told = f", and import the layout {layout}" if layout.is_file() else ""
    bridge = {"package": "foxglove_bridge", "executable": "foxglove_bridge", "namespace": given["namespace"]}
    return [Node(**bridge, output="screen"), LogInfo(msg=f"Foxglove: open ws://localhost:8765{told}")]


def _nodes(context):
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    switches = ("use_sim_time", "autostart", "loop", "masks_track", "humans", "voices", "foxglove")
    true = {name: given[name].lower() in ("true", "1", "yes", "on") for name in switches}
    topics = [(name, given[name]) for name in ("image", "audio", "audio_info")]
    chosen = {name: given[name] for name in CHOICES if given[name]}
    eyes = {name: true[name] for name in ("masks_track", "humans", "voices") if given[name]}
    if given["detections_in"]:
        eyes["detections"] = True
    places = {"target_frame": given["target_frame"]} if given["target_frame"] else {}
    ears = {name: _text(given[name]) for name in ("array", "array_to_camera") if given[name]}
    if given["directions_in"]:
        ears["device_directions"] = True
    if given["depth"] or given["points"]:
        places["depth"] = "image" if given["depth"] else "points"
    optional = ("detections_in", "camera_info", "depth", "points", "directions_in")
    localizer = LifecycleNode(
        package="gar_ssl_ros",
        executable="localizer",
        name=given["name"],
        namespace=given["namespace"],
        parameters=[
            given["params_file"],
            {"use_sim_time": true["use_sim_time"], "autostart": true["autostart"], **chosen, **eyes, **ears, **places},
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
        arguments=[
            *("-d", str(SHARE / "rviz" / "localize.rviz")),
            *(("-f", given["target_frame"]) if given["target_frame"] else ()),
        ],
        remappings=[
            *((f"/{topic}", _full(given["namespace"], name)) for topic, name in _camera_topics(given)[:2]),
            *(
                (f"/localizer/{topic}", _full(given["namespace"], f"{given['name']}/{topic}"))
                for topic in ("image_annotated", "markers")
            ),
        ],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    foxglove = _foxglove(given) if true["foxglove"] else []
    return [localizer, *_sources(given, true["loop"]), rviz, *foxglove]
