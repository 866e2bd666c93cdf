"""The routes by themselves: what a path may hold, what the page is told, and headers."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from certsvc.errors import NotFoundError
from certsvc.web.app import WebServices, create_app


def get(path: str, *, scheme: str = "http", development: bool = False) -> httpx.Response:
    def published(number: int, form: str) -> Any:
        if number:
            raise NotFoundError(reason="NO_SUCH_LIST", message="there is no status list with this number")
        return SimpleNamespace(body=b"list", etag="")

    def type_document(code: str, version: int) -> str:
        return f"{code}/{version}"

    services: Any = WebServices(
        keys=SimpleNamespace(),  # type: ignore[arg-type]
        status_lists=SimpleNamespace(published=published),  # type: ignore[arg-type]
        registered=SimpleNamespace(prefix_digits=lambda: 3),  # type: ignore[arg-type]
        directory=SimpleNamespace(),  # type: ignore[arg-type]
        follower=SimpleNamespace(),  # type: ignore[arg-type]
        type_document=type_document,
        metrics=lambda: (b"", ""),
        development=development,
    )

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://register.example") as client:
            return await client.get(path)

    # On a thread of its own: a browser driver of another test may have a loop running on this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(ask())).result()


@pytest.mark.parametrize("number", ["9" * 11, "9" * 5000, "-1", "1.5", "１", "x", "0x1", "+1"])
def test_a_number_that_nothing_has_is_not_found(number: str) -> None:
    for path in ("/statuslists", "/types/119900009999000119001"):
        answer = get(f"{path}/{number}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["title"] in ("NO_SUCH_LIST", "NO_SUCH_TYPE")


def test_numbers_are_read() -> None:
    assert get("/statuslists/0").content == b"list"
    assert get("/statuslists/9999999999").status_code == 404
    assert get("/types/119900009999000119001/12").text == "119900009999000119001/12"


@pytest.mark.parametrize("development", [True, False])
def test_whether_the_register_is_one_of_development_is_told(development: bool) -> None:
    answer = get("/registered", development=development)
    assert answer.json() == {"prefix_digits": 3, "development": development}


@pytest.mark.parametrize("path", ["/healthz", "/statuslists/x", "/nothing"])
def test_who_came_with_https_stays_with_it(path: str) -> None:
    assert get(path, scheme="https").headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in get(path).headers
