"""The demo's small models, trained on scenes of their own: detector, LXMERT, CLIP and X-VLM, with
their vocabularies. Scenes come in, HF checkpoint folders go out. Start at training_scenes.py."""
