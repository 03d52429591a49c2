"""Positions: one symbol or many over time, across projects, and how concentrated they are."""

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
from grafana.generate.look import CONCENTRATION, MONEY, NUMBER, RATIO, SIGN
from grafana.generate.panels import Column, Look, Panel, Query, chart_panel, table_panel
from grafana.generate.promql import (
    SECURITY,
    by_currency,
    herfindahl,
    latest,
    money_of_position,
    named_contract,
    of_position,
    open_only,
    positions_held,
    select,
    share_of_gross,
    weight,
)

_CHOSEN = ('symbol=~"$symbol"',)
_PLACE = "{{symbol}} {{contract}} · {{project}}"
_MONEY = "{{symbol}} {{contract}} · {{project}} {{account_currency}}"


def positions_page() -> Page:
    """Return Positions."""
    symbols = label_variable(
        "symbol",
        "Symbol",
        f"label_values({select('holding_quantity')}, symbol)",
    )
    return Page(
        uid="quantconnect-positions",
        title="QuantConnect / Positions",
        description="Positions over time and across projects, and how concentrated each project is.",
        since="now-7d",
        variables=(job_variable(), project_variable(), symbols),
        annotations=(deployments(), firing_alerts()),
        sections=(
            Section(
                "Concentration",
                [
                    Line(8, [(10, _concentration()), (14, _by_symbol())]),
                    Line(8, [(8, _largest()), (8, _top_five()), (8, _herfindahl())]),
                ],
            ),
            Section(
                "Over time",
                [
                    Line(9, [(12, _value()), (12, _weight())]),
                    Line(9, [(12, _pnl()), (12, _quantity())]),
                    Line(9, [(24, _price())]),
                ],
            ),
            Section("Details", [Line(9, [(24, _details())])]),
        ),
    )


def _concentration() -> Panel:
    return table_panel(
        "Concentration",
        "Shares of gross exposure, whatever symbols are chosen: the largest position, the five largest, and the "
        "Herfindahl index (sum of squared shares), whose inverse is how many equal positions would be as concentrated.",
        [
            positions_held(),
            share_of_gross(1),
            share_of_gross(5),
            herfindahl(),
            f"1 / ({herfindahl()} > 0)",
        ],
        [
            Column("project", "Project"),
            Column("A", "Positions", NUMBER, decimals=0),
            Column("B", "Largest", RATIO, decimals=0, steps=CONCENTRATION),
            Column("C", "Five largest", RATIO, decimals=0),
            Column("D", "Herfindahl", NUMBER, decimals=2, steps=CONCENTRATION),
            Column("E", "Equal positions", NUMBER, decimals=1),
        ],
        sort="Largest",
        descending=True,
    )


def _by_symbol() -> Panel:
    value = by_currency("holding_market_value", *SECURITY, matchers=_CHOSEN)
    gross = by_currency("holding_market_value", *SECURITY, matchers=_CHOSEN, over="abs")
    pnl = by_currency("holding_unrealized_pnl", *SECURITY, matchers=_CHOSEN)
    return table_panel(
        "By symbol across projects",
        "Each security summed over the chosen projects, a row for each account currency: longs and shorts of "
        "different projects offset each other in the net value and not in the gross.",
        [value, gross, pnl],
        [
            Column("symbol", "Symbol"),
            Column("security_type", "Type"),
            Column("A", "Net value", MONEY, steps=SIGN),
            Column("B", "Gross value", MONEY),
            Column("C", "PnL", MONEY, steps=SIGN),
            Column("account_currency", "Currency", width=90),
            Column("project", "Project"),
            Column("symbol_id", "Identifier"),
        ],
        sort="Gross value",
        descending=True,
    )


def _largest() -> Panel:
    return chart_panel(
        "Largest position",
        "Share of the largest position in the gross exposure of each project.",
        [Query(share_of_gross(1), "{{project}}")],
        RATIO,
        lowest=0,
        highest=1,
        decimals=0,
    )


def _top_five() -> Panel:
    return chart_panel(
        "Five largest positions",
        "Share of the five largest positions in the gross exposure of each project.",
        [Query(share_of_gross(5), "{{project}}")],
        RATIO,
        lowest=0,
        highest=1,
        decimals=0,
    )


def _herfindahl() -> Panel:
    return chart_panel(
        "Herfindahl index",
        "Sum of the squared shares of gross exposure: 1 for a single position, 0.1 for ten equal ones.",
        [Query(herfindahl(), "{{project}}")],
        NUMBER,
        lowest=0,
        highest=1,
        decimals=2,
    )


def _value() -> Panel:
    return chart_panel(
        "Market value",
        "Market value of each position in account currency, negative when short. A line ends where the position does.",
        [Query(_open(money_of_position("holding_market_value", _CHOSEN)), _MONEY)],
        MONEY,
        decimals=0,
    )


def _weight() -> Panel:
    return chart_panel(
        "Weight",
        "Market value of each position to its project's equity, negative when short.",
        [Query(named_contract(open_only(weight(*_CHOSEN))), _PLACE)],
        RATIO,
        decimals=1,
    )


def _pnl() -> Panel:
    return chart_panel(
        "Unrealized PnL",
        "Unrealized profit of each position after the estimated exit fee, in account currency.",
        [Query(_open(money_of_position("holding_unrealized_pnl", _CHOSEN)), _MONEY)],
        MONEY,
        decimals=0,
    )


def _quantity() -> Panel:
    return chart_panel(
        "Quantity",
        "Units or contracts of each position, negative when short.",
        [Query(_open(of_position("holding_quantity", _CHOSEN)), _PLACE)],
        MONEY,
    )


def _price() -> Panel:
    return chart_panel(
        "Market and average price",
        "Last price of each position with the average price it was opened at, in the symbol's own currency.",
        [
            Query(_open(of_position("holding_market_price", _CHOSEN)), _PLACE),
            Query(_open(of_position("holding_average_price", _CHOSEN)), f"{_PLACE} average"),
        ],
        MONEY,
        decimals=2,
        looks={"B": Look(dashed=True)},
    )


def _details() -> Panel:
    quantity = of_position("holding_quantity", _CHOSEN)
    info = latest("holding_info", "symbol_id", "ticker", "market", "currency_symbol")
    return table_panel(
        "Details",
        "What is known of each security a project holds or subscribes to: its market, the display sign of its "
        "currency, prices in that currency, and the rate from it to the account currency.",
        [
            quantity,
            of_position("holding_average_price", _CHOSEN),
            of_position("holding_market_price", _CHOSEN),
            money_of_position("holding_conversion_rate", _CHOSEN),
            f"{info} and on (project_id, project, symbol_id) {quantity}",
        ],
        [
            Column("symbol", "Symbol"),
            Column("project", "Project"),
            Column("security_type", "Type"),
            Column("ticker", "Ticker"),
            Column("market", "Market"),
            Column("A", "Quantity", MONEY, decimals=4),
            Column("B", "Average price", MONEY, decimals=4),
            Column("C", "Market price", MONEY, decimals=4),
            Column("currency_symbol", "Sign", width=70),
            Column("D", "Conversion rate", MONEY, decimals=6),
            Column("account_currency", "Currency", width=90),
            Column("symbol_id", "Identifier"),
        ],
        sort="Symbol",
    )


def _open(expression: str) -> str:
    return named_contract(open_only(expression))
