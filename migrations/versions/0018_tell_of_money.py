"""Let each commission say its rule and each payout its transfer; serve the lists of money, people and changes."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_refunds_gateway_refund_id", "refunds", ["gateway_refund_id"]),
    ("ix_refunds_gateway_created_at_id", "refunds", ["gateway", "created_at", "id"]),
    ("ix_refunds_requested_by_created_at_id", "refunds", ["requested_by_user_id", "created_at", "id"]),
    ("ix_disputes_gateway_dispute_id", "disputes", ["gateway_dispute_id"]),
    ("ix_disputes_status_urgent_from_id", "disputes", ["status", "urgent_from", "id"]),
    ("ix_disputes_created_at_id", "disputes", ["created_at", "id"]),
    ("ix_disputes_status_created_at_id", "disputes", ["status", "created_at", "id"]),
    ("ix_disputes_gateway_created_at_id", "disputes", ["gateway", "created_at", "id"]),
    ("ix_commission_entries_payment_id", "commission_entries", ["payment_id"]),
    ("ix_commission_entries_created_at_id", "commission_entries", ["created_at", "id"]),
    ("ix_commission_entries_kind_created_at_id", "commission_entries", ["kind", "created_at", "id"]),
    (
        "ix_commission_entries_affiliate_sums",
        "commission_entries",
        ["affiliate_id", "kind", "currency", "created_at", "amount_minor"],
    ),
    ("ix_payouts_created_at_id", "payouts", ["created_at", "id"]),
    ("ix_payouts_batch_created_at_id", "payouts", ["batch", "created_at", "id"]),
    ("ix_payouts_transfer_reference", "payouts", ["transfer_reference"]),
    ("ix_users_name_id", "users", ["name", "id"]),
    ("ix_users_last_sign_in_at", "users", ["last_sign_in_at"]),
    ("ix_audit_entries_subject_type_created_at", "audit_entries", ["subject_type", "created_at"]),
    ("ix_audit_entries_actor_kind_created_at", "audit_entries", ["actor_kind", "created_at"]),
)
_BOUGHT = sa.text("affiliate_id IS NOT NULL")
_UNKNOWN = sa.text("affiliate_code IS NOT NULL AND affiliate_id IS NULL")
_PARTIAL = (
    ("ix_service_requests_affiliate_bought", ["affiliate_id", "payment_status"], _BOUGHT),
    ("ix_service_requests_unknown_code", ["affiliate_code"], _UNKNOWN),
)


def upgrade() -> None:
    # None of these in a batch: making a table anew would take along the rows that refer to it.
    op.add_column(
        "commission_entries", sa.Column("rule", sa.String(length=32), nullable=False, server_default="affiliate")
    )
    op.add_column("payouts", sa.Column("transfer_reference", sa.String(length=64), nullable=False, server_default=""))
    # SQLite adds no stored column to a table that is there; one that is computed on reading can be indexed as well.
    persisted = True if op.get_bind().dialect.name == "postgresql" else None
    urgent_from = sa.Computed("coalesce(evidence_due_at, created_at)", persisted=persisted)
    op.add_column("disputes", sa.Column("urgent_from", sa.DateTime(timezone=True), urgent_from, nullable=True))
    op.drop_index("ix_disputes_status_evidence_due_at", table_name="disputes")
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns, unique=False)
    for name, columns, where in _PARTIAL:
        op.create_index(name, "service_requests", columns, unique=False, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for name, _, _ in _PARTIAL:
        op.drop_index(name, table_name="service_requests")
    for name, table, _ in reversed(_INDEXES):
        op.drop_index(name, table_name=table)
    op.create_index("ix_disputes_status_evidence_due_at", "disputes", ["status", "evidence_due_at"], unique=False)
    for table, column in (
        ("disputes", "urgent_from"),
        ("payouts", "transfer_reference"),
        ("commission_entries", "rule"),
    ):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
