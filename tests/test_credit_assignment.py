"""Credit assignment: torch's gradients, exact alignment, reachable targets, locality, bad input."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from course_utils.credit_assignment import (
    Layer,
    LocalityError,
    Synapse,
    alignment_angle,
    backprop_gradients,
    descend,
    difference_target_propagation,
    direct_feedback_alignment_gradients,
    feedback_alignment_gradients,
    forward,
    frozen_alignment,
    init_feedback,
    init_inverses,
    init_network,
    kolen_pollack_step,
    local_gradients,
    propagate_targets,
    reconstruction_gradients,
    train,
)
from course_utils.credit_assignment.network import output_error

claim = pytest.mark.claim
seeds = st.integers(0, 2**32 - 1)
SIZES = (4, 6, 5, 3)
both_losses = pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
both_hidden = pytest.mark.parametrize("hidden", ["tanh", "linear"])


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small matrices: a second thread would only wait for the first."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


def problem(seed=0, sizes=SIZES, n=7, loss="squared"):
    """A network with biases, inputs and targets."""
    rng = np.random.default_rng(seed)
    network = [
        Layer(layer.weight, 0.3 * rng.standard_normal(layer.bias.shape))
        for layer in init_network(sizes, rng)
    ]
    targets = (
        rng.standard_normal((n, sizes[-1]))
        if loss == "squared"
        else rng.integers(sizes[-1], size=n)
    )
    return network, rng.standard_normal((n, sizes[0])), targets, rng


def torch_loss(network, inputs, targets, loss, hidden):
    """The loss by torch, and the tensors of weights and biases it depends on."""
    parameters = [[torch.tensor(array, requires_grad=True) for array in layer] for layer in network]
    x = torch.tensor(inputs)
    for number, (weight, bias) in enumerate(parameters):
        x = torch.nn.functional.linear(x, weight, bias)
        if hidden == "tanh" and number + 1 < len(parameters):
            x = torch.tanh(x)
    if loss == "squared":
        value = torch.nn.functional.mse_loss(x, torch.tensor(targets), reduction="sum") / (
            2 * len(inputs)
        )
    else:
        value = torch.nn.functional.cross_entropy(x, torch.tensor(targets))
    return value, parameters


def same(ours, theirs, tolerance=1e-12):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.weight, b.weight, rtol=0, atol=tolerance)
        np.testing.assert_allclose(a.bias, b.bias, rtol=0, atol=tolerance)


def loss_of(network, inputs, targets, loss="squared", hidden="tanh"):
    return output_error(forward(network, inputs, hidden=hidden)[-1], targets, loss)[0]


def inner(a, b):
    return sum(
        float((p.weight * q.weight).sum() + p.bias @ q.bias) for p, q in zip(a, b, strict=True)
    )


def transposes(network):
    return [layer.weight.T.copy() for layer in network[1:]]


def chained(network):
    """W_(l+1)^T ... W_L^T for each hidden layer."""
    products = [network[-1].weight.T]
    for layer in network[-2:0:-1]:
        products.append(layer.weight.T @ products[-1])
    return products[::-1]


def digits():
    data = load_digits()
    inputs = (data.data - data.data.mean(axis=0)) / 16
    order = np.random.default_rng(0).permutation(len(inputs))
    return (
        inputs[order[:1347]],
        data.target[order[:1347]],
        inputs[order[1347:]],
        data.target[order[1347:]],
    )


def small_network(sizes, rng, scale=0.3):
    return [Layer(scale * layer.weight, layer.bias) for layer in init_network(sizes, rng)]


def accuracy(network, inputs, classes):
    return float((forward(network, inputs)[-1].argmax(axis=1) == classes).mean())


# Backpropagation


@claim("credit_assignment-1")
@both_losses
@both_hidden
@pytest.mark.parametrize("sizes", [(3, 2), (4, 6, 3), SIZES, (2, 3, 4, 5, 3)])
def test_backpropagation_is_autograd(loss, hidden, sizes):
    network, inputs, targets, _ = problem(1, sizes, loss=loss)
    value, parameters = torch_loss(network, inputs, targets, loss, hidden)
    value.backward()
    ours = backprop_gradients(network, inputs, targets, loss=loss, hidden=hidden)
    same(ours, [Layer(w.grad.numpy(), b.grad.numpy()) for w, b in parameters], 1e-13)
    assert loss_of(network, inputs, targets, loss, hidden) == pytest.approx(value.item(), rel=1e-13)


@claim("credit_assignment-1")
def test_one_path_written_out():
    """One unit a layer: dE/dw_1 = (y - t) w_2 (1 - h^2) x, a product along the path."""
    network = [Layer(np.array([[0.5]]), np.zeros(1)), Layer(np.array([[2.0]]), np.zeros(1))]
    h = np.tanh(0.5 * 0.8)
    error = 2 * h - 1.0
    first, second = backprop_gradients(network, [[0.8]], [[1.0]])
    assert second.weight[0, 0] == pytest.approx(error * h, rel=1e-14)
    assert first.weight[0, 0] == pytest.approx(error * 2.0 * (1 - h**2) * 0.8, rel=1e-14)


@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_a_gradient_is_the_slope_of_the_loss(seed):
    network, inputs, targets, rng = problem(seed)
    gradients = backprop_gradients(network, inputs, targets)
    way = [Layer(*(rng.standard_normal(a.shape) for a in layer)) for layer in network]
    ends = [
        loss_of(descend(network, way, 1e-5), inputs, targets),
        loss_of(descend(network, [Layer(-w, -b) for w, b in way], 1e-5), inputs, targets),
    ]
    assert (ends[1] - ends[0]) / 2e-5 == pytest.approx(inner(gradients, way), rel=1e-5, abs=1e-7)


# Weight transport


@claim("credit_assignment-2")
@both_losses
@both_hidden
def test_the_way_back_needs_the_forward_weights_transposed(loss, hidden):
    """Feedback alignment with B = W^T is backpropagation; with any other B it is not."""
    network, inputs, targets, rng = problem(2, loss=loss)
    exact = backprop_gradients(network, inputs, targets, loss=loss, hidden=hidden)
    arguments = {"loss": loss, "hidden": hidden}
    same(
        feedback_alignment_gradients(network, transposes(network), inputs, targets, **arguments),
        exact,
    )
    other = feedback_alignment_gradients(
        network, init_feedback(network, rng), inputs, targets, **arguments
    )
    same(other[-1:], exact[-1:], 1e-15)
    assert alignment_angle(other[0].weight, exact[0].weight) > 20


@claim("credit_assignment-2")
def test_the_gradient_of_a_synapse_depends_on_weights_elsewhere_when_all_it_sees_is_the_same():
    """Scale the weights above and the target so that pre, post and error stay: dE/dw changes."""
    network, inputs, targets, _ = problem(3, (4, 6, 3))
    x = forward(network, inputs)
    turned = [network[0], Layer(network[1].weight[:, ::-1], network[1].bias)]
    moved = targets + forward(turned, inputs)[-1] - x[-1]
    np.testing.assert_array_equal(forward(turned, inputs)[1], x[1])
    feedback = [np.random.default_rng(0).standard_normal((6, 3))]
    one, other = (
        feedback_alignment_gradients(n, feedback, inputs, t)
        for n, t in ((network, targets), (turned, moved))
    )
    same(one, other)
    one, other = (
        backprop_gradients(n, inputs, t) for n, t in ((network, targets), (turned, moved))
    )
    assert np.abs(one[0].weight - other[0].weight).max() > 0.1


# Feedback alignment


@both_losses
@both_hidden
@pytest.mark.parametrize("direct", [False, True])
def test_feedback_is_autograd_of_a_network_whose_backward_pass_is_replaced(loss, hidden, direct):
    """Torch, with hooks that put B delta in the place of W^T delta."""
    network, inputs, targets, rng = problem(4, loss=loss)
    feedback = init_feedback(network, rng, direct=direct)
    parameters = [[torch.tensor(a, requires_grad=True) for a in layer] for layer in network]
    output = {}
    sent = []
    x = torch.tensor(inputs)
    for number, (weight, bias) in enumerate(parameters):
        total = torch.nn.functional.linear(x.detach(), weight, bias)
        last = number + 1 == len(parameters)
        x = torch.tanh(total) if hidden == "tanh" and not last else total
        sent.append((total, x))
    y = sent[-1][1]
    value = (
        ((y - torch.tensor(targets)) ** 2).sum() / (2 * len(inputs))
        if loss == "squared"
        else torch.nn.functional.cross_entropy(y, torch.tensor(targets))
    )
    output["y"] = delta = torch.autograd.grad(value, y, retain_graph=True)[0]
    value.backward()
    for number in (1, 0):
        total, x = sent[number]
        came = (output["y"] if direct else delta) @ torch.tensor(feedback[number]).T
        delta = torch.autograd.grad(x, total, came, retain_graph=True)[0]
        x.backward(came)
    rule = direct_feedback_alignment_gradients if direct else feedback_alignment_gradients
    ours = rule(network, feedback, inputs, targets, loss=loss, hidden=hidden)
    same(ours, [Layer(w.grad.numpy(), b.grad.numpy()) for w, b in parameters])


@both_losses
def test_direct_feedback_through_the_product_of_transposes_is_the_gradient_if_linear(loss):
    network, inputs, targets, _ = problem(5, loss=loss)
    arguments = {"loss": loss, "hidden": "linear"}
    same(
        direct_feedback_alignment_gradients(
            network, chained(network), inputs, targets, **arguments
        ),
        backprop_gradients(network, inputs, targets, **arguments),
    )


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_with_one_hidden_layer_both_feedbacks_are_one(seed):
    network, inputs, targets, rng = problem(seed, (4, 6, 3))
    feedback = init_feedback(network, rng)
    same(
        feedback_alignment_gradients(network, feedback, inputs, targets),
        direct_feedback_alignment_gradients(network, feedback, inputs, targets),
        0,
    )


def test_feedback_has_the_variance_of_what_it_replaces():
    rng = np.random.default_rng(6)
    network = init_network((50, 80, 60, 40), rng)
    for direct, replaced in ((False, transposes(network)), (True, chained(network))):
        for b, w in zip(init_feedback(network, rng, direct=direct), replaced, strict=True):
            assert b.shape == w.shape
            assert b.var() == pytest.approx(w.var(), rel=0.15)


@claim("credit_assignment-3")
def test_in_a_linear_network_with_one_output_the_readout_grows_along_the_feedback():
    """From W_1 = 0, whatever the data: the change of W_2 is a multiple of B^T, at every step."""
    rng = np.random.default_rng(7)
    inputs, targets = rng.standard_normal((40, 5)), rng.standard_normal((40, 1))
    network = init_network((5, 8, 1), rng)
    start = [Layer(0 * network[0].weight, network[0].bias), network[1]]
    feedback = init_feedback(network, rng)
    current, changes = start, []
    for _ in range(300):
        update = feedback_alignment_gradients(current, feedback, inputs, targets, hidden="linear")
        current = descend(current, update, 0.02)
        changes.append(current[1].weight - start[1].weight)
    assert not changes[0].any()  # the hidden layer is silent before the first step
    assert max(alignment_angle(change, feedback[0].T) for change in changes[1:]) < 1e-5


@claim("credit_assignment-3")
def test_feedback_alignment_turns_its_updates_toward_the_gradient_and_nulls_do_not():
    """Digits, 3 seeds, a short run: angles start near 90 degrees and fall; fresh B never do."""
    inputs, classes, test_inputs, test_classes = digits()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        network = small_network((64, 100, 100, 10), rng)
        fixed = init_feedback(network, rng)

        def fixed_step(n, x, t, fixed=fixed):
            g = feedback_alignment_gradients(n, fixed, x, t, loss="cross_entropy")
            return descend(n, g, 0.2)

        def fresh_step(n, x, t, rng=rng):
            g = feedback_alignment_gradients(n, init_feedback(n, rng), x, t, loss="cross_entropy")
            return descend(n, g, 0.2)

        ends = {
            step: train(
                network,
                step,
                inputs,
                classes,
                n_epochs=6,
                batch_size=32,
                rng=np.random.default_rng(seed),
            )[-1]
            for step in (fixed_step, fresh_step)
        }
        for end, feedback, low, high in (
            (network, fixed, 78, 102),
            (ends[fixed_step], fixed, 25, 62),
            (ends[fresh_step], init_feedback(network, rng), 75, 105),
        ):
            exact = backprop_gradients(end, inputs, classes, loss="cross_entropy")
            ours = feedback_alignment_gradients(
                end, feedback, inputs, classes, loss="cross_entropy"
            )
            for a, b in zip(ours[:-1], exact[:-1], strict=True):
                assert low < alignment_angle(a.weight, b.weight) < high
        assert accuracy(ends[fixed_step], test_inputs, test_classes) > 0.93
        assert accuracy(ends[fresh_step], test_inputs, test_classes) < 0.9


@claim("credit_assignment-4")
def test_an_angle_below_90_degrees_lowers_the_loss_for_a_small_step_and_not_for_a_large_one():
    network, inputs, targets, rng = problem(8)
    feedback = [
        0.5 * w + 0.5 * b
        for w, b in zip(transposes(network), init_feedback(network, rng), strict=True)
    ]
    update = feedback_alignment_gradients(network, feedback, inputs, targets)
    exact = backprop_gradients(network, inputs, targets)
    assert inner(update, exact) > 0
    before = loss_of(network, inputs, targets)
    assert loss_of(descend(network, update, 1e-4), inputs, targets) < before
    assert loss_of(descend(network, update, 20.0), inputs, targets) > before
    against = [
        Layer(-w, -b) for w, b in update
    ]  # beyond 90 degrees: necessary, when steps are small
    assert loss_of(descend(network, against, 1e-4), inputs, targets) > before


@claim("credit_assignment-4")
def test_a_whole_update_within_90_degrees_need_not_train_the_hidden_layers():
    """Training the last layer alone is always a descent, and leaves the representation random."""
    inputs, classes, test_inputs, test_classes = digits()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        network = init_network((64, 20, 20, 20, 10), rng)
        found = {}
        for frozen in ((0, 1, 2), ()):

            def step(n, x, t, frozen=frozen):
                return descend(
                    n, backprop_gradients(n, x, t, loss="cross_entropy"), 0.2, frozen=frozen
                )

            history = train(
                network,
                step,
                inputs,
                classes,
                n_epochs=10,
                batch_size=32,
                rng=np.random.default_rng(seed),
            )
            found[frozen] = accuracy(history[-1], test_inputs, test_classes)
            if frozen:
                for n in history:
                    exact = backprop_gradients(n, inputs, classes, loss="cross_entropy")
                    whole = np.concatenate([layer.weight.ravel() for layer in exact])
                    last = np.concatenate(
                        [0 * whole[: -exact[-1].weight.size], exact[-1].weight.ravel()]
                    )
                    assert alignment_angle(last, whole) < 90
        assert found[()] > 0.92
        assert found[(0, 1, 2)] < 0.85


# Symmetric weights, learned


@claim("credit_assignment-5")
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_weights_and_feedback_grow_alike_by_the_factor_one_minus_decay(seed):
    network, inputs, targets, rng = problem(seed)
    feedback = init_feedback(network, rng)
    gaps = [layer.weight - b.T for layer, b in zip(network[1:], feedback, strict=True)]
    for _ in range(12):
        g = feedback_alignment_gradients(network, feedback, inputs, targets)
        network, feedback = kolen_pollack_step(network, feedback, g, learning_rate=0.05, decay=0.1)
    for gap, layer, b in zip(gaps, network[1:], feedback, strict=True):
        np.testing.assert_allclose(layer.weight - b.T, 0.9**12 * gap, rtol=0, atol=1e-12)


def test_a_kolen_pollack_step_without_decay_is_a_step_of_feedback_alignment():
    network, inputs, targets, rng = problem(9)
    feedback = init_feedback(network, rng)
    g = feedback_alignment_gradients(network, feedback, inputs, targets)
    stepped, moved = kolen_pollack_step(network, feedback, g, learning_rate=0.3, decay=0)
    same(stepped, descend(network, g, 0.3), 0)
    np.testing.assert_allclose(moved[0], feedback[0] - 0.3 * g[1].weight.T, rtol=0, atol=0)


# Difference target propagation


def invertible(seed=10, n=9, width=5, depth=3):
    """A linear network of square layers, its exact inverses, inputs and targets."""
    rng = np.random.default_rng(seed)
    network = [
        Layer(w + 2 * np.eye(width), 0.1 * rng.standard_normal(width))
        for w, _ in init_network([width] * (depth + 1), rng)
    ]
    inverses = [Layer(np.linalg.inv(w), -np.linalg.inv(w) @ b) for w, b in network[1:]]
    return network, inverses, rng.standard_normal((n, width)), rng.standard_normal((n, width)), rng


@claim("credit_assignment-6")
@pytest.mark.parametrize("number", [1, 2])
def test_with_exact_inverses_a_layer_that_reaches_its_target_gives_the_outputs_target(number):
    network, inverses, inputs, targets, _ = invertible()
    x = forward(network, inputs, hidden="linear")
    aim = x[-1] - 0.3 * (x[-1] - targets)
    aims = propagate_targets(inverses, x, aim, hidden="linear")
    reached = forward(network[number:], aims[number - 1], hidden="linear")[-1]
    np.testing.assert_allclose(reached, aim, rtol=0, atol=1e-12)


@claim("credit_assignment-6")
def test_with_exact_inverses_the_hidden_update_is_that_of_gauss_and_newton():
    """x_l - xhat_l = step (W_3 W_2)^-1 dE/dy: the inverse, where the gradient has the transpose."""
    network, inverses, inputs, targets, _ = invertible()
    x = forward(network, inputs, hidden="linear")
    moves = (x[-1] - targets) @ np.linalg.inv(network[2].weight @ network[1].weight).T
    first = difference_target_propagation(network, inverses, inputs, targets, hidden="linear")[0]
    np.testing.assert_allclose(first.weight, moves.T @ inputs / len(inputs), rtol=0, atol=1e-11)
    exact = backprop_gradients(network, inputs, targets, hidden="linear")[0]
    assert alignment_angle(first.weight, exact.weight) > 3


@claim("credit_assignment-6")
@both_losses
@both_hidden
def test_each_layer_descends_its_own_loss_and_the_last_one_the_loss(loss, hidden):
    """Torch's gradient of |x_l - xhat_l|^2 / (2 step), target and input held fixed."""
    network, inputs, targets, rng = problem(11, loss=loss)
    inverses = init_inverses(network, rng)
    arguments = {"loss": loss, "hidden": hidden}
    ours = difference_target_propagation(
        network, inverses, inputs, targets, step_size=0.2, **arguments
    )
    x = forward(network, inputs, hidden=hidden)
    aims = propagate_targets(
        inverses, x, x[-1] - 0.2 * output_error(x[-1], targets, loss)[1], hidden=hidden
    )
    theirs = []
    for number, layer in enumerate(network):
        weight, bias = (torch.tensor(a, requires_grad=True) for a in layer)
        total = torch.nn.functional.linear(torch.tensor(x[number]), weight, bias)
        last = number + 1 == len(network)
        own = torch.tanh(total) if hidden == "tanh" and not last else total
        distance = ((own - torch.tensor(aims[number])) ** 2).sum() / (2 * 0.2 * len(inputs))
        theirs.append(Layer(*(g.numpy() for g in torch.autograd.grad(distance, (weight, bias)))))
    same(ours, theirs, 1e-11)
    same(ours[-1:], backprop_gradients(network, inputs, targets, **arguments)[-1:], 1e-13)


@claim("credit_assignment-6")
@both_hidden
def test_inverses_descend_their_reconstruction_error(hidden):
    network, inputs, _, rng = problem(12)
    inverses = init_inverses(network, rng)
    ours = reconstruction_gradients(
        network, inverses, inputs, np.random.default_rng(3), noise=0.2, hidden=hidden
    )
    draws = np.random.default_rng(3)
    bend = torch.tanh if hidden == "tanh" else (lambda z: z)
    x = forward(network, inputs, hidden=hidden)
    for number, inverse in enumerate(inverses):
        h = torch.tensor(x[number + 1] + 0.2 * draws.standard_normal(x[number + 1].shape))
        above = torch.nn.functional.linear(h, *map(torch.tensor, network[number + 1]))
        above = bend(above) if number == 0 else above
        weight, bias = (torch.tensor(a, requires_grad=True) for a in inverse)
        guess = bend(torch.nn.functional.linear(above, weight, bias))
        error = ((guess - h) ** 2).sum() / (2 * len(inputs))
        expected = torch.autograd.grad(error, (weight, bias))
        same([ours[number]], [Layer(*(g.numpy() for g in expected))])


def test_learned_inverses_come_to_undo_their_layer():
    network, exact, inputs, _, rng = invertible(depth=2)
    inverses = init_inverses(network, rng)
    for _ in range(3000):
        g = reconstruction_gradients(network, inverses, inputs, rng, noise=1.0, hidden="linear")
        inverses = [
            Layer(v.weight - 0.05 * d.weight, v.bias - 0.05 * d.bias)
            for v, d in zip(inverses, g, strict=True)
        ]
    np.testing.assert_allclose(inverses[0].weight, exact[0].weight, rtol=0, atol=1e-3)


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_without_an_error_no_layer_is_asked_to_change_however_bad_the_inverses(seed):
    network, inputs, _, rng = problem(seed)
    y = forward(network, inputs)[-1]
    for g in difference_target_propagation(network, init_inverses(network, rng), inputs, y):
        assert np.abs(g.weight).max() == np.abs(g.bias).max() == 0


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_for_small_steps_targets_are_feedback_through_the_inverses_slopes(seed):
    """With linear inverses the update is feedback alignment's with B = V, at any step."""
    network, inputs, targets, rng = problem(seed)
    inverses = init_inverses(network, rng)
    same(
        difference_target_propagation(network, inverses, inputs, targets, hidden="linear"),
        feedback_alignment_gradients(
            network, [v.weight for v in inverses], inputs, targets, hidden="linear"
        ),
        1e-9,
    )


# Frozen layers: the prediction


@claim("credit_assignment-8")
def test_with_the_layers_above_frozen_feedback_alignment_never_aligns_and_the_gradient_learns():
    inputs, classes, test_inputs, test_classes = digits()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        network = init_network((64, 100, 100, 10), rng)
        feedback = init_feedback(network, rng)

        def by_gradient(n, x, t):
            return descend(n, backprop_gradients(n, x, t, loss="cross_entropy"), 0.2, frozen=(1, 2))

        def by_feedback(n, x, t, feedback=feedback):
            g = feedback_alignment_gradients(n, feedback, x, t, loss="cross_entropy")
            return descend(n, g, 0.2, frozen=(1, 2))

        state = {"inverses": init_inverses(network, rng)}

        def by_targets(n, x, t, state=state, rng=rng):
            g = reconstruction_gradients(n, state["inverses"], x, rng, noise=0.3)
            state["inverses"] = [
                Layer(v.weight - 0.2 * d.weight, v.bias - 0.2 * d.bias)
                for v, d in zip(state["inverses"], g, strict=True)
            ]
            g = difference_target_propagation(n, state["inverses"], x, t, loss="cross_entropy")
            return descend(n, g, 0.2, frozen=(1, 2))

        found = [
            accuracy(
                train(
                    network,
                    step,
                    inputs,
                    classes,
                    n_epochs=5,
                    batch_size=32,
                    rng=np.random.default_rng(seed),
                )[-1],
                test_inputs,
                test_classes,
            )
            for step in (by_gradient, by_feedback, by_targets)
        ]
        assert found[0] > 0.8
        assert found[1] < 0.35
        assert found[2] > 0.8


@claim("credit_assignment-7")
def test_in_narrow_layers_feedback_alignment_falls_behind_and_learned_feedback_recovers_a_part():
    """Three hidden layers of 8 units, 12 epochs, means over 3 seeds."""
    inputs, classes, test_inputs, test_classes = digits()
    found = np.zeros((3, 3))
    for seed in range(3):
        network = init_network((64, 8, 8, 8, 10), np.random.default_rng(seed))
        feedback = init_feedback(network, np.random.default_rng([1, seed]))
        state = {"feedback": feedback}

        def gradient(n, x, t):
            return descend(n, backprop_gradients(n, x, t, loss="cross_entropy"), 0.1)

        def random(n, x, t, feedback=feedback):
            g = feedback_alignment_gradients(n, feedback, x, t, loss="cross_entropy")
            return descend(n, g, 0.1)

        def learned(n, x, t, state=state):
            g = feedback_alignment_gradients(n, state["feedback"], x, t, loss="cross_entropy")
            n, state["feedback"] = kolen_pollack_step(
                n, state["feedback"], g, learning_rate=0.1, decay=1e-3
            )
            return n

        for k, step in enumerate((gradient, random, learned)):
            end = train(
                network,
                step,
                inputs,
                classes,
                n_epochs=12,
                batch_size=32,
                rng=np.random.default_rng(seed),
            )[-1]
            found[seed, k] = accuracy(end, test_inputs, test_classes)
    by_gradient, by_random, by_learned = found.mean(axis=0)
    assert by_gradient > 0.88
    assert by_random < by_gradient - 0.1
    assert by_learned > by_random + 0.02


def test_frozen_layers_stay_and_angles_are_taken_before_each_step():
    network, inputs, targets, rng = problem(13)
    feedback = init_feedback(network, rng)
    arguments = {"learning_rate": 0.1, "n_steps": 40}
    free = frozen_alignment(network, feedback, inputs, targets, **arguments)
    held = frozen_alignment(network, feedback, inputs, targets, frozen=(1, 2), **arguments)
    assert free.shape == held.shape == (40, 2)
    np.testing.assert_array_equal(free[0], held[0])
    moved = descend(network, backprop_gradients(network, inputs, targets), 0.1, frozen=(0, 2))
    assert np.array_equal(moved[0].weight, network[0].weight)
    assert not np.array_equal(moved[1].weight, network[1].weight)
    # the angle of the first row, by hand
    a = feedback_alignment_gradients(network, feedback, inputs, targets)[0].weight
    b = backprop_gradients(network, inputs, targets)[0].weight
    assert free[0, 0] == pytest.approx(alignment_angle(a, b), rel=1e-12)


# Angles


@pytest.mark.parametrize(
    ("a", "b", "degrees"),
    [
        ([1.0, 0.0], [0.0, 3.0], 90),
        ([1.0, 1.0], [2.0, 0.0], 45),
        ([1.0, 2.0], [-2.0, -4.0], 180),
        ([[1.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, np.sqrt(3)]], 60),
        ([1e-200, 0.0], [1e200, 1e200], 45),
    ],
)
def test_angles_known_by_hand(a, b, degrees):
    assert alignment_angle(a, b) == pytest.approx(degrees, abs=1e-12)


def test_small_angles_keep_their_digits():
    assert np.radians(alignment_angle([1.0, 0.0], [1.0, 1e-9])) == pytest.approx(1e-9, rel=1e-6)


@given(seed=seeds, factor=st.floats(1e-3, 1e3))
@settings(max_examples=20, deadline=None)
def test_an_angle_is_symmetric_and_blind_to_length(seed, factor):
    a, b = np.random.default_rng(seed).standard_normal((2, 3, 4))
    assert alignment_angle(a, b) == pytest.approx(alignment_angle(b, factor * a), abs=1e-9)


def test_random_directions_are_at_right_angles_the_more_the_more_dimensions():
    """The standard deviation of the angle is 1 / sqrt(d) radians."""
    rng = np.random.default_rng(14)
    angles = [alignment_angle(*rng.standard_normal((2, 400))) for _ in range(400)]
    assert np.mean(angles) == pytest.approx(90, abs=0.6)
    assert np.std(angles) == pytest.approx(np.degrees(1 / 20), rel=0.15)


# The locality harness


def three_factors(s):
    return s.error * s.slope * s.pre


@both_losses
@both_hidden
def test_feedback_rules_and_targets_are_one_rule_on_three_channels(loss, hidden):
    network, inputs, targets, rng = problem(15, loss=loss)
    arguments = {"loss": loss, "hidden": hidden}
    inverses = init_inverses(network, rng)
    for channel, feedback, rule in (
        ("layered", init_feedback(network, rng), feedback_alignment_gradients),
        ("direct", init_feedback(network, rng, direct=True), direct_feedback_alignment_gradients),
        ("targets", inverses, difference_target_propagation),
    ):
        ours = local_gradients(
            three_factors, network, inputs, targets, channel=channel, feedback=feedback, **arguments
        )
        same(ours, rule(network, feedback, inputs, targets, **arguments), 1e-12)


@both_losses
def test_hebb_and_a_broadcast_loss(loss):
    network, inputs, targets, _ = problem(16, loss=loss)
    x = forward(network, inputs)
    hebb = local_gradients(lambda s: -s.post * s.pre, network, inputs, targets, loss=loss)
    np.testing.assert_allclose(hebb[0].weight, -x[1].T @ inputs / len(inputs), atol=1e-14)
    np.testing.assert_allclose(hebb[0].bias, -x[1].mean(axis=0), atol=1e-14)
    scalar = local_gradients(
        lambda s: s.error, network, inputs, targets, channel="broadcast", loss=loss
    )
    for layer in scalar:
        np.testing.assert_allclose(layer.weight, loss_of(network, inputs, targets, loss))
    decay = local_gradients(lambda s: s.weight, network, inputs, targets, loss=loss)
    same(decay, network, 1e-15)


@claim("credit_assignment-2")
@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda s: s.weight_above, "weight_above cannot be read.*weight transport"),
        (lambda s: s.network, "network cannot be read.*weight transport"),
        (lambda s: s.targets, "targets cannot be read.*output"),
        (lambda s: s.feedback, "feedback cannot be read.*deliver"),
        (lambda s: s.delta_above, "delta_above cannot be read.*does not connect"),
        (lambda s: s.something, "something cannot be read.*sees pre, post, slope, weight, error"),
        (lambda s: getattr(s, "targets", 0) * s.pre, "targets cannot be read"),
        (lambda s: s.pre * hasattr(s, "loss"), "loss cannot be read"),
    ],
)
def test_a_rule_that_reads_what_is_elsewhere_is_told_what_and_why(rule, words):
    network, inputs, targets, rng = problem(17)
    with pytest.raises(LocalityError, match=words):
        local_gradients(
            rule, network, inputs, targets, channel="layered", feedback=init_feedback(network, rng)
        )


def backprop_in_disguise(s):
    return s.error * s.slope * s.pre * np.sign(s.weight.sum(axis=0))


@pytest.mark.parametrize(
    "rule",
    [
        backprop_in_disguise,
        lambda s: s.post * (s.pre - (s.post * s.weight).sum(axis=1, keepdims=True)),  # Sanger-like
        lambda s: s.pre * s.post / np.linalg.norm(s.weight),
        lambda s: s.pre - s.pre.mean(axis=2, keepdims=True),
    ],
)
def test_a_rule_that_sums_over_other_synapses_is_found_out(rule):
    network, inputs, targets, rng = problem(18)
    with pytest.raises(LocalityError, match=r"update of synapse \(\d, \d\) of network\[0\]"):
        local_gradients(
            rule, network, inputs, targets, channel="layered", feedback=init_feedback(network, rng)
        )


@pytest.mark.parametrize("channel", ["layered", "direct", "targets"])
def test_feedback_that_is_a_view_of_the_forward_weights_is_refused(channel):
    network, inputs, targets, _ = problem(19, (4, 6, 3))
    view = network[1].weight.T
    feedback = [Layer(view, np.zeros(6))] if channel == "targets" else [view]
    with pytest.raises(LocalityError, match=r"feedback\[0\] is a view of network\[1\].weight"):
        local_gradients(three_factors, network, inputs, targets, channel=channel, feedback=feedback)


def test_what_a_synapse_sees_can_be_neither_changed_nor_reached_beyond():
    network, inputs, targets, _ = problem(20)
    before = [layer.weight.copy() for layer in network]

    def meddle(s):
        s.weight[:] = 0
        return s.pre

    with pytest.raises(ValueError, match="read-only"):
        local_gradients(meddle, network, inputs, targets)
    with pytest.raises(LocalityError, match="weight: a rule returns its update"):
        local_gradients(lambda s: setattr(s, "weight", 0), network, inputs, targets)
    for layer, weight in zip(network, before, strict=True):
        np.testing.assert_array_equal(layer.weight, weight)
    with pytest.raises(LocalityError, match="no channel brings an error"):
        local_gradients(three_factors, network, inputs, targets)
    synapse = Synapse(pre=np.ones((1, 1, 1)), post=np.ones((1, 1, 1)))
    assert set(dir(synapse)) == {"pre", "post"}
    with pytest.raises(AttributeError):
        synapse.__array__()


# Bad input

NETWORK, INPUTS, TARGETS, _ = problem(21)
FEEDBACK = init_feedback(NETWORK, np.random.default_rng(0))
DIRECT = init_feedback(NETWORK, np.random.default_rng(0), direct=True)
INVERSES = init_inverses(NETWORK, np.random.default_rng(0))
GRADIENTS = backprop_gradients(NETWORK, INPUTS, TARGETS)
WITH_NAN = [FEEDBACK[0], np.full((5, 3), np.nan)]
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: init_network([3], RNG), ValueError, "sizes: expected at least two layers, got 1"),
        (lambda: init_network([3, 0], RNG), ValueError, "sizes: .* at least 1, got 0"),
        (lambda: init_network([3, 2.5], RNG), TypeError, "sizes: expected a whole number"),
        (lambda: init_network([3, 2], 0), TypeError, "rng: expected a numpy.random.Generator"),
        (lambda: forward([], INPUTS), TypeError, "network: expected a list of Layer"),
        (lambda: forward([np.eye(3)], INPUTS), TypeError, r"network\[0\]: expected a Layer"),
        (
            lambda: forward([NETWORK[0], NETWORK[2]], INPUTS),
            ValueError,
            r"network\[1\].weight: expected shape \(n_out, 6\), got \(3, 5\)",
        ),
        (lambda: forward(NETWORK, INPUTS[:, :3]), ValueError, r"inputs: .*\(n, 4\), got \(7, 3\)"),
        (lambda: forward(NETWORK, np.nan * INPUTS), ValueError, "inputs: expected finite"),
        (lambda: forward(NETWORK, INPUTS[:0]), ValueError, "inputs: expected at least one"),
        (lambda: forward(NETWORK, "x"), TypeError, "inputs: expected real numbers, got str"),
        (lambda: forward(NETWORK, INPUTS, hidden="relu"), ValueError, "hidden: .*got 'relu'"),
        (
            lambda: backprop_gradients(NETWORK, INPUTS, TARGETS[:3]),
            ValueError,
            r"targets: expected shape \(7, 3\), got \(3, 3\)",
        ),
        (lambda: backprop_gradients(NETWORK, INPUTS, TARGETS, loss="l1"), ValueError, "loss: "),
        (
            lambda: backprop_gradients(NETWORK, INPUTS, TARGETS, loss="cross_entropy"),
            TypeError,
            "targets: expected whole-numbered classes, got float64",
        ),
        (
            lambda: backprop_gradients(NETWORK, INPUTS, [3] * 7, loss="cross_entropy"),
            ValueError,
            "targets: expected classes from 0 to 2, got 3 to 3",
        ),
        (
            lambda: backprop_gradients(NETWORK, INPUTS, [1], loss="cross_entropy"),
            ValueError,
            r"targets: expected shape \(7,\), got \(1,\)",
        ),
        (
            lambda: feedback_alignment_gradients(NETWORK, FEEDBACK[0], INPUTS, TARGETS),
            TypeError,
            "feedback: expected a list of arrays, got ndarray",
        ),
        (
            lambda: feedback_alignment_gradients(NETWORK, FEEDBACK[:1], INPUTS, TARGETS),
            ValueError,
            "feedback: expected one matrix for each of 2 hidden layers, got 1",
        ),
        (
            lambda: feedback_alignment_gradients(NETWORK, DIRECT, INPUTS, TARGETS),
            ValueError,
            r"feedback\[0\]: expected shape \(6, 5\), got \(6, 3\)",
        ),
        (
            lambda: direct_feedback_alignment_gradients(NETWORK, FEEDBACK, INPUTS, TARGETS),
            ValueError,
            r"feedback\[0\]: expected shape \(6, 3\), got \(6, 5\)",
        ),
        (
            lambda: feedback_alignment_gradients(NETWORK, WITH_NAN, INPUTS, TARGETS),
            ValueError,
            r"feedback\[1\]: expected finite numbers",
        ),
        (
            lambda: difference_target_propagation(NETWORK, INVERSES[:1], INPUTS, TARGETS),
            ValueError,
            "inverses: expected one Layer for each of 2 hidden layers, got 1",
        ),
        (
            lambda: difference_target_propagation(NETWORK, FEEDBACK, INPUTS, TARGETS),
            TypeError,
            r"inverses\[0\]: expected a Layer, got ndarray",
        ),
        (
            lambda: difference_target_propagation(NETWORK, None, INPUTS, TARGETS),
            TypeError,
            "inverses: expected a list of Layer, got NoneType",
        ),
        (
            lambda: difference_target_propagation(NETWORK, NETWORK[1:], INPUTS, TARGETS),
            ValueError,
            r"inverses\[0\].weight: expected shape \(6, 5\), got \(5, 6\)",
        ),
        (
            lambda: difference_target_propagation(NETWORK, INVERSES, INPUTS, TARGETS, step_size=0),
            ValueError,
            "step_size: expected a number above 0, got 0",
        ),
        (
            lambda: reconstruction_gradients(NETWORK, INVERSES, INPUTS, RNG, noise=-1),
            ValueError,
            "noise: expected a number of at least 0, got -1",
        ),
        (
            lambda: reconstruction_gradients(NETWORK, INVERSES, INPUTS, None),
            TypeError,
            "rng: expected a numpy.random.Generator",
        ),
        (
            lambda: propagate_targets(INVERSES, forward(NETWORK, INPUTS), TARGETS[:2]),
            ValueError,
            r"output_target: expected shape \(7, 3\), got \(2, 3\)",
        ),
        (
            lambda: kolen_pollack_step(NETWORK, FEEDBACK, GRADIENTS, learning_rate=0.1, decay=1),
            ValueError,
            "decay: expected a number below 1, got 1",
        ),
        (
            lambda: kolen_pollack_step(
                NETWORK, FEEDBACK, GRADIENTS[:2], learning_rate=0.1, decay=0.1
            ),
            ValueError,
            "gradients: expected 3 layers, got 2",
        ),
        (lambda: descend(NETWORK, None, 0.1), TypeError, "gradients: expected a list of Layer"),
        (lambda: descend(NETWORK, GRADIENTS, 0), ValueError, "learning_rate: .*above 0, got 0"),
        (
            lambda: descend(NETWORK, GRADIENTS, 0.1, frozen=(3,)),
            ValueError,
            "frozen: expected indices below 3, got 3",
        ),
        (
            lambda: descend(NETWORK, GRADIENTS, 0.1, frozen=1),
            TypeError,
            "frozen: expected a collection of layer indices, got int",
        ),
        (
            lambda: train(NETWORK, None, INPUTS, TARGETS, n_epochs=1, batch_size=2, rng=RNG),
            TypeError,
            "step: expected a function, got NoneType",
        ),
        (
            lambda: train(NETWORK, descend, INPUTS, TARGETS[:2], n_epochs=1, batch_size=2, rng=RNG),
            ValueError,
            "targets: expected 7 entries",
        ),
        (
            lambda: train(NETWORK, descend, INPUTS, TARGETS, n_epochs=0, batch_size=2, rng=RNG),
            ValueError,
            "n_epochs: .* at least 1, got 0",
        ),
        (
            lambda: frozen_alignment(
                NETWORK, FEEDBACK, INPUTS, TARGETS, learning_rate=0.1, n_steps=1.5
            ),
            TypeError,
            "n_steps: expected a whole number, got float",
        ),
        (lambda: alignment_angle([1.0], [1.0, 2.0]), ValueError, r"b: expected shape \(1,\)"),
        (lambda: alignment_angle([0.0, 0.0], [1.0, 2.0]), ValueError, "a: .*got zeros only"),
        (lambda: alignment_angle([1.0, 0.0], [np.inf, 2.0]), ValueError, "b: expected finite"),
        (lambda: alignment_angle("a", "b"), TypeError, "a: expected real numbers"),
        (
            lambda: local_gradients(None, NETWORK, INPUTS, TARGETS),
            TypeError,
            "rule: expected a function of one Synapse, got NoneType",
        ),
        (
            lambda: local_gradients(three_factors, NETWORK, INPUTS, TARGETS, channel="wire"),
            ValueError,
            "channel: expected one of none, broadcast, direct, layered, targets, got 'wire'",
        ),
        (
            lambda: local_gradients(three_factors, NETWORK, INPUTS, TARGETS, channel="direct"),
            TypeError,
            "feedback: expected a list of arrays, got NoneType",
        ),
        (
            lambda: local_gradients(three_factors, NETWORK, INPUTS, TARGETS, feedback=FEEDBACK),
            ValueError,
            "feedback: channel 'none' has none",
        ),
        (
            lambda: local_gradients(lambda s: np.ones((2, 9)), NETWORK, INPUTS, TARGETS),
            ValueError,
            r"rule: expected an update that broadcasts to .*\(7, 6, 4\), got shape \(2, 9\)",
        ),
        (
            lambda: local_gradients(lambda s: np.nan * s.pre, NETWORK, INPUTS, TARGETS),
            ValueError,
            "rule's update: expected finite numbers",
        ),
        (
            lambda: local_gradients(lambda s: None, NETWORK, INPUTS, TARGETS),
            TypeError,
            "rule's update: expected real numbers",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_no_argument_is_modified():
    network, inputs, targets, rng = problem(22)
    feedback, direct = init_feedback(network, rng), init_feedback(network, rng, direct=True)
    inverses = init_inverses(network, rng)
    held = [*(a for layer in [*network, *inverses] for a in layer), *feedback, *direct]
    held += [inputs, targets]
    before = [a.copy() for a in held]
    for array in held:
        array.flags.writeable = False
    g = feedback_alignment_gradients(network, feedback, inputs, targets)
    direct_feedback_alignment_gradients(network, direct, inputs, targets)
    difference_target_propagation(network, inverses, inputs, targets)
    reconstruction_gradients(network, inverses, inputs, rng)
    kolen_pollack_step(network, feedback, g, learning_rate=0.1, decay=0.1)
    frozen_alignment(network, feedback, inputs, targets, learning_rate=0.1, n_steps=2)
    local_gradients(three_factors, network, inputs, targets, channel="targets", feedback=inverses)
    for array, copy in zip(held, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_one_seed_gives_one_result():
    one, other = (init_network(SIZES, np.random.default_rng(5)) for _ in range(2))
    same(one, other, 0)
    runs = [
        train(
            one,
            lambda n, x, t: descend(n, backprop_gradients(n, x, t), 0.1),
            INPUTS,
            TARGETS,
            n_epochs=2,
            batch_size=3,
            rng=np.random.default_rng(1),
        )
        for _ in range(2)
    ]
    assert len(runs[0]) == 3
    same(runs[0][-1], runs[1][-1], 0)


def test_importing_the_kernels_imports_neither_torch_nor_numba_nor_matplotlib():
    code = (
        "import sys, course_utils.credit_assignment; "
        "print([m for m in ('torch', 'numba', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\[\]\s*", done.stdout)
