"""Writes bmp.json: BMP files of every kind and the SHA-256 of the RGB bytes that Pillow's convert('RGB') gives."""
import base64
import hashlib
import io
import json
import pathlib
import random
import struct

from PIL import Image

random.seed(5)
WIDTH, HEIGHT = 13, 7


def noise(length):
    return bytes(random.randrange(256) for _ in range(length))


def palette(colours, stride=4):
    return b"".join(noise(3) + bytes(stride - 3) for _ in range(colours))


def file(header, colours, pixels, masks=b""):
    offset = 14 + len(header) + len(masks) + len(colours)
    head = b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset)
    return head + header + masks + colours + pixels


def windows(size, height, bits, compression=0, colours=0, masks=b"", width=WIDTH):
    head = struct.pack("<IiiHHIIiiII", size, width, height, 1, bits, compression, 0, 2835, 2835, colours, 0)
    return (head + masks).ljust(size, b"\0")


files = {}
for bits in (1, 4, 8, 16, 24, 32):
    colours = 1 << bits if bits <= 8 else 0
    pixels = noise((WIDTH * bits + 31) // 32 * 4 * HEIGHT)
    for size in (40, 64, 108, 124):
        files[f"{bits} bits, header of {size}"] = file(windows(size, HEIGHT, bits), palette(colours), pixels)
    files[f"{bits} bits, top-down"] = file(windows(40, -HEIGHT, bits), palette(colours), pixels)
    if bits not in (16, 32):
        os2 = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
        files[f"{bits} bits, OS/2"] = file(os2, palette(colours, 3), pixels)
short = noise((WIDTH * 16 + 31) // 32 * 4 * HEIGHT)
for name, masks in {"565": (0xF800, 0x7E0, 0x1F), "555": (0x7C00, 0x3E0, 0x1F)}.items():
    files[f"masks {name}"] = file(windows(40, HEIGHT, 16, 3), b"", short, struct.pack("<III", *masks))
for name, masks in {
    "BGRX": (0xFF0000, 0xFF00, 0xFF, 0),
    "XBGR": (0xFF000000, 0xFF0000, 0xFF00, 0),
    "ABGR": (0xFF000000, 0xFF0000, 0xFF00, 0xFF),
    "RGBA": (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
    "none": (0, 0, 0, 0),
}.items():
    header = windows(108, HEIGHT, 32, 3, 0, struct.pack("<IIII", *masks))
    files[f"masks {name}"] = file(header, b"", noise(WIDTH * 4 * HEIGHT))
indices = bytes(random.randrange(3) for _ in range(16 * HEIGHT))
files["three colours"] = file(windows(40, HEIGHT, 8, 0, 3), palette(3), indices)
files["colours beyond the palette"] = file(windows(40, HEIGHT, 8, 0, 3), palette(3), noise(16 * HEIGHT))
greys = b"".join(bytes([i, i, i, 0]) for i in range(256))
files["greys"] = file(windows(40, HEIGHT, 8, 0, 256), greys, noise(16 * HEIGHT))
rle8 = [10, 7, 0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 5, 9, 0, 0, 3, 8, 0, 0, 0, 4, 9, 9, 8, 8, 6, 1, 0, 1]
for name, height in (("RLE8", 4), ("RLE8, top-down", -4)):
    files[name] = file(windows(40, height, 8, 1, 256, width=10), palette(256), bytes(rle8))
long = [200, 7, 0, 0, 10, 4, 0, 1]
files["RLE8, a run past the row"] = file(windows(40, 2, 8, 1, 256, width=10), palette(256), bytes(long))
rle4 = [10, 0x7A, 0, 0, 0, 6, 0x12, 0x34, 0x56, 0, 4, 0x9F, 0, 0, 10, 0x11, 0, 1]
files["RLE4"] = file(windows(40, 3, 4, 2, 16, width=10), palette(16), bytes(rle4))

golden = []
for name, data in files.items():
    image = Image.open(io.BytesIO(data)).convert("RGB")
    digest = hashlib.sha256(image.tobytes()).hexdigest()
    golden.append({"name": name, "file": base64.b64encode(data).decode(), "size": image.size, "sha256": digest})
path = pathlib.Path(__file__).with_name("bmp.json")
path.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in golden) + "\n]\n")
