"""The commands of `bench`, one file each; `bench.cli.COMMANDS` names them."""
