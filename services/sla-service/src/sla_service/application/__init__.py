"""The use cases of the SLA service, without HTTP."""
