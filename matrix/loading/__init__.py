"""Files to values: the project, its catalogue, its inventories, and what a grid is to be.

Everything read here is hostile until it is checked: a value that passes may be put into a
container's name, an argument list or a page. All faults of all files are reported at once.
"""

from matrix.loading.expected import load_expected
from matrix.loading.imports import import_inventory
from matrix.loading.inventory import load_lab_tables
from matrix.loading.project import find_project, load_project
from matrix.loading.saboteurs import load_saboteurs
from matrix.loading.schema import schema

__all__ = [
    "find_project",
    "import_inventory",
    "load_expected",
    "load_lab_tables",
    "load_project",
    "load_saboteurs",
    "schema",
]
