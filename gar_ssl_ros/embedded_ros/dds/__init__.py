"""Cyclone DDS, with samples as ready-made CDR: what ROS 2 is made of below its client libraries."""
