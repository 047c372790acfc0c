"""What a pipeline declares about itself: the one description every face is drawn from.

The daemon validates requests against it, `s2i-backend models` prints it, Krita and Blender build
their widgets from it and `s2i-backend run` its options. It is the shared vocabulary of all rooms,
so it stands in the client and uses nothing but the standard library.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

ParameterType = Literal["float", "int", "bool", "choice", "text", "folder"]
LayerKind = Literal["lines", "flats", "color", "shade", "mask", "image"]
BlendMode = Literal["normal", "multiply"]
Value = float | int | bool | str
MAX_LAYERS = 64  # of one result
MAX_TITLE = 64  # characters of a layer's title
MAX_NOTES = 8  # of one result
MAX_NOTE = 512  # characters of a note
# How the layers of one result lie on each other, by their kinds, from the bottom to the top.
STACK: tuple[LayerKind, ...] = ("image", "color", "flats", "mask", "shade", "lines")
# Which of them shows the result best by itself, the best first.
SHOWN_BEST: tuple[LayerKind, ...] = ("color", "image", "flats", "shade", "lines", "mask")


class InvalidRequest(ValueError):
    """A request does not fit the declaration.

    `field` names the input or parameter, `given` what came and `allowed` what would be accepted.
    """

    def __init__(self, field: str, given: object, allowed: str):
        self.field = field
        self.given = given
        self.allowed = allowed
        super().__init__(f"{field}: got {given!r}, allowed is {allowed}")


@dataclass(frozen=True)
class Input:
    """A named picture that a pipeline takes, such as `sketch` or `hints`.

    `off_canvas`: it does not lie on the canvas, as a reference, a mask of one, or a palette.
    Hosts send it whole, wherever the work is, and let it be a file too.
    """

    name: str
    title: str
    help: str
    required: bool = False
    off_canvas: bool = False


@dataclass(frozen=True)
class Parameter:
    """A named setting. Numbers have an inclusive range, a choice lists its values.

    A folder is its path on the daemon's machine, as a text; empty when none is chosen. Whether it
    is there is for the pipeline to find out.

    `live`: the value for live jobs, where it is not the default one and the user chose none.
    """

    name: str
    title: str
    help: str
    type: ParameterType
    default: Value
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: Value | None = None

    @property
    def allowed(self) -> str:
        """The accepted values in words, as errors and help texts show them."""
        match self.type:
            case "choice":
                return "one of " + ", ".join(self.choices)
            case "bool":
                return "true or false"
            case "text":
                return "a text"
            case "folder":
                return "the path of a folder"
            case "int":
                return f"a whole number from {self.minimum:g} to {self.maximum:g}"
            case _:
                return f"a number from {self.minimum:g} to {self.maximum:g}"

    def check(self, value: object) -> Value:
        """Return `value` in this parameter's type, or raise `InvalidRequest`."""
        if self.type == "bool" and isinstance(value, bool):
            return value
        if self.type in ("text", "folder") and isinstance(value, str):
            return value
        if self.type == "choice" and isinstance(value, str) and value in self.choices:
            return value
        if self.type in ("int", "float") and not isinstance(value, bool):
            is_number = isinstance(value, int) or (
                isinstance(value, float) and (self.type == "float" or value.is_integer())
            )
            if is_number and self.minimum <= value <= self.maximum:  # type: ignore[operator]
                return int(value) if self.type == "int" else float(value)  # type: ignore[arg-type]
        raise InvalidRequest(self.name, value, self.allowed)


@dataclass(frozen=True)
class Output:
    """A named layer that a pipeline returns, with the way a host should stack it.

    `default` is False for layers that are made only when a request asks for them by name.
    `many` is True when a result may have any number of layers of this name, also none; their own
    titles tell them apart. `off_canvas`: pictures to be used elsewhere, such as references that
    were found; they are not laid over the drawing.

    `again`: the input of the same pipeline that a layer of this name can be in a next request, such
    as a picture that is to be refined; empty when there is none. Hosts that show results offer it
    at each, by the name `again_title`, such as "Refine", or else by the input's title.
    """

    name: str
    title: str
    help: str
    kind: LayerKind
    blend: BlendMode = "normal"
    default: bool = True
    many: bool = False
    off_canvas: bool = False
    again: str = ""
    again_title: str = ""


@dataclass(frozen=True)
class Declaration:
    """A pipeline's name, inputs, parameters and outputs.

    `whole` is True when a part of the canvas makes no sense to it, as to one that looks for closed
    regions. When something is selected, hosts then send all of the canvas and keep only what is
    selected of the result; to other pipelines they send what is selected and what lies around it.
    """

    name: str
    title: str
    summary: str
    inputs: tuple[Input, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[Output, ...]
    hidden: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        names = [*(i.name for i in self.inputs), *(p.name for p in self.parameters)]
        if len(set(names)) != len(names):
            # Both become options and keywords, so they share one space of names.
            raise ValueError(f"{self.name} has two inputs or parameters of one name")
        inputs = {"", *(declared.name for declared in self.inputs)}
        for declared in self.outputs:
            if declared.again not in inputs:
                raise ValueError(
                    f"{self.name}: {declared.name} can not be the input {declared.again} again; "
                    "there is none of that name"
                )

    def check(
        self,
        inputs: Collection[str],
        parameters: Mapping[str, object],
        outputs: Collection[str] | None = None,
    ) -> tuple[dict[str, Value], tuple[str, ...]]:
        """Validate a request's names and values.

        Returns every parameter with defaults filled in, and the names of the layers to return in
        declared order. Raises `InvalidRequest` with the name of the first field that is wrong.
        """
        known_inputs = [i.name for i in self.inputs]
        for name in inputs:
            if name not in known_inputs:
                raise InvalidRequest(name, "an input", "one of " + ", ".join(known_inputs))
        for declared in self.inputs:
            if declared.required and declared.name not in inputs:
                raise InvalidRequest(declared.name, "nothing", "a picture; it is required")
        known = {p.name: p for p in self.parameters}
        for name in parameters:
            if name not in known:
                names = ", ".join(known) or "none"
                raise InvalidRequest(str(name), parameters[name], f"a parameter among: {names}")
        values = {
            name: p.check(parameters[name]) if name in parameters else p.default
            for name, p in known.items()
        }
        return values, self._check_outputs(outputs)

    def _check_outputs(self, outputs: Collection[str] | None) -> tuple[str, ...]:
        if outputs is None:
            return tuple(o.name for o in self.outputs if o.default)
        known = [o.name for o in self.outputs]
        for name in outputs:
            if name not in known:
                raise InvalidRequest("outputs", name, "some of " + ", ".join(known))
        if not outputs:
            raise InvalidRequest("outputs", [], "some of " + ", ".join(known))
        return tuple(name for name in known if name in outputs)

    @property
    def off_canvas(self) -> bool:
        """Whether all it returns is for use elsewhere, and nothing to lay over the drawing."""
        return bool(self.outputs) and all(declared.off_canvas for declared in self.outputs)

    @property
    def leading(self) -> Input:
        """The input that a piece of work is about: the first required one, else the first."""
        return next((declared for declared in self.inputs if declared.required), self.inputs[0])

    def output(self, name: str) -> Output:
        """The declared output called `name`; KeyError when there is none."""
        for declared in self.outputs:
            if declared.name == name:
                return declared
        raise KeyError(name)

    def output_of(self, key: str) -> Output:
        """The output of a layer that `keys` has named; KeyError when there is none."""
        for declared in self.outputs:
            if declared.name == (key.rpartition("-")[0] if declared.many else key):
                return declared
        raise KeyError(key)

    def check_layers(self, names: Sequence[str]) -> None:
        """Check the names of the layers that a pipeline made.

        Raises ValueError, for whoever writes the pipeline, when there are more than a result
        may have, or several of an output that is not `many`.
        """
        if len(names) > MAX_LAYERS:
            raise ValueError(
                f"{self.name} made {len(names)} layers; a result has at most {MAX_LAYERS}: "
                "bring some together"
            )
        for name, count in Counter(names).items():
            if count > 1 and not self.output(name).many:
                raise ValueError(
                    f"{self.name} made {count} layers called {name}; only an output that is "
                    "declared with many=True may come several times"
                )

    def keys(self, names: Sequence[str]) -> list[str]:
        """For each layer of a result a name that no other has, as files need.

        That is its own, with a number behind it for outputs that are `many`: "layer-01".
        """
        numbers: Counter[str] = Counter()
        keys = []
        for name in names:
            numbers[name] += 1
            keys.append(f"{name}-{numbers[name]:02}" if self.output(name).many else name)
        return keys

    def to_dict(self) -> dict[str, Any]:
        """Plain maps and lists, as they travel in the `ready` message and in `models --json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Declaration:
        """The inverse of `to_dict`; fields that a newer daemon added are left out."""
        return cls(
            name=plain["name"],
            title=plain["title"],
            summary=plain["summary"],
            inputs=tuple(_known_fields(Input, i) for i in plain["inputs"]),
            parameters=tuple(
                _known_fields(Parameter, {**p, "choices": tuple(p.get("choices", ()))})
                for p in plain["parameters"]
            ),
            outputs=tuple(_known_fields(Output, o) for o in plain["outputs"]),
            hidden=plain.get("hidden", False),
            whole=plain.get("whole", False),
        )


def _known_fields(cls: type, plain: Mapping[str, Any]) -> Any:
    return cls(**{k: v for k, v in plain.items() if k in cls.__dataclass_fields__})
