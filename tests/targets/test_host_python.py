from __future__ import annotations

import pytest

from harness.errors import HarnessError
from harness.targets.host_python import describe_backend_choice, is_installed


def there(*packages: str) -> set[str]:
    return {"keras", *packages}


def test_nothing_is_said_where_the_backend_was_chosen() -> None:
    assert describe_backend_choice({"KERAS_BACKEND": "torch"}, there("torch").__contains__) == ""


def test_the_default_is_named_with_what_else_there_is() -> None:
    note = describe_backend_choice({}, there("tensorflow", "jax").__contains__)
    assert "Keras computes on tensorflow" in note
    assert "KERAS_BACKEND=jax keras-harness" in note


def test_a_backend_that_is_not_installed_is_an_error_with_a_way_out() -> None:
    with pytest.raises(HarnessError, match=r"tensorflow, which is not installed; .*KERAS_BACKEND=torch"):
        describe_backend_choice({}, there("torch").__contains__)


def test_without_keras_there_is_nothing_to_run() -> None:
    with pytest.raises(HarnessError, match="has no Keras; install one into it, or name a listed target"):
        describe_backend_choice({}, {"tensorflow"}.__contains__)


def test_looking_for_a_package_imports_nothing() -> None:
    assert is_installed("numpy")
    assert not is_installed("no_such_package_anywhere")
