"""Tables in containers: HDF5, zarr, Parquet, 10x and Excel."""
