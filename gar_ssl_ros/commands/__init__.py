"""The commands of `gar-ssl`. A command loads what it needs when it runs, so that `--help` is quick."""
