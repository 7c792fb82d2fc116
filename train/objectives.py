"""What one step of training does, family by family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from engine.memory import Parts, explained
from engine.networks import AnyNetwork
from engine.networks.patchgan import PatchGAN
from engine.processes import Pix2Pix, Process
from engine.processes.pix2pix import discriminator_loss, generator_loss
from train.batches import Batch
from train.config import FitConfig
from train.world import ALONE, World

T = TypeVar("T")


def adamw(parameters: Any, config: FitConfig) -> torch.optim.AdamW:
    """Return the optimizer of the recipe."""
    parameters = list(parameters)
    return torch.optim.AdamW(
        parameters, lr=config.learning_rate, betas=(0.9, config.beta2),
        weight_decay=config.weight_decay, fused=parameters[0].is_cuda or None,
    )  # fmt: skip


class Objective:
    """Loss and optimizers of a family; `auxiliary` holds what is trained but not shipped.

    The losses of a step are this process's share of the mean over the batch: added up over all
    processes, they are that mean, and so are their gradients. So it is with parts of a batch, one
    after the other, where memory does not hold it at once.
    """

    def __init__(
        self, process: Process, network: AnyNetwork, config: FitConfig, world: World = ALONE
    ) -> None:
        self.process, self.network, self.world = process, network, world
        self.optimizers = [adamw(network.parameters(), config)]
        self.auxiliary: nn.Module = nn.Module()
        self.drop_source = config.drop_source or 0.0
        self.parts = Parts(
            f"the memory of {world.device} does not hold a step with a single pair: lower the "
            "widths or blocks of the network, or the size of the maps"
        )
        if isinstance(process, Pix2Pix) and process.adversarial_weight:
            self.auxiliary = PatchGAN(network.config.num_domains, process.discriminator_width)
            self.auxiliary.to(world.device)
            self.optimizers.append(adamw(self.auxiliary.parameters(), config))

    def step(self, batch: Batch, generator: torch.Generator, amp: Any) -> dict[str, Tensor]:
        """Take one optimizer step and return the losses by name."""
        if len(self.optimizers) > 1 and isinstance(self.process, Pix2Pix):
            return self._adversarial_step(self.process, batch, amp)
        batch = self._drop_sources(batch, generator)
        draws = self._draw(batch, generator)

        def loss(rows: slice) -> tuple[Tensor, Tensor]:
            with amp():
                loss = self._loss(batch, draws, rows)
            return loss, loss.detach()

        return {"loss": _sum(self._descend(self.optimizers[0], batch, loss))}

    def _drop_sources(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Return the batch with the source of a random share of its pairs hidden."""
        if not self.drop_source:
            return batch
        dropped = torch.rand(batch.total, generator=generator)[batch.part] < self.drop_source
        dropped = dropped.to(batch.source.device)
        hidden = batch.source.masked_fill(dropped, self.network.config.num_domains)
        return batch._replace(source=hidden)

    def diffusion_loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the mean loss of a batch at random times, stratified over the process's own."""
        return self._loss(batch, self._draw(batch, generator), slice(None))

    def _draw(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return times (n,) and noise (n, draws, h, w) of a batch."""
        n, device = batch.total, batch.x.device
        # Numbers for all of the batch, of which each process takes its part; the noise, which is
        # most of them, is drawn on the device.
        seed = int(torch.randint(2**31, (), generator=generator))
        on_device = torch.Generator(device).manual_seed(seed)
        shape = (n, self.process.num_draws, *batch.x.shape[2:])
        noise = torch.randn(shape, generator=on_device, device=device)[batch.part]
        uniform = (torch.rand(1, generator=generator) + torch.arange(n) / n) % 1.0
        return self.process.training_times(uniform[batch.part]).to(device), noise

    def _loss(
        self, batch: Batch, draws: tuple[Tensor, Tensor], rows: slice, scale: float = 1.0
    ) -> Tensor:
        """Return what some rows add to the mean loss; `scale` multiplies what the network gives."""
        part, (time, noise) = batch.rows(rows), (draw[rows] for draw in draws)

        def network(x: Tensor, t: Tensor) -> Tensor:
            return scale * self.network(x, t, part.source, part.target).float()

        return part.mean(self.process.loss(network, part.x, part.y, time, noise))

    def _adversarial_step(self, process: Pix2Pix, batch: Batch, amp: Any) -> dict[str, Tensor]:
        def generate(rows: slice) -> tuple[Tensor, tuple[Tensor, ...]]:
            x, y, *pair = (part := batch.rows(rows))[:4]
            with amp():
                fake = self.network(y, torch.zeros(len(y), device=y.device), *pair).float()
                l1 = part.mean((fake - x).abs().mean(dim=(1, 2, 3)))
                logits = self.auxiliary(y, fake, *pair).float()
                fooled = part.mean(generator_loss(process.gan_loss, logits))
            loss = l1 + process.adversarial_weight * fooled
            return loss, (l1.detach(), fooled.detach(), fake.detach())

        def judge(rows: slice) -> tuple[Tensor, Tensor]:
            x, y, *pair = (part := batch.rows(rows))[:4]
            with amp():
                real, made = (self.auxiliary(y, z, *pair).float() for z in (x, fakes[rows]))
                judged = part.mean(discriminator_loss(process.gan_loss, real, made))
            return judged, judged.detach()

        self.auxiliary.requires_grad_(False)
        l1, fooled, fake = zip(*self._descend(self.optimizers[0], batch, generate), strict=True)
        self.auxiliary.requires_grad_(True)
        fakes = torch.cat(fake)
        judged = self._descend(self.optimizers[1], batch, judge)
        return {"loss": _sum(l1), "fooled": _sum(fooled), "judged": _sum(judged)}

    def _descend(
        self, optimizer: torch.optim.Optimizer, batch: Batch,
        loss_of: Callable[[slice], tuple[Tensor, T]],
    ) -> list[T]:  # fmt: skip
        """Take a step down the sum of losses of parts; return what else came of each."""

        def descend(rows: slice) -> T:
            loss, found = loss_of(rows)
            loss.backward()
            return found

        found = self.parts.over(
            len(batch.x), descend, begin=lambda: optimizer.zero_grad(set_to_none=True)
        )
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.world.add_up([p.grad for p in parameters if p.grad is not None])
        nn.utils.clip_grad_norm_(parameters, 1.0)
        with explained(self.parts.sentence):
            optimizer.step()
        return found

    @torch.no_grad()
    def validate(self, batch: Batch, generator: torch.Generator, *, scale: float = 1.0) -> float:
        """Return the loss on a whole batch, without training and without the adversarial part."""
        draws = self._draw(batch, generator)
        losses = self.parts.over(
            len(batch.x), lambda rows: self._loss(batch, draws, rows, scale=scale)
        )
        return float(_sum(losses))


def _sum(parts: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(parts)).sum()
