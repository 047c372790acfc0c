"""The sketch systems as a library: `load("auto_painter")(sketch=array)["color"]`.

Importing this package imports neither torch nor numpy; loading a pipeline does.
"""

from s2i_models.catalog import declaration, declarations, load

__all__ = ["declaration", "declarations", "load"]
