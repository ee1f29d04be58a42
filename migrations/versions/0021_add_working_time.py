"""Count deadlines and availability in working time; let providers give requests back."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_BUSINESS = sa.text("provider_id IS NULL")


def upgrade() -> None:
    for column in ("waiting_since TIMESTAMP WITH TIME ZONE", "work_left_seconds INTEGER"):
        # Not in a batch, which would make the table anew on SQLite.
        kind = (
            column
            if op.get_bind().dialect.name == "postgresql"
            else column.replace("TIMESTAMP WITH TIME ZONE", "DATETIME")
        )
        op.execute(f"ALTER TABLE service_requests ADD COLUMN {kind}")
    _create_working_hours()
    _create_days_off()
    _create_declines()


def _create_working_hours() -> None:
    op.create_table(
        "working_hours",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=True),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.SmallInteger(), nullable=False),
        sa.Column("closes", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_working_hours_weekday_of_a_week")),
        sa.CheckConstraint(
            "opens >= 0 AND opens < closes AND closes <= 1440", name=op.f("ck_working_hours_hours_of_a_day")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["users.id"], name=op.f("fk_working_hours_provider_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_working_hours")),
    )
    op.create_index("ix_working_hours_provider_id_weekday", "working_hours", ["provider_id", "weekday"])


def _create_days_off() -> None:
    op.create_table(
        "days_off",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["users.id"], name=op.f("fk_days_off_provider_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_days_off")),
    )
    op.create_index("uq_days_off_provider_id_day", "days_off", ["provider_id", "day"], unique=True)
    op.create_index(
        "uq_days_off_business_day",
        "days_off",
        ["day"],
        unique=True,
        postgresql_where=_BUSINESS,
        sqlite_where=_BUSINESS,
    )


def _create_declines() -> None:
    op.create_table(
        "declines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_request_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_requests.id"],
            name=op.f("fk_declines_service_request_id_service_requests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["users.id"], name=op.f("fk_declines_provider_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declines")),
    )
    op.create_index("uq_declines_request_provider", "declines", ["service_request_id", "provider_id"], unique=True)


def downgrade() -> None:
    op.drop_table("declines")
    op.drop_table("days_off")
    op.drop_table("working_hours")
    op.execute("ALTER TABLE service_requests DROP COLUMN work_left_seconds")
    op.execute("ALTER TABLE service_requests DROP COLUMN waiting_since")
