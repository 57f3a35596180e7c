"""The nodes, in plain rclpy, and what turns messages into frames and audio and answers into messages."""
