"""Why an account could not be asked, and what to do about it, in words.

Where QuantConnect or the network does not tell causes apart, the advice says "one of".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from exporter.config.duration import format_duration
from exporter.errors import (
    ApiError,
    Malformed,
    NotReady,
    RateLimited,
    Refused,
    TimedOut,
    TransportFailure,
    Unauthorized,
    Unavailable,
)
from exporter.probe.facts import AccountFacts
from exporter.quantconnect.auth import SIGNATURE_LIFETIME
from exporter.quantconnect.transport import proxy_variable

NOTABLE_SKEW = 20.0
"""Seconds between the clocks above which the probe warns, as QuantConnectClockSkew does."""

ACCOUNT_PAGE = "https://www.quantconnect.com/settings"

_LONG = 10.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong, as half a sentence, and advice in whole sentences."""

    what: str
    advice: tuple[str, ...]


def diagnose(error: ApiError, facts: AccountFacts) -> Diagnosis:
    """Return what an error means to the user who runs the probe."""
    match error:
        case ApiError(transport_failure=TransportFailure() as transport_failure):
            found = _obstructed(transport_failure, facts)
        case Unauthorized():
            found = _refused(error, facts)
        case RateLimited():
            found = _rate_limited(error)
        case TimedOut():
            found = _no_answer(facts)
        case Unavailable():
            found = _something_else_answers(error, facts)
        case Malformed():
            found = _misshapen(error, facts)
        case NotReady():
            found = _diagnosis("QuantConnect is still loading the answer", "Try again in a minute.")
        case _:
            found = _diagnosis(
                f"QuantConnect refuses the request ({_text(error)})",
                "Try again; if it happens again, please report this line.",
            )
    return found


def duration(seconds: float) -> str:
    """Return seconds as text, rounded to whole seconds from ten seconds up."""
    return format_duration(round(seconds) if seconds >= _LONG else seconds)


def utc(unix_seconds: float) -> str:
    """Return a moment as date and time, UTC."""
    return f"{datetime.fromtimestamp(unix_seconds, UTC):%Y-%m-%d %H:%M}"


def _diagnosis(what: str, *advice: str) -> Diagnosis:
    return Diagnosis(what, advice)


def _refused(error: Unauthorized, facts: AccountFacts) -> Diagnosis:
    user = facts.account.user_id
    if error.refused is Refused.USER_ID:
        return _diagnosis(
            f"QuantConnect does not know user {user}",
            f"Compare user_id with the number in the section Security of {ACCOUNT_PAGE}.",
        )
    what = "QuantConnect refuses user id, token or clock, and does not say which"
    if error.refused is Refused.HASH:
        what = "the hash of token and time does not match"
    return _diagnosis(
        what,
        *_suspicion_of_the_clock(facts.requests.clock_skew_seconds),
        f"One of: the token was renewed, it is incomplete, or it is not that of user {user}. "
        f"Compare both with the section Security of {ACCOUNT_PAGE}.",
    )


def _suspicion_of_the_clock(skew: float | None) -> Iterator[str]:
    if skew is None:
        yield "The answer carried no date to compare clocks with: check this machine's clock, too."
    elif skew < -SIGNATURE_LIFETIME:
        yield (
            f"The clock is the likely cause: it is {duration(-skew)} behind, and QuantConnect refuses what "
            f"was signed more than {duration(SIGNATURE_LIFETIME)} ago. Set it and probe again."
        )
    elif skew > NOTABLE_SKEW:
        yield (
            f"The clock may be the cause: it is {duration(skew)} ahead, and how much of that QuantConnect "
            "accepts is not known. Set it and probe again."
        )


def _rate_limited(error: RateLimited) -> Diagnosis:
    wait = "does not say for how long"
    if error.retry_after is not None:
        wait = f"asks to stay away for {duration(error.retry_after)}"
    return _diagnosis(
        f"too many requests; QuantConnect {wait}",
        "The limit is the user's, not this program's: stop other tools, or lower requests_per_minute. "
        "Then wait, and probe again.",
    )


def _no_answer(facts: AccountFacts) -> Diagnosis:
    return _diagnosis(
        f"no complete answer from {_host(facts)} within {duration(facts.timeout)}",
        "One of: QuantConnect is slow, or a proxy or firewall in between delays the answer. "
        "Try again; if it happens again, raise timeout under polling.",
    )


def _something_else_answers(error: Unavailable, facts: AccountFacts) -> Diagnosis:
    wait = "" if error.retry_after is None else f" (it asks to stay away for {duration(error.retry_after)})"
    return _diagnosis(
        f"no answer of the API came ({_text(error)})",
        f"One of: QuantConnect is under maintenance{wait}, a proxy or firewall answers in its place, or "
        f"base_url ({facts.account.base_url}) is not the address of the API.",
    )


def _misshapen(error: Malformed, facts: AccountFacts) -> Diagnosis:
    return _diagnosis(
        f"the answer is not shaped as the API's ({_text(error)})",
        f"One of: base_url ({facts.account.base_url}) is not the address of the API, or QuantConnect has "
        "changed its answers: then please report this line.",
    )


def _obstructed(transport_failure: TransportFailure, facts: AccountFacts) -> Diagnosis:
    what, advice = _FAILURES[transport_failure]
    parts = urlsplit(facts.account.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = _host(facts)
    words = {
        "host": host,
        "address": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "timeout": duration(facts.timeout),
        "time": utc(facts.asked_at),
        "proxy": proxy_variable(facts.account.base_url),
    }
    return _diagnosis(what.format(**words), advice.format(**words))


def _host(facts: AccountFacts) -> str:
    return urlsplit(facts.account.base_url).hostname or ""


def _text(error: ApiError) -> str:
    """Return an error's text without its endpoint."""
    return str(error).removeprefix(f"{error.endpoint}: ")


_INSPECTED = (
    "One of: a proxy that inspects TLS answers in QuantConnect's place, or base_url leads elsewhere. If the "
    "proxy is your own, name the file of its authority: REQUESTS_CA_BUNDLE=/path/to/authority.pem."
)
_CLOCK_OR_CERTIFICATE = (
    "One of: this machine's clock is wrong, which says {time} UTC; a proxy in between shows a certificate of its "
    "own; or the server's was not renewed."
)
_TOO_LAX = (
    "Python checks these rules from 3.13 on. A company's authority often lacks key usage or key identifiers: "
    "have it issued anew, or run the exporter with Python 3.12."
)
_FAILURES: Mapping[TransportFailure, tuple[str, str]] = {
    TransportFailure.NAME_NOT_RESOLVED: (
        "the name {host} cannot be resolved",
        "One of: this machine reaches no name server, or base_url is misspelled. Try: getent hosts {host}",
    ),
    TransportFailure.CONNECTION_REFUSED: (
        "{address} refuses the connection",
        "One of: nothing listens there, so look at base_url; or a firewall refuses it.",
    ),
    TransportFailure.CONNECTION_CUT: (
        "the connection to {address} was cut before an answer came",
        "One of: a proxy or firewall in between, or a server that is being restarted. Try again.",
    ),
    TransportFailure.CONNECT_TIMEOUT: (
        "no connection to {address} within {timeout}",
        "One of: a firewall drops packets, a proxy is needed (set HTTPS_PROXY), or base_url is wrong.",
    ),
    TransportFailure.NO_ROUTE: (
        "no route to {address}",
        "Look at this machine's network: its routes, and whether a firewall rejects.",
    ),
    TransportFailure.PROXY: (
        "the proxy that {proxy} names cannot be used",
        "Look at {proxy} in the environment. NO_PROXY={host} bypasses the proxy.",
    ),
    TransportFailure.PROXY_ADDRESS: (
        "{proxy} is not the address of a proxy",
        "Set {proxy} in the environment to an address such as http://proxy.example.org:3128.",
    ),
    TransportFailure.PROXY_LOGIN: (
        "the proxy that {proxy} names asks for a login (HTTP 407)",
        "Set user and password in {proxy}: http://user:password@proxy.example.org:3128.",
    ),
    TransportFailure.PROXY_CHARACTERS: (
        "the user or password in {proxy} has a character that cannot be sent",
        "Only those of Latin-1 can be: give the proxy another password, without a character such as the euro sign.",
    ),
    TransportFailure.PROXY_SOCKS: (
        "{proxy} names a SOCKS proxy, and the library for those is not installed",
        "Install it with: pip install pysocks. Or set {proxy} to an HTTP proxy.",
    ),
    TransportFailure.TLS: (
        "TLS cannot be agreed on with {address}",
        "One of: that port does not speak TLS, so look at base_url; or a proxy in between breaks it.",
    ),
    TransportFailure.CERTIFICATE_SELF_SIGNED: ("the TLS certificate of {host} is self-signed", _INSPECTED),
    TransportFailure.CERTIFICATE_OF_UNKNOWN_AUTHORITY: (
        "the TLS certificate of {host} is signed by an authority that is not known here",
        _INSPECTED,
    ),
    TransportFailure.CERTIFICATE_OF_ANOTHER_HOST: (
        "the TLS certificate is not that of {host}, but of another host",
        "One of: base_url is wrong, the name resolves to another machine, or a proxy answers.",
    ),
    TransportFailure.CERTIFICATE_EXPIRED: (
        "the TLS certificate of {host} has expired",
        _CLOCK_OR_CERTIFICATE,
    ),
    TransportFailure.CERTIFICATE_NOT_YET_VALID: (
        "the TLS certificate of {host} is not valid yet",
        _CLOCK_OR_CERTIFICATE,
    ),
    TransportFailure.CERTIFICATE_NOT_STRICT: (
        "the TLS certificate of {host}, or that of its authority, breaks a rule of RFC 5280",
        _TOO_LAX,
    ),
    TransportFailure.CERTIFICATE_NOT_TRUSTED: ("the TLS certificate of {host} cannot be trusted", _INSPECTED),
    TransportFailure.NO_AUTHORITIES: (
        "the file of TLS authorities is not there",
        "Look at REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE in the environment.",
    ),
    TransportFailure.UNUSABLE_AUTHORITIES: (
        "the file of TLS authorities cannot be read, or holds no certificate in PEM format",
        "Look at REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE in the environment, and at the file that they name.",
    ),
}
