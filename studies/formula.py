"""Bonus formulas: arithmetic over a few names, and nothing else."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

NAMES = ("score", "rounds", "mean_score", "best_score")
OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max, "round": round}


def evaluate(formula: str, values: Mapping[str, float]) -> float:
    """What a formula gives.

    Raises:
        ValueError: It is no formula, or divides by zero.
    """
    try:
        return float(_value(ast.parse(formula, mode="eval").body, values))
    except SyntaxError as error:
        raise ValueError(f"{formula!r} is no formula") from error
    except ZeroDivisionError as error:
        raise ValueError(f"{formula!r} divides by zero") from error


def _value(node: ast.expr, values: Mapping[str, float]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS and args:
            return FUNCTIONS[name](*(_value(arg, values) for arg in args))
    raise ValueError(
        f"{ast.unparse(node)!r} is not allowed in a formula: use numbers, {', '.join(NAMES)}, "
        "+ - * /, min, max and round"
    )


def _checked(formula: str) -> str:
    evaluate(formula, dict.fromkeys(NAMES, 1.0))
    return formula


Formula = Annotated[str, AfterValidator(_checked)]
