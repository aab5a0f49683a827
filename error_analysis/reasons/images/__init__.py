"""Why an image is hard, or a retrieved document right after all: objects that people or the
detector marked (objects), one taken for another (salient_object, confusion_matrix), details that
contradict or are missing, low quality, unusual poses (poses of people), small objects, plausible
documents, and whether detector or matcher missed it (region_presence). Queries come in, `Reason`s
go out. Start at image_reasons.py."""
