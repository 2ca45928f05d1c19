"""`python -m minecli` is the `minecli` command."""

from minecli.cli.start import main

if __name__ == "__main__":
    main()
