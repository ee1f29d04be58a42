"""Every kind of letter: what it is for, what it says, whether it still holds, what comes with it."""

from typing import Any

from app.models import Payment, Refund, StatusChange, User
from app.workflows import account_letters, tracking
from app.workflows.letters import Account, Attachment, Case, Context, kind


def _receipt(case: Case) -> tuple[Attachment, ...]:
    content = case.stationery.print_receipt(case.service_request, case.about(Payment))
    return (Attachment(f"receipt-{case.service_request.reference_number}.pdf", "application/pdf", content),)


def _is_unpaid(case: Case) -> bool:
    return case.service_request.payment_completed_at is None and case.service_request.is_open


def _is_still_theirs(case: Case) -> bool:
    mine = case.service_request.assigned_provider_id == case.notification.recipient_user_id
    return mine and case.service_request.is_open


def _has_nobody(case: Case) -> bool:
    return case.service_request.assigned_provider_id is None and case.service_request.is_open


@kind(
    Account(
        purpose="Confirms the purchase: reference, service, amount, what happens next. The receipt is attached.",
        receiver="The customer",
        occasion="Once, when the payment completes.",
    ),
    attach=_receipt,
    subject=Payment,
)
def payment_confirmed(case: Case) -> Context:
    return {"payment": case.about(Payment), "step": tracking.next_step(case.service_request)}


@kind(
    Account(
        purpose="Says that the payment did not go through, why, and how to pay again.",
        receiver="The customer",
        occasion="When a payment fails and the request is neither paid nor closed.",
        otherwise="The request is paid or closed by now.",
    ),
    still_true=_is_unpaid,
    subject=Payment,
)
def payment_failed(case: Case) -> Context:
    return {"payment": case.about(Payment)}


def _is_still_awaited(case: Case) -> bool:
    return case.service_request.waiting_since is not None


@kind(
    Account(
        purpose="Says that we tried to reach them, and how to answer.",
        receiver="The customer",
        occasion="When somebody stops the clock to wait for the customer.",
        otherwise="The customer has answered by now.",
    ),
    still_true=_is_still_awaited,
)
def customer_awaited(_case: Case) -> Context:
    return {}


@kind(
    Account(
        purpose="Says how much goes back, and when it should arrive.",
        receiver="The customer",
        occasion="When a refund is complete, also one made at the gateway.",
    ),
    subject=Refund,
)
def refund_issued(case: Case) -> Context:
    return {"refund": case.about(Refund)}


@kind(
    Account(
        purpose="Says where the request stands now and what comes next, with our note if there is one.",
        receiver="The customer",
        occasion="At every change of the status.",
    ),
    subject=StatusChange,
)
def status_changed(case: Case) -> Context:
    change = case.about(StatusChange)
    # By the time of sending it may have moved on; this letter is about the change that caused it.
    is_current = case.service_request.status is change.new_status
    step = tracking.next_step(case.service_request) if is_current else None
    return {"change": change, "step": step or tracking.NextStep(tracking.NEXT_STEPS[change.new_status])}


@kind(
    Account(
        purpose="Hands over the work: who the customer is, what they want, until when to call.",
        receiver="The provider",
        occasion="When a request is assigned to them, by hand or by the rule.",
        otherwise="The request is closed, or somebody else has it by now.",
    ),
    still_true=_is_still_theirs,
)
def provider_assigned(_case: Case) -> Context:
    return {}


@kind(
    Account(
        purpose="Tells of the sale, who has it, and when the first contact is due.",
        receiver="Every administrator",
        occasion="Once for each request, when it is paid.",
    )
)
def new_request(_case: Case) -> Context:
    return {}


@kind(
    Account(
        purpose="Asks for somebody to be found: no skilled provider is available and has room.",
        receiver="Every administrator",
        occasion="When a request is paid and the rule finds nobody.",
        otherwise="The request is closed, or has its provider by now.",
    ),
    still_true=_has_nobody,
)
def no_provider(_case: Case) -> Context:
    return {}


@kind(
    Account(
        purpose="Puts something before a person: payments to review, disputes, gateways that fail, work overdue.",
        receiver="Every administrator",
        occasion="When it happens; the same alert once an hour at most.",
    )
)
def alert(case: Case) -> Context:
    context: dict[str, Any] = case.notification.context
    return {"text": context["text"]}


def _is_link_alive(case: Case) -> bool:
    return account_letters.is_link_alive(case.notification.recipient_user, case.notification.context)


def _link(case: Case) -> Context:
    expires = account_letters.expiry(case.notification.context)
    user = case.about(User)
    return {"user": user, "link": account_letters.choose_password(user, expires, case.links), "expires": expires}


@kind(
    Account(
        purpose="Brings the link to choose a new password. It works once.",
        receiver="Whoever has the account",
        occasion="When somebody asks for it on the sign-in page.",
        otherwise="The link has run out, or the password was changed since.",
    ),
    still_true=_is_link_alive,
    subject=User,
    about_account=True,
)
def password_reset(case: Case) -> Context:
    return _link(case)


@kind(
    Account(
        purpose="Brings the link to choose a first password.",
        receiver="Whoever has the account",
        occasion="When an administrator makes an account without a password, or invites again.",
        otherwise="The link has run out, or the account was changed since: invite again.",
    ),
    still_true=_is_link_alive,
    subject=User,
    about_account=True,
)
def invitation(case: Case) -> Context:
    return _link(case)


@kind(
    Account(
        purpose="Tells that the password was changed, and what to do if that was somebody else.",
        receiver="Whoever has the account",
        occasion="When the password is changed, by its owner or by a link.",
    ),
    subject=User,
    about_account=True,
)
def password_changed(case: Case) -> Context:
    return {"user": case.about(User), "at": case.notification.created_at}


@kind(
    Account(
        purpose="Tells of a change to the second factor, and what to do if that was somebody else.",
        receiver="Whoever has the account",
        occasion="When it is set up, turned off or reset, and when there are new recovery codes.",
    ),
    subject=User,
    about_account=True,
)
def second_factor_changed(case: Case) -> Context:
    what = case.notification.context["what"]
    return {"user": case.about(User), "what": what, "at": case.notification.created_at}
