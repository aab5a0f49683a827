"""Which settings a sweep trains."""

from captioning.training.sweep_grid import Point, sweep_points


def test_one_value_differs_from_the_first_of_each():
    points = sweep_points([32, 64], [0.001, 0.01], [1, 2])
    assert points == [
        Point(32, 0.001, 1),
        Point(64, 0.001, 1),
        Point(32, 0.01, 1),
        Point(32, 0.001, 2),
    ]


def test_a_full_grid_has_every_combination_once_the_base_first():
    points = sweep_points([64, 32, 64], [0.01, 0.001], [1], full_grid=True)
    assert points[0] == Point(64, 0.01, 1)
    assert len(points) == len(set(points)) == 4


def test_the_papers_sweep_has_eleven_settings():
    rates = [0.001, 0.005, 0.01, 0.05]
    assert len(sweep_points([32, 64, 128, 256], rates, [1, 2, 3, 4, 5])) == 11


def test_settings_have_names_and_options():
    point = Point(32, 0.005, 2)
    assert point.name == "batch32_lr0.005_layers2"
    assert point.options()[2:4] == ["--learning_rate", "0.005"]
