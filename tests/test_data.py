"""The loaders of packaged data: facts of the recordings and pictures, and clear errors."""

import sys

import numpy as np
import pytest

from course_utils import data

PHOTOGRAPHS = {
    "astronaut": (512, 512),
    "brick": (512, 512),
    "camera": (512, 512),
    "chelsea": (300, 451),
    "china": (427, 640),
    "clock": (300, 400),
    "coffee": (400, 600),
    "coins": (303, 384),
    "flower": (427, 640),
    "grass": (512, 512),
    "gravel": (512, 512),
    "moon": (512, 512),
    "motorcycle": (500, 741),
    "rocket": (427, 640),
}


@pytest.fixture(scope="module")
def photographs():
    pytest.importorskip("skimage")
    pytest.importorskip("sklearn")
    return data.load_photographs()


def test_photographs_are_luminance_between_0_and_1(photographs):
    assert {name: image.shape for name, image in photographs.items()} == PHOTOGRAPHS
    assert list(photographs) == sorted(photographs)
    for image in photographs.values():
        assert image.dtype == np.float64
        assert image.min() >= 0
        assert 0.75 <= image.max() <= 1


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_those_of_the_packages(photographs, name):
    """Our reading of the files against the packages' own functions."""
    from skimage import color
    from skimage import data as skimage_data
    from sklearn import datasets

    if name in ("china", "flower"):
        image = datasets.load_sample_image(f"{name}.jpg")
    elif name == "motorcycle":
        image = skimage_data.stereo_motorcycle()[0]
    else:
        image = getattr(skimage_data, name)()
    expected = color.rgb2gray(image) if image.ndim == 3 else image / 255
    np.testing.assert_allclose(photographs[name], expected, rtol=0, atol=1e-15)


def test_stereo_pair_matches_along_rows_at_the_measured_disparity():
    """Left column c shows what right column c - disparity shows, and not the other way round."""
    skimage_data = pytest.importorskip("skimage.data")
    left, right = data.load_stereo_pair()
    disparity = skimage_data.stereo_motorcycle()[2]
    rows, columns = np.nonzero(np.isfinite(disparity))
    matching = np.round(columns - disparity[rows, columns]).astype(int)
    inside = matching >= 0
    rows, columns, matching = rows[inside], columns[inside], matching[inside]
    assert np.corrcoef(left[rows, columns], right[rows, matching])[0, 1] > 0.9
    assert np.corrcoef(right[rows, columns], left[rows, matching])[0, 1] < 0.5


@pytest.mark.parametrize(
    ("recording", "n_spikes", "first", "last", "cutoff", "peak"),
    [(1, 929, 0.0067, 9.9993, 200.0, 76.4286), (2, 868, 0.0073, 9.9776, 800.0, 71.2)],
)
def test_grasshopper_recordings(recording, n_spikes, first, last, cutoff, peak):
    """The numbers of the files, and of the protocol in their headers: 6 dB, clipped at 3 of it."""
    pytest.importorskip("nitime")
    neuron = data.load_grasshopper(recording)
    assert neuron.stimulus.shape == (200_000,)
    assert neuron.sample_rate == 20_000.0
    assert neuron.duration == 10.0
    assert neuron.spike_times.shape == (n_spikes,)
    assert (neuron.spike_times[0], neuron.spike_times[-1]) == pytest.approx((first, last))
    assert (np.diff(neuron.spike_times) > 0.003).all()  # the refractory period
    assert neuron.stimulus.max() == pytest.approx(peak)
    assert np.ptp(neuron.stimulus) == pytest.approx(36, abs=1e-4)
    assert neuron.stimulus.std() == pytest.approx(6, rel=0.01)
    power = np.abs(np.fft.rfft(neuron.stimulus - neuron.stimulus.mean())) ** 2
    above = np.fft.rfftfreq(200_000, 1 / neuron.sample_rate) > neuron.cutoff * 1.01
    assert neuron.cutoff == cutoff
    assert power[above].sum() < 1e-3 * power.sum()


@pytest.mark.parametrize("recording", [1, 2])
def test_grasshopper_spikes_follow_loud_sound_by_six_to_seven_milliseconds(recording):
    pytest.importorskip("nitime")
    neuron = data.load_grasshopper(recording)
    spikes = np.round(neuron.spike_times * neuron.sample_rate).astype(int)
    lags = np.arange(0, 400)
    average = [neuron.stimulus[spikes[spikes >= 400] - lag].mean() for lag in lags]
    delay = lags[np.argmax(average)] / neuron.sample_rate
    assert 0.006 <= delay <= 0.0071
    assert max(average) - neuron.stimulus.mean() > 4  # dB


def test_grasshopper_does_not_import_nitime(monkeypatch):
    pytest.importorskip("nitime")
    for module in [name for name in sys.modules if name.split(".")[0] == "nitime"]:
        monkeypatch.delitem(sys.modules, module)
    data.load_grasshopper()
    assert "nitime" not in sys.modules


@pytest.mark.parametrize("recording", [0, 3, "1", None])
def test_grasshopper_names_the_recordings_there_are(recording):
    with pytest.raises(ValueError, match="recording: expected 1 or 2, got"):
        data.load_grasshopper(recording)


def test_grasshopper_rejects_a_stimulus_on_another_clock(monkeypatch, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "grasshopper_stimulus1.txt").write_text("0 0.5\n100 1.0\n")
    (folder / "grasshopper_spike_times1.txt").write_text("# intensity (dB): 70\n50\n")
    monkeypatch.setattr(data, "_package_folder", lambda package: tmp_path)
    with pytest.raises(ValueError, match="not sampled every 50 microseconds"):
        data.load_grasshopper(1)


def test_resting_fmri_is_the_file_of_nitime():
    """Its size, names and numbers, read off the file by another reader."""
    pytest.importorskip("nitime")
    recording = data.load_resting_fmri()
    assert recording.signal.shape == (250, 28)
    assert recording.nuisance.shape == (250, 3)
    assert recording.signal.dtype == np.float64
    assert recording.regions[:3] == ("LCau", "LPut", "LThal")
    assert recording.regions[-1] == "RPrec"
    assert len(set(recording.regions)) == 28
    assert recording.signal[0, 0] == -7.39443
    assert recording.nuisance[0, 0] == 10125.9
    assert recording.interval == 1.89
    assert recording.duration == pytest.approx(472.5)
    file = data._package_folder("nitime") / "data" / "fmri_timeseries.csv"
    table = np.genfromtxt(file, delimiter=",", names=True)
    for region, series in zip(recording.regions, recording.signal.T, strict=True):
        np.testing.assert_array_equal(series, table[region])


def test_resting_fmri_is_slow_and_alike_in_both_hemispheres():
    """What makes it worth predicting: neighbors in time and mirror regions resemble each other."""
    pytest.importorskip("nitime")
    recording = data.load_resting_fmri()
    z = recording.signal - recording.signal.mean(axis=0)
    z /= z.std(axis=0)
    assert (z[1:] * z[:-1]).mean() == pytest.approx(0.7, abs=0.05)
    correlation = np.corrcoef(z.T)
    left = [i for i, name in enumerate(recording.regions) if "R" + name[1:] in recording.regions]
    left = [i for i in left if recording.regions[i].startswith("L")]
    mirror = [recording.regions.index("R" + recording.regions[i][1:]) for i in left]
    assert len(left) >= 12
    others = correlation[np.triu_indices(28, 1)].mean()
    assert correlation[left, mirror].mean() > others + 0.3


def test_resting_fmri_rejects_another_file(monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fmri_timeseries.csv").write_text('"LCau","LPut","LThal"\n1,2,3\n')
    monkeypatch.setattr(data, "_package_folder", lambda package: tmp_path)
    with pytest.raises(ValueError, match="expected columns"):
        data.load_resting_fmri()


@pytest.mark.parametrize(
    ("load", "package"),
    [
        (data.load_photographs, "scikit-image"),
        (data.load_stereo_pair, "scikit-image"),
        (data.load_grasshopper, "nitime"),
        (data.load_resting_fmri, "nitime"),
    ],
)
def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch, load, package):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=f"not installed: run pip install {package}"):
        load()
