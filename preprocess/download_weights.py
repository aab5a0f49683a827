"""Download pretrained models from the Hugging Face hub, for machines that later have no network.

Writes into the hub's cache (HF_HOME, else ~/.cache/huggingface), where the commands that are given
the same names find them; goes on where it was killed. HF_ENDPOINT names another server, HF_TOKEN is
for private models; HF_HUB_OFFLINE=1 keeps the later commands from asking the server.

    python -m preprocess.download_weights \\
        --models unc-nlp/lxmert-base-uncased unc-nlp/frcnn-vg-finetuned

About 4 GB for the three default models (an estimate). The hub's library compares the sizes of what
arrives; here the SHA-256 of each large file (those in Git LFS: the weights) is compared with the
hub's, also of files that were there already. Small text files have their size compared only.
"""

from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import model_info, snapshot_download
from huggingface_hub.errors import HFValidationError, HTTPError

from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import sha256_of_file

MODELS = (
    "unc-nlp/lxmert-base-uncased",
    "unc-nlp/frcnn-vg-finetuned",
    "openai/clip-vit-base-patch32",
)
# The same weights for TensorFlow, Flax, Rust and ONNX.
UNUSED = ("*.h5", "*.msgpack", "*.ot", "*.onnx", "onnx/*", "*.tflite")


@dataclass
class DownloadWeightsArguments:
    models: list[str] = field(
        default_factory=lambda: list(MODELS), metadata={"help": "hub ids of models"}
    )


def download_model(hub_id: str) -> Path:
    """Return the folder of the cache that has the model. Raises InputError where it cannot be."""
    try:
        return Path(snapshot_download(hub_id, ignore_patterns=list(UNUSED)))
    except (HFValidationError, OSError) as error:
        raise InputError(
            f"{hub_id}: cannot be downloaded ({error}); check the name and the network, or name "
            "another server in HF_ENDPOINT; the same command goes on"
        ) from error


def check_model(hub_id: str, folder: Path) -> bool:
    """Compare the large files of a model with the hub's SHA-256.

    Args:
        folder: as `download_model` returns it, named by the commit.

    Returns:
        Whether the hub could be asked; a model that was there already needs no network.

    Raises:
        InputError: a file is another one.
    """
    try:
        info = model_info(hub_id, revision=folder.name, files_metadata=True)
    except (OSError, HTTPError):  # of the HTTP package that the hub's library uses
        return False
    for file in info.siblings or []:
        path = folder / file.rfilename
        if file.lfs is None or not path.exists():
            continue
        found = sha256_of_file(path)
        if found != file.lfs.sha256:
            raise InputError(
                f"{hub_id}: {file.rfilename}: expected SHA-256 {file.lfs.sha256}, found {found}; "
                f"remove {path.resolve()}, and the same command downloads it again"
            )
    return True


def main() -> None:
    arguments = parse_arguments(DownloadWeightsArguments, description=__doc__)
    for hub_id in arguments.models:
        folder = download_model(hub_id)
        is_checked = check_model(hub_id, folder)
        print(f"{hub_id}: {folder}" + " (not compared: the hub does not answer)" * (not is_checked))


if __name__ == "__main__":
    run_command(main, "what is downloaded is kept; the same command goes on")
