"""Download pretrained models from the Hugging Face hub, for machines that later have no network.

Writes into the hub's cache (HF_HOME, else ~/.cache/huggingface), where the commands that are given
the same names find them; goes on where it was killed. HF_ENDPOINT names another server, HF_TOKEN is
for private models; HF_HUB_OFFLINE=1 keeps the later commands from asking the server.

    python -m preprocess.download_weights \\
        --models unc-nlp/lxmert-base-uncased unc-nlp/frcnn-vg-finetuned

About 4 GB for the three default models (an estimate).
"""

from dataclasses import dataclass, field

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError

from preprocess.command_line import parse_arguments, run_command
from preprocess.errors import InputError

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


def download_model(hub_id: str) -> str:
    """Return the folder of the cache that has the model. Raises InputError where it cannot be."""
    try:
        return snapshot_download(hub_id, ignore_patterns=list(UNUSED))
    except (HFValidationError, OSError) as error:
        raise InputError(
            f"{hub_id}: cannot be downloaded ({error}); check the name and the network, or name "
            "another server in HF_ENDPOINT; the same command goes on"
        ) from error


def main() -> None:
    arguments = parse_arguments(DownloadWeightsArguments, description=__doc__)
    for hub_id in arguments.models:
        print(f"{hub_id}: {download_model(hub_id)}")


if __name__ == "__main__":
    run_command(main)
