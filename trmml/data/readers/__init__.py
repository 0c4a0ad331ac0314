"""One reader per file: each turns a dataset on disk into an `ImageTable`."""
