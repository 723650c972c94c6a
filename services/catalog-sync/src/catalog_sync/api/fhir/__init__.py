"""The code systems as a FHIR R4 terminology service: resources, operations, and errors in FHIR's words."""
