"""What axe finds wrong with a page. It needs a page opened with `bypass_csp=True`."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

_AXE = Axe()
_USUAL = {"resultTypes": ["violations"]}
_COLOURS = _USUAL | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def violations(page: Any, *, again_in: str = "light") -> list[tuple[str, str]]:
    """Each broken rule, with the first element that breaks it.

    A page that another case looks at in light colours differs in dark ones by these alone: say `again_in="dark"`.
    """
    found = _AXE.run(page, options=_COLOURS if again_in == "dark" else _USUAL).response["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found]
