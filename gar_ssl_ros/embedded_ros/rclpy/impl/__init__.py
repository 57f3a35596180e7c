"""Parts of rclpy that programs import from here by name."""
