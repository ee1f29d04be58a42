"""Customer data: what is kept about one customer, handed out as a file or erased."""

import json

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.pages import Guarded, done
from app.admin.permissions import Permission
from app.db import transaction
from app.errors import NotFound
from app.reauthentication import ensure_confirmed
from app.workflows import customers, erasure, privacy

_LONGEST_ADDRESS = 254


class CustomerView(Guarded):
    """The address is posted, never part of a link: links end up in logs and histories."""

    permission = Permission.ERASE

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self.render("admin/customers.html", address="", requests=None)

    @expose("/", methods=("POST",))
    def act(self) -> ResponseReturnValue:
        address = request.form.get("email", "").replace("\0", "").strip()[:_LONGEST_ADDRESS]
        match request.form.get("step"):
            case "find":
                return self._found(address)
            case "export":
                return self._export(address)
            case "erase":
                return self._erase(address)
        raise NotFound("This page has no such step.")

    def _found(self, address: str, problem: str = "") -> str:
        requests = customers.requests_of(address)
        reasons = erasure.reasons_against(requests)
        return self.render("admin/customers.html", address=address, requests=requests, reasons=reasons, problem=problem)

    def _export(self, address: str) -> ResponseReturnValue:
        ensure_confirmed()
        with transaction():
            picture = privacy.export(address, actor=self.actor)
        text = json.dumps(picture, ensure_ascii=False, indent=2)
        headers = {"Content-Disposition": 'attachment; filename="customer.json"', "Cache-Control": "no-store"}
        return Response(text, mimetype="application/json", headers=headers)

    def _erase(self, address: str) -> ResponseReturnValue:
        ensure_confirmed()
        if not request.form.get("sure"):
            return self._found(address, "Nothing was erased: tick the box to say that you mean it."), 422
        try:
            with transaction():
                erased = privacy.erase(
                    address, actor=self.actor, although_needed=bool(request.form.get("although_needed"))
                )
        except erasure.StillNeeded as error:
            return self._found(address, f"Nothing was erased. {error.message}"), error.http_status
        message = f"Erased the customer of {', '.join(erased)}." if erased else "There was nothing left to erase."
        return done(message, self.get_url(".index"))
