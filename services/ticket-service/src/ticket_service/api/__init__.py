"""The HTTP interface: one module a resource. Routes parse, ask the application, answer; they decide nothing."""
