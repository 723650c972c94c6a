"""A believable small Sweden, labelled synthetic: `build()` makes it, `write_code_files()` writes its codes."""

from demo.sweden.agreements import DemoAgreement
from demo.sweden.build import Sweden, build, write_code_files
from demo.sweden.hospitals import Repair
from demo.sweden.offerings import DemoOffering
from demo.sweden.providers import DemoProvider
from demo.sweden.report import Report
from demo.sweden.units import DemoUnit

__all__ = [
    "DemoAgreement",
    "DemoOffering",
    "DemoProvider",
    "DemoUnit",
    "Repair",
    "Report",
    "Sweden",
    "build",
    "write_code_files",
]
