"""One package an image: what a Batch job runs, and what only that image imports."""
