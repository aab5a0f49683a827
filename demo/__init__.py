"""The miniature COCO, whose causes of hard queries are planted and labelled. The top level holds
the commands: images and annotations are rendered (render), the small models are made (train_models,
into models/), what regions teach the X-VLM is measured (xvlm_ablation), and what the rules and
models find of what was planted is counted (kinds, reasons, image_reasons). Start at render.py."""
