"""ROS messages to our types and back; which rclpy it is. No node, no clock."""
