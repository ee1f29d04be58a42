"""Find gateway messages by what they speak of, and keep what their review came to."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_webhook_events_kind_created_at_id": ["kind", "created_at", "id"],
    "ix_webhook_events_gateway_payment_id": ["gateway_payment_id"],
    "ix_webhook_events_gateway_intent_id": ["gateway_intent_id"],
}


def upgrade() -> None:
    with op.batch_alter_table("webhook_events") as table:
        table.add_column(sa.Column("gateway_payment_id", sa.String(length=255), nullable=True))
        table.add_column(sa.Column("gateway_intent_id", sa.String(length=255), nullable=True))
        table.add_column(sa.Column("review_note_sealed", sa.LargeBinary(), nullable=True))
    for name, columns in _INDEXES.items():
        op.create_index(name, "webhook_events", columns, unique=False)


def downgrade() -> None:
    for name in reversed(_INDEXES):
        op.drop_index(name, table_name="webhook_events")
    with op.batch_alter_table("webhook_events") as table:
        table.drop_column("review_note_sealed")
        table.drop_column("gateway_intent_id")
        table.drop_column("gateway_payment_id")
