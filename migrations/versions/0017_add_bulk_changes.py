"""Remember what was done to many requests at once, so that it can go on after a crash and be undone."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_CAUSED = sa.text("bulk_change_id IS NOT NULL")


def upgrade() -> None:
    _create_changes()
    _create_rows()
    op.add_column(
        "service_request_status_history",
        sa.Column("is_undone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    _mark_notifications()


def _create_changes() -> None:
    op.create_table(
        "bulk_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("parameters_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("submission_hash", sa.LargeBinary(length=16), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("undone", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mails_leave_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undo_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by_id", sa.Uuid(), nullable=True),
        sa.Column("undone_from", sa.String(length=45), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_bulk_changes_owner_id_users")),
        sa.ForeignKeyConstraint(["undone_by_id"], ["users.id"], name=op.f("fk_bulk_changes_undone_by_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_changes")),
        sa.UniqueConstraint("submission_hash", name=op.f("uq_bulk_changes_submission_hash")),
    )
    op.create_index("ix_bulk_changes_created_at_id", "bulk_changes", ["created_at", "id"])
    for column in ("owner_id", "action", "state"):
        op.create_index(f"ix_bulk_changes_{column}_created_at_id", "bulk_changes", [column, "created_at", "id"])


def _create_rows() -> None:
    op.create_table(
        "bulk_change_rows",
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=17), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("version_before", sa.Integer(), nullable=False),
        sa.Column("version_after", sa.Integer(), nullable=True),
        sa.Column("status_before", sa.String(length=32), nullable=False),
        sa.Column("provider_before", sa.Uuid(), nullable=True),
        sa.Column("assigned_at_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_contact_at_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at_before", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["bulk_changes.id"],
            name=op.f("fk_bulk_change_rows_change_id_bulk_changes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("change_id", "position", name=op.f("pk_bulk_change_rows")),
    )
    op.create_index(
        "ix_bulk_change_rows_change_id_state_position", "bulk_change_rows", ["change_id", "state", "position"]
    )


def _mark_notifications() -> None:
    _add_reference()
    # Nothing is in it yet: the table is read through once, and nothing is sorted.
    op.create_index(
        "ix_notifications_bulk_change_id",
        "notifications",
        ["bulk_change_id"],
        postgresql_where=_CAUSED,
        sqlite_where=_CAUSED,
    )


def _add_reference() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # Making the table anew, as a batch does, would lock everybody out for as long as that takes.
        op.execute("ALTER TABLE notifications ADD COLUMN bulk_change_id CHAR(32) REFERENCES bulk_changes (id)")
        return
    op.add_column("notifications", sa.Column("bulk_change_id", sa.Uuid(), nullable=True))
    # Checked for new rows at once, for old ones (which have none) without keeping anybody out.
    name = "fk_notifications_bulk_change_id_bulk_changes"
    op.execute(
        f"ALTER TABLE notifications ADD CONSTRAINT {name} FOREIGN KEY (bulk_change_id) REFERENCES bulk_changes (id)"
        " NOT VALID"
    )
    op.execute(f"ALTER TABLE notifications VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    op.drop_index("ix_notifications_bulk_change_id", table_name="notifications")
    # Not in a batch, which would make the tables anew.
    op.execute("ALTER TABLE notifications DROP COLUMN bulk_change_id")
    op.execute("ALTER TABLE service_request_status_history DROP COLUMN is_undone")
    op.drop_table("bulk_change_rows")
    op.drop_table("bulk_changes")
