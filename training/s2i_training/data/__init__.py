"""Open data: fetching packages, rendering drawings, data sets."""
