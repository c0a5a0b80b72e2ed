"""Evaluations of the literature as presets: pictures, sizes, resampling, metrics, figures.

Figures are the papers', or those who quote them: they were read, not measured here, and a table
shows them apart from what it measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.errors import unknown


@dataclass(frozen=True)
class Published:
    """Figures of one source.

    Attributes:
        source: where they were read.
        columns: what each number is, with its unit.
        rows: a method's name, as the source has it, to its numbers; None where it has none.
    """

    source: str
    columns: Sequence[str]
    rows: Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class Protocol:
    """One paper's evaluation.

    Attributes:
        name: what `--protocol` takes.
        paper: whose it is.
        help: one line for `--help`.
        dataset: the dataset plugin, unless the user names another.
        contents: how many contents the paper has; None where it does not say.
        styles: likewise.
        sizes: sides in pixels.
        metrics: ids.
        square: see `bench.images.Fit`.
        filter: likewise.
        published: figures to read beside it.
        not_reproduced: what is otherwise here, or could not be had.
    """

    name: str
    paper: str
    help: str
    dataset: str
    contents: int | None
    styles: int | None
    sizes: Sequence[int]
    metrics: Sequence[str]
    square: Literal["crop", "squash"] = "crop"
    filter: Literal["lanczos", "bicubic", "bilinear"] = "lanczos"
    published: Sequence[Published] = ()
    not_reproduced: Sequence[str] = ()

    @property
    def command(self) -> str:
        """The words that begin it, the user's pictures in capitals."""
        pictures = {
            "folder": " --content PHOTOS/ --style PAINTINGS/",
            "styleid": " --option styleid.root=STYLEID/",
            "stylebench": " --option stylebench.root=STYLEBENCH/",
        }
        return f"bench run --protocol {self.name}{pictures.get(self.dataset, '')}"


_UNTESTED = (
    "weights that must be downloaded were not there where this was written: no number of "
    + ("the paper was reproduced with them")
)

_TABLE_IX = Published(
    "Ioannou, Maddock 2024, Table IX (contents and styles of Mould and Rosin, other pictures than "
    "here), as the repository StyleBridge quotes it",
    ("SSIM", "LPIPS", "SIFID"),
    {
        "AdaIN": (0.2588, 0.5174, 0.6223),
        "AdaAttN": (0.4705, 0.4766, 18.3407),
        "SANet": (0.3096, 0.5373, 1.1592),
        "StyTr²": (0.4882, 0.4693, 1.1089),
    },
)

_PROTOCOLS = (
    Protocol(
        "styleid-800",
        "Chung, Hyun, Heo, CVPR 2024 (StyleID)",
        "20 photographs by 40 paintings, ArtFID and its parts",
        "styleid",
        20,
        40,
        (512,),
        ("artfid/1@art-inception", "fid/1@art-inception", "lpips/1@alexnet", "cfsd/1@vgg19"),
        published=(
            Published(
                "README of ameyskulkarni/scheduled_style_injection, which quotes the papers",
                ("ArtFID", "FID", "LPIPS", "CFSD"),
                {
                    "AdaIN": (30.933, 18.242, 0.608, 0.315),
                    "StyTr²": (30.720, 18.890, 0.545, 0.301),
                    "AesPA-Net": (31.420, 19.760, 0.514, 0.246),
                    "StyleID": (28.801, 18.131, 0.505, 0.228),
                    "AttenST": (28.693, 18.559, 0.467, None),
                    "SSI (cos-γ)": (26.976, 16.124, 0.575, 0.297),
                },
            ),
        ),
        not_reproduced=(
            "HistoGAN's colour loss as their script has it (150 px; here it is histogram/1)",
            "LPIPS of grey pictures, which their README adds",
            "art-fid's extrapolation: with up to 5,000 pictures it gives the plain FID",
            _UNTESTED,
        ),
    ),
    Protocol(
        "artfid",
        "Wright, Ommer, GCPR 2022 (ArtFID)",
        "ArtFID of your pictures; the paper's are 50,000 random pairs",
        "folder",
        None,
        None,
        (512,),
        ("artfid/1@art-inception", "fid/1@art-inception", "lpips/1@alexnet"),
        not_reproduced=(
            "50,000 content and style pairs drawn at random, five times over: here every content "
            "is made in every style",
            "pictures from Places365, WikiArt and BAM, which are not published as a set",
            "art-fid resizes nothing; here all become squares of the run's size",
            "figures of the paper: none could be read where this was written",
            _UNTESTED,
        ),
    ),
    Protocol(
        "adaattn",
        "Liu et al., ICCV 2021 (AdaAttN)",
        "512 px squashed, speed at two sizes, structure and the losses of tables since",
        "folder",
        None,
        None,
        (256, 512),
        (
            "ssim/1",
            "lpips/1@alexnet",
            "sifid/1@inception-v3",
            "content-loss/1@vgg19-normalised",
            "style-loss/1@vgg19-normalised",
        ),
        square="squash",
        filter="bicubic",
        published=(_TABLE_IX,),
        not_reproduced=(
            "the paper's own evaluation is people's votes and seconds on a GPU of 2021",
            "its video metric by optical flow: see the dataset clip",
            "figures of the paper: none could be read where this was written",
            _UNTESTED,
        ),
    ),
    Protocol(
        "stytr2",
        "Deng et al., CVPR 2022 (StyTr²)",
        "800 pictures of 20 photographs by 40 paintings, content and style loss",
        "folder",
        20,
        40,
        (512,),
        ("content-loss/1@vgg19-normalised", "style-loss/1@vgg19-normalised"),
        filter="bilinear",
        published=(_TABLE_IX,),
        not_reproduced=(
            "the scorer is not published (issues 23, 26 and 38 of diyiiyiii/StyTR-2 ask for it): "
            "these are MicroAST's formulas, on red, green, blue",
            "users who tried had to reduce the stylized pictures to 256 px before the losses",
            "the 20 photographs and 40 paintings are not published",
            "figures of the paper: none could be read where this was written",
            _UNTESTED,
        ),
    ),
    Protocol(
        "csd",
        "Somepalli et al. 2024 (CSD), with StyleShot's StyleBench (Gao et al. 2024)",
        "style by CSD, CLIP and DINOv2 on 73 styles of several pictures",
        "stylebench",
        40,
        73,
        (512,),
        (
            "csd/1@csd-vit-l14",
            "clip-style/1@clip-vit-l14",
            "clip-content/1@clip-vit-l14",
            "dinov2-style/1@dinov2-vitb14",
            "dinov2-content/1@dinov2-vitb14",
        ),
        not_reproduced=(
            "CSD's own evaluation is retrieval from WikiArt, not style transfer",
            "the authors say that the published weights do not quite give the paper's numbers",
            "StyleShot evaluates each of the 490 pictures by itself; here a style is its folder",
            "figures: none could be read where this was written",
            _UNTESTED,
        ),
    ),
    Protocol(
        "johnson-2016",
        "Johnson, Alahi, Fei-Fei, ECCV 2016",
        "one network per style: seconds at three sizes, and the objective on VGG16",
        "folder",
        50,
        None,
        (256, 512, 1024),
        ("content/1@vgg16", "gram/1@vgg16"),
        published=(
            Published(
                "README of jcjohnson/fast-neural-style: a Pascal Titan X, 1200 × 630 px",
                ("ms a picture",),
                {"Johnson, with instance normalisation": (50.0,)},
            ),
        ),
        not_reproduced=(
            "50 pictures of MS-COCO's validation set, which the paper does not name",
            "the paper's weighted objective: here both terms apart, each relative to its target",
            "the paper's tables: none could be read where this was written",
            _UNTESTED,
        ),
    ),
    Protocol(
        "metastyle",
        "Zhang, Zhu, Zhu, AAAI 2019 (MetaStyle)",
        "what a style costs and seconds a picture, at 256 and 512 px",
        "default",
        None,
        None,
        (256, 512),
        (
            "color/1",
            "content/1@vgg16-bsds",
            "gram/1@vgg16-bsds",
            "content/1@vgg16",
            "gram/1@vgg16",
            "ssim/1",
        ),
        filter="bilinear",
        published=(
            Published(
                "Table 1, as the authors' blog has it; seconds a picture once a style is ready, "
                "the GPU is not told",
                ("s at 256 px", "s at 512 px", "million parameters"),
                {
                    "Gatys": (7.7428, 27.0517, None),
                    "Johnson": (0.0044, 0.0146, 1.68),
                    "Li (WCT)": (0.6887, 1.2335, 34.23),
                    "Huang (AdaIN)": (0.0165, 0.0320, 7.01),
                    "Shen (Meta Networks)": (0.0045, 0.0147, 219.32),
                    "Sheng (Avatar-Net)": (0.5089, 0.6088, 147.22),
                    "Chen & Schmidt (Style-Swap)": (0.2679, 1.0890, 1.48),
                    "MetaStyle": (0.0047, 0.0145, 1.68),
                },
            ),
        ),
        not_reproduced=(
            "the pictures: MS-COCO and WikiArt, of which the paper shows some; here the embedded",
            "styles are squashed there, here the centred square of every picture is cut out",
            "the paper reports no number of quality",
        ),
    ),
)

PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in _PROTOCOLS}


def named(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        BenchError: there is none; the message has the nearest.
    """
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def notes(name: str, differs: Sequence[str]) -> list[str]:
    """What a table says of a run that went by a protocol."""
    protocol = PROTOCOLS.get(name)
    if protocol is None:  # of a newer or older bench
        return [f"protocol {name}"]
    but = f", but for: {'; '.join(differs)}" if differs else ""
    parts = [f"protocol {name}, {protocol.paper}{but}"]
    for figures in protocol.published:
        rows = (
            f"{method} {', '.join(map(_figure, numbers))}"
            for method, numbers in figures.rows.items()
        )
        parts.append(
            f"published, not measured here ({figures.source}): {', '.join(figures.columns)}: "
            + "; ".join(rows)
        )
    parts.append(f"not reproduced: {'; '.join(protocol.not_reproduced)}")
    return parts


def _figure(number: float | None) -> str:
    return "-" if number is None else f"{number:g}"
