"""The live page: what the robot sees and hears, and its answers, in a browser."""
