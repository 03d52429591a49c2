"""Queries about positions: what is held, how much of the equity it is, and what it earned."""

from dataclasses import dataclass

from grafana.generate.promql import (
    BEGINNING,
    EACH,
    NOW,
    ONE,
    RANGE,
    SECURITY,
    Scope,
    money,
    select,
    short_project,
)

_FINE_PRICES = "forex|crypto|crypto_future|cfd"
_LAST_POLLS = "600"
"""Seconds before the end of a deployment within which its last portfolio was polled."""

_OSI = " *([^ ]+) +([0-9]{2})([0-9]{2})([0-9]{2})([CP])0*([0-9]+)"
"""The ticker of the Options Symbology Initiative up to the strike's last three digits, its decimals."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """Positions of a scope. ``after_end`` adds what an ended project held when it was last polled."""

    scope: Scope
    matchers: tuple[str, ...] = ()
    after_end: bool = False

    @property
    def on(self) -> str:
        """Return the matching clause of a join between positions."""
        return f"on ({', '.join((*self.scope.labels, 'symbol_id'))})"

    def held(self, side: str = "!= 0") -> str:
        """Return the quantity of each open position."""
        now = f"({self._by_id(select('holding_quantity', *self.matchers))} {side})"
        if not self.after_end:
            return now
        quantity = self._by_id(f"last_over_time({select('holding_quantity', *self.matchers, window=RANGE)})")
        seen = self._by_id(
            f"max_over_time(timestamp({select('holding_quantity', *self.matchers)})[{RANGE}:5m])"
        )
        end = f"({self.scope.latest('algorithm_stopped_timestamp_seconds')} - {_LAST_POLLS})"
        recent = f"({seen} > {self.scope.on} group_left () {end})"
        return (
            f"({now} or ({quantity} {side} and {self.on} {recent} and {self.scope.on} {self.scope.ended()}))"
        )

    def value(self, metric: str, *labels: str, matchers: tuple[str, ...] = ()) -> str:
        """Return a metric of each open position."""
        return f"{self._raw(metric, *labels, matchers=matchers)} and {self.on} {self.held()}"

    def held_quantity(self) -> str:
        """Return the quantity of each open position, negative when short."""
        return self.value("holding_quantity")

    def in_currency(self, metric: str) -> str:
        """Return an amount of each open position of each project under its currency."""
        return f"{money(metric, *SECURITY, matchers=self.matchers)} and {self.on} {self.held()}"

    def trend(self, metric: str) -> str:
        """Return a metric over time of the positions that are open at the end of the time range."""
        held = self._by_id(select("holding_quantity", *self.matchers, at=NOW))
        return f"{self._raw(metric)} and {self.on} ({held} != 0)"

    def price(self, metric: str) -> str:
        """Return a price, to the cent where it is of a stock or the like and at least 1."""
        plain = self._raw(metric, matchers=(f'security_type!~"{_FINE_PRICES}"',))
        cents = f"round(100 * ({plain} >= 1)) / 100"
        fine = f"round(100000 * {self._raw(metric)}) / 100000"
        return f"({cents} or {fine}) and {self.on} {self.held()}"

    def weight(self) -> str:
        """Return market value to equity of each open position, negative when short."""
        equity = f"({self.scope.known('equity')} > 0)" if self.after_end else self.scope.equity()
        share = f"{self._raw('holding_market_value')} / {self.scope.on} group_left () {equity}"
        return f"({share}) and {self.on} {self.held()}"

    def pnl_ratio(self) -> str:
        """Return unrealised profit to what the position cost at its average price."""
        value, entry, price = (
            self._raw(f"holding_{name}") for name in ("market_value", "average_price", "market_price")
        )
        cost = f"abs({value}) * {entry} / ({price} > 0)"
        return f"{self._raw('holding_unrealized_pnl')} / ({cost} > 0) and {self.on} {self.held()}"

    def change_of_pnl(self) -> str:
        """Return the change of each open position's profit over the time range.

        A position opened since then counts from its opening. Nothing where the project was already
        running and was not polled at the beginning of the range.
        """
        now = f"({self.value('holding_unrealized_pnl')})"
        before = self.scope.latest("holding_unrealized_pnl", *SECURITY, matchers=self.matchers, offset=RANGE)
        polled = self.scope.latest("gross_exposure", offset=RANGE)
        young = f"{self.scope.latest('algorithm_launched_timestamp_seconds')} > {BEGINNING}"
        return f"({now} - ({before} or 0 * {now})) and {self.scope.on} ({polled} or {young})"

    def _raw(self, metric: str, *labels: str, matchers: tuple[str, ...] = ()) -> str:
        chosen = (*self.matchers, *matchers)
        names = (*SECURITY, *labels)
        if self.after_end:
            return self.scope.known(metric, *names, matchers=chosen)
        return self.scope.latest(metric, *names, matchers=chosen)

    def _by_id(self, expression: str) -> str:
        return self.scope.over("max", expression, "symbol_id")


OF_ONE = Holdings(ONE, after_end=True)
CHOSEN = Holdings(EACH, ('symbol=~"$symbol"',))


def with_contract(expression: str) -> str:
    """Tell contracts apart that share a readable name, as options do that differ in strike.

    The label ``contract`` holds the strike where the symbol tells it, else the end of the identifier,
    in which strikes differ. It is left out for everything else.
    """
    tail = f'label_replace({expression}, "contract", "…$1", "symbol_id", "[^ ]+ [^|]*([^|]{{4}})[|].*")'
    whole = f'label_replace({tail}, "contract", "$6", "symbol", "{_OSI}000")'
    exact = f'label_replace({whole}, "contract", "$6.$7", "symbol", "{_OSI}([0-9]*[1-9][0-9]*)")'
    return f'label_replace({exact}, "symbol", "$1 20$2-$3-$4 $5", "symbol", "{_OSI}[0-9]{{3}}")'


def short_names(expression: str, *, project_letters: int = 0) -> str:
    """Put a short name of each position into the label ``position``, so that it fits beside a bar or a line.

    The expiry loses its century and dashes. The project's name follows, cut behind so many letters; 0 leaves
    it out.
    """
    joined = f'label_join({with_contract(expression)}, "position", " ", "symbol", "contract")'
    trimmed = f'label_replace({joined}, "position", "$1", "position", "(.*[^ ]) *")'
    date = "(.*) 20([0-9]{2})-([0-9]{2})-([0-9]{2})(.*)"
    named = f'label_replace({trimmed}, "position", "$1 $2$3$4$5", "position", "{date}")'
    if not project_letters:
        return named
    return f'label_join({short_project(named, project_letters)}, "position", " · ", "position", "owner")'


def share_of_largest() -> str:
    """Return the share that the largest position has of the gross exposure of each project."""
    sizes = f"abs({EACH.latest('holding_market_value', 'symbol_id')})"
    return f"{EACH.over('max', sizes)} / ({EACH.latest('gross_exposure')} > 0)"


def herfindahl() -> str:
    """Return the sum of the squared shares of gross exposure: 1 for a single position."""
    gross = f"({EACH.latest('gross_exposure')} > 0)"
    share = f"{EACH.latest('holding_market_value', 'symbol_id')} / {EACH.on} group_left () {gross}"
    return EACH.over("sum", f"({share}) ^ 2")


def largest(count: int, expression: str) -> str:
    """Return so many of the results, those furthest from zero."""
    return f"({expression}) and topk({count}, abs({expression}))"
