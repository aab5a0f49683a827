"""What else is right, though the split does not label it: human labels of CxC and ECCV Caption
(label_files, extended_relevance), metrics under them, and documents that the captions themselves
make plausible (plausible_documents, audit). Start at extended_relevance.py."""
