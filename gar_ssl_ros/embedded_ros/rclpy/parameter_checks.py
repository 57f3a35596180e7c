"""Which values a parameter's descriptor allows."""

from __future__ import annotations

import math
from typing import Any

from .parameter import Parameter

_REL_TOL = 1e-6  # by which floating point values on a range's edge or step may be off, relatively


def refusal(parameter: Parameter, descriptor: Any, *, declared: bool, check_read_only: bool) -> str | None:
    """Why the descriptor does not allow the value, None where it does; the descriptor then has its name."""
    descriptor.name = parameter.name
    if check_read_only and descriptor.read_only:
        return f"Trying to set a read-only parameter: {parameter.name}."
    if descriptor.dynamic_typing:
        descriptor.type = parameter.type_.value
    elif parameter.type_ is Parameter.Type.NOT_SET:
        return "Static parameter cannot be undeclared" if declared else None
    elif parameter.type_.value != descriptor.type:
        return f"Wrong parameter type, expected '{Parameter.Type(descriptor.type)}' got '{parameter.type_}'"
    if parameter.type_ is Parameter.Type.INTEGER and len(descriptor.integer_range):
        return _outside(parameter, descriptor.integer_range[0], rel_tol=0)
    if parameter.type_ is Parameter.Type.DOUBLE and len(descriptor.floating_point_range):
        return _outside(parameter, descriptor.floating_point_range[0], rel_tol=_REL_TOL)
    return None


def _outside(parameter: Parameter, span: Any, rel_tol: float) -> str | None:
    low, high = sorted((span.from_value, span.to_value))
    value = parameter.value
    if any(math.isclose(value, edge, rel_tol=rel_tol) for edge in (low, high)):
        return None
    if not low < value < high:
        return f"Parameter {parameter.name} out of range. Min: {low}, Max: {high}, value: {value}"
    if span.step and not math.isclose(low + round((value - low) / span.step) * span.step, value, rel_tol=rel_tol):
        return (
            f"The parameter value for {parameter.name} is not a valid step. "
            f"Min: {low}, max: {high}, value: {value}, step: {span.step}"
        )
    return None
