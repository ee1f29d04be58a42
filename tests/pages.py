"""Reading our pages as a visitor does: words, links and inputs."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """`words` is the text without scripts and styles; `elements` are (tag, attributes) in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._texts: list[str] = []
        self._unread = 0
        self.feed(html)

    @property
    def words(self) -> str:
        return squeeze(" ".join(self._texts))

    def find(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """Attributes of the elements of that kind; a trailing underscore keeps Python's words apart."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [found for name, found in self.elements if name == tag and wanted.items() <= found.items()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._unread += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self._texts.append(data)


def squeeze(text: str) -> str:
    """As a browser shows it: any run of spaces is one."""
    return " ".join(text.split())
