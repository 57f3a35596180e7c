"""Where things are: cameras, depth and transforms. No ROS here, and no clock."""
