"""How projects are shared among several exporters."""

import pytest

from exporter.config.model import Account, Config, NamedProject, ProjectSettings
from exporter.config.secret import Secret
from exporter.config.shard import Shard
from exporter.errors import ConfigError

PROJECTS = range(23_000_000, 23_002_000)


def owner(project_id: int, total: int) -> int:
    (index,) = (index for index in range(total) if Shard(index, total).owns(project_id))
    return index


def config_with(requests_per_minute: int) -> Config:
    account = Account("main", 1, Secret("token"), requests_per_minute=requests_per_minute)
    return Config((account,), tuple(NamedProject(each, "main", ProjectSettings()) for each in PROJECTS))


@pytest.mark.parametrize("total", [1, 2, 3, 7, 16])
def test_every_project_has_exactly_one_owner(total):
    """Whatever the number of shards, each project is polled by one of them and by no other."""
    for project_id in PROJECTS[:500]:
        owner(project_id, total)


@pytest.mark.parametrize("total", [2, 3, 7])
def test_shards_are_of_similar_size(total):
    """No shard has a fifth more or less than its part."""
    owners = [owner(project_id, total) for project_id in PROJECTS]
    sizes = [owners.count(index) * total / len(PROJECTS) for index in range(total)]

    assert all(0.8 < size < 1.2 for size in sizes)


def test_one_shard_more_moves_only_what_it_takes():
    """From four shards to five, every project that moves goes to the new one: about a fifth."""
    moved = [
        owner(project_id, 5) for project_id in PROJECTS[:1000] if owner(project_id, 4) != owner(project_id, 5)
    ]

    assert set(moved) == {4}
    assert 120 < len(moved) < 280


def test_owner_is_stable():
    """The owner depends on nothing but the numbers: these were written down once."""
    assert [owner(project_id, 3) for project_id in (1, 2, 3, 23456789, 24000000)] == [2, 0, 2, 2, 0]


@pytest.mark.parametrize("total", [1, 3, 4])
def test_shares_of_the_budget_add_up(total):
    """Together the shards may ask for what the account allows, not a request more or less."""
    shares = [Shard(index, total).apply(config_with(30)).accounts[0] for index in range(total)]

    assert sum(account.requests_per_minute for account in shares) == 30
    assert max(account.requests_per_minute for account in shares) - 30 // total <= 1


def test_named_projects_are_shared():
    """Each shard keeps the named projects that are its own."""
    parts = [Shard(index, 3).apply(config_with(30)).projects for index in range(3)]

    assert sorted(project.id for part in parts for project in part) == list(PROJECTS)
    assert all(Shard(index, 3).owns(project.id) for index, part in enumerate(parts) for project in part)


def test_a_configuration_knows_its_shard():
    """Discovery asks the configuration which projects are its own; without shards they all are."""
    assert Shard(1, 3).apply(config_with(30)).shard == Shard(1, 3)
    assert config_with(30).shard == Shard(0, 1)


def test_budget_too_small_to_share():
    """A budget with fewer requests than shards is refused: one of them could never ask."""
    with pytest.raises(ConfigError, match="main: requests_per_minute is 2, which cannot be shared among 3"):
        Shard(0, 3).apply(config_with(2))
