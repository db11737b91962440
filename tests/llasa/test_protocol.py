"""What may be asked of the engine."""

import math
from dataclasses import replace
from typing import Any

import pytest

from deployments.errors import InvalidInput
from deployments.llasa.protocol import Sampling


@pytest.mark.parametrize("name", ["temperature", "top_k", "top_p", "repetition_penalty", "seed"])
@pytest.mark.parametrize("value", [None, math.nan, math.inf, "1"])
def test_what_is_no_number_never_comes_to_the_engine(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=f"{name} is not a number") as refused:
        replace(Sampling(), **{name: value})
    assert refused.value.param == name
