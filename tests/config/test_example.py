"""The configuration that ``--config.example`` prints."""

import re
from importlib.resources import files

from exporter.config.accounts import ACCOUNT_KEYS
from exporter.config.limits import LIMIT_KEYS, SEVERITY_KEYS
from exporter.config.model import Account, Config, Polling
from exporter.config.schema import PROJECT_KEYS, TOP_KEYS
from exporter.config.secret import Secret
from exporter.config.settings import CARDINALITY_KEYS, POLLING_KEYS

EXAMPLE = (files("exporter.config") / "example.yml").read_text("utf-8")
UNCOMMENTED = re.sub(r"^( *)#( *(?:- )?[a-z_]+:)", r"\1\2", EXAMPLE, flags=re.MULTILINE)


def test_it_loads_as_it_is_and_changes_nothing(load):
    """Everything but user id and token is commented out: what is shown is what holds anyway."""
    loaded = load(EXAMPLE)

    assert loaded.config == Config(accounts=(Account("default", 123456, Secret("replace-this")),))
    assert loaded.warnings == ()


def test_every_line_of_it_is_right(load):
    """Whoever removes the comment signs gets a configuration with the values shown."""
    text = re.sub(r"^ *api_token_file.*\n", "", UNCOMMENTED, flags=re.MULTILINE)
    loaded = load(text)

    assert loaded.warnings == ()
    assert loaded.config.accounts[0].discover
    assert loaded.config.defaults.polling == Polling()
    assert len({name for name, _ in loaded.config.defaults.limits}) == len(LIMIT_KEYS)


def test_it_shows_every_key():
    """But for ``user_id_file``, which is to ``user_id`` as the other file is to the token."""
    keys = {
        *TOP_KEYS,
        *ACCOUNT_KEYS,
        *PROJECT_KEYS,
        *POLLING_KEYS,
        *CARDINALITY_KEYS,
        *LIMIT_KEYS,
        *SEVERITY_KEYS,
    }

    assert {key for key in keys if not re.search(rf"\b{key}:", UNCOMMENTED)} == {"user_id_file"}
