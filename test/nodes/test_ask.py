"""`~/ask` through the graph."""

from __future__ import annotations

import json

from gar_ssl_ros.srv import Ask
from robot import localizer, robot, seconds, until


def test_a_robot_asks_about_the_last_windows():
    with localizer(active=False, reasoner="misbehaving:Fixed") as node, robot() as bot:
        client = bot.node.create_client(Ask, "/localizer/ask")
        until(client.service_is_ready)

        def ask(question: str) -> Ask.Response:
            future = client.call_async(Ask.Request(question=question))
            until(future.done)
            return future.result()

        assert ask("is it visible").message == "the node is not active: activate it first"
        node.trigger_configure()
        node.trigger_activate()
        bot.meet()
        assert ask("is it visible").message == "no window has been answered yet: see /diagnostics"
        bot.play(10, 2)
        answer = bot.next_final()
        told = ask("Where did it come from?")
        assert (told.success, told.question_type, told.answer) == (True, "Q1", "dog_bark; dog_bark")
        assert json.loads(told.fields) == {"sound": "dog_bark", "object": "dog_bark", "visible": "visible"}
        assert any("seen somewhere in view" in one for one in told.evidence)
        assert seconds(told.window_end) >= seconds(answer.window_end)
        refused = ask("what is the meaning of life?")
        assert not refused.success
        assert "is no question that can be answered" in refused.message
