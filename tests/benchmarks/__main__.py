"""`make bench`: a table of what was measured, and how far it is from its goal. It reports, and fails nobody."""

import argparse
import contextlib
import platform
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tests.benchmarks import (
    bulk_surfaces,
    console_surfaces,
    databases,
    export_surfaces,
    list_surfaces,
    loading_surfaces,
    mail_surfaces,
    process_surfaces,
    programs,
    shop_surfaces,
    table,
    webhook_surfaces,
)
from tests.benchmarks.databases import Dataset
from tests.benchmarks.shop import Shop, closing_engines, make_ready, surroundings
from tests.benchmarks.table import Row

GROUPS: dict[str, Callable[[Shop], Iterator[Row]]] = {
    "list": list_surfaces.rows,
    "console": console_surfaces.rows,
    "export": export_surfaces.rows,
    "bulk": bulk_surfaces.rows,
    "shop": shop_surfaces.rows,
    "webhook": webhook_surfaces.rows,
    "mail": mail_surfaces.rows,
    "process": process_surfaces.rows,
    "load": loading_surfaces.rows,
}
ENGINES = ("postgres", "sqlite")


def main(words: Sequence[str]) -> None:
    wanted = _parse(words)
    with contextlib.ExitStack() as stack:
        environment = stack.enter_context(surroundings())
        for dataset in _datasets(wanted, environment, stack):
            _measure(dataset, environment, wanted)


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    parser.add_argument("--requests", type=_numbers, default=[10_000], help="how many, or several: 10000,1000000")
    parser.add_argument("--databases", type=_names(ENGINES), default=list(ENGINES), help=", ".join(ENGINES))
    parser.add_argument("--surfaces", type=_names(tuple(GROUPS)), default=list(GROUPS), help=", ".join(GROUPS))
    parser.add_argument("--rounds", type=int, default=40, help="how often each is asked")
    return parser.parse_args(words)


def _numbers(text: str) -> list[int]:
    return [int(word.replace("_", "")) for word in text.split(",")]


def _names(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


def _datasets(
    wanted: argparse.Namespace, environment: dict[str, str], stack: contextlib.ExitStack
) -> Iterator[Dataset]:
    if "postgres" in wanted.databases:
        address = stack.enter_context(databases.server())
        for size in wanted.requests:
            yield databases.on_postgres(address, size, environment)
    if "sqlite" in wanted.databases:
        for size in wanted.requests:
            yield databases.on_sqlite(size, environment)


def _measure(dataset: Dataset, environment: dict[str, str], wanted: argparse.Namespace) -> None:
    environment = environment | {"DATABASE_URL": dataset.url, "BENCH_DATABASE_URL": dataset.url}
    app = make_ready(dataset, environment)
    found: list[Row] = []
    with closing_engines(app), programs.product(environment) as product, programs.floors(environment) as below:
        shop = Shop(dataset, environment, app, product, below, wanted.rounds)
        for group in wanted.surfaces:
            print(f"{dataset.name}: {group} ...", file=sys.stderr, flush=True)
            found += [replace(row, group=group) for row in _rows(group, shop)]
    for line in table.lines(_title(dataset), found):
        print(line, flush=True)


def _rows(group: str, shop: Shop) -> Iterator[Row]:
    """One group that breaks off does not take along what the others found."""
    try:
        yield from GROUPS[group](shop)
    except (RuntimeError, OSError) as error:
        traceback.print_exc()
        yield Row("the rest of the group", "", f"not measured: {error}"[:60], "", is_met=False)


def _title(dataset: Dataset) -> str:
    engine = "postgres" if dataset.url.startswith("postgres") else "sqlite"
    words = f"--requests {dataset.size} --databases {engine} --surfaces GROUP"
    return (
        f"{dataset.name}, Python {platform.python_version()}, one web worker; one group of rows again:\n"
        f'make bench BENCH_ARGS="{words}"'
    )


if __name__ == "__main__":
    main(sys.argv[1:])
