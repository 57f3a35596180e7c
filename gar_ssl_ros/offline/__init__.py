"""Without a robot: recordings to files, a clip played through the graph, the demo."""
