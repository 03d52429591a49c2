"""What is rendered again when a project's state changes, and what is kept."""

from dataclasses import replace
from math import inf

from exporter.config.model import Cardinality, ProjectSettings
from exporter.domain.chart import ChartPoint
from exporter.domain.deployment import AlgorithmStatus, Deployment
from exporter.domain.portfolio import CashBalance, Holding, Portfolio
from exporter.domain.security import Security, SecurityType
from exporter.metrics.families import GROUPS, PROJECT_COLUMNS
from exporter.metrics.rendering import render_project
from exporter.polling.state import Instant, Reading, Source, new_project

PORTFOLIO_GROUP = 3
NOW = Instant(wall=1000.0, monotonic=50.0)
SPY = Holding(Security("SPY R735QTJ8XC9X", "SPY", SecurityType.EQUITY, "usa"), 2, 10, 11, 1, 22, 1.5)
PORTFOLIO = Portfolio((SPY,), (CashBalance("USD", 5.0, 1.0, 5.0),))
STATE = (
    new_project(7, "main", ProjectSettings())
    .with_deployment(Deployment("L-1", AlgorithmStatus.RUNNING, 1.0), NOW)
    .with_portfolio(PORTFOLIO, NOW)
)


def lines_of(rendered, name: str) -> str:
    index = next(index for index, family in enumerate(PROJECT_COLUMNS) if family.name == name)
    return rendered.lines[index].decode()


def test_one_line_for_each_sample():
    """A holding's market value is one line with every label of its family."""
    expected = (
        'quantconnect_holding_market_value{project_id="7",project="7",symbol_id="SPY R735QTJ8XC9X",'
        'symbol="SPY",security_type="equity",account_currency="USD"} 22'
    )

    assert lines_of(render_project(STATE, None), "quantconnect_holding_market_value") == expected


def test_unknown_number_has_no_line():
    """A member that is not known yields no sample at all."""
    unknown = SPY._replace(market_value=None)
    state = STATE.with_portfolio(Portfolio((unknown,), PORTFOLIO.cash), NOW)
    rendered = render_project(state, None)

    assert lines_of(rendered, "quantconnect_holding_market_value") == ""
    assert lines_of(rendered, "quantconnect_gross_exposure") == ""
    assert lines_of(rendered, "quantconnect_holding_quantity") != ""


def test_unchanged_group_is_kept():
    """A failure of one source renders nothing again of the others."""
    before = render_project(STATE, None)
    after = render_project(STATE.with_success(Source.STATUS, NOW), before)
    kept = [
        later.lines is earlier.lines
        for earlier, later in zip(before.groups, after.groups, strict=True)
        if earlier and later
    ]

    assert kept == [False, True, True, True]


def test_unchanged_portfolio_is_not_rendered_again():
    """A poll that finds what was known writes no line of the portfolio anew, and moves its end."""
    before = render_project(STATE, None)
    later = Instant(wall=1060.0, monotonic=110.0)
    after = render_project(STATE.with_portfolio(replace(PORTFOLIO), later), before)

    assert after.groups[PORTFOLIO_GROUP].lines is before.groups[PORTFOLIO_GROUP].lines
    assert after.groups[PORTFOLIO_GROUP].expires_at == before.groups[PORTFOLIO_GROUP].expires_at + 60


def test_frame_is_kept_while_numbers_change():
    """A new price writes new numbers between the same texts, none of which is escaped again."""
    before = render_project(STATE, None)
    dearer = Portfolio((SPY._replace(market_value=30),), PORTFOLIO.cash)
    after = render_project(STATE.with_portfolio(dearer, NOW), before)

    assert lines_of(after, "quantconnect_holding_market_value").endswith("} 30")
    assert after.groups[PORTFOLIO_GROUP].frame is before.groups[PORTFOLIO_GROUP].frame


def test_frame_is_made_anew_for_other_symbols_or_another_number_known():
    """Numbers never stand behind the labels of what they are not about."""
    before = render_project(STATE, None)
    other = SPY._replace(security=replace(SPY.security, symbol_id="QQQ 2T", ticker="QQQ"))
    switched = render_project(STATE.with_portfolio(Portfolio((other,), PORTFOLIO.cash), NOW), before)
    unpriced = Portfolio((SPY._replace(market_price=None),), PORTFOLIO.cash)
    less = render_project(STATE.with_portfolio(unpriced, NOW), before)

    assert 'symbol="QQQ"' in lines_of(switched, "quantconnect_holding_quantity")
    assert lines_of(less, "quantconnect_holding_market_price") == ""
    assert lines_of(less, "quantconnect_holding_average_price").endswith("} 10")


def test_label_text_of_gone_series_is_forgotten():
    """What is kept for the next rendering holds the present series only, so that churn leaves memory flat."""
    before = render_project(STATE, None)
    after = render_project(STATE.with_portfolio(Portfolio((), PORTFOLIO.cash), NOW), before)
    kept = after.groups[PORTFOLIO_GROUP].frame.pieces

    assert any("USD" in text for text in kept)
    assert not any("SPY R735QTJ8XC9X" in text for text in kept)


def test_label_text_is_shared_between_projects():
    """Two projects that hold the same symbol keep the text of its labels once."""
    other = STATE._replace(project_id=8)
    texts = [
        [text for text in rendered.groups[PORTFOLIO_GROUP].frame.pieces if text.startswith(",symbol_id")]
        for rendered in (render_project(STATE, None), render_project(other, None))
    ]

    assert len(texts[0]) > 5
    assert all(one is another for one, another in zip(*texts, strict=True))


def test_number_that_is_not_finite_has_no_line():
    """Should a number ever be none, it is left out like one that is not known."""
    state = STATE.with_portfolio(Portfolio((SPY._replace(market_value=inf),), PORTFOLIO.cash), NOW)
    rendered = render_project(state, None)

    assert lines_of(rendered, "quantconnect_holding_market_value") == ""
    assert lines_of(rendered, "quantconnect_holding_quantity").endswith("} 2")


def test_new_name_or_currency_renders_everything_again():
    """When a label that all series share changes, no line of before is left."""
    before = render_project(STATE, None)
    renamed = render_project(STATE.with_name("Momentum"), before)
    in_euro = render_project(STATE._replace(account_currency="EUR"), before)

    assert 'project="Momentum"' in lines_of(renamed, "quantconnect_cash_value")
    assert 'account_currency="EUR"' in lines_of(in_euro, "quantconnect_cash_value")


def test_groups_expire_with_their_reading():
    """Values may be shown until stale_after has passed since they were read; how polling goes, always."""
    polls, seldom, status, portfolio, *_ = render_project(STATE, None).groups
    stale_after = STATE.settings.polling.stale_after

    assert len(GROUPS) == 8
    assert polls.expires_at == seldom.expires_at == inf
    assert (status.expires_at, portfolio.expires_at) == (50 + stale_after, 50 + stale_after)


def test_what_is_more_than_its_bound_is_cut_and_counted():
    """Of more holdings and series than may be shown, the largest holdings stay and the rest is counted."""
    settings = ProjectSettings(charts=("C",), cardinality=Cardinality(holdings=2, chart_series=3))
    holdings = tuple(
        SPY._replace(
            security=replace(SPY.security, symbol_id=f"S{size} 2T", ticker=f"S{size}"), market_value=size
        )
        for size in (5.0, -70.0, 20.0)
    )
    series = {f"s{number}": ChartPoint(1.0, number, number) for number in range(5)}
    state = STATE.with_settings(settings)._replace(charts={"C": Reading(series, NOW)})
    rendered = render_project(state.with_portfolio(Portfolio(holdings, PORTFOLIO.cash), NOW), None)

    values = lines_of(rendered, "quantconnect_holding_market_value")
    assert [f"S{size} 2T" in values for size in (-70.0, 20.0, 5.0)] == [True, True, False]
    assert lines_of(rendered, "quantconnect_holdings_dropped").endswith("} 1")
    assert lines_of(rendered, "quantconnect_chart_value").count("\n") == 2
    assert lines_of(rendered, "quantconnect_chart_timestamp_seconds").count("\n") == 2
    assert lines_of(rendered, "quantconnect_chart_series_dropped").endswith("} 2")
    assert lines_of(rendered, "quantconnect_gross_exposure").endswith("} 95.0")
