"""JMESPath expressions, bounded: what members write over what engines answer, neither of which is trusted.

An expression may double its value with every few characters. So steps are counted, and what is walked through or
printed as a whole is measured first.
"""

from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, JMESPathTypeError
from jmespath.visitor import TreeInterpreter

from judging.foundation.limits import MAX_MAPPING

_MAX_STEPS = 500_000
_MAX_VALUES = 200_000
_MAX_STRING = 5_000_000
_WALKING_FUNCTIONS = frozenset({"to_string", "contains", "sort", "sort_by", "max", "min", "max_by", "min_by", "join"})


class InvalidMapping(ValueError):
    """An expression that can't be used. The message is for people."""


class TooMuch(Exception):
    """What an expression makes of an answer is too large."""


class Expression:
    """A compiled expression."""

    def __init__(self, tree: Any) -> None:
        self._tree = tree

    def search(self, value: Any) -> Any:
        """Evaluate over a JSON value. Raise TooMuch, JMESPathError or RecursionError."""
        return _Interpreter().visit(self._tree, value)


def compile_expression(text: str) -> Expression:
    """Compile a JMESPath expression. Raise InvalidMapping."""
    if not text.strip():
        raise InvalidMapping("The mapping is empty.")
    if len(text) > MAX_MAPPING:
        raise InvalidMapping(f"The mapping is longer than {MAX_MAPPING:,} characters.")
    try:
        parsed = jmespath.compile(text)
        # What can be parsed may still be too deep to be evaluated.
        _Interpreter().visit(parsed.parsed, {})
    except RecursionError:
        raise InvalidMapping("The mapping is nested too deeply.") from None
    except JMESPathTypeError:
        # A function was not given what it takes: there is no answer yet.
        pass
    except JMESPathError as error:
        raise InvalidMapping(_brief(error)) from None
    except TooMuch:
        raise InvalidMapping("The mapping does too much work.") from None
    except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        # The parser raises them for some texts that are no expression.
        raise InvalidMapping(f"The mapping can't be read: {_brief(error)}") from None
    return Expression(parsed.parsed)


def _brief(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:300]


class _Interpreter(TreeInterpreter):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self._steps_left = _MAX_STEPS

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise TooMuch
        # As the library does it, without a second call for each of some hundred nodes of an answer.
        method = self._method_cache.get(node["type"])
        return super().visit(node, *args, **kwargs) if method is None else method(node, *args, **kwargs)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        merged = super().visit_flatten(node, value)
        if merged is not None and len(merged) > _MAX_VALUES:
            raise TooMuch
        return merged

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        arguments = [self.visit(child, value) for child in node["children"]]
        if node["value"] in _WALKING_FUNCTIONS:
            measure(arguments)
        result = self._functions.call_function(node["value"], arguments)
        if isinstance(result, str) and len(result) > _MAX_STRING:
            raise TooMuch
        return result

    def visit_comparator(self, node: Any, value: Any) -> Any:
        for child in node["children"]:
            side = self.visit(child, value)
            if isinstance(side, (list, dict)):
                measure([side])
        return super().visit_comparator(node, value)


def measure(values: list[Any]) -> None:
    """Raise TooMuch when lists and objects hold more than 200,000 values, each counted as often as it would print."""
    left, pending = _MAX_VALUES, list(values)
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            left -= len(value)
            if left < 0:
                raise TooMuch
            pending.extend(value)
