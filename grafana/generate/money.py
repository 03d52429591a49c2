"""Queries about profit over the time range, and over days, weeks and months."""

from grafana.generate.promql import BEGINNING, EACH, NOW, ONE, RANGE, Scope, select

_LAUNCHED = "algorithm_launched_timestamp_seconds"
_SETTLED, _LEAST_SHARE = "15m", 0.005


def same_deployment(scope: Scope, ago: str = RANGE) -> str:
    """Return the launch where the deployment of some time ago still is the present one."""
    return f"({scope.latest(_LAUNCHED, offset=ago)} == {scope.latest(_LAUNCHED)})"


def launched_within(scope: Scope) -> str:
    """Return the launch where it was within the time range, whichever moment is drawn."""
    return f"({scope.latest(_LAUNCHED, at=NOW)} > {BEGINNING})"


def change(scope: Scope, metric: str, *labels: str) -> str:
    """Return how much profit of some kind, or a count of orders, changed over the time range.

    Both begin at 0 with each deployment, so that one launched within the range counts from there.
    Nothing where the beginning is not known. ``labels`` keep series apart.
    """
    now, before = scope.known(metric, *labels), scope.latest(metric, *labels, offset=RANGE)
    since = f"({now} - ({before} and {scope.on} {same_deployment(scope)}))"
    return f"({since} or ({now} and {scope.on} {launched_within(scope)}))"


def realised(scope: Scope) -> str:
    """Return profit of closed trades over the time range, after fees."""
    return f"({change(scope, 'strategy_pnl')} - {change(scope, 'unrealized_pnl')})"


def paid_in(scope: Scope) -> str:
    """Return deposits less withdrawals over the time range, 0 since a launch within it."""
    now, before = scope.known("capital"), scope.latest("capital", offset=RANGE)
    since = f"({now} - ({before} and {scope.on} {same_deployment(scope)}))"
    return f"({since} or (0 * {now} and {scope.on} {launched_within(scope)}))"


def return_over_range(scope: Scope) -> str:
    """Return profit over the time range to the equity at its beginning, or to the capital at launch."""
    now, before = scope.known("strategy_pnl"), scope.latest("strategy_pnl", offset=RANGE)
    equity = f"({scope.latest('equity', offset=RANGE)} > 0)"
    since = f"(({now} - {before}) / {equity} and {scope.on} {same_deployment(scope)})"
    launched = f"({now} / ({scope.known('capital')} > 0) and {scope.on} {launched_within(scope)})"
    return f"({since} or {launched})"


def return_since_start(scope: Scope) -> str:
    """Return profit since the start of the range, as it was at each moment, to the equity at the start."""
    return _return_since_start(scope, scope.latest("strategy_pnl"), scope.latest("capital"))


def return_at_end(scope: Scope) -> str:
    """Return the same at the end of the range, or when a project ended within it."""
    return _return_since_start(scope, scope.known("strategy_pnl", at=NOW), scope.known("capital", at=NOW))


def _return_since_start(scope: Scope, profit: str, capital: str) -> str:
    start = scope.latest("strategy_pnl", at=" @ start()")
    since = f"({profit} - ({start} or (0 * {profit} and {scope.on} {launched_within(scope)})))"
    base = f"({scope.latest('equity', at=' @ start()')} or {capital})"
    return f"{since} / {scope.on} ({base} > 0)" if scope.labels else f"{since} / ({base} > 0)"


def profit_of(span: str) -> str:
    """Return the profit of the calendar period of a length that begins at each moment.

    Deposits and withdrawals are left out. In a period with a new deployment it is the change of
    equity, in which they cannot be told apart.
    """
    redeployed = f"(max(changes({select(_LAUNCHED, window=span, offset=f'-{span}')})) > 0)"
    return (
        f"(({_difference('strategy_pnl', span)} unless on () {redeployed}) or {_difference('equity', span)})"
    )


def return_of(span: str) -> str:
    """Return the profit of the period that begins at each moment to the equity at its beginning."""
    return f"({profit_of(span)} / ({ONE.latest('equity', window=span)} > 0))"


def by_week(expression: str) -> str:
    """Keep what begins on a Monday, of a query that asks for each day."""
    return f"{expression} and on () (day_of_week() == 1)"


def return_of_month() -> str:
    """Return the profit of each month to the equity at its beginning, of a query that asks for each day."""
    lengths = " or ".join(
        f"({return_of(f'{days}d')} and on () (days_in_month() == {days}))" for days in (31, 30, 28, 29)
    )
    return f"({lengths}) and on () (day_of_month() == 1)"


def profit_since(ago: str) -> str:
    """Return profit within the last hours or days of the present deployment."""
    before = f"({ONE.latest('strategy_pnl', offset=ago)} and on () {same_deployment(ONE, ago)})"
    return f"({ONE.latest('strategy_pnl')} - {before})"


def return_since(ago: str) -> str:
    """Return that profit to the equity at its beginning."""
    return f"({profit_since(ago)} / ({ONE.latest('equity', offset=ago)} > 0))"


def _difference(metric: str, span: str) -> str:
    after = f"max(last_over_time({select(metric, window=span, offset=f'-{span}')}))"
    return f"({after} - {ONE.latest(metric, window=span)})"


def capital_moved() -> str:
    """Return how much was paid in or out within a quarter of an hour, where it is more than a trade rounds."""
    moved = f"({EACH.latest('capital')} - {EACH.latest('capital', offset=_SETTLED)})"
    kept = f"{moved} and {EACH.on} {same_deployment(EACH, _SETTLED)}"
    return f"{kept} and (abs({moved}) > {_LEAST_SHARE} * {EACH.latest('equity')})"
