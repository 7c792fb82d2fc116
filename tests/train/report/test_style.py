"""One order and one look for each method, whichever others are there."""

from train.report.style import looks, ordered


def test_order_and_look_do_not_depend_on_the_others():
    titles = {"flow": "Flow", "pixelwise": "Pixelwise", "ddpm": "DDPM", "strange": "Strange"}
    assert ordered(titles) == ["pixelwise", "ddpm", "flow", "strange"]
    every = looks(titles)
    assert list(every) == ordered(titles)
    assert looks({"flow": "Flow"})["flow"] == every["flow"]


def test_no_two_methods_look_alike():
    names = ["identity", "pixelwise", "l1", "crps", "pix2pix", "ddpm", "indi", "score_sde", "edm",
             "flow", "dim", "a", "b", "c"]  # fmt: skip
    found = looks({name: name for name in names}).values()
    assert len({look.color for look in found}) == len(names)
