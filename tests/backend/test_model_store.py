"""Weights come in only when they are safe and fit, and only the user's can go."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from s2i_backend import model_store
from s2i_backend.model_store import ModelStore, StoreError, user_folder
from s2i_models import catalog
from s2i_models.auto_painter import importer
from s2i_models.pi_rec.network import PaperConfig, PaperGenerator
from s2i_models.reference_colorization import importer as reference_importer


def weights_file(path: Path, pipeline: str | None = "echo", **metadata: str) -> Path:
    tensors = {"conv.weight": np.zeros((2, 3, 4), np.float16), "conv.bias": np.ones(5, np.float16)}
    ours = {} if pipeline is None else {"s2i.pipeline": pipeline}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={**ours, **metadata})
    return path


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    shipped = tmp_path / "shipped"
    weights_file(shipped / "echo.safetensors")
    (shipped / "echo.md").write_text("# The card")
    return ModelStore(tmp_path / "user", shipped)


def test_weights_are_described_from_their_file_and_card(store: ModelStore, tmp_path: Path) -> None:
    store.import_file(weights_file(tmp_path / "mine.safetensors", author="me"))
    shipped, mine = store.list()
    assert (shipped.name, shipped.shipped, shipped.card) == ("echo", True, "# The card")
    assert (mine.name, mine.pipeline, mine.shipped, mine.card) == ("mine", "echo", False, None)
    assert mine.parameter_count == 2 * 3 * 4 + 5
    assert mine.file_bytes == mine.path.stat().st_size
    assert mine.metadata == {"s2i.pipeline": "echo", "author": "me"}


def test_a_card_comes_and_goes_with_its_weights(store: ModelStore, tmp_path: Path) -> None:
    source = weights_file(tmp_path / "mine.safetensors")
    (tmp_path / "mine.md").write_text("# Mine")
    assert store.import_file(source, name="other").card == "# Mine"
    store.remove("other")
    assert list(store.folder.glob("other*")) == []
    assert source.is_file()


def test_the_chosen_weights_are_loaded_until_they_are_removed(
    store: ModelStore, tmp_path: Path
) -> None:
    def chosen() -> str:
        weights = store.chosen("echo")
        assert weights is not None
        return weights.name

    assert chosen() == "echo"
    assert store.chosen_path("echo") is None
    mine = store.import_file(weights_file(tmp_path / "mine.safetensors"))
    assert chosen() == "echo"
    store.use("mine")
    assert chosen() == "mine"
    assert store.chosen_path("echo") == mine.path
    store.use("echo")
    assert chosen() == "echo"
    assert store.chosen_path("echo") == store.shipped / "echo.safetensors"
    store.use("mine")
    store.remove("mine")
    assert chosen() == "echo"
    assert store.chosen_path("echo") is None
    assert store.chosen("flats") is None


def test_what_ships_can_not_be_removed_or_replaced(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="ships with s2i"):
        store.remove("echo")
    with pytest.raises(StoreError, match="--name"):
        store.import_file(weights_file(tmp_path / "echo.safetensors"))
    assert (store.shipped / "echo.safetensors").is_file()


def test_a_name_is_given_once(store: ModelStore, tmp_path: Path) -> None:
    source = weights_file(tmp_path / "my weights (2).safetensors")
    assert store.import_file(source).name == "my_weights_2"
    with pytest.raises(StoreError, match="my_weights_2 is taken"):
        store.import_file(source)
    with pytest.raises(StoreError, match="can not be a name"):
        store.import_file(source, name="../elsewhere")


class Bomb:
    def __reduce__(self):
        return (open, (Bomb.fuse, "w"))

    fuse = ""


@pytest.mark.parametrize("name", ["model.pth", "model.safetensors", "model.ckpt", "model_dict"])
@pytest.mark.parametrize("kind", ["pickle", "zip", "torch", "torch state"])
def test_pickles_are_refused_and_nothing_in_them_runs(
    name: str, kind: str, store: ModelStore, tmp_path: Path
) -> None:
    Bomb.fuse = str(tmp_path / "went off")
    content = pickle.dumps(Bomb(), protocol=2)
    packed = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("archive/data.pkl", content)
        content = packed.getvalue()
    elif kind.startswith("torch"):
        torch.save(
            {"generator_state_dict": {}, "epoch": Bomb()} if "state" in kind else Bomb(), packed
        )
        content = packed.getvalue()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StoreError, match=r"Python pickles, which.*safetensors"):
        store.import_file(tmp_path / name)
    assert not (tmp_path / "went off").exists()
    assert [w.name for w in store.list()] == ["echo"]


def test_tensors_of_another_network_are_refused_with_what_was_found(
    store: ModelStore, tmp_path: Path
) -> None:
    torch.save({"resnet.conv1.weight": torch.zeros(2, 3)}, tmp_path / "model.pth")
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    with pytest.raises(StoreError, match=r"Python pickles.*resnet\.conv1\.weight.*safetensors"):
        store.import_file(tmp_path / "model.pth")
    with pytest.raises(StoreError, match=r"Python pickles.*safetensors"):
        store.import_file(tmp_path / "arrays.npz")
    assert not list(store.folder.glob("*"))


def test_a_pytorch_checkpoint_of_a_known_implementation_is_converted(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "300-G.ckpt")
    state = {"conv.weight": torch.zeros(2, 3)}
    monkeypatch.setattr(
        reference_importer, "convert", lambda path: (state, {"s2i.network": "jungjaewon"})
    )
    monkeypatch.setattr(model_store, "load", lambda name, weights: None)
    imported = store.import_file(tmp_path / "300-G.ckpt")
    assert (imported.name, imported.pipeline) == ("300-G", "reference_colorization")
    assert imported.parameter_count == 6
    assert imported.metadata["s2i.network"] == "jungjaewon"
    assert imported.path.suffix == ".safetensors"


def write_pi_rec(path: Path) -> None:
    """A published checkpoint of PI-REC, with one channel where those have 64."""
    ours = PaperGenerator(PaperConfig(width=1)).state_dict()
    ends = {
        "encoder.0": "encoder.1",
        "encoder.1": "encoder.4",
        "encoder.2": "encoder.7",
        "enlarged": "decoder.2",
        "transposed": "decoder.5",
        "output": "decoder.9",
    }
    theirs = {}
    for name, tensor in ours.items():
        layer, _, kind = name.rpartition(".")
        if layer not in ends:
            _, block, convolution = layer.split(".")
            ends[layer] = f"middle.{block}.conv_block.{1 if convolution == 'conv1' else 5}"
        theirs[f"{ends[layer]}.{kind}"] = tensor
    path.parent.mkdir(exist_ok=True)
    torch.save({"iteration": 7, "generator": theirs}, path)


@pytest.fixture
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether PI-REC's pipeline can load weights is for its own tests."""
    monkeypatch.setattr(model_store, "load", lambda name, weights: None)


@pytest.mark.usefixtures("_known")
@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("celeba/G_Model_gen_7.pth", "G_Model_gen_7"),
        ("celeba/R_Model_gen_9.pth", "R_Model_gen_9"),
        ("celeba", "celeba"),
        ("celeba/../celeba", "celeba"),
    ],
)
def test_a_model_of_pi_rec_is_known_by_its_content_and_comes_with_both_phases(
    given: str, name: str, store: ModelStore, tmp_path: Path
) -> None:
    for file in ("G_Model_gen_7.pth", "R_Model_gen_9.pth"):
        write_pi_rec(tmp_path / "celeba" / file)
    imported = store.import_file(tmp_path / given)
    assert (imported.name, imported.pipeline) == (name, "pi_rec")
    assert imported.metadata["s2i.network"] == "paper"
    assert imported.metadata["generate"] == "G_Model_gen_7.pth"
    assert imported.metadata["refine"] == "R_Model_gen_9.pth"
    one = sum(p.numel() for p in PaperGenerator(PaperConfig(width=1)).parameters())
    assert imported.parameter_count == 2 * one


@pytest.mark.usefixtures("_known")
def test_the_folder_one_is_in_is_a_model_too(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pi_rec(tmp_path / "anime.2" / "G_Model_gen_7.pth")
    monkeypatch.chdir(tmp_path / "anime.2")
    assert store.import_file(Path()).name == "anime.2"


def test_files_of_pi_rec_that_can_not_paint_say_what_to_do(
    store: ModelStore, tmp_path: Path
) -> None:
    write_pi_rec(tmp_path / "R_Model_gen_9.pth")
    torch.save({"discriminator": {}}, tmp_path / "G_Model_dis.pth")
    with pytest.raises(
        StoreError, match=r"R_Model_gen_9\.pth.*put that phase's file.*try again"
    ) as caught:
        store.import_file(tmp_path / "R_Model_gen_9.pth")
    assert "pickles" not in str(caught.value)
    with pytest.raises(StoreError, match=r"discriminator.*give the generator's file"):
        store.import_file(tmp_path / "G_Model_dis.pth")
    with pytest.raises(StoreError, match=r"no G_Model_gen_ITERATION\.pth is in this folder"):
        store.import_file(tmp_path)
    assert not list(store.folder.glob("*"))


def test_files_that_are_no_weights_of_ours_say_what_is_missing(
    store: ModelStore, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match=r"s2i\.pipeline has to be one of"):
        store.import_file(weights_file(tmp_path / "a.safetensors", pipeline=None))
    with pytest.raises(StoreError, match=r"s2i\.pipeline has to be one of"):
        store.import_file(weights_file(tmp_path / "b.safetensors", pipeline="unknown"))
    (tmp_path / "c.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(StoreError, match="not a safetensors file"):
        store.import_file(tmp_path / "c.safetensors")
    with pytest.raises(StoreError, match="no such file"):
        store.import_file(tmp_path / "d.safetensors")
    assert not list(store.folder.glob("*"))


@pytest.mark.parametrize("ending", ["", ".index", ".meta", ".data-00000-of-00001"])
def test_a_tensorflow_checkpoint_is_converted_whichever_of_its_files_is_given(
    ending: str, store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model-20000.index").touch()
    given = tmp_path / f"model-20000{ending}"
    state = {"conv.weight": torch.zeros(2, 3)}
    monkeypatch.setattr(importer, "convert", lambda path: (state, {"from": path.name}))
    monkeypatch.setattr(model_store, "load", lambda name, weights: None)
    imported = store.import_file(given)
    assert (imported.name, imported.pipeline) == ("model-20000", "auto_painter")
    assert imported.parameter_count == 6
    assert imported.metadata["from"] == given.name


def test_a_checkpoint_that_can_not_be_read_is_named(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "model.index").write_bytes(b"cut off")
    with pytest.raises(StoreError, match=r"model\.index"):
        store.import_file(tmp_path / "model.index")
    with pytest.raises(StoreError, match=r"absent\.index"):
        store.import_file(tmp_path / "absent.index")


def test_weights_that_do_not_fit_are_not_kept(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, *, weights: Path) -> None:
        raise RuntimeError("size mismatch for conv.weight")

    monkeypatch.setattr(model_store, "load", refuse)
    with pytest.raises(StoreError, match=r"do not fit echo.*size mismatch"):
        store.import_file(weights_file(tmp_path / "mine.safetensors"))
    assert not list(store.folder.glob("*"))


def test_a_damaged_choice_falls_back_to_what_ships(store: ModelStore) -> None:
    store.folder.mkdir()
    for text in ("", "[1]", '{"echo": 3}', '{"echo": "gone"}'):
        (store.folder / "chosen.json").write_text(text)
        assert store.chosen_path("echo") is None


def test_the_user_folder_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S2I_MODELS_DIR", str(tmp_path))
    assert user_folder() == tmp_path
    monkeypatch.delenv("S2I_MODELS_DIR")
    assert user_folder().name == "models"


def test_every_shipped_file_says_which_pipeline_it_is_for() -> None:
    paths = sorted(catalog.SHIPPED_WEIGHTS.glob("*.safetensors"))
    assert [w.path for w in ModelStore().list() if w.shipped] == paths
