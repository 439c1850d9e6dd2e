"""Grey values of 10 and 12 bits against bits written one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.errors import ImageError
from denseba_ros.sequences.encodings import decode_image, to_8_bit
from denseba_ros.sequences.pixels.packed_bits import packed_row_bytes, unpack, widen


def bits_from_the_lowest(values: list[int], bits: int) -> bytes:
    """As EMVA's Pixel Format Naming Convention has it for ``p``."""
    number = sum(value << (bits * place) for place, value in enumerate(values))
    return number.to_bytes(-(-len(values) * bits // 8), "little")


def high_bytes_first(values: list[int], bits: int) -> bytes:
    """As GigE Vision has it for ``Packed``: high byte, low parts of both, high byte."""
    low = bits - 8
    packed = bytearray()
    for a, b in zip(values[::2], values[1::2], strict=True):
        packed += bytes([a >> low, a & ((1 << low) - 1) | (b & ((1 << low) - 1)) << 4, b >> low])
    return bytes(packed)


@pytest.mark.parametrize("bits", [10, 12])
@given(data=st.data())
def test_unpacking_is_the_inverse_of_packing(bits: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=8, max_size=8))
    for layout, pack in ((f"{bits}p", bits_from_the_lowest), (f"{bits}packed", high_bytes_first)):
        row = np.frombuffer(pack(values, bits), np.uint8)
        assert len(row) == packed_row_bytes(8, layout)
        assert unpack(row[None], layout, 8)[0].tolist() == values


@pytest.mark.parametrize("bits", [10, 12])
def test_the_range_becomes_that_of_16_bits(bits: int) -> None:
    largest = (1 << bits) - 1
    values = np.arange(largest + 1, dtype=np.uint16)
    assert np.array_equal(widen(values, bits), np.round(values * 65535.0 / largest))
    with pytest.raises(ImageError, match=f"more than {bits} bits"):
        widen(np.array([largest + 1], np.uint16), bits)


@pytest.mark.parametrize("bits", [10, 12])
def test_every_encoding_gives_the_same_image(bits: int) -> None:
    values = np.random.default_rng(0).integers(0, 1 << bits, (6, 8), dtype=np.uint16)
    expected = to_8_bit(widen(values, bits))
    as_rows = values.tolist()
    assert np.array_equal(decode_image(values.tobytes(), f"mono{bits}", 8, 6, 16), expected)
    swapped = values.astype(">u2").tobytes()
    assert np.array_equal(decode_image(swapped, f"mono{bits}", 8, 6, 16, True), expected)
    for end, pack in (("p", bits_from_the_lowest), ("packed", high_bytes_first), ("Packed", None)):
        rows = [(pack or high_bytes_first)(row, bits) for row in as_rows]
        data = b"".join(row + b"??" for row in rows)
        step = len(rows[0]) + 2
        assert np.array_equal(decode_image(data, f"Mono{bits}{end}", 8, 6, step), expected)
        with pytest.raises(ImageError, match="needs"):
            decode_image(data[:-3], f"mono{bits}{end}", 8, 6, step)
