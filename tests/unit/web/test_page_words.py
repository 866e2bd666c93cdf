"""The page has words for everything, in both languages, and its files keep its promises."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from certsvc.domain.validity_dates import SHANGHAI
from certsvc.domain.verdict import CheckName, CheckResult, Verdict
from tests.unit.web.page_modules import STATIC, ask_page

SCRIPTS = sorted(STATIC.glob("*.js"))


def spoken() -> dict[str, Any]:
    (answer,) = ask_page([{"ask": "words"}])
    return dict(answer["value"])


def shape(value: object) -> object:
    """The keys of a tree of words, without the words."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else bool(value)


def test_both_languages_say_the_same_things() -> None:
    words = spoken()["words"]
    assert shape(words["zh"]) == shape(words["en"])
    assert re.search("[\u4e00-\u9fff]", str(words["en"])) is not None, "the name of the other language"
    assert words["en"]["page"].pop("other") == "中文"
    assert re.search("[\u4e00-\u9fff]", str(words["en"])) is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_verdict_and_check_has_words_of_its_own(language: str) -> None:
    said = spoken()
    words = said["words"][language]
    verdicts = {verdict.value for verdict in Verdict} - {"UNSPECIFIED"} | {"CANNOT_CHECK"}
    assert set(words["verdicts"]) == verdicts == set(said["tones"])
    assert len({title for title, _ in words["verdicts"].values()}) == len(verdicts)
    assert len({sentence for _, sentence in words["verdicts"].values()}) == len(verdicts)
    assert {name.value for name in CheckName} <= set(words["checks"]["names"])
    assert set(words["checks"]["results"]) == {result.value for result in CheckResult}


def test_every_reason_that_the_scripts_give_has_words() -> None:
    words = spoken()["words"]["en"]["reasons"]
    sources = "".join(
        (STATIC / name).read_text() for name in ("judge.js", "jwt.js", "register.js", "status.js", "verify.js")
    )
    given = set(re.findall(r'NotCheckedError\("([A-Z_]+)"\)', sources))
    given |= set(re.findall(r'notChecked\("([A-Z_]+)"\)', sources))
    given |= set(re.findall(r'fail\([^()]*?"([A-Z_]+)"\)', sources))
    assert len(given) > 15
    assert given <= set(words)


def test_only_good_news_is_green() -> None:
    tones = spoken()["tones"]
    assert [verdict for verdict, tone in tones.items() if tone == "good"] == ["VALID"]
    assert {verdict for verdict, tone in tones.items() if tone == "unknown"} == {"UNCONFIRMED", "CANNOT_CHECK"}


@pytest.mark.parametrize("day", [date(1958, 5, 1), date(1988, 7, 1), date(2026, 11, 22), date(2099, 12, 31)])
def test_days_are_days_in_china_without_summer_time(day: date) -> None:
    """1988 had summer time in China; license dates are reckoned at UTC+8 all the same."""
    first = int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp())
    questions = [{"ask": "day", "seconds": first + s, "language": "zh"} for s in (0, 86_399)]
    wanted = f"{day.year}年{day.month}月{day.day}日"
    assert [answer["value"] for answer in ask_page(questions)] == [wanted, wanted]
    (english,) = ask_page([{"ask": "day", "seconds": first, "language": "en"}])
    assert english["value"] == f"{day.day} {datetime(2000, day.month, 1, tzinfo=UTC):%B} {day.year}"


def test_the_language_follows_the_browser() -> None:
    tags = {"zh-CN": "zh", "zh-Hant-TW": "zh", "ZH": "zh", "en-US": "en", "fr": "en", "zha": "en"}
    answers = ask_page([{"ask": "language", "tags": [tag, "zh-CN"]} for tag in tags])
    assert [answer["value"] for answer in answers] == list(tags.values())
    assert ask_page([{"ask": "language", "tags": []}]) == [{"value": "zh"}]


@pytest.mark.parametrize("path", [*SCRIPTS, STATIC / "q.html", STATIC / "q.css"], ids=lambda path: path.name)
def test_nothing_is_taken_from_elsewhere_nor_set_as_markup(path: str) -> None:
    text = (STATIC / path).read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text)
    assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie|sendBeacon|WebSocket", text)
    urls = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
    assert not urls
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\son[a-z]+=|javascript:", text)


def test_the_page_asks_for_all_its_modules_at_once() -> None:
    """Otherwise a phone on a slow network would find them one behind the other."""
    page = (STATIC / "q.html").read_text()
    named = set(re.findall(r'(?:src|href)="static/([a-z_]+\.js)"', page))
    assert named == {script.name for script in SCRIPTS}


def test_texts_and_their_grounds_differ_enough() -> None:
    """WCAG 2 contrast of at least 4.5:1, in the light and in the dark."""
    sheet = (STATIC / "q.css").read_text()
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part))
        for part in sheet.split("@media (prefers-color-scheme: dark)", 2)[:2]
    )
    dark = {**light, **dark}
    for tone in ("good", "bad", "caution", "unknown"):
        assert contrast("#ffffff", light[tone]) >= 4.5, tone
    for colors in (light, dark):
        for ground in ("ground", "card"):
            for text in ("text", "muted", "accent"):
                assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
        assert contrast(colors["accent-text"], colors["accent"]) >= 4.5
    marks = re.findall(r"-mark \{ color: (#[0-9a-f]{6})", sheet)
    assert len(marks) == 6
    assert all(contrast(mark, light["card"]) >= 4.5 for mark in marks[:3])
    assert all(contrast(mark, dark["card"]) >= 4.5 for mark in marks[3:])


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
