"""From a clone to a deployment on AWS and back: `python -m deploy --help`, `make deploy`."""
