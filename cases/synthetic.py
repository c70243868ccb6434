"""Synthetic crowd scenes in the ShanghaiTech layout: planned from a seed, then drawn.

`plan` turns a seed into drawing instructions (where every person stands, how the light falls); the same seed gives the same instructions
everywhere. `draw` turns instructions into pixels. What is annotated is the centre of each head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cases import density
from cases.errors import OmgateError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

# Seeds of test scenes and of training scenes never meet: a model that was trained on what it is measured on proves nothing.
TEST_SEEDS = range(1, 1000)
TRAINING_SEEDS = range(100_000, 1_000_000)

SIZES = (  # (height, width) in pixels; odd sizes on purpose
    (1024, 1024), (768, 1024), (683, 1024), (720, 960), (600, 901), (1024, 683), (533, 800), (480, 640), (427, 640), (300, 400),
    (375, 501), (801, 599),
)  # fmt: skip
FEWEST, MOST = 5, 1500
SMALLEST_HEAD, LARGEST_HEAD = 3.0, 60.0  # pixels across
SUPERSAMPLING = 2  # drawn at twice the size, then averaged: heads of 3 pixels need soft edges


@dataclass(frozen=True)
class Person:
    """One person: head centre and head width in pixels (0-based), colours as BGR, lean and build as ratios."""

    x: float
    y: float
    head: float
    hair: tuple[int, int, int]
    skin: tuple[int, int, int]
    clothes: tuple[int, int, int]
    build: float
    lean: float
    turned: float  # 0 faces the camera, 1 shows the back of the head
    hat: bool


@dataclass(frozen=True)
class Scene:
    """All that is needed to draw one picture."""

    seed: int
    height: int
    width: int
    horizon: float  # row of the horizon
    ground: tuple[int, int, int]
    far: tuple[int, int, int]
    light: float  # overall brightness, 1 is noon
    contrast: float
    light_x: float  # -1 light from the left .. 1 from the right
    haze: float
    texture: float
    pattern: str
    grey: bool
    quality: int  # of the JPEG
    noise: float  # standard deviation in levels
    people: tuple[Person, ...]

    def points(self) -> NDArray[np.float64]:
        """Head centres (N, 2) float64, x and y, 1-based as in ShanghaiTech's files."""
        return np.array([(person.x + 1, person.y + 1) for person in self.people]).reshape(-1, 2)


def plan(seed: int, count: int | None = None, size: tuple[int, int] | None = None) -> Scene:
    """Drawing instructions for one scene; count of people and (height, width) follow from the seed unless given."""
    random = np.random.Generator(np.random.PCG64(seed))
    height, width = size or SIZES[int(random.integers(len(SIZES)))]
    drawn_count = round(float(np.exp(random.uniform(np.log(FEWEST), np.log(MOST)))))
    wanted = drawn_count if count is None else count
    horizon = height * random.uniform(0.02, 0.3)
    people = _place(random, wanted, height, width, horizon)
    tint = random.uniform(-18, 18, 3)
    ground_level = random.uniform(70, 175)
    return Scene(
        seed=seed,
        height=height,
        width=width,
        horizon=horizon,
        ground=_colour(ground_level + tint),
        far=_colour(random.uniform(120, 225) + random.uniform(-12, 12, 3)),
        light=float(random.uniform(0.62, 1.18)),
        contrast=float(random.uniform(0.75, 1.15)),
        light_x=float(random.uniform(-1, 1)),
        haze=float(random.uniform(0, 0.4)),
        texture=float(random.uniform(4, 22)),
        pattern=str(random.choice(["plain", "paving", "stands", "lawn"])),
        grey=bool(random.random() < 0.25),
        quality=int(random.integers(72, 90)),
        noise=float(random.uniform(0.5, 5)),
        people=people,
    )


def _colour(levels: NDArray[np.float64]) -> tuple[int, int, int]:
    blue, green, red = (int(value) for value in np.clip(np.round(levels), 0, 255))
    return blue, green, red


def _place(
    random: np.random.Generator, count: int, height: int, width: int, horizon: float
) -> tuple[Person, ...]:
    """People on a ground plane seen in perspective, in groups, no head quite hiding another; far ones first."""
    fits = np.sqrt(height * width / max(count, 1))  # pixels of picture a head has to itself
    nearest = float(np.clip(fits * random.uniform(0.5, 1.1), 2.0 * SMALLEST_HEAD, LARGEST_HEAD))
    farthest = float(max(SMALLEST_HEAD, nearest * random.uniform(0.22, 0.6)))
    groups = random.uniform((0, 0), (width, 1), (int(random.integers(1, 7)), 2))
    gathered = random.uniform(0.0, 0.6)  # share of people that stand in a group
    placed: list[tuple[float, float, float]] = []
    cell = max(nearest, 1.0)
    cells: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
    tries, crowding = 0, 0.95
    while len(placed) < count:
        tries += 1
        if tries % (4 * count + 200) == 0:  # no room left: smaller heads, closer together
            crowding *= 0.85
            nearest = max(nearest * 0.92, SMALLEST_HEAD)
            farthest = max(farthest * 0.92, SMALLEST_HEAD)
        depth = float(random.beta(1.0, 1.25))  # 0 far, 1 near
        x = float(random.uniform(0, width))
        if random.random() < gathered:
            group_x, group_depth = groups[int(random.integers(len(groups)))]
            x = float(random.normal(group_x, width * 0.08))
            depth = float(random.normal(group_depth, 0.09))
        if not (0 <= x < width and 0 <= depth <= 1):
            continue
        head = farthest + (nearest - farthest) * depth
        head *= float(random.normal(1, 0.05))
        head = float(np.clip(head, SMALLEST_HEAD, LARGEST_HEAD))
        y = horizon + (height - horizon - 1) * depth
        key = (int(x // cell), int(y // cell))
        around = (
            other
            for row in (-1, 0, 1)
            for column in (-1, 0, 1)
            for other in cells.get((key[0] + column, key[1] + row), ())
        )
        if any(
            (other[0] - x) ** 2 + (other[1] - y) ** 2 < (crowding * 0.5 * (other[2] + head)) ** 2
            for other in around
        ):
            continue
        placed.append((x, y, head))
        cells.setdefault(key, []).append(placed[-1])
    placed.sort(key=lambda person: person[1])
    return tuple(_person(random, *position) for position in placed)


def _person(random: np.random.Generator, x: float, y: float, head: float) -> Person:
    skin_level = random.uniform(0.45, 1.0)
    hair_level = float(random.choice([20, 28, 40, 60, 95, 150], p=[0.3, 0.25, 0.2, 0.12, 0.08, 0.05]))
    return Person(
        x=round(x, 3),
        y=round(y, 3),
        head=round(head, 3),
        hair=_colour(hair_level * np.array([0.8, 0.95, 1.15])),
        skin=_colour(skin_level * np.array([150.0, 175.0, 225.0])),
        clothes=_colour(random.uniform(15, 235) * random.uniform(0.55, 1.0, 3)),
        build=float(random.uniform(0.85, 1.2)),
        lean=float(random.normal(0, 0.08)),
        turned=float(np.clip(random.beta(0.7, 0.9), 0, 1)),
        hat=bool(random.random() < 0.08),
    )


def draw(scene: Scene) -> Image:
    """The picture (H, W, 3) uint8 BGR, or (H, W) for a grey scene."""
    import cv2

    scale = SUPERSAMPLING
    canvas = _background(scene, scale)
    for person in scene.people:
        _draw_person(canvas, scene, person, scale)
    picture = cv2.resize(canvas, (scene.width, scene.height), interpolation=cv2.INTER_AREA).astype(np.float32)
    random = np.random.Generator(np.random.PCG64([scene.seed, 2]))
    across = np.linspace(-1, 1, scene.width, dtype=np.float32)
    lit = scene.light * (1 + 0.15 * scene.light_x * across)
    picture = (picture - 110) * scene.contrast + 110
    picture *= lit[None, :, None]
    picture += random.normal(0, scene.noise, picture.shape[:2]).astype(np.float32)[:, :, None]
    finished = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    return cv2.cvtColor(finished, cv2.COLOR_BGR2GRAY) if scene.grey else finished


def _background(scene: Scene, scale: int) -> Image:
    import cv2

    random = np.random.Generator(np.random.PCG64([scene.seed, 1]))
    height, width = scene.height * scale, scene.width * scale
    horizon = int(scene.horizon * scale)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:horizon] = scene.far
    rows = np.linspace(0, 1, height - horizon, dtype=np.float32)[:, None, None]
    near, far = np.array(scene.ground, np.float32), np.array(scene.far, np.float32)
    blend = np.clip(1 - rows * 1.6, 0, 1) * scene.haze
    canvas[horizon:] = near * (0.8 + 0.3 * rows) * (1 - blend) + far * blend
    _skyline(canvas, random, horizon)
    rough = np.zeros((height, width), np.float32)
    for cells in (6, 24, 96, 320):  # clouds of light and dirt at several sizes
        noise = random.normal(0, 1, (cells, max(2, cells * width // height))).astype(np.float32)
        rough += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) * scene.texture / 2
    canvas += rough[:, :, None]
    _pattern(canvas, scene, random, horizon)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _skyline(canvas: NDArray[np.float32], random: np.random.Generator, horizon: int) -> None:
    """Buildings and trees behind the crowd: edges that are no people."""
    import cv2

    width = canvas.shape[1]
    x = 0
    while x < width and horizon > 8:
        span = int(random.uniform(0.03, 0.16) * width) + 1
        top = int(horizon * random.uniform(0.0, 0.9))
        level = random.uniform(50, 190)
        colour = (level * random.uniform(0.85, 1.1), level, level * random.uniform(0.85, 1.1))
        if random.random() < 0.65:
            cv2.rectangle(canvas, (x, top), (x + span, horizon), colour, -1)
            step = max(6, span // int(random.integers(3, 8)))
            for window_y in range(top + step // 2, horizon - step // 2, step):
                for window_x in range(x + step // 3, x + span - step // 2, step):
                    corner = (window_x + step // 2, window_y + step // 2)
                    shade = tuple(value * 0.7 for value in colour)
                    cv2.rectangle(canvas, (window_x, window_y), corner, shade, -1)
        else:
            for _ in range(12):
                centre = (x + int(random.uniform(0, span)), int(random.uniform(top, horizon)))
                radius = max(2, int(span * random.uniform(0.1, 0.3)))
                leaf = random.uniform(0.4, 0.8) * level
                cv2.circle(canvas, centre, radius, (leaf * 0.7, leaf, leaf * 0.75), -1, cv2.LINE_AA)
        x += span


def _pattern(canvas: NDArray[np.float32], scene: Scene, random: np.random.Generator, horizon: int) -> None:
    import cv2

    height, width = canvas.shape[:2]
    shade = tuple(float(value) * 0.82 for value in scene.ground)
    if scene.pattern == "paving":
        vanishing = (int(width * random.uniform(0.2, 0.8)), horizon)
        for x in np.linspace(-2 * width, 3 * width, int(random.integers(24, 60))):
            cv2.line(canvas, vanishing, (int(x), height), shade, 2, cv2.LINE_AA)
        for depth in np.linspace(0, 1, 26) ** 2:
            y = int(horizon + depth * (height - horizon))
            cv2.line(canvas, (0, y), (width, y), shade, 1 + int(2 * depth), cv2.LINE_AA)
    elif scene.pattern == "stands":
        for y in range(horizon, height, max(10, height // int(random.integers(14, 30)))):
            cv2.line(canvas, (0, y), (width, y), shade, max(2, height // 300))
    elif scene.pattern == "lawn":
        for _ in range(900):
            x, y = int(random.uniform(0, width)), int(random.uniform(horizon, height))
            tip = (x + int(random.normal(0, 4)), y - int(random.uniform(3, 14)))
            cv2.line(canvas, (x, y), tip, shade, 1, cv2.LINE_AA)


def _draw_person(canvas: Image, scene: Scene, person: Person, scale: int) -> None:
    import cv2

    bits = 4  # OpenCV draws with 1/16 pixel
    unit = scale * (1 << bits)
    head = person.head * unit

    def ellipse(
        dx: float, dy: float, width: float, height: float, colour: Sequence[float], angle: float = 0.0
    ) -> None:
        centre = (round((person.x + dx * person.head) * unit), round((person.y + dy * person.head) * unit))
        axes = (max(1, round(width * head / 2)), max(1, round(height * head / 2)))
        cv2.ellipse(canvas, centre, axes, angle, 0, 360, tuple(map(float, colour)), -1, cv2.LINE_AA, bits)

    def faded(colour: Sequence[int], shade: float = 1.0) -> list[float]:
        mist = scene.haze * 0.6 * (1 - min(1.0, person.head / 20))
        return [
            min(255.0, value * shade) * (1 - mist) + far * mist
            for value, far in zip(colour, scene.far, strict=True)
        ]

    side = -scene.light_x * 0.10
    angle = person.lean * 57
    build = person.build
    ellipse(-person.lean * 3 + scene.light_x * 0.5, 4.6, 2.4 * build, 1.0, faded(scene.ground, 0.6))  # shadow
    ellipse(-person.lean * 2, 2.9, 1.75 * build, 4.4, faded(person.clothes, 0.72), angle)  # body
    ellipse(-person.lean, 1.35, 2.35 * build, 1.7, faded(person.clothes, 0.8), angle)  # shoulders, dark side
    ellipse(-person.lean + side * -1.2, 1.3, 2.1 * build, 1.45, faded(person.clothes), angle)
    ellipse(0, 0.55, 0.45, 0.5, faded(person.skin, 0.7))  # neck
    ellipse(0, 0, 1.0, 1.22, faded(person.hair), angle)  # the whole head, hair
    if person.turned < 0.6:  # a face, more of it the less the person is turned
        show = 1 - person.turned
        ellipse(0.10 * person.turned, 0.16, 0.55 + 0.3 * show, 0.85, faded(person.skin), angle)
        ellipse(side + 0.1 * person.turned, 0.10, 0.45 + 0.2 * show, 0.6, faded(person.skin, 1.15), angle)
        if person.head > 14:
            for eye in (-0.17, 0.17):
                ellipse(eye + 0.1 * person.turned, 0.05, 0.12, 0.08, faded(person.hair, 0.8))
            ellipse(0.1 * person.turned, 0.42, 0.26, 0.08, faded(person.skin, 0.65))
    else:
        ellipse(side, -0.15, 0.6, 0.6, faded(person.hair, 1.5), angle)  # light on the hair
    if person.hat:
        ellipse(0, -0.3, 1.15, 0.75, faded(person.clothes, 1.25), angle)


def test_scenes() -> list[Scene]:
    """The 24 scenes of the default case: counts spread evenly over their logarithm from 5 to 1,500, every size twice."""
    counts = np.round(np.exp(np.linspace(np.log(FEWEST), np.log(MOST), 24))).astype(int)
    order = np.random.Generator(np.random.PCG64(24)).permutation(24)
    # The densest pictures need the room; the rest of the sizes go round.
    sizes = sorted(SIZES * 2, key=lambda size: size[0] * size[1])
    assigned: dict[int, tuple[int, int]] = {}
    small_first = [*order[order < 16], *range(16, 24)]
    for rank, size in zip(small_first, sizes, strict=True):
        assigned[int(rank)] = size
    ranks = np.random.Generator(np.random.PCG64(25)).permutation(24)
    return [
        plan(TEST_SEEDS[index], int(counts[rank]), assigned[int(rank)]) for index, rank in enumerate(ranks)
    ]


def encode(scene: Scene) -> bytes:
    """The scene as a JPEG file. The bytes depend on the encoder's build; the drawing instructions do not."""
    import cv2

    good, content = cv2.imencode(".jpg", draw(scene), [cv2.IMWRITE_JPEG_QUALITY, scene.quality])
    if not good:
        raise OmgateError(f"scene of seed {scene.seed}: OpenCV could not write a JPEG")
    return content.tobytes()


def generate(dest: Path, seeds: Sequence[int], progress: Callable[[int, int], None] | None = None) -> int:
    """Writes scenes into `dest` (images/, ground_truth/, ground_truth_csv/, counts.csv) and returns the number of people.

    Resumes: a picture whose files are all there is kept. `progress(done, total)` is called after each.
    """
    return write_scenes(dest, [plan(seed) for seed in seeds], progress)


def write_scenes(
    dest: Path, scenes: Sequence[Scene], progress: Callable[[int, int], None] | None = None, csv: bool = True
) -> int:
    """Writes planned scenes as IMG_1 ... IMG_n; see `generate`."""
    folders = [dest / name for name in ("images", "ground_truth", "ground_truth_csv")]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    lines = ["image,people,height,width,seed"]
    for number, scene in enumerate(scenes, 1):
        lines.append(f"IMG_{number},{len(scene.people)},{scene.height},{scene.width},{scene.seed}")
    _begin(dest / "counts.csv", lines)
    for number, scene in enumerate(scenes, 1):
        name = f"IMG_{number}"
        image, mat, table = (
            folders[0] / f"{name}.jpg",
            folders[1] / f"GT_{name}.mat",
            folders[2] / f"{name}.csv",
        )
        if not image.exists():
            density.write_atomically(image, encode(scene))
        if not mat.exists():
            density.write_points(mat, scene.points())
        if csv and not table.exists():
            density.write_csv(table, density.density_map(scene.points(), scene.height, scene.width))
        if progress:
            progress(number, len(scenes))
    return sum(len(scene.people) for scene in scenes)


def _begin(listing: Path, lines: list[str]) -> None:
    """Writes down first what will be made, so that resuming with other seeds into the same folder is noticed."""
    if listing.exists():
        before = listing.read_text(encoding="utf-8").splitlines()
        shared = min(len(before), len(lines))
        if before[:shared] != lines[:shared]:
            raise OmgateError(
                f"{listing}: other scenes lie here already; give another folder, or remove this one"
            )
    density.write_atomically(listing, ("\n".join(lines) + "\n").encode())
