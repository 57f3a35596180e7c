"""Draw `docs/evaluation.jpg`, the picture of docs/evaluation.md, from the folder of an evaluation's report.

python docs/report_picture.py FOLDER        with chromium-headless-shell or chromium on the PATH
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

WIDTH, HEIGHT = 2900, 1340  # pixels: three columns of the page as it is read
STYLE = """<style>
body { max-width: none; columns: 3; column-gap: 3rem; column-fill: auto; height: 1330px; padding: 1rem 2rem 0; }
section:not(#evaluated, #scores, #groups, #gate, #calibration, #gallery), nav, details { display: none; }
.wide { overflow: visible; }
#groups, #gallery { break-before: column; }
h1, #groups > h2, #gallery > h2 { margin-top: 0; }
</style></head>"""


def main() -> None:
    """Its scores, kinds and gate, and samples, beside each other."""
    page = (Path(sys.argv[1]) / "report.html").read_text()
    browser = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if browser is None:
        sys.exit("no chromium is installed: apt-get install chromium-headless-shell")
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "report.html").write_text(page.replace("</head>", STYLE, 1))
        asked = [
            "--headless",
            "--no-sandbox",
            "--hide-scrollbars",
            f"--window-size={WIDTH},{HEIGHT}",
            f"--screenshot={folder / 'page.png'}",
        ]
        subprocess.run([browser, *asked, (folder / "report.html").as_uri()], check=True, capture_output=True)
        shown = cv2.imread(str(folder / "page.png"))
    assert shown is not None
    smaller = cv2.resize(shown, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(Path(__file__).with_name("evaluation.jpg")), smaller, [cv2.IMWRITE_JPEG_QUALITY, 82])


if __name__ == "__main__":
    main()
