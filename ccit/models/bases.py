"""The two base models of an alias, each loaded when it is first needed and shared by trainer and evaluator."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from ccit.config import Models
from ccit.models.causal import CausalModel, load_causal
from ccit.models.revision import revision_of

Role = Literal["deployed", "proxy"]


class BaseModels:
    """Deployed model and proxy, frozen.

    Parameters
    ----------
    models : Models
        Where they lie and on what they run.
    """

    def __init__(self, models: Models) -> None:
        self._models = models

    @cached_property
    def deployed(self) -> CausalModel:
        """The deployed model. Raises `ModelUnusable`."""
        return self._load(self._models.deployed, self._models.deployed_revision)

    @cached_property
    def proxy(self) -> CausalModel:
        """The small model that scores. Raises `ModelUnusable`."""
        return self._load(self._models.proxy, self._models.proxy_revision)

    def of(self, role: Role) -> CausalModel:
        """The model of a role."""
        return self.deployed if role == "deployed" else self.proxy

    @cached_property
    def deployed_revision(self) -> str:
        """Which bytes the deployed model is."""
        return revision_of(self._models.deployed, self._models.deployed_revision)

    @cached_property
    def proxy_revision(self) -> str:
        """Which bytes the proxy is."""
        return revision_of(self._models.proxy, self._models.proxy_revision)

    def _load(self, path: str, revision: str) -> CausalModel:
        models = self._models
        return load_causal(path, revision, models.device, models.dtype, models.threads, models.template_date)
