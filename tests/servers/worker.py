"""What each process that runs tests has for itself: databases, applications, a mail server, a web server."""

import contextlib
import os
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeGuard

import redis
from flask import Flask

from app.config import DEVELOPMENT, MailSettings, Settings
from app.db import db
from app.sandbox import postman
from tests.servers.client import Client
from tests.servers.databases import Database, PostgresDatabase, SqliteDatabase
from tests.servers.mail import MailServer
from tests.servers.run import Addresses, redis_database
from tests.servers.web import WebServer

ENGINES = ("sqlite", "postgres")
SECRET_KEY = "a-secret-for-tests-0123456789-abcdefghij"
ENCRYPTION_KEY = "a-key-for-tests-0123456789-abcdefghijklm"


class Worker:
    """Everything is made when first asked for and kept until the run ends; `tidy` empties it after a test."""

    def __init__(self, addresses: Callable[[], Addresses]) -> None:
        self._addresses = addresses
        self._stack = contextlib.ExitStack()
        self._databases: dict[str, Database] = {}
        self._apps: dict[str, Flask] = {}
        self._made: list[Flask] = []
        self.name = os.environ.get("PYTEST_XDIST_WORKER", "gw0")

    @cached_property
    def mail(self) -> MailServer:
        server = MailServer()
        self._stack.callback(server.stop)
        return server

    @cached_property
    def web(self) -> WebServer:
        server = WebServer()
        self._stack.callback(server.stop)
        return server

    @cached_property
    def redis(self) -> redis.Redis:
        connection = redis.Redis.from_url(self.redis_url)
        self._stack.callback(connection.close)
        return connection

    @property
    def redis_url(self) -> str:
        return redis_database(self._addresses().redis, int(self.name.removeprefix("gw")))

    def database(self, engine: str) -> Database:
        if engine not in self._databases:
            made: Database = SqliteDatabase() if engine == "sqlite" else PostgresDatabase(self._addresses(), self.name)
            self._databases[engine] = made
            self._stack.callback(made.close)
        return self._databases[engine]

    def app(self, engine: str) -> Flask:
        if engine not in self._apps:
            self._apps[engine] = self.make_app(self.settings(self.database(engine).url))
        return self._apps[engine]

    def settings(self, database_url: str) -> Settings:
        return Settings(
            app_env=DEVELOPMENT,
            database_url=database_url,
            redis_url=self.redis_url,
            base_url=self.web.url,
            secret_key=SECRET_KEY,
            encryption_keys=(ENCRYPTION_KEY,),
            mail=MailSettings(server="127.0.0.1", port=self.mail.port),
        )

    def make_app(self, settings: Settings) -> Flask:
        from app import create_app  # the whole house; tests of the kit do without

        app = create_app(settings)
        app.testing = True
        app.test_client_class = Client
        app.config["FLASK_ADMIN_RAISE_ON_VIEW_EXCEPTION"] = True
        self._made.append(app)
        self._stack.callback(_let_go, app)
        return app

    def tidy(self, engine: str) -> None:
        _hold_letters()
        if "web" in self.__dict__:
            self.web.wait_until_idle()
        self.redis.flushdb()
        if "mail" in self.__dict__:
            self.mail.clear()
        self._empty(engine)

    def _empty(self, engine: str) -> None:
        try:
            self.database(engine).empty()
        except Exception:
            # The test that broke it is told, and it alone.
            for app in self._made:
                _let_go(app)
            self.database(engine).renew()
            raise

    def close(self) -> None:
        self._stack.close()


def _hold_letters() -> None:
    """What the Sandbox company has yet to post, or to post again, is of a shop that the next test does not have."""
    while waiting := [each for each in threading.enumerate() if _is_letter(each)]:
        for timer in waiting:
            timer.cancel()
            timer.join()


def _is_letter(thread: Any) -> TypeGuard[threading.Timer]:
    return isinstance(thread, threading.Timer) and thread.function.__module__ == postman.__name__


def _let_go(app: Flask) -> None:
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
