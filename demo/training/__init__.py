"""The demo's small models, trained on scenes of their own: detector, LXMERT, CLIP, X-VLM, Sx3HRe,
with their vocabularies. Scenes come in, HF checkpoint folders go out. Start at
training_scenes.py."""
