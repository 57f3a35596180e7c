"""The localizer on the graph: what comes in, what goes out, and what may be asked and changed while it runs."""

from __future__ import annotations

import math
from array import array
from itertools import count

import cv2
import numpy as np
import pytest
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.srv import Localize
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from robot import localizer, robot, seconds, stamped, until
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import SetBool
from vision_msgs.msg import LabelInfo

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.answers import box_from_bounding_box
from gar_ssl_ros.output.record import WindowRecord


def call(bot, kind, name, request):
    """The answer of a service."""
    client = bot.node.create_client(kind, name)
    until(client.service_is_ready)
    future = client.call_async(request)
    until(future.done)
    bot.node.destroy_client(client)
    return future.result()


def test_an_answer_is_about_its_image_and_says_all_that_is_known():
    masks: list[Image] = []
    labels: list[LabelInfo] = []
    with localizer(reasoner="misbehaving:Fixed", masks="box", masks_track=True), robot() as bot:
        bot.node.create_subscription(Image, "/localizer/masks", masks.append, 100)
        bot.node.create_subscription(LabelInfo, "/localizer/label_info", labels.append, 100)
        until(lambda: all(bot.node.count_publishers(f"/localizer/{topic}") for topic in ("masks", "label_info")))
        bot.meet()
        bot.play(10, 3)
        final = bot.next_final()
        assert final.header.frame_id == "camera_optical_frame"
        assert (seconds(final.window_start), seconds(final.window_end)) == (10, 11)
        assert 10 <= seconds(final.header.stamp) < 11
        assert abs(seconds(final.header.stamp) - 10.5) <= 0.051
        assert (final.image_width, final.image_height, final.frames) == (64, 48, 10)
        assert (final.outcome, final.label, final.reasoner) == (SoundSourceArray.LOCALIZED, "dog_bark", "fixed")
        assert (final.model, final.fallback, final.detail) == ("none at all", False, "")
        assert (final.frame_gap, final.audio_gap) == (pytest.approx(0.1), 0.0)
        assert final.inference > 0
        (source,) = final.sources
        assert box_from_bounding_box(source.box).sides == (16, 12, 48, 36)
        assert (source.id, source.label, source.refined) == (1, "dog_bark", False)
        assert source.audio_confidence == pytest.approx(0.9)
        assert source.av_consistency == pytest.approx(0.8)
        assert list(source.role_tags) == ["open_mouth"]
        record = WindowRecord.model_validate_json(final.reasoning)
        assert record.outcome.name == "LOCALIZED"
        assert record.stages[0].consensus.trials == 5
        mask = until(lambda: next((one for one in masks if one.header == final.header), None))
        numbers = np.array(mask.data, np.uint8).reshape(48, 64)
        assert mask.encoding == "mono8"
        assert (numbers[12:36, 16:48] == 1).all()
        assert numbers.sum() == 24 * 32
        told = until(lambda: next((one for one in labels if one.header == final.header), None))
        assert [(one.class_id, one.class_name) for one in told.class_map] == [(1, "dog_bark")]
        (known,) = record.sources  # where the mask was there in time
        assert (known.mask is None and known.track is None) or (known.mask.box, known.track) == (known.box, 1)


def test_the_initial_answer_comes_first_with_the_same_header_and_ids():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 3)
        final = bot.next_final()
        initial = bot.answers[0]
        assert (initial.stage, initial.header) == (SoundSourceArray.INITIAL, final.header)
        assert initial.sources[0].id == final.sources[0].id
        assert math.isnan(initial.sources[0].av_consistency)


def test_ids_stay_across_windows_and_detections_say_the_same():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 5)
        bot.next_final(after=14)
        assert {source.id for answer in bot.answers for source in answer.sources} == {1}
        until(lambda: len(bot.detections) == len(bot.finals()))
        detections, final = bot.detections[0], bot.finals()[0]
        assert detections.header == final.header
        (detection,) = detections.detections
        assert (detection.id, detection.bbox) == ("1", final.sources[0].box)
        assert detection.results[0].hypothesis.class_id == "dog_bark"
        assert detection.results[0].hypothesis.score == pytest.approx(0.8)


def test_no_detections_are_sent_of_an_uncertain_answer_and_an_empty_message_of_an_off_screen_one():
    with localizer(reasoner="misbehaving:Wavering"), robot() as bot:
        bot.meet()
        bot.play(10, 3)
        unsure, off_screen, localized = until(lambda: len(bot.finals()) > 2 and bot.finals())[:3]
        assert (unsure.outcome, unsure.detail) == (SoundSourceArray.UNCERTAIN, "the dog is 1 steps away")
        assert (off_screen.outcome, off_screen.detail) == (SoundSourceArray.OFF_SCREEN, "the dog is 2 steps away")
        assert localized.outcome == SoundSourceArray.LOCALIZED
        claimed = until(lambda: len(bot.detections) > 1 and bot.detections)[:2]
        assert [(one.header, len(one.detections)) for one in claimed] == [
            (off_screen.header, 0), (localized.header, 1)
        ]  # fmt: skip
        assert WindowRecord.model_validate_json(unsure.reasoning).outcome.value == "UNCERTAIN"
        told = until(lambda: (told := bot.state_of("inference")()).get("outcome_localized") and told)
        assert int(told["outcome_uncertain"]) >= 1
        assert int(told["outcome_off_screen"]) >= 1
        assert told["level"] == "0"  # neither is a failure


def test_to_be_uncertain_is_an_answer_to_localize():
    with localizer(reasoner="misbehaving:Wavering"), robot() as bot:
        bot.meet()
        assert call(bot, SetBool, "/localizer/enable", SetBool.Request(data=False)).success
        bot.play(10, 2)
        asked = call(bot, Localize, "/localizer/localize", Localize.Request())
        assert (asked.success, asked.result.outcome) == (True, SoundSourceArray.UNCERTAIN)


def test_windows_of_even_noise_are_held_by_the_noise_gate_and_counted_and_answered_when_asked_for():
    with localizer(reasoner="misbehaving:Fixed", noise_gate=True) as node, robot() as bot:
        usual, random = bot.chunk, np.random.default_rng(0)

        def hissing(stamp):
            message = usual(stamp)
            message.audio.data = array("B", random.normal(0, 500, 1600).astype("<i2").tobytes())
            return message

        bot.meet()
        bot.chunk = hissing
        bot.play(10, 3)
        told = bot.next_final()
        assert (told.outcome, told.reasoner, len(told.sources)) == (SoundSourceArray.UNCERTAIN, "noise_gate", 0)
        assert "an even noise at -3" in told.detail
        asked = call(bot, Localize, "/localizer/localize", Localize.Request())
        assert (asked.success, asked.result.outcome) == (True, SoundSourceArray.LOCALIZED)
        status = until(lambda: (told := bot.state_of("inference")()).get("windows_gated", "0") != "0" and told)
        assert (status["level"], status["windows_gated"]) == ("0", status["outcome_uncertain"])
        assert not [one for one in bot.detections if one.header == told.header]
        node.set_parameters([Parameter("noise_gate", value=False)])
        bot.play(13, 2)
        assert bot.next_final(after=14.2).outcome == SoundSourceArray.LOCALIZED


def test_localize_answers_the_newest_window_also_while_not_enabled():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        nothing = call(bot, Localize, "/localizer/localize", Localize.Request())
        assert not nothing.success
        assert "no image has come" in nothing.message
        assert call(bot, SetBool, "/localizer/enable", SetBool.Request(data=False)).success
        bot.play(10, 2)
        asked = call(bot, Localize, "/localizer/localize", Localize.Request())
        assert (asked.success, asked.message) == (True, "")
        assert asked.result.outcome == SoundSourceArray.LOCALIZED
        assert seconds(asked.result.window_end) == pytest.approx(11.9, abs=0.15)
        (published,) = until(bot.finals)
        assert published.reasoning == asked.result.reasoning
        assert call(bot, SetBool, "/localizer/enable", SetBool.Request(data=True)).success
        bot.play(12, 2)
        assert bot.next_final(after=13).outcome == SoundSourceArray.LOCALIZED


def test_localize_says_why_there_is_no_answer():
    with localizer(reasoner="misbehaving:Raising"), robot() as bot:
        bot.meet()
        bot.play(10, 2)
        asked = call(bot, Localize, "/localizer/localize", Localize.Request())
        assert not asked.success
        assert "BACKEND_ERROR" in asked.message
    with localizer(active=False), robot() as bot:
        asked = call(bot, Localize, "/localizer/localize", Localize.Request())
        assert (asked.success, asked.message) == (False, "the node is not active: activate it first")


def test_deactivating_answers_who_waits_for_localize():
    with localizer(reasoner="misbehaving:Endless", deadline=600.0) as node, robot() as bot:
        bot.meet()
        bot.play(10, 2)
        client = bot.node.create_client(Localize, "/localizer/localize")
        until(client.service_is_ready)
        future = client.call_async(Localize.Request())
        until(lambda: bot.state_of("inference")().get("windows_waiting") == "2")  # the newest that is due, and this one
        node.trigger_deactivate()
        until(future.done)
        assert "deactivated" in future.result().message


def test_every_transition_by_its_service():
    def state() -> int:
        return call(bot, GetState, "/localizer/get_state", GetState.Request()).current_state.id

    def change(transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return call(bot, ChangeState, "/localizer/change_state", request).success

    with localizer(active=False, reasoner="misbehaving:Fixed"), robot() as bot:
        assert state() == State.PRIMARY_STATE_UNCONFIGURED
        for transition, reached in (
            (Transition.TRANSITION_CONFIGURE, State.PRIMARY_STATE_INACTIVE),
            (Transition.TRANSITION_ACTIVATE, State.PRIMARY_STATE_ACTIVE),
            (Transition.TRANSITION_DEACTIVATE, State.PRIMARY_STATE_INACTIVE),
            (Transition.TRANSITION_ACTIVATE, State.PRIMARY_STATE_ACTIVE),
            (Transition.TRANSITION_DEACTIVATE, State.PRIMARY_STATE_INACTIVE),
            (Transition.TRANSITION_CLEANUP, State.PRIMARY_STATE_UNCONFIGURED),
            (Transition.TRANSITION_CONFIGURE, State.PRIMARY_STATE_INACTIVE),
            (Transition.TRANSITION_INACTIVE_SHUTDOWN, State.PRIMARY_STATE_FINALIZED),
        ):
            assert change(transition)
            assert state() == reached


@pytest.mark.parametrize(
    ("reasoner", "why"),
    [("nobody", "there is no reasoner 'nobody'"), ("misbehaving:Broken", "the weights are not there")],
)
def test_a_reasoner_that_cannot_be_had_fails_to_configure_with_its_reason(reasoner, why, capfd):
    with localizer(active=False, reasoner=reasoner), robot() as bot:
        request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
        assert not call(bot, ChangeState, "/localizer/change_state", request).success
        answer = call(bot, GetState, "/localizer/get_state", GetState.Request())
        assert answer.current_state.id == State.PRIMARY_STATE_UNCONFIGURED
    assert why in capfd.readouterr().err


def set_by_service(bot, **values):
    kinds = {str: "string_value", float: "double_value", int: "integer_value"}
    types = {str: ParameterType.PARAMETER_STRING, float: ParameterType.PARAMETER_DOUBLE}
    wanted = []
    for name, value in values.items():
        content = ParameterValue(type=types.get(type(value), ParameterType.PARAMETER_INTEGER))
        setattr(content, kinds[type(value)], value)
        wanted.append(ParameterMessage(name=name, value=content))
    return call(bot, SetParameters, "/localizer/set_parameters", SetParameters.Request(parameters=wanted)).results


def test_parameters_are_described_checked_and_changed_while_it_runs():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        told = call(
            bot, DescribeParameters, "/localizer/describe_parameters", DescribeParameters.Request(names=["window"])
        )
        (window,) = told.descriptors
        assert window.description == "length of a window, s"
        assert (window.floating_point_range[0].from_value, window.floating_point_range[0].to_value) == (0.5, 60.0)
        assert not any(result.successful for result in set_by_service(bot, tau_av=1.5, sources=0, window=0.1))
        (refused,) = set_by_service(bot, reasoner="signal")
        assert "only while the node is unconfigured" in refused.reason
        (unknown,) = set_by_service(bot, reliability="most")
        assert "choose one of 'auto', 'best_effort', 'reliable'" in unknown.reason
        (wrong,) = set_by_service(bot, window=3)
        assert not wrong.successful
        assert all(result.successful for result in set_by_service(bot, window=2.0, trials=3))
        bot.meet()
        begins = count(10, 4)
        final = until(
            lambda: (
                next((a for a in bot.finals() if seconds(a.window_end) - seconds(a.window_start) == 2.0), None)
                or bot.play(next(begins), 4)
            )
        )
        assert WindowRecord.model_validate_json(final.reasoning).stages[0].consensus.trials == 3


def test_masks_that_cannot_be_had_fail_to_configure_and_nobody_names_a_file_over_the_graph(capfd):
    with localizer(active=False, reasoner="misbehaving:Fixed", masks="salient") as node:
        node.trigger_configure()
        assert "masks of salient need a masks_model: name the ONNX file" in capfd.readouterr().err
        (refused,) = node.set_parameters([Parameter("masks_model", value="/etc/passwd")])
        assert refused.reason.startswith("another masks_model is named at the node's start")
        assert node.set_parameters([Parameter("masks", value="none")])[0].successful
        node.trigger_configure()
        (refused,) = node.set_parameters([Parameter("masks", value="box")])
        assert "only while the node is unconfigured" in refused.reason


def test_a_reasoner_may_be_changed_while_unconfigured():
    with localizer(active=False, reasoner="misbehaving:Raising", fallback="misbehaving:Fixed") as node, robot() as bot:
        done = set_by_service(bot, reasoner="misbehaving:Fixed", fallback="")
        assert [one.successful for one in done] == [True, True]
        node.trigger_configure()
        node.trigger_activate()
        bot.meet()
        bot.play(10, 2)
        assert bot.next_final().reasoner == "fixed"


@pytest.mark.parametrize("values", [{"window": 99.0}, {"sources": 0}, {"reliability": "perhaps"}, {"window": 3}])
def test_a_bad_value_at_the_start_is_refused_by_name(values):
    with pytest.raises(Exception, match=next(iter(values))), localizer(active=False, **values):
        pass


def test_the_subscription_matches_the_publishers_reliability():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.node.destroy_publisher(bot.images)
        quick = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        bot.images = bot.node.create_publisher(Image, "image", quick)
        bot.meet()
        bot.play(10, 2)
        assert bot.next_final().outcome == SoundSourceArray.LOCALIZED
        until(lambda: "best effort" in bot.state_of("image")().get("subscription", ""))
        until(lambda: ", reliable" in bot.state_of("audio")().get("subscription", ""))


def test_a_reliability_that_clashes_is_named():
    with localizer(reasoner="misbehaving:Fixed", reliability="reliable"), robot() as bot:
        quick = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        bot.node.destroy_publisher(bot.images)
        bot.node.create_publisher(Image, "image", quick)
        until(lambda: "QoS reliability clashes on /image" in bot.state_of("image")().get("message", ""))


def test_latency_is_told_by_the_simulated_clock_where_there_is_one():
    with localizer(reasoner="misbehaving:Fixed", use_sim_time=True) as node, robot() as bot:
        clock = bot.node.create_publisher(Clock, "/clock", 10)
        until(clock.get_subscription_count)
        now = Clock()
        now.clock.sec = 20
        bot.meet()
        until(lambda: node.get_clock().now().nanoseconds == 20 * SECOND or clock.publish(now))
        bot.play(10, 2)
        final = bot.next_final()
        assert final.latency == pytest.approx(20 - seconds(final.window_end), abs=0.01)


def test_a_compressed_camera_is_seen():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.node.destroy_publisher(bot.images)
        bot.images = bot.node.create_publisher(CompressedImage, "image/compressed", 10)
        jpeg = array("B", cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes())
        bot.picture = lambda stamp: stamped(CompressedImage(format="jpeg", data=jpeg), stamp)
        bot.meet()
        bot.play(10, 2)
        final = bot.next_final()
        assert (final.outcome, final.image_width) == (SoundSourceArray.LOCALIZED, 64)


def test_every_message_is_accounted_for():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 5)
        until(lambda: bot.state_of("image")().get("frames") == "50")
        until(lambda: bot.state_of("audio")().get("samples") == str(50 * 1600))
        image, inference = bot.state_of("image")(), bot.state_of("inference")()
        assert (image["received"], image["chunks"], image["thinned"], image["repeated"]) == ("50", "50", "0", "0")
        assert image["level"] == "0"
        offered = until(lambda: int(bot.state_of("inference")()["windows_offered"]))
        assert offered >= int(inference["windows_answered"])
