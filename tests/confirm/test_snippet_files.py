"""Definitions are gathered by name, each once, with what they call and import."""

from __future__ import annotations

import ast

from harness.confirm.snippet_files import find_names, gather_snippets, read_definitions


def list_names(*wanted: str) -> list[str]:
    """Return the names of the gathered definitions, in order."""
    gathered = gather_snippets(wanted)
    nodes = [node for text in gathered.definitions for node in ast.parse(text).body]
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def test_what_a_function_calls_comes_with_it_and_before_it() -> None:
    assert list_names("set_weights") == ["WrongWeights", "demand_shapes", "set_weights"]
    assert list_names("call_layer", "set_weights") == [
        *("ask", "WrongWeights", "demand_shapes", "set_weights", "build_layer", "to_numpy", "call_layer"),
    ]


def test_a_name_that_no_snippet_defines_is_left_out() -> None:
    assert list_names("read_array", "x", "len") == ["read_array"]


def test_only_what_is_used_is_imported() -> None:
    assert gather_snippets(["read_array"]).imports == ("import numpy as np",)
    assert gather_snippets(["read_bfloat16"]).imports == ("import numpy as np", "import ml_dtypes")
    assert gather_snippets(["reload_model"]).imports == ("import tempfile", "import os", "import keras")
    assert gather_snippets(["predict_batch_by_jit_of_torch"]).imports == ("import torch._dynamo",)
    assert gather_snippets(["ask"]).imports == ()


def test_a_definition_is_the_whole_text_of_it() -> None:
    text = read_definitions()["WrongWeights"].text
    assert text.startswith("class WrongWeights(Exception):\n")
    assert text.endswith('"""')


def test_names_stand_in_the_order_of_the_text() -> None:
    assert find_names(ast.parse("f(b, a)\ng = a\n")) == ("f", "b", "a", "g")
