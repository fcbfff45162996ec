"""The decorator of all configurations in `ezsd`: a frozen dataclass that validates its values.

The dataclass that the code takes is also the section of `params.yaml`, so a key has one name, one default and
one description, its line under `Attributes:`. Importing a configuration does not load torch.
"""

from dataclasses import field
from typing import Annotated, Literal, TypeVar, dataclass_transform

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Factor = Annotated[float, Field(ge=1)]
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Precision = Literal["float32", "bfloat16", "float16"]

Config = TypeVar("Config")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def config(cls: type[Config]) -> type[Config]:
    """Turn a class into a frozen dataclass that validates its values.

    Its constructor raises `pydantic.ValidationError`, a `ValueError`, which names the value that is unknown,
    missing or out of range.
    """
    settings = ConfigDict(extra="forbid", allow_inf_nan=False)
    return dataclass(frozen=True, kw_only=True, config=settings)(cls)  # type: ignore[return-value]
