"""What one optimizer step does, by family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.networks.patchgan import PatchGAN
from engine.networks.unet import UNet
from engine.processes.ddpm import DDPM
from engine.processes.pix2pix import Pix2Pix, discriminator_loss, generator_loss
from train.batches import Batch
from train.config import Config, Optimization


class Objective(ABC):
    """A network in training: modules and optimizers by name, and the step that improves them."""

    def __init__(self, network: UNet, config: Config) -> None:
        self.network, self.settings = network, config.optimization
        self.modules: dict[str, nn.Module] = {"network": network}
        self.optimizers = {"network": adamw(network, config.optimization)}

    @abstractmethod
    def update(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Take one step and return its losses, detached."""

    @abstractmethod
    def validate(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the loss (n,) of `network` on held-out pairs."""

    def apply(self, network: nn.Module, batch: Batch) -> Any:
        """Return `network` as a process calls it, in the run's precision and memory format."""

        def call(maps: Tensor, time: Tensor) -> Tensor:
            maps = maps.contiguous(memory_format=torch.channels_last)
            with self.autocast():
                out = network(maps, time, batch.source, batch.target)
            return out.float()

        return call

    def autocast(self) -> torch.autocast:
        """Return the run's autocast context."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.settings.precision == "bfloat16")

    def descend(self, name: str, loss: Tensor) -> None:
        """Step one optimizer down the gradient of `loss`."""
        self.optimizers[name].zero_grad()
        loss.backward()
        if self.settings.max_gradient_norm:
            parameters = self.modules[name].parameters()
            nn.utils.clip_grad_norm_(parameters, self.settings.max_gradient_norm)
        self.optimizers[name].step()

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of all optimizers."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate


class Diffusion(Objective):
    """Regression of the process's prediction at random times."""

    def __init__(self, network: UNet, config: Config) -> None:
        super().__init__(network, config)
        process = config.make_process()
        assert isinstance(process, DDPM)
        self.process = process

    def update(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Take one step."""
        loss = self._loss(self.network, batch, generator).mean()
        self.descend("network", loss)
        return {"loss": loss.detach()}

    def validate(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the loss (n,)."""
        return self._loss(network, batch, generator)

    def _loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the loss (n,) at times spread evenly over a batch, which lowers its variance.

        The times are those of Kingma et al. (2021), appendix I.1.
        """
        n = len(batch.x)
        time = (torch.rand(1, generator=generator) + torch.arange(n) / n) % 1.0
        noise = torch.randn(batch.x.shape, generator=generator)
        return self.process.loss(self.apply(network, batch), batch.x, batch.y, time, noise)


class Adversarial(Objective):
    """L1 and a conditional PatchGAN, which learns beside the generator."""

    def __init__(self, network: UNet, config: Config) -> None:
        super().__init__(network, config)
        process = config.make_process()
        assert isinstance(process, Pix2Pix)
        self.process = process
        judge = PatchGAN(config.network.num_domains, process.discriminator_width)
        self.judge = judge.to(memory_format=torch.channels_last)
        self.modules["judge"] = self.judge
        self.optimizers["judge"] = adamw(self.judge, config.optimization)

    def update(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Take one step of the discriminator, then one of the generator."""
        fake = self._translate(self.network, batch)
        with self.autocast():
            real_logits = self._judge(batch, batch.x)
            fake_logits = self._judge(batch, fake.detach())
        judged = discriminator_loss(real_logits.float(), fake_logits.float())
        self.descend("judge", judged)
        self.judge.requires_grad_(False)
        with self.autocast():
            logits = self._judge(batch, fake)
        self.judge.requires_grad_(True)
        distance = functional.l1_loss(fake, batch.x)
        adversarial = generator_loss(logits.float())
        self.descend("network", distance + self.process.adversarial_weight * adversarial)
        return {
            "loss": distance.detach(),
            "adversarial": adversarial.detach(),
            "discriminator": judged.detach(),
        }

    def validate(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the L1 distance (n,)."""
        return (self._translate(network, batch) - batch.x).abs().mean(dim=(1, 2, 3))

    def _translate(self, network: nn.Module, batch: Batch) -> Tensor:
        time = torch.ones(len(batch.y))
        return self.process.denoise(self.apply(network, batch), batch.y, time, batch.y)

    def _judge(self, batch: Batch, x: Tensor) -> Tensor:
        return self.judge(batch.y, x, batch.source, batch.target)


OBJECTIVES: dict[str, type[Objective]] = {"ddpm": Diffusion, "pix2pix": Adversarial}


def adamw(module: nn.Module, settings: Optimization) -> torch.optim.AdamW:
    """Return AdamW (Loshchilov & Hutter 2019) that decays weights but no biases and norms."""
    decayed = [p for p in module.parameters() if p.ndim > 1]
    free = [p for p in module.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    betas = (settings.beta1, settings.beta2)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, fused=True)
