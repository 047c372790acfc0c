"""`echo`: the way there and back, without a network."""

import time

from s2i_models.echo.declaration import DECLARATION
from s2i_models.pipeline import Layer, Pipeline, Request


class PipelineImpl(Pipeline):
    """Returns the sketch, after `seconds` of cancellable waiting."""

    declaration = DECLARATION

    def run(self, request: Request) -> list[Layer]:
        seconds = float(request.parameters["seconds"])
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < seconds:
            request.progress.step(passed / seconds, "waiting")
            time.sleep(0.01)
        origin = request.origins.get("sketch", (0, 0))
        return [Layer("image", request.images["sketch"], origin)]
