"""One program for each who does the work; all print one line of JSON."""
