"""Counts people on the images of a folder with MCNN in the SDK's streams, and compares with the ground truth.

Exit status: 0 all images counted, 1 some failed, 2 used wrongly, 3 could not start (SDK, pipeline, model, device).
"""

import argparse
import os
import sys

SOME_FAILED, USED_WRONGLY, NOT_STARTED = 1, 2, 3


def main() -> int:
    """Run the command line; return the exit status."""
    given = _arguments()
    try:
        from counting_stream import CountingStream, NotStarted
        from data_set import Refused
        from evaluation import Evaluation, complain
    except ImportError as error:
        sys.stderr.write(
            "main.py: %s: source the SDK's set_env.sh; numpy, protobuf, opencv-python are needed\n" % error
        )
        return NOT_STARTED
    try:
        evaluation = Evaluation(given.images, given.ground_truth_csv, given.output)
        stream = CountingStream(given.pipeline)
    except Refused as error:
        complain(str(error))
        return USED_WRONGLY
    except NotStarted as error:
        complain(str(error))
        return NOT_STARTED
    try:
        evaluation.run(stream, given.deadline)
    finally:
        stream.close()
    evaluation.tell_end()
    return SOME_FAILED if evaluation.failed else 0


def _arguments() -> argparse.Namespace:
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Counts people on a folder of images with MCNN in the SDK's streams.",
        epilog="Exit status: 0 all images counted, 1 some failed, 2 used wrongly, 3 could not start.",
    )
    parser.add_argument("images", metavar="IMAGES", help="folder with images of at most 1024 x 1024 pixels")
    parser.add_argument(
        "ground_truth_csv",
        metavar="GROUND_TRUTH_CSV",
        help="folder with density maps: IMG_1.csv for IMG_1.jpg",
    )
    parser.add_argument(
        "--pipeline",
        metavar="FILE",
        default=os.path.join(here, "mcnn.pipeline"),
        help="default: mcnn.pipeline beside this file; a relative modelPath in it begins in its folder",
    )
    parser.add_argument(
        "--output", metavar="DIR", help="for each density map: IMG_1.f32, float32 little-endian"
    )
    parser.add_argument(
        "--deadline",
        metavar="SECONDS",
        type=_seconds,
        default=60.0,
        help="for one result (default %(default)g)",
    )
    return parser.parse_args()


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1e6:
        raise ValueError(text)
    return value


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Not sys.exit: a thread may wait in the SDK for ever.
    os._exit(status)
