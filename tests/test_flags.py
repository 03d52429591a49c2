"""The command line and its environment variables."""

from pathlib import Path

import pytest

from exporter.config.shard import Shard
from exporter.flags import environment_name, parse_flags
from exporter.web.server import ListenAddress


def test_defaults():
    """Without flags the exporter listens on loopback alone, at its own port."""
    flags = parse_flags([], {})

    assert flags.listen_addresses == (ListenAddress("127.0.0.1", 11722),)
    assert (flags.allowed_hosts, flags.max_connections, flags.auto_reload_interval) == ((), 256, 0)
    assert (flags.telemetry_path, flags.log_level, flags.log_format) == ("/metrics", "info", "logfmt")
    assert (flags.config_file, flags.config_check, flags.config_probe, flags.demo) == (
        None,
        False,
        False,
        False,
    )


def test_every_flag():
    """Each flag sets what it is named for; the listen address may be repeated."""
    flags = parse_flags(
        [
            "--config.file=a.yml",
            "--config.check",
            "--web.listen-address=:1",
            "--web.listen-address",
            "[::1]:2",
            "--web.telemetry-path=/m",
            "--web.allowed-host=Box.Example.",
            "--web.allowed-host=FE80::1",
            "--web.max-connections=7",
            "--web.grafana-url=https://grafana.example.org",
            "--config.auto-reload-interval=1m30s",
            "--log.level=DEBUG",
            "--log.format=Json",
        ],
        {},
    )

    assert flags.config_file == Path("a.yml")
    assert flags.config_check
    assert flags.listen_addresses == (ListenAddress("", 1), ListenAddress("::1", 2))
    assert (flags.telemetry_path, flags.log_level, flags.log_format) == ("/m", "debug", "json")
    assert flags.allowed_hosts == ("box.example", "[fe80::1]")
    assert (flags.max_connections, flags.auto_reload_interval) == (7, 90)
    assert flags.grafana_url == "https://grafana.example.org"


def test_environment_variable_is_spelled_like_its_flag():
    """Dots and dashes become underscores behind the prefix."""
    assert environment_name("--web.listen-address") == "QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS"


def test_environment_sets_what_flags_leave():
    """An environment variable takes effect where the flag is absent, and only there; an empty one nowhere."""
    environment = {
        "QUANTCONNECT_EXPORTER_LOG_LEVEL": "warning",
        "QUANTCONNECT_EXPORTER_LOG_FORMAT": "json",
        "QUANTCONNECT_EXPORTER_DEMO": "true",
        "QUANTCONNECT_EXPORTER_CONFIG_CHECK": "",
        "QUANTCONNECT_EXPORTER_WEB_ALLOWED_HOST": "a, b",
        "QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS": "127.0.0.1:1, 127.0.0.1:2",
    }
    flags = parse_flags(["--log.level=error"], environment)

    assert (flags.log_level, flags.log_format, flags.demo) == ("error", "json", True)
    assert parse_flags(["--log.level=WARN"], {}).log_level == "warning"
    assert [address.port for address in flags.listen_addresses] == [1, 2]
    assert (flags.config_check, flags.allowed_hosts) == (False, ("a", "b"))


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("QUANTCONNECT_EXPORTER_LOGLEVEL", ", did you mean QUANTCONNECT_EXPORTER_LOG_LEVEL?"),
        ("quantconnect_exporter_log_level", ", did you mean QUANTCONNECT_EXPORTER_LOG_LEVEL?"),
        ("QUANTCONNECT_EXPORTER_COLOUR", ""),
        ("QUANTCONNECT_USERID", ", did you mean QUANTCONNECT_USER_ID?"),
    ],
)
def test_a_variable_that_is_probably_meant_for_us_is_a_warning(name, warning):
    """What is spelled wrongly is not ignored in silence, and its value never shown."""
    assert parse_flags([], {name: "worthless"}).warnings == (
        f"environment: {name}: unknown variable{warning}",
    )


@pytest.mark.parametrize(
    "name",
    [
        "QUANTCONNECT_ORGANIZATION",
        "QUANTCONNECT_EXPORTER_REVISION",
        "QUANTCONNECT_EXPORTER_SERVICE_HOST",
        "QUANTCONNECT_EXPORTER_SERVICE_PORT_METRICS",
        "QUANTCONNECT_EXPORTER_PORT",
        "QUANTCONNECT_EXPORTER_PORT_11722_TCP_ADDR",
        "PATH",
    ],
)
def test_other_variables_are_no_warning(name):
    """Neither what other programs read, nor what Kubernetes sets for a service of our name, is ours."""
    assert parse_flags([], {name: "x"}).warnings == ()


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (["--web.listen-address=here"], {}, "--web.listen-address: 'here' is not HOST:PORT"),
        (["--log.level=loud"], {}, "--log.level: 'loud' is not one of debug"),
        (["--log.format=xml"], {}, "--log.format: 'xml'"),
        (["--web.telemetry-path=metrics"], {}, "--web.telemetry-path: 'metrics'"),
        (["--web.telemetry-path=/"], {}, "--web.telemetry-path: '/'"),
        (["--web.telemetry-path=/-/ready"], {}, "--web.telemetry-path"),
        (["--web.telemetry-path=/metrics?all"], {}, "--web.telemetry-path: '/metrics?all'"),
        (["--web.allowed-host=http://box"], {}, "--web.allowed-host: 'http://box' is not a host name"),
        (["--web.allowed-host=box:80"], {}, "--web.allowed-host: 'box:80'"),
        (["--web.allowed-host="], {}, "--web.allowed-host: ''"),
        (
            ["--web.grafana-url=grafana.example.org"],
            {},
            "--web.grafana-url: 'grafana.example.org' is not an address",
        ),
        (["--web.max-connections=0"], {}, "--web.max-connections: must be 1 or more"),
        (["--web.max-connections=many"], {}, "--web.max-connections: 'many' is not a whole number"),
        (["--config.auto-reload-interval=10"], {}, "--config.auto-reload-interval: must be a duration"),
        (
            ["--config.auto-reload-interval=10ms"],
            {},
            "--config.auto-reload-interval: 10ms is shorter than 1s",
        ),
        (
            ["--config.auto-reload-interval=366d"],
            {},
            "--config.auto-reload-interval: 366d is longer than 365d",
        ),
        (["--config.fil=x"], {}, "unrecognized arguments: --config.fil=x, did you mean --config.file?"),
        (["--demo", "--config.file=x"], {}, "--demo needs no --config.file"),
        (["stray"], {}, "unrecognized arguments: stray"),
        (["--api-token=0123456789abcdef"], {}, "unrecognized arguments: --api-token=…\n"),
        (["--api-token", "0123456789abcdef"], {}, "unrecognized arguments: --api-token …\n"),
        (
            ["--web.grafana-url=https://admin:password@grafana.example.org"],
            {},
            "--web.grafana-url: must not hold a user name or password",
        ),
        ([], {"QUANTCONNECT_EXPORTER_DEMO": "perhaps"}, "QUANTCONNECT_EXPORTER_DEMO: 'perhaps'"),
        ([], {"QUANTCONNECT_EXPORTER_LOG_LEVEL": "x"}, "QUANTCONNECT_EXPORTER_LOG_LEVEL: 'x'"),
    ],
)
def test_wrong_usage(arguments, environment, named, capsys):
    """Wrong usage ends with exit code 2 and names the flag or variable at fault."""
    with pytest.raises(SystemExit) as ended:
        parse_flags(arguments, environment)

    assert ended.value.code == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, Shard(0, 1)),
        (["--shard=2", "--total-shards=3"], {}, Shard(2, 3)),
        (["--shard=auto", "--total-shards=12"], {"POD_NAME": "quantconnect-exporter-11"}, Shard(11, 12)),
        ([], {"QUANTCONNECT_EXPORTER_SHARD": "1", "QUANTCONNECT_EXPORTER_TOTAL_SHARDS": "2"}, Shard(1, 2)),
    ],
)
def test_shard(arguments, environment, expected):
    """A shard is given by number, or by the ordinal of a StatefulSet's pod."""
    assert parse_flags(arguments, environment).shard == expected


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (["--shard=1"], {}, "--shard: 1 is not below --total-shards, which is 1"),
        (["--total-shards=0"], {}, "--total-shards, which is 0"),
        (["--shard=-1"], {}, "--shard: '-1' is not a whole number"),
        (["--shard=auto"], {}, "--shard: auto needs POD_NAME to end in a dash and a number, not ''"),
        (["--shard=auto"], {"POD_NAME": "exporter"}, "not 'exporter'"),
    ],
)
def test_wrong_shard(arguments, environment, named, capsys):
    """A shard that cannot be is wrong usage, never shard 0 by mistake."""
    with pytest.raises(SystemExit) as ended:
        parse_flags(arguments, environment)

    assert ended.value.code == 2
    assert named in capsys.readouterr().err
