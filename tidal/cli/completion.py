"""Print what a shell needs to complete the words of tidal: subcommands, flags, runs by id and by name, files.

  bash   echo 'eval "$(tidal completion bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(tidal completion zsh)"' >> ~/.zshrc        (after compinit)
  fish   echo "tidal completion fish | source" >> ~/.config/fish/config.fish

Begin a new shell afterwards. Runs are those of this machine: completing a word asks no Redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

SHELLS = ("bash", "zsh", "fish")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from argcomplete.shell_integration import shellcode

    print(shellcode(["tidal"], shell=args.shell))
    return 0
