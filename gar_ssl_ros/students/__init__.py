"""Small networks that learn from pseudo labels which pixels sound: OpenAVS-ST. See docs/students.md."""
