"""`python -m minecli` is the `minecli` command."""

from minecli.cli.main import main

if __name__ == "__main__":
    main()
