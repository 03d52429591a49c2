import math
from dataclasses import replace
from datetime import date

from exporter.demo import securities
from exporter.demo.lean import MarketId, SecurityType
from exporter.demo.market import Market, Security
from tests.demo.world import START, security_type

EXPIRY = date(2026, 12, 18)
TRADED = [each for each in vars(securities).values() if isinstance(each, Security)]


def test_identifiers_name_one_security():
    """No two securities share an identifier, and each ends in the number of its type."""
    assert len({each.symbol_id for each in TRADED}) == len(TRADED) > 20
    assert [security_type(each.symbol_id) for each in TRADED] == [int(each.kind) for each in TRADED]


def test_every_price_can_be_converted():
    """Each currency that something is quoted in becomes dollars, and so does each coin."""
    coins = {each.base_currency for each in TRADED if each.kind is SecurityType.CRYPTO}
    assert coins | {each.currency for each in TRADED} <= set(securities.CONVERSIONS)


def test_options_are_named_by_their_terms():
    """A ticker has the 21 characters of the clearing corporation, an identifier ends in the underlying's."""
    put = securities.option(securities.SPY, EXPIRY, 622.5, put=True)
    call = securities.option(securities.SPX, EXPIRY, 6300, put=False, european=True)
    assert (put.ticker, call.ticker) == ("SPY   261218P00622500", "SPX   261218C06300000")
    assert (put.kind, call.kind) == (SecurityType.OPTION, SecurityType.INDEX_OPTION)
    for contract, underlying in ((put, securities.SPY), (call, securities.SPX)):
        assert security_type(contract.symbol_id) == contract.kind
        assert contract.symbol_id.endswith(f"|{underlying.symbol_id}")


def test_futures_are_named_by_their_month():
    """A contract has the code of its month; without an expiry it is the continuous one."""
    contract = securities.future("ES", MarketId.CME, EXPIRY, 6665.0, 0.25, 50.0)
    continuous = securities.future("ES", MarketId.CME, None, 6665.0, 0.25, 50.0)
    assert (contract.ticker, continuous.ticker) == ("ES18Z26", "/ES")
    assert contract.symbol_id != continuous.symbol_id


def test_falling_security_peaks_and_falls():
    """From its peak to its low a security loses what was asked, and stays there."""
    calm = replace(securities.NFLX, volatility=0.0)
    falling = securities.falling(calm, START, START + 100, math.log(0.75))
    market = Market(7, {})
    before, peak, low, after = (
        market.price(falling, time) for time in (START - 86_400, START, START + 100, START + 200)
    )
    assert before < peak == 1120
    assert low == after == 840


def test_third_friday_is_a_third_friday():
    """The expiry is four weeks off or more."""
    day = securities.third_friday(START)
    assert day.isoformat() == "2026-12-18"
