"""What one step of training does, family by family."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from engine.networks import AnyNetwork
from engine.networks.patchgan import PatchGAN
from engine.processes import Pix2Pix, Process
from engine.processes.pix2pix import discriminator_loss, generator_loss
from train.batches import Batch
from train.config import FitConfig
from train.world import ALONE, World


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
    processes, they are that mean, and so are their gradients.
    """

    def __init__(
        self, process: Process, network: AnyNetwork, config: FitConfig, world: World = ALONE
    ) -> None:
        self.process, self.network, self.world = process, network, world
        self.optimizers = [adamw(network.parameters(), config)]
        self.auxiliary: nn.Module = nn.Module()
        self.drop_source = config.drop_source or 0.0
        if isinstance(process, Pix2Pix) and process.adversarial_weight:
            self.auxiliary = PatchGAN(network.config.num_domains, process.discriminator_width)
            self.auxiliary.to(world.device)
            self.optimizers.append(adamw(self.auxiliary.parameters(), config))

    def step(self, batch: Batch, generator: torch.Generator, amp: Any) -> dict[str, Tensor]:
        """Take one optimizer step and return the losses by name."""
        if len(self.optimizers) > 1 and isinstance(self.process, Pix2Pix):
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
        dropped = torch.rand(batch.total, generator=generator)[batch.part] < self.drop_source
        dropped = dropped.to(batch.source.device)
        hidden = batch.source.masked_fill(dropped, self.network.config.num_domains)
        return batch._replace(source=hidden)

    def diffusion_loss(
        self, batch: Batch, generator: torch.Generator, *, scale: float = 1.0
    ) -> Tensor:
        """Return the mean loss of a batch at random times, stratified over the process's own.

        `scale` multiplies what the network gives.
        """
        n, device = batch.total, batch.x.device
        # Numbers for all of the batch, of which each process takes its part; the noise, which is
        # most of them, is drawn on the device.
        seed = int(torch.randint(2**31, (), generator=generator))
        on_device = torch.Generator(device).manual_seed(seed)
        shape = (n, self.process.num_draws, *batch.x.shape[2:])
        noise = torch.randn(shape, generator=on_device, device=device)[batch.part]
        uniform = (torch.rand(1, generator=generator) + torch.arange(n) / n) % 1.0
        time = self.process.training_times(uniform[batch.part]).to(device)

        def network(x: Tensor, t: Tensor) -> Tensor:
            return scale * self.network(x, t, batch.source, batch.target).float()

        return batch.mean(self.process.loss(network, batch.x, batch.y, time, noise))

    def _adversarial_step(self, process: Pix2Pix, batch: Batch, amp: Any) -> dict[str, Tensor]:
        x, y, pair = batch.x, batch.y, (batch.source, batch.target)
        with amp():
            fake = self.network(y, torch.zeros(len(y), device=y.device), *pair).float()
            self.auxiliary.requires_grad_(False)
            l1 = batch.mean((fake - x).abs().mean(dim=(1, 2, 3)))
            logits = self.auxiliary(y, fake, *pair).float()
            fooled = batch.mean(generator_loss(process.gan_loss, logits))
        self._descend(self.optimizers[0], l1 + process.adversarial_weight * fooled)
        self.auxiliary.requires_grad_(True)
        with amp():
            real, made = (self.auxiliary(y, z, *pair).float() for z in (x, fake.detach()))
            judged = batch.mean(discriminator_loss(process.gan_loss, real, made))
        self._descend(self.optimizers[1], judged)
        return {"loss": l1.detach(), "fooled": fooled.detach(), "judged": judged.detach()}

    def _descend(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.world.add_up([p.grad for p in parameters if p.grad is not None])
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    @torch.no_grad()
    def validate(self, batch: Batch, generator: torch.Generator, *, scale: float = 1.0) -> float:
        """Return the loss on a whole batch, without training and without the adversarial part."""
        return float(self.diffusion_loss(batch, generator, scale=scale))
