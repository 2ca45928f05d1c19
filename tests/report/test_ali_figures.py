"""Pictures of `minecli ali`: what is drawn for which data, and that nothing is left unsaid."""

import io
from xml.etree import ElementTree

import numpy as np
import pytest

from minecli.report import figure_style
from minecli.report.ali_figures import MethodPictures, pictures
from minecli.report.mosaic import mosaic, paired_centres, paired_mosaic
from minecli.report.training_curves import training_curves


def evaluation(step, **metrics):
    values = {"discriminator_loss": 0.7, "generator_loss": None, "information_nats": 0.1 * step}
    return {"step": step, **values, "metrics": metrics}


def entry(method, *evaluations, error=1.5):
    seeds = [{"seed": 0, "history": list(evaluations)}]
    return {"method": method, "seeds": seeds, "summary": {"euclidean_error": {"mean": error}}}


def payload(*methods, **data):
    return {"data": data, "methods": list(methods)}


TRAINED = entry("mine", evaluation(10, euclidean_error=2.0), evaluation(20, euclidean_error=1.0, modes=3.0))
PCA = entry("pca")


def rows(d, method="mine", n=40, seed=0, **other):
    draws = np.random.default_rng(seed)
    x = draws.normal(size=(n, d)).astype(np.float32)
    given = {"reconstructions": 0.5 * x, "samples": x[::-1], "latents": x, "labels": np.arange(n) % 3}
    return MethodPictures(method, f"{method}, seed 0", x, **(given | {"traversal": None} | other))


def images(channels, n, method="mine", side=16, traversal=(3, 5)):
    draws = np.random.default_rng(1)
    x = draws.uniform(-1, 1, (n, channels, side, side))
    walks = None if traversal is None else draws.uniform(-1, 1, (*traversal, channels, side, side))
    return MethodPictures(method, f"{method}, seed 0", x, -x, x[::-1], np.zeros((n, 4)), None, walks)


@pytest.fixture
def figures(monkeypatch):
    """The figures themselves, by name without ending, instead of files."""
    monkeypatch.setattr(figure_style, "image", lambda figure, kind: figure)

    def draw(methods, content):
        return {name.removesuffix(".png"): f for name, f in pictures(methods, content).items() if name.endswith("png")}

    return draw


@pytest.mark.parametrize(
    ("method", "names"),
    [
        (rows(2), {"reconstructions", "latent", "curves"}),
        (rows(3), {"reconstructions", "curves"}),
        (images(1, 20), {"reconstructions", "traversals", "curves"}),
    ],
    ids=["plane", "table", "images"],
)
def test_png_and_svg_the_same_each_time(method, names):
    drawn = pictures([method], payload(TRAINED))
    assert set(drawn) == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert all(content.startswith(b"\x89PNG") for name, content in drawn.items() if name.endswith("png"))
    for name in names:
        assert ElementTree.parse(io.BytesIO(drawn[f"{name}.svg"])).getroot().tag.endswith("svg")
    assert drawn == pictures([method], payload(TRAINED))


def test_points_are_joined_to_their_reconstructions_and_samples_stand_beside(figures):
    methods = [rows(2, "ali", n=700), rows(2, "mine", n=700)]
    axes = figures(methods, payload())["reconstructions"].axes
    assert [a.get_title().split("\n")[0] for a in axes] == [
        "ali, seed 0: reconstructions", "ali, seed 0: fresh samples",
        "mine, seed 0: reconstructions", "mine, seed 0: fresh samples",
    ]  # fmt: skip
    lines = next(c for c in axes[0].collections if hasattr(c, "get_segments"))
    assert len(lines.get_segments()) == 500
    assert np.allclose(lines.get_segments()[3], [methods[0].originals[3], methods[0].reconstructions[3]])
    assert len({a.get_xlim() for a in axes}) == 1


def test_points_outside_the_frame_are_counted(figures):
    x = rows(2, n=10).originals
    far = rows(2, n=10, samples=np.where(np.arange(10)[:, None] < 4, 99.0, x), reconstructions=x)
    axes = figures([far], payload())["reconstructions"].axes
    assert "outside" not in axes[0].get_title()
    assert axes[1].get_title().endswith("(40.0% outside)")


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("labels", [None, np.arange(40) % 3])
def test_latents_of_any_width(figures, width, labels):
    found = figures([rows(2, latents=np.ones((40, width)), labels=labels)], payload())["latent"]
    assert found.axes[0].get_title() == "mine, seed 0" + (", 2 of 5 components" if width == 5 else "")
    points = found.axes[0].collections[0].get_offsets()
    assert np.array_equal(points, np.ones((40, 2)) * ([1.0, 0.0] if width == 1 else [1.0, 1.0]))
    assert ("a colour per label" in found.get_suptitle().replace("\n", " ")) == (labels is not None)
    assert len(found.axes[0].patches) == 3


def test_wide_latents_are_not_cut_off(figures):
    codes = np.linspace(-50, 50, 80).reshape(40, 2)
    axis = figures([rows(2, latents=codes)], payload())["latent"].axes[0]
    assert axis.get_xlim()[1] > 50


def test_without_latents_there_is_no_picture_of_them(figures):
    assert set(figures([rows(2, latents=None)], payload())) == {"reconstructions"}


def test_columns_are_named_with_the_variance_they_keep(figures):
    methods = [rows(3, "ali"), rows(3, "mine")]
    methods[1].reconstructions[:] = methods[1].originals
    titles = [a.get_title() for a in figures(methods, payload(columns=["a", "b", "c" * 40]))["reconstructions"].axes]
    assert titles[1::2] == ["a\nmine, R² 1.00", "b\nmine, R² 1.00", f"{'c' * 19}...\nmine, R² 1.00"]
    assert titles[0].startswith("a\nali, R² 0.7")


@pytest.mark.parametrize("columns", [None, ["a"]])
def test_the_first_16_columns_are_shown_and_the_rest_counted(figures, columns):
    found = figures([rows(20)], payload(columns=columns))["reconstructions"]
    assert sum(a.get_visible() for a in found.axes) == 16
    assert found.axes[0].get_title().startswith("column 0\n")
    assert found.get_suptitle().replace("\n", " ").endswith("the first 16 of 20 columns")


def test_a_constant_column_has_no_share_of_variance(figures):
    constant = np.ones((10, 1))
    one = rows(1, n=10)
    still = MethodPictures("pca", "pca, seed 0", constant, one.reconstructions, constant, None, None, None)
    assert figures([still], payload())["reconstructions"].axes[0].get_title() == "column 0\npca"


@pytest.mark.parametrize("channels", [1, 3])
def test_reconstructions_are_right_under_their_originals(figures, channels):
    method = images(channels, 32)
    left, right = figures([method], payload())["reconstructions"].axes
    picture = left.get_images()[0].get_array()
    centres = [int(c) for c in paired_centres(16, 2)]
    assert [t.get_text() for t in left.get_yticklabels()] == ["x", "x̂", "x", "x̂"]
    assert [int(t) for t in left.get_yticks()] == centres
    second = 18 + 8
    light = (method.originals + 1) / 2
    for line, value in zip(centres, (light[1], 1 - light[1], light[17], 1 - light[17]), strict=True):
        assert np.allclose(picture[line, second], value[:, 8, 8])
    assert np.allclose(right.get_images()[0].get_array()[8, 8], light[-1, :, 8, 8])


def test_few_images_leave_the_rest_white(figures):
    left = figures([images(1, 5, traversal=None)], payload())["reconstructions"].axes[0]
    assert np.all(left.get_images()[0].get_array()[:, 5 * 18 :] == 1.0)


def test_walks_are_shown_where_there_are_any(figures):
    methods = [images(1, 4, "pca", traversal=None), images(1, 4, "ali"), images(1, 4, "mine")]
    axes = figures(methods, payload())["traversals"].axes
    assert [a.get_title() for a in axes] == ["ali, seed 0", "mine, seed 0"]
    assert axes[0].get_images()[0].get_array().shape == (3 * 18 - 2, 5 * 18 - 2, 3)


def test_what_is_not_trained_is_a_dashed_line(figures):
    found = figures([rows(2)], payload(PCA, TRAINED))["curves"]
    shown = {a.get_title(): a for a in found.axes if a.get_visible()}
    assert list(shown) == ["information, nats", "discriminator loss", "euclidean error", "modes"]
    dashed, trained = shown["euclidean error"].lines
    assert (dashed.get_linestyle(), list(dashed.get_ydata())) == ("--", [1.5, 1.5])
    assert list(trained.get_ydata()) == [2.0, 1.0]
    # A single evaluation makes no line.
    assert [line.get_marker() for line in shown["modes"].lines] == ["o"]
    assert [t.get_text() for t in found.legends[0].get_texts()] == ["pca", "mine"]


def test_nothing_watched_makes_no_curves(figures):
    assert training_curves([PCA]) is None
    assert "curves" not in figures([rows(2)], payload(PCA))
    assert figures([], payload(PCA)) == {}


@pytest.mark.parametrize("method", [rows(1), rows(2), images(3, 4)], ids=["column", "plane", "images"])
def test_a_single_panel_holds_its_heading(figures, method):
    for figure in figures([method], payload()).values():
        figure.draw_without_rendering()
        if figure._suptitle is not None:
            box = figure._suptitle.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.x1


def test_mosaics_show_what_is_not_finite_as_white():
    assert np.all(mosaic(np.full((1, 1, 4, 4), np.nan), 1) == 1.0)


def test_mosaics_of_grey_of_pairs_and_of_colours():
    grey = mosaic(np.full((1, 1, 4, 4), -1.0), 1)
    assert np.all(grey == 0.0)
    colours = np.stack([np.full((4, 4), v) for v in (-1.0, 0.0, 1.0)])[None]
    assert mosaic(colours, 1)[0, 0].tolist() == [0.0, 0.5, 1.0]
    assert mosaic(colours[:, 1:], 1)[0, 0].tolist() == [0.5, 1.0, 0.0]
    pair = paired_mosaic(colours, -colours, 1, 1)
    assert [pair[int(c), 0].tolist() for c in paired_centres(4, 1)] == [[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]]
