"""What the pipeline costs at full size. Timings are printed, never asserted: `make bench`."""
