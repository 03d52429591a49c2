"""The top of the Exporter dashboard: the figures of all exporters together, and a row for each."""

from grafana.generate.health_queries import (
    RATE,
    age,
    failed_requests,
    interval,
    of_project,
    own,
    share_of_budget,
)
from grafana.generate.look import (
    AGO_WIDTH,
    BYTES,
    GREEN,
    INTERVALS_LATE,
    MILLISECONDS_AGO,
    NEUTRAL,
    NOTHING,
    NUMBER,
    ORANGE,
    RATIO,
    RED,
    SHARE_IN_USE,
    SOME_IS_ODD,
    TIMES,
    UPTIME,
    words,
)
from grafana.generate.panels import Panel, tile
from grafana.generate.tables import Column, Rows, table


def tiles() -> list[Panel]:
    """Return a row of tiles."""
    requests = own("quantconnect_api_requests_total")
    polls, poll_failures = (
        f"sum(rate({of_project(f'quantconnect_{name}_total')}{RATE}))" for name in ("polls", "poll_failures")
    )
    late = f"({age()}) / ({interval()} > 0)"
    return [
        tile(
            "Exporters",
            "How many of the chosen exporters Prometheus reaches. Red: none; read the process's log.",
            f"count({own('up')} == 1) or 0 * count({own('up')})",
            NUMBER,
            ((None, RED), (0.5, NEUTRAL)),
            decimals=0,
        ),
        tile(
            "Down",
            "How many of them it does not reach. Red: some.",
            f"count({own('up')} == 0) or 0 * count({own('up')})",
            NUMBER,
            ((None, NEUTRAL), (0.5, RED)),
            decimals=0,
        ),
        tile(
            "Algorithms",
            "Live algorithms that are polled, in all accounts.",
            f"sum(max by (account) ({own('quantconnect_projects')}))",
            NUMBER,
            decimals=0,
        ),
        tile(
            "Left out",
            "Running algorithms that are not polled, since there are more than the configuration allows.",
            f"sum(max by (account) ({own('quantconnect_projects_dropped')}))",
            NUMBER,
            SOME_IS_ODD,
            decimals=0,
        ),
        tile(
            "Budget",
            "Requests of the last minutes as a share of the configured requests per minute, of the busiest account. "
            "Red: all of it; polls wait, and intervals are stretched.",
            f"max({share_of_budget()})",
            RATIO,
            SHARE_IN_USE,
            decimals=0,
        ),
        tile(
            "API errors",
            "Share of the requests of the last minutes that had no usable answer.",
            f"sum({failed_requests()}) / (sum(rate({requests}{RATE})) > 0)",
            RATIO,
            ((None, NEUTRAL), (0.05, ORANGE), (0.5, RED)),
            decimals=1,
        ),
        tile(
            "Poll errors",
            "Share of the polls of the last minutes that failed.",
            f"{poll_failures} / ({polls} > 0)",
            RATIO,
            ((None, NEUTRAL), (0.05, ORANGE), (0.5, RED)),
            decimals=1,
        ),
        tile(
            "Behind",
            "The oldest data of a running project, in polling intervals. Up to about 1 is normal. "
            "Red: ten; see Sources by project.",
            f"max({late})",
            TIMES,
            INTERVALS_LATE,
            decimals=1,
        ),
    ]


def exporters_panel() -> Panel:
    """Return a row for each exporter."""
    build = f"max by (instance, version, python_version) ({own('quantconnect_exporter_build_info')})"
    loaded = own("quantconnect_exporter_config_last_reload_successful")
    loaded_at = own("quantconnect_exporter_config_last_reload_success_timestamp_seconds")
    started = f"max by (instance) ({own('process_start_time_seconds')})"
    return table(
        "Exporter by exporter",
        "Each exporter: its version, whether the configuration was last loaded, and for how long it has been up. "
        "Red: it is down, or the configuration before is in force: run quantconnect-exporter --config.check.",
        [
            f"min by (instance) ({own('up')})",
            build,
            f"min by (instance) ({loaded})",
            f"1000 * max by (instance) ({loaded_at})",
            f"time() - {started}",
            f"max by (instance) ({own('process_resident_memory_bytes')})",
            f"sum by (instance) (max by (instance, account) ({own('quantconnect_projects')}))",
        ],
        [
            Column("instance", "Instance", least=124),
            Column(
                "A",
                "State",
                words=(words({"1": ("Up", GREEN), "0": ("Down", RED)}), NOTHING),
                width=56,
                align="left",
            ),
            Column("version", "Version", words=(NOTHING,), width=70),
            Column("python_version", "Python", words=(NOTHING,), width=64),
            Column(
                "C",
                "Configuration",
                words=(words({"1": ("Loaded", GREEN), "0": ("Refused", RED)}), NOTHING),
                width=110,
                align="left",
            ),
            Column("D", "Loaded", MILLISECONDS_AGO, width=AGO_WIDTH),
            Column("E", "Up for", UPTIME, width=92),
            Column("F", "Memory", BYTES, width=80, decimals=0),
            Column("G", "Projects", NUMBER, width=72, decimals=0),
        ],
        Rows(order=(("instance", False), ("A", True))),
        no_value="no exporter known",
    )
