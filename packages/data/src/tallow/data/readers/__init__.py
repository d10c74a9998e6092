"""Readers of file formats.

``idx``     MNIST's format
``images``  folders of images; needs Pillow: ``pip install 'tallow-data[images]'``
``tables``  CSV and Parquet; needs pyarrow: ``pip install 'tallow-data[tables]'``
``arrays``  ``.npy`` and raw values, mapped
"""

from . import arrays, idx, images, tables
from .arrays import MappedArrays, map_npy, map_raw, save_npy
from .idx import load_idx, load_mnist, save_idx
from .images import ImageFolder, load_image
from .tables import ParquetStream, TableDataset, read_csv, read_parquet

__all__ = [
    "ImageFolder",
    "MappedArrays",
    "ParquetStream",
    "TableDataset",
    "arrays",
    "idx",
    "images",
    "load_idx",
    "load_image",
    "load_mnist",
    "map_npy",
    "map_raw",
    "read_csv",
    "read_parquet",
    "save_idx",
    "save_npy",
    "tables",
]
