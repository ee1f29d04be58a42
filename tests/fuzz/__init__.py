"""Calls of all kinds, made from the API document by schemathesis: what answers must hold to it and never break.

Twice: once as the document has it, right and wrong calls mixed, and once narrowed to ids that exist, so that calls
reach what lies behind the checks.
"""
