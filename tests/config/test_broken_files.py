"""One small broken file for each rule, and the exact words that name what is wrong in it."""

from pathlib import Path

import pytest

from exporter.config.load import load_config
from exporter.errors import ConfigError

TESTDATA = Path(__file__).parent / "testdata"

# File name without ".yml" -> its problems, each without the file name in front.
PROBLEMS = {
    "empty": [":1: the file is empty"],
    "only_comments": [":1: the file is empty"],
    "not_a_mapping": [":1: the file must hold a mapping of keys to values, not a list"],
    "just_text": [":2: the file must hold a mapping of keys to values, not text"],
    "two_documents": [":4: a second YAML document begins here; a file holds one"],
    "syntax_error": [":3: not valid YAML: expected <block end>, but found '<block mapping start>'"],
    "tab_as_indent": [":2: not valid YAML: found character '\\t' that cannot start any token"],
    "unclosed_quote": [":5: not valid YAML: found unexpected end of stream"],
    "control_character": [":4: not valid YAML: a control character"],
    "number_out_of_range": [":4: not valid YAML: a number out of range"],
    "python_tag": [":4: tags (!) are not used here"],
    "text_tag": [":4: tags (!) are not used here"],
    "unknown_tag_handle": [":4: tags (!) are not used here"],
    "alias": [":1: anchors and aliases (& and *) are not used here"],
    "recursive_alias": [":1: anchors and aliases (& and *) are not used here"],
    "merge_key": [":5: polling.…: unknown key"],
    "nested_too_deeply": [":1: nested too deeply: no key lies this deep"],
    "unknown_top_key": [":4: project: unknown key, did you mean projects?"],
    "unknown_account_key": [
        ":4: accounts[0].request_per_minute: unknown key, did you mean requests_per_minute?"
    ],
    "unknown_project_key": [":6: projects[0].colour: unknown key"],
    "unknown_polling_key": [":5: polling.news: unknown key"],
    "unknown_limit": [":5: limits.drawdown: unknown key, did you mean drawdown_ratio?"],
    "unknown_severity": [":5: limits.drawdown_ratio.warn: unknown key, did you mean warning?"],
    "missing_blank_in_key": [
        ":2: accounts[0].api_token…: unknown key, did you mean api_token?",
        ":2: accounts[0].api_token: is missing: give api_token or api_token_file, or set QUANTCONNECT_API_TOKEN",
    ],
    "very_long_key": [":4: …: unknown key"],
    "key_with_line_break": [":4: polling…: unknown key, did you mean polling?"],
    "key_is_a_list": [":4: a key must be text, not a list"],
    "duplicate_top_key": [":5: polling: is given twice, first on line 4"],
    "duplicate_account_key": [":4: accounts[0].user_id: is given twice, first on line 2"],
    "duplicate_severity": [":5: limits.drawdown_ratio.warning: is given twice, first on line 5"],
    "accounts_empty_list": [":1: accounts: must list at least one account"],
    "accounts_without_value": [":1: accounts: must be a list, not nothing"],
    "accounts_mapping": [":1: accounts: must be a list, not a mapping"],
    "account_is_text": [":2: accounts[0]: must be a mapping of keys to values, not text"],
    "account_name_number": [
        ":4: accounts[0].name: must be text, and YAML may read this as a number: put it in quotes"
    ],
    "account_name_boolean": [
        ":4: accounts[0].name: must be text, and YAML may read this as true or false: put it in quotes"
    ],
    "account_name_date": [
        ":4: accounts[0].name: must be text, and YAML may read this as a date: put it in quotes"
    ],
    "account_name_empty": [":4: accounts[0].name: must not be empty"],
    "account_name_null": [":4: accounts[0].name: must be text, not nothing"],
    "account_name_list": [":4: accounts[0].name: must be text, not a list"],
    "account_name_two_lines": [
        ":4: accounts[0].name: must be one line of printable text without blanks around it"
    ],
    "account_name_blanks": [
        ":4: accounts[0].name: must be one line of printable text without blanks around it"
    ],
    "two_accounts_one_name": [':5: accounts[1].name: "main" is already the name of accounts[0]'],
    "two_accounts_without_name": [':3: accounts[1].name: "default" is already the name of accounts[0]'],
    "two_accounts_one_user": [":6: accounts[1].user_id: is already the user of accounts[0]"],
    "user_id_missing": [":2: accounts[0].user_id: is missing: give user_id or user_id_file"],
    "user_id_text": [":2: accounts[0].user_id: must be a whole number from 1 up"],
    "user_id_zero": [":2: accounts[0].user_id: must be a whole number from 1 up"],
    "user_id_octal": [":2: accounts[0].user_id: must be a whole number from 1 up"],
    "user_id_underscore": [":2: accounts[0].user_id: must be a whole number from 1 up"],
    "user_id_list": [":2: accounts[0].user_id: must be a whole number from 1 up"],
    "user_id_and_file": [":4: accounts[0].user_id_file: give user_id or user_id_file, not both"],
    "user_id_file_missing": [
        f":2: accounts[0].user_id_file: the file cannot be read: No such file or directory ({TESTDATA}/nowhere)"
    ],
    "api_token_missing": [
        ":2: accounts[0].api_token: is missing: give api_token or api_token_file, or set QUANTCONNECT_API_TOKEN"
    ],
    "two_api_tokens_missing": [
        ":2: accounts[0].api_token: is missing: give api_token or api_token_file, since several accounts have no token",
        ":3: accounts[1].api_token: is missing: give api_token or api_token_file, since several accounts have no token",
    ],
    "api_token_and_file": [":4: accounts[0].api_token_file: give api_token or api_token_file, not both"],
    "api_token_number": [
        ":3: accounts[0].api_token: must be text, and YAML may read this as a number: put it in quotes"
    ],
    "api_token_list": [":3: accounts[0].api_token: must be text, not a list"],
    "api_token_empty": [":3: accounts[0].api_token: must not be empty"],
    "api_token_with_blank": [":3: accounts[0].api_token: the token must not contain blanks or line breaks"],
    "api_token_not_ascii": [":3: accounts[0].api_token: the token must be printable ASCII characters"],
    "api_token_file_missing": [
        f":3: accounts[0].api_token_file: the file cannot be read: No such file or directory ({TESTDATA}/nowhere)"
    ],
    "api_token_file_is_directory": [
        f":3: accounts[0].api_token_file: the file cannot be read: Is a directory ({TESTDATA})"
    ],
    "base_url_without_scheme": [
        ":4: accounts[0].base_url: must be a URL that begins with https:// or http:// and a host"
    ],
    "base_url_ftp": [
        ":4: accounts[0].base_url: must be a URL that begins with https:// or http:// and a host"
    ],
    "base_url_without_host": [
        ":4: accounts[0].base_url: must be a URL that begins with https:// or http:// and a host"
    ],
    "base_url_query": [":4: accounts[0].base_url: must be a URL without blanks, query and fragment"],
    "base_url_fragment": [":4: accounts[0].base_url: must be a URL without blanks, query and fragment"],
    "base_url_credentials": [":4: accounts[0].base_url: must not hold a user name or password"],
    "base_url_bad_port": [
        ":4: accounts[0].base_url: must be a URL that begins with https:// or http:// and a host"
    ],
    "base_url_bad_brackets": [
        ":4: accounts[0].base_url: must be a URL that begins with https:// or http:// and a host"
    ],
    "requests_per_minute_text": [
        ':4: accounts[0].requests_per_minute: must be a whole number from 1 up, not "fast"'
    ],
    "requests_per_minute_quoted": [
        ':4: accounts[0].requests_per_minute: must be a whole number from 1 up, not the quoted text "30"'
    ],
    "requests_per_minute_zero": [
        ':4: accounts[0].requests_per_minute: must be a whole number from 1 up, not "0"'
    ],
    "requests_per_minute_fraction": [
        ':4: accounts[0].requests_per_minute: must be a whole number from 1 up, not "1.5"'
    ],
    "requests_per_minute_octal": [
        ':4: accounts[0].requests_per_minute: must be a whole number from 1 up, not "030"'
    ],
    "requests_per_minute_sexagesimal": [
        ':4: accounts[0].requests_per_minute: must be a whole number from 1 up, not "1:30"'
    ],
    "requests_per_minute_empty": [
        ":4: accounts[0].requests_per_minute: must be a whole number from 1 up, not nothing"
    ],
    "max_concurrent_requests_33": [
        ':4: accounts[0].max_concurrent_requests: must be a whole number from 1 to 32, not "33"'
    ],
    "discover_yes": [':4: accounts[0].discover: must be true or false, not "yes"'],
    "discover_quoted": [':4: accounts[0].discover: must be true or false, not the quoted text "true"'],
    "projects_mapping": [":4: projects: must be a list, not a mapping"],
    "project_is_number": [":5: projects[0]: must be a mapping of keys to values, not a number"],
    "project_without_id": [
        ":5: projects[0].id: is missing: give the number in the project's address on QuantConnect"
    ],
    "project_id_text": [':5: projects[0].id: must be a whole number from 1 up, not "momentum"'],
    "project_id_quoted": [':5: projects[0].id: must be a whole number from 1 up, not the quoted text "1"'],
    "two_projects_one_id": [":7: projects[2].id: 1 is already the id of projects[0]"],
    "project_without_account": [":9: projects[0].account: is missing: there are several accounts"],
    "project_unknown_account": [':10: projects[0].account: "mian" is no account, did you mean main?'],
    "account_currency_small": [
        ':6: projects[0].account_currency: must be 2 to 10 capital letters or digits, not "usd"'
    ],
    "account_currency_boolean": [
        ":6: projects[0].account_currency: must be text, and YAML may read this as true or false: put it in quotes"
    ],
    "charts_text": [":6: projects[0].charts: must be a list, not text"],
    "charts_empty_name": [":6: projects[0].charts[0]: must not be empty"],
    "charts_number": [
        ":8: projects[0].charts[1]: must be text, and YAML may read this as a number: put it in quotes"
    ],
    "charts_twice": [':8: projects[0].charts[1]: "Custom" is in the list already'],
    "polling_text": [":4: polling: must be a mapping of keys to values, not text"],
    "duration_bare_number": [':4: polling.status: must be a duration with its unit: write 60s, not "60"'],
    "duration_sexagesimal": [
        ':4: polling.status: must be a duration such as 500ms, 30s, 5m or 1h30m, not "1:30"'
    ],
    "duration_fraction": [
        ':4: polling.status: must be a duration such as 500ms, 30s, 5m or 1h30m, not "1.5m"'
    ],
    "duration_wrong_order": [
        ':4: polling.status: must be a duration such as 500ms, 30s, 5m or 1h30m, not "30s1m"'
    ],
    "duration_empty": [":5: polling.status: must be a duration such as 30s, 5m or 1h30m, not nothing"],
    "duration_list": [":4: polling.status: must be a duration such as 30s, 5m or 1h30m, not a list"],
    "interval_too_short": [':4: polling.status: must be a duration from 1s to 365d, not "999ms"'],
    "interval_too_long": [':4: polling.status: must be a duration from 1s to 365d, not "366d"'],
    "timeout_too_short": [':4: polling.timeout: must be a duration from 100ms to 365d, not "99ms"'],
    "stale_after_too_short": [
        ":5: polling.stale_after: 59s is shorter than every interval; the shortest is 1m"
    ],
    "intervals_longer_than_stale_after": [
        ":4: polling.stale_after: 15m is shorter than every interval; the shortest is 1h"
    ],
    "project_interval_too_short": [
        ':6: projects[0].polling.equity: must be a duration from 1s to 365d, not "0s"'
    ],
    "limit_number": [":5: limits.drawdown_ratio: must be a mapping of keys to values, not a number"],
    "limit_without_value": [":5: limits.drawdown_ratio: must be a mapping of keys to values, not nothing"],
    "limit_percent": [
        ':5: limits.drawdown_ratio.warning: must be a number from 0 to 1, not "10%": 20 % is 0.20'
    ],
    "limit_above_one": [
        ':5: limits.concentration_ratio.warning: must be a number from 0 to 1, not "50": 20 % is 0.20'
    ],
    "limit_negative": [':5: limits.gross_leverage_ratio.critical: must be a number from 0 up, not "-1"'],
    "limit_infinite": [':5: limits.gross_leverage_ratio.critical: must be a number from 0 up, not ".inf"'],
    "limit_overflow": [':5: limits.gross_leverage_ratio.critical: must be a number from 0 up, not "1e999"'],
    "limit_without_number": [":5: limits.drawdown_ratio.warning: must be a number from 0 to 1, not nothing"],
    "cash_ratio_too_low": [':5: limits.cash_ratio_min.warning: must be a number from -10 up, not "-11"'],
    "limits_equal": [
        ":5: limits.gross_leverage_ratio.warning: must be below critical, which is 2.0, not 2.0"
    ],
    "limits_swapped": [":7: limits.drawdown_ratio.warning: must be below critical, which is 0.1, not 0.2"],
    "cash_limits_swapped": [
        ":5: limits.cash_ratio_min.warning: must be above critical, which is 0.5, not 0.0"
    ],
    "warning_above_default_critical": [
        ":5: limits.drawdown_ratio.warning: must be below critical, which is 0.2 by default, not 0.3"
    ],
    "critical_below_default_warning": [
        ":5: limits.drawdown_ratio.critical: must be above warning, which is 0.1 by default, not 0.05"
    ],
    "project_warning_above_top_critical": [
        ":9: projects[0].limits.drawdown_ratio.warning: must be below critical, which is 0.15 by default, not 0.16"
    ],
    "labels_list": [":4: accounts[0].labels: must be a mapping of keys to values, not a list"],
    "label_number": [
        ":4: accounts[0].labels.desk: must be text, and YAML may read this as a number: put it in quotes"
    ],
    "label_name_dash": [
        ":8: projects[0].labels.cost-centre: a label's name must be letters, digits and _, and not begin with a digit",
        ":9: projects[0].labels.2nd: a label's name must be letters, digits and _, and not begin with a digit",
    ],
    "label_twice": [":4: accounts[0].labels.desk: is given twice, first on line 4"],
    "label_name_hostile": [
        ":4: accounts[0].labels.a…: a label's name must be letters, digits and _, and not begin with a digit"
    ],
    "peak_since_without_zone": [
        ':6: projects[0].peak_since: must be a date and time with its zone, such as 2026-11-02T14:30:00Z, not "2026-11-02T14:30:00"'
    ],
    "peak_since_date": [
        ':6: projects[0].peak_since: must be a date and time with its zone, such as 2026-11-02T14:30:00Z, not "2026-11-02"'
    ],
    "peak_since_before_the_calendar": [
        ':6: projects[0].peak_since: must be a date and time with its zone, such as 2026-11-02T14:30:00Z, not "0001-01-01T00:00:00+23:00"'
    ],
    "peak_since_number": [
        ':6: projects[0].peak_since: must be a date and time with its zone, such as 2026-11-02T14:30:00Z, not "1793629800"'
    ],
    "peak_since_nothing": [
        ":6: projects[0].peak_since: must be a date and time with its zone, such as 2026-11-02T14:30:00Z, not nothing"
    ],
    "top_charts_text": [":4: charts: must be a list, not text"],
    "polling_null": [":4: polling.charts: must be a duration such as 30s, 5m or 1h30m, not nothing"],
    "project_keeps_ended": [
        ":6: projects[0].polling.keep_ended_for: unknown key",
        ":7: projects[0].cardinality.projects: unknown key",
    ],
    "age_number": [
        ':5: limits.open_order_age.warning: must be a duration with its unit: write 900s, not "900"'
    ],
    "ages_swapped": [":5: limits.equity_age.warning: must be below critical, which is 1h30m, not 2h"],
    "age_below_default_warning": [
        ":5: limits.open_order_age.critical: must be above warning, which is 15m by default, not 10m"
    ],
    "memory_percent": [
        ':5: limits.memory_ratio.warning: must be a number from 0 to 1, not "80": 20 % is 0.20'
    ],
    "strategy_loss_negative": [':5: limits.strategy_loss.warning: must be a number from 0 up, not "-5000"'],
    "five_mistakes": [
        ":5: accounts[0].requests_per_minut: unknown key, did you mean requests_per_minute?",
        ':6: accounts[0].discover: must be true or false, not "on"',
        ':9: projects[0].account: "mian" is no account, did you mean main?',
        ':11: polling.status: must be a duration with its unit: write 60s, not "60"',
        ':13: limits.drawdown_ratio.warning: must be a number from 0 to 1, not "10": 20 % is 0.20',
    ],
    "long_account_name": [
        ':10: projects[0].account: "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm…" is no account'
    ],
    "long_value": [
        ':4: accounts[0].requests_per_minute: must be a whole number from 1 up, not "99999999999999999999999999999999999999999999999999999999999…"'
    ],
    "escaped_value": [
        ':4: accounts[0].requests_per_minute: must be a whole number from 1 up, not the quoted text "30\\x1b[31m\\n\\u202e"'
    ],
}


@pytest.mark.parametrize("name", sorted(path.stem for path in TESTDATA.glob("*.yml")))
def test_a_broken_file_is_refused_with_its_place(name, monkeypatch):
    """Every problem of the file is named, with the path as given, the line and the key."""
    monkeypatch.chdir(TESTDATA)

    with pytest.raises(ConfigError) as caught:
        load_config(Path(f"{name}.yml"), {})

    assert caught.value.problems == tuple(f"{name}.yml{problem}" for problem in PROBLEMS[name])


def test_every_listed_file_exists():
    """No row of the table is left without its file."""
    assert {path.stem for path in TESTDATA.glob("*.yml")} == set(PROBLEMS)


def test_the_error_reads_as_one_problem_per_line(monkeypatch):
    """The text of the error is what a command prints: five mistakes, five lines, in the file's order."""
    monkeypatch.chdir(TESTDATA)

    with pytest.raises(ConfigError) as caught:
        load_config(Path("five_mistakes.yml"), {})

    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [
        "five_mistakes.yml:5",
        "five_mistakes.yml:6",
        "five_mistakes.yml:9",
        "five_mistakes.yml:11",
        "five_mistakes.yml:13",
    ]
