"""The checks of `normalization`, one module a part; here what they share."""

# Only what has a unit: drives, responses of the schemes and exponents are pure numbers.
UNITS = {"r": "spikes/s", "r_max": "spikes/s"}
