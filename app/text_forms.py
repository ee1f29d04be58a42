"""What all our forms are made of: they ask for texts and choices, and for no file."""

from typing import Any

from flask import request
from flask_wtf import FlaskForm


class TextForm(FlaskForm):
    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """A file that was sent in the place of a text is as if nothing had come."""
            sent = super().wrap_formdata(form, formdata)
            return request.form if sent is not None and request.files else sent
