"""Create affiliates."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "affiliate_clicks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("affiliate_id", sa.Uuid(), nullable=True),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["affiliate_id"], ["users.id"], name=op.f("fk_affiliate_clicks_affiliate_id_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name=op.f("fk_affiliate_clicks_service_id_services"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliate_clicks")),
    )
    op.create_index(
        "ix_affiliate_clicks_affiliate_id_created_at", "affiliate_clicks", ["affiliate_id", "created_at"], unique=False
    )
    op.create_table(
        "affiliate_profiles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("rate_basis_points", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "rate_basis_points BETWEEN 0 AND 10000", name=op.f("ck_affiliate_profiles_rate_within_bounds")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_affiliate_profiles_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliate_profiles")),
        sa.UniqueConstraint("code", name=op.f("uq_affiliate_profiles_code")),
        sa.UniqueConstraint("user_id", name=op.f("uq_affiliate_profiles_user_id")),
    )
    op.create_table(
        "affiliate_service_rates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("affiliate_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("rate_basis_points", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "rate_basis_points BETWEEN 0 AND 10000", name=op.f("ck_affiliate_service_rates_rate_within_bounds")
        ),
        sa.ForeignKeyConstraint(
            ["affiliate_id"],
            ["users.id"],
            name=op.f("fk_affiliate_service_rates_affiliate_id_users"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["services.id"],
            name=op.f("fk_affiliate_service_rates_service_id_services"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliate_service_rates")),
        sa.UniqueConstraint(
            "affiliate_id", "service_id", name=op.f("uq_affiliate_service_rates_affiliate_id_service_id")
        ),
    )
    op.create_table(
        "payouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("affiliate_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("batch", sa.String(length=64), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_by_user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payouts_amount_positive")),
        sa.ForeignKeyConstraint(["affiliate_id"], ["users.id"], name=op.f("fk_payouts_affiliate_id_users")),
        sa.ForeignKeyConstraint(
            ["recorded_by_user_id"], ["users.id"], name=op.f("fk_payouts_recorded_by_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
    )
    op.create_index("ix_payouts_affiliate_id_created_at", "payouts", ["affiliate_id", "created_at"], unique=False)
    op.create_table(
        "commission_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("affiliate_id", sa.Uuid(), nullable=False),
        sa.Column("service_request_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rate_basis_points", sa.Integer(), nullable=False),
        sa.Column("cause_key", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["affiliate_id"], ["users.id"], name=op.f("fk_commission_entries_affiliate_id_users")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_commission_entries_payment_id_payments")
        ),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.id"], name=op.f("fk_commission_entries_refund_id_refunds")),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_requests.id"],
            name=op.f("fk_commission_entries_service_request_id_service_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_entries")),
        sa.UniqueConstraint("cause_key", name=op.f("uq_commission_entries_cause_key")),
    )
    op.create_index(
        "ix_commission_entries_affiliate_id_created_at",
        "commission_entries",
        ["affiliate_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_commission_entries_service_request_id", "commission_entries", ["service_request_id"], unique=False
    )
    op.create_table(
        "payout_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("commission_entry_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["commission_entry_id"],
            ["commission_entries.id"],
            name=op.f("fk_payout_lines_commission_entry_id_commission_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payouts.id"], name=op.f("fk_payout_lines_payout_id_payouts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_lines")),
        sa.UniqueConstraint("commission_entry_id", name=op.f("uq_payout_lines_commission_entry_id")),
    )
    op.create_index("ix_payout_lines_payout_id", "payout_lines", ["payout_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_payout_lines_payout_id", table_name="payout_lines")
    op.drop_table("payout_lines")
    op.drop_index("ix_commission_entries_service_request_id", table_name="commission_entries")
    op.drop_index("ix_commission_entries_affiliate_id_created_at", table_name="commission_entries")
    op.drop_table("commission_entries")
    op.drop_index("ix_payouts_affiliate_id_created_at", table_name="payouts")
    op.drop_table("payouts")
    op.drop_table("affiliate_service_rates")
    op.drop_table("affiliate_profiles")
    op.drop_index("ix_affiliate_clicks_affiliate_id_created_at", table_name="affiliate_clicks")
    op.drop_table("affiliate_clicks")
