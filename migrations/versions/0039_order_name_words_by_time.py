"""Keep the words of names in the order of the list: a search by name reads one page of them, however many have it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_TABLE = "service_request_name_words"
_KEY = f"pk_{_TABLE}"
_REQUEST = f"fk_{_TABLE}_service_request_id_service_requests"
_OF_REQUEST = f"ix_{_TABLE}_service_request_id"
_NEXT = f"{_TABLE}_next"
_WITHOUT_TIME, _WITH_TIME = ["word_hash", "service_request_id"], ["word_hash", "created_at", "service_request_id"]
# What an old release, which knows nothing of the column, leaves in it for a moment.
_UNKNOWN = "1970-01-01 00:00:00.000000"
_FIND = f"SELECT created_at FROM service_requests WHERE id = {_TABLE}.service_request_id"  # noqa: S608
_FILL = f"UPDATE {_TABLE} SET created_at = ({_FIND})"  # noqa: S608
_FILL_NEW = f"{_FILL} WHERE word_hash = NEW.word_hash AND service_request_id = NEW.service_request_id"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        _rebuild(
            _WITH_TIME,
            f"SELECT w.word_hash, r.created_at, w.service_request_id FROM {_TABLE} w"  # noqa: S608
            " JOIN service_requests r ON r.id = w.service_request_id",
        )
        op.execute(
            f"CREATE TRIGGER {_TABLE}_date AFTER INSERT ON {_TABLE} FOR EACH ROW"
            f" WHEN NEW.created_at = '{_UNKNOWN}' BEGIN {_FILL_NEW}; END"
        )
        return
    op.execute(f"ALTER TABLE {_TABLE} ADD COLUMN IF NOT EXISTS created_at timestamptz NOT NULL DEFAULT '{_UNKNOWN}+00'")
    _watch()
    # Beside the running service, which needs to be in no transaction; each step may be done again.
    with op.get_context().autocommit_block():
        op.execute(
            f"UPDATE {_TABLE} AS w SET created_at = r.created_at FROM service_requests AS r"  # noqa: S608
            f" WHERE r.id = w.service_request_id AND w.created_at = '{_UNKNOWN}+00'"
        )
        _build(_WITH_TIME)
    _take_as_key()


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        op.execute(f"DROP TRIGGER {_TABLE}_date")
        _rebuild(_WITHOUT_TIME, f"SELECT word_hash, service_request_id FROM {_TABLE}")  # noqa: S608
        return
    with op.get_context().autocommit_block():
        _build(_WITHOUT_TIME)
    _take_as_key()
    op.execute(f"DROP TRIGGER {_TABLE}_date ON {_TABLE}")
    op.execute("DROP FUNCTION date_name_word()")
    op.drop_column(_TABLE, "created_at")


def _watch() -> None:
    """After the statement, which may write the request itself."""
    op.execute(
        "CREATE OR REPLACE FUNCTION date_name_word() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN {_FILL_NEW}; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE OR REPLACE TRIGGER {_TABLE}_date AFTER INSERT ON {_TABLE} FOR EACH ROW"
        f" WHEN (NEW.created_at = '{_UNKNOWN}+00') EXECUTE FUNCTION date_name_word()"
    )


def _build(columns: Sequence[str]) -> None:
    op.drop_index(_NEXT, table_name=_TABLE, if_exists=True, postgresql_concurrently=True)
    op.create_index(_NEXT, _TABLE, list(columns), unique=True, postgresql_concurrently=True)


def _take_as_key() -> None:
    op.execute(f"ALTER TABLE {_TABLE} DROP CONSTRAINT {_KEY}, ADD CONSTRAINT {_KEY} PRIMARY KEY USING INDEX {_NEXT}")


def _rebuild(columns: Sequence[str], rows: str) -> None:
    """SQLite changes no key."""
    time = [sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_UNKNOWN)]
    op.create_table(
        _NEXT,
        sa.Column("word_hash", sa.LargeBinary(length=16), nullable=False),
        *(time if "created_at" in columns else []),
        sa.Column("service_request_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_request_id"], ["service_requests.id"], name=op.f(_REQUEST), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(*columns, name=op.f(_KEY)),
    )
    op.execute(f"INSERT INTO {_NEXT} ({', '.join(columns)}) {rows}")
    op.drop_table(_TABLE)
    op.rename_table(_NEXT, _TABLE)
    op.create_index(_OF_REQUEST, _TABLE, ["service_request_id"], unique=False)
