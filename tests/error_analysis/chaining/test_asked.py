import numpy as np
import pytest

from error_analysis.chaining.asked import asked_models
from error_analysis.chaining.told import Told
from preprocess.base.errors import InputError
from preprocess.captions.split_file import write_split
from tests.error_analysis.scored import make_split, save_rankings

SPLIT = make_split([1] * 12)
MODELS = ({"weights": "a"}, {"weights": "b", "score": "itm"}, {"weights": "b", "score": "itc"})


@pytest.fixture
def asked(tmp_path):
    write_split(tmp_path / "generated.json", SPLIT)
    told = Told(("lxmert", "xvlm", "contrastive"), MODELS, np.arange(12), None)

    def asked(*made: dict):
        paths = [
            save_rankings(tmp_path / f"{i}.npz", np.eye(12, dtype=np.float32), SPLIT, **metadata)
            for i, metadata in enumerate(made)
        ]
        return asked_models(paths, tmp_path / "generated.json", told)

    return asked


def test_models_are_known_by_how_their_rankings_were_made(asked):
    assert asked({"weights": "b", "score": "itc"}, {"weights": "a"}) == (2, 0)
    assert asked() == ()


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ([{"weights": "c"}], "made as none of them"),
        ([{}], "made as none of them"),
        ([{"weights": "b"}], r"2 of them \(xvlm, contrastive\)"),
        ([{"weights": "a"}, {"weights": "a"}], r"1.npz.*each once"),
    ],
)
def test_rankings_of_none_or_of_several_models_are_told(asked, made, told):
    with pytest.raises(InputError, match=told):
        asked(*made)


def test_rankings_without_their_captions_are_told(tmp_path):
    told = Told(("lxmert",), MODELS[:1], np.arange(12), None)
    with pytest.raises(InputError, match="--generated_split_file"):
        asked_models([tmp_path / "a.npz"], None, told)
