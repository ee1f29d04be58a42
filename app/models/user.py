"""People who sign in: staff, providers, affiliates; and the tokens of programs that act for them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from flask_login import UserMixin
from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import EnumText, Sealed, UtcDateTime
from app.db import Model
from app.models.base import Keyed, Touched


class Role(StrEnum):
    """What a user may do; `label` is how the console names it."""

    ADMIN = "admin"
    OPERATOR = "operator"
    FINANCE = "finance"
    VIEWER = "viewer"
    PROVIDER = "provider"
    AFFILIATE = "affiliate"

    @property
    def label(self) -> str:
        return self.value.capitalize()


STAFF_ROLES = frozenset({Role.ADMIN, Role.OPERATOR, Role.FINANCE, Role.VIEWER})


class User(UserMixin, Keyed, Touched, Model):
    """`session_epoch` is part of every session: raising it ends them all.

    A TOTP secret counts from `totp_confirmed_at` on, when its owner has entered a first code; `totp_last_step` is the
    time step of the last code taken, so that none is taken twice.
    """

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(EnumText(Role))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    is_enabled: Mapped[bool] = mapped_column(default=True)
    session_epoch: Mapped[int] = mapped_column(default=0)
    totp_secret_sealed: Mapped[str | None] = mapped_column(Sealed("users.totp_secret_sealed"))
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("ix_users_role_name", "role", "name"),
        Index("ix_users_name_id", "name", "id"),
        Index("ix_users_last_sign_in_at", "last_sign_in_at"),
    )

    @property
    def is_active(self) -> bool:
        return self.is_enabled

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES

    @property
    def has_second_factor(self) -> bool:
        return self.totp_confirmed_at is not None

    def get_id(self) -> str:
        return f"{self.id}.{self.session_epoch}"

    def __str__(self) -> str:
        return self.name


class UserSession(Keyed, Model):
    """One signed-in browser, so that it can be listed and ended from elsewhere.

    Its cookie holds a random token of which only the hash is here. At `confirmed_at` its user last proved who they are.
    """

    __tablename__ = "user_sessions"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    address: Mapped[str | None] = mapped_column(String(45))
    browser: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (Index("ix_user_sessions_user_id_last_seen_at", "user_id", "last_seen_at"),)


class RecoveryCode(Keyed, Model):
    """Lets its owner in once without the second factor. It is random and long, so a fast hash is enough."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)


class SignInAttempt(Keyed, Model):
    """A wrong try at a password or a code, or one that is being checked: what the limits on guessing count.

    Whom it was tried for is kept only as a keyed hash; `address` is empty for a browser that the account knows.
    """

    __tablename__ = "sign_in_attempts"

    target_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    address: Mapped[str] = mapped_column(String(45))

    __table_args__ = (
        Index("ix_sign_in_attempts_target_hash_created_at", "target_hash", "created_at"),
        Index("ix_sign_in_attempts_address_created_at", "address", "created_at"),
    )


class ApiToken(Keyed, Model):
    """A bearer token: shown once, kept as a SHA-256 hash (it is random, so it needs no slow one)."""

    __tablename__ = "api_tokens"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()

    __table_args__ = (Index("ix_api_tokens_user_id", "user_id"),)
