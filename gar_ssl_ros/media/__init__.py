"""What was seen and heard: frames, audio, windows; buffers and clips."""
