"""What one step of training does, family by family."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.networks import AnyNetwork
from engine.networks.patchgan import PatchGAN
from engine.processes import Pix2Pix, Process
from engine.processes.pix2pix import discriminator_loss, generator_loss
from train.batches import Batch
from train.config import FitConfig


def adamw(parameters: Any, config: FitConfig) -> torch.optim.AdamW:
    """Return the optimizer of the recipe."""
    return torch.optim.AdamW(
        parameters, lr=config.learning_rate, betas=(0.9, config.beta2),
        weight_decay=config.weight_decay,
    )  # fmt: skip


class Objective:
    """Loss and optimizers of a family; `auxiliary` holds what is trained but not shipped."""

    def __init__(self, process: Process, network: AnyNetwork, config: FitConfig) -> None:
        self.process, self.network = process, network
        self.optimizers = [adamw(network.parameters(), config)]
        self.auxiliary: nn.Module = nn.Module()
        self.drop_source = config.drop_source or 0.0
        if isinstance(process, Pix2Pix):
            self.auxiliary = PatchGAN(network.config.num_domains, process.discriminator_width)
            self.optimizers.append(adamw(self.auxiliary.parameters(), config))

    def step(self, batch: Batch, generator: torch.Generator, amp: Any) -> dict[str, Tensor]:
        """Take one optimizer step and return the losses by name."""
        if isinstance(self.process, Pix2Pix):
            return self._adversarial_step(self.process, batch, amp)
        batch = self._drop_sources(batch, generator)
        with amp():
            loss = self.diffusion_loss(batch, generator)
        self._descend(self.optimizers[0], loss)
        return {"loss": loss.detach()}

    def _drop_sources(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Return the batch with the source of a random share of its pairs hidden."""
        if not self.drop_source:
            return batch
        dropped = torch.rand(len(batch.x), generator=generator) < self.drop_source
        dropped = dropped.to(batch.source.device)
        hidden = batch.source.masked_fill(dropped, self.network.config.num_domains)
        return batch._replace(source=hidden)

    def diffusion_loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the mean loss of a batch at random times, stratified over the process's own."""
        n = len(batch.x)
        uniform = (torch.rand(1, generator=generator) + torch.arange(n) / n) % 1.0
        time = self.process.training_times(uniform)
        noise = torch.randn(batch.x.shape, generator=generator)
        time, noise = time.to(batch.x.device), noise.to(batch.x.device)

        def network(x: Tensor, t: Tensor) -> Tensor:
            return self.network(x, t, batch.source, batch.target).float()

        return self.process.loss(network, batch.x, batch.y, time, noise).mean()

    def _adversarial_step(self, process: Pix2Pix, batch: Batch, amp: Any) -> dict[str, Tensor]:
        x, y, pair = batch.x, batch.y, (batch.source, batch.target)
        with amp():
            fake = self.network(y, torch.zeros(len(y), device=y.device), *pair).float()
            self.auxiliary.requires_grad_(False)
            l1 = functional.l1_loss(fake, x)
            fooled = generator_loss(self.auxiliary(y, fake, *pair).float())
        self._descend(self.optimizers[0], l1 + process.adversarial_weight * fooled)
        self.auxiliary.requires_grad_(True)
        with amp():
            logits = [self.auxiliary(y, z, *pair).float() for z in (x, fake.detach())]
            judged = discriminator_loss(*logits)
        self._descend(self.optimizers[1], judged)
        return {"loss": l1.detach(), "fooled": fooled.detach(), "judged": judged.detach()}

    def _descend(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for group in optimizer.param_groups:
            nn.utils.clip_grad_norm_(group["params"], 1.0)
        optimizer.step()

    @torch.no_grad()
    def validate(self, batch: Batch, generator: torch.Generator) -> float:
        """Return the loss on a hold-out batch, without the adversarial part."""
        return float(self.diffusion_loss(batch, generator))
