"""The settings of what Prometheus reads."""

from __future__ import annotations

from pydantic import Field

from ccit.config.section import Section


class Metrics(Section):
    """Prometheus metrics of all processes over HTTP; the server has its own at `/metrics`."""

    port: int = Field(
        0,
        ge=0,
        le=65000,
        description="0 is off; ingest listens on `port`, train on `port` + 1, scorer n (`--instance n`, else 0) on "
        "`port` + 2 + n, clinical on `port` - 1, mllp on `port` - 2, generate on `port` - 3",
    )
    host: str = Field("127.0.0.1", description="address to listen on")
