"""Let no audit entry be changed or deleted; keep the head of their chain."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_UNCHAINED = sa.text("position IS NULL")
_FIXED = "id action subject_type subject_id actor_kind actor_user_id address created_at".split()
_PLACE = ("position", "previous_hash", "entry_hash")
_MESSAGE = "audit entries are never changed or deleted"


def upgrade() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("head_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("is_resealing", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("chained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain")),
    )
    op.add_column("audit_entries", sa.Column("digest", sa.LargeBinary(length=32), nullable=True))
    op.add_column("audit_entries", sa.Column("erased_by", sa.Uuid(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        _guard_on_postgres()
        with op.get_context().autocommit_block():
            _index()
    else:
        _index()
        _guard_on_sqlite()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in ("rows", "table"):
            op.execute(f"DROP TRIGGER audit_entries_guard_{name} ON audit_entries")
        op.execute("DROP FUNCTION audit_entries_guard()")
    else:
        for name in ("update", "delete", "replace"):
            op.execute(f"DROP TRIGGER audit_entries_guard_{name}")
    op.drop_index("ix_audit_entries_unchained", table_name="audit_entries")
    for name in ("erased_by", "digest"):
        op.execute(f"ALTER TABLE audit_entries DROP COLUMN {name}")
    op.drop_table("audit_chain")


def _index() -> None:
    op.drop_index(
        "ix_audit_entries_unchained", table_name="audit_entries", if_exists=True, postgresql_concurrently=True
    )
    op.create_index(
        "ix_audit_entries_unchained",
        "audit_entries",
        ["created_at", "id"],
        unique=False,
        postgresql_where=_UNCHAINED,
        sqlite_where=_UNCHAINED,
        postgresql_concurrently=True,
    )


def _is_refused(differs: str) -> str:
    """What an update may not do: anything but chain once, and change the sealed text while the gate is open.

    `differs` is how the database says that two values are not the same, empty ones included.
    """
    fixed = " OR ".join(f"NEW.{name} {differs} OLD.{name}" for name in _FIXED)
    moved = " OR ".join(f"NEW.{name} {differs} OLD.{name}" for name in _PLACE)
    lost = " OR ".join(f"NEW.{name} IS NULL" for name in _PLACE)
    once = " OR ".join(
        f"(OLD.{name} IS NOT NULL AND NEW.{name} {differs} OLD.{name})" for name in ("digest", "erased_by")
    )
    text = f"NEW.changes_sealed {differs} OLD.changes_sealed OR NEW.erased_by {differs} OLD.erased_by"
    gate = "EXISTS (SELECT 1 FROM audit_chain WHERE is_resealing)"
    return f"({fixed}) OR ({once}) OR (({moved}) AND (OLD.position IS NOT NULL OR {lost})) OR (({text}) AND NOT {gate})"


def _guard_on_postgres() -> None:
    op.execute(
        "CREATE FUNCTION audit_entries_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION '{_MESSAGE}' USING ERRCODE = 'restrict_violation'; END IF;"
        f" IF {_is_refused('IS DISTINCT FROM')}"
        f" THEN RAISE EXCEPTION '{_MESSAGE}' USING ERRCODE = 'restrict_violation'; END IF;"
        " RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_guard_rows BEFORE UPDATE OR DELETE ON audit_entries"
        " FOR EACH ROW EXECUTE FUNCTION audit_entries_guard()"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_guard_table BEFORE TRUNCATE ON audit_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_guard()"
    )


def _guard_on_sqlite() -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
    op.execute(
        "CREATE TRIGGER audit_entries_guard_update BEFORE UPDATE ON audit_entries"
        f" WHEN {_is_refused('IS NOT')} {refuse}"
    )
    op.execute(f"CREATE TRIGGER audit_entries_guard_delete BEFORE DELETE ON audit_entries {refuse}")
    # To replace a row by inserting is to delete one without its trigger.
    is_taken = "EXISTS (SELECT 1 FROM audit_entries WHERE id = NEW.id OR position = NEW.position)"
    op.execute(f"CREATE TRIGGER audit_entries_guard_replace BEFORE INSERT ON audit_entries WHEN {is_taken} {refuse}")
