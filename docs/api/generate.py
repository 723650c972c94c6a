"""Writes each service's OpenAPI document beside this file; with --check, tells which are stale and exits with 1."""

import argparse
import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Only named, never called: building an application connects to nothing.
UNUSED = {
    "postgres_url": "postgresql://unused/unused",
    "kafka_bootstrap": "unused:9092",
    "opensearch_url": "http://unused:9200",
    "oidc_issuer": "http://unused",
    "search_url": "http://unused",
    "agreements_url": "http://unused",
    "catalog_sync_url": "http://unused",
}
# Service → its settings; catalog-sync's api reads other ones than its worker.
SERVICES = {"agreements": "Settings", "search": "Settings", "catalog_sync": "ApiSettings", "gateway": "Settings"}


def main() -> int:
    """Exit code 1 when --check finds a stale file."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python docs/api/generate.py --check")
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for service, kind in SERVICES.items():
        settings = getattr(importlib.import_module(f"{service}.settings"), kind)
        given = settings(**{name: value for name, value in UNUSED.items() if name in settings.model_fields})
        document = importlib.import_module(f"{service}.main").api(given).openapi()
        text = json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        file = HERE / f"{service.replace('_', '-')}.json"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(file.name)
            if not check:
                file.write_text(text, encoding="utf-8")
    if check and stale:
        sys.stderr.write(f"docs/api is stale: {', '.join(stale)}; run `make generate`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
