"""`python -m deploy COMMAND`: what `make deploy`, `images`, `site` and `destroy` run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from debate_analyzer.errors import DebateError
from deploy import parameters, release
from deploy.cloud import Cloud, explained
from deploy.destroy import destroy

OK, FAILED, INTERRUPTED = 0, 1, 130
_STEPS = {
    "check": release.check,
    "deploy": release.deploy,
    "images": release.images,
    "site": release.upload_site,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        with explained():
            if options.command == "destroy":
                environment = parameters.environment(release.PROJECT, options.env)
                cloud = Cloud(environment.region)
                destroy(cloud, environment, data=options.data == "delete", ask=input)
            else:
                prepared = release.prepare(release.PROJECT, options.env, options.parameters)
                _STEPS[options.command](prepared)
    except (DebateError, EOFError) as error:
        print(str(error) or "Nobody is there to answer.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy", description="To AWS and back.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in {
        "check": "say what is in the way of a deployment; make nothing",
        "deploy": "check, build, deploy, push the images, upload the site",
        "images": "build and push the workers' images alone",
        "site": "upload the page alone",
        "destroy": "delete the deployment, keep its data",
    }.items():
        command = commands.add_parser(name, help=purpose, description=purpose)
        command.add_argument("--env", default="dev", help="of samconfig.toml (default: dev)")
        if name == "destroy":
            command.add_argument("--data", choices=("keep", "delete"), default="keep")
        else:
            command.add_argument("--parameters", default="", metavar="'A=1 B=2'")
    return parser


if __name__ == "__main__":
    sys.exit(main())
