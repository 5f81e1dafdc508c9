"""A process with one client library in one version, that does what the cases ask for."""
