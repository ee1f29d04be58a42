"""Every table, so that whoever imports one has them all configured."""

from app.models.affiliate import (
    AffiliateClick,
    AffiliateProfile,
    AffiliateServiceRate,
    CommissionEntry,
    CommissionKind,
    CommissionMonth,
    CommissionRule,
    Payout,
    PayoutLine,
    PayoutReversal,
)
from app.models.audit_entry import ActorKind, AuditChain, AuditEntry
from app.models.bulk_change import BulkChange, BulkChangeRow, BulkRowState, BulkState
from app.models.catalog import Category, Service, ServiceTier
from app.models.console import AnalyticsEvent, FeatureFlag, FlagState, SavedView, UserPreference
from app.models.csv_import import CsvImport, ImportStatus
from app.models.edition import Edition
from app.models.figures import ErrorCategory, ErrorTally, FigureMark, KeptFigures
from app.models.gateway_config import GatewayConfig
from app.models.idempotency import IdempotencyKey
from app.models.key_mark import KeyMark
from app.models.look import Look
from app.models.notification import Notification, NotificationStatus
from app.models.payment import (
    PAID_STATUSES,
    UNPAID_STATUSES,
    Dispute,
    DisputeStatus,
    Payment,
    PaymentFlag,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from app.models.provider import Availability, ProviderProfile, ProviderSkill
from app.models.request_history import NameWord, RequestNote, StatusChange
from app.models.sandbox import SandboxPayment, SandboxRefund, SandboxStatus
from app.models.service_request import OPEN_STATUSES, REQUESTS, RequestStatus, ServiceRequest
from app.models.user import STAFF_ROLES, ApiToken, RecoveryCode, Role, SignInAttempt, User, UserSession
from app.models.webhook_event import EventOutcome, WebhookEvent
from app.models.working_time import DayOff, Decline, WorkingHours

__all__ = [
    "OPEN_STATUSES",
    "PAID_STATUSES",
    "REQUESTS",
    "STAFF_ROLES",
    "UNPAID_STATUSES",
    "ActorKind",
    "AffiliateClick",
    "AffiliateProfile",
    "AffiliateServiceRate",
    "AnalyticsEvent",
    "ApiToken",
    "AuditChain",
    "AuditEntry",
    "Availability",
    "BulkChange",
    "BulkChangeRow",
    "BulkRowState",
    "BulkState",
    "Category",
    "CommissionEntry",
    "CommissionKind",
    "CommissionMonth",
    "CommissionRule",
    "CsvImport",
    "DayOff",
    "Decline",
    "Dispute",
    "DisputeStatus",
    "Edition",
    "ErrorCategory",
    "ErrorTally",
    "EventOutcome",
    "FeatureFlag",
    "FigureMark",
    "FlagState",
    "GatewayConfig",
    "IdempotencyKey",
    "ImportStatus",
    "KeptFigures",
    "KeyMark",
    "Look",
    "NameWord",
    "Notification",
    "NotificationStatus",
    "Payment",
    "PaymentFlag",
    "PaymentStatus",
    "Payout",
    "PayoutLine",
    "PayoutReversal",
    "ProviderProfile",
    "ProviderSkill",
    "RecoveryCode",
    "Refund",
    "RefundStatus",
    "RequestNote",
    "RequestStatus",
    "Role",
    "SandboxPayment",
    "SandboxRefund",
    "SandboxStatus",
    "SavedView",
    "Service",
    "ServiceRequest",
    "ServiceTier",
    "SignInAttempt",
    "StatusChange",
    "User",
    "UserPreference",
    "UserSession",
    "WebhookEvent",
    "WorkingHours",
]
