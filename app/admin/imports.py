"""CSV files of services or providers: uploaded or pasted, checked line by line, and saved once confirmed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app import import_runs
from app.admin.export import stream_csv
from app.admin.inline import InlineView
from app.admin.pages import done
from app.admin.permissions import Permission
from app.db import transaction
from app.errors import DomainError, InvalidInput, NotFound
from app.import_runs import Kind
from app.models import CsvImport, ImportStatus
from app.workflows import imports, sheets
from app.workflows.sheets import Planned, Verdict

_PAGE = 100
_PAGES = ("import_form", "import_check", "import_template", "import_page", "import_confirm", "import_progress")


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of an import's lines that a page shows; `refusals` came when they were saved."""

    lines: Sequence[Planned]
    counts: dict[str, int]
    part: str
    page: int
    pages: int
    refusals: dict[str, str]


class ImportView(InlineView):
    """A list that can be filled from a CSV file; `import_kind` says from which."""

    import_kind = ""
    page_permissions = dict.fromkeys(_PAGES, Permission.MANAGE_CATALOGUE)

    @property
    def kind(self) -> Kind:
        return import_runs.KINDS[self.import_kind]

    @expose("/import/")
    def import_form(self) -> ResponseReturnValue:
        return self._show_import_form()

    @expose("/import/", methods=("POST",))
    def import_check(self) -> ResponseReturnValue:
        """Nothing is saved here but what the check found."""
        try:
            sheet = sheets.read(_sent_content(), self.kind.headings, needed=self.kind.needed)
        except DomainError as error:
            return self._show_import_form(refusal=error), error.http_status
        with transaction():
            row = imports.keep(self.import_kind, self.kind.plan(sheet), sheet, actor=self.actor)
        return done("Checked. Nothing is saved yet.", self.get_url(".import_page", key=row.id))

    @expose("/import/template.csv")
    def import_template(self) -> ResponseReturnValue:
        """The headings that are read, and lines to write over."""
        headings = [heading for heading in self.kind.headings if heading.read]
        columns = [(heading.name, _cell_of(heading.field)) for heading in headings]
        return stream_csv(f"{self.import_kind}-template.csv", columns, [list(self.kind.examples)])

    @expose("/import/<uuid:key>")
    def import_page(self, key: UUID) -> ResponseReturnValue:
        row = self._own(key)
        return self.render("admin/imports/page.html", row=row, shown=_shown(row), kind=self.kind, Verdict=Verdict)

    @expose("/import/<uuid:key>/confirm", methods=("POST",))
    def import_confirm(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            imports.confirm(self._own(key), actor=self.actor)
        import_runs.carry_on(key, seconds=import_runs.AT_ONCE)
        return Response(status=303, headers={"Location": self.get_url(".import_page", key=key)})

    @expose("/import/<uuid:key>/progress")
    def import_progress(self, key: UUID) -> ResponseReturnValue:
        row = self._own(key)
        return jsonify(reached=row.reached, steps=row.steps, isFinished=row.status is ImportStatus.FINISHED)

    # --- the way out: what is exported can be imported again, and changes nothing

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> ResponseReturnValue:
        if export_type != "csv":
            raise NotFound("Lists are exported as CSV.")
        query, _ = self.asked_for()
        self._note_export()
        columns = [(heading.name, heading.write) for heading in self.kind.headings]
        return self._stream(query.options(*self.options), columns)

    def _own(self, key: UUID) -> CsvImport:
        return imports.get_own(key, self.import_kind, owner_id=self.user.id)

    def _show_import_form(self, *, refusal: DomainError | None = None) -> str:
        return self.render(
            "admin/imports/form.html",
            kind=self.kind,
            refusal=refusal,
            pasted=request.form.get("text", "") if refusal else "",
            most_lines=sheets.MOST_LINES,
        )


def _cell_of(field: str) -> Any:
    return lambda example: example.get(field, "")


def _sent_content() -> bytes:
    """What was uploaded, else what was pasted. Raises InvalidInput."""
    file = request.files.get("file")
    content = file.read() if file else b""
    content = content or request.form.get("text", "").encode()
    if not content.strip():
        raise InvalidInput("Choose a file, or paste the lines.", details={"file": "Choose a file, or paste the lines."})
    return content


def _shown(row: CsvImport) -> Shown:
    lines = imports.lines_of(row)
    counts = Counter(line.verdict.value for line in lines)
    part = request.args.get("show", "")
    if part in set(Verdict):
        lines = [line for line in lines if line.verdict == part]
    elif part != "all":
        # What changes nothing is seldom what one wants to read.
        part, lines = "", [line for line in lines if line.verdict is not Verdict.SAME]
    pages = max(1, -(-len(lines) // _PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    on_page = lines[(page - 1) * _PAGE : page * _PAGE]
    return Shown(on_page, dict(counts), part, page, pages, {**row.refusals})
