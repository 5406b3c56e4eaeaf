"""A harness for learning rules: a rule sees what is at its synapse, and nothing else."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from course_utils import _validate
from course_utils.credit_assignment.feedback import (
    check_feedback,
    direct_signals,
    layered_signals,
)
from course_utils.credit_assignment.network import (
    Floats,
    Layer,
    check_network,
    output_error,
    run,
    slope,
)
from course_utils.credit_assignment.targets import check_inverses, propagate_targets

CHANNELS = ("none", "broadcast", "direct", "layered", "targets")
_SEEN = ("pre", "post", "slope", "weight", "error")
_WEIGHTS_ELSEWHERE = (
    "those weights are at the synapses of another layer: to read them here is weight transport"
)
_KNOWN_AT_THE_OUTPUT = "it is known at the output; here it comes as `error`, if a channel brings it"
_WHY_NOT = {
    **dict.fromkeys(
        ("weight_above", "weights_above", "next_weight", "w_next", "forward_weights", "network"),
        _WEIGHTS_ELSEWHERE,
    ),
    **dict.fromkeys(
        ("targets", "target", "labels", "loss", "outputs", "output_error"), _KNOWN_AT_THE_OUTPUT
    ),
    "feedback": "feedback weights are at the synapses that bring the error; the rule gets what "
    "they deliver, as `error`",
    **dict.fromkeys(
        ("delta", "delta_above", "activities", "inputs"),
        "it is the activity of neurons that this synapse does not connect",
    ),
}
_SHOWN_ALONE = 12  # synapses of each layer that are shown to the rule one by one
_ROUNDING = 1e-9


class LocalityError(ValueError):
    """A learning rule used something that is not at its synapse."""


class Synapse:
    """What a synapse sees, for all synapses of a layer and all samples at once.

    pre: (n, 1, n_in), the activity before it, 1 for a bias.  post: (n, n_out, 1), the activity
    behind it.  slope: the slope of f there, of the same shape.  weight: (n_out, n_in), its own.
    error: what a channel brings to the neuron behind it, (n, n_out, 1), or (n, 1, 1) where all
    neurons get the same; LocalityError where nothing brings it.

    The arrays are copies, and read-only.  Reading any other attribute raises LocalityError, which
    says what was read and why it is not there.
    """

    __slots__ = ("_seen",)

    def __init__(self, **seen: Floats) -> None:
        for array in seen.values():
            array.flags.writeable = False
        object.__setattr__(self, "_seen", seen)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # protocols that Python and NumPy ask any object for
            raise AttributeError(name)
        if name in self._seen:
            return self._seen[name]
        if name == "error":
            _refuse(name, "no channel brings an error to this layer (channel='none')")
        listed = ", ".join(seen for seen in _SEEN if seen in self._seen)
        _refuse(name, _WHY_NOT.get(name, f"this synapse sees {listed}, and nothing else"))

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise LocalityError(f"{name}: a rule returns its update; it cannot change what it sees")

    def __dir__(self) -> list[str]:
        return [name for name in _SEEN if name in self._seen]


Rule = Callable[[Synapse], Any]


def local_gradients(
    rule: Rule,
    network: list[Layer],
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    channel: str = "none",
    feedback: Sequence[Any] | None = None,
    loss: str = "squared",
    hidden: str = "tanh",
    step_size: float = 0.1,
) -> list[Layer]:
    """What `rule` makes of each synapse, averaged over samples, if it is local.

    rule(synapse) -> an array that broadcasts to (n, n_out, n_in), in the sense of a gradient
    (weights move against it).  A bias is the weight of an input that is always 1.
    channel: what is delivered to hidden neurons as `error`:
      "none"       nothing;
      "broadcast"  the sample's loss, one number for all;
      "direct"     B_l dE/dy, `feedback` as in `direct_feedback_alignment_gradients`;
      "layered"    B_l delta_(l+1), `feedback` as in `feedback_alignment_gradients`;
      "targets"    (x_l - xhat_l) / step_size, `feedback` the inverses of
                   `difference_target_propagation`.
    Output neurons get their own dE/dy, but with "none" and "broadcast".
    The rule is then shown single synapses of each layer alone, and has to give them the same.

    Raises LocalityError when the rule reads what is not at its synapse, when what it gives one
    synapse depends on others, or when `feedback` is a view of the forward weights; ValueError or
    TypeError on bad arguments or an update of the wrong shape.  It cannot see what a rule carries
    in with it, as a closure over the network: it is a seat belt, not a sandbox.
    """
    if not callable(rule):
        raise TypeError(f"rule: expected a function of one Synapse, got {type(rule).__name__}")
    network = check_network(network)
    activities = run(network, inputs, hidden)
    signals = _deliver(
        network, activities, targets, channel, feedback, loss=loss, hidden=hidden, step=step_size
    )
    gradients = []
    for number, (layer, signal) in enumerate(zip(network, signals, strict=True)):
        pre, post = activities[number][:, None, :], activities[number + 1][:, :, None]
        bend = slope(post, hidden) if number + 1 < len(network) else 1.0
        seen = {"post": post, "slope": np.broadcast_to(bend, post.shape)}
        if signal is not None:
            seen["error"] = signal[:, :, None]
        weight = _ask(rule, {**seen, "pre": pre, "weight": layer.weight})
        _try_alone(rule, {**seen, "pre": pre, "weight": layer.weight}, weight, number)
        constant = {"pre": np.ones((len(pre), 1, 1)), "weight": layer.bias[:, None]}
        gradients.append(Layer(weight, _ask(rule, {**seen, **constant})[:, 0]))
    return gradients


def _deliver(
    network: list[Layer],
    activities: list[Floats],
    targets: ArrayLike,
    channel: str,
    feedback: Any,
    *,
    loss: str,
    hidden: str,
    step: float,
) -> Sequence[Floats | None]:
    """What the channel brings to each layer."""
    _validate.one_of("channel", channel, CHANNELS)
    _, error = output_error(activities[-1], targets, loss)
    if channel in ("none", "broadcast"):
        if feedback is not None:
            raise ValueError(f"feedback: channel {channel!r} has none, expected None")
        if channel == "none":
            return [None] * len(network)
        return [_losses(activities[-1], np.asarray(targets), loss)] * len(network)
    if channel == "targets":
        inverses = check_inverses(network, feedback)
        _refuse_copies(network, [inverse[0] for inverse in feedback])
        step = _validate.real_number("step_size", step, above=0)
        aims = propagate_targets(inverses, activities, activities[-1] - step * error, hidden=hidden)
        pairs = zip(activities[1:-1], aims[:-1], strict=True)
        return [(x - aim) / step for x, aim in pairs] + [error]
    matrices = check_feedback(network, feedback, direct=channel == "direct")
    _refuse_copies(network, feedback)
    if channel == "direct":
        return direct_signals(matrices, error)
    return layered_signals(activities, matrices, error, hidden)


def _losses(outputs: Floats, targets: Any, loss: str) -> Floats:
    """The loss of each sample, (n, 1)."""
    pairs = zip(outputs, targets, strict=True)
    return np.array([[output_error(y[None], t[None], loss)[0]] for y, t in pairs])


def _refuse_copies(network: list[Layer], matrices: Sequence[Any]) -> None:
    for number, matrix in enumerate(matrices):
        for index, layer in enumerate(network):
            if np.shares_memory(matrix, layer.weight):
                raise LocalityError(
                    f"feedback[{number}] is a view of network[{index}].weight: "
                    "a backward synapse cannot read a forward one. Feedback weights are "
                    "numbers of their own, random or learned"
                )


def _ask(rule: Rule, seen: dict[str, Floats]) -> Floats:
    shape = (len(seen["pre"]), *seen["weight"].shape)
    update = rule(Synapse(**{name: array.copy() for name, array in seen.items()}))
    try:
        update = np.broadcast_to(np.asarray(update), shape)
    except ValueError:
        raise ValueError(
            f"rule: expected an update that broadcasts to (n, n_out, n_in) = {shape}, "
            f"got shape {np.shape(update)}"
        ) from None
    return np.asarray(_validate.real_array("rule's update", update, shape).mean(axis=0))


def _try_alone(rule: Rule, seen: dict[str, Floats], together: Floats, number: int) -> None:
    """Show the rule single synapses; each must get what it got in company."""
    n_out, n_in = together.shape
    room = _ROUNDING * max(1.0, float(np.abs(together).max()))
    for flat in np.unique(np.linspace(0, n_out * n_in - 1, _SHOWN_ALONE).astype(int)):
        i, j = divmod(int(flat), n_in)
        alone = {
            "pre": seen["pre"][:, :, j : j + 1],
            "weight": seen["weight"][i : i + 1, j : j + 1],
            **{name: seen[name][:, i : i + 1] for name in ("post", "slope")},
        }
        if "error" in seen:
            shared = seen["error"].shape[1] == 1
            alone["error"] = seen["error"] if shared else seen["error"][:, i : i + 1]
        if abs(_ask(rule, alone)[0, 0] - together[i, j]) > room:
            raise LocalityError(
                f"the update of synapse ({i}, {j}) of network[{number}] is another when the rule "
                "is shown that synapse alone: it uses the activity or the weights of others"
            )


def _refuse(name: str, why: str) -> NoReturn:
    raise LocalityError(f"{name} cannot be read at this synapse: {why}")
