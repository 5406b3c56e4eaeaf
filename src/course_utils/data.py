"""Real data that installed packages carry, read from their files: nothing is ever downloaded."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SKIMAGE_PHOTOGRAPHS = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "camera": "camera.png",
    "chelsea": "chelsea.png",
    "clock": "clock_motion.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "moon": "moon.png",
    "motorcycle": "motorcycle_left.png",
    "rocket": "rocket.jpg",
}
_SKLEARN_PHOTOGRAPHS = {"china": "china.jpg", "flower": "flower.jpg"}
_STEREO_PAIR = ("motorcycle_left.png", "motorcycle_right.png")

# Rec. 709 weights of red, green and blue, the ones of skimage.color.rgb2gray.
_LUMINANCE_WEIGHTS = np.array([0.2125, 0.7154, 0.0721])

_GRASSHOPPER_SAMPLE_RATE = 20_000.0  # Hz

_FMRI_INTERVAL = 1.89  # s; the file does not say, nitime's example of resting-state fMRI does
_FMRI_NUISANCE = ("WM", "Vent", "Brain")


@dataclass(frozen=True, eq=False)
class SpikeRecording:
    """The sound one auditory receptor neuron heard, and its spikes.

    stimulus: (n_samples,), sound level in dB, sample i at time i / sample_rate.
    sample_rate: Hz.  spike_times: (n_spikes,), s, ascending.
    cutoff: Hz, the highest frequency of the level's fluctuations.
    """

    stimulus: NDArray[np.float64]
    sample_rate: float
    spike_times: NDArray[np.float64]
    cutoff: float

    @property
    def duration(self) -> float:
        """Length of the recording, s."""
        return self.stimulus.size / self.sample_rate


def load_grasshopper(recording: int = 1) -> SpikeRecording:
    """Ten seconds of a grasshopper's auditory receptor neuron, from the package nitime {rokem2006}.

    A pure tone's level fluctuates as Gaussian noise of standard deviation 6 dB, cut off at 3
    standard deviations, with frequencies up to 200 Hz (recording 1) or 800 Hz (recording 2).
    The file holds the tone's amplitude relative to its peak; the level returned is
    20 log10(amplitude) dB, with the peak at the intensity of the spike file's header as in
    nitime's own example. Only differences of level are safe to interpret.

    Raises ValueError unless `recording` is 1 or 2, ModuleNotFoundError where nitime is missing.
    """
    if recording not in (1, 2):
        raise ValueError(f"recording: expected 1 or 2, got {recording!r}")
    folder = _package_folder("nitime") / "data"
    spike_file = folder / f"grasshopper_spike_times{recording}.txt"
    header = _read_header(spike_file)
    microseconds, amplitude = np.loadtxt(folder / f"grasshopper_stimulus{recording}.txt").T
    expected = np.arange(microseconds.size) * (1e6 / _GRASSHOPPER_SAMPLE_RATE)
    if not np.array_equal(microseconds, expected):
        raise ValueError(f"{folder}: stimulus {recording} is not sampled every 50 microseconds")
    return SpikeRecording(
        stimulus=20.0 * np.log10(amplitude) + header["intensity (dB)"],
        sample_rate=_GRASSHOPPER_SAMPLE_RATE,
        spike_times=np.loadtxt(spike_file) * 1e-6,
        cutoff=header["cut-off frequency (Hz)"],
    )


@dataclass(frozen=True, eq=False)
class FMRIRecording:
    """The fMRI signal of one person's brain at rest, averaged over regions.

    signal: (n_volumes, n_regions), as preprocessed, one row a volume; no unit, and the level of a
    region means nothing.  regions: their names, L or R for the hemisphere first.
    nuisance: (n_volumes, 3), the averages over white matter, ventricles and the whole brain.
    interval: s between volumes.
    """

    signal: NDArray[np.float64]
    regions: tuple[str, ...]
    nuisance: NDArray[np.float64]
    interval: float

    @property
    def duration(self) -> float:
        """Length of the recording, s."""
        return len(self.signal) * self.interval


def load_resting_fmri() -> FMRIRecording:
    """Eight minutes of fMRI of one person at rest, 28 regions, from the package nitime.

    250 volumes, contributed by Beth Mormino, of a person who fixated a cross and stayed awake. How
    the series were preprocessed is not documented; 28 of the 31 columns are regions of gray matter.

    Raises ModuleNotFoundError where nitime is missing, ValueError where its file is another.
    """
    file = _package_folder("nitime") / "data" / "fmri_timeseries.csv"
    header = file.read_text(encoding="ascii").partition("\n")[0]
    names = tuple(name.strip('"') for name in header.split(","))
    if names[: len(_FMRI_NUISANCE)] != _FMRI_NUISANCE:
        raise ValueError(f"{file}: expected columns {_FMRI_NUISANCE} first, got {names[:3]}")
    columns = np.loadtxt(file, delimiter=",", skiprows=1)
    first = len(_FMRI_NUISANCE)
    return FMRIRecording(
        signal=columns[:, first:],
        regions=names[first:],
        nuisance=columns[:, :first],
        interval=_FMRI_INTERVAL,
    )


def load_photographs() -> dict[str, NDArray[np.float64]]:
    """Name -> luminance in [0, 1], (height, width), of every photograph that the packages carry.

    Twelve come with scikit-image (three of them, brick, grass and gravel, are textures) and two,
    china and flower, with scikit-learn. Luminance is .2125 R + .7154 G + .0721 B of the stored
    values: cameras and editors have already compressed them, so it is not proportional to light.
    Raises ModuleNotFoundError where one of the packages is missing.
    """
    files = {
        name: _package_folder("skimage") / "data" / file
        for name, file in _SKIMAGE_PHOTOGRAPHS.items()
    }
    images = _package_folder("sklearn") / "datasets" / "images"
    files |= {name: images / file for name, file in _SKLEARN_PHOTOGRAPHS.items()}
    return {name: _read_luminance(file) for name, file in sorted(files.items())}


def load_stereo_pair() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a left and a right eye see of one scene: luminance in [0, 1], (500, 741) each.

    The motorcycle of the Middlebury stereo benchmark {scharstein2014}, carried by scikit-image;
    rectified, so that a point of the scene lies on the same row in both. Luminance as in
    `load_photographs`.
    Raises ModuleNotFoundError where scikit-image is missing.
    """
    folder = _package_folder("skimage") / "data"
    left, right = (_read_luminance(folder / file) for file in _STEREO_PAIR)
    return left, right


def _package_folder(package: str) -> Path:
    """Where `package` is installed, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        distribution = {"skimage": "scikit-image", "sklearn": "scikit-learn"}.get(package, package)
        raise ModuleNotFoundError(
            f"this data is part of the package {distribution}, which is not installed: "
            f"run pip install {distribution}",
            name=package,
        )
    return Path(spec.submodule_search_locations[0])


def _read_luminance(file: Path) -> NDArray[np.float64]:
    from PIL import Image  # a dependency of matplotlib, not needed by the spike data

    with Image.open(file) as image:
        pixels = np.asarray(image, dtype=np.float64) / 255.0
    return pixels @ _LUMINANCE_WEIGHTS if pixels.ndim == 3 else pixels


def _read_header(file: Path) -> dict[str, float]:
    """The numbers among a file's `# name: value` lines."""
    header = {}
    for line in file.read_text(encoding="ascii").splitlines():
        name, colon, value = line.removeprefix("# ").rpartition(": ")
        if line.startswith("# ") and colon and value.strip().replace(".", "", 1).isdigit():
            header[name] = float(value)
    return header
