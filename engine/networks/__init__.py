"""Networks: the attention U-Net and the patch discriminator."""
