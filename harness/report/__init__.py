"""The files that people and pipelines read of a run; computes no verdict. `write` makes all of them."""
