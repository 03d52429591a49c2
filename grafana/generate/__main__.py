"""``python -m grafana.generate`` writes dashboards, alerts and documentation; ``--check`` compares only."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.generate.alerting import FILE as ALERTS
from grafana.generate.alerting import alerting_text
from grafana.generate.docs import FILE as DOCS
from grafana.generate.docs import with_tables
from grafana.generate.fleet import fleet_page
from grafana.generate.frame import make
from grafana.generate.health import exporter_page
from grafana.generate.overview import overview_page
from grafana.generate.positions import positions_page

FOLDER = Path(__file__).resolve().parents[1] / "dashboards"
PAGES = (overview_page, fleet_page, positions_page, exporter_page)


def files() -> dict[Path, str]:
    """Return the text of each file that the generator writes."""
    pages = [page() for page in PAGES]
    made = {
        FOLDER / f"{page.uid}.json": json.dumps(make(page), cls=JSONEncoder, indent=2, ensure_ascii=False)
        + "\n"
        for page in pages
    }
    return made | {ALERTS: alerting_text(), DOCS: with_tables(DOCS.read_text(encoding="utf-8"), pages)}


def main(arguments: list[str]) -> int:
    """Write or check the files; return 1 when a check finds a difference."""
    texts = files()
    committed = {path: path.read_text(encoding="utf-8") for path in (*FOLDER.glob("*.json"), DOCS, ALERTS)}
    if arguments == ["--check"]:
        differing = sorted(
            path for path in texts.keys() | committed if texts.get(path) != committed.get(path)
        )
        for path in differing:
            sys.stderr.write(f"{path.name} differs from what the generator writes\n")
        return int(bool(differing))
    if arguments:
        sys.stderr.write("usage: python -m grafana.generate [--check]\n")
        return 2
    FOLDER.mkdir(exist_ok=True)
    for path in committed.keys() - texts:
        path.unlink()
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
