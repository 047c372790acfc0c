"""A checkpoint is written here byte by byte as TensorFlow's format defines it, and painted with
here in numpy as the specification of the official code says, apart from our own code."""

import json
import struct

import numpy as np
import pytest
import torch

from s2i_models.auto_painter.importer import convert, convert_discriminator
from s2i_models.auto_painter.network import PatchGan, UNet, UNetConfig
from s2i_models.tensorflow_checkpoint import TensorFlowCheckpoint

# --- writing a bundle -------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A LevelDB block with its trailer: prefix-compressed keys, a restart every 16 entries."""
    out, restarts, last = b"", [], b""
    for index, (key, value) in enumerate(entries):
        shared = 0
        if index % 16 == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        last = key
    restarts = restarts or [0]
    out += b"".join(struct.pack("<I", r) for r in restarts) + struct.pack("<I", len(restarts))
    return out


def table(entries: list[tuple[bytes, bytes]], per_block: int = 20) -> bytes:
    out, handles = b"", []

    def append(content: bytes) -> bytes:
        nonlocal out
        handle = varint(len(out)) + varint(len(content))
        out += content + b"\0" + b"\0\0\0\0"  # not compressed; checksum, which is not read
        return handle

    for begin in range(0, len(entries), per_block):
        part = entries[begin : begin + per_block]
        handles.append((part[-1][0], append(block(part))))
    footer = append(block([])) + append(block(handles))
    return out + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def write_bundle(folder, variables: dict[str, np.ndarray]):
    """`model-7.index` and its data; returns the index's path."""
    data = b""
    entries = [(b"", b"\x08\x01" + b"\x1a\x02\x08\x01")]  # one shard, version 1
    for name in sorted(variables):
        value = variables[name]
        raw = value.tobytes()
        dimensions = b""
        for side in value.shape:
            size = b"\x08" + varint(side)
            dimensions += b"\x12" + varint(len(size)) + size
        dtype = {"<f4": 1, "<i8": 9}[value.dtype.str]
        entry = b"\x08" + varint(dtype) + b"\x12" + varint(len(dimensions)) + dimensions
        if data:  # protocol buffers leave out zeros
            entry += b"\x20" + varint(len(data))
        entry += b"\x28" + varint(len(raw)) + b"\x35\x01\x02\x03\x04"
        entries.append((name.encode(), entry))
        data += raw
    (folder / "model-7.index").write_bytes(table(entries))
    (folder / "model-7.data-00000-of-00001").write_bytes(data)
    return folder / "model-7.index"


# --- the official layout and its layers by hand -----------------------------------------------


def official_variables(widths, kernel: int, bilinear: bool, rng) -> dict[str, np.ndarray]:
    variables = {"global_step": np.array(7, np.int64)}

    def add(name, *shape, mean=0.0):
        variables[name] = rng.normal(mean, 0.2, shape).astype(np.float32)

    depth = len(widths)
    for i in range(1, depth + 1):
        inputs = 3 if i == 1 else widths[i - 2]
        add(f"generator/encoder_{i}/conv/filter", kernel, kernel, inputs, widths[i - 1])
        add(f"generator/encoder_{i}/conv/filter/Adam", kernel, kernel, inputs, widths[i - 1])
        inputs = widths[i - 1] * (1 if i == depth else 2)
        outputs = 3 if i == 1 else widths[i - 2]
        if bilinear:
            add(f"generator/decoder_{i}/deconv/conv2d/kernel", kernel, kernel, inputs, outputs)
            add(f"generator/decoder_{i}/deconv/conv2d/bias", outputs)
        else:
            add(f"generator/decoder_{i}/deconv/filter", kernel, kernel, outputs, inputs)
        if i > 1:
            for part, channels in (("encoder", widths[i - 1]), ("decoder", outputs)):
                add(f"generator/{part}_{i}/batchnorm/offset", channels)
                add(f"generator/{part}_{i}/batchnorm/scale", channels, mean=1)
    sides = (6, 4, 8, 16, 32, 1)
    for i in range(1, 6):
        add(f"discriminator/layer_{i}/conv/filter", kernel, kernel, sides[i - 1], sides[i])
        if 2 <= i <= 4:
            add(f"discriminator/layer_{i}/batchnorm/offset", sides[i])
            add(f"discriminator/layer_{i}/batchnorm/scale", sides[i], mean=1)
    return variables


def convolve(x, kernel, stride):
    """x (H, W, in) padded by one pixel, kernel (h, w, in, out), no further padding."""
    x = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    k = kernel.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(0, 1))
    return np.einsum("yxihw,hwio->yxo", windows[::stride, ::stride], kernel)


def transposed(x, kernel):
    """TensorFlow's SAME, stride 2: every input pixel lays down a kernel (h, w, out, in); of what
    exceeds twice the size, the smaller half is cut off before and the larger half after."""
    height, width, _ = x.shape
    k = kernel.shape[0]
    out = np.zeros((2 * height - 2 + k, 2 * width - 2 + k, kernel.shape[2]))
    for y in range(height):
        for c in range(width):
            out[2 * y : 2 * y + k, 2 * c : 2 * c + k] += np.einsum("hwoi,i->hwo", kernel, x[y, c])
    before = (k - 2) // 2
    return out[before : before + 2 * height, before : before + 2 * width]


def doubled(x):
    """TensorFlow 1's bilinear: pixel i at 2i, means between, the last repeated."""
    for axis in (0, 1):
        after = np.concatenate([np.delete(x, 0, axis), np.take(x, [-1], axis)], axis)
        pairs = np.stack([x, (x + after) / 2], axis + 1)
        x = pairs.reshape([2 * n if a == axis else n for a, n in enumerate(x.shape)])
    return x


def normalize(x, variables, name):
    x = (x - x.mean(axis=(0, 1))) / np.sqrt(x.var(axis=(0, 1)) + 1e-5)
    return x * variables[f"{name}/batchnorm/scale"] + variables[f"{name}/batchnorm/offset"]


def paint(sketch, variables, depth, bilinear):
    encoded, h = [], sketch
    for i in range(1, depth + 1):
        name = f"generator/encoder_{i}"
        if i > 1:
            h = np.maximum(h, 0.2 * h)
        h = convolve(h, variables[f"{name}/conv/filter"], 2)
        if i > 1:
            h = normalize(h, variables, name)
        encoded.append(h)
    for i in range(depth, 0, -1):
        name = f"generator/decoder_{i}"
        if i < depth:
            h = np.concatenate([h, encoded[i - 1]], axis=2)
        h = np.maximum(h, 0)
        if bilinear:
            h = convolve(doubled(h), variables[f"{name}/deconv/conv2d/kernel"], 1)
            h = h + variables[f"{name}/deconv/conv2d/bias"]
            if i > 1:
                h = np.maximum(h, 0)
        else:
            h = transposed(h, variables[f"{name}/deconv/filter"])
        if i > 1:
            h = normalize(h, variables, name)
    return np.tanh(h)


def judge(sketch, picture, variables):
    h = np.concatenate([sketch, picture], axis=2)
    for i, stride in enumerate((2, 2, 2, 1, 1), start=1):
        name = f"discriminator/layer_{i}"
        h = convolve(h, variables[f"{name}/conv/filter"], stride)
        if 2 <= i <= 4:
            h = normalize(h, variables, name)
        if i < 5:
            h = np.maximum(h, 0.2 * h)
    return 1 / (1 + np.exp(-h))


def tensor(picture):
    return torch.from_numpy(picture.transpose(2, 0, 1)[None]).float()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


CASES = [((4, 8, 12, 16), 3, False), ((4, 8, 12, 16), 4, False), ((4, 8, 8), 3, True)]


@pytest.mark.parametrize(("widths", "kernel", "bilinear"), CASES)
def test_an_imported_generator_paints_what_the_official_layers_paint(
    tmp_path, rng, widths, kernel, bilinear
):
    variables = official_variables(widths, kernel, bilinear, rng)
    state, metadata = convert(write_bundle(tmp_path, variables))
    network = UNet(UNetConfig.from_dict(json.loads(metadata["s2i.config"]))).eval()
    network.load_state_dict(state)
    sketch = rng.uniform(-1, 1, (32, 48, 3))

    expected = paint(sketch, variables, len(widths), bilinear)
    with torch.no_grad():
        painted = network(tensor(sketch))[0].permute(1, 2, 0).numpy()

    np.testing.assert_allclose(painted, expected, atol=2e-4)
    assert expected.std() > 0.05
    assert (metadata["ngf"], metadata["kernel"]) == ("4", str(kernel))
    assert metadata["variant"] == "custom"


@pytest.mark.parametrize("kernel", [3, 4])
def test_an_imported_discriminator_judges_as_the_official_layers_do(tmp_path, rng, kernel):
    variables = official_variables((4, 8), kernel, False, rng)
    network = PatchGan(4, kernel, sigmoid=True)
    network.load_state_dict(convert_discriminator(write_bundle(tmp_path, variables)))
    sketch, picture = rng.uniform(-1, 1, (2, 48, 64, 3))

    with torch.no_grad():
        verdicts = network(tensor(sketch), tensor(picture))[0, 0].numpy()

    np.testing.assert_allclose(verdicts, judge(sketch, picture, variables)[..., 0], atol=1e-4)


@pytest.mark.parametrize(
    ("variant", "widths", "kernel"),
    [
        ("paper", (48, 96, 192, 384, 384, 384, 384, 384), 3),
        ("wgan", (64, 128, 256, 512, 512, 512, 512, 512), 4),
    ],
)
def test_the_published_variants_are_recognized_by_their_shapes(variant, widths, kernel):
    from s2i_models.auto_painter import importer

    class Shapes(dict):
        """Arrays that take no memory."""

        def __getitem__(self, name):
            return np.broadcast_to(np.float32(0), super().__getitem__(name))

    shapes = Shapes(
        {
            f"generator/encoder_{i}/conv/filter": (kernel, kernel, 3, width)
            for i, width in enumerate(widths, start=1)
        }
    )
    assert importer._config(shapes) == importer._VARIANTS[variant]


def test_the_bundle_is_read_from_any_of_its_files(tmp_path, rng):
    variables = official_variables((4, 8), 3, False, rng)
    index = write_bundle(tmp_path, variables)
    for path in (index, tmp_path / "model-7.data-00000-of-00001", tmp_path / "model-7.meta"):
        read = TensorFlowCheckpoint(path)
        assert set(read) == set(variables)
        for name, value in variables.items():
            np.testing.assert_array_equal(read[name], value)
    assert "generator/encoder_9/conv/filter" not in read


def test_another_checkpoint_is_refused_with_what_it_holds(tmp_path):
    path = write_bundle(tmp_path, {"resnet/conv1": np.zeros((3, 3), np.float32)})
    with pytest.raises(ValueError, match="resnet/conv1"):
        convert(path)


def test_a_missing_variable_is_named(tmp_path, rng):
    variables = official_variables((4, 8), 3, False, rng)
    del variables["generator/decoder_2/batchnorm/scale"]
    with pytest.raises(ValueError, match="decoder_2/batchnorm/scale is missing"):
        convert(write_bundle(tmp_path, variables))


def test_a_checkpoint_that_is_cut_off_is_refused(tmp_path, rng):
    index = write_bundle(tmp_path, official_variables((4, 8), 3, False, rng))
    data = index.with_name("model-7.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:-2000])
    with pytest.raises(ValueError, match="cut off"):
        convert(index)
    index.write_bytes(index.read_bytes()[:-10])
    with pytest.raises(ValueError, match="not a whole checkpoint index"):
        convert(index)
    with pytest.raises(FileNotFoundError):
        convert(tmp_path / "other.index")


def test_damaged_indexes_are_refused_and_never_crash(tmp_path, rng):
    index = write_bundle(tmp_path, official_variables((4, 8), 3, False, rng))
    whole = index.read_bytes()
    for _ in range(300):
        damaged = bytearray(whole)
        for position in rng.integers(0, len(damaged), 4):
            damaged[position] = rng.integers(0, 256)
        index.write_bytes(bytes(damaged))
        try:
            convert(index)
        except ValueError:
            continue
