"""Gabor functions, and the one nearest to a filter."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import _validate

Array = NDArray[np.float64]

_MIN_SIDE = 4  # pixels: a Gabor has 8 parameters
_PADDING = 4  # of the Fourier transform that finds the starting frequencies
_N_FREQUENCIES = 3  # starting frequencies, each with every starting width
_WIDTHS = (0.1, 0.2, 0.4)  # starting standard deviations over the side
_TRIAL_ITERATIONS = 8  # after which only the best starts go on
_N_FINALISTS = 3
_MAX_ITERATIONS = 60
_CONVERGED = 1e-5  # relative decrease of the squared error in an iteration
_STUCK = 1e8  # damping beyond which no step decreases the error
_RIDGE = 1e-12  # keeps directions without any influence from making the equations singular
_MAX_FREQUENCY = 0.71  # cycles/pixel, the corner of the frequency plane
_MIN_SIGMA = 0.5  # pixels


@dataclass(frozen=True)
class GaborFit:
    """The Gabor function nearest to a filter, as `gabor` draws it.

    frequency: cycles/pixel.  orientation: of the stripes, degrees in [0, 180), counterclockwise
    from horizontal (90: vertical stripes).  phase: degrees in [-180, 180), 0 for a bright stripe
    through the center.  center: (row, column), pixels from the center of the first.  sigma:
    standard deviations of the envelope (across the stripes, along them), pixels.  r_squared: 1 -
    |filter - Gabor|^2 / |filter|^2, in [0, 1].  amplitude: of the envelope, > 0.
    """

    frequency: float
    orientation: float
    phase: float
    center: tuple[float, float]
    sigma: tuple[float, float]
    r_squared: float
    amplitude: float

    @property
    def bandwidth(self) -> float:
        """Full width of the tuning to frequency at half its height, octaves; inf for a low-pass.

        log2((f + h) / (f - h)),  h = sqrt(ln 2 / 2) / (pi sigma_across)
        """
        half_width = np.sqrt(np.log(2.0) / 2.0) / (np.pi * self.sigma[0])
        if self.frequency <= half_width:
            return float("inf")
        return float(np.log2((self.frequency + half_width) / (self.frequency - half_width)))

    def image(self, shape: tuple[int, int]) -> Array:
        """The fitted Gabor function on a grid of pixels, (h, w)."""
        return gabor(
            shape,
            frequency=self.frequency,
            orientation=self.orientation,
            phase=self.phase,
            center=self.center,
            sigma=self.sigma,
            amplitude=self.amplitude,
        )


def gabor(
    shape: tuple[int, int],
    *,
    frequency: float,
    orientation: float,
    phase: float,
    center: tuple[float, float],
    sigma: tuple[float, float],
    amplitude: float = 1.0,
) -> Array:
    """A Gabor function, a plane wave under a Gaussian envelope, (h, w)  {daugman1985}.

    amplitude * exp(-u^2 / (2 sigma_u^2) - v^2 / (2 sigma_v^2)) cos(2 pi frequency u + phase)

    with v along the stripes, at `orientation`, and u across them, at `orientation` - 90 degrees
    (so to the right for vertical stripes), both from `center`. Units as in `GaborFit`.
    Raises ValueError on a bad shape, a negative frequency or sigma <= 0.
    """
    height, width = (_validate.whole_number("shape", side, minimum=1) for side in shape)
    frequency = _validate.real_number("frequency", frequency, minimum=0.0)
    orientation = _validate.real_number("orientation", orientation)
    phase = _validate.real_number("phase", phase)
    amplitude = _validate.real_number("amplitude", amplitude)
    row, column = _validate.real_array("center", center, (2,))
    sigma_u, sigma_v = _validate.real_array("sigma", sigma, (2,))
    if min(sigma_u, sigma_v) <= 0.0:
        raise ValueError(f"sigma: expected numbers above 0, got {sigma_u:g}, {sigma_v:g}")
    y, x = np.mgrid[:height, :width]
    u, v = _rotated(x - column, y - row, np.deg2rad(orientation - 90.0))
    envelope = amplitude * np.exp(-0.5 * ((u / sigma_u) ** 2 + (v / sigma_v) ** 2))
    return envelope * np.cos(2.0 * np.pi * frequency * u + np.deg2rad(phase))


def fit_gabor(atom: ArrayLike) -> GaborFit:
    """The Gabor function that explains most of a filter, by least squares  {jones1987}.

    Levenberg-Marquardt from nine starts: the three highest peaks of the filter's Fourier
    transform, each with round envelopes of three widths, placed where they explain most; the
    best three after a few steps go on to convergence. The
    center stays on the filter, the frequency at or below .71 cycles/pixel, and sigma between .5
    pixels and twice the longer side, so that a plane wave, too, is nearly a Gabor: a high
    r_squared alone does not make a filter local.
    atom: (h, w).
    Raises ValueError on a filter that is not 2-D, smaller than 4 x 4, not finite or zero.
    """
    atom = _validate.real_array("atom", atom, ("height", "width"))
    if min(atom.shape) < _MIN_SIDE:
        raise ValueError(f"atom: expected at least 4 x 4 pixels, got shape {atom.shape}")
    scale = np.abs(atom).max()
    if scale == 0.0:
        raise ValueError("atom: expected a filter that is not zero everywhere")
    y, x = (grid.ravel() for grid in np.indices(atom.shape, dtype=np.float64))
    pixels = (atom / scale).ravel()
    starts = _starts(atom / scale)
    tried, error = _minimize(starts, x, y, pixels, atom.shape, _TRIAL_ITERATIONS)
    finalists = tried[np.argsort(error)[:_N_FINALISTS]]
    parameters, error = _minimize(finalists, x, y, pixels, atom.shape, _MAX_ITERATIONS)
    best = int(error.argmin())
    return _as_fit(parameters[best], 1.0 - error[best] / (pixels @ pixels), scale)


def _rotated(right: Array, down: Array, angle: Array | float) -> tuple[Array, Array]:
    """Coordinates along `angle`, counterclockwise from the right, and at 90 degrees beyond it."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return right * cosine - down * sine, -right * sine - down * cosine


def _starts(atom: Array) -> Array:
    """Parameters (n, 8) to start the fit from, rows as in `_model`."""
    side = max(atom.shape)
    y, x = np.indices(atom.shape, dtype=np.float64)
    starts = []
    for vertical, horizontal in _peak_frequencies(atom):
        wave = np.exp(-2j * np.pi * (horizontal * x + vertical * y))
        for sigma in (width * side for width in _WIDTHS):
            row, column = _best_center(atom * wave, sigma)
            angle = np.arctan2(-vertical, horizontal)
            frequency = np.hypot(vertical, horizontal)
            starts.append((column, row, angle, frequency, np.log(sigma), np.log(sigma), 0.0, 0.0))
    parameters = np.array(starts)
    for start in parameters:
        _, derivatives = _model(start[None], x.ravel(), y.ravel())
        start[6:] = np.linalg.lstsq(derivatives[0, 6:].T, atom.ravel(), rcond=None)[0]
    return parameters


def _peak_frequencies(atom: Array) -> list[tuple[float, float]]:
    """(vertical, horizontal) cycles/pixel of the highest peaks of the power spectrum."""
    rows, columns = (_PADDING * side for side in atom.shape)
    power = np.abs(np.fft.rfft2(atom, s=(rows, columns)))
    vertical, horizontal = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)
    peaks = []
    for _ in range(_N_FREQUENCIES):
        i, j = np.unravel_index(power.argmax(), power.shape)
        peaks.append((float(vertical[i, 0]), float(horizontal[j])))
        near_rows = np.abs((vertical - vertical[i] + 0.5) % 1.0 - 0.5) < 1.0 / atom.shape[0]
        power[near_rows & (np.abs(horizontal - horizontal[j]) < 1.0 / atom.shape[1])] = 0.0
    return peaks


def _best_center(demodulated: NDArray[np.complex128], sigma: float) -> tuple[int, int]:
    """(row, column) at which a Gaussian envelope picks up most of the atom's energy."""
    envelopes = []
    for side in demodulated.shape:
        index = np.arange(side)
        envelope = np.exp(-0.5 * ((index[:, None] - index) / sigma) ** 2)
        envelopes.append(envelope / np.linalg.norm(envelope, axis=1, keepdims=True))
    picked = np.abs(envelopes[0] @ demodulated @ envelopes[1].T)
    row, column = np.unravel_index(picked.argmax(), picked.shape)
    return int(row), int(column)


def _minimize(
    parameters: Array,
    x: Array,
    y: Array,
    pixels: Array,
    shape: tuple[int, ...],
    max_iterations: int,
) -> tuple[Array, Array]:
    """Parameters (n, 8) and squared errors (n,) after Levenberg-Marquardt from each start."""
    lower, upper = _bounds(shape)
    model, jacobian = _model(parameters, x, y)
    error = ((pixels - model) ** 2).sum(axis=1)
    damping = np.full(len(parameters), 1e-2)
    settled = np.zeros(len(parameters), dtype=bool)
    for _ in range(max_iterations):
        normal = jacobian @ jacobian.swapaxes(1, 2)
        diagonal = np.einsum("nii->ni", normal)  # a view
        diagonal += damping[:, None] * diagonal + _RIDGE
        step = np.linalg.solve(normal, jacobian @ (pixels - model)[:, :, None])[:, :, 0]
        proposed = np.clip(parameters + step, lower, upper)
        proposed_model, proposed_jacobian = _model(proposed, x, y)
        proposed_error = ((pixels - proposed_model) ** 2).sum(axis=1)
        better = proposed_error < error
        settled |= better & (error - proposed_error <= _CONVERGED * error) | (damping > _STUCK)
        damping *= np.where(better, 0.2, 5.0)
        parameters = np.where(better[:, None], proposed, parameters)
        error = np.where(better, proposed_error, error)
        model[better], jacobian[better] = proposed_model[better], proposed_jacobian[better]
        if settled.all():
            break
    return parameters, error


def _bounds(shape: tuple[int, ...]) -> tuple[Array, Array]:
    height, width = shape
    low, high = np.log(_MIN_SIGMA), np.log(2.0 * max(shape))
    free = np.inf
    lower = np.array([0.0, 0.0, -free, -_MAX_FREQUENCY, low, low, -free, -free])
    upper = np.array([width - 1.0, height - 1.0, free, _MAX_FREQUENCY, high, high, free, free])
    return lower, upper


def _model(parameters: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Gabor functions (n, n_pixels) and their derivatives (n, 8, n_pixels).

    Parameters: center x, center y, direction of the wave (radians), frequency, log sigma across
    and along the stripes, and the weights p, q of envelope * (p cos(2 pi f u) - q sin(2 pi f u)).
    """
    center_x, center_y, angle, frequency, log_u, log_v, p, q = parameters.T[:, :, None]
    u, v = _rotated(x - center_x, y - center_y, angle)
    scaled_u, scaled_v = u * np.exp(-2.0 * log_u), v * np.exp(-2.0 * log_v)
    envelope = np.exp(-0.5 * (u * scaled_u + v * scaled_v))
    cosine = envelope * np.cos(2.0 * np.pi * frequency * u)
    sine = envelope * np.sin(2.0 * np.pi * frequency * u)
    model = p * cosine - q * sine
    quadrature = -2.0 * np.pi * (p * sine + q * cosine)
    along_u = frequency * quadrature - scaled_u * model
    along_v = -scaled_v * model
    derivatives = [
        -np.cos(angle) * along_u + np.sin(angle) * along_v,
        np.sin(angle) * along_u + np.cos(angle) * along_v,
        v * along_u - u * along_v,
        u * quadrature,
        u * scaled_u * model,
        v * scaled_v * model,
        cosine,
        -sine,
    ]
    return model, np.stack(derivatives, axis=1)


def _as_fit(parameters: Array, r_squared: float, scale: float) -> GaborFit:
    """The fit in the conventions of `GaborFit`, of the one Gabor function that has many names."""
    x, y, angle, frequency, log_u, log_v, p, q = parameters.tolist()
    phase = np.arctan2(q, p)
    turns, orientation = divmod(np.rad2deg(angle) + 90.0, 180.0)
    if (frequency < 0.0) != (turns % 2 == 1):  # u then points the other way
        phase = -phase
    return GaborFit(
        frequency=abs(frequency),
        orientation=orientation,
        phase=(np.rad2deg(phase) + 180.0) % 360.0 - 180.0,
        center=(y, x),
        sigma=(float(np.exp(log_u)), float(np.exp(log_v))),
        r_squared=r_squared,
        amplitude=float(scale * np.hypot(p, q)),
    )
