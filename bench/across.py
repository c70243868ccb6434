"""What two runs kept of one image, as parity needs it: exact counts from the records, maps from the folders where both keep them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.image import ImageRecord
    from reports.tolerance import MapPair


def stored_pair(folder: Path, record: ImageRecord, other_folder: Path, other: ImageRecord) -> MapPair:
    """The pair of an image that both runs have a count of, in the same geometry.

    The maps are the float16 ones of the runs' folders; without both, everything of them is None. `identical`: counts and, where they are there,
    maps are the same bit for bit. Raises ReportError for a map that is broken.
    """
    import msgspec

    from bench.parity import compare_maps
    from cases.preprocess import Geometry
    from reports.maps import MapStore
    from reports.run import MAPS_FOLDER
    from reports.tolerance import MapPair

    assert record.predicted_count is not None
    assert other.predicted_count is not None
    counts = (record.predicted_count, other.predicted_count)
    densities = [
        MapStore(run / MAPS_FOLDER).load(of.case, of.backend, of.image)
        for run, of in ((folder, record), (other_folder, other))
    ]
    density, other_density = densities
    if density is None or other_density is None or density.shape != other_density.shape:
        return MapPair(
            image=record.image,
            count=counts[0],
            other_count=counts[1],
            identical=counts[0] == counts[1],
            relative_l2=None,
            cosine=None,
            game=None,
        )
    geometry = Geometry(**record.geometry)  # type: ignore[arg-type]
    found = compare_maps(record.image, density, other_density, geometry)
    return msgspec.structs.replace(
        found, count=counts[0], other_count=counts[1], identical=found.identical and counts[0] == counts[1]
    )
