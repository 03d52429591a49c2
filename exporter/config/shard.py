"""Which projects this exporter polls when several share an account's projects."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from exporter.errors import ConfigError

if TYPE_CHECKING:
    from exporter.config.model import Account, Config


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``total`` exporters with the same configuration, counted from 0."""

    index: int = 0
    total: int = 1

    def owns(self, project_id: int) -> bool:
        """Tell whether this shard polls the project.

        Each project goes to the shard with the highest hash of project and shard (rendezvous
        hashing), so that adding or removing a shard moves only that shard's projects.
        """
        return self.index == max(range(self.total), key=lambda index: _weight(project_id, index))

    def apply(self, config: "Config") -> "Config":
        """Return this shard's part of a configuration: its named projects and its share of each budget.

        Raises ConfigError when an account's requests per minute are fewer than the shards.
        """
        problems = tuple(
            f"accounts: {account.name}: requests_per_minute is {account.requests_per_minute}, "
            f"which cannot be shared among {self.total} shards"
            for account in config.accounts
            if account.requests_per_minute < self.total
        )
        if problems:
            raise ConfigError(problems)
        return replace(
            config,
            shard=self,
            accounts=tuple(self._share_of_account(account) for account in config.accounts),
            projects=tuple(project for project in config.projects if self.owns(project.id)),
        )

    def _share_of_account(self, account: "Account") -> "Account":
        share, rest = divmod(account.requests_per_minute, self.total)
        return replace(account, requests_per_minute=share + (self.index < rest))


def _weight(project_id: int, index: int) -> bytes:
    return sha256(f"{project_id}/{index}".encode()).digest()
