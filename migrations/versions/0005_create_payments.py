"""Create payments."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_request_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("settles_request", sa.Boolean(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("gateway_intent_id", sa.String(length=255), nullable=True),
        sa.Column("gateway_payment_id", sa.String(length=255), nullable=True),
        sa.Column("bank_reference", sa.String(length=64), nullable=True),
        sa.Column("client_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("redirect_url_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("client_parameters_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("customer_message", sa.Text(), nullable=True),
        sa.Column("flag", sa.String(length=32), nullable=True),
        sa.Column("flag_resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND amount_minor", name=op.f("ck_payments_refunded_within_amount")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_requests.id"],
            name=op.f("fk_payments_service_request_id_service_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("gateway", "gateway_intent_id", name=op.f("uq_payments_gateway_gateway_intent_id")),
        sa.UniqueConstraint("gateway", "gateway_payment_id", name=op.f("uq_payments_gateway_gateway_payment_id")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payments_idempotency_key")),
    )
    op.create_index("ix_payments_bank_reference", "payments", ["bank_reference"], unique=False)
    op.create_index("ix_payments_created_at_id", "payments", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_payments_flagged",
        "payments",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("flag IS NOT NULL AND flag_resolved_at IS NULL"),
        sqlite_where=sa.text("flag IS NOT NULL AND flag_resolved_at IS NULL"),
    )
    op.create_index("ix_payments_gateway_created_at_id", "payments", ["gateway", "created_at", "id"], unique=False)
    op.create_index("ix_payments_gateway_intent_id", "payments", ["gateway_intent_id"], unique=False)
    op.create_index("ix_payments_gateway_payment_id", "payments", ["gateway_payment_id"], unique=False)
    op.create_index(
        "ix_payments_next_check_at",
        "payments",
        ["next_check_at"],
        unique=False,
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
        sqlite_where=sa.text("next_check_at IS NOT NULL"),
    )
    op.create_index(
        "ix_payments_service_request_id_created_at", "payments", ["service_request_id", "created_at"], unique=False
    )
    op.create_index("ix_payments_status_created_at_id", "payments", ["status", "created_at", "id"], unique=False)
    op.create_index(
        "uq_payments_settling",
        "payments",
        ["service_request_id"],
        unique=True,
        postgresql_where=sa.text("settles_request"),
        sqlite_where=sa.text("settles_request"),
    )
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("gateway_dispute_id", sa.String(length=255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=True),
        sa.Column("evidence_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_disputes_payment_id_payments"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("gateway", "gateway_dispute_id", name=op.f("uq_disputes_gateway_gateway_dispute_id")),
    )
    op.create_index("ix_disputes_payment_id", "disputes", ["payment_id"], unique=False)
    op.create_index("ix_disputes_status_evidence_due_at", "disputes", ["status", "evidence_due_at"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("gateway_refund_id", sa.String(length=255), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("is_external", sa.Boolean(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("requested_by_user_id", sa.Uuid(), nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refunds_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id_payments"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_user_id"], ["users.id"], name=op.f("fk_refunds_requested_by_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("gateway", "gateway_refund_id", name=op.f("uq_refunds_gateway_gateway_refund_id")),
    )
    op.create_index("ix_refunds_created_at_id", "refunds", ["created_at", "id"], unique=False)
    op.create_index("ix_refunds_payment_id", "refunds", ["payment_id"], unique=False)
    op.create_index("ix_refunds_status_created_at_id", "refunds", ["status", "created_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_refunds_status_created_at_id", table_name="refunds")
    op.drop_index("ix_refunds_payment_id", table_name="refunds")
    op.drop_index("ix_refunds_created_at_id", table_name="refunds")
    op.drop_table("refunds")
    op.drop_index("ix_disputes_status_evidence_due_at", table_name="disputes")
    op.drop_index("ix_disputes_payment_id", table_name="disputes")
    op.drop_table("disputes")
    op.drop_index(
        "uq_payments_settling",
        table_name="payments",
        postgresql_where=sa.text("settles_request"),
        sqlite_where=sa.text("settles_request"),
    )
    op.drop_index("ix_payments_status_created_at_id", table_name="payments")
    op.drop_index("ix_payments_service_request_id_created_at", table_name="payments")
    op.drop_index(
        "ix_payments_next_check_at",
        table_name="payments",
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
        sqlite_where=sa.text("next_check_at IS NOT NULL"),
    )
    op.drop_index("ix_payments_gateway_payment_id", table_name="payments")
    op.drop_index("ix_payments_gateway_intent_id", table_name="payments")
    op.drop_index("ix_payments_gateway_created_at_id", table_name="payments")
    op.drop_index(
        "ix_payments_flagged",
        table_name="payments",
        postgresql_where=sa.text("flag IS NOT NULL AND flag_resolved_at IS NULL"),
        sqlite_where=sa.text("flag IS NOT NULL AND flag_resolved_at IS NULL"),
    )
    op.drop_index("ix_payments_created_at_id", table_name="payments")
    op.drop_index("ix_payments_bank_reference", table_name="payments")
    op.drop_table("payments")
