"""A secret: compared by its text, which it never prints."""

from exporter.config.secret import Secret


def test_secrets_compare_by_their_text():
    """A reload can tell whether a token changed."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_secret_prints_a_mask():
    """However it comes into a text, the credential stays out of it."""
    secret = Secret("worthless")

    assert f"{secret} {secret!r} {[secret]} %s" % secret == "<secret> <secret> [<secret>] <secret>"
    assert secret.reveal() == "worthless"
