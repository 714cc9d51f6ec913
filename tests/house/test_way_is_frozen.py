"""A released workflow body is replayed by position: it is never edited, only followed by a new one."""

import ast
import hashlib
import inspect
import textwrap
from types import FunctionType

import pytest

from voxpersona.pipeline import whole_way_v1, whole_way_v2

RELEASED = {
    "whole_way_v1": "750a9c4fe6e7057905f78145ceb5abca739530aa0917bd2252881dfdb0560455",
    "whole_way_v2": "4d6b9acf89bb8d8ef0972cf25ed26d085fe38492bb0566f6bfe772bf4ef3dc2d",
}
"""Digest of each body's syntax tree without its docstring. Before the first release a change may update it."""


def _digest(function: object) -> str:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]  # any function
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    return hashlib.sha256("\n".join(ast.dump(statement) for statement in definition.body[1:]).encode()).hexdigest()


@pytest.mark.parametrize("way", [whole_way_v1, whole_way_v2])
def test_a_way_is_the_released_one(way: FunctionType) -> None:
    assert _digest(way) == RELEASED[way.__name__]
