"""Create service requests."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "reference_number",
            sa.String(length=17).with_variant(sa.String(length=17, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("submission_hash", sa.LargeBinary(length=16), nullable=True),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("service_tier_id", sa.Uuid(), nullable=True),
        sa.Column("service_name", sa.String(length=200), nullable=False),
        sa.Column("service_category", sa.String(length=32), nullable=False),
        sa.Column("tier_name", sa.String(length=100), nullable=True),
        sa.Column("customer_name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("customer_email_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("customer_phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("customer_requirements_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("customer_email_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("customer_phone_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("payment_status", sa.String(length=32), nullable=False),
        sa.Column("payment_gateway", sa.String(length=32), nullable=True),
        sa.Column("payment_transaction_id", sa.String(length=255), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("assigned_provider_id", sa.Uuid(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_alerted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("affiliate_code", sa.String(length=64), nullable=True),
        sa.Column("affiliate_id", sa.Uuid(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_service_requests_amount_positive")),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND amount_minor", name=op.f("ck_service_requests_refunded_within_amount")
        ),
        sa.ForeignKeyConstraint(["affiliate_id"], ["users.id"], name=op.f("fk_service_requests_affiliate_id_users")),
        sa.ForeignKeyConstraint(
            ["assigned_provider_id"], ["users.id"], name=op.f("fk_service_requests_assigned_provider_id_users")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_service_requests_service_id_services")),
        sa.ForeignKeyConstraint(
            ["service_tier_id"], ["service_tiers.id"], name=op.f("fk_service_requests_service_tier_id_service_tiers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_requests")),
        sa.UniqueConstraint("reference_number", name=op.f("uq_service_requests_reference_number")),
        sa.UniqueConstraint("submission_hash", name=op.f("uq_service_requests_submission_hash")),
    )
    op.create_index(
        "ix_service_requests_affiliate_created_at_id",
        "service_requests",
        ["affiliate_id", "created_at", "id"],
        unique=False,
    )
    op.create_index("ix_service_requests_created_at_id", "service_requests", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_service_requests_due_at",
        "service_requests",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("first_contact_at IS NULL AND closed_at IS NULL"),
        sqlite_where=sa.text("first_contact_at IS NULL AND closed_at IS NULL"),
    )
    op.create_index(
        "ix_service_requests_email_hash_created_at",
        "service_requests",
        ["customer_email_hash", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_service_requests_gateway_created_at_id",
        "service_requests",
        ["payment_gateway", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_service_requests_payment_status_created_at_id",
        "service_requests",
        ["payment_status", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_service_requests_payment_completed_at", "service_requests", ["payment_completed_at"], unique=False
    )
    op.create_index(
        "ix_service_requests_payment_transaction_id", "service_requests", ["payment_transaction_id"], unique=False
    )
    op.create_index(
        "ix_service_requests_phone_hash_created_at",
        "service_requests",
        ["customer_phone_hash", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_service_requests_provider_created_at_id",
        "service_requests",
        ["assigned_provider_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_service_requests_service_category_created_at_id",
        "service_requests",
        ["service_category", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_service_requests_service_id_created_at_id",
        "service_requests",
        ["service_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_service_requests_status_created_at_id", "service_requests", ["status", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_service_requests_unassigned",
        "service_requests",
        ["created_at", "id"],
        unique=False,
        postgresql_where=sa.text("assigned_provider_id IS NULL AND closed_at IS NULL"),
        sqlite_where=sa.text("assigned_provider_id IS NULL AND closed_at IS NULL"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("service_request_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_requests.id"],
            name=op.f("fk_idempotency_keys_service_request_id_service_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_idempotency_keys_key_hash")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "service_request_name_words",
        sa.Column("word_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("service_request_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_requests.id"],
            name=op.f("fk_service_request_name_words_service_request_id_service_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("word_hash", "service_request_id", name=op.f("pk_service_request_name_words")),
    )
    op.create_index(
        "ix_service_request_name_words_service_request_id",
        "service_request_name_words",
        ["service_request_id"],
        unique=False,
    )
    op.create_table(
        "service_request_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_request_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_service_request_notes_author_id_users")),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_requests.id"],
            name=op.f("fk_service_request_notes_service_request_id_service_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_request_notes")),
    )
    op.create_index(
        "ix_service_request_notes_request_created_at",
        "service_request_notes",
        ["service_request_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "service_request_status_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_request_id", sa.Uuid(), nullable=False),
        sa.Column("old_status", sa.String(length=32), nullable=True),
        sa.Column("new_status", sa.String(length=32), nullable=False),
        sa.Column("changed_by_user_id", sa.Uuid(), nullable=True),
        sa.Column("notes_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by_user_id"],
            ["users.id"],
            name=op.f("fk_service_request_status_history_changed_by_user_id_users"),
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_requests.id"],
            name=op.f("fk_service_request_status_history_service_request_id_service_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_request_status_history")),
    )
    op.create_index(
        "ix_service_request_status_history_request_created_at",
        "service_request_status_history",
        ["service_request_id", "created_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_service_request_status_history_request_created_at", table_name="service_request_status_history")
    op.drop_table("service_request_status_history")
    op.drop_index("ix_service_request_notes_request_created_at", table_name="service_request_notes")
    op.drop_table("service_request_notes")
    op.drop_index("ix_service_request_name_words_service_request_id", table_name="service_request_name_words")
    op.drop_table("service_request_name_words")
    op.drop_index("ix_idempotency_keys_created_at", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index(
        "ix_service_requests_unassigned",
        table_name="service_requests",
        postgresql_where=sa.text("assigned_provider_id IS NULL AND closed_at IS NULL"),
        sqlite_where=sa.text("assigned_provider_id IS NULL AND closed_at IS NULL"),
    )
    op.drop_index("ix_service_requests_status_created_at_id", table_name="service_requests")
    op.drop_index("ix_service_requests_service_id_created_at_id", table_name="service_requests")
    op.drop_index("ix_service_requests_service_category_created_at_id", table_name="service_requests")
    op.drop_index("ix_service_requests_provider_created_at_id", table_name="service_requests")
    op.drop_index("ix_service_requests_phone_hash_created_at", table_name="service_requests")
    op.drop_index("ix_service_requests_payment_transaction_id", table_name="service_requests")
    op.drop_index("ix_service_requests_payment_completed_at", table_name="service_requests")
    op.drop_index("ix_service_requests_payment_status_created_at_id", table_name="service_requests")
    op.drop_index("ix_service_requests_gateway_created_at_id", table_name="service_requests")
    op.drop_index("ix_service_requests_email_hash_created_at", table_name="service_requests")
    op.drop_index(
        "ix_service_requests_due_at",
        table_name="service_requests",
        postgresql_where=sa.text("first_contact_at IS NULL AND closed_at IS NULL"),
        sqlite_where=sa.text("first_contact_at IS NULL AND closed_at IS NULL"),
    )
    op.drop_index("ix_service_requests_created_at_id", table_name="service_requests")
    op.drop_index("ix_service_requests_affiliate_created_at_id", table_name="service_requests")
    op.drop_table("service_requests")
