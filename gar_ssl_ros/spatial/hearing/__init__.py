"""What a microphone array hears: from where each sound comes. NumPy alone; no ROS, and no clock."""
