"""Positions across projects: what earned and lost, what is large, and how concentrated it is."""

from grafana.generate.charts import bars, ranking
from grafana.generate.frame import (
    Line,
    Page,
    Section,
    deployments,
    firing_alerts,
    job_variable,
    label_variable,
    project_variable,
)
from grafana.generate.holdings import (
    CHOSEN,
    herfindahl,
    largest,
    share_of_largest,
    short_names,
    with_contract,
)
from grafana.generate.look import (
    LONG_OR_SHORT,
    MONEY,
    NOTHING,
    NUMBER,
    RATIO,
    SIGN_OF_MONEY,
    SIGN_OF_RATIO,
    TYPE_WORDS,
    words,
)
from grafana.generate.overview import UID as OVERVIEW
from grafana.generate.panels import Panel, Query, tile
from grafana.generate.promql import CURRENCY, EACH, NOW, SECURITY, select
from grafana.generate.tables import TREND, Column, Rows, table

_LINK = (
    f"/d/{OVERVIEW}?${{datasource:queryparam}}&${{job:queryparam}}"
    "&var-project_id=${__data.fields.project_id}&${__url_time_range}"
)
_LETTERS_BESIDE_BAR, _LETTERS_IN_LEGEND = 12, 16
"""How much of a project's name there is room for behind the name of an option."""
_NO_POSITION = "no open position known"
_SHOWN_LINES = 10
_SYMBOL = ("symbol_id", "symbol")


def positions_page() -> Page:
    """Return Positions."""
    symbols = label_variable("symbol", "Symbol", f"label_values({select('holding_quantity')}, symbol)")
    return Page(
        uid="quantconnect-positions",
        title="QuantConnect / Positions",
        description="Open positions across projects: what earned and lost, what is large, how concentrated it is.",
        since="now-7d",
        variables=(job_variable(), project_variable(), symbols),
        annotations=(deployments(shown=False), firing_alerts(shown=False)),
        sections=(
            Section(
                "",
                [
                    Line(3, [(4, each) for each in _tiles()]),
                    Line(10, [(12, _movers()), (12, _weights_now())]),
                    Line(16, [(24, _positions())]),
                ],
            ),
            Section(
                "Over time",
                [
                    Line(9, [(12, _weights()), (12, _profits())]),
                    Line(9, [(12, _concentration_over_time()), (12, _concentration())]),
                ],
            ),
            Section("Securities", [Line(9, [(12, _by_symbol()), (12, _details())])]),
        ),
    )


def _tiles() -> list[Panel]:
    none = f"0 * count({EACH.latest('gross_exposure')})"
    symbols = (
        f"count by (symbol) ({EACH.latest('holding_quantity', *_SYMBOL, matchers=CHOSEN.matchers)} != 0)"
    )
    losing = f"count(({CHOSEN.value('holding_unrealized_pnl')}) < 0)"

    def count(title: str, description: str, expression: str) -> Panel:
        return tile(
            title, description, f"{expression} or {none}", NUMBER, decimals=0, words=(words({"0": "none"}),)
        )

    return [
        count("Positions", "How many positions are open.", f"count({CHOSEN.held()})"),
        count("Long", "Positions held long.", f"count({CHOSEN.held('> 0')})"),
        count("Short", "Positions held short.", f"count({CHOSEN.held('< 0')})"),
        count("Symbols", "How many different symbols are held.", f"count({symbols})"),
        tile(
            "Largest weight",
            "The largest position of a project, to its equity.",
            f"max(abs({CHOSEN.weight()}))",
            RATIO,
            decimals=0,
        ),
        count("Losing", "Positions at a loss.", losing),
    ]


def _movers() -> Panel:
    moved = f"({CHOSEN.change_of_pnl()}) / {EACH.on} group_left () {EACH.equity()}"
    best = f"topk(6, {moved}) or bottomk(6, {moved})"
    return bars(
        "Best and worst over the range",
        "Change of the unrealised profit over the time range, or since the opening, to the project's equity: the six "
        "best and the six worst of what is open now.",
        short_names(best, project_letters=_LETTERS_BESIDE_BAR),
        "position",
        RATIO,
        SIGN_OF_RATIO,
        extent=moved,
        decimals=1,
        no_value=_NO_POSITION,
    )


def _weights_now() -> Panel:
    return bars(
        "Largest weights",
        "Market value to the project's equity, the twelve largest. Purple is short: neither colour is good or bad.",
        short_names(largest(12, CHOSEN.weight()), project_letters=_LETTERS_BESIDE_BAR),
        "position",
        RATIO,
        LONG_OR_SHORT,
        decimals=1,
        no_value=_NO_POSITION,
    )


def _positions() -> Panel:
    return table(
        "Open positions",
        "Every open position, the largest share of its project's equity first. Amounts are in account currency, "
        "prices in the symbol's own. P&L % is P&L to what the position cost.",
        [
            with_contract(each)
            for each in (
                EACH.rounded(CHOSEN.in_currency("holding_market_value"), running=True),
                CHOSEN.held_quantity(),
                CHOSEN.price("holding_average_price"),
                CHOSEN.price("holding_market_price"),
                CHOSEN.weight(),
                EACH.rounded(CHOSEN.value("holding_unrealized_pnl"), running=True),
                CHOSEN.pnl_ratio(),
                f"abs({CHOSEN.weight()})",
            )
        ],
        [
            Column("symbol", "Symbol", width=138),
            Column("contract", "Contract", width=74, no_value=" "),
            Column("project", "Project", least=150, link=_LINK),
            Column("security_type", "Type", words=(TYPE_WORDS,), width=84),
            Column("B", "Quantity", MONEY, decimals=4, width=84),
            Column("C", "Entry", width=92, price=True),
            Column("D", "Price", width=92, price=True),
            Column("A", "Value", MONEY, width=92),
            Column(CURRENCY, "Ccy", words=(NOTHING,), width=52),
            Column("E", "Weight", RATIO, decimals=1, width=72),
            Column("F", "P&L", MONEY, steps=SIGN_OF_MONEY, width=84),
            Column("G", "P&L %", RATIO, decimals=1, steps=SIGN_OF_RATIO, width=72),
            Column(TREND, "P&L trend", width=120),
            Column("project_id", "project_id", hidden=True),
        ],
        Rows(order=(("H", True),)),
        trend=with_contract(CHOSEN.trend("holding_unrealized_pnl")),
        no_value=_NO_POSITION,
    )


def _of_largest(expression: str) -> str:
    """Keep the positions that are the largest of their projects at the end of the range."""
    value = EACH.over("max", f"abs({select('holding_market_value', *CHOSEN.matchers, at=NOW)})", "symbol_id")
    weight = f"{value} / {EACH.on} group_left () {EACH.equity(NOW)}"
    largest = f"({expression}) and {CHOSEN.on} topk({_SHOWN_LINES}, {weight})"
    return short_names(largest, project_letters=_LETTERS_IN_LEGEND)


def _weights() -> Panel:
    return ranking(
        "Weights of the ten largest",
        "Market value to the project's equity, negative when short, of the ten positions that are largest now.",
        Query(_of_largest(CHOSEN.weight()), "{{position}}"),
        RATIO,
        width=370,
        decimals=0,
    )


def _profits() -> Panel:
    share = f"({CHOSEN.value('holding_unrealized_pnl')}) / {EACH.on} group_left () {EACH.equity()}"
    return ranking(
        "P&L of the ten largest",
        "Unrealised profit to the project's equity, of the ten positions that are largest now.",
        Query(_of_largest(share), "{{position}}"),
        RATIO,
        width=370,
        decimals=1,
    )


def _concentration_over_time() -> Panel:
    now = EACH.over("max", f"abs({select('holding_market_value', at=NOW)})", "symbol_id")
    gross = f"({EACH.latest('gross_exposure', at=NOW)} > 0)"
    most = f"topk({_SHOWN_LINES}, {EACH.over('max', now)} / {gross})"
    return ranking(
        "Concentration over time",
        "Share of the largest position in the gross exposure, of the ten projects that are most concentrated now.",
        Query(f"{share_of_largest()} and {EACH.on} {most}", "{{project}}"),
        RATIO,
        lowest=0,
        highest=1,
        decimals=0,
    )


def _concentration() -> Panel:
    return table(
        "Concentration",
        "Shares of gross exposure, whatever symbols are chosen: the largest position, and how many equal positions "
        "would be as concentrated, which is the inverse of the Herfindahl index.",
        [
            EACH.over("count", f"{EACH.latest('holding_quantity', 'symbol_id')} != 0"),
            share_of_largest(),
            f"1 / ({herfindahl()} > 0)",
        ],
        [
            Column("project", "Project", least=160, link=_LINK),
            Column("A", "Positions", NUMBER, decimals=0, width=84),
            Column("B", "Largest", RATIO, decimals=0, width=80),
            Column("C", "Equal positions", NUMBER, decimals=1, width=124),
            Column("project_id", "project_id", hidden=True),
        ],
        Rows(order=(("B", True),)),
        no_value=_NO_POSITION,
    )


def _by_symbol() -> Panel:
    def total(expression: str) -> str:
        return with_contract(
            f"sum by ({', '.join(SECURITY)}, {CURRENCY}) ({EACH.rounded(expression, running=True)})"
        )

    value = CHOSEN.in_currency("holding_market_value")
    return table(
        "By symbol across projects",
        "Each security summed over the chosen projects, a row for each account currency: longs and shorts of different "
        "projects offset each other in Net and not in Gross.",
        [
            total(value),
            total(f"abs({value})"),
            total(CHOSEN.in_currency("holding_unrealized_pnl")),
        ],
        [
            Column("symbol", "Symbol", least=120),
            Column("contract", "Contract", width=74, no_value=" "),
            Column("security_type", "Type", words=(TYPE_WORDS,), width=84),
            Column("A", "Net", MONEY, width=100),
            Column("B", "Gross", MONEY, width=100),
            Column("C", "P&L", MONEY, steps=SIGN_OF_MONEY, width=84),
            Column(CURRENCY, "Ccy", words=(NOTHING,), width=52),
        ],
        Rows(order=(("B", True),)),
        no_value=_NO_POSITION,
    )


def _details() -> Panel:
    quantity = EACH.latest("holding_quantity", *SECURITY, matchers=CHOSEN.matchers)
    info = EACH.latest("holding_info", "symbol_id", "market", "currency_symbol")
    rate = EACH.latest("holding_conversion_rate", *SECURITY, matchers=CHOSEN.matchers)
    return table(
        "Securities",
        "What each project holds or subscribes to: the market, the sign of the price's currency, "
        "and the rate from it to the account currency.",
        [f"{quantity} == bool 0", rate, f"{info} and {CHOSEN.on} {quantity}"],
        [
            Column("symbol", "Symbol", width=136),
            Column("project", "Project", least=116, link=_LINK),
            Column("market", "Market", width=82),
            Column("currency_symbol", "Sign", width=48),
            Column("B", "Rate", MONEY, decimals=6, width=80),
            Column("symbol_id", "Identifier", width=150),
            Column("project_id", "project_id", hidden=True),
        ],
        Rows(order=(("symbol", False),)),
        no_value="no security known",
    )
