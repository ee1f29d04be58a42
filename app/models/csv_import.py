"""A CSV file that somebody had checked, and what came of saving it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import EnumText, SealedBytes, SealedJson, UtcDateTime
from app.db import Model
from app.models.base import Keyed, Touched


class ImportStatus(StrEnum):
    CHECKED = "checked"
    RUNNING = "running"
    FINISHED = "finished"


class CsvImport(Keyed, Touched, Model):
    """`lines` is what the check found, packed; saving does exactly that.

    `steps` of them change something, and `reached` of those are behind us. It is written in the transaction that
    takes them, so each is taken once, whoever carries on. `refusals` says by line what was refused then, and why.
    """

    __tablename__ = "csv_imports"

    kind: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    address: Mapped[str | None] = mapped_column(String(45))
    status: Mapped[ImportStatus] = mapped_column(EnumText(ImportStatus), default=ImportStatus.CHECKED)
    lines: Mapped[bytes] = mapped_column("lines_sealed", SealedBytes("csv_imports.lines"))
    notices: Mapped[dict[str, Any]] = mapped_column("notices_sealed", SealedJson("csv_imports.notices"), default=dict)
    refusals: Mapped[dict[str, Any]] = mapped_column(
        "refusals_sealed", SealedJson("csv_imports.refusals"), default=dict
    )
    steps: Mapped[int] = mapped_column(default=0)
    reached: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("ix_csv_imports_status_updated_at", "status", "updated_at"),
        Index("ix_csv_imports_created_at", "created_at"),
    )

    def __str__(self) -> str:
        return f"import of {self.kind}"
