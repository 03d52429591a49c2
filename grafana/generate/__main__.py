"""``python -m grafana.generate`` writes the dashboards; with ``--check`` it only compares them."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.generate.fleet import fleet_page
from grafana.generate.frame import make
from grafana.generate.health import exporter_page
from grafana.generate.overview import overview_page
from grafana.generate.positions import positions_page

FOLDER = Path(__file__).resolve().parents[1] / "dashboards"
PAGES = (overview_page, fleet_page, positions_page, exporter_page)


def files() -> dict[str, str]:
    """Return the text of each dashboard by the name of its file."""
    made = [make(page()) for page in PAGES]
    return {
        f"{each.uid}.json": json.dumps(each, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"
        for each in made
    }


def main(arguments: list[str]) -> int:
    """Write or check the files; return 1 when a check finds a difference."""
    texts = files()
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    if arguments == ["--check"]:
        differing = sorted(
            name for name in texts.keys() | committed if texts.get(name) != committed.get(name)
        )
        for name in differing:
            sys.stderr.write(f"{name} differs from what the generator writes\n")
        return int(bool(differing))
    if arguments:
        sys.stderr.write("usage: python -m grafana.generate [--check]\n")
        return 2
    FOLDER.mkdir(exist_ok=True)
    for name in committed.keys() - texts:
        (FOLDER / name).unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
