"""Queries for the exporter's metrics that stay right with several exporters, currencies and gaps.

Two exporters may poll the same project, each under its own ``instance`` label. Everything of a
project is therefore taken with ``max by`` first. One of the two may not know the account currency:
joins are on the project alone, and a value that one of them gives with its currency is shown once.
"""

PROJECT = ("project_id", "project")
SECURITY = ("symbol_id", "symbol", "security_type")
CURRENCY = "account_currency"

_EACH_PROJECT = "project_id, project"
_EACH_POSITION = "project_id, project, symbol_id"


def select(metric: str, *matchers: str, at: str = "") -> str:
    """Return a selector of a project's metric for the chosen jobs and projects."""
    chosen = ",".join(('job=~"$job"', 'project_id=~"$project_id"', *matchers))
    return f"quantconnect_{metric}{{{chosen}}}{at}"


def latest(metric: str, *labels: str, matchers: tuple[str, ...] = (), at: str = "") -> str:
    """Return a metric by project and further labels, once however many exporters poll it."""
    return f"max by ({', '.join((*PROJECT, *labels))}) ({select(metric, *matchers, at=at)})"


def money(metric: str, *labels: str, matchers: tuple[str, ...] = ()) -> str:
    """Return an amount by project and further labels under its currency, without one while it is unknown."""
    known = latest(metric, *labels, CURRENCY, matchers=(*matchers, f'{CURRENCY}!=""'))
    return f"({known} or on ({', '.join((*PROJECT, *labels))}) {latest(metric, *labels, matchers=matchers)})"


def of_position(metric: str, matchers: tuple[str, ...] = ()) -> str:
    """Return a holding's metric by position: one series for each contract."""
    return latest(metric, *SECURITY, matchers=matchers)


def money_of_position(metric: str, matchers: tuple[str, ...] = ()) -> str:
    """Return an amount by position under its currency."""
    return money(metric, *SECURITY, matchers=matchers)


def open_only(expression: str) -> str:
    """Leave out securities that are subscribed to but not held: their quantity is 0."""
    held = f"max by ({_EACH_POSITION}) ({select('holding_quantity')})"
    return f"{expression} unless on ({_EACH_POSITION}) ({held} == 0)"


def positive_equity() -> str:
    """Return equity by project where a ratio to it has a meaning."""
    return f"({latest('equity')} > 0)"


def per_equity(expression: str) -> str:
    """Divide something of a project, or of each of its positions, by the project's equity."""
    return f"{expression} / on ({_EACH_PROJECT}) group_left () {positive_equity()}"


def weight(*matchers: str) -> str:
    """Return market value to equity by position, negative when short."""
    return per_equity(of_position("holding_market_value", matchers))


def unrealized_pnl() -> str:
    """Return unrealized profit by project; absent while that of an open position is unknown."""
    known = f"max by ({_EACH_POSITION}) ({select('holding_unrealized_pnl')})"
    held = f"max by ({_EACH_POSITION}) ({select('holding_quantity')})"
    total = f"sum by ({_EACH_PROJECT}, {CURRENCY}) ({money('holding_unrealized_pnl', 'symbol_id')})"
    return (
        f"({total} and on ({_EACH_PROJECT}) ({held} != 0)) "
        f"unless on ({_EACH_PROJECT}) (({held} != 0) unless on ({_EACH_POSITION}) {known})"
    )


def cash_share() -> str:
    """Return cash to equity by project; absent while a balance cannot be converted."""
    known = latest("cash_value", "currency")
    amount = latest("cash_amount", "currency")
    total = f"sum by ({_EACH_PROJECT}) ({known}) unless on ({_EACH_PROJECT}) (({amount} != 0) unless {known})"
    return f"({total}) / {positive_equity()}"


def leverage() -> str:
    """Return gross exposure to equity by project."""
    return f"{latest('gross_exposure')} / {positive_equity()}"


def limit_used(value: str, limit: str) -> str:
    """Return a value as a share of its critical limit, or of the warning limit where that is the only one."""
    critical = latest("limit", matchers=(f'limit="{limit}"', 'severity="critical"'))
    warning = latest("limit", matchers=(f'limit="{limit}"', 'severity="warning"'))
    return f"{value} / on ({_EACH_PROJECT}) (({critical} or {warning}) > 0)"


def drawdown_limit_used() -> str:
    """Return drawdown as a share of its limit."""
    return limit_used(latest("drawdown_ratio"), "drawdown_ratio")


def daily_loss_limit_used() -> str:
    """Return today's loss as a share of its limit, 0 on a day without loss."""
    return limit_used(f"clamp_min(-{latest('daily_return_ratio')}, 0)", "daily_loss_ratio")


def data_age() -> str:
    """Return the age of portfolio or equity by project, whichever was last polled longer ago.

    Absent for what is not polled, as when the project does not run, and while one of the two never
    came.
    """
    sources = ('source=~"portfolio|equity"',)
    success = latest("last_success_timestamp_seconds", "source", matchers=sources)
    polled = latest("poll_interval_seconds", "source", matchers=sources)
    return (
        f"time() - min by ({_EACH_PROJECT}) ({success} and {polled}) "
        f"unless on ({_EACH_PROJECT}) ({polled} unless {success})"
    )


def age(metric: str, *labels: str) -> str:
    """Return how long ago a timestamp of a project was."""
    return f"time() - {latest(metric, *labels)}"


def status() -> str:
    """Return 1 for the status of each project, under the label ``status``."""
    return f"{latest('algorithm_status', 'status')} == 1"


def normalised_equity() -> str:
    """Return equity as 100 at the start of the time range.

    A project that was not known then is 100 at its launch: its return since launch stands in.
    """
    at_start = latest("equity", at=" @ start()")
    since_launch = f"100 * (1 + {latest('return_ratio')})"
    return f"100 * {latest('equity')} / ({at_start} > 0) or ({since_launch} unless on ({_EACH_PROJECT}) {at_start})"


def by_currency(
    metric: str,
    *labels: str,
    inner: str = "",
    over: str = "",
    add: str = "sum",
    matchers: tuple[str, ...] = (),
) -> str:
    """Add a metric of the projects up, never across currencies.

    A project whose currency is not known stays apart, under its own name. ``inner`` names a further
    label that keeps series apart before they are added, ``over`` a function to apply to each, ``add``
    another aggregation than the sum.
    """
    apart = (*labels, inner) if inner else labels
    known = latest(metric, *apart, CURRENCY, matchers=(*matchers, f'{CURRENCY}!=""'))
    unknown = (
        f"{latest(metric, *apart, matchers=matchers)} unless on ({', '.join((*PROJECT, *apart))}) {known}"
    )
    return (
        f"{add} by ({', '.join((*labels, CURRENCY))}) ({over}({known})) "
        f"or {add} by ({', '.join((*labels, *PROJECT))}) ({over}({unknown}))"
    )


def share_of_gross(largest: int) -> str:
    """Return the share that so many of the largest positions have of a project's gross exposure."""
    sizes = f"abs({latest('holding_market_value', 'symbol_id')})"
    return f"sum by ({_EACH_PROJECT}) (topk by ({_EACH_PROJECT}) ({largest}, {sizes})) / {_gross()}"


def herfindahl() -> str:
    """Return the sum of the squared shares of gross exposure: 1 for a single position."""
    share = f"{latest('holding_market_value', 'symbol_id')} / on ({_EACH_PROJECT}) group_left () {_gross()}"
    return f"sum by ({_EACH_PROJECT}) (({share}) ^ 2)"


def positions_held() -> str:
    """Return how many positions each project holds."""
    return f"count by ({_EACH_PROJECT}) ({latest('holding_quantity', 'symbol_id')} != 0)"


def _gross() -> str:
    return f"({latest('gross_exposure')} > 0)"


def pnl_ratio() -> str:
    """Return unrealized profit to what the position cost at its average price."""
    cost = (
        f"abs({of_position('holding_market_value')}) * {of_position('holding_average_price')} "
        f"/ ({of_position('holding_market_price')} > 0)"
    )
    return f"{of_position('holding_unrealized_pnl')} / ({cost} > 0)"


def named_contract(expression: str) -> str:
    """Tell contracts apart that share a readable name, as options do that differ in strike.

    The label ``contract`` holds the part of the identifier in which they differ, and is left out
    for everything else.
    """
    return f'label_replace({expression}, "contract", "$1", "symbol_id", "[^ ]+ ([^|]+)[|].*")'


def named_position(expression: str, *labels: str) -> str:
    """Put name, contract, project and further labels of each position into the label ``position``."""
    held = f'label_join({named_contract(expression)}, "holding", " ", "symbol", "contract")'
    joined = ", ".join(f'"{label}"' for label in ("holding", "project", *labels))
    return f'label_join({held}, "position", " · ", {joined})'
