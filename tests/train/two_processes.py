"""What test_world starts with torchrun: whole and interrupted runs of several families.

Arguments: the folder to write to, and a JSON list of the runs' configurations.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from train.config import FitConfig
from train.trainer import Trainer
from train.world import joined


def take(trainer, steps):
    return [trainer.train_step()["loss"] for _ in range(steps)]


def main(folder, configs):
    with joined("cpu") as world:
        for config in (FitConfig(**fields) for fields in configs):
            whole = Trainer(replace(config, output=str(folder / config.name)), world=world)
            losses = take(whole, 6)
            whole.save()
            parts = Trainer(replace(config, output=str(folder / "parts")), world=world)
            take(parts, 3)
            parts.save()
            again = Trainer(parts.config, world=world)
            world.any(True)  # Wait for the file.
            again.resume()
            take(again, 3)
            same = all(again.average[k].equal(v) for k, v in whole.average.items())
            if world.writes:
                result = {"losses": losses, "size": world.size, "resumed_exactly": same}
                (folder / f"{config.name}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
