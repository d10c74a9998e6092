"""Event files of tensorboard, where tensorboardX is not installed: scalars, histograms, images, figures, text."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from typing import Any


class EventWriter:
    """The most used methods of ``SummaryWriter``, on tensorboard's own writer of files."""

    def __init__(
        self, logdir: str, *, purge_step: int | None, max_queue: int, flush_secs: int, filename_suffix: str
    ) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event, self._summary, self._tensor = event_pb2, summary_pb2, tensor_pb2
        self._options = (max_queue, flush_secs, filename_suffix)
        self._open, self._folder = EventFileWriter, logdir
        self._files: dict[str, Any] = {}
        if purge_step is not None:
            status = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._file("").add_event(event_pb2.Event(wall_time=time.time(), step=purge_step, session_log=status))

    def _file(self, run: str) -> Any:
        if run not in self._files:
            self._files[run] = self._open(os.path.join(self._folder, run), *self._options)
        return self._files[run]

    def _write(self, value: Any, step: int | None, walltime: float | None, run: str = "") -> None:
        summary = self._summary.Summary(value=[value])
        event = self._event.Event(wall_time=walltime or time.time(), summary=summary)
        if step is not None:
            event.step = int(step)
        self._file(run).add_event(event)

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        value = self._summary.Summary.Value(tag=tag, simple_value=float(scalar_value))
        self._write(value, global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Curves of one diagram are runs of their own."""
        for tag, number in tag_scalar_dict.items():
            value = self._summary.Summary.Value(tag=main_tag, simple_value=float(number))
            self._write(value, global_step, walltime, f"{main_tag.replace('/', '_')}_{tag}")

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = 30,
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        import numpy as np

        flat = np.asarray(values, dtype=np.float64).reshape(-1)
        if not flat.size:
            raise ValueError("The input has no element.")
        counts, edges = np.histogram(flat, bins=30 if isinstance(bins, str) else bins)
        histogram = self._summary.HistogramProto(
            min=flat.min(), max=flat.max(), num=flat.size, sum=flat.sum(), sum_squares=(flat * flat).sum(),
            bucket_limit=edges[1:].tolist(), bucket=counts.tolist(),
        )  # fmt: skip
        self._write(self._summary.Summary.Value(tag=tag, histo=histogram), global_step, walltime)

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        plugin = self._summary.SummaryMetadata.PluginData(plugin_name="text", content=b"")
        tensor = self._tensor.TensorProto(dtype="DT_STRING", string_val=[text_string.encode()])
        tensor.tensor_shape.dim.add(size=1)
        metadata = self._summary.SummaryMetadata(plugin_data=plugin)
        value = self._summary.Summary.Value(tag=f"{tag}/text_summary", metadata=metadata, tensor=tensor)
        self._write(value, global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        import numpy as np

        image = np.asarray(img_tensor)
        if image.ndim != len(dataformats):
            raise AssertionError(f"add_image: an image of shape {image.shape} is not {dataformats}")
        order = [dataformats.index(letter) for letter in "HWC" if letter in dataformats]
        image = image.transpose(order)
        image = image if image.ndim == 3 else image[..., None]
        if image.dtype != np.uint8:
            image = (image * 255).clip(0, 255).astype(np.uint8)
        self._image(tag, image, global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Side by side, as one image."""
        import numpy as np

        images = np.moveaxis(np.asarray(img_tensor), dataformats.index("N"), 0)
        inner = dataformats.replace("N", "")
        self.add_image(tag, np.concatenate(list(images), axis=inner.index("W")), global_step, walltime, inner)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        file = io.BytesIO()
        figure.savefig(file, format="png")
        width, height = (int(n) for n in figure.canvas.get_width_height())
        image = self._summary.Summary.Image(
            height=height, width=width, colorspace=4, encoded_image_string=file.getvalue()
        )
        self._write(self._summary.Summary.Value(tag=tag, image=image), global_step, walltime)
        if close:
            import matplotlib.pyplot as plt

            plt.close(figure)

    def _image(self, tag: str, image: Any, step: int | None, walltime: float | None) -> None:
        height, width, channels = image.shape
        data = png(image.tobytes(), width, height, channels)
        proto = self._summary.Summary.Image(
            height=height, width=width, colorspace=channels, encoded_image_string=data
        )
        self._write(self._summary.Summary.Value(tag=tag, image=proto), step, walltime)

    def flush(self) -> None:
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def png(pixels: bytes, width: int, height: int, channels: int) -> bytes:
    """A PNG of 8-bit pixels: 1 channel is grey, 3 are RGB, 4 RGB with opacity (ISO/IEC 15948)."""
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = width * channels
    lines = b"".join(b"\0" + pixels[y * row : (y + 1) * row] for y in range(height))
    header = struct.pack(">2I5B", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
