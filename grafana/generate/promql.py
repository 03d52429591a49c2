"""Queries for the exporter's metrics that stay right with several exporters, currencies and gaps.

Two exporters may poll the same project, each under its own ``instance`` label. Everything of a
project is therefore taken with ``max by`` first. One of the two may not know the account currency:
joins are on the project alone, and a value that one of them gives with its currency is shown once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.domain.deployment import AlgorithmStatus
from grafana.generate.look import CRASHED, STOPPED

PROJECT = ("project_id", "project")
SECURITY = ("symbol_id", "symbol", "security_type")
CURRENCY = "account_currency"
RANGE = "$__range"
BEGINNING = "${__from:date:seconds}"
NOW = " @ ${__to:date:seconds}"
"""The end of the time range. A chart's last point may be up to a step before it."""

_POLLED_VALUES = ('source=~"portfolio|equity"',)


def select(metric: str, *matchers: str, at: str = "", offset: str = "", window: str = "") -> str:
    """Return a selector of a project's metric for the chosen jobs and projects."""
    chosen = ",".join(('job=~"$job"', 'project_id=~"$project_id"', *matchers))
    span = f"[{window}]" if window else ""
    shift = f" offset {offset}" if offset else ""
    return f"quantconnect_{metric}{{{chosen}}}{span}{at}{shift}"


def any_of(label: str, values: Iterable[str]) -> str:
    """Return a matcher of a label against several values."""
    return f'{label}=~"{"|".join(values)}"'


@dataclass(frozen=True, slots=True)
class Scope:
    """What results are told apart by: the project, or nothing where only one is chosen.

    ``choice`` is a matcher that only ended projects fulfil. Without it all chosen projects are asked for
    their last values, which takes too long where there are many.
    """

    labels: tuple[str, ...]
    choice: str = ""

    @property
    def on(self) -> str:
        """Return the matching clause of a join between results of this scope."""
        return f"on ({', '.join(self.labels)})"

    def over(self, operation: str, expression: str, *labels: str) -> str:
        """Return an aggregation that keeps the labels of the scope and further ones."""
        kept = ", ".join((*self.labels, *labels))
        return f"{operation} by ({kept}) ({expression})" if kept else f"{operation}({expression})"

    def latest(
        self,
        metric: str,
        *labels: str,
        matchers: tuple[str, ...] = (),
        at: str = "",
        offset: str = "",
        window: str = "",
    ) -> str:
        """Return a metric once, however many exporters poll it; with a window, its last value in there."""
        selected = select(metric, *matchers, at=at, offset=offset, window=window)
        return self.over("max", f"last_over_time({selected})" if window else selected, *labels)

    def ended(self) -> str:
        """Return 1 where the project has been deployed and runs no more."""
        matcher = any_of("status", (*CRASHED, *STOPPED))
        return self.over("max", f"{select('algorithm_status', matcher)} == 1")

    def known(self, metric: str, *labels: str, matchers: tuple[str, ...] = (), at: str = "") -> str:
        """Return a metric, and for an ended project its last value in the time range.

        A project that runs and whose value is not known has none: an old one would look alive.
        """
        now = self.latest(metric, *labels, matchers=matchers, at=at)
        return f"({now} or {self.last(metric, *labels, matchers=matchers, at=at)})"

    def last(self, metric: str, *labels: str, matchers: tuple[str, ...] = (), at: str = "") -> str:
        """Return the last value of a metric of each ended project in the time range."""
        if self.choice:
            return self.latest(metric, *labels, matchers=(*matchers, self.choice), at=at, window=RANGE)
        last = self.latest(metric, *labels, matchers=matchers, at=at, window=RANGE)
        return f"({last} and {self.on} {self.ended()})"

    def equity(self, at: str = "") -> str:
        """Return equity where a ratio to it has a meaning."""
        return f"({self.latest('equity', at=at)} > 0)"

    def rounded(self, amount: str, *, running: bool = False) -> str:
        """Return an amount to the unit, but finer where the equity is small, as it is in coins.

        ``running`` says that the amount is of running projects only.
        """
        equity = self.latest("equity") if running else self.known("equity")
        known = self.over("max", select("up", 'source="status"'))
        parts = f"({_parts_of_unit(equity)} or 0 * {known} + 1)"
        join = f"{self.on} group_left ()"
        return f"round(({amount}) * {join} {parts}) / {join} {parts}"

    def leverage(self) -> str:
        """Return gross exposure to equity."""
        return f"{self.latest('gross_exposure')} / {self.equity()}"

    def limit(self, name: str, severity: str = "") -> str:
        """Return a limit: the critical one, or the warning where it is alone, if no severity is given."""
        if severity:
            matchers = (f'limit="{name}"', f'severity="{severity}"')
            return f"({self.latest('limit', matchers=matchers)} > 0)"
        return f"({self.limit(name, 'critical')} or {self.limit(name, 'warning')})"

    def limit_used(self, value: str, limit: str) -> str:
        """Return a value as a share of its limit."""
        return f"{value} / {self.limit(limit)}"

    def daily_loss(self) -> str:
        """Return today's loss, 0 on a day without one."""
        return f"clamp_min(-{self.latest('daily_return_ratio')}, 0)"

    def drawdown_limit_used(self) -> str:
        """Return drawdown as a share of its limit."""
        return self.limit_used(self.latest("drawdown_ratio"), "drawdown_ratio")

    def daily_loss_limit_used(self) -> str:
        """Return today's loss as a share of its limit, 0 on a day without loss."""
        return self.limit_used(self.daily_loss(), "daily_loss_ratio")

    def limits_used(self) -> str:
        """Return the larger of the two shares of a loss limit that are used."""
        parts = (self.drawdown_limit_used(), self.daily_loss_limit_used())
        named = (labelled(part, limit=str(number)) for number, part in enumerate(parts))
        return self.over("max", " or ".join(named))

    def data_age(self) -> str:
        """Return the age of portfolio or equity, whichever was last polled longer ago.

        Absent for what is not polled, as when the project does not run, and while one of the two never
        came.
        """
        success = self.latest("last_success_timestamp_seconds", "source", matchers=_POLLED_VALUES)
        polled = self.latest("poll_interval_seconds", "source", matchers=_POLLED_VALUES)
        oldest = self.over("min", f"{success} and {polled}")
        return f"(time() - {oldest} unless {self.on} ({polled} unless {success}))"

    def age(self, metric: str, *labels: str, matchers: tuple[str, ...] = ()) -> str:
        """Return how long ago a timestamp was."""
        return f"time() - {self.latest(metric, *labels, matchers=matchers)}"

    def cash_share(self) -> str:
        """Return cash to equity; absent while a balance cannot be converted."""
        known, amount = self.latest("cash_value", "currency"), self.latest("cash_amount", "currency")
        total = f"{self.over('sum', known)} unless {self.on} (({amount} != 0) unless {known})"
        return f"({total}) / {self.equity()}"

    def open_pnl(self, none: float = 0) -> str:
        """Return the profit of open positions; ``none`` without one, absent while one is unknown."""
        known = self.over("max", select("holding_unrealized_pnl"), "symbol_id")
        held = f"({self.over('max', select('holding_quantity'), 'symbol_id')} != 0)"
        total = f"({self.over('sum', known)} and {self.on} {held})"
        return f"({total} unless {self.on} ({held} unless {known})) or ({none:g} * ({self.empty()}))"

    def empty(self) -> str:
        """Return 1 for a portfolio that is known to hold nothing, and nothing for any other."""
        return f"({self.latest('gross_exposure')} == 0) + 1"


ONE = Scope(())
"""For a dashboard on which one project is chosen."""

EACH = Scope(PROJECT, 'project_id=~"$ended"')
"""For a dashboard with many projects, of which the variable ``ended`` holds those that have ended."""


def rounded_by_currency(amount: str) -> str:
    """Return an amount by currency to the unit, but finer where the equity in it is small."""
    join = f"on ({', '.join((CURRENCY, *PROJECT))})"
    parts = _parts_of_unit(f"({by_currency('equity')})")
    return f"round(({amount}) * {join} {parts}) / {join} {parts}"


def _parts_of_unit(equity: str) -> str:
    """Return into how many parts a unit is told: 1, 100 or 10,000."""
    return f"(1 + 99 * ({equity} < bool 10000) + 9900 * ({equity} < bool 100))"


def labelled(expression: str, **labels: str) -> str:
    """Put fixed labels on a result."""
    for name, value in labels.items():
        expression = f'label_replace({expression}, "{name}", "{value}", "", "")'
    return expression


def measured(limit: str) -> str:
    """Return what the alert rules compare with a limit, by project id; nothing where they are not loaded."""
    return (
        f'max by (project_id) (project:quantconnect_measure:now{{limit="{limit}",project_id=~"$project_id"}})'
    )


def short_project(expression: str, letters: int) -> str:
    """Put the project's name into the label ``owner``, cut behind so many letters."""
    whole = f'label_replace({expression}, "owner", "$1", "project", "(.*)")'
    return f'label_replace({whole}, "owner", "$1…", "project", "(.{{{letters}}}).{{3,}}")'


def money(metric: str, *labels: str, matchers: tuple[str, ...] = (), window: str = "") -> str:
    """Return an amount of each project under its currency, without one while it is unknown."""
    given = (*matchers, f'{CURRENCY}!=""')
    known = EACH.latest(metric, *labels, CURRENCY, matchers=given, window=window)
    any_ = EACH.latest(metric, *labels, matchers=matchers, window=window)
    return f"({known} or on ({', '.join((*PROJECT, *labels))}) {any_})"


def status(scope: Scope = EACH) -> str:
    """Return 1 for the status of each project, under the label ``status``."""
    return f"{scope.latest('algorithm_status', 'status')} == 1"


def with_status(statuses: Iterable[AlgorithmStatus]) -> str:
    """Return how many of the chosen projects have one of the statuses, 0 for none."""
    found = Scope(("project_id",)).latest("algorithm_status", matchers=(any_of("status", statuses),))
    known = Scope(("project_id",)).latest("algorithm_status")
    return f"count({found} == 1) or 0 * count({known})"


def by_currency(metric: str, inner: str = "", add: str = "sum") -> str:
    """Add a metric of the projects up, never across currencies.

    A project whose currency is not known stays apart, under its own name. ``inner`` names a further
    label that keeps series apart before they are added, ``add`` another aggregation than the sum.
    """
    apart = (inner,) if inner else ()
    known = EACH.latest(metric, *apart, CURRENCY, matchers=(f'{CURRENCY}!=""',))
    unknown = f"{EACH.latest(metric, *apart)} unless on ({', '.join((*PROJECT, *apart))}) {known}"
    return f"{add} by ({CURRENCY}) ({known}) or {add} by ({', '.join(PROJECT)}) ({unknown})"


def in_currency(expression: str) -> str:
    """Add a result by project up for each currency; a project of unknown currency stays apart."""
    given = (f'{CURRENCY}!=""',)
    now, last = EACH.latest("equity", CURRENCY, matchers=given), EACH.last("equity", CURRENCY, matchers=given)
    currency = f"({now} or {last})"
    known = f"({expression}) * on ({', '.join(PROJECT)}) group_right () ({currency} ^ 0)"
    unknown = f"({expression}) unless on ({', '.join(PROJECT)}) {currency}"
    return f"sum by ({CURRENCY}) ({known}) or sum by ({', '.join(PROJECT)}) ({unknown})"
