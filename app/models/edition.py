"""Which edition of what is read on every page stands in the tables now."""

from uuid import UUID

from sqlalchemy import SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model


class Edition(Model):
    """One row, with a stamp drawn anew by triggers of the database whenever rows of its subject change.

    No stamp ever comes back, so what was read under one may be kept for as long as it stands here. All of them share
    a row, so that transactions never wait for each other's stamps in two orders. Without a row nothing is kept.
    `people` stands for who works here and for whom: names, addresses, roles and codes. It has no stamp until the
    first of them is changed, nor have the working `hours` and the saved `views`.
    """

    __tablename__ = "editions"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    catalog: Mapped[UUID]
    gateways: Mapped[UUID]
    flags: Mapped[UUID]
    people: Mapped[UUID | None]
    hours: Mapped[UUID | None]
    views: Mapped[UUID | None]
