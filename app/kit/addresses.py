"""Reading addresses of the web that somebody typed."""

from urllib.parse import SplitResult, urlsplit


def scheme_and_host(url: str) -> tuple[str, bool]:
    """Its scheme, and whether it names a host."""
    parts = _split(url)
    return parts.scheme, bool(parts.hostname)


def origin_of(address: str) -> str:
    """`https://host:port` of an address: what a content policy goes by."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def is_dsn(text: str) -> bool:
    """Whether it is a Sentry project's: `https://key@sentry.example.com/1`."""
    parts = _split(text)
    has_key = bool(parts.username and parts.hostname)
    return parts.scheme in {"http", "https"} and has_key and parts.path.rpartition("/")[2].isdecimal()


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("")
