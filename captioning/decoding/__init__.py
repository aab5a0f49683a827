"""From a captioner and images to captions: greedily, by beams or by sampling (arguments, settings,
search, beam_search), with a limit on the length always; and how probable the captioner finds a
caption that it is given (surprise). Images come in as batches (image_batches), a frozen caption of
each goes out (captions). Start at captions.py."""
