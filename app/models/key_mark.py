"""Which encryption keys this database was written with."""

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.models.base import Keyed


class KeyMark(Keyed, Model):
    """A key by its id, and a word sealed with it: whether we still have that key is known without opening a row.

    `created_at` is when it was first used. Rotation takes the marks of old keys away when nothing needs them.
    """

    __tablename__ = "key_marks"

    key_id: Mapped[str] = mapped_column(String(8), unique=True)
    canary: Mapped[bytes] = mapped_column(LargeBinary)
