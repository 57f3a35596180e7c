"""What a program or a person gets to see: records, drawn frames, videos."""
