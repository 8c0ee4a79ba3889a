"""`python -m harness` is `keras-harness`."""

from harness.cli import main

if __name__ == "__main__":
    main()
