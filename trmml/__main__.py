"""`python -m trmml`, for launchers that start modules."""

from trmml.cli import main

if __name__ == "__main__":
    main()
