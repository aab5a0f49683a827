"""Sx3HRe, a dual encoder that is distilled from an image model: one vector of an image or caption.
The first layers of an image and of a text Transformer (encoders), one block that both pass through
(shared_block), the model and what it compares (model, configuration), and one to begin with
(initialisation). Start at model.py."""
