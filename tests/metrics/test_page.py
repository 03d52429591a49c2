"""The whole page: both formats, compression, staleness, and what a scrape may keep."""

import gzip
import re
import subprocess
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from exporter.config.model import Polling, ProjectSettings
from exporter.demo.faults import Fault
from exporter.demo.server import SimulatedQuantConnect
from exporter.metrics.exposition import Format
from exporter.metrics.families import FAMILIES
from tests.support import Bench, FakeClock, config_of, parse_page, parse_quickly, project_named, scenario_at

GOLDEN = Path(__file__).parents[1] / "golden" / "metrics.txt"
DIFFERS_BETWEEN_RUNS = re.compile(
    r"^(# \w+ )?(process_|python_)|build_info\{|api_request_duration_seconds|_clock_skew_seconds\{"
)


@pytest.fixture(scope="module")
def full_bench() -> Iterator[Bench]:
    """An exporter whose page has a sample of every family: stopped, options, old keys, a chart, euro, rebates.

    It is one for all tests here, which only look at its page.
    """
    names = (
        "Fragile",
        "Volatility/Covered Calls",
        "FX Carry",
        "US Stocks from Europe",
        'Research/Lab "Signal" 7',
        "Perpetuals",
    )
    clock = FakeClock()
    with SimulatedQuantConnect(scenario_at(clock.wall()), clock) as api:
        named = {
            project_id: ProjectSettings(
                charts=(chart,) if (chart := api.projects[project_id].custom_chart) else ()
            )
            for project_id in (project_named(api, name) for name in names)
        }
        api.projects[project_named(api, "Fragile")].crash("division by zero")
        bench = Bench(api, clock, config_of(api, named=named, discover=False))
        bench.poll()
        bench.advance(60)
        yield bench
        bench.close()


def test_page_has_every_family_and_no_other(full_bench):
    """Each family of the table has a sample, and each sample a family in the table or prometheus-client's."""
    samples = full_bench.samples()
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name, _ in samples.by_series}

    assert {family.name for family in FAMILIES} == {
        name for name in names if name.startswith("quantconnect_")
    }
    assert {name.split("_")[0] for name in names} == {"quantconnect", "process", "python"}


def test_golden_page(full_bench, request):
    """The page of the simulated accounts at a fixed moment is, line by line, the one that is kept here.

    ``pytest --update-golden`` writes it anew; read the difference before you commit it.
    """
    lines = [line for line in full_bench.page().splitlines() if not DIFFERS_BETWEEN_RUNS.search(line)]
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text("\n".join(lines) + "\n", "utf-8")
    expected = GOLDEN.read_text("utf-8").splitlines()

    assert [line.rpartition(" ")[0] for line in lines if line[0] != "#"] == [
        line.rpartition(" ")[0] for line in expected if line[0] != "#"
    ]
    for line, golden in zip(lines, expected, strict=True):
        text, _, value = line.rpartition(" ")
        if line[0] == "#":
            assert line == golden
        else:  # another C library may round a sine differently in its last digit
            assert (text, pytest.approx(float(value), rel=1e-9, abs=1e-9)) == (
                golden.rpartition(" ")[0],
                float(golden.rpartition(" ")[2]),
            )


def test_promtool_has_no_complaint(full_bench, needs):
    """``promtool check metrics`` finds nothing to say about the page."""
    checked = subprocess.run(
        [needs("promtool"), "check", "metrics"],
        input=full_bench.page(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_openmetrics_page_holds_the_same_samples(full_bench):
    """The strict OpenMetrics parser reads the page, and finds what the text format holds."""
    families = list(parse_openmetrics(full_bench.page(Format.OPENMETRICS)))
    read = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("quantconnect_")
    }
    text = {
        key: value
        for key, value in full_bench.samples().by_series.items()
        if key[0].startswith("quantconnect_")
    }

    assert read == text


def test_quick_reading_of_the_tests_finds_what_prometheus_client_does(full_bench):
    """What most tests read pages with leaves nothing out and changes nothing."""
    page = full_bench.page()
    assert parse_quickly(page) == parse_page(page)


def test_family_stands_in_one_piece(full_bench):
    """The samples of a family follow each other, as both formats demand."""
    names = [line.split("{")[0].split(" ")[0] for line in full_bench.page().splitlines() if line[0] != "#"]
    families = [re.sub(r"_(bucket|sum|count)$", "", name) for name in names]
    starts = [later for earlier, later in pairwise(["", *families]) if earlier != later]

    assert len(starts) == len(set(starts))


@pytest.mark.parametrize("page_format", Format)
def test_gzip_is_one_member_with_the_same_bytes(full_bench, page_format):
    """The compressed page is a single gzip member, checksum and length true, that unpacks to the plain page."""
    packed = bytes(full_bench.exporter.page.gzipped(page_format))
    decompressor = zlib.decompressobj(wbits=31)
    unpacked = decompressor.decompress(packed)

    assert decompressor.eof
    assert decompressor.unused_data == b""
    assert unpacked == gzip.decompress(packed)
    stable = re.compile(rb"^(?!process_|# .* process_).*$", re.MULTILINE)
    assert stable.findall(unpacked) == stable.findall(bytes(full_bench.exporter.page.plain(page_format)))
    assert len(packed) < len(unpacked) / 4


def test_published_value_is_in_the_next_scrape(bench, api):
    """Nothing is cached past the moment it is untrue: what a poll publishes, the next page shows."""
    project_id = project_named(api, "Coins")
    label = {"project_id": str(project_id), "currency": "USD"}
    before = bench.samples().one("quantconnect_cash_amount", **label)
    api.projects[project_id].deposit(1234.5)
    bench.advance(61)

    assert bench.samples().one("quantconnect_cash_amount", **label) == pytest.approx(before + 1234.5)


def test_unchanged_body_is_not_built_again(bench):
    """Between two polls a second scrape takes the kept body; a poll makes it outdated."""
    bench.page()
    assert bench.exporter.page.is_current(Format.TEXT)
    assert not bench.exporter.page.is_current(Format.OPENMETRICS)
    bench.advance(61)
    assert not bench.exporter.page.is_current(Format.TEXT)


def test_stale_values_leave_without_any_poll(make_bench, api):
    """If every worker hung, values would still leave the page at the age of stale_after."""
    polling = Polling(stale_after=300)
    bench = make_bench(config_of(api, ProjectSettings(polling=polling)))
    bench.poll()
    bench.clock.advance(299)
    assert bench.samples().all("quantconnect_equity")
    bench.clock.advance(1)
    samples = bench.samples()

    assert samples.all("quantconnect_equity") == []
    assert samples.all("quantconnect_holding_market_value") == []
    assert samples.all("quantconnect_algorithm_status") == []
    assert samples.all("quantconnect_up"), "how polling went is still told"
    assert samples.all("quantconnect_last_success_timestamp_seconds")
    assert samples.all("quantconnect_equity_timestamp_seconds")


def test_hostile_label_text_is_read_back(make_bench, api):
    """Quotes, backslashes, newlines and Unicode in names and identifiers reach the page unharmed."""
    project_id = project_named(api, "Coins")
    name = 'a"b\\c\nd} 1 € \u2028'
    api.projects[project_id].rename(name)
    symbol_id = 'X"\\\n 2T'
    body = {
        "success": True,
        "portfolio": {"holdings": {symbol_id: {"q": 1, "p": 2, "v": 2, "a": 1}}, "cash": []},
    }
    api.faults.add(Fault(endpoint="live/portfolio/read", project_id=project_id, body=body))
    bench = make_bench()
    bench.poll()
    labels = parse_page(bench.page()).labels("quantconnect_holding_quantity", project_id=str(project_id))

    assert [(each["project"], each["symbol_id"]) for each in labels] == [(name, symbol_id)]
