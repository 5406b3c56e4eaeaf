"""Small changes of the state, followed through time: gradients backward, Lyapunov forward."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from course_utils import _validate
from course_utils.recurrence.memory import square

# A grid that averages smooth functions over a standard normal number to rounding, up to gains of
# some 100; Gauss and Hermite's nodes lie too far apart for a tanh that is steep.
_NODES = np.linspace(-10.0, 10.0, 4001)
_WEIGHTS = np.exp(-(_NODES**2) / 2)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def gradient_norms(states: ArrayLike, w_h: ArrayLike) -> NDArray[np.float64]:
    """Largest factor by which a small change of each state changes the last one.

    |dh_T/dh_t|_2 = |J_T ... J_(t+1)|_2,  J_t = diag(1 - h_t^2) W_h        {bengio1994}

    states: (t, n_h), those of a tanh network (`rnn_forward`), between -1 and 1.  w_h: (n_h, n_h).
    Returns (t,): spectral norms, the last one 1; infinite or 0 beyond the range of float64.
    Raises TypeError or ValueError on shapes that do not fit, NaN, infinity, states beyond 1.
    """
    w_h = square(w_h)
    states = _validate.real_array("states", states, ("t", len(w_h)))
    if (beyond := np.abs(states) > 1).any():
        raise ValueError(
            f"states: expected those of tanh units, from -1 to 1, got {states[beyond][0]:g}"
        )
    # The product is kept near 1 and its logarithm beside it, so that no length overflows it.
    product, log_size = np.eye(len(w_h)), 0.0
    log_norms = np.zeros(len(states))
    for t in range(len(states) - 1, 0, -1):
        product = (product * (1 - states[t] ** 2)) @ w_h
        if not product.any():
            log_norms[:t] = -np.inf
            break
        largest = np.abs(product).max()
        product /= largest
        log_size += np.log(largest)
        log_norms[t - 1] = log_size + np.log(np.linalg.eigvalsh(product @ product.T)[-1]) / 2
    with np.errstate(over="ignore"):
        return np.exp(log_norms)


def lyapunov_exponents(
    w_h: ArrayLike,
    *,
    n_steps: int,
    rng: np.random.Generator,
    n_exponents: int | None = None,
    n_transient: int = 200,
) -> NDArray[np.float64]:
    """Lyapunov exponents of h_t = tanh(W_h h_(t-1)), per step, largest first.

    J_t Q_(t-1) = Q_t R_t (QR decomposition);  Lambda_i = mean_t ln |R_t,ii|        {benettin1980}

    The state starts at random and runs for n_transient steps before n_steps are averaged.
    w_h: (n_h, n_h).  n_exponents: how many of the largest to follow, all n_h unless given.
    Returns (n_h,) or (n_exponents,); -inf where a direction is lost at once (singular W_h).
    Raises TypeError or ValueError on other shapes or values.
    """
    w_h = square(w_h)
    n_steps = _validate.whole_number("n_steps", n_steps, minimum=1)
    rng = _validate.generator("rng", rng)
    n_transient = _validate.whole_number("n_transient", n_transient, minimum=0)
    n = len(w_h)
    count = n if n_exponents is None else n_exponents
    count = _validate.whole_number("n_exponents", count, minimum=1)
    if count > n:
        raise ValueError(f"n_exponents: expected at most the {n} units, got {count}")
    h = rng.uniform(-1.0, 1.0, n)
    frame = np.linalg.qr(rng.standard_normal((n, count)))[0]
    total = np.zeros(count)
    for step in range(n_transient + n_steps):
        h = np.tanh(w_h @ h)
        h[np.abs(h) < 1e-200] = 0.0  # at rest, without the slow arithmetic of denormal numbers
        frame, r = np.linalg.qr((1 - h**2)[:, None] * (w_h @ frame))
        if step >= n_transient:
            with np.errstate(divide="ignore"):
                total += np.log(np.abs(np.diagonal(r)))
    return np.sort(total / n_steps)[::-1]


def mean_field_exponent(gain: ArrayLike) -> NDArray[np.float64]:
    """Largest Lyapunov exponent of h_t = tanh(W_h h_(t-1)) in the limit of many units.

    k = g^2 <tanh(sqrt(k) z)^2>,  Lambda = ln(g^2 <(1 - tanh(sqrt(k) z)^2)^2>) / 2   {molgedey1992}
    with z standard normal, W_h Gaussian of variance g^2 / n; k = 0 and Lambda = ln g up to g = 1

    gain: any shape, above 0.  Returns its shape.  Raises TypeError or ValueError on other values.
    """
    gain = _validate.real_array("gain", gain)
    if (gain <= 0).any():
        raise ValueError(f"gain: expected numbers above 0, got {gain.min():g}")
    return np.vectorize(_mean_field_exponent, otypes=[float])(gain)


def _mean_field_exponent(gain: float) -> float:
    variance = 0.0
    if gain > 1:

        def excess(k: float) -> float:
            return float(gain**2 * _WEIGHTS @ np.tanh(np.sqrt(k) * _NODES) ** 2 - k)

        # At small k the excess is (g^2 - 1) k - 2 g^2 k^2 and more: positive below this bound.
        low = min((gain**2 - 1) / (4 * gain**2), 0.1)
        variance = optimize.brentq(excess, low, gain**2, xtol=1e-14)
    slope = 1 - np.tanh(np.sqrt(variance) * _NODES) ** 2
    return float(np.log(gain**2 * _WEIGHTS @ slope**2) / 2)
