"""What a pipeline is: named pictures and settings in, named layers out.

A pipeline knows nothing of the daemon. Whoever runs it passes a `Progress`, through which it
reports steps and learns that it was cancelled.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from s2i_client.declaration import Declaration, Value


class Cancelled(Exception):
    """Raised inside a pipeline, at its next step, after the job was cancelled."""


class Progress:
    """A pipeline's line to whoever runs it. This base class reports to nobody.

    Pipelines call `step` between pieces of work that take at most some 100 ms; it raises
    `Cancelled` when the job is no longer wanted.
    """

    def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
        """Report that the step called `name` begins with `fraction` (0 to 1) of the job done.

        `preview`: a small picture, uint8 (height, width, 3 or 4), RGB(A), where there is one.
        """


@dataclass(frozen=True)
class Layer:
    """One layer of a result.

    `pixels`: (height, width, channels), rows top to bottom; 1 channel is gray, 2 gray and alpha,
    3 RGB, 4 RGBA with straight alpha; uint8, uint16, float16 or float32 (floats from 0 to 1).
    `origin`: canvas position (x, y) of the top left pixel. `title`: which one it is, for an output
    that is declared with `many`; at most 64 characters.
    """

    name: str
    pixels: np.ndarray
    origin: tuple[int, int] = (0, 0)
    title: str = ""


@dataclass
class Request:
    """A validated request as a pipeline sees it.

    `images`: arrays as in `Layer.pixels`, by input name, colors sRGB-encoded.
    `origins`: canvas position of each image's top left pixel; (0, 0) when absent.
    `memory`: a dictionary that lives as long as the document does, for what makes successive
    results consistent; pipelines keep their own keys in it.
    `frugal`: work in the least memory (smaller pieces), because the first try ran out of it.
    `timing`: where a pipeline adds seconds by phase, such as `network`, for those who ask what
    took so long.
    `notes`: where it adds what the user should know of a result that came all the same, such as
    files that could not be read; whole sentences, at most 8 of at most 512 characters are told.
    """

    images: Mapping[str, np.ndarray]
    parameters: Mapping[str, Value]
    outputs: tuple[str, ...]
    origins: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    memory: dict[str, Any] = field(default_factory=dict)
    frugal: bool = False
    timing: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Pipeline(ABC):
    """One loaded system or helper on one device.

    Subclasses set `declaration` and are constructed by `s2i_models.load`, with the file of
    weights for those that need one. Construction loads the weights.
    """

    declaration: ClassVar[Declaration]
    # Stem of the shipped weights file, or None for a pipeline without a network.
    weights_name: ClassVar[str | None] = None
    # How many requests with equal parameters and sizes `run_batch` takes; 1 is none together.
    max_batch: ClassVar[int] = 1

    def __init__(self, weights: Path | None = None, device: str = "cpu"):
        self.weights = weights
        self.device = device

    @abstractmethod
    def run(self, request: Request) -> list[Layer]:
        """Make the layers that `request.outputs` names, in that order.

        An output declared with `many` comes any number of times, one layer after the other.
        """

    def run_batch(self, requests: Sequence[Request]) -> list[list[Layer]]:
        """Run several requests of equal parameters and sizes; for pipelines with a `max_batch`.

        Any of them may raise `Cancelled`; the rest are then run one by one.
        """
        return [self.run(request) for request in requests]

    def memory_bytes(self) -> int:
        """Bytes that the loaded weights take, for the model cache."""
        return 0

    def __call__(
        self,
        *,
        outputs: list[str] | None = None,
        progress: Callable[[float, str], None] | None = None,
        **images_and_parameters: Any,
    ) -> dict[str, np.ndarray]:
        """Run without a daemon: arrays and settings as keywords, arrays by layer name back.

        Layers of an output that is `many` are numbered, such as "layer-01"; `layers` has all that
        is known of them. Raises `s2i_client.declaration.InvalidRequest` for a name or value that
        does not fit.
        """
        made = self.layers(outputs=outputs, progress=progress, **images_and_parameters)
        keys = self.declaration.keys([layer.name for layer in made])
        return {key: layer.pixels for key, layer in zip(keys, made, strict=True)}

    def layers(
        self,
        *,
        outputs: list[str] | None = None,
        progress: Callable[[float, str], None] | None = None,
        **images_and_parameters: Any,
    ) -> list[Layer]:
        """Like a call, with the layers in order and with origin and title."""
        images = {k: v for k, v in images_and_parameters.items() if isinstance(v, np.ndarray)}
        settings = {k: v for k, v in images_and_parameters.items() if k not in images}
        parameters, names = self.declaration.check(images, settings, outputs)
        request = Request(images=images, parameters=parameters, outputs=names)
        if progress is not None:
            request.progress = _Callback(progress)
        made = self.run(request)
        self.declaration.check_layers([layer.name for layer in made])
        return made


class _Callback(Progress):
    def __init__(self, report: Callable[[float, str], None]):
        self._report = report

    def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
        self._report(fraction, name)
