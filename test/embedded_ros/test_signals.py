"""Processes that spin end cleanly on SIGINT and SIGTERM."""

from __future__ import annotations

import signal

import pytest
from processes import output

SPIN = """
import sys, threading, time
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from std_msgs.msg import String
how, ticks = sys.argv[1], []
def tick():
    publisher.publish(String())  # before anything is said: the first one runs exec, whose interruption Python remembers
    if not ticks:
        print("ready", flush=True)
    if how == "idle":
        timer.cancel()
    ticks.append(1)
rclpy.init()
node = rclpy.create_node("spinner")
publisher = node.create_publisher(String, "text", 10)
timer = node.create_timer(0.01, tick)
try:
    if how == "starting":
        print("ready", flush=True)
        while rclpy.ok():
            time.sleep(0.01)
        rclpy.create_node("late")
    elif how == "threads":
        executor = MultiThreadedExecutor(3)
        executor.add_node(node)
        try:
            executor.spin()
        finally:
            executor.shutdown()
    elif how == "sleeping":
        thread = threading.Thread(target=rclpy.spin, args=(node,))
        threading.excepthook = lambda args: None  # ExternalShutdownException
        thread.start()
        while rclpy.ok():
            time.sleep(60 if sys.argv[2] == "INT" else 0.01)
    else:
        rclpy.spin(node)
    print("shut down")  # between two callbacks, or as a multi-threaded executor does
except (KeyboardInterrupt, ExternalShutdownException) as ended:
    print("interrupted" if isinstance(ended, KeyboardInterrupt) else "shut down")
print("ok:", rclpy.ok())
node.get_logger().info("bye")
node.destroy_node()
rclpy.try_shutdown()
if how == "sleeping":
    thread.join()
print([thread.name for thread in threading.enumerate() if thread is not threading.main_thread()])
"""


@pytest.mark.parametrize(
    ("how", "sent", "ended"),
    [
        ("busy", "INT", "interrupted"),
        ("busy", "TERM", "shut down"),
        ("idle", "INT", "interrupted"),
        ("idle", "TERM", "shut down"),
        ("threads", "INT", "interrupted"),
        ("threads", "TERM", "shut down"),
        ("sleeping", "INT", "interrupted"),
        ("sleeping", "TERM", "shut down"),
        ("starting", "TERM", "shut down"),
    ],
)
def test_a_signal_ends_spin_as_in_rclpy_and_leaves_nothing_behind(process, how, sent, ended):
    child = process(SPIN, how, sent)
    child.send_signal(getattr(signal, f"SIG{sent}"))
    said = output(child)
    assert [line for line in said.splitlines() if not line.startswith("[INFO]")] == [ended, "ok: False", "[]"], said


HANDLERS = """
import os, signal, time
def mine(*_):
    print("mine", flush=True)
signal.signal(signal.SIGTERM, mine)
rclpy.init()
print("ready", flush=True)
os.kill(os.getpid(), signal.SIGTERM)
while rclpy.ok():
    time.sleep(0.01)
rclpy.try_shutdown()
print(signal.getsignal(signal.SIGTERM) is mine)
from rclpy.signals import SignalHandlerOptions, get_current_signal_handlers_options
print(get_current_signal_handlers_options().name)
rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(0.05)
print(rclpy.ok())
with rclpy.init(context=rclpy.Context()) as inner:
    print(inner.context.ok())
print(inner.context.ok(), rclpy.ok())
rclpy.shutdown()
"""


def test_handlers_that_were_there_before_are_called_and_come_back(process):
    child = process(HANDLERS)
    assert output(child).splitlines() == ["mine", "True", "NO", "mine", "True", "True", "False True"]


EXIT = """
import atexit
rclpy.init()
node = rclpy.create_node("careless")
print("ready", flush=True)
"""


def test_a_process_that_cleans_nothing_up_ends_all_the_same(process):
    child = process(EXIT)
    assert output(child) == ""
