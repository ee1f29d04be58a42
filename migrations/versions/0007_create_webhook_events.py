"""Create webhook events."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("headers_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by_user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_webhook_events_payment_id_payments"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["reviewed_by_user_id"], ["users.id"], name=op.f("fk_webhook_events_reviewed_by_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
        sa.UniqueConstraint("gateway", "event_id", name=op.f("uq_webhook_events_gateway_event_id")),
    )
    op.create_index("ix_webhook_events_created_at_id", "webhook_events", ["created_at", "id"], unique=False)
    op.create_index("ix_webhook_events_gateway_created_at", "webhook_events", ["gateway", "created_at"], unique=False)
    op.create_index("ix_webhook_events_outcome_created_at", "webhook_events", ["outcome", "created_at"], unique=False)
    op.create_index("ix_webhook_events_payment_id", "webhook_events", ["payment_id"], unique=False)
    op.create_index(
        "ix_webhook_events_unhandled",
        "webhook_events",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("handled_at IS NULL"),
        sqlite_where=sa.text("handled_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_webhook_events_unhandled",
        table_name="webhook_events",
        postgresql_where=sa.text("handled_at IS NULL"),
        sqlite_where=sa.text("handled_at IS NULL"),
    )
    op.drop_index("ix_webhook_events_payment_id", table_name="webhook_events")
    op.drop_index("ix_webhook_events_outcome_created_at", table_name="webhook_events")
    op.drop_index("ix_webhook_events_gateway_created_at", table_name="webhook_events")
    op.drop_index("ix_webhook_events_created_at_id", table_name="webhook_events")
    op.drop_table("webhook_events")
