"""Who speaks, as ROS4HRI's own listeners hear it: by the list of voices, and then by each one's topics."""

from __future__ import annotations

import math
import re
import time

import numpy as np
import pytest
from audio_common_msgs.msg import AudioData
from hri_msgs.msg import AudioFeatures, IdsList, IdsMatch, NormalizedRegionOfInterest2D
from rclpy.qos import QoSProfile
from robot import CHUNK, localizer, robot, stamped, until
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Bool
from test_detector_inputs import value
from test_directions import INFO, LATCHED, MATRIX
from tf2_msgs.msg import TFMessage

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.nodes import voices

SPEAKING = {"reasoner": "misbehaving:Speaking", "voices": True}
HUMANS = {"faces": ("abcde", (0.4, 0.4, 0.6, 0.6)), "bodies": ("b0d1e", (0.2, 0.2, 0.8, 0.9))}  # in and around its box
VOICE_TOPICS = {"is_speaking": Bool, "audio": AudioData, "features": AudioFeatures}


class Listener:
    """As libhri's HRIListener: reliable, volatile, a voice's topics once it is listed. Shows a face and a body, too."""

    def __init__(self, bot) -> None:
        self.bot, self.node = bot, bot.node
        self.ids: list[list[str]] = []
        self.matches: list[IdsMatch] = []
        self.frames: list[TFMessage] = []
        self.said: dict[str, dict[str, list]] = {}
        kept = QoSProfile(depth=100)
        self.node.create_subscription(IdsList, "/humans/voices/tracked", self._on_ids, kept)
        self.node.create_subscription(IdsMatch, "/humans/candidate_matches", self.matches.append, kept)
        self.node.create_subscription(TFMessage, "/tf", self.frames.append, kept)
        self.seen = list(HUMANS)
        self.tracked = {what: self.node.create_publisher(IdsList, f"/humans/{what}/tracked", kept) for what in HUMANS}
        self.regions = {
            what: self.node.create_publisher(NormalizedRegionOfInterest2D, f"/humans/{what}/{name}/roi", kept)
            for what, (name, _) in HUMANS.items()
        }
        info = CameraInfo(**INFO, k=MATRIX)
        info.header.frame_id = "camera_optical_frame"
        self.infos = self.node.create_publisher(CameraInfo, "camera_info", LATCHED)
        self.infos.publish(info)
        self.now = 10 * SECOND

    def _on_ids(self, message: IdsList) -> None:
        self.ids.append(list(message.ids))
        for name in set(message.ids) - self.said.keys():
            self.said[name] = {what: [] for what in VOICE_TOPICS}
            for what, kind in VOICE_TOPICS.items():
                self.node.create_subscription(kind, f"/humans/voices/{name}/{what}", self.said[name][what].append, 100)

    def play_until(self, condition, amplitude: int = 8000):
        """Play on, the face and the body in view, until that holds."""

        def played():
            for _ in range(5):
                self.now += CHUNK
                for what, (name, (left, top, right, bottom)) in HUMANS.items():
                    self.tracked[what].publish(stamped(IdsList(ids=[name] if what in self.seen else []), self.now))
                    region = NormalizedRegionOfInterest2D(xmin=left, ymin=top, xmax=right, ymax=bottom, c=0.9)
                    if what in self.seen:
                        self.regions[what].publish(stamped(region, self.now))
                self.bot.images.publish(self.bot.picture(self.now))
                self.bot._tell(16000)
                self.bot.sound.publish(self.bot.chunk(self.now, amplitude=amplitude))
                time.sleep(0.01)
            return condition()

        return until(played)


def test_who_speaks_is_told_as_ros4hri_has_it_and_taken_back_when_it_is_over():
    with localizer(**SPEAKING) as node, robot() as bot:
        listener = Listener(bot)
        bot.meet()
        listener.play_until(lambda: value(bot, "faces", "heard") == value(bot, "bodies", "heard") == 1)
        identity = listener.play_until(lambda: next((ids[0] for ids in reversed(listener.ids) if ids), None))
        assert re.fullmatch(r"[a-z]\w*", identity)
        said = listener.said[identity]
        listener.play_until(lambda: len(said["audio"]) > 3 and len(said["features"]) > 3)
        until(lambda: said["is_speaking"])  # also by who has come late: it is told again
        assert all(one.data for one in said["is_speaking"])
        assert said["features"][-1].zcr == pytest.approx(1 / (5 * math.pi), rel=0.05)
        sound = np.frombuffer(b"".join(bytes(one.data) for one in list(said["audio"])), "<i2").reshape(-1, 1600)
        chunk = np.frombuffer(bot.chunk(0).audio.data, "<i2").astype(int)
        assert abs(sound - chunk).max() <= 1  # whole and in order, and nothing twice at the seams
        listener.play_until(lambda: {one.id2 for one in listener.matches[-2:]} == {"abcde", "b0d1e"})
        for match in listener.matches[-2:]:
            kind = IdsMatch.FACE if match.id2 == "abcde" else IdsMatch.BODY
            assert (match.id1, match.id1_type, match.id2_type) == (identity, IdsMatch.VOICE, kind)
            assert match.confidence == pytest.approx(0.8)  # S_av
        listener.play_until(lambda: listener.frames)
        frame = listener.frames[-1].transforms[0]
        assert (frame.header.frame_id, frame.child_frame_id) == ("camera_optical_frame", f"voice_{identity}")
        place = frame.transform.translation
        assert (place.x / place.z, place.y / place.z) == pytest.approx((-31.5 / 64, 16.5 / 64), abs=0.02)
        told = until(lambda: bot.state_of("voices")().get("matched") == "1" and bot.state_of("voices")())
        assert (told["level"], told["tracked"], told["speaking"]) == ("0", "1", "1")

        listener.seen.remove("faces")
        ended = listener.play_until(lambda: next((one for one in listener.matches if one.confidence == 0.0), None))
        assert (ended.id1, ended.id2) == (identity, "abcde")
        listener.play_until(lambda: not said["is_speaking"][-1].data, amplitude=0)
        assert identity in listener.ids[-1]
        listener.play_until(lambda: listener.ids[-1] == [], amplitude=0)
        for topic in (f"/humans/voices/{identity}/{name}" for name in VOICE_TOPICS):
            until(lambda topic=topic: bot.node.count_publishers(topic) == 0)

        other = listener.play_until(lambda: listener.ids[-1] and listener.ids[-1][0])
        assert other != identity
        node.trigger_deactivate()
        until(lambda: listener.ids[-1] == [] and listener.matches[-1].confidence == 0.0)
        until(lambda: bot.node.count_publishers("/humans/voices/tracked") == 0)
        assert bot.state_of("node")()["callback_errors"] == "0"


@pytest.mark.parametrize(
    ("name", "told"), [("message_type", "voices are not told"), ("audio_class", "the sound of voices is not told")]
)
def test_what_is_not_installed_is_said_and_all_else_goes_on(monkeypatch, name, told):
    def missing(kind):
        raise LookupError(f"{kind} is not installed: install it")

    monkeypatch.setattr(voices, name, missing)
    with localizer(**SPEAKING), robot() as bot:
        bot.meet()
        bot.play(10, 3)
        assert bot.next_final().sources
        status = until(bot.state_of("voices"))
        assert (status["level"], status["message"].startswith(told)) == ("1", True)
        expected = name == "audio_class"
        assert bool(bot.node.count_publishers("/humans/voices/tracked")) == expected
        if expected:
            until(lambda: bot.state_of("voices")()["tracked"] == "1")


def test_who_does_not_ask_for_voices_has_none():
    with localizer(reasoner="misbehaving:Speaking") as node:
        for topic in ("/humans/voices/tracked", "/humans/candidate_matches", "/tf"):
            assert node.count_publishers(topic) == 0


def test_nobody_is_missed_whom_nobody_asked_for():
    with localizer(**SPEAKING, target_frame="base_link") as node, robot() as bot:
        bot.meet()
        until(lambda: node.count_publishers("/tf"))  # its own, for voices
        told = until(lambda: bot.health and {one.name.partition(": ")[2] for one in bot.health[-1].status})
        assert "voices" in told
        assert not {"faces", "bodies", "humans", "tf", "tf_static"} & told
        assert node._inputs._detectors.problems == {}
    with localizer(**SPEAKING, humans=True) as node, robot() as bot:
        until(lambda: bot.state_of("faces")().get("message", "").startswith("nobody publishes /humans/faces/tracked"))
        assert node._inputs._detectors.problems.keys() == {"faces", "bodies"}
