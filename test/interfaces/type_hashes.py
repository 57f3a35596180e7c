"""Writes type_hashes.json anew: run where ROS 2 Jazzy is sourced, with the folders of its install as arguments."""

from __future__ import annotations

import json
import sys
from pathlib import Path

hashes = {}
for share in sys.argv[1:]:
    for path in Path(share).glob("share/*/*/*.json"):
        described = json.loads(path.read_text())
        for entry in described.get("type_hashes", ()):
            hashes[entry["type_name"]] = entry["hash_string"]
Path(__file__).with_suffix(".json").write_text(json.dumps(dict(sorted(hashes.items())), indent=1) + "\n")
