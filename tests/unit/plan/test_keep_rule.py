"""Rules of --keep: what they say, and what is none."""

import pytest

from bench.plan.keep_rule import Condition, parse_keep
from tests.conftest import refused


@pytest.mark.parametrize(("text", "conditions", "said"), [
    ("alignment>=0.5", [Condition(metric="alignment", at_least=0.5)], "alignment >= 0.5"),
    ("lpips<=1e-1", [Condition(metric="lpips", at_most=0.1)], "lpips <= 0.1"),
    ("not-copied", [Condition(metric="copying", at_most=0.0)], "not copied"),
    ("top=80%:clip-i", [Condition(metric="clip-i", best=80.0)], "best 80 % in clip-i"),
    (
        "not-copied, alignment>=-1",
        [Condition(metric="alignment", at_least=-1.0), Condition(metric="copying", at_most=0.0)],
        "alignment >= -1, not copied",
    ),
])  # fmt: skip
def test_a_rule_says_its_conditions(text, conditions, said):
    rule = parse_keep(text)
    assert list(rule.conditions) == conditions
    assert str(rule) == said


@pytest.mark.parametrize("text", [
    *("", "alignment", "alignment=0.5", "alignment>0.5", "alignment>=", "alignment>=1.2.3", "alignment>=nan"),
    *("top=0%:alignment", "top=100%:alignment", "top=x%:alignment", "top=50%", "copied", "not-copied,"),
])  # fmt: skip
def test_what_is_no_rule_is_refused(text):
    refused(lambda: parse_keep(text), f"--keep {text}", "write alignment>=0.5")


@pytest.mark.parametrize(("one", "other"), [
    ("alignment>=0.5", "alignment>=0.50"), ("not-copied", "copying<=0"), ("not-copied,m>=1", "m>=1, not-copied"),
    ("m>=1", "m>=1,m>=1"),
])  # fmt: skip
def test_one_rule_in_two_spellings_is_one(one, other):
    assert parse_keep(one) == parse_keep(other)


def test_two_rules_have_two_names():
    assert str(parse_keep("m>=0.1234567")) != str(parse_keep("m>=0.1234568"))
