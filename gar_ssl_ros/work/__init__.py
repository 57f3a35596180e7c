"""From messages to windows to answers, off the executor's threads."""
