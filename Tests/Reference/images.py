#!/usr/bin/env python3
"""Makes images/*: pictures of every kind that Freshet must read, and what their pixels are.

    pip install pillow numpy && Tests/Reference/images.py

Pillow writes what it can; interlaced PNG and PNG of 16 bits and colours are put together by hand.
images.json holds for each file that can be read its size upright and its pixels as luma over white,
in base64, as Pillow reads them; those by hand are computed from what was written.
"""
import base64
import io
import json
import pathlib
import struct
import zlib

import numpy
from PIL import Image

FOLDER = pathlib.Path(__file__).parent / "images"
WIDTH, HEIGHT = 37, 23
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def colours():
    """Smooth colours with a dark bar, so that every turn of the picture looks different."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    pixels = numpy.stack([x * 255 // WIDTH, y * 255 // HEIGHT, (x + y) * 255 // (WIDTH + HEIGHT)], 2)
    pixels[3:7, 4:20] = (20, 10, 40)
    return pixels.astype(numpy.uint8)


def luma(rgb):
    """ITU-R BT.601 in 16 bits, as Pillow computes it."""
    r, g, b = (rgb[..., i].astype(numpy.uint32) for i in range(3))
    return ((r * 19595 + g * 38470 + b * 7471 + 32768) >> 16).astype(numpy.uint8)


def over_white(grey, alpha):
    grey, alpha = grey.astype(numpy.uint32), alpha.astype(numpy.uint32)
    return ((grey * alpha + 255 * (255 - alpha) + 127) // 255).astype(numpy.uint8)


def chunk(name, contents):
    return struct.pack(">I", len(contents)) + name + contents + struct.pack(">I", zlib.crc32(name + contents))


def png_by_hand(samples, bits, colour_type, is_interlaced):
    """`samples` has shape height, width, channels, of 8 or 16 bits."""
    height, width = samples.shape[:2]
    kind = ">u2" if bits == 16 else "u1"
    passes = ADAM7 if is_interlaced else [(0, 0, 1, 1)]
    rows = b""
    for left, top, right, down in passes:
        part = samples[top::down, left::right].astype(kind)
        if part.size:
            rows += b"".join(b"\0" + row.tobytes() for row in part)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, int(is_interlaced))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )


def main():
    FOLDER.mkdir(exist_ok=True)
    expected = {}
    rgb = colours()
    grey = luma(rgb)
    picture = Image.fromarray(rgb)

    def keep(name, contents, pixels=None):
        (FOLDER / name).write_bytes(contents)
        if pixels is not None:
            height, width = pixels.shape
            expected[name] = {
                "width": width,
                "height": height,
                "pixels": base64.b64encode(pixels.tobytes()).decode(),
            }

    def saved(image, kind, **options):
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        return stream.getvalue()

    def jpeg_luma(contents):
        image = Image.open(io.BytesIO(contents))
        image.draft("L", image.size)
        return numpy.asarray(image.convert("L"))

    keep("rgb.png", saved(picture, "png"), grey)
    keep("gray.png", saved(Image.fromarray(grey), "png"), grey)
    alpha = numpy.tile(numpy.linspace(0, 255, WIDTH).astype(numpy.uint8), (HEIGHT, 1))
    rgba = numpy.dstack([rgb, alpha])
    keep("rgba.png", saved(Image.fromarray(rgba), "png"), over_white(grey, alpha))
    la = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
    keep("gray-alpha.png", saved(la, "png"), over_white(grey, alpha))
    palette = picture.quantize(16)
    keep("palette.png", saved(palette, "png"), luma(numpy.asarray(palette.convert("RGB"))))
    transparent = palette.copy()
    opaque = numpy.asarray(palette) != 3
    keep(
        "palette-transparent.png",
        saved(transparent, "png", transparency=3),
        numpy.where(opaque, luma(numpy.asarray(palette.convert("RGB"))), 255).astype(numpy.uint8),
    )
    bilevel = Image.fromarray(((grey > 100) * 255).astype(numpy.uint8)).convert("1", dither=0)
    keep("bilevel.png", saved(bilevel, "png"), ((grey > 100) * 255).astype(numpy.uint8))
    # The low byte repeats the high one: both ways of making 16 bits 8 then agree.
    wide = rgb.astype(numpy.uint16) * 257
    keep("rgb16.png", png_by_hand(wide, 16, 2, False), grey)
    keep("interlaced.png", png_by_hand(rgb, 8, 2, True), grey)
    keep("interlaced-small.png", png_by_hand(rgb[:2, :3], 8, 2, True), grey[:2, :3])
    keep("gray16-interlaced.png", png_by_hand(grey[..., None].astype(numpy.uint16) * 257, 16, 0, True), grey)

    for name, options in {
        "rgb.jpg": {"quality": 92},
        "subsampled.jpg": {"quality": 80, "subsampling": 2},
        "progressive.jpg": {"quality": 85, "progressive": True},
        "restarts.jpg": {"quality": 85, "restart_marker_blocks": 2},
    }.items():
        contents = saved(picture, "jpeg", **options)
        keep(name, contents, jpeg_luma(contents))
    contents = saved(Image.fromarray(grey), "jpeg", quality=90)
    keep("gray.jpg", contents, jpeg_luma(contents))
    keep("cmyk.jpg", saved(picture.convert("CMYK"), "jpeg"))

    # The picture as a camera that was turned stores it: upright it is always the same.
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation, turn in turns.items():
        exif = Image.Exif()
        exif[0x112] = orientation
        stored = Image.fromarray(grey).transpose(turn)
        keep(f"orientation-{orientation}.png", saved(stored, "png", exif=exif), grey)
    exif = Image.Exif()
    exif[0x112] = 6
    contents = saved(Image.fromarray(grey).transpose(turns[6]), "jpeg", quality=95, exif=exif)
    upright = numpy.rot90(jpeg_luma(contents), -1)
    keep("orientation-6.jpg", contents, numpy.ascontiguousarray(upright))

    lines = [f"  {json.dumps(name)}: {json.dumps(expected[name])}" for name in sorted(expected)]
    (FOLDER / "images.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
